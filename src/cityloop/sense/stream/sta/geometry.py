"""Geographic functions of `$filter`: a bounding box in the database, the geometry itself here.

PostgreSQL without PostGIS knows no geometry. So each geographic function is answered first, for the entities whose
bounding box may match, and the statement then names the ids it holds for, or the number it has for each.
Distances and lengths are plane ones in degrees of WGS 84, as other servers of this interface give them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from psycopg import AsyncConnection
from psycopg.raw_cursor import AsyncRawCursor

from cityloop.sense.stream.sta.errors import SyntaxFault
from cityloop.sense.stream.sta.values import Parameters, Type, Value

CANDIDATES_MAX = 200_000
"""Most geometries that one function may look at."""

_ON_BOX = "west <= $3 AND east >= $1 AND south <= $4 AND north >= $2"
Predicate = Callable[[Any, Any], Any]

_TRUTHS: dict[str, Predicate] = {
    "geo.intersects": shapely.intersects,
    "st_equals": shapely.equals,
    "st_disjoint": shapely.disjoint,
    "st_touches": shapely.touches,
    "st_within": shapely.within,
    "st_overlaps": shapely.overlaps,
    "st_crosses": shapely.crosses,
    "st_intersects": shapely.intersects,
    "st_contains": shapely.contains,
}
_RELATE_MARKS = set("TF*012")
_RELATE_LENGTH = 9
GEO_FUNCTIONS = {*_TRUTHS, "st_relate", "geo.distance", "geo.length"}


@dataclass(frozen=True, slots=True)
class GeoTask:
    """A geographic function to be answered before its statement runs.

    Attributes:
        name: of the function.
        table: whose geometries are asked.
        column: where they stand.
        boxed: whether the table keeps bounding boxes.
        other: the geometry they are compared with, None for lengths.
        first: whether the property is the first argument.
        pattern: of `st_relate`.
        ids: number of the parameter that takes the ids.
        numbers: number of the parameter that takes the numbers, 0 for truth functions.
    """

    name: str
    table: str
    column: str
    boxed: bool
    other: Any
    first: bool
    pattern: str
    ids: int
    numbers: int


def geometry_of(text: str, *, option: str, place: int) -> Any:
    """Return well-known text as a geometry.

    Raises:
        SyntaxFault: if it is none.
    """
    text = text.partition(";")[2] if text.upper().startswith("SRID=") else text
    try:
        return shapely.from_wkt(text)
    except shapely.errors.ShapelyError as error:
        raise SyntaxFault(option, place, "this geometry cannot be read") from error


def geo_call(
    name: str, place: int, values: Sequence[Value], *, parameters: Parameters, option: str
) -> tuple[Value, GeoTask | None]:
    """Return a geographic function as SQL, with what must be answered before.

    Raises:
        SyntaxFault: if the arguments are wrong in number or type.
    """
    count = {"geo.length": 1, "st_relate": 3}.get(name, 2)
    if len(values) != count:
        raise SyntaxFault(option, place, "the number of arguments is wrong")
    pattern = _pattern(values[2], option) if name == "st_relate" else ""
    shapes = values[:2] if count > 1 else values[:1]
    paths = [value for value in shapes if value.type is Type.GEO and value.sql]
    constants = [_constant(value, option) for value in shapes if value not in paths]
    if len(paths) > 1:
        raise SyntaxFault(option, paths[1].place, "one of the two must be a geometry in well-known text")
    if not paths:
        answer = answered(name, np.array([constants[0]]), constants[-1], first=True, pattern=pattern)[0].item()
        cast = "float8" if _kind(name) is Type.NUMBER else "boolean"
        return Value(parameters.add(answer, cast), _kind(name), place), None
    other, first = (constants[0] if constants else None), shapes[0] is paths[0]
    return _asked(name, paths[0], place=place, other=other, first=first, pattern=pattern, parameters=parameters)


def _kind(name: str) -> Type:
    return Type.NUMBER if name in ("geo.distance", "geo.length") else Type.TRUTH


def _asked(  # noqa: PLR0913  the parts of one call
    name: str,
    path: Value,
    *,
    place: int,
    other: Any,
    first: bool,
    pattern: str,
    parameters: Parameters,
) -> tuple[Value, GeoTask]:
    table, column = path.origin or ("", "")
    kind = _kind(name)
    ids = parameters.add([], "bigint[]")
    if kind is Type.NUMBER:
        numbers = parameters.add([], "float8[]")
        sql = f"(SELECT v.number FROM unnest({ids}, {numbers}) AS v (id, number) WHERE v.id = {path.sql})"
    else:
        sql = f"({path.sql} = ANY ({ids}))"
    slots = (len(parameters.values) - 1, len(parameters.values)) if kind is Type.NUMBER else (len(parameters.values), 0)
    task = GeoTask(name, table, column, table != "sense_datastream", other, first, pattern, *slots)
    return Value(sql, kind, place), task


def _pattern(value: Value, option: str) -> str:
    text = (value.literal or "").upper()
    if len(text) != _RELATE_LENGTH or not set(text) <= _RELATE_MARKS:
        raise SyntaxFault(option, value.place, "nine of T, F, *, 0, 1 and 2 are needed here")
    return text


def _constant(value: Value, option: str) -> Any:
    if value.type is not Type.GEO:
        raise SyntaxFault(option, value.place, f"{Type.GEO.value} is needed here")
    return geometry_of((value.origin or ("", ""))[1], option=option, place=value.place)


def answered(name: str, shapes: Any, other: Any, *, first: bool, pattern: str) -> Any:
    """Return what a function yields for many geometries, shape (n,).

    Args:
        name: of the function.
        shapes: the geometries, shape (n,), None where there is none.
        other: what they are compared with.
        first: whether they are the first argument.
        pattern: of `st_relate`.
    """
    if name == "geo.length":
        return shapely.length(shapes)
    if name == "geo.distance":
        return shapely.distance(shapes, other)
    pair = (shapes, other) if first else (other, shapes)
    return shapely.relate_pattern(*pair, pattern) if name == "st_relate" else _TRUTHS[name](*pair)


async def answer(connection: AsyncConnection[Any], task: GeoTask) -> tuple[list[int], list[float]]:
    """Return the ids a function holds for; for a number also the number of each.

    Raises:
        SyntaxFault: if too many geometries would have to be looked at.
    """
    ids, texts = await _candidates(connection, task)
    shapes = shapely.from_geojson(texts, on_invalid="ignore") if texts else np.array([], dtype=object)
    with np.errstate(invalid="ignore"):
        found = answered(task.name, shapes, task.other, first=task.first, pattern=task.pattern)
    if not task.numbers:
        return [number for number, holds in zip(ids, found.tolist(), strict=True) if holds], []
    known = [(i, v) for i, v in zip(ids, found.tolist(), strict=True) if v == v]  # noqa: PLR0124  NaN where there is none
    return [i for i, _ in known], [v for _, v in known]


async def _candidates(connection: AsyncConnection[Any], task: GeoTask) -> tuple[list[int], list[str]]:
    conditions: list[str] = [f"{task.column} IS NOT NULL"]
    box: tuple[float, ...] = ()
    if task.boxed:
        conditions.append("west IS NOT NULL")
        if task.name in _TRUTHS and task.name != "st_disjoint" and not task.other.is_empty:
            conditions.append(_ON_BOX)
            box = task.other.bounds
    statement = (
        f"SELECT id, {task.column}::text FROM {task.table} WHERE {' AND '.join(conditions)} LIMIT {CANDIDATES_MAX + 1}"
    )
    cursor = AsyncRawCursor(connection)
    rows = await (await cursor.execute(statement, [float(side) for side in box])).fetchall()
    if len(rows) > CANDIDATES_MAX:
        raise SyntaxFault(option="$filter", place=1, reason="too many geometries would have to be looked at")
    return [row[0] for row in rows], [row[1] for row in rows]
