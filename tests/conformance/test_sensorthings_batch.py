"""A.4 Batch: multipart and JSON, changesets all or nothing, references to what earlier requests made."""

import email
import email.policy
import json
from typing import Any

import pytest

from tests.conformance.sta_service import Sta, property_body, sensor_body, stream_body, thing_body


def inner(method: str, url: str, body: Any = None, *, name: str = "", kind: str = "application/json") -> str:
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    lines += [f"Content-ID: {name}"] if name else []
    lines += ["", f"{method} {url} HTTP/1.1", "Host: localhost"]
    text = json.dumps(body) if body is not None else ""
    lines += [f"Content-Type: {kind}", f"Content-Length: {len(text)}"] if text else []
    return "\r\n".join([*lines, "", text])


def multipart(boundary: str, *parts: str) -> str:
    return "".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + f"--{boundary}--\r\n"


def changeset(*parts: str) -> str:
    return "Content-Type: multipart/mixed;boundary=changeset_1\r\n\r\n" + multipart("changeset_1", *parts)


def sent(sta: Sta, *parts: str) -> list[Any]:
    """Send a batch and return its answers, those of a changeset as a list."""
    headers = {"Content-Type": "multipart/mixed;boundary=batch_1"}
    answer = sta.client.post("$batch", content=multipart("batch_1", *parts).encode(), headers=headers)
    assert answer.status_code == 200, answer.text
    head = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + answer.content, policy=email.policy.HTTP)
    return [read(part) for part in message.iter_parts()]


def read(part: Any) -> Any:
    if part.get_content_type() == "multipart/mixed":
        return [read(item) for item in part.iter_parts()]
    text = part.get_payload(decode=True).decode()
    head, _, body = text.partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    status = int(first.split(" ")[1])
    return status, {**headers, "content-id": part["content-id"]}, json.loads(body) if body.strip() else None


def in_json(sta: Sta, *requests: dict[str, Any]) -> list[dict[str, Any]]:
    numbered = [{"id": str(number), "method": "GET", **request} for number, request in enumerate(requests)]
    answer = sta.send("POST", "$batch", {"requests": numbered})
    assert answer.status_code == 200, answer.text
    responses: list[dict[str, Any]] = answer.json()["responses"]
    assert [response["id"] for response in responses] == [request["id"] for request in numbered]
    return responses


def test_a_batch_of_one_get(sta: Sta) -> None:
    key = sta.create("Things", thing_body("one"))
    ((status, headers, body),) = sent(sta, inner("GET", f"Things({key})?$select=name"))
    assert (status, headers["content-type"], body) == (200, "application/json", {"name": "one"})


@pytest.mark.parametrize("prefix", ["", "/sta/v1.1/", "/", "/v1.1/", "http://localhost/sta/v1.1/"])
def test_absolute_and_relative_addresses(sta: Sta, prefix: str) -> None:
    key = sta.create("Things", thing_body("one"))
    (status, _, body), (missing, _, _) = sent(
        sta, inner("GET", f"{prefix}Things({key})"), inner("GET", f"{prefix}Things(999999)")
    )
    assert (status, body["name"], missing) == (200, "one", 404)


def test_encoded_characters_in_addresses(sta: Sta) -> None:
    sta.create("Things", thing_body("水 泵 & 'one'/two"))
    encoded = "Things?$filter=name%20eq%20%27%E6%B0%B4%20%E6%B3%B5%20%26%20%27%27one%27%27%2Ftwo%27"
    plain = "Things?$filter=name eq '水 泵 %26 ''one''/two'&$count=true"
    for url in (encoded, plain):
        (status, _, body), *_ = sent(sta, inner("GET", url))
        assert (status, len(body["value"])) == (200, 1)
        assert in_json(sta, {"url": url})[0]["body"]["value"][0]["name"] == "水 泵 & 'one'/two"


def test_a_changeset_makes_all(sta: Sta) -> None:
    answers = sent(
        sta,
        changeset(
            inner("POST", "Things", thing_body("a"), name="1"), inner("POST", "Things", thing_body("b"), name="2")
        ),
        inner("GET", "Things?$orderby=name"),
    )
    assert [(status, headers["content-id"]) for status, headers, _ in answers[0]] == [(201, "1"), (201, "2")]
    assert all(headers["location"].endswith(f"({body['@iot.id']})") for _, headers, body in answers[0])
    assert [thing["name"] for thing in answers[1][2]["value"]] == ["a", "b"]


