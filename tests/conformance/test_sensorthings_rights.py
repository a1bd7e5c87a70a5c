"""Rights: who has no contract sees nothing, who has one sees its data set and nothing else, however it is asked."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from cityloop.sense.stream.archive.closing import close_day
from tests.city import eventually
from tests.conformance.sta_owners import COLLECTIONS, EAST, SECRETS, Owners, built, ids_in
from tests.conformance.sta_service import Sta, location_body, property_body, sensor_body, stream_body, thing_body

ROUND = "geography'POLYGON((110 30,120 30,120 45,110 45,110 30))'"
SHAPES = (
    *COLLECTIONS,
    *(f"{name}?$count=true&$top=0" for name in COLLECTIONS),
    *(f"{name}/$ref" for name in COLLECTIONS),
    *(f"{name}?$resultFormat=CSV" for name in COLLECTIONS),
    "Observations?$resultFormat=dataArray&$count=true",
    "Things?$resultFormat=GeoJSON",
    "Locations?$resultFormat=GeoJSON",
    "Datastreams?$resultFormat=GeoJSON&$expand=Thing",
    "Observations?$resultFormat=GeoJSON",
    "Observations?$resultFormat=CSV&$expand=Datastream($expand=Thing),FeatureOfInterest",
    "Things({W})",
    "Things({A})",
    "Things({C})",
    "Datastreams({w1})",
    "Datastreams({w2})",
    "Datastreams({aw})",
    "Sensors({Saw})",
    "Sensors({Sw2})",
    "ObservedProperties({Pw1})",
    "FeaturesOfInterest({F})",
    "FeaturesOfInterest({Fa1})",
    "Observations({ow10})",
    "Observations({oaw})",
    "HistoricalLocations({H})",
    "Locations({L})",
    "Things({A})/Locations({L})",
    "Things({A})/Locations/$ref",
    "Things({W})/Datastreams?$count=true",
    "Things({W})/Datastreams({aw})",
    "Things({W})/Datastreams({aw})/Observations",
    "Things({W})/Locations",
    "Things({W})/Locations({L})/Things?$count=true",
    "Datastreams({aw})/Observations?$count=true",
    "Datastreams({w1})/Observations?$count=true",
    "Datastreams({a1})/Thing",
    "Datastreams({w1})/Thing/Datastreams/$ref",
    "Datastreams({a1})/name",
    "Datastreams({a1})/name/$value",
    "Datastreams({w1})/ObservedProperty/Datastreams",
    "Observations({oaw})/Datastream/Thing/Datastreams",
    "Observations({oaw})/result/$value",
    "Observations({ow10})/Datastream/Thing/Locations",
    "Observations({ow10})/FeatureOfInterest/Observations?$count=true",
    "FeaturesOfInterest({F})/Observations?$count=true",
    "Locations({L})/Things?$expand=Datastreams($expand=Observations)",
    "ObservedProperties({Pw1})/Datastreams?$count=true",
    "Things?$expand=Datastreams($count=true;$expand=Observations($count=true;$expand=FeatureOfInterest),Sensor)",
    "Things?$expand=Locations($expand=Things($expand=Datastreams)),HistoricalLocations($expand=Locations/Things)",
    "ObservedProperties?$expand=Datastreams($expand=Thing;$count=true)",
    "FeaturesOfInterest?$expand=Observations($count=true;$expand=Datastream)",
    "Datastreams?$expand=Thing($expand=Datastreams($expand=Observations))&$orderby=Thing/name desc",
    "Observations?$filter=Datastream/Thing/Datastreams/Observations/result ge 0&$count=true",
    "Things?$filter=Datastreams/Observations/result ge 0&$orderby=name desc",
    "Observations?$orderby=result desc&$top=1",
    "Observations?$filter=Datastream/id gt 0&$select=result",
    f"Locations?$filter=st_within(location,{ROUND})",
    f"Observations?$filter=st_within(FeatureOfInterest/feature,{ROUND})",
)
ORACLES = (
    "Things?$filter=Datastreams/name eq 'AIRSECRET two'",
    "Things?$filter=startswith(Datastreams/name,'AIR')",
    "Things?$filter=Datastreams/Observations/result gt 700",
    "Things?$filter=Datastreams/id eq {aw}",
    "Things?$filter=Locations/Things/name eq 'AIRSECRET'",
    "Locations?$filter=Things/Datastreams/Observations/result eq 777.25",
    "Datastreams?$filter=Thing/Datastreams/name eq 'AIRSECRET two'",
    "Datastreams?$filter=ObservedProperty/Datastreams/name eq 'AIRSECRET one'",
    "Observations?$filter=FeatureOfInterest/Observations/result eq 777.25",
    "ObservedProperties?$filter=Datastreams/name eq 'AIRSECRET one'",
    "HistoricalLocations?$filter=Thing/Datastreams/Observations/result eq 777.25",
    "Locations?$filter=geo.distance(Things/Locations/location,geography'POINT(116.4 39.9)') lt 1 and Things/id eq {A}",
)


@pytest.fixture(scope="module")
def owners(sta_dsn: str, sta_address: str, closed_address: str) -> Iterator[Owners]:
    with httpx.Client(base_url=f"{sta_address}/", timeout=30, headers={"Accept-Language": "en"}) as client:
        yield built(sta_dsn, closed_address, Sta(client))


@pytest.fixture(scope="module")
def stranger(owners: Owners) -> Iterator[httpx.Client]:
    with owners.client("stranger", organisation="strangers", datasets=("nothing",)) as client:
        yield client


@pytest.fixture(scope="module")
def partner(owners: Owners) -> Iterator[httpx.Client]:
    """A machine of an organisation that a contract lets read the data set `levels`."""
    with owners.client("partner", organisation="partners", datasets=("levels",)) as client:
        yield client


@pytest.fixture(scope="module")
def water(owners: Owners) -> Iterator[httpx.Client]:
    with owners.client("water", organisation="water", may_write=True) as client:
        yield client


def found(client: httpx.Client, address: str) -> str:
    """Return what is found at an address, without the links that say again what was asked; empty where nothing is."""
    answer = client.get(address)
    assert answer.status_code in {200, 404}, answer.text
    if answer.status_code == 404:
        return ""
    assert "application/json" not in answer.headers["content-type"] or json.loads(answer.text) is not None
    return answer.text


def _is_nothing(text: str, shape: str) -> None:
    assert not any(ids_in(text).values())
    if "CSV" in shape:
        assert len(text.splitlines()) == 1
        return
    body = json.loads(text) if text else {}
    assert body.get("value", []) == [] == body.get("features", [])
    assert body.get("@iot.count", 0) == 0
    assert set(body) <= {"value", "features", "type", "@iot.count"}


def _is_of_the_data_set(text: str, ids: dict[str, int]) -> None:
    named = ids_in(text)
    assert not [secret for secret in SECRETS if secret in text]
    assert named["Datastreams"] <= {ids["w1"], ids["wn"]}
    assert named["Things"] <= {ids["W"], ids["Wq"]}
    assert not named["Observations"] & {ids["ow20"], ids["oa1"], ids["oaw"], ids["oc1"]}
    assert not named["Sensors"] & {ids["Sw2"], ids["Sa1"], ids["Saw"], ids["Sc1"]}
    assert not named["FeaturesOfInterest"] & {ids["Fa1"], ids["Fc1"]}


@pytest.mark.parametrize("shape", SHAPES)
def test_who_has_no_contract_finds_nothing(owners: Owners, stranger: httpx.Client, shape: str) -> None:
    _is_nothing(found(stranger, owners.path(shape)), shape)


@pytest.mark.parametrize("shape", SHAPES)
def test_who_has_a_contract_finds_the_data_set_only(owners: Owners, partner: httpx.Client, shape: str) -> None:
    _is_of_the_data_set(found(partner, owners.path(shape)), owners.ids)


def test_a_contract_shows_all_that_its_streams_need(owners: Owners, partner: httpx.Client) -> None:
    ids = owners.ids
    counts = {name: partner.get(f"{name}?$count=true&$top=0").json()["@iot.count"] for name in COLLECTIONS}
    assert counts == {
        "Things": 2,
        "Locations": 2,
        "HistoricalLocations": 2,
        "Datastreams": 2,
        "Sensors": 2,
        "ObservedProperties": 2,
        "Observations": 4,
        "FeaturesOfInterest": 2,
    }
    thing = partner.get(f"Things({ids['W']})?$expand=Datastreams($expand=Observations($count=true))").json()
    assert [stream["@iot.id"] for stream in thing["Datastreams"]] == [ids["w1"]]
    assert thing["Datastreams"][0]["Observations@iot.count"] == 3
    assert partner.get(f"Datastreams({ids['w1']})/Observations?$count=true").json()["@iot.count"] == 3
    arrays = partner.get("Observations?$resultFormat=dataArray").json()["value"]
    assert sum(group["dataArray@iot.count"] for group in arrays) == 4
    for address in ("Observations({ow10})/FeatureOfInterest", "FeaturesOfInterest({F})", "Sensors({Sw1})/name/$value"):
        assert partner.get(owners.path(address)).status_code == 200


@pytest.mark.parametrize("question", ORACLES)
def test_no_filter_tells_of_what_is_not_seen(owners: Owners, partner: httpx.Client, question: str) -> None:
    address = owners.path(question)
    assert partner.get(address).json()["value"] == []
    assert owners.open.client.get(address).json()["value"] != []


@pytest.mark.parametrize("hidden", ["Things({A})", "Datastreams({aw})", "Observations({oaw})", "Sensors({Saw})"])
def test_what_is_not_seen_and_what_is_not_there_are_one(owners: Owners, partner: httpx.Client, hidden: str) -> None:
    address = owners.path(hidden)
    absent = address.partition("(")[0] + "(999999999)"
    for ending in ("", "/$ref", "/nothing", "?$expand=Datastream"):
        one, other = partner.get(address + ending), partner.get(absent + ending)
        assert one.status_code == other.status_code in {400, 404}
        assert one.text.replace(address, "") == other.text.replace(absent, "")


def test_an_owner_sees_its_own_and_what_stands_with_it(owners: Owners, water: httpx.Client) -> None:
    ids = owners.ids
    names = {stream["@iot.id"] for stream in water.get("Datastreams").json()["value"]}
    assert names == {ids["w1"], ids["w2"], ids["wn"]}
    assert {thing["@iot.id"] for thing in water.get("Things").json()["value"]} == {ids["W"], ids["Wq"]}


def test_an_area_narrows_what_an_organisation_sees(owners: Owners) -> None:
    with owners.client("water-east", organisation="water", area=EAST) as client:
        assert [stream["@iot.id"] for stream in client.get("Datastreams").json()["value"]] == [owners.ids["w1"]]
        assert client.get(f"Datastreams({owners.ids['w2']})").status_code == 404


def test_batches_obey_the_same_rights(owners: Owners, partner: httpx.Client) -> None:
    asked = [owners.path(shape) for shape in SHAPES]
    requests = [{"id": str(number), "method": "GET", "url": address} for number, address in enumerate(asked)]
    responses = partner.post("$batch", json={"requests": requests}).json()["responses"]
    assert [response["status"] for response in responses] == [partner.get(address).status_code for address in asked]
    assert not [secret for secret in SECRETS if secret in json.dumps(responses)]
    writing = {"requests": [{"id": "1", "method": "POST", "url": "Things", "body": thing_body()}]}
    assert partner.post("$batch", json=writing).json()["responses"][0]["status"] == 403


def test_an_organisation_shapes_its_own_only(owners: Owners, water: httpx.Client) -> None:
    made = water.post("Things", json={**thing_body("new", at=(116.4, 39.8)), "Datastreams": [stream_body("new")]})
    assert made.status_code == 201, made.text
    key = made.json()["@iot.id"]
    assert made.json()["name"] == "new"
    with psycopg.connect(owners.dsn) as connection:
        row = connection.execute("SELECT owner FROM sense_thing WHERE id = %s", (key,)).fetchone()
    assert row == ("water",)
    stream = water.get(f"Things({key})/Datastreams").json()["value"][0]["@iot.id"]
    assert water.post(f"Datastreams({stream})/Observations", json={"result": 1}).status_code == 201
    for address in (f"Things({key})", f"Datastreams({stream})/Sensor", f"Datastreams({stream})/ObservedProperty"):
        changed = water.patch(address, json={"name": "newer", "properties": {"owner": "air"}})
        assert (changed.status_code, changed.json()["name"]) == (200, "newer")
    with psycopg.connect(owners.dsn) as connection:
        row = connection.execute("SELECT owner FROM sense_thing WHERE id = %s", (key,)).fetchone()
    assert row == ("water",)
    assert water.delete(f"Things({key})").status_code == 200
    assert water.get(f"Things({key})").status_code == 404


REFUSED: tuple[tuple[str, str, Any, int], ...] = (
    ("PATCH", "Things({A})", {"name": "x"}, 404),
    ("PATCH", "Things({C})", {"name": "x"}, 404),
    ("PUT", "Datastreams({aw})", stream_body(), 404),
    ("DELETE", "Things({A})", None, 404),
    ("DELETE", "Things({W})", None, 403),
    ("PATCH", "Things({W})", {"name": "air's stream stands on it"}, 403),
    ("PATCH", "Locations({L})", {"name": "air's thing is there too"}, 403),
    ("PATCH", "ObservedProperties({Pw1})", {"name": "air's stream has it too"}, 403),
    ("DELETE", "ObservedProperties({Pw1})", None, 403),
    ("DELETE", "FeaturesOfInterest({F})", None, 403),
    ("DELETE", "Observations({oaw})", None, 404),
    ("PATCH", "Observations({oa1})", {"result": 1}, 404),
    ("PATCH", "Datastreams({w1})", {"Thing": {"@iot.id": "{A}"}}, 400),
    ("PATCH", "Datastreams({w1})", {"Sensor": {"@iot.id": "{Sa1}"}}, 400),
    ("PATCH", "Things({Wq})", {"Datastreams": [{"@iot.id": "{aw}"}]}, 400),
    ("PATCH", "Things({Wq})", {"Datastreams": [{"@iot.id": "999999999"}]}, 400),
    ("PATCH", "Things({Wq})", {"Locations": [{"@iot.id": "{L}"}]}, 403),
    ("POST", "Things({A})/Datastreams", stream_body(), 404),
    ("POST", "Things({A})/Locations", location_body(), 404),
    ("POST", "Datastreams({aw})/Observations", {"result": 1}, 403),
    ("POST", "Datastreams(999999999)/Observations", {"result": 1}, 403),
    ("POST", "Observations", {"result": "text", "Datastream": {"@iot.id": "{aw}"}}, 400),
    ("POST", "Observations", {"result": 1, "Datastream": {"@iot.id": "{a1}"}}, 403),
    (
        "POST",
        "Observations",
        {"result": 1, "Datastream": {"@iot.id": "{w1}"}, "FeatureOfInterest": {"@iot.id": "{Fa1}"}},
        403,
    ),
    (
        "POST",
        "Observations",
        {"result": "x", "Datastream": {"@iot.id": "{w1}"}, "FeatureOfInterest": {"@iot.id": "{Fa1}"}},
        400,
    ),
    (
        "POST",
        "CreateObservations",
        [{"Datastream": {"@iot.id": "{a1}"}, "components": ["result"], "dataArray": [[1]]}],
        403,
    ),
    (
        "POST",
        "CreateObservations",
        [
            {
                "Datastream": {"@iot.id": "{w1}"},
                "components": ["result", "FeatureOfInterest/id"],
                "dataArray": [[1, "{Fa1}"]],
            }
        ],
        403,
    ),
    ("POST", "Sensors", sensor_body(), 403),
    ("POST", "ObservedProperties", property_body(), 403),
    ("POST", "Locations", location_body(), 403),
    ("POST", "Locations", {**location_body(), "Things": [{"@iot.id": "{A}"}]}, 400),
    ("POST", "Sensors", {**sensor_body(), "Datastreams": [{"@iot.id": "{aw}"}]}, 400),
)


@pytest.mark.parametrize(("method", "path", "body", "status"), REFUSED)
def test_what_is_anothers_is_not_changed(  # noqa: PLR0913, PLR0917  a table
    owners: Owners, water: httpx.Client, method: str, path: str, body: Any, status: int
) -> None:
    before = _everything(owners)
    text = json.dumps(body)
    for name, key in owners.ids.items():
        text = text.replace(f'"{{{name}}}"', str(key))
    answer = water.request(method, owners.path(path), json=json.loads(text.replace('"999999999"', "999999999")))
    assert answer.status_code == status, answer.text
    assert _everything(owners) == before


def _everything(owners: Owners) -> dict[str, Any]:
    return {name: owners.open.get(name, top=50)["value"] for name in COLLECTIONS}


def test_a_sensor_made_with_its_stream_may_be_linked_within_one_changeset(water: httpx.Client, owners: Owners) -> None:
    thing = {**stream_body("bundle"), "Thing": {"@iot.id": owners.ids["Wq"]}, "Sensor": {"@iot.id": "$s"}}
    requests = [
        {"id": "s", "atomicityGroup": "g", "method": "POST", "url": "Sensors", "body": sensor_body("bundle")},
        {"id": "d", "atomicityGroup": "g", "method": "POST", "url": "Datastreams", "body": thing},
    ]
    responses = water.post("$batch", json={"requests": requests}).json()["responses"]
    assert [response["status"] for response in responses] == [201, 201], responses
    assert water.delete(responses[1]["location"]).status_code == 200


def test_a_device_adds_observations_to_its_own_thing_only(owners: Owners) -> None:
    ids = owners.ids
    with owners.client("device", organisation="water", may_write=True, thing_id=ids["Wq"]) as client:
        array = {"components": ["result"], "dataArray": [[1]]}
        for key, status in ((ids["wn"], 201), (ids["w1"], 403), (ids["a1"], 403), (999999999, 403)):
            assert client.post(f"Datastreams({key})/Observations", json={"result": 1}).status_code == status
            body = {"result": 1, "Datastream": {"@iot.id": key}}
            assert client.post("Observations", json=body).status_code == status
            assert client.post("CreateObservations", json=[{"Datastream": {"@iot.id": key}, **array}]).status_code == (
                status
            )
            deep = client.post(f"Things({ids['Wq']})/Datastreams({key})/Observations", json={"result": 1})
            assert deep.status_code == (201 if status == 201 else 404)
            text = client.post("Observations", json={**body, "result": "text"}).status_code
            assert text == (201 if status == 201 else 400)
            batch = {"requests": [{"id": "1", "method": "POST", "url": "Observations", "body": body}]}
            assert client.post("$batch", json=batch).json()["responses"][0]["status"] == status
            batch["requests"][0]["atomicityGroup"] = "g"
            grouped = client.post("$batch", json=batch).json()["responses"][0]["status"]
            assert grouped == (201 if status == 201 else 400)
        for method, path in (
            ("GET", "Things"),
            ("GET", ""),
            ("POST", "Things"),
            ("DELETE", f"Datastreams({ids['wn']})"),
        ):
            assert client.request(method, path, json=thing_body()).status_code == 403
        inline = {"result": 1, "Datastream": stream_body("inline") | {"Thing": {"@iot.id": ids["Wq"]}}}
        assert client.post("Observations", json=inline).status_code == 403


def test_a_grant_that_ends_and_a_token_that_is_revoked_end_at_once(owners: Owners) -> None:
    with owners.client("ending", organisation="endings", datasets=("levels",), may_write=True) as client:
        assert client.get("Datastreams?$count=true").json()["@iot.count"] == 2
        with psycopg.connect(owners.dsn, autocommit=True) as connection:
            connection.execute("UPDATE registry_grant SET ended_at = now() WHERE organisation = 'endings'")
            connection.execute("NOTIFY cityloop_rights")
            eventually(
                lambda: client.get("Datastreams?$count=true").json()["@iot.count"] == 0,
                what="nothing is seen",
                within_s=5,
            )
            connection.execute("UPDATE registry_apitoken SET revoked_at = now() WHERE name = 'ending'")
            connection.execute("NOTIFY cityloop_rights")
            eventually(lambda: client.get("Things").status_code == 401, what="the token is dead", within_s=5)


def test_machines_of_nobody_read_nothing(owners: Owners) -> None:
    with owners.client("district", area=EAST, may_write=True) as client:
        assert client.get("Things").status_code == 403
        assert client.post(f"Datastreams({owners.ids['w1']})/Observations", json={"result": 1}).status_code == 201
        assert client.post(f"Datastreams({owners.ids['w2']})/Observations", json={"result": 1}).status_code == 403


@pytest.mark.parametrize("shape", [shape for shape in (*SHAPES, *ORACLES) if "Observation" in shape])
def test_packed_days_are_seen_by_the_same_rights(
    owners: Owners, stranger: httpx.Client, partner: httpx.Client, shape: str
) -> None:
    with psycopg.connect(owners.dsn) as connection:
        days = connection.execute(
            "SELECT DISTINCT (phenomenon_time AT TIME ZONE 'UTC')::date - date '1970-01-01' FROM sense_observation "
            "WHERE phenomenon_time < now() - interval '10 days'"
        ).fetchall()
    for (day,) in days:
        assert close_day(owners.dsn, day).left == 0
    address = owners.path(shape)
    _is_nothing(found(stranger, address), shape)
    _is_of_the_data_set(found(partner, address), owners.ids)
    if shape in ORACLES:
        assert partner.get(address).json()["value"] == []
