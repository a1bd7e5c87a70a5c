"""Whatever is asked, the service answers: filters, orders, paths, bodies and batches made at random."""

import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.conformance.sta_service import Sta, stream_body, thing_body

FUZZ = settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
"""So many of each kind; the same ones in every run, so that a red test is red again."""

COLLECTIONS = (
    "Things",
    "Locations",
    "HistoricalLocations",
    "Datastreams",
    "Sensors",
    "ObservedProperties",
    "Observations",
    "FeaturesOfInterest",
)
MEMBERS = (
    "id",
    "name",
    "description",
    "properties/a",
    "properties",
    "result",
    "result/a/b",
    "phenomenonTime",
    "resultTime",
    "validTime",
    "time",
    "unitOfMeasurement/name",
    "location",
    "feature",
    "observedArea",
    "Datastream/name",
    "Datastreams/Observations/result",
    "Thing/Locations/location",
    "FeatureOfInterest/feature",
    "Observations/phenomenonTime",
    "nothing",
)
LITERALS = (
    "1",
    "-1.5e300",
    "9223372036854775808",
    "1e999",
    "'text'",
    "''''",
    "'%'",
    "true",
    "null",
    "2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00+08:00/2026-01-02T00:00:00Z",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "2026-13-45T99:99:99Z",
    "duration'P1D'",
    "duration'P99999999999D'",
    "2026-01-01",
    "12:30:00",
    "geography'POINT(1 2)'",
    "geography'POLYGON((0 0,1 0,1 1,0 0))'",
    "geography'POLYGON EMPTY'",
    "geography'nonsense'",
)
FUNCTIONS = str.split(
    "substringof startswith endswith contains length indexof substring tolower toupper trim concat year month day hour "
    "minute second fractionalseconds date time totaloffsetminutes now mindatetime maxdatetime round floor ceiling "
    "geo.distance geo.length geo.intersects st_equals st_within st_relate before after meets during overlaps starts "
    "finishes nothing"
)
OPERATORS = str.split("eq ne gt ge lt le and or add sub mul div mod in")


