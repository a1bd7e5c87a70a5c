"""A.3 Create, update and delete; data arrays; who may."""

import concurrent.futures
import contextlib
import hashlib
from collections.abc import Callable
from typing import Any

import httpx
import psycopg
import pytest

from tests.conformance.sta_service import (
    KELVIN,
    Sta,
    location_body,
    property_body,
    sensor_body,
    stream_body,
    thing_body,
)

Serve = Callable[..., contextlib.AbstractContextManager[str]]


def count(sta: Sta, collection: str) -> int:
    return int(sta.get(collection, count="true", top=0)["@iot.count"])


def counts(sta: Sta) -> dict[str, int]:
    names = {item["name"] for item in sta.get("")["value"]} - {"TaskingCapabilities", "Actuators", "Tasks"}
    return {name: count(sta, name) for name in names}


# create


def test_each_kind_of_entity_is_created_and_shown(sta: Sta) -> None:
    thing = sta.create("Things", thing_body("t", properties={"a": {"b": [1]}}))
    place = sta.create("Locations", location_body("l"))
    sensor, quantity = sta.create("Sensors", sensor_body()), sta.create("ObservedProperties", property_body())
    feature = {
        "name": "f",
        "description": "",
        "encodingType": "application/geo+json",
        "feature": {"type": "Point", "coordinates": [1, 2]},
    }
    foi = sta.create("FeaturesOfInterest", feature)
    entry = sta.create(
        "HistoricalLocations",
        {"time": "2026-01-01T00:00:00Z", "Thing": {"@iot.id": thing}, "Locations": [{"@iot.id": place}]},
    )
    stream = sta.create(
        "Datastreams",
        {
            **stream_body(),
            "Thing": {"@iot.id": thing},
            "Sensor": {"@iot.id": sensor},
            "ObservedProperty": {"@iot.id": quantity},
        },
    )
    seen = sta.create(
        "Observations", {"result": 1, "Datastream": {"@iot.id": stream}, "FeatureOfInterest": {"@iot.id": foi}}
    )
    assert sta.get(f"Things({thing})")["properties"] == {"a": {"b": [1]}}
    assert sta.get(f"HistoricalLocations({entry})")["time"] == "2026-01-01T00:00:00Z"
    assert sta.get(f"Observations({seen})/FeatureOfInterest")["@iot.id"] == foi
    assert sta.get(f"Datastreams({stream})/Sensor")["@iot.id"] == sensor


def test_the_path_links_a_new_entity_to_its_parent(sta: Sta) -> None:
    thing = sta.create("Things", thing_body())
    stream = sta.create(f"Things({thing})/Datastreams", stream_body())
    place = sta.create(f"Things({thing})/Locations", location_body())
    seen = sta.create(f"Things({thing})/Datastreams({stream})/Observations", {"result": 4})
    assert sta.get(f"Observations({seen})/Datastream/Thing")["@iot.id"] == thing
    assert sta.get(f"Things({thing})/Locations")["value"][0]["@iot.id"] == place
    second = sta.create(f"Locations({place})/Things", thing_body("second"))
    assert sta.get(f"Things({second})/Locations")["value"][0]["@iot.id"] == place
    foi = sta.get(f"Observations({seen})/FeatureOfInterest")["@iot.id"]
    other = sta.create(f"FeaturesOfInterest({foi})/Observations", {"result": 5, "Datastream": {"@iot.id": stream}})
    assert sta.get(f"Observations({other})/FeatureOfInterest")["@iot.id"] == foi


def test_a_path_through_a_wrong_parent_takes_nothing(sta: Sta) -> None:
    stream, other = sta.stream(), sta.create("Things", thing_body("other"))
    wrong, right = f"Things({other})/Datastreams({stream})/Observations", f"Datastreams({stream})/Observations"
    assert sta.send("POST", wrong, {"result": 1}).status_code == 404
    assert sta.send("POST", f"Things(999999)/Datastreams({stream})/Observations", {"result": 1}).status_code == 404
    seen = sta.create(right, {"result": 1, "phenomenonTime": "2026-01-01T00:00:00Z"})
    for method in ("PATCH", "PUT", "DELETE"):
        assert sta.send(method, f"{wrong}({seen})", {"result": 2}).status_code == 404
    assert sta.get(f"{right}({seen})")["result"] == 1


