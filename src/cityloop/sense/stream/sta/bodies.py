"""Reads the body of a POST, PUT or PATCH into a draft of an entity; nothing is written here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import shapely

from cityloop.sense.rules.parameters import check_record
from cityloop.sense.stream.sta.errors import BodyError
from cityloop.sense.stream.sta.names import (
    BY_NAME,
    GEOJSON_TYPES,
    OBSERVATION,
    TASKING_CAPABILITY,
    EntityType,
    Kind,
    Navigation,
    Property,
)
from cityloop.sense.stream.sta.observations import Reading, reading_of
from cityloop.sense.stream.sta.times import given_instant, text_of

DEPTH_MAX = 6
"""Deepest nesting of a deep insert."""

_BOX = ("west", "south", "east", "north")
_UNIT = ("name", "symbol", "definition")


@dataclass(slots=True)
class Draft:
    """An entity as it shall be.

    Attributes:
        entity: its type.
        columns: values by column, ready for SQL.
        links: by navigation, the ids of entities that are there and drafts of those to be made.
        reading: of an observation its values.
    """

    entity: EntityType
    columns: dict[str, Any] = field(default_factory=dict)
    links: dict[str, "list[int | Draft]"] = field(default_factory=dict)
    reading: Reading | None = None


def draft_of(
    entity: EntityType, body: object, *, given: Mapping[str, int] | None = None, partial: bool = False, depth: int = 0
) -> Draft:
    """Return the draft of an entity.

    Args:
        entity: its type.
        body: decoded JSON.
        given: relations that the path names already, by navigation.
        partial: whether what is absent stays as it is (PATCH).
        depth: how deeply the entity is nested.

    Raises:
        BodyError: if a property is missing, unknown or of another type.
    """
    if not isinstance(body, dict):
        raise BodyError(field=entity.name, reason="an object is needed here")
    if depth > DEPTH_MAX:
        raise BodyError(field=entity.name, reason="the expression is nested too deeply")
    _check_names(entity, body)
    draft = Draft(entity)
    if entity is OBSERVATION:
        draft.reading = reading_of(body, partial=partial)
    else:
        for item in entity.properties:
            _read_property(draft, item, body, partial=partial)
    for navigation in entity.navigations:
        _read_links(draft, navigation, body, given or {}, depth)
    if entity is TASKING_CAPABILITY and "taskingParameters" in body:
        check_record(body["taskingParameters"])
    if not partial:
        _check_links(draft, given or {})
    return draft


def _check_names(entity: EntityType, body: Mapping[str, Any]) -> None:
    for name in body:
        known = "@iot." in name or "@odata." in name or entity.property_named(name) or entity.navigation_named(name)
        if not known:
            raise BodyError(field=name[:100], reason="the name is unknown")


def _read_property(draft: Draft, item: Property, body: Mapping[str, Any], *, partial: bool) -> None:
    if not item.column:
        return
    if item.name not in body:
        if item.required and not partial:
            raise BodyError(field=item.name, reason="the property is missing")
        if partial or item.required or item.name == "observedArea":
            return
    value = body.get(item.name)
    match item.kind:
        case Kind.TEXT:
            draft.columns[item.column] = _text(item.name, value)
        case Kind.TIME:
            draft.columns[item.column] = text_of(given_instant(value, field=item.name))
        case Kind.GEO:
            _read_geometry(draft, item, value, body)
        case _ if item.column == "unit":
            _read_unit(draft, value)
        case _:
            _read_json(draft, item, value)


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise BodyError(field=name, reason="a text is needed here")
    return value


def _read_json(draft: Draft, item: Property, value: object) -> None:
    if item.name == "properties" and not isinstance(value, dict | None):
        raise BodyError(field=item.name, reason="an object is needed here")
    absent = value is None and not item.required
    draft.columns[item.column] = None if absent else msgspec.json.encode(value).decode()


def _read_unit(draft: Draft, value: object) -> None:
    if not isinstance(value, dict | None):
        raise BodyError(field="unitOfMeasurement", reason="an object is needed here")
    for part in _UNIT:
        inner = (value or {}).get(part)
        draft.columns[f"unit_{part}"] = None if inner is None else _text(f"unitOfMeasurement/{part}", inner)


def _read_geometry(draft: Draft, item: Property, value: object, body: Mapping[str, Any]) -> None:
    if value is None and item.required:
        raise BodyError(field=item.name, reason="the property is missing")
    text = msgspec.json.encode(value).decode()
    draft.columns[item.column] = text if value is not None else None
    shape = shapely.from_geojson(text, on_invalid="ignore") if isinstance(value, dict) else None
    if shape is None and (
        body.get("encodingType") in GEOJSON_TYPES or (item.name == "observedArea" and value is not None)
    ):
        raise BodyError(field=item.name, reason="this geometry cannot be read")
    if item.name != "observedArea":
        known = shape is not None and bool(np.isfinite(shapely.bounds(shape)).all())
        sides = shape.bounds if known and shape is not None else (None,) * 4
        draft.columns.update(zip(_BOX, sides, strict=True))


def _read_links(
    draft: Draft, navigation: Navigation, body: Mapping[str, Any], given: Mapping[str, int], depth: int
) -> None:
    name, links = navigation.name, []
    value = body.get(name)
    if value is not None:
        if navigation.many is not isinstance(value, list):
            raise BodyError(
                field=name, reason="a list is needed here" if navigation.many else "an object is needed here"
            )
        links = [_link(draft.entity, navigation, item, depth) for item in (value if navigation.many else [value])]
    if name in given and given[name] not in links:
        if links and not navigation.many:
            raise BodyError(field=name, reason="the path names another entity")
        links.append(given[name])
    if links:
        draft.links[name] = links


def _link(owner: EntityType, navigation: Navigation, value: object, depth: int) -> "int | Draft":
    if isinstance(value, dict) and "@iot.id" in value:
        key = value["@iot.id"]
        if isinstance(key, bool) or not isinstance(key, int) or not 0 <= key < 2**63:
            raise BodyError(field=navigation.name, reason="an id is a whole number")
        return key
    target = BY_NAME[navigation.target]
    back = inverse_of(owner, target)
    return draft_of(target, value, given={back.name: -1} if back else {}, depth=depth + 1)


def inverse_of(owner: EntityType, target: EntityType) -> Navigation | None:
    """Return the navigation that leads from the target back to the owner."""
    return next((item for item in target.navigations if item.target == owner.name), None)


def _check_links(draft: Draft, given: Mapping[str, int]) -> None:
    for navigation in draft.entity.navigations:
        required = navigation.required or (draft.entity.name == "HistoricalLocation" and navigation.name == "Locations")
        if required and navigation.name not in draft.links and navigation.name not in given:
            raise BodyError(field=navigation.name, reason="the related entity is missing")
    for name in [name for name, key in given.items() if key == -1]:
        draft.links[name] = [link for link in draft.links.get(name, []) if link != -1]
        if not draft.links[name]:
            del draft.links[name]
