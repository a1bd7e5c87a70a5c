"""SensorThings 1.1, A.1 Sensing Core: entities, their relations, paths and statuses."""

import re
from typing import Any

import pytest

from tests.city import City
from tests.journeys.sta import POINT, UNIT, Sta

SETS = [
    "Things",
    "Locations",
    "HistoricalLocations",
    "Datastreams",
    "Sensors",
    "ObservedProperties",
    "Observations",
    "FeaturesOfInterest",
]
TASKING = ["TaskingCapabilities", "Actuators", "Tasks"]
RELATIONS = {
    "Things": {"Locations", "HistoricalLocations", "Datastreams", "TaskingCapabilities"},
    "Locations": {"Things", "HistoricalLocations"},
    "HistoricalLocations": {"Thing", "Locations"},
    "Datastreams": {"Thing", "Sensor", "ObservedProperty", "Observations"},
    "Sensors": {"Datastreams"},
    "ObservedProperties": {"Datastreams"},
    "Observations": {"Datastream", "FeatureOfInterest"},
    "FeaturesOfInterest": {"Observations"},
}
PROPERTIES = {
    "Things": {"name", "description", "properties"},
    "Locations": {"name", "description", "encodingType", "location"},
    "HistoricalLocations": {"time"},
    "Datastreams": {"name", "description", "observationType", "unitOfMeasurement"},
    "Sensors": {"name", "description", "encodingType", "metadata"},
    "ObservedProperties": {"name", "definition", "description"},
    "Observations": {"phenomenonTime", "result", "resultTime"},
    "FeaturesOfInterest": {"name", "description", "encodingType", "feature"},
}


@pytest.fixture
def one_of_each(sta: Sta) -> dict[str, dict[str, Any]]:
    thing = sta.city()
    stream = thing["Datastreams"][0]["@iot.id"]
    observation = sta.observe(stream, 7.5)
    return {
        "Things": thing,
        "Locations": thing["Locations"][0],
        "HistoricalLocations": sta.get(f"Things({thing['@iot.id']})/HistoricalLocations")["value"][0],
        "Datastreams": sta.get(f"Datastreams({stream})"),
        "Sensors": sta.get(f"Datastreams({stream})/Sensor"),
        "ObservedProperties": sta.get(f"Datastreams({stream})/ObservedProperty"),
        "Observations": observation,
        "FeaturesOfInterest": sta.get(f"Observations({observation['@iot.id']})/FeatureOfInterest"),
    }


def test_the_service_root_lists_every_set_and_what_it_claims(sta: Sta) -> None:
    root = sta.get("")
    assert {entry["name"] for entry in root["value"]} == {*SETS, *TASKING}
    assert all(entry["url"].endswith(f"/sta/v1.1/{entry['name']}") for entry in root["value"])
    claimed = root["serverSettings"]["conformance"]
    assert any(uri.endswith("req/datamodel/thing/properties") for uri in claimed)
    assert any(uri.endswith("req/batch-request/batch-request") for uri in claimed)
    assert not [uri for uri in claimed if "multi-datastream" in uri]


@pytest.mark.parametrize("name", SETS)
def test_an_entity_shows_its_control_information_and_relations(
    name: str, sta: Sta, one_of_each: dict[str, Any]
) -> None:
    entity = one_of_each[name]
    number = entity["@iot.id"]
    assert isinstance(number, int)
    assert entity["@iot.selfLink"].endswith(f"{name}({number})")
    whole = sta.client.get(entity["@iot.selfLink"]).json()
    assert {key.removesuffix("@iot.navigationLink") for key in whole if key.endswith("navigationLink")} == RELATIONS[
        name
    ]
    assert set(whole) >= PROPERTIES[name]


@pytest.mark.parametrize("name", SETS)
def test_every_relation_answers(name: str, sta: Sta, one_of_each: dict[str, Any]) -> None:
    number = one_of_each[name]["@iot.id"]
    for relation in RELATIONS[name] - set(TASKING):
        linked = sta.get(f"{name}({number})/{relation}")
        entity = linked["value"][0] if "value" in linked else linked
        assert entity["@iot.selfLink"]


@pytest.mark.parametrize("name", SETS)
def test_an_absent_entity_is_404(name: str, sta: Sta) -> None:
    sta.get(f"{name}(9007199254740993)", status=404)


@pytest.mark.parametrize(
    "path", ["Nothings", "Things(1)/Nothing", "Observations(", "Things(x)", "Thing", "Things(1)(2)", "things"]
)
def test_an_unknown_path_is_404_or_400(path: str, sta: Sta) -> None:
    assert sta.client.get(path).status_code in {400, 404}