def test_a_relation_in_the_body_must_not_contradict_the_path(sta: Sta) -> None:
    first, second = sta.stream("first"), sta.stream("second")
    for key, status in ((second, 400), (first, 201)):
        answer = sta.send("POST", f"Datastreams({first})/Observations", {"result": 1, "Datastream": {"@iot.id": key}})
        assert answer.status_code == status
    assert count(sta, f"Datastreams({second})/Observations") == 0


def test_an_observation_gets_a_time_and_a_feature_which_is_used_again(sta: Sta) -> None:
    stream = sta.stream()
    first, second = sta.observe(stream, 1), sta.observe(stream, 2)
    shown = sta.get(f"Observations({first})")
    assert shown["phenomenonTime"].startswith("20")
    assert shown["resultTime"] is None
    features = [sta.get(f"Observations({key})/FeatureOfInterest")["@iot.id"] for key in (first, second)]
    assert features[0] == features[1]
    assert sta.get(f"FeaturesOfInterest({features[0]})")["feature"] == {"type": "Point", "coordinates": [116.4, 39.9]}


def test_a_deleted_automatic_feature_is_made_anew(sta: Sta) -> None:
    stream = sta.stream()
    seen = sta.observe(stream, 1, "2026-01-01T00:00:00Z")
    feature = sta.get(f"Observations({seen})/FeatureOfInterest")["@iot.id"]
    assert sta.client.delete(f"FeaturesOfInterest({feature})").status_code == 200
    assert sta.ask(f"Observations({seen})").status_code == 404
    assert "phenomenonTime" not in sta.get(f"Datastreams({stream})")
    again = sta.get(f"Observations({sta.observe(stream, 2)})/FeatureOfInterest")["@iot.id"]
    assert again != feature


def test_a_moved_thing_observes_another_feature(sta: Sta) -> None:
    stream = sta.stream()
    before = sta.observe(stream, 1)
    thing = sta.get(f"Datastreams({stream})/Thing")["@iot.id"]
    sta.create(f"Things({thing})/Locations", location_body("new", at=(116.6, 40)))
    after = sta.observe(stream, 2)
    assert sta.get(f"Observations({before})/FeatureOfInterest")["feature"]["coordinates"] == [116.4, 39.9]
    assert sta.get(f"Observations({after})/FeatureOfInterest")["feature"]["coordinates"] == [116.6, 40]


def test_a_geojson_location_is_preferred_for_the_feature(sta: Sta) -> None:
    words = {**location_body("words"), "encodingType": "text/plain", "location": "second floor"}
    places = [words, location_body("point", at=(8, 51)), {**words, "name": "more words"}]
    stream = sta.create("Datastreams", {**stream_body(), "Thing": {**thing_body(), "Locations": places}})
    assert sta.get(f"Observations({sta.observe(stream, 1)})/FeatureOfInterest")["name"] == "point"


def test_without_a_location_an_observation_needs_a_feature(sta: Sta) -> None:
    answer = sta.send("POST", "Observations", {"result": 1, "Datastream": {"@iot.id": sta.stream(at=None)}})
    assert (answer.status_code, answer.json()["field"]) == (400, "FeatureOfInterest")


