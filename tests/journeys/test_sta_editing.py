"""SensorThings 1.1, A.3 Create-Update-Delete."""

from typing import Any

import pytest

from tests.journeys.sta import POINT, Sta

SECOND = {"type": "Point", "coordinates": [116.31, 39.99]}


def test_a_deep_insert_makes_all_or_nothing(sta: Sta) -> None:
    thing = sta.city(streams=2)
    assert [stream["name"] for stream in thing["Datastreams"]] == ["stream 0", "stream 1"]
    bad = sta.stream("bad")
    del bad["ObservedProperty"]
    sta.post("Things", sta.thing(name=f"half {sta.tag}", Datastreams=[sta.stream("good"), bad]), status=400)
    assert sta.names("Things", filter=f"name eq 'half {sta.tag}'") == []


def test_a_deep_insert_reaches_observations(sta: Sta) -> None:
    readings = [{"result": n, "phenomenonTime": f"2026-11-20T0{n}:00:00Z"} for n in range(3)]
    made = sta.post(
        "Things", sta.thing(Locations=[sta.location()], Datastreams=[sta.stream("deep", Observations=readings)])
    )
    found = sta.get(f"Things({made['@iot.id']})/Datastreams", expand="Observations($orderby=result)")["value"][0]
    assert [o["result"] for o in found["Observations"]] == [0, 1, 2]


def test_existing_entities_are_linked_by_their_id(sta: Sta) -> None:
    thing = sta.city()
    sensor = sta.post("Sensors", sta.sensor("shared"))["@iot.id"]
    observed = sta.post("ObservedProperties", sta.observed("shared"))["@iot.id"]
    links = {
        "Thing": {"@iot.id": thing["@iot.id"]},
        "Sensor": {"@iot.id": sensor},
        "ObservedProperty": {"@iot.id": observed},
    }
    made = sta.post("Datastreams", sta.stream("linked") | links)
    assert sta.get(f"Datastreams({made['@iot.id']})/Sensor")["@iot.id"] == sensor
    sta.post("Datastreams", sta.stream("broken") | links | {"Sensor": {"@iot.id": 9007199254740993}}, status=400)


def test_a_post_through_a_path_links_to_its_parent(sta: Sta) -> None:
    thing = sta.city()
    made = sta.post(f"Things({thing['@iot.id']})/Datastreams", sta.stream("by path"))
    assert sta.get(f"Datastreams({made['@iot.id']})/Thing")["@iot.id"] == thing["@iot.id"]
    sta.post("Things(9007199254740993)/Datastreams", sta.stream("nowhere"), status=404)


def test_an_observation_without_time_gets_the_servers_and_its_result_time_stays_null(sta: Sta) -> None:
    stream = sta.city()["Datastreams"][0]["@iot.id"]
    made = sta.post("Observations", {"result": 1, "Datastream": {"@iot.id": stream}})
    assert made["phenomenonTime"].startswith("20")
    assert made["resultTime"] is None


def test_a_feature_is_made_from_the_location_once_and_anew_after_a_move(sta: Sta) -> None:
    thing = sta.city()
    stream = thing["Datastreams"][0]["@iot.id"]

    def feature() -> dict[str, Any]:
        made = sta.observe(stream, 1)
        return sta.get(f"Observations({made['@iot.id']})/FeatureOfInterest")

    first, again = feature(), feature()
    assert first["@iot.id"] == again["@iot.id"]
    assert first["feature"] == POINT
    sta.post(f"Things({thing['@iot.id']})/Locations", sta.location("moved", SECOND))
    moved = feature()
    assert moved["@iot.id"] != first["@iot.id"]
    assert moved["feature"] == SECOND


def test_a_deleted_generated_feature_is_made_again(sta: Sta) -> None:
    stream = sta.city()["Datastreams"][0]["@iot.id"]
    first = sta.get(f"Observations({sta.observe(stream, 1)['@iot.id']})/FeatureOfInterest")["@iot.id"]
    sta.send("DELETE", f"FeaturesOfInterest({first})")
    again = sta.get(f"Observations({sta.observe(stream, 2)['@iot.id']})/FeatureOfInterest")
    assert again["feature"] == POINT


def test_an_observation_with_its_own_feature_keeps_it(sta: Sta) -> None:
    stream = sta.city()["Datastreams"][0]["@iot.id"]
    own = {"name": "own", "description": "own", "encodingType": "application/geo+json", "feature": SECOND}
    made = sta.observe(stream, 1, FeatureOfInterest=own)
    shown = sta.get(f"Observations({made['@iot.id']})/FeatureOfInterest")
    assert shown["feature"] == SECOND
    linked = sta.observe(stream, 2, FeatureOfInterest={"@iot.id": shown["@iot.id"]})
    assert sta.get(f"Observations({linked['@iot.id']})/FeatureOfInterest")["@iot.id"] == shown["@iot.id"]
    body = {"result": 1, "FeatureOfInterest": {"@iot.id": 9007199254740993}}
    assert sta.client.post(f"Datastreams({stream})/Observations", json=body).status_code == 400