def test_a_changeset_makes_nothing_where_one_request_fails(sta: Sta) -> None:
    kept = sta.create("Things", thing_body("kept"))
    answers = sent(
        sta,
        changeset(
            inner("POST", "Things", thing_body("a"), name="1"),
            inner("PATCH", f"Things({kept})", {"name": "changed"}, name="2"),
            inner("POST", "Things", {"name": "without description"}, name="3"),
        ),
        inner("POST", "Things", thing_body("after")),
    )
    status, headers, body = answers[0]
    assert (status, headers["content-id"], body["field"]) == (400, "3", "description")
    assert answers[1][0] == 201
    assert sorted(sta.names("Things")) == ["after", "kept"]


def test_references_within_a_changeset(sta: Sta) -> None:
    stream = {**stream_body(), "Thing": {"@iot.id": "$thing"}, "Sensor": {"@iot.id": "$sensor"}}
    stream["ObservedProperty"] = {"@iot.id": "$property"}
    (answers,) = sent(
        sta,
        changeset(
            inner("POST", "Things", thing_body("pump", at=(116, 40)), name="thing"),
            inner("POST", "Sensors", sensor_body("gauge"), name="sensor"),
            inner("POST", "ObservedProperties", property_body("level"), name="property"),
            inner("POST", "Datastreams", stream, name="stream"),
            inner("POST", "$stream/Observations", {"result": 4}, name="reading"),
            inner("POST", "Observations", {"result": "text", "Datastream": {"@iot.id": "$stream"}}),
        ),
    )
    assert [status for status, _, _ in answers] == [201] * 6
    thing = sta.get(
        f"Things({answers[0][2]['@iot.id']})", expand="Datastreams($expand=Sensor,Observations($orderby=id))"
    )
    assert thing["Datastreams"][0]["Sensor"]["name"] == "gauge"
    assert [item["result"] for item in thing["Datastreams"][0]["Observations"]] == [4, "text"]
    assert answers[4][1]["location"] == thing["Datastreams"][0]["Observations"][0]["@iot.selfLink"]


def test_references_between_requests_and_changes_of_what_was_made(sta: Sta) -> None:
    answers = sent(
        sta,
        inner("POST", "Things", thing_body("old"), name="one"),
        inner("PATCH", "$one", {"name": "new"}),
        changeset(
            inner("PATCH", "$one", {"description": "changed"}), inner("POST", "Things", thing_body("x"), name="x")
        ),
        inner("GET", "$one?$select=name,description"),
        inner("DELETE", "$x"),
        inner("GET", "$nobody"),
    )
    assert answers[3][2] == {"name": "new", "description": "changed"}
    assert [answers[number][0] for number in (0, 1, 4, 5)] == [201, 200, 200, 404]


def test_a_json_patch_in_a_batch(sta: Sta) -> None:
    key = sta.create("Things", thing_body("old"))
    patch = [{"op": "replace", "path": "/name", "value": "new"}]
    part = inner("PATCH", f"Things({key})", patch, kind="application/json-patch+json")
    assert [answer[0] for answer in sent(sta, part)] == [200]
    assert [[one[0] for one in answer] for answer in sent(sta, changeset(part))] == [[200]]


def test_the_json_form(sta: Sta) -> None:
    made, changed, listed, missing = in_json(
        sta,
        {"method": "POST", "url": "Things", "body": thing_body("one")},
        {"method": "PATCH", "url": "$0", "body": {"name": "two"}, "headers": {"Content-Type": "application/json"}},
        {"url": "Things?$count=true&$select=name"},
        {"method": "delete", "url": "Things(999999)"},
    )
    assert made["status"] == 201
    assert made["location"] == made["body"]["@iot.selfLink"]
    assert (changed["status"], changed["body"]["name"]) == (200, "two")
    assert listed["body"] == {"@iot.count": 1, "value": [{"name": "two"}]}
    assert (missing["status"], missing["body"]["code"]) == (404, 404)


def test_a_group_of_the_json_form_is_all_or_nothing(sta: Sta) -> None:
    good = {"method": "POST", "url": "Things", "body": thing_body("one"), "atomicityGroup": "g"}
    bad = {"method": "POST", "url": "Things", "body": {}, "atomicityGroup": "g"}
    assert [answer["status"] for answer in in_json(sta, good, bad, {"url": "Things"})] == [424, 400, 200]
    assert sta.names("Things") == []
    assert [answer["status"] for answer in in_json(sta, good, good)] == [201, 201]
    torn = {"requests": [{**good, "id": "1"}, {"id": "2", "method": "GET", "url": "Things"}, {**good, "id": "3"}]}
    assert sta.send("POST", "$batch", torn).status_code == 400


def test_other_formats_travel_in_the_json_form(sta: Sta) -> None:
    sta.create("Things", thing_body("one"))
    (answer,) = in_json(sta, {"url": "Things?$resultFormat=CSV&$select=name"})
    assert (answer["headers"]["Content-Type"], answer["body"]) == ("text/csv; charset=utf-8", "name\r\none\r\n")