WRONG = [
    ("Things", {"name": "x"}, "description"),
    ("Things", {"description": "x"}, "name"),
    ("Things", {**thing_body(), "name": 5}, "name"),
    ("Things", {**thing_body(), "colour": 1}, "colour"),
    ("Things", {**thing_body(), "properties": "x"}, "properties"),
    ("Things", [], "Thing"),
    ("Things", {**thing_body(), "Locations": {}}, "Locations"),
    ("Things", {**thing_body(), "Locations": [{"@iot.id": "1"}]}, "Locations"),
    ("Things", {**thing_body(), "Locations": [{"@iot.id": 999999}]}, "Locations"),
    ("Sensors", {"name": "x", "description": "", "encodingType": "x"}, "metadata"),
    ("Locations", {**location_body(), "location": None}, "location"),
    ("ObservedProperties", {"name": "x", "description": ""}, "definition"),
    ("HistoricalLocations", {"time": "yesterday", "Thing": {"@iot.id": 1}, "Locations": []}, "time"),
    ("Datastreams", {**stream_body(), "Thing": {"@iot.id": 999999}}, "Thing"),
    ("Datastreams", {**stream_body(), "Thing": thing_body(), "unitOfMeasurement": 5}, "unitOfMeasurement"),
    ("Observations", {"result": 1}, "Datastream"),
    ("Observations", {"Datastream": {"@iot.id": 1}}, "result"),
    ("Observations", {"result": 1, "Datastream": {"@iot.id": 999999}}, "Datastream"),
    (
        "Observations",
        {"result": 1, "phenomenonTime": "2026-13-01T00:00:00Z", "Datastream": {"@iot.id": 1}},
        "phenomenonTime",
    ),
    (
        "Observations",
        {"result": 1, "phenomenonTime": "2026-01-01T00:00:00", "Datastream": {"@iot.id": 1}},
        "phenomenonTime",
    ),
    (
        "Observations",
        {"result": 1, "phenomenonTime": "2026-01-02T00:00:00Z/2026-01-01T00:00:00Z", "Datastream": {"@iot.id": 1}},
        "phenomenonTime",
    ),
    ("Observations", {"result": 1, "resultTime": 5, "Datastream": {"@iot.id": 1}}, "resultTime"),
]


@pytest.mark.parametrize(("path", "body", "field"), WRONG)
def test_a_wrong_body_is_refused_and_its_field_named(sta: Sta, path: str, body: Any, field: str) -> None:
    answer = sta.send("POST", path, body)
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert set(counts(sta).values()) == {0}


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"result": NaN}', b"[" * 100_000])
def test_what_is_no_json_is_refused(sta: Sta, body: bytes) -> None:
    for path in ("Things", "Observations", "CreateObservations"):
        assert sta.client.post(path, content=body).status_code == 400


def test_a_body_beyond_the_bound_is_refused(sta: Sta) -> None:
    answer = sta.client.post("Things", content=b" " * (16 * 1024 * 1024 + 1))
    assert answer.status_code == 413


def test_a_zero_character_is_refused_not_an_error_of_the_server(sta: Sta) -> None:
    assert sta.send("POST", "Things", thing_body("a\0b")).status_code == 400
    assert sta.send("POST", "Things", thing_body(properties={"a": "\0"})).status_code == 400
    assert (
        sta.send("POST", "Observations", {"result": "\0", "Datastream": {"@iot.id": sta.stream()}}).status_code == 400
    )


# link and deep insert


def test_a_deep_insert_creates_all_and_links_them(sta: Sta) -> None:
    seen = [{"phenomenonTime": f"2026-01-0{day}T00:00:00Z", "result": day} for day in (1, 2)]
    thing = sta.create(
        "Things",
        {**thing_body("deep", at=(1, 2)), "Datastreams": [stream_body("one", Observations=seen), stream_body("two")]},
    )
    shown = sta.get(
        f"Things({thing})",
        expand="Datastreams($orderby=name;$expand=Observations,Sensor,ObservedProperty),Locations,HistoricalLocations",
    )
    assert [len(item["Observations"]) for item in shown["Datastreams"]] == [2, 0]
    assert counts(sta) == {
        "Things": 1,
        "Locations": 1,
        "HistoricalLocations": 1,
        "Datastreams": 2,
        "Sensors": 2,
        "ObservedProperties": 2,
        "Observations": 2,
        "FeaturesOfInterest": 1,
    }


def test_a_deep_insert_may_begin_anywhere(sta: Sta) -> None:
    whole = {**stream_body("s"), "Thing": thing_body("t", at=(1, 2))}
    feature = {
        "name": "f",
        "description": "",
        "encodingType": "application/geo+json",
        "feature": {"type": "Point", "coordinates": [3, 4]},
    }
    seen = sta.create("Observations", {"result": 1, "Datastream": whole, "FeatureOfInterest": feature})
    assert sta.get(f"Observations({seen})/FeatureOfInterest")["name"] == "f"
    assert sta.get(f"Observations({seen})/Datastream/Thing/Locations")["value"][0]["name"] == "t"
    sensor = sta.create(
        "Sensors", {**sensor_body("x"), "Datastreams": [{**stream_body("y"), "Thing": thing_body("z"), "Sensor": None}]}
    )
    assert sta.names(f"Sensors({sensor})/Datastreams") == ["y"]