def _wider(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    called = st.builds(
        lambda name, values: f"{name}({','.join(values)})", st.sampled_from(FUNCTIONS), st.lists(inner, max_size=3)
    )
    joined = st.builds(lambda a, name, b: f"({a} {name} {b})", inner, st.sampled_from(OPERATORS), inner)
    return called | joined | inner.map(lambda text: f"not ({text})")


leaves = st.sampled_from(MEMBERS) | st.sampled_from(LITERALS)
expressions = st.recursive(leaves, _wider, max_leaves=8)
torn = st.builds(
    lambda text, at, more: text[:at] + more + text[at:], expressions, st.integers(0, 40), st.text(max_size=3)
)
filters = expressions | torn | st.text(max_size=40)
keys = st.sampled_from(
    ("(1)", "(0)", "('1')", "(9223372036854775807)", "(99999999999999999999)", "(-1)", "()", "(x)", "")
)
words = (*COLLECTIONS, "Thing", "Datastream", "Sensor", "name", "result", "properties", "$ref", "$value", "@iot.id", "")
segments = st.builds(lambda word, key: word + key, st.sampled_from(words) | st.text(max_size=6), keys)
paths = st.lists(segments, min_size=1, max_size=13).map("/".join)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(("@iot.id", "name", "x")), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.fixture
def client(sta: Sta) -> httpx.Client:
    stream = sta.stream("水", properties={"a": 1})
    for number, result in enumerate((1, "text", None, {"a": {"b": 2}}, [1], True, 2**60)):
        sta.observe(stream, result, f"2026-01-0{number + 1}T00:00:00Z")
    return sta.client


def answered(answer: httpx.Response, *, method: str = "GET") -> None:
    """Check that a request was answered: it is done, or it is refused with words."""
    assert answer.status_code < 500, (method, str(answer.url), answer.text)
    if answer.status_code >= 400:
        assert answer.json()["code"] == answer.status_code
        assert answer.json()["message"]


@FUZZ
@given(collection=st.sampled_from(COLLECTIONS), text=filters)
@example(collection="Things", text="(" * 5000)
@example(collection="Things", text="not " * 3000 + "true")
@example(collection="Observations", text="result eq " + "9" * 5000)
@example(collection="Things", text="substring(name,1e300,-1e300) eq 'a'")
@example(collection="Observations", text="phenomenonTime add duration'P99999Y' gt now()")
def test_any_filter_is_answered(client: httpx.Client, collection: str, text: str) -> None:
    encoded = quote(text.encode("utf-8", "replace"))
    answered(client.get(f"{collection}?$count=true&$filter={encoded}"))
    answered(client.get(f"{collection}?$orderby={encoded}&$top=1"))


@FUZZ
@given(path=paths)
def test_any_path_is_answered(client: httpx.Client, path: str) -> None:
    encoded = quote(path.encode("utf-8", "replace"), safe="/()$'@")
    if encoded.startswith("/"):
        encoded = "." + encoded
    answered(client.get(encoded))
    for method in ("POST", "PATCH", "PUT", "DELETE"):
        answered(client.request(method, f"{encoded}/x", json={}), method=method)


@FUZZ
@given(
    name=st.sampled_from(("$expand", "$select", "$top", "$skip", "$count", "$resultFormat", "$orderby", "$x", "x")),
    text=st.text(max_size=30)
    | st.sampled_from(("Datastreams($expand=Thing;$top=1)", "Datastreams(", "1", "CSV", "a,b/c")),
)
def test_any_option_is_answered(client: httpx.Client, name: str, text: str) -> None:
    answered(client.get(f"Things?{name}={quote(text.encode('utf-8', 'replace'))}"))


@FUZZ
@given(
    collection=st.sampled_from(COLLECTIONS),
    drops=st.sets(st.sampled_from(("name", "description", "Sensor", "unitOfMeasurement")), max_size=2),
    name=st.sampled_from(("name", "properties", "Locations", "Thing", "result", "encodingType", "x", "@iot.id")),
    value=values,
)
def test_any_body_is_answered(client: httpx.Client, collection: str, drops: set[str], name: str, value: Any) -> None:
    body = {**(stream_body() if collection == "Datastreams" else thing_body()), name: value}
    body = {member: inner for member, inner in body.items() if member not in drops}
    answered(client.post(collection, json=body), method="POST")
    answered(client.patch(f"{collection}(1)", json=body), method="PATCH")
    answered(client.post("CreateObservations", json=[body, value]), method="POST")


requests = st.fixed_dictionaries(
    {
        "id": st.text(max_size=2),
        "method": st.sampled_from(("GET", "POST", "PATCH", "DELETE", "X")),
        "url": paths | filters,
    },
    optional={"body": values, "atomicityGroup": st.sampled_from(("a", "b")), "headers": st.just({"X": "ä"})},
)
lines = st.sampled_from(
    (
        b"--b",
        b"--b--",
        b"--c",
        b"--c--",
        b"Content-Type: application/http",
        b"Content-Type: multipart/mixed;boundary=c",
        b"Content-ID: 1",
        b"GET Things HTTP/1.1",
        b"POST $1/Datastreams HTTP/1.1",
        b"PATCH Things(1)",
        b'{"name":"x","Thing":{"@iot.id":"$1"}}',
        b"",
        b"\xff\x00",
    )
)


@FUZZ
@given(batch=st.lists(requests, max_size=4))
def test_any_batch_in_json_is_answered(client: httpx.Client, batch: list[dict[str, Any]]) -> None:
    content = json.dumps({"requests": batch}).encode()
    answer = client.post("$batch", content=content, headers={"Content-Type": "application/json"})
    answered(answer, method="POST")
    if answer.status_code == 200:
        assert len(answer.json()["responses"]) == len(batch)
        assert all(response["status"] < 500 for response in answer.json()["responses"]), answer.text


@FUZZ
@given(body=st.lists(lines, max_size=20), newline=st.sampled_from((b"\n", b"\r\n")))
def test_any_batch_in_parts_is_answered(client: httpx.Client, body: list[bytes], newline: bytes) -> None:
    content = newline.join([b"--b", *body, b"--b--"])
    answer = client.post("$batch", content=content, headers={"Content-Type": "multipart/mixed;boundary=b"})
    answered(answer, method="POST")
    assert b"HTTP/1.1 5" not in answer.content


@FUZZ
@given(content=st.binary(max_size=200), kind=st.sampled_from(("application/json", "multipart/mixed;boundary=b", "x/y")))
def test_any_bytes_are_answered(client: httpx.Client, content: bytes, kind: str) -> None:
    for path in ("$batch", "Things", "Observations", "CreateObservations"):
        answered(client.post(path, content=content, headers={"Content-Type": kind}), method="POST")
