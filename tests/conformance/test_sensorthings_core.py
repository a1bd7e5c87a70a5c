"""A.1 Sensing Core: data model, resource paths, status codes."""

import itertools
from typing import Any

import pytest

from tests.conformance.sta_service import (
    MEASUREMENT,
    Sta,
    location_body,
    property_body,
    sensor_body,
    stream_body,
    thing_body,
)

RELATIONS = {
    "Things": ("Locations", "HistoricalLocations", "Datastreams", "TaskingCapabilities"),
    "Locations": ("Things", "HistoricalLocations"),
    "HistoricalLocations": ("Thing", "Locations"),
    "Datastreams": ("Thing", "Sensor", "ObservedProperty", "Observations"),
    "Sensors": ("Datastreams",),
    "ObservedProperties": ("Datastreams",),
    "Observations": ("Datastream", "FeatureOfInterest"),
    "FeaturesOfInterest": ("Observations",),
}
MANDATORY = {
    "Things": {"name", "description"},
    "Locations": {"name", "description", "encodingType", "location"},
    "HistoricalLocations": {"time"},
    "Datastreams": {"name", "description", "observationType", "unitOfMeasurement"},
    "Sensors": {"name", "description", "encodingType", "metadata"},
    "ObservedProperties": {"name", "description", "definition"},
    "Observations": {"phenomenonTime", "result", "resultTime"},
    "FeaturesOfInterest": {"name", "description", "encodingType", "feature"},
}


@pytest.fixture
def city(sta: Sta) -> int:
    stream = sta.stream("pressure", properties={"pipe": "DN600"})
    sta.observe(stream, 1.5, "2026-01-01T00:00:00Z")
    sta.observe(stream, 2.5, "2026-01-02T00:00:00Z", resultTime="2026-01-02T00:00:05Z")
    return stream


def test_the_service_root_lists_every_entity_set_and_what_is_claimed(sta: Sta) -> None:
    root = sta.get("")
    assert {item["name"] for item in root["value"]} == {*RELATIONS, "TaskingCapabilities", "Actuators", "Tasks"}
    assert all(sta.client.get(item["url"]).status_code == 200 for item in root["value"])
    conformance = root["serverSettings"]["conformance"]
    assert "http://www.opengis.net/spec/iot_sensing/1.1/req/datamodel/thing/properties" in conformance
    assert len(conformance) == len(set(conformance)) >= 43
    assert {"batch-request/batch-request", "data-array/data-array"} <= {
        "/".join(uri.split("/")[-2:]) for uri in conformance
    }
    assert not any("multi-datastream" in uri for uri in conformance)


@pytest.mark.usefixtures("city")
@pytest.mark.parametrize("collection", RELATIONS)
def test_an_entity_shows_its_control_information_and_mandatory_properties(sta: Sta, collection: str) -> None:
    entity = sta.get(collection)["value"][0]
    assert isinstance(entity["@iot.id"], int)
    assert sta.client.get(entity["@iot.selfLink"]).json() == entity
    assert set(entity) >= MANDATORY[collection]
    for relation in RELATIONS[collection]:
        assert sta.client.get(entity[f"{relation}@iot.navigationLink"]).status_code == 200


@pytest.mark.usefixtures("city")
def test_an_entity_has_exactly_its_relations(sta: Sta) -> None:
    for collection, relations in RELATIONS.items():
        entity = sta.get(collection)["value"][0]
        links = {name.partition("@")[0] for name in entity if name.endswith("navigationLink")}
        assert links == set(relations)


def test_a_datastream_keeps_its_extents(sta: Sta, city: int) -> None:
    stream = sta.get(f"Datastreams({city})")
    assert stream["phenomenonTime"] == "2026-01-01T00:00:00Z/2026-01-02T00:00:00Z"
    assert stream["resultTime"] == "2026-01-02T00:00:05Z/2026-01-02T00:00:05Z"
    assert stream["observedArea"] == {"type": "Point", "coordinates": [116.4, 39.9]}
    assert stream["unitOfMeasurement"]["symbol"] == "K"


def test_a_datastream_without_observations_has_no_extents(sta: Sta) -> None:
    assert "phenomenonTime" not in sta.get(f"Datastreams({sta.stream()})")