DEEP_WRONG = [
    {"Datastreams": [stream_body("one"), {**stream_body("two"), "unitOfMeasurement": 5}]},
    {"Datastreams": [stream_body("one", Observations=[{"result": 1}, {"phenomenonTime": "2026-01-01T00:00:00Z"}])]},
    {"Datastreams": [{**stream_body("one"), "Sensor": {"@iot.id": 999999}}]},
    {"Datastreams": [{**stream_body("one"), "Sensor": {"name": "incomplete"}}]},
    {"Datastreams": [stream_body("one", Observations=[{"result": 1, "FeatureOfInterest": {"@iot.id": 999999}}])]},
    {"Locations": [location_body(), {"name": "incomplete"}]},
]


@pytest.mark.parametrize("children", DEEP_WRONG)
def test_a_deep_insert_with_a_bad_child_creates_nothing(sta: Sta, children: Any) -> None:
    assert (
        sta.send("POST", "Things", {**thing_body("deep"), "Locations": [location_body()], **children}).status_code
        == 400
    )
    assert set(counts(sta).values()) == {0}


def test_observations_of_a_thing_without_a_place_undo_their_deep_insert(sta: Sta) -> None:
    body = {**thing_body("deep"), "Datastreams": [stream_body("one", Observations=[{"result": 1}])]}
    assert sta.send("POST", "Things", body).status_code == 400
    assert set(counts(sta).values()) == {0}


# update


def test_patch_changes_only_what_it_names(sta: Sta) -> None:
    thing = sta.create("Things", thing_body("old", properties={"a": 1}))
    answer = sta.send("PATCH", f"Things({thing})", {"name": "new"})
    assert answer.status_code == 200
    assert answer.json() == sta.get(f"Things({thing})")
    assert (answer.json()["name"], answer.json()["properties"]) == ("new", {"a": 1})
    assert "properties" not in sta.send("PATCH", f"Things({thing})", {"properties": None}).json()


def test_put_replaces_the_whole_entity(sta: Sta) -> None:
    thing = sta.create("Things", thing_body("old", properties={"a": 1}))
    assert sta.send("PUT", f"Things({thing})", {"name": "only"}).status_code == 400
    replaced = sta.send("PUT", f"Things({thing})", {"name": "new", "description": "d"}).json()
    assert (replaced["name"], "properties" in replaced) == ("new", False)
    stream = sta.stream()
    body = {name: value for name, value in stream_body("renamed").items() if name not in ("Sensor", "ObservedProperty")}
    assert sta.send("PUT", f"Datastreams({stream})", body).json()["name"] == "renamed"
    assert sta.names(f"Datastreams({stream})/Sensor".replace("/Sensor", "/Thing/Datastreams")) == ["renamed"]


def test_json_patch_changes_by_operations(sta: Sta) -> None:
    thing = sta.create("Things", thing_body("old", properties={"a": 1, "list": [1, 3]}))
    operations = [
        {"op": "test", "path": "/name", "value": "old"},
        {"op": "replace", "path": "/name", "value": "new"},
        {"op": "add", "path": "/properties/list/1", "value": 2},
        {"op": "copy", "from": "/properties/a", "path": "/properties/b"},
        {"op": "move", "from": "/properties/a", "path": "/properties/c"},
        {"op": "remove", "path": "/properties/list/0"},
    ]
    path, kind = f"Things({thing})", "application/json-patch+json"
    changed = sta.send("PATCH", path, operations, Content_Type=kind).json()
    assert (changed["name"], changed["properties"]) == ("new", {"b": 1, "c": 1, "list": [2, 3]})
    for wrong in (
        [{"op": "test", "path": "/name", "value": "old"}],
        [{"op": "remove", "path": "/name"}],
        [{"op": "remove", "path": "/none"}],
        {"name": "x"},
        [{"op": "fly", "path": "/name"}],
    ):
        assert sta.send("PATCH", path, wrong, Content_Type=kind).status_code == 400
    assert sta.get(path) == changed


