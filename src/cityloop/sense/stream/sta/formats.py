"""Result formats besides JSON: CSV and GeoJSON, made of the JSON of one page; and which request can have which."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from cityloop.sense.stream.sta.errors import SyntaxFault
from cityloop.sense.stream.sta.names import BY_NAME, OBSERVATION, EntityType
from cityloop.sense.stream.sta.paths import Resource
from cityloop.sense.stream.sta.syntax import Expand, Options

DATA_ARRAY, CSV, GEOJSON = "dataArray", "CSV", "GeoJSON"
FORMATS = {name.lower(): name for name in (DATA_ARRAY, CSV, GEOJSON)}
CONTENT_TYPES = {DATA_ARRAY: "application/json", CSV: "text/csv; charset=utf-8", GEOJSON: "application/geo+json"}

PLACES_MAX = 50
"""Most locations of one thing that make its geometry."""

_OPTION = "$resultFormat"
_SHAPES = {
    "Thing": ("Locations", "location"),
    "HistoricalLocation": ("Locations", "location"),
    "Observation": ("FeatureOfInterest", "feature"),
    "Location": ("", "location"),
    "FeatureOfInterest": ("", "feature"),
    "Datastream": ("", "observedArea"),
}
"""By entity type, the relation that leads to its geometry, and the property that holds it."""

_GEOMETRIES = {"Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a text that begins so for a formula."""

_UNIT = ("name", "symbol", "definition")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its name, and where its values stand in an entity."""

    name: str
    path: tuple[str, ...]


def check_format(resource: Resource, options: Options) -> None:
    """Refuse a result format where it cannot be.

    Raises:
        SyntaxFault: if the path or the other options leave nothing the format could show.
    """
    wanted, entity = options.result_format, resource.last.entity
    if not wanted:
        return
    if resource.member is not None or resource.references:
        raise SyntaxFault(option=_OPTION, place=1, reason="only entities have this format")
    if wanted == DATA_ARRAY:
        if entity is not OBSERVATION or not resource.last.is_collection:
            raise SyntaxFault(option=_OPTION, place=1, reason="only observations have this format")
        if options.expand:
            raise SyntaxFault(option=_OPTION, place=1, reason="nothing can be expanded in this format")
    if wanted == GEOJSON and entity.name not in _SHAPES:
        raise SyntaxFault(option=_OPTION, place=1, reason="these entities have no geometry")
    if wanted in (CSV, GEOJSON):
        columns_of(entity, options)


def with_geometry(entity: EntityType, options: Options) -> Options:
    """Return the options under which an entity is read so that its geometry is there, whatever is asked for."""
    navigation, member = _SHAPES[entity.name]
    needed = navigation or member
    select = (*options.select, needed) if options.select and not navigation else options.select
    known = next((item for item in options.expand if item.name == navigation), None)
    if not navigation:
        return replace(options, select=select)
    inner = Options(top=PLACES_MAX, select=(member,)) if known is None else known.options
    if known is not None and inner.select:
        inner = replace(inner, select=(*inner.select, member))
    others = [item for item in options.expand if item.name != navigation]
    return replace(options, expand=[*others, Expand(navigation, 1, inner)])


def columns_of(entity: EntityType, options: Options, *, prefix: tuple[str, ...] = ()) -> list[Column]:
    """Return the columns of a table of entities; they depend on the request alone, not on what is found.

    Raises:
        SyntaxFault: if a collection is expanded: it has no place in a table.
    """
    select = options.select
    columns = []
    if not select or "@iot.id" in select or "id" in select:
        columns.append(_column(prefix, "@iot.id"))
    for item in entity.properties:
        if not select or item.name in select:
            parts = _UNIT if item.name == "unitOfMeasurement" else ("",)
            columns += [_column(prefix, item.name, part) if part else _column(prefix, item.name) for part in parts]
    for navigation in entity.navigations:
        if navigation.name in select:
            columns.append(_column(prefix, f"{navigation.name}@iot.navigationLink"))
    for expand in options.expand:
        found = entity.navigation_named(expand.name)
        if found is None:
            raise SyntaxFault(option="$expand", place=expand.place, reason="the name is unknown")
        if found.many:
            if _SHAPES.get(entity.name, ("",))[0] == found.name and options.result_format == GEOJSON:
                continue
            raise SyntaxFault(option="$expand", place=expand.place, reason="a collection has no place in a table")
        columns += columns_of(BY_NAME[found.target], expand.options, prefix=(*prefix, expand.name))
    return columns


def csv_of(columns: Sequence[Column], entities: Sequence[Mapping[str, Any]]) -> bytes:
    """Return entities as CSV (RFC 4180) with a line of names, UTF-8.

    A text that a spreadsheet would take for a formula gets an apostrophe before it; numbers stay as they are.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([column.name for column in columns])
    writer.writerows([_cell(_value(entity, column.path)) for column in columns] for entity in entities)
    return text.getvalue().encode()


def feature_of(entity: EntityType, columns: Sequence[Column], found: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entity as a GeoJSON feature: its properties are the columns of a table of it."""
    navigation, member = _SHAPES[entity.name]
    places = found.get(navigation) if navigation else found
    geometries = [g for g in _geometries(places if isinstance(places, list) else [places], member) if g]
    geometry: Any = geometries[0] if len(geometries) == 1 else None
    if len(geometries) > 1:
        geometry = {"type": "GeometryCollection", "geometries": geometries}
    values = {column.name: _value(found, column.path) for column in columns}
    feature = {"type": "Feature", "geometry": geometry, "properties": values}
    return {"type": "Feature", "id": found["@iot.id"], **feature} if "@iot.id" in found else feature


def _column(prefix: tuple[str, ...], *names: str) -> Column:
    path = (*prefix, *names)
    return Column("/".join(path), path)


def _value(entity: Any, path: Sequence[str]) -> Any:
    for name in path:
        entity = entity.get(name) if isinstance(entity, Mapping) else None
    return entity


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    if isinstance(value, bool | dict | list):
        return msgspec.json.encode(value).decode()
    return value


def _geometries(places: Sequence[Any], member: str) -> Iterator[Any]:
    for place in places:
        shape = place.get(member) if isinstance(place, Mapping) else None
        if isinstance(shape, Mapping) and shape.get("type") == "Feature":
            shape = shape.get("geometry")
        if isinstance(shape, Mapping) and shape.get("type") in _GEOMETRIES:
            yield shape
