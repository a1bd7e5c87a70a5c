"""Payloads of others: examples of the specification, of the official test suite, of a reference server."""

import json
from typing import Any

import pytest

from tests.conformance.sta_service import DATA, Sta, thing_body

FOLDER = DATA / "sensorthings"
needs_payloads = pytest.mark.skipif(
    not FOLDER.exists(), reason="the folder of public SensorThings payloads is absent (CITYLOOP_DATA)"
)

REQUIRED = {
    "Things": {"name", "description"},
    "Locations": {"name", "description", "encodingType", "location"},
    "Sensors": {"name", "description", "encodingType", "metadata"},
    "ObservedProperties": {"name", "definition", "description"},
    "FeaturesOfInterest": {"name", "description", "encodingType", "feature"},
    "Datastreams": {"name", "description", "observationType", "unitOfMeasurement", "Sensor", "ObservedProperty"},
}
COLLECTIONS = {
    "thing": "Things",
    "locations": "Locations",
    "sensors": "Sensors",
    "observedproperties": "ObservedProperties",
    "foi": "FeaturesOfInterest",
    "datastreams": "Datastreams",
}


def payloads() -> list[Any]:
    files = sorted((FOLDER / "ets_entities").glob("*.json")) if FOLDER.exists() else []
    return [pytest.param(file, id=file.stem) for file in files if file.stem.partition("_")[0] in COLLECTIONS]


@needs_payloads
@pytest.mark.parametrize("file", payloads())
def test_a_payload_of_the_official_suite_is_taken_or_refused_for_a_named_reason(sta: Sta, file: Any) -> None:
    collection = COLLECTIONS[file.stem.partition("_")[0]]
    body = json.loads(file.read_text(encoding="utf-8"))
    if collection == "Datastreams":
        body["Thing"] = thing_body("payload", at=(116.4, 39.9))
    answer = sta.send("POST", collection, body)
    whole = REQUIRED[collection] <= set(body) and _children_are_whole(body)
    assert answer.status_code == (201 if whole else 400), answer.text
    if not whole:
        assert answer.json()["field"]
        return
    entity = sta.client.get(answer.headers["location"]).json()
    assert {name: entity[name] for name in body if name in entity} == {
        name: value for name, value in body.items() if name in entity
    }


def _children_are_whole(body: dict[str, Any]) -> bool:
    one = {"Sensor": "Sensors", "ObservedProperty": "ObservedProperties"}
    found = [(one[name], child) for name, child in body.items() if name in one]
    found += [(name, child) for name in ("Locations", "Datastreams") for child in body.get(name, [])]
    return all(
        "@iot.id" in child or (REQUIRED[name] <= set(child) and _children_are_whole(child)) for name, child in found
    )


@needs_payloads
def test_the_default_entities_of_a_reference_server_are_created_in_one_request(sta: Sta) -> None:
    body = json.loads((FOLDER / "frost_entitiesDefault.json").read_text(encoding="utf-8"))
    thing = sta.create("Things", body)
    streams = sta.get(f"Things({thing})/Datastreams", expand="Observations($orderby=phenomenonTime)", orderby="name")[
        "value"
    ]
    assert [[item["result"] for item in stream["Observations"]] for stream in streams] == [[3, 4], [5, 6]]


@needs_payloads
@pytest.mark.parametrize(
    ("number", "collection"), [("01", "Things"), ("02", "Locations"), ("05", "Sensors"), ("08", "FeaturesOfInterest")]
)
def test_an_example_of_the_specification_is_taken_with_its_control_information(
    sta: Sta, number: str, collection: str
) -> None:
    body = json.loads((FOLDER / "spec_examples" / f"08_entities_{number}.json").read_text(encoding="utf-8"))
    relations = {name for name in body if name.endswith("navigationLink")}
    key = sta.create(collection, body)
    shown = sta.get(f"{collection}({key})")
    assert relations <= set(shown)
    assert shown["name"] == body["name"]