def test_an_update_relinks_by_id_and_refuses_inline_entities(sta: Sta) -> None:
    stream, thing = sta.stream(), sta.create("Things", thing_body("other", at=(1, 2)))
    assert sta.send("PATCH", f"Datastreams({stream})", {"Thing": {"@iot.id": thing}}).status_code == 200
    assert sta.get(f"Datastreams({stream})/Thing")["@iot.id"] == thing
    for wrong in ({"Thing": thing_body("inline")}, {"Thing": {"@iot.id": 999999}}):
        assert sta.send("PATCH", f"Datastreams({stream})", wrong).status_code == 400
    assert sta.get(f"Datastreams({stream})/Thing")["@iot.id"] == thing


@pytest.mark.parametrize(
    ("path", "change", "shown"),
    [
        ("Locations", {"location": {"type": "Point", "coordinates": [5, 6]}}, None),
        ("Sensors", {"metadata": {"x": 1}}, None),
        ("ObservedProperties", {"definition": "http://example.org/other"}, None),
        ("Datastreams", {"unitOfMeasurement": {**KELVIN, "symbol": "°C"}}, None),
        ("FeaturesOfInterest", {"name": "renamed"}, None),
        ("HistoricalLocations", {"time": "2020-01-01T00:00:00Z"}, None),
        ("Observations", {"result": 77, "parameters": {"by": "hand"}, "resultTime": "2026-01-01T00:00:00Z"}, None),
        ("Observations", {"phenomenonTime": "2027-05-05T00:00:00Z/2027-05-06T00:00:00Z", "result": "text"}, None),
    ],
)
def test_each_kind_of_entity_is_changed(sta: Sta, path: str, change: Any, shown: Any) -> None:
    sta.observe(sta.stream(), 1, "2026-01-01T00:00:00Z")
    link = sta.get(path)["value"][0]["@iot.selfLink"]
    assert sta.send("PATCH", link, change).status_code == 200
    entity = sta.client.get(link).json()
    assert {name: entity[name] for name in change} == change
    assert shown is None


def test_a_changed_observation_moves_the_extents_of_its_stream(sta: Sta) -> None:
    stream = sta.stream()
    first, second = (sta.observe(stream, day, f"2026-01-0{day}T00:00:00Z") for day in (1, 2))
    sta.send("PATCH", f"Observations({first})", {"phenomenonTime": "2025-06-01T00:00:00Z"})
    assert sta.get(f"Datastreams({stream})")["phenomenonTime"] == "2025-06-01T00:00:00Z/2026-01-02T00:00:00Z"
    sta.client.delete(f"Observations({second})")
    assert sta.get(f"Datastreams({stream})")["phenomenonTime"] == "2025-06-01T00:00:00Z/2025-06-01T00:00:00Z"
    put = sta.send("PUT", f"Observations({first})", {"result": 301, "phenomenonTime": "2025-06-02T00:00:00Z"})
    assert (put.status_code, put.json()["result"], put.json()["phenomenonTime"]) == (200, 301, "2025-06-02T00:00:00Z")


# historical locations


def test_a_new_location_enters_the_history_of_its_thing(sta: Sta) -> None:
    thing = sta.create("Things", thing_body("t", at=(1, 2)))
    first = sta.get(f"Things({thing})/Locations")["value"][0]["@iot.id"]
    second = sta.create("Locations", location_body("second"))
    sta.send("PATCH", f"Things({thing})", {"Locations": [{"@iot.id": second}]})
    assert sta.names(f"Things({thing})/Locations") == ["second"]
    history = sta.get(f"Things({thing})/HistoricalLocations", expand="Locations", orderby="time")["value"]
    assert [entry["Locations"][0]["@iot.id"] for entry in history] == [first, second]
    sta.create("Locations", location_body("third", Things=[{"@iot.id": thing}]))
    assert sta.names(f"Things({thing})/Locations") == ["third"]
    assert count(sta, f"Things({thing})/HistoricalLocations") == 3


def test_the_newest_manual_entry_of_the_history_moves_its_thing(sta: Sta) -> None:
    thing = sta.create("Things", thing_body("t", at=(1, 2)))
    entry = sta.get(f"Things({thing})/HistoricalLocations")["value"][0]["@iot.id"]
    sta.send("PATCH", f"HistoricalLocations({entry})", {"time": "2016-01-01T06:00:00Z"})
    for hour, moved in ((7, True), (5, False)):
        place = sta.create("Locations", location_body(f"at {hour}"))
        manual = {"time": f"2016-01-01T0{hour}:00:00Z", "Thing": {"@iot.id": thing}, "Locations": [{"@iot.id": place}]}
        sta.create("HistoricalLocations", manual)
        assert (sta.names(f"Things({thing})/Locations") == [f"at {hour}"]) == moved
    assert count(sta, f"Things({thing})/HistoricalLocations") == 3


