"""The OpenAPI 3.1 document of the service, made from the names: no path or property is described by hand."""

from typing import Any

import msgspec

from cityloop.sense.stream.sta.names import ENTITY_TYPES, OBSERVATION, EntityType, Navigation
from cityloop.sense.stream.sta.schemas import CHANGE, NEW, PAGE, Schema, reference, schemas, value_of
from cityloop.sense.stream.sta.showing import BASE

DESCRIPTION_PATH = "openapi.json"
_JSON, _JSON_PATCH = "application/json", "application/json-patch+json"
_KEY: Schema = {
    "name": "id",
    "in": "path",
    "required": True,
    "schema": {"type": "integer", "format": "int64", "minimum": 0},
}
_ERRORS = {
    "400": "The request cannot be read.",
    "401": "No valid token came along.",
    "403": "The token may not do this.",
    "404": "Nothing stands there, or nothing that is seen.",
    "503": "Too much waits, or this takes too long; come again later.",
}
_RETRY_KEY: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "A retry with the same key is kept once and gets the first answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
}
_WRITE_ERRORS = {"405": "Not possible here.", "413": "The body is too large.", "415": "The body is of another type."}

_OPTIONS: dict[str, tuple[Schema, str]] = {
    "$filter": ({"type": "string"}, "Condition, such as `result gt 3`."),
    "$orderby": ({"type": "string"}, "Keys with `asc` or `desc`."),
    "$top": ({"type": "integer", "minimum": 0}, "Entities of a page."),
    "$skip": ({"type": "integer", "minimum": 0}, "Entities left out before."),
    "$count": ({"type": "boolean"}, "Whether all that fit are counted."),
    "$select": ({"type": "string"}, "Names of what is shown."),
    "$expand": ({"type": "string"}, "Related entities shown inside, with options in brackets."),
    "$resultFormat": ({"enum": ["CSV", "GeoJSON"]}, "Another form of the answer."),
}