def test_data_arrays_travel_in_a_batch(sta: Sta) -> None:
    stream = sta.stream()
    array = [{"Datastream": {"@iot.id": stream}, "components": ["result"], "dataArray": [[1], [2]]}]
    (answer,) = in_json(sta, {"method": "POST", "url": "CreateObservations", "body": array})
    assert (answer["status"], len(answer["body"])) == (201, 2)


def test_a_changeset_that_adds_observations_only_creates(sta: Sta) -> None:
    stream = sta.stream("old")
    group = {"atomicityGroup": "g"}
    changed, added = in_json(
        sta,
        {"method": "PATCH", "url": f"Datastreams({stream})", "body": {"name": "new"}, **group},
        {"method": "POST", "url": f"Datastreams({stream})/Observations", "body": {"result": 1}, **group},
    )
    assert {changed["status"], added["status"]} == {400, 424}
    assert sta.names("Datastreams") == ["old"]
    assert sta.get("Observations")["value"] == []


def test_observations_that_cannot_be_kept_take_their_changeset_back(sta: Sta) -> None:
    group = {"atomicityGroup": "g", "method": "POST"}
    stream = {**stream_body(), "Thing": {"@iot.id": "$0"}}
    for reading in ({"result": "\0"}, {"result": 1, "FeatureOfInterest": {"@iot.id": 99999}}):
        answers = in_json(
            sta,
            {"url": "Things", "body": thing_body(at=(116, 40)), **group},
            {"url": "Datastreams", "body": stream, **group},
            {"url": "$1/Observations", "body": reading, **group},
        )
        assert [answer["status"] for answer in answers] == [424, 424, 400]
        assert all(sta.get(name)["value"] == [] for name in ("Things", "Datastreams", "Observations", "Locations"))


def test_what_no_changeset_can_hold(sta: Sta) -> None:
    group = {"atomicityGroup": "g"}
    for request in ({"url": "Things"}, {"method": "POST", "url": "CreateObservations", "body": []}):
        assert in_json(sta, {**request, **group})[0]["status"] in {404, 405}
    assert in_json(sta, {"method": "POST", "url": "$batch", "body": {"requests": []}})[0]["status"] == 405


BROKEN: tuple[tuple[str, bytes], ...] = (
    ("multipart/mixed", b"--b--\r\n"),
    ("multipart/mixed;boundary=b", b""),
    ("multipart/mixed;boundary=b", b"--b\r\nno end"),
    ("multipart/mixed;boundary=b", b"--b\r\nContent-Type: text/plain\r\n\r\nGET Things\r\n--b--"),
    ("multipart/mixed;boundary=b", b"--b\r\nContent-Type: application/http\r\n\r\nnonsense\r\n--b--"),
    ("multipart/mixed;boundary=" + "b" * 71, b"--" + b"b" * 71 + b"--"),
    ("application/json", b"{"),
    ("application/json", b"[]"),
    ("application/json", b'{"requests":[{"url":"Things"}]}'),
    ("application/json", b'{"requests":[{"id":1,"method":"GET","url":"x"},{"id":1,"method":"GET","url":"x"}]}'),
    ("application/json", json.dumps({"requests": [{"method": "GET", "url": "Things"}] * 1001}).encode()),
)


@pytest.mark.parametrize(("kind", "body"), BROKEN)
def test_what_is_no_batch_is_refused(sta: Sta, kind: str, body: bytes) -> None:
    answer = sta.client.post("$batch", content=body, headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["code"]) == (400, 400)


def test_other_bodies_and_methods_are_refused(sta: Sta) -> None:
    assert sta.client.post("$batch", content=b"x", headers={"Content-Type": "text/plain"}).status_code == 415
    assert sta.client.get("$batch").status_code == 404
    assert sta.client.post("Things", content=b"x", headers={"Content-Type": "multipart/mixed"}).status_code == 415


def test_parts_with_bare_newlines_and_without_version_are_read(sta: Sta) -> None:
    body = b"--b\nContent-Type: application/http\n\nPOST Things\nContent-Type: application/json\n\n%s\n--b--"
    content = body % json.dumps(thing_body("bare")).encode()
    answer = sta.client.post("$batch", content=content, headers={"Content-Type": 'multipart/mixed; boundary="b"'})
    assert answer.status_code == 200
    assert sta.names("Things") == ["bare"]


def test_an_empty_batch_is_answered_empty(sta: Sta) -> None:
    assert sta.send("POST", "$batch", {"requests": []}).json() == {"responses": []}
    assert sent(sta, changeset()) == [[]]