def test_the_district_of_a_stream_follows_its_thing(sta: Sta, sta_dsn: str) -> None:
    stream = sta.stream(at=(116.4, 39.9))
    thing = sta.get(f"Datastreams({stream})/Thing")["@iot.id"]
    sta.create(f"Things({thing})/Locations", location_body("away", at=(116.6, 40.1)))
    with psycopg.connect(sta_dsn) as connection:
        row = connection.execute(
            "SELECT area, longitude, latitude FROM sense_datastream WHERE id = %s", (stream,)
        ).fetchone()
    assert row is not None
    assert row[0].startswith("110")
    assert row[1:] == (116.6, 40.1)


# delete


DELETED = {
    "Things": {"Things", "HistoricalLocations", "Datastreams", "Observations"},
    "Locations": {"Locations", "HistoricalLocations"},
    "HistoricalLocations": {"HistoricalLocations"},
    "Datastreams": {"Datastreams", "Observations"},
    "Sensors": {"Sensors", "Datastreams", "Observations"},
    "ObservedProperties": {"ObservedProperties", "Datastreams", "Observations"},
    "Observations": {"Observations"},
    "FeaturesOfInterest": {"FeaturesOfInterest", "Observations"},
}


@pytest.mark.parametrize("collection", DELETED)
def test_a_deletion_takes_along_what_cannot_be_without(sta: Sta, collection: str) -> None:
    sta.observe(sta.stream(), 1, "2026-01-01T00:00:00Z")
    link = sta.get(collection)["value"][0]["@iot.selfLink"]
    assert sta.client.delete(link).status_code == 200
    assert {name for name, number in counts(sta).items() if number == 0} == DELETED[collection]
    assert sta.client.get(link).status_code == 404
    assert sta.client.delete(link).status_code == 404


def test_a_deletion_leaves_the_others_alone(sta: Sta) -> None:
    first, second = sta.stream("first"), sta.stream("second")
    kept = sta.observe(second, 2)
    sta.observe(first, 1)
    sta.client.delete(f"Datastreams({first})")
    assert sta.get(f"Observations({kept})")["result"] == 2
    assert sta.send("POST", f"Datastreams({first})/Observations", {"result": 1}).status_code == 400


# data arrays


def arrays(sta: Sta, *groups: tuple[int, list[str], list[list[Any]]]) -> list[str]:
    body = [
        {"Datastream": {"@iot.id": key}, "components": components, "dataArray@iot.count": len(rows), "dataArray": rows}
        for key, components, rows in groups
    ]
    answer = sta.send("POST", "CreateObservations", body)
    assert answer.status_code == 201, answer.text
    links: list[str] = answer.json()
    return links


def test_data_arrays_answer_with_a_link_for_each_row(sta: Sta) -> None:
    first, second = sta.stream("first"), sta.stream("second")
    usual = ["result", "phenomenonTime", "resultTime"]
    rows = [[number / 2, f"2026-01-01T00:00:{number:02}Z", f"2026-01-01T00:01:{number:02}Z"] for number in range(40)]
    links = arrays(sta, (first, usual, rows), (second, ["phenomenonTime", "result"], [["2026-01-02T00:00:00.250Z", 7]]))
    shown = [sta.client.get(link).json() for link in links]
    assert [[item["result"], item["phenomenonTime"], item["resultTime"]] for item in shown[:40]] == rows
    assert (shown[40]["result"], shown[40]["phenomenonTime"]) == (7, "2026-01-02T00:00:00.25Z")
    assert count(sta, f"Datastreams({second})/Observations") == 1