def description_body() -> bytes:
    """Return the document; `BASE` stands where the address of the service comes."""
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Cityloop SensorThings API",
            "version": "1.1",
            "description": "OGC SensorThings API 1.1, part 1: Sensing (18-088).",
        },
        "servers": [{"url": "@@base@@"}],
        "security": [{"token": []}],
        "paths": _paths(),
        "components": {
            "schemas": schemas(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }
    return msgspec.json.encode(document).replace(b"@@base@@", BASE.encode())


def _paths() -> dict[str, Any]:
    paths: dict[str, Any] = {
        "/": {"get": _reads("The service root", _content(reference("Root")))},
        f"/{DESCRIPTION_PATH}": {"get": _reads("This document", _content({"type": "object"}))},
        "/CreateObservations": {"post": _writes("Add observations in data arrays", "DataArrays", "Created")},
        "/$batch": {"post": _batch()},
    }
    for entity in ENTITY_TYPES:
        paths |= _paths_of(entity)
    return paths


def _paths_of(entity: EntityType) -> dict[str, Any]:
    everyone, one = f"/{entity.collection}", f"/{entity.collection}({{id}})"
    paths = {
        everyone: {
            "get": _lists(entity, f"Read {entity.collection}"),
            "post": _writes(f"Create one of {entity.collection}", entity.name + NEW, entity.name),
        },
        f"{everyone}/$ref": {"get": _reads(f"Links to {entity.collection}", _content(reference("Links")), *_OPTIONS)},
        one: _on_one(entity),
        f"{one}/$ref": _keyed({"get": _reads(f"The link to one of {entity.collection}", _content(reference("Link")))}),
    }
    for item in entity.properties:
        schema = {"type": "object", "properties": {item.name: value_of(item)}}
        shown = _reads(f"Read {item.name} of one of {entity.collection}", _content(schema), absent=True)
        raw = {"text/plain": {"schema": {"type": "string"}}, **_content({})}
        paths[f"{one}/{item.name}"] = _keyed({"get": shown})
        paths[f"{one}/{item.name}/$value"] = _keyed({"get": _reads(f"The value of {item.name}", raw, absent=True)})
    for navigation in entity.navigations:
        paths |= _related(entity, navigation)
    return paths


def _on_one(entity: EntityType) -> dict[str, Any]:
    told = f"one of {entity.collection}"
    change = _writes(f"Change {told}", entity.name + CHANGE, entity.name, status="200")
    change["requestBody"]["content"][_JSON_PATCH] = {"schema": reference("JsonPatch")}
    shown = _shows(reference(entity.name))
    options = ("$select", "$expand", "$resultFormat")
    return _keyed(
        {
            "get": _reads(f"Read {told}", shown, *options),
            "patch": change,
            "put": _writes(f"Replace {told}", entity.name + NEW, entity.name, status="200"),
            "delete": {
                "summary": f"Delete {told} with what cannot be without it",
                "responses": {"200": {"description": "It is gone."}, **_errors(_WRITE_ERRORS)},
            },
        }
    )


def _related(entity: EntityType, navigation: Navigation) -> dict[str, Any]:
    path = f"/{entity.collection}({{id}})/{navigation.name}"
    target = next(item for item in ENTITY_TYPES if item.name == navigation.target)
    told = f"{navigation.name} of one of {entity.collection}"
    if not navigation.many:
        options = ("$select", "$expand", "$resultFormat")
        shown, link = _reads(f"Read {told}", _shows(reference(target.name)), *options), reference("Link")
        return {
            path: _keyed({"get": shown}),
            f"{path}/$ref": _keyed({"get": _reads(f"The link to {told}", _content(link))}),
        }
    return {
        path: _keyed(
            {
                "get": _lists(target, f"Read {told}"),
                "post": _writes(f"Create one of {told}", target.name + NEW, target.name),
            }
        ),
        f"{path}/$ref": _keyed({"get": _reads(f"Links to {told}", _content(reference("Links")), *_OPTIONS)}),
    }


def _lists(entity: EntityType, summary: str) -> dict[str, Any]:
    operation = _reads(summary, _shows(reference(entity.name + PAGE)), *_OPTIONS)
    if entity is OBSERVATION:
        for parameter in operation["parameters"]:
            if parameter["name"] == "$resultFormat":
                parameter["schema"] = {"enum": ["dataArray", "CSV", "GeoJSON"]}
    return operation


def _reads(summary: str, content: Schema, *options: str, absent: bool = False) -> dict[str, Any]:
    responses = {"200": {"description": "What is there.", "content": content}, **_errors()}
    if absent:
        responses["204"] = {"description": "The property is absent."}
    operation: dict[str, Any] = {"summary": summary, "responses": responses}
    if options:
        responses["501"] = _error("An option that is known but not built.")
        operation["parameters"] = [_option(name) for name in options]
    return operation


def _writes(summary: str, given: str, shown: str, *, status: str = "201") -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": summary,
        "requestBody": {"required": True, "content": _content(reference(given))},
        "responses": {
            status: {"description": "It is durable.", "content": _content(reference(shown))},
            **_errors(_WRITE_ERRORS),
        },
    }
    if status == "201":
        operation["parameters"] = [_RETRY_KEY]
        operation["responses"]["422"] = _error("The Idempotency-Key was used for another request.")
    return operation


def _batch() -> dict[str, Any]:
    multipart = {"multipart/mixed": {"schema": {"type": "string"}}}
    return {
        "summary": "Many requests in one",
        "requestBody": {"required": True, "content": {**_content(reference("Batch")), **multipart}},
        "responses": {
            "200": {
                "description": "An answer to each, in the form of the question.",
                "content": {**_content(reference("BatchAnswer")), **multipart},
            },
            **_errors(_WRITE_ERRORS),
        },
    }


def _option(name: str) -> dict[str, Any]:
    schema, told = _OPTIONS[name]
    return {"name": name, "in": "query", "description": told, "schema": dict(schema)}


def _keyed(operations: dict[str, Any]) -> dict[str, Any]:
    return {"parameters": [_KEY], **operations}


def _content(schema: Schema) -> dict[str, Any]:
    return {_JSON: {"schema": schema}}


def _shows(schema: Schema) -> dict[str, Any]:
    return {
        **_content(schema),
        "text/csv": {"schema": {"type": "string"}},
        "application/geo+json": {"schema": reference("Features")},
    }


def _error(told: str) -> dict[str, Any]:
    return {"description": told, "content": _content(reference("Error"))}


def _errors(more: dict[str, str] | None = None) -> dict[str, Any]:
    return {status: _error(told) for status, told in {**_ERRORS, **(more or {})}.items()}
