"""Schemas of the OpenAPI document, made from the names: what entities, pages, errors and batches look like."""

from typing import Any

from cityloop.sense.stream.sta.names import ENTITY_TYPES, EntityType, Kind, Property

Schema = dict[str, Any]

NEW, CHANGE, PAGE = "New", "Change", "Page"
"""What follows an entity type's name in the names of further schemas of it."""

_INTERVAL = "An instant, or an interval `start/end` (ISO 8601)."
_UNIT: Schema = {
    "type": ["object", "null"],
    "properties": {name: {"type": ["string", "null"]} for name in ("name", "symbol", "definition")},
}


def reference(name: str) -> Schema:
    """Return a reference to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def schemas() -> dict[str, Schema]:
    """Return all schemas of the document."""
    found: dict[str, Schema] = {"Error": _ERROR, "Id": _ID, "Link": _LINK, "Links": _page_of("Link"), "Root": _ROOT}
    found |= {"DataArray": _DATA_ARRAY, "DataArrays": _DATA_ARRAYS, "Created": _CREATED, "JsonPatch": _PATCH}
    found |= {"Batch": _BATCH, "BatchAnswer": _BATCH_ANSWER, "Features": _FEATURES}
    for entity in ENTITY_TYPES:
        found[entity.name] = _shown(entity)
        found[entity.name + NEW] = _given(entity, is_new=True)
        found[entity.name + CHANGE] = _given(entity, is_new=False)
        found[entity.name + PAGE] = _page_of(entity.name)
    found["ObservationPage"]["properties"]["value"]["items"] = {
        "anyOf": [reference("Observation"), reference("DataArray")]
    }
    return found


def _shown(entity: EntityType) -> Schema:
    properties: Schema = {"@iot.id": {"type": "integer", "format": "int64"}, "@iot.selfLink": {"type": "string"}}
    properties |= {item.name: value_of(item) for item in entity.properties}
    for navigation in entity.navigations:
        properties[f"{navigation.name}@iot.navigationLink"] = {"type": "string"}
        one = reference(navigation.target)
        properties[navigation.name] = {"type": "array", "items": one} if navigation.many else one
        if navigation.many:
            properties[f"{navigation.name}@iot.count"] = {"type": "integer"}
            properties[f"{navigation.name}@iot.nextLink"] = {"type": "string"}
    return {"type": "object", "properties": properties, "description": f"{entity.name} (OGC SensorThings 1.1)."}


def _given(entity: EntityType, *, is_new: bool) -> Schema:
    written = [item for item in entity.properties if item.column]
    properties = {item.name: value_of(item) for item in written}
    for navigation in entity.navigations:
        one: Schema = {"anyOf": [reference("Id"), reference(navigation.target + NEW)]} if is_new else reference("Id")
        properties[navigation.name] = {"type": "array", "items": one} if navigation.many else one
    schema: Schema = {"type": "object", "properties": properties}
    required = [item.name for item in written if item.required] if is_new else []
    return {**schema, "required": required} if required else schema


_VALUES: dict[Kind, Schema] = {
    Kind.ID: {"type": "integer", "format": "int64"},
    Kind.TEXT: {"type": "string"},
    Kind.TIME: {"type": ["string", "null"], "format": "date-time"},
    Kind.SPAN: {"type": ["string", "null"], "description": _INTERVAL},
    Kind.RESULT: {"description": "Any JSON."},
    Kind.GEO: {"description": "GeoJSON where the encoding type says so, otherwise any JSON."},
    Kind.JSON: {"description": "Any JSON."},
}
_OBJECTS = ("properties", "parameters")


def value_of(item: Property) -> Schema:
    """Return the schema of a property's value."""
    if item.name == "unitOfMeasurement":
        return _UNIT
    return {"type": ["object", "null"]} if item.name in _OBJECTS else _VALUES[item.kind]


def _page_of(name: str) -> Schema:
    properties: Schema = {
        "@iot.count": {"type": "integer"},
        "@iot.nextLink": {"type": "string"},
        "value": {"type": "array", "items": reference(name)},
    }
    return {"type": "object", "properties": properties, "required": ["value"]}


_ID: Schema = {
    "type": "object",
    "properties": {"@iot.id": {"type": "integer", "format": "int64", "minimum": 0}},
    "required": ["@iot.id"],
}
_LINK: Schema = {
    "type": "object",
    "properties": {"@iot.selfLink": {"type": "string"}},
    "required": ["@iot.selfLink"],
}
_ERROR: Schema = {
    "type": "object",
    "properties": {"code": {"type": "integer"}, "message": {"type": "string"}, "field": {"type": ["string", "null"]}},
    "required": ["code", "message"],
}
_ROOT: Schema = {
    "type": "object",
    "properties": {
        "value": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "url": {"type": "string"}},
                "required": ["name", "url"],
            },
        },
        "serverSettings": {
            "type": "object",
            "properties": {"conformance": {"type": "array", "items": {"type": "string"}}},
            "required": ["conformance"],
        },
    },
    "required": ["value", "serverSettings"],
}
_DATA_ARRAY: Schema = {
    "type": "object",
    "properties": {
        "Datastream@iot.navigationLink": {"type": "string"},
        "components": {"type": "array", "items": {"type": "string"}},
        "dataArray@iot.count": {"type": "integer"},
        "dataArray": {"type": "array", "items": {"type": "array"}},
    },
    "required": ["Datastream@iot.navigationLink", "components", "dataArray"],
}
_DATA_ARRAYS: Schema = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "Datastream": reference("Id"),
            "components": {"type": "array", "items": {"type": "string"}},
            "dataArray": {"type": "array", "items": {"type": "array"}},
        },
        "required": ["Datastream", "components", "dataArray"],
    },
}
_CREATED: Schema = {
    "type": "array",
    "items": {"type": "string"},
    "description": "For each row the address of its observation, or the word `error`.",
}
_PATCH: Schema = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "op": {"enum": ["add", "replace", "test", "remove", "move", "copy"]},
            "path": {"type": "string"},
            "from": {"type": "string"},
            "value": {},
        },
        "required": ["op", "path"],
    },
}
_BATCH: Schema = {
    "type": "object",
    "properties": {
        "requests": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "id": {"type": "string"},
                    "atomicityGroup": {"type": "string"},
                    "method": {"enum": ["GET", "POST", "PATCH", "PUT", "DELETE"]},
                    "url": {"type": "string"},
                    "headers": {"type": "object", "additionalProperties": {"type": "string"}},
                    "body": {},
                },
                "required": ["id", "method", "url"],
            },
        }
    },
    "required": ["requests"],
}
_BATCH_ANSWER: Schema = {
    "type": "object",
    "properties": {
        "responses": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "id": {"type": "string"},
                    "atomicityGroup": {"type": "string"},
                    "status": {"type": "integer"},
                    "location": {"type": "string"},
                    "headers": {"type": "object"},
                    "body": {},
                },
                "required": ["id", "status"],
            },
        }
    },
    "required": ["responses"],
}
_FEATURES: Schema = {
    "type": "object",
    "properties": {"type": {"enum": ["FeatureCollection", "Feature"]}},
    "required": ["type"],
}