@pytest.mark.parametrize(
    "result", [1, -0.5, 1e-7, 12345678901234567890, "wet", True, False, None, [1, "a", None], {"a": {"b": [1]}}, "中文"]
)
def test_a_result_of_any_json_type_comes_back_as_it_was(sta: Sta, result: Any) -> None:
    key = sta.observe(sta.stream(), result, "2026-01-01T00:00:00Z")
    assert sta.get(f"Observations({key})")["result"] == result
    assert sta.get(f"Observations({key})/result")["result"] == result


def test_an_observation_keeps_its_quality_valid_time_and_parameters(sta: Sta) -> None:
    quality = {"nameOfMeasure": "DQ_Status", "DQ_Result": [{"code": "good"}]}
    given = {
        "resultQuality": quality,
        "parameters": {"depth_m": 2},
        "validTime": "2026-01-01T00:00:00Z/2026-02-01T00:00:00Z",
    }
    key = sta.observe(sta.stream(), 1, "2026-01-01T00:00:00Z", **given)
    shown = sta.get(f"Observations({key})")
    assert {name: shown[name] for name in given} == given


def test_a_phenomenon_time_may_be_an_interval(sta: Sta) -> None:
    stream = sta.stream()
    key = sta.observe(stream, 1, "2026-01-01T08:00:00+08:00/2026-01-01T02:00:00.5Z")
    assert sta.get(f"Observations({key})")["phenomenonTime"] == "2026-01-01T00:00:00Z/2026-01-01T02:00:00.5Z"
    assert sta.get(f"Datastreams({stream})")["phenomenonTime"] == "2026-01-01T00:00:00Z/2026-01-01T02:00:00.5Z"


def test_an_absent_result_time_is_null(sta: Sta) -> None:
    key = sta.observe(sta.stream(), 1, "2026-01-01T00:00:00Z")
    assert sta.get(f"Observations({key})")["resultTime"] is None
    assert sta.ask(f"Observations({key})/resultTime").status_code == 204


def test_metadata_and_locations_may_be_any_json(sta: Sta) -> None:
    sensor = sta.create("Sensors", {**sensor_body(), "metadata": {"model": "TMP36", "ranges": [1, 2]}})
    assert sta.get(f"Sensors({sensor})")["metadata"] == {"model": "TMP36", "ranges": [1, 2]}
    place = sta.create("Locations", {**location_body(), "encodingType": "text/plain", "location": "left of the gate"})
    assert sta.get(f"Locations({place})")["location"] == "left of the gate"


@pytest.mark.parametrize("encoding", ["application/geo+json", "application/vnd.geo+json"])
def test_both_names_of_geojson_are_taken(sta: Sta, encoding: str) -> None:
    feature = {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [1, 2]}}
    place = sta.create("Locations", {**location_body(), "encodingType": encoding, "location": feature})
    assert sta.get(f"Locations({place})")["location"]["geometry"]["coordinates"] == [1, 2]


def test_a_geojson_location_must_be_one(sta: Sta) -> None:
    answer = sta.send("POST", "Locations", {**location_body(), "location": {"type": "Point", "coordinates": "here"}})
    assert (answer.status_code, answer.json()["field"]) == (400, "location")


def test_a_property_is_read_alone_as_json_and_as_a_plain_value(sta: Sta, city: int) -> None:
    assert sta.get(f"Datastreams({city})/name") == {"name": "pressure"}
    plain = sta.client.get(f"Datastreams({city})/name/$value")
    assert (plain.text, plain.headers["content-type"]) == ("pressure", "text/plain; charset=utf-8")
    assert sta.get(f"Datastreams({city})/properties") == {"properties": {"pipe": "DN600"}}
    assert sta.client.get(f"Datastreams({city})/properties/$value").json() == {"pipe": "DN600"}
    assert sta.get(f"Datastreams({city})/properties/pipe") == {"pipe": "DN600"}
    assert sta.client.get(f"Datastreams({city})/unitOfMeasurement/symbol/$value").text == "K"
    assert sta.client.get(f"Datastreams({city})/@iot.id").json() == {"@iot.id": city}


def test_an_absent_property_has_no_content(sta: Sta) -> None:
    assert sta.ask(f"Things({sta.create('Things', thing_body())})/properties").status_code == 204