def test_a_thing_without_a_place_needs_a_feature_given(sta: Sta) -> None:
    made = sta.post("Things", sta.thing(Datastreams=[sta.stream()]))
    stream = sta.get(f"Things({made['@iot.id']})/Datastreams")["value"][0]["@iot.id"]
    answer = sta.client.post(f"Datastreams({stream})/Observations", json={"result": 1})
    assert answer.status_code == 400


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_an_update_changes_what_is_given(method: str, sta: Sta) -> None:
    number = sta.city()["@iot.id"]
    body = {"name": "renamed", "description": "still a pump"} if method == "PUT" else {"name": "renamed"}
    sta.send(method, f"Things({number})", body)
    shown = sta.get(f"Things({number})")
    assert shown["name"] == "renamed"
    if method == "PATCH":
        assert shown["properties"]["tag"] == sta.tag
        assert shown["description"] == "a pump"


def test_a_json_patch_is_applied(sta: Sta) -> None:
    number = sta.city()["@iot.id"]
    patch = [
        {"op": "replace", "path": "/properties/floors", "value": 4},
        {"op": "add", "path": "/properties/new", "value": [1]},
    ]
    sta.send("PATCH", f"Things({number})", patch, kind="application/json-patch+json")
    shown = sta.get(f"Things({number})")["properties"]
    assert (shown["floors"], shown["new"], shown["tag"]) == (4, [1], sta.tag)
    wrong = [{"op": "test", "path": "/properties/floors", "value": 99}]
    sta.send("PATCH", f"Things({number})", wrong, status=400, kind="application/json-patch+json")


def test_an_update_may_link_anew_but_not_embed(sta: Sta) -> None:
    thing = sta.city()
    stream = thing["Datastreams"][0]["@iot.id"]
    sensor = sta.post("Sensors", sta.sensor("new one"))["@iot.id"]
    sta.send("PATCH", f"Datastreams({stream})", {"Sensor": {"@iot.id": sensor}})
    assert sta.get(f"Datastreams({stream})/Sensor")["@iot.id"] == sensor
    sta.send("PATCH", f"Datastreams({stream})", {"Sensor": sta.sensor("embedded")}, status=400)
    sta.send("PATCH", f"Things({thing['@iot.id']})", {"Datastreams": [sta.stream()]}, status=400)


def test_an_observation_is_corrected(sta: Sta) -> None:
    stream = sta.city()["Datastreams"][0]["@iot.id"]
    number = sta.observe(stream, 1)["@iot.id"]
    sta.send("PATCH", f"Observations({number})", {"result": "broken", "parameters": {"by": "hand"}})
    shown = sta.get(f"Observations({number})")
    assert (shown["result"], shown["parameters"]) == ("broken", {"by": "hand"})
    sta.send("PATCH", f"Observations({number})", {"result": 2.5, "phenomenonTime": "2026-11-19T00:00:00Z"})
    assert sta.get(f"Observations({number})")["result"] == 2.5


@pytest.mark.parametrize("path", ["Things", "Datastreams(9007199254740993)", "Things(9007199254740993)"])
def test_what_does_not_exist_cannot_be_changed_or_deleted(path: str, sta: Sta) -> None:
    assert sta.client.patch(path, json={"name": "x"}).status_code in {404, 405}
    assert sta.client.delete(path).status_code in {403, 404, 405}


CASCADES = [
    ("Things", ["Datastreams", "Observations", "HistoricalLocations"], ["Locations", "Sensors", "ObservedProperties"]),
    ("Datastreams", ["Observations"], ["Things", "Sensors", "ObservedProperties"]),
    ("Sensors", ["Datastreams", "Observations"], ["Things", "ObservedProperties"]),
    ("ObservedProperties", ["Datastreams", "Observations"], ["Things", "Sensors"]),
    ("FeaturesOfInterest", ["Observations"], ["Datastreams", "Things"]),
    ("Locations", ["HistoricalLocations"], ["Things", "Datastreams"]),
    ("Observations", [], ["Datastreams", "FeaturesOfInterest"]),
    ("HistoricalLocations", [], ["Things", "Locations"]),
]