def test_a_bad_row_of_a_data_array_is_an_error_alone(sta: Sta) -> None:
    stream = sta.stream()
    rows: list[list[Any]] = [
        [1, "2026-01-01T00:00:00Z"],
        [2, "never"],
        ["text", "2026-01-01T00:00:02Z"],
        [4],
        [True, "2026-01-01T08:00:04+08:00"],
        [None, "2026-01-01T00:00:05Z/2026-01-01T00:00:06Z"],
    ]
    links = arrays(
        sta,
        (stream, ["result", "phenomenonTime"], rows),
        (999999, ["result", "phenomenonTime"], [[1, "2026-01-01T00:00:00Z"]]),
    )
    assert [link == "error" for link in links] == [False, True, False, True, False, False, True]
    assert [sta.client.get(links[row]).json()["result"] for row in (0, 2, 4, 5)] == [1, "text", True, None]
    good = [[float(number), "2026-01-01T00:00:00Z" if number != 5 else "2026-02-30T00:00:00Z"] for number in range(20)]
    assert [link == "error" for link in arrays(sta, (stream, ["result", "phenomenonTime"], good))] == [
        number == 5 for number in range(20)
    ]


def test_data_arrays_take_every_component(sta: Sta) -> None:
    stream = sta.stream(at=None)
    feature = {"name": "f", "description": "", "encodingType": "text/plain", "feature": "x"}
    key = sta.create("FeaturesOfInterest", feature)
    components = [
        "phenomenonTime",
        "result",
        "resultTime",
        "resultQuality",
        "validTime",
        "parameters",
        "FeatureOfInterest/id",
    ]
    row = ["2026-01-01T00:00:00Z", 1, None, "good", "2026-01-01T00:00:00Z/2026-01-02T00:00:00Z", {"a": 1}, key]
    links = arrays(sta, (stream, components, [row, [*row[:-1], 999999]]))
    shown = sta.client.get(links[0]).json()
    assert (shown["resultQuality"], shown["validTime"], shown["parameters"]) == (row[3], row[4], row[5])
    assert links[1] == "error"


@pytest.mark.parametrize(
    "body", [{}, [{}], [{"Datastream": {"@iot.id": 1}, "components": ["nothing"], "dataArray": [[1]]}], [5], "x"]
)
def test_what_is_no_data_array_is_refused(sta: Sta, body: Any) -> None:
    assert sta.send("POST", "CreateObservations", body).status_code == 400


# retries, concurrency, rights


def test_a_retry_with_its_key_is_kept_once_and_gets_the_first_answer(sta: Sta) -> None:
    stream = sta.stream()
    body = {"result": 1, "phenomenonTime": "2026-01-01T00:00:00Z", "Datastream": {"@iot.id": stream}}
    keys = {sta.create("Observations", body, Idempotency_Key="once") for _ in range(3)}
    assert (len(keys), count(sta, "Observations")) == (1, 1)
    assert len({sta.create("Observations", body) for _ in range(2)}) == 2
    assert sta.send("POST", "Observations", body, Idempotency_Key="k" * 201).status_code == 400


def test_another_request_under_the_same_key_is_refused_and_not_lost_in_silence(sta: Sta) -> None:
    stream = sta.stream()
    body = {"result": 1, "Datastream": {"@iot.id": stream}}
    key = sta.create("Observations", body, Idempotency_Key="same")
    assert sta.create("Observations", body, Idempotency_Key="same") == key
    for path, other in (
        ("Observations", {**body, "result": 2}),
        (f"Datastreams({stream})/Observations", {"result": 1}),
        ("CreateObservations", [{"Datastream": {"@iot.id": stream}, "components": ["result"], "dataArray": [[1]]}]),
    ):
        assert sta.send("POST", path, other, Idempotency_Key="same").status_code == 422
    assert count(sta, "Observations") == 1
    refused = sta.send("POST", "Observations", {**body, "result": 2}, Idempotency_Key="same", Accept_Language="zh-hans")
    assert "Idempotency-Key" in refused.text
    assert "另一请求" in refused.json()["message"]


def test_many_at_once_are_all_kept(sta: Sta) -> None:
    stream = sta.stream()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        keys = list(
            pool.map(lambda number: sta.observe(stream, number, f"2026-01-01T00:00:{number % 60:02}Z"), range(120))
        )
    assert len(set(keys)) == count(sta, "Observations") == 120