def test_a_property_a_value_and_references_are_addressed(sta: Sta) -> None:
    thing = sta.city()
    number, stream = thing["@iot.id"], thing["Datastreams"][0]["@iot.id"]
    assert sta.get(f"Things({number})/name") == {"name": f"thing {sta.tag}"}
    assert sta.client.get(f"Things({number})/name/$value").text == f"thing {sta.tag}"
    assert sta.client.get(f"Things({number})/nothing").status_code == 404
    references = sta.get(f"Things({number})/Datastreams/$ref")["value"]
    assert references == [{"@iot.selfLink": thing["Datastreams"][0]["@iot.selfLink"]}]
    nested = sta.get(f"Things({number})/Datastreams({stream})/Thing/Locations")
    assert nested["value"][0]["location"] == POINT


@pytest.mark.parametrize("kind", ["application/geo+json", "application/vnd.geo+json"])
def test_a_location_keeps_its_encoding(kind: str, sta: Sta) -> None:
    made = sta.post("Things", sta.thing(Locations=[sta.location(kind=kind)]))
    assert sta.get(f"Things({made['@iot.id']})/Locations")["value"][0]["encodingType"] == kind


def test_a_stream_keeps_its_unit_and_knows_its_extents(sta: Sta) -> None:
    stream = sta.city()["Datastreams"][0]["@iot.id"]
    sta.observe(stream, 1, "2026-11-20T08:00:00Z", resultTime="2026-11-20T08:00:05Z")
    sta.observe(stream, 2, "2026-11-20T10:00:00Z", resultTime="2026-11-20T10:00:05Z")
    shown = sta.get(f"Datastreams({stream})")
    assert shown["unitOfMeasurement"] == UNIT
    assert shown["phenomenonTime"].replace(".000", "") == "2026-11-20T08:00:00Z/2026-11-20T10:00:00Z"
    assert shown["resultTime"].replace(".000", "") == "2026-11-20T08:00:05Z/2026-11-20T10:00:05Z"


@pytest.mark.parametrize(
    "result",
    [
        7,
        7.25,
        -0.5,
        "open",
        "中文 ' \" \\ <b>",
        True,
        False,
        None,
        [1, [2, "x"]],
        {"a": {"b": 1}},
        9007199254740993,
        1e300,
    ],
    ids=str,
)
def test_a_result_of_any_json_type_comes_back_as_it_was(result: Any, sta: Sta) -> None:
    stream = sta.city()["Datastreams"][0]["@iot.id"]
    made = sta.observe(stream, result)
    assert (float(made["result"]) if isinstance(result, float) else made["result"]) == result
    assert type(made["result"]) is type(result) or isinstance(result, int | float)


def test_an_observation_keeps_all_its_parts(sta: Sta) -> None:
    stream = sta.city()["Datastreams"][0]["@iot.id"]
    parts = {
        "resultTime": "2026-11-20T09:00:05Z",
        "validTime": "2026-11-20T09:00:00Z/2026-11-21T09:00:00Z",
        "resultQuality": {"code": "good"},
        "parameters": {"depth": 2, "操作员": "王"},
    }
    made = sta.observe(stream, 3.5, "2026-11-20T08:00:00Z/2026-11-20T09:00:00Z", **parts)
    plain = {key: value.replace(".000", "") if isinstance(value, str) else value for key, value in made.items()}
    assert plain["phenomenonTime"] == "2026-11-20T08:00:00Z/2026-11-20T09:00:00Z"
    assert {key: plain[key] for key in parts} == parts


def test_an_observation_id_goes_beyond_what_a_double_holds_and_is_still_found(sta: Sta) -> None:
    stream = sta.city()["Datastreams"][0]["@iot.id"]
    for time in ("2026-11-20T08:00:00Z", "1999-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "0001-01-01T00:00:00Z"):
        made = sta.observe(stream, 1, time)
        assert sta.get(f"Observations({made['@iot.id']})")["phenomenonTime"].replace(".000", "") == time


def test_without_credentials_nothing_is_shown_and_nothing_written(city: City) -> None:
    with city.machine() as stranger:
        assert stranger.get("Things").status_code == 401
        assert stranger.post("Things", json={}).status_code == 401
    with city.machine("wrong") as liar:
        assert liar.get("Things").status_code == 401


def test_a_token_that_may_only_read_writes_nothing(city: City, sta: Sta) -> None:
    with city.machine(city.token("reader", "read")) as reader:
        assert reader.get("Things").status_code == 200
        assert reader.post("Things", json=sta.thing()).status_code == 403
        assert reader.delete("Things(1)").status_code == 403


def test_an_error_names_the_field_in_the_language_asked_for(sta: Sta) -> None:
    for language, letters in (("zh", "一-鿿"), ("en", "A-Za-z")):
        answer = sta.client.post("Things", json={"name": 7}, headers={"Accept-Language": language})
        assert answer.status_code == 400
        body = answer.json()
        assert "name" in str(body) or "description" in str(body)
        assert re.search(f"[{letters}]", body["message"])