@pytest.mark.parametrize(("name", "gone", "kept"), CASCADES, ids=[row[0] for row in CASCADES])
def test_a_deletion_takes_what_hangs_on_it_and_no_more(name: str, gone: list[str], kept: list[str], sta: Sta) -> None:
    thing = sta.city()
    stream = thing["Datastreams"][0]["@iot.id"]
    observation = sta.observe(stream, 1)["@iot.id"]
    numbers = {
        "Things": thing["@iot.id"],
        "Datastreams": stream,
        "Observations": observation,
        "Locations": thing["Locations"][0]["@iot.id"],
        "Sensors": sta.get(f"Datastreams({stream})/Sensor")["@iot.id"],
        "ObservedProperties": sta.get(f"Datastreams({stream})/ObservedProperty")["@iot.id"],
        "FeaturesOfInterest": sta.get(f"Observations({observation})/FeatureOfInterest")["@iot.id"],
        "HistoricalLocations": sta.get(f"Things({thing['@iot.id']})/HistoricalLocations")["value"][0]["@iot.id"],
    }
    sta.send("DELETE", f"{name}({numbers[name]})")
    for other in [name, *gone]:
        sta.get(f"{other}({numbers[other]})", status=404)
    for other in kept:
        sta.get(f"{other}({numbers[other]})")


def test_a_deletion_of_readings_moves_the_extents(sta: Sta) -> None:
    stream = sta.city()["Datastreams"][0]["@iot.id"]
    first = sta.observe(stream, 1, "2026-11-20T08:00:00Z")["@iot.id"]
    second = sta.observe(stream, 2, "2026-11-20T10:00:00Z")["@iot.id"]
    sta.send("DELETE", f"Observations({second})")
    assert sta.get(f"Datastreams({stream})")["phenomenonTime"].count("08:00:00") == 2
    sta.send("DELETE", f"Observations({first})")
    assert sta.get(f"Datastreams({stream})").get("phenomenonTime") is None


def test_a_new_location_is_remembered_and_an_old_one_does_not_move_the_thing(sta: Sta) -> None:
    number = sta.city()["@iot.id"]
    assert len(sta.get(f"Things({number})/HistoricalLocations")["value"]) == 1
    second = sta.post(f"Things({number})/Locations", sta.location("second", SECOND))["@iot.id"]
    assert len(sta.get(f"Things({number})/HistoricalLocations")["value"]) == 2
    assert sta.names(f"Things({number})/Locations") == ["second"]
    third = sta.post("Locations", sta.location("third"))["@iot.id"]
    old = {"time": "2001-01-01T00:00:00Z", "Thing": {"@iot.id": number}, "Locations": [{"@iot.id": third}]}
    sta.post("HistoricalLocations", old)
    assert [row["@iot.id"] for row in sta.get(f"Things({number})/Locations")["value"]] == [second]
    new = old | {"time": "2099-01-01T00:00:00Z"}
    sta.post("HistoricalLocations", new)
    assert [row["@iot.id"] for row in sta.get(f"Things({number})/Locations")["value"]] == [third]


def test_a_second_reading_at_the_same_instant_is_a_second_entity_and_a_retry_is_not(sta: Sta) -> None:
    stream = sta.city()["Datastreams"][0]["@iot.id"]
    body = {"result": 1, "phenomenonTime": "2026-11-20T08:00:00Z"}
    for _ in range(2):
        sta.client.post(f"Datastreams({stream})/Observations", json=body)
    places = {
        sta.client.post(f"Datastreams({stream})/Observations", json=body, headers={"Idempotency-Key": sta.tag}).headers[
            "Location"
        ]
        for _ in range(3)
    }
    assert len(places) == 1
    assert sta.get(f"Datastreams({stream})/Observations", count="true")["@iot.count"] == 3


def test_data_arrays_create_and_name_the_rows_that_cannot(sta: Sta) -> None:
    stream = sta.city()["Datastreams"][0]["@iot.id"]
    rows = [[n, f"2026-11-20T0{n}:00:00Z"] for n in range(5)] + [[9, "not a time"]]
    group = {"components": ["result", "phenomenonTime"], "dataArray@iot.count": 6, "dataArray": rows}
    body = [{"Datastream": {"@iot.id": stream}, **group}, {"Datastream": {"@iot.id": 9007199254740993}, **group}]
    answer = sta.client.post("CreateObservations", json=body)
    assert answer.status_code == 201
    links = answer.json()
    assert [link == "error" for link in links] == [False] * 5 + [True] * 7
    assert sta.client.get(links[2]).json()["result"] == 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"result": 1, "phenomenonTime": "yesterday"}',
        b'{"result": NaN}',
        b'{"phenomenonTime": "2026-11-20T08:00:00Z"}',
        b'{"result": "\\u0000"}',
        b'{"result": 1, "phenomenonTime": "99999-01-01T00:00:00Z"}',
        b'{"result": 1, "phenomenonTime": 5}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_a_malformed_observation_is_refused_and_leaves_nothing(body: bytes, sta: Sta) -> None:
    stream = sta.city()["Datastreams"][0]["@iot.id"]
    answer = sta.client.post(
        f"Datastreams({stream})/Observations", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 400, answer.text
    assert sta.get(f"Datastreams({stream})/Observations")["value"] == []


def test_a_huge_body_is_refused(sta: Sta) -> None:
    answer = sta.client.post(
        "Things", content=b"[" + b"1," * 20_000_000 + b"1]", headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 413
