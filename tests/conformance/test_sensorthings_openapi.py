"""The OpenAPI document: it is one, it names all there is, and the answers are as it says."""

from copy import deepcopy
from typing import Any

import httpx
import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.conformance.sta_service import Sta, thing_body

EXAMPLES = 3
"""How often each operation is asked; the fuzz tests ask more."""

HEALTH = list(HealthCheck)
CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)


@pytest.fixture(scope="module")
def document(sta_address: str) -> dict[str, Any]:
    answer = httpx.get(f"{sta_address}/openapi.json", timeout=30)
    assert answer.headers["content-type"] == "application/json"
    found: dict[str, Any] = answer.json()
    assert found["servers"] == [{"url": sta_address}]
    return found


@pytest.fixture(scope="module")
def api(document: dict[str, Any], sta_address: str) -> Any:
    """Load the document as a client does; nested entities are links only, for endless nesting takes endless time."""
    flat = deepcopy(document)
    for schema in flat["components"]["schemas"].values():
        for name, inner in schema.get("properties", {}).items():
            if "anyOf" in inner:
                schema["properties"][name] = {"$ref": "#/components/schemas/Id"}
            elif "anyOf" in inner.get("items", ()) and name != "value":
                inner["items"] = {"$ref": "#/components/schemas/Id"}
    loaded = schemathesis.openapi.from_dict(flat)
    loaded.config.update(base_url=sta_address)
    return loaded


def test_every_schema_of_the_document_is_one(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert document["openapi"] == "3.1.0"
    for name in schemas:
        jsonschema_rs.Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}})


def test_the_document_names_every_set_relation_and_property(document: dict[str, Any], sta: Sta) -> None:
    paths = document["paths"]
    for entry in sta.get("")["value"]:
        name = entry["name"]
        assert set(paths[f"/{name}"]) == {"get", "post"}
        assert {"get", "patch", "put", "delete"} <= set(paths[f"/{name}({{id}})"])
    sta.create("Things", thing_body("one", at=(116, 40)))
    thing = sta.get("Things")["value"][0]
    for shown in thing:
        member = shown.partition("@iot.navigationLink")[0]
        assert member.startswith("@iot") or f"/Things({{id}})/{member}" in paths


@pytest.mark.parametrize("collection", ["Things", "Locations", "Datastreams", "Observations", "FeaturesOfInterest"])
def test_entities_are_as_the_document_says(document: dict[str, Any], sta: Sta, collection: str) -> None:
    stream = sta.stream()
    sta.observe(stream, 1, "2026-01-01T00:00:00Z")
    schemas = document["components"]["schemas"]
    page = document["paths"][f"/{collection}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    validator = jsonschema_rs.Draft202012Validator({**page, "components": {"schemas": schemas}})
    body = sta.get(collection, count="true")
    assert body["@iot.count"] == len(body["value"]) > 0
    validator.validate(body)


@pytest.mark.parametrize("method", ["get", "post", "patch", "put", "delete"])
def test_every_operation_answers_as_the_document_says(api: Any, method: str) -> None:
    operations = [found.ok() for found in api.get_all_operations()]
    chosen = [operation for operation in operations if operation.method.lower() == method]
    assert len(chosen) > 5
    for operation in chosen:
        _ask(operation)


def _ask(operation: Any) -> None:
    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=HEALTH)
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        case.call_and_validate(checks=CHECKS, timeout=30)

    ask()