def test_navigations_lead_to_one_and_to_many_and_on(sta: Sta, city: int) -> None:
    thing = sta.get(f"Datastreams({city})/Thing")
    observation = sta.get(f"Things({thing['@iot.id']})/Datastreams({city})/Observations")["value"][0]
    assert observation["result"] == 2.5
    path = f"Observations({observation['@iot.id']})/Datastream/Thing/Locations"
    assert sta.names(path) == ["pressure"]
    assert sta.get(f"Observations({observation['@iot.id']})/FeatureOfInterest")["name"] == "pressure"
    assert sta.get(f"Observations({observation['@iot.id']})/Datastream/ObservedProperty/name") == {"name": "pressure"}
    assert len(sta.get(f"Things({thing['@iot.id']})/HistoricalLocations")["value"]) == 1


def test_references_are_links_only(sta: Sta, city: int) -> None:
    links = sta.get(f"Datastreams({city})/Observations/$ref")["value"]
    assert len(links) == 2
    assert all(set(link) == {"@iot.selfLink"} for link in links)
    assert sta.client.get(links[0]["@iot.selfLink"]).status_code == 200
    assert set(sta.get(f"Datastreams({city})/Thing/$ref")) == {"@iot.selfLink"}


ABSENT = [
    "Nothings",
    "Things(999999)",
    "Things(999999)/Datastreams",
    "Things(99999999999999999999)",
    "Things/name",
    "$metadata",
    "Datastreams({stream})/nothing",
    "Datastreams({stream})/name/inner",
    "Datastreams({stream})/Observations(5)",
    "Datastreams({stream})/properties/none",
    "Datastreams({stream})/Sensor(1)",
    "Datastreams({stream})/id",
    "Things()",
    "Observations(12)",
    "Datastreams({stream})/Observations/result",
    "Datastreams({stream})//name",
]


@pytest.mark.parametrize("path", ABSENT)
def test_what_does_not_exist_is_not_found(sta: Sta, city: int, path: str) -> None:
    answer = sta.ask(path.format(stream=city))
    assert answer.status_code in ({404, 400} if path == "Things()" else {404})
    assert answer.json()["code"] == answer.status_code


def test_an_entity_of_another_parent_is_not_found(sta: Sta, city: int) -> None:
    other = sta.create("Things", thing_body("other"))
    for path in (f"Things({other})/Datastreams({city})", f"Things({other})/Datastreams({city})/Observations"):
        assert sta.ask(path).status_code == 404


def test_an_observation_is_found_by_id_however_old_it_is(sta: Sta, city: int) -> None:
    for time in ("1969-07-20T20:17:40Z", "2012-02-29T00:00:00Z", "2026-11-01T00:00:00Z"):
        key = sta.observe(city, 7, time)
        assert sta.get(f"Observations({key})")["phenomenonTime"] == time
        assert sta.get(f"Datastreams({city})/Observations({key})")["result"] == 7


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "Things(1)"), ("PATCH", "Things"), ("DELETE", "Things"), ("PUT", "Things")]
)
def test_a_method_that_makes_no_sense_is_refused(sta: Sta, method: str, path: str) -> None:
    answer = sta.send(method, path, {})
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]


def test_an_error_speaks_the_language_of_its_reader(sta: Sta) -> None:
    english = sta.send("GET", "Things(999)", Accept_Language="en-GB,zh;q=0.5").json()["message"]
    chinese = sta.send("GET", "Things(999)", Accept_Language="zh-CN").json()["message"]
    assert english.isascii()
    assert "Things(999)" in english
    assert "Things(999)" in chinese


def test_a_head_request_has_no_body(sta: Sta) -> None:
    answer = sta.client.head("Things")
    assert (answer.status_code, answer.content) == (200, b"")


def test_collections_are_shown_in_pages(sta: Sta) -> None:
    sta.create("ObservedProperties", property_body("only"))
    for number in range(45):
        sta.create("Things", thing_body(f"thing {number:02}"))
    page, names = sta.get("Things"), []
    for _ in itertools.count():
        names += [item["name"] for item in page["value"]]
        if "@iot.nextLink" not in page:
            break
        page = sta.client.get(page["@iot.nextLink"]).json()
    assert names == [f"thing {number:02}" for number in range(45)]
    assert len(sta.get("Things", top=1000)["value"]) == 45


def test_a_stream_needs_its_three_relations(sta: Sta) -> None:
    for missing in ("Thing", "Sensor", "ObservedProperty"):
        body = {**stream_body(), "Thing": thing_body()}
        del body[missing]
        answer = sta.send("POST", "Datastreams", body)
        assert (answer.status_code, answer.json()["field"]) == (400, missing)
    assert MEASUREMENT