@pytest.fixture
def tokens(sta_dsn: str) -> dict[str, str]:
    with psycopg.connect(sta_dsn, autocommit=True) as connection:
        connection.execute("DELETE FROM registry_apitoken")
        connection.execute(
            "INSERT INTO registry_area (code, level, name_zh, name_en, romanised, kind) "
            "VALUES ('110000', 0, '北京市', 'Beijing', FALSE, ''), ('110101', 1, '东城区', 'Dongcheng', FALSE, '') "
            "ON CONFLICT DO NOTHING"
        )
        for name, may_write, area in (
            ("reader", False, "110000"),
            ("writer", True, "110000"),
            ("east", True, "110101"),
        ):
            digest = hashlib.sha256(name.encode()).hexdigest()
            connection.execute(
                "INSERT INTO registry_apitoken (name, digest, may_read, may_write, area_id, issued_at) "
                "VALUES (%s, %s, TRUE, %s, %s, now())",
                (name, digest, may_write, area),
            )
    return {name: f"Bearer {name}" for name in ("reader", "writer", "east")}


def test_nothing_is_answered_without_a_token_and_nothing_is_written_without_the_right(
    sta: Sta, serve_sta: Serve, tokens: dict[str, str]
) -> None:
    with serve_sta(anonymous=False) as address, httpx.Client(base_url=f"{address}/", timeout=30) as client:
        for path in ("", "Things", "Things(1)", "Nothing"):
            assert client.get(path).status_code == 401
            assert client.get(path, headers={"Authorization": "Bearer wrong"}).status_code == 401
            assert client.get(path, headers={"Authorization": "Basic reader"}).headers["www-authenticate"] == "Bearer"
        for method, path in (
            ("POST", "Things"),
            ("POST", "Observations"),
            ("POST", "CreateObservations"),
            ("PATCH", "Things(1)"),
            ("DELETE", "Things(1)"),
        ):
            assert client.request(method, path, json=thing_body()).status_code == 401
            assert (
                client.request(method, path, json=thing_body(), headers={"Authorization": tokens["reader"]}).status_code
                == 403
            )
        assert client.get("Things", headers={"Authorization": tokens["reader"]}).status_code == 200
        assert client.post("Things", json=thing_body(), headers={"Authorization": tokens["writer"]}).status_code == 201
    assert count(sta, "Things") == 1


def test_a_token_of_a_district_only_adds_observations_to_its_own_streams(
    sta: Sta, sta_dsn: str, serve_sta: Serve, tokens: dict[str, str]
) -> None:
    own, other = sta.stream("own"), sta.stream("other")
    with psycopg.connect(sta_dsn, autocommit=True) as connection:
        connection.execute("UPDATE sense_datastream SET area = '110101' WHERE id = %s", (own,))
    rows = {"components": ["result"], "dataArray": [[1]]}
    with serve_sta(anonymous=False) as address:
        client = httpx.Client(base_url=f"{address}/", timeout=30, headers={"Authorization": tokens["east"]})
        with client:
            for key, status in ((own, 201), (other, 403), (999999, 403)):
                assert client.post(f"Datastreams({key})/Observations", json={"result": 1}).status_code == status
                groups = [{"Datastream": {"@iot.id": key}, **rows}]
                assert client.post("CreateObservations", json=groups).status_code == status
            assert client.get("Things").status_code == 403
            assert client.post("Things", json=thing_body()).status_code == 403
            assert client.delete(f"Datastreams({own})").status_code == 403
    assert count(sta, "Observations") == 2


def test_a_retry_key_is_its_senders_own(sta: Sta, serve_sta: Serve, sta_dsn: str, tokens: dict[str, str]) -> None:
    stream = sta.stream()
    with psycopg.connect(sta_dsn, autocommit=True) as connection:
        connection.execute("UPDATE sense_datastream SET area = '110101' WHERE id = %s", (stream,))
    with serve_sta(anonymous=False) as address, httpx.Client(base_url=f"{address}/", timeout=30) as client:
        addresses = [
            client.post(
                f"Datastreams({stream})/Observations",
                json={"result": 1},
                headers={"Authorization": tokens[name], "Idempotency-Key": "1"},
            ).headers["location"]
            for name in ("writer", "writer", "east")
        ]
    assert addresses[0] == addresses[1] != addresses[2]
    assert count(sta, "Observations") == 2


def test_no_browser_guesses_what_an_answer_is(sta: Sta) -> None:
    for path in ("", "Things", "Nothing"):
        assert sta.client.get(path).headers["x-content-type-options"] == "nosniff"
