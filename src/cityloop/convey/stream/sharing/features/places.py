"""The features: things of a data set with geometry and their visible streams' latest values; districts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from cityloop.convey.stream.sharing.asking import Condition
from cityloop.convey.stream.sharing.features.questions import Box, Question
from cityloop.kernel.quality import Quality

_PLACES = """
    SELECT t.id, t.code, t.name, t.properties, t.project, t.owner, l.location, l.west, l.south, l.east, l.north,
      min(d.area) AS area, max(v.phenomenon_time) AS newest, jsonb_agg(jsonb_build_object(
        'datastream', d.id, 'name', d.name, 'title', d.properties, 'property', p.name, 'unit', d.unit_symbol,
        'origin', d.origin, 'phenomenonTime', v.phenomenon_time, 'result', coalesce(to_jsonb(v.result), v.result_json),
        'quality', v.quality) ORDER BY d.id) AS streams
    FROM sense_datastream AS d
    JOIN sense_thing AS t ON t.id = d.thing_id
    JOIN sense_observedproperty AS p ON p.id = d.observed_property_id
    LEFT JOIN sense_latest AS v ON v.datastream_id = d.id
    LEFT JOIN LATERAL (SELECT l.* FROM sense_thinglocation AS tl JOIN sense_location AS l ON l.id = tl.location_id
      WHERE tl.thing_id = t.id ORDER BY l.id LIMIT 1) AS l ON TRUE
    WHERE {where}
    GROUP BY t.id, l.id, l.location, l.west, l.south, l.east, l.north
"""
_COUNT = "SELECT count(*) FROM ({places}) AS found"
_BOX_OF = """
    SELECT min(l.west), min(l.south), max(l.east), max(l.north) FROM sense_datastream AS d
    JOIN sense_thinglocation AS tl ON tl.thing_id = d.thing_id JOIN sense_location AS l ON l.id = tl.location_id
    WHERE l.west IS NOT NULL AND {where}
"""
_DISTRICTS = """
    SELECT a.code, a.name_zh, a.name_en, s.geometry, s.area_km2 FROM registry_areashape AS s
    JOIN registry_area AS a ON a.code = s.area_id ORDER BY a.code
"""
_COLUMNS = {"code": "t.code", "name": "t.name", "project": "t.project", "owner": "t.owner"}


@dataclass(frozen=True, slots=True)
class Page:
    """Features of one page, how many fit altogether, and the key of the next page, 0 where there is none."""

    features: list[dict[str, Any]]
    matched: int
    after: int


async def places(connection: AsyncConnection[Any], asked: Question, *, streams: Condition) -> Page:
    """Return the places that fit.

    Args:
        connection: of the database.
        asked: what is asked.
        streams: which datastreams, named `d`, are in the collection and visible.
    """
    where, having, named = _conditions(asked, streams)
    body = _PLACES.format(where=where) + (f" HAVING {' AND '.join(having)}" if having else "")
    counted = await (await connection.execute(_COUNT.format(places=body), named)).fetchone()
    paged = _PLACES.format(where=f"{where} AND t.id > %(after)s")
    paged += (f" HAVING {' AND '.join(having)}" if having else "") + " ORDER BY t.id LIMIT %(limit)s"
    rows = await (await connection.execute(paged, {**named, "after": asked.after, "limit": asked.limit + 1})).fetchall()
    shown = rows[: asked.limit]
    return Page(
        [_place(row) for row in shown], counted[0] if counted else 0, shown[-1][0] if len(rows) > len(shown) else 0
    )


def _conditions(asked: Question, streams: Condition) -> tuple[str, list[str], dict[str, Any]]:
    where, having, named = [streams.sql], [], dict(streams.parameters)
    for name, value in asked.equal.items():
        named[f"equal_{name}"] = value
        if name == "area":
            where.append("d.area = %(equal_area)s")
        else:
            where.append(f"{_COLUMNS[name]} = %(equal_{name})s")
    if asked.box is not None:
        where.append(_in_box(asked.box))
        box = asked.box
        named |= {"west": box.west, "south": box.south, "east": box.east, "north": box.north}
    if asked.since is not None:
        having.append("(max(v.phenomenon_time) IS NULL OR max(v.phenomenon_time) >= %(since)s)")
        named["since"] = asked.since
    if asked.until is not None:
        having.append("(max(v.phenomenon_time) IS NULL OR max(v.phenomenon_time) <= %(until)s)")
        named["until"] = asked.until
    return " AND ".join(where), having, named


def _in_box(box: Box) -> str:
    """Return the condition of a box; what has no geometry fits every box, as the standard demands."""
    across = "l.west <= %(east)s AND l.east >= %(west)s"
    if box.west > box.east:
        across = "(l.east >= %(west)s OR l.west <= %(east)s)"
    return f"(l.west IS NULL OR ({across} AND l.south <= %(north)s AND l.north >= %(south)s))"


def _place(row: tuple[Any, ...]) -> dict[str, Any]:
    number, code, name, properties, project, owner, geometry, *box, area, newest, streams = row
    titles = properties if isinstance(properties, dict) else {}
    west, south, east, north = box
    feature: dict[str, Any] = {
        "type": "Feature",
        "id": str(number),
        "geometry": geometry if _is_geometry(geometry) else None,
        "properties": {
            "code": code or "",
            "name": name,
            "name_en": titles.get("title_en", name),
            "project": project,
            "owner": owner,
            "area": area,
            "phenomenonTime": _iso(newest),
            "latest": [_latest(one) for one in streams],
        },
    }
    if west is not None:
        feature["bbox"] = [west, south, east, north]
    return feature


def _is_geometry(value: Any) -> bool:
    return (
        isinstance(value, dict) and ("coordinates" in value or "geometries" in value) and value.get("type") != "Feature"
    )


def _latest(one: dict[str, Any]) -> dict[str, Any]:
    titles = one["title"] if isinstance(one["title"], dict) else {}
    quality = one["quality"]
    return {
        "datastream": one["datastream"],
        "name": one["name"],
        "name_en": titles.get("title_en", one["name"]),
        "property": one["property"],
        "unit": one["unit"],
        "origin": one["origin"],
        "phenomenonTime": one["phenomenonTime"],
        "result": one["result"],
        "quality": None if quality is None else Quality(quality).name.lower(),
    }


def _iso(at: datetime | None) -> str | None:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


async def box_of(connection: AsyncConnection[Any], streams: Condition) -> list[float] | None:
    """Return the box of a collection's places, None where it has none."""
    cursor = await connection.execute(_BOX_OF.format(where=streams.sql), streams.parameters)
    row = await cursor.fetchone()
    return list(row) if row and row[0] is not None else None


async def districts(connection: AsyncConnection[Any]) -> list[dict[str, Any]]:
    """Return the districts as features, by code."""
    rows = await (await connection.execute(_DISTRICTS)).fetchall()
    return [
        {
            "type": "Feature",
            "id": code,
            "geometry": geometry,
            "properties": {"code": code, "name": zh, "name_en": en, "area_km2": area_km2},
        }
        for code, zh, en, geometry, area_km2 in rows
    ]
