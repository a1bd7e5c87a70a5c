"""Registers datastreams by the hundred thousand: COPY into the house's own tables, as provisioning leaves them."""

from collections.abc import Iterable
from typing import Any

import psycopg

STREAMS_PER_THING = 10
CODE = "bench-{number}"

_WEST, _SOUTH, _SIDE_DEGREES, _COLUMNS = 116.0, 39.6, 0.8, 1000
"""Things stand on a grid over the city."""


def register(dsn: str, *, count: int) -> list[int]:
    """Return the ids of so many datastreams, made with their things, places, features and latest rows.

    Args:
        dsn: of the database.
        count: datastreams, a multiple of `STREAMS_PER_THING`.
    """
    things = count // STREAMS_PER_THING
    with psycopg.connect(dsn) as connection, connection.cursor() as cursor:
        first = {name: _after_last(cursor, f"sense_{name}") for name in ("thing", "location", "feature", "datastream")}
        sensor = _one(cursor, "sensor", "description, encoding_type, metadata", "'', 'text/plain', '\"\"'")
        observed = _one(cursor, "observedproperty", "definition, description", "'http://example.org/level', ''")
        _copy(cursor, "thing", "id, name, description", (
            (first["thing"] + n, f"station {n}", "bench") for n in range(things)
        ))  # fmt: skip
        _copy(cursor, "feature", "id, name, description, encoding_type, feature, west, south, east, north", (
            (first["feature"] + n, f"place {n}", "", "application/geo+json", *_place(n)) for n in range(things)
        ))  # fmt: skip
        _copy(
            cursor,
            "location",
            "id, feature_id, name, description, encoding_type, location, west, south, east, north",
            (
                (first["location"] + n, first["feature"] + n, f"place {n}", "", "application/geo+json", *_place(n))
                for n in range(things)
            ),
        )
        _copy(cursor, "thinglocation", "thing_id, location_id", (
            (first["thing"] + n, first["location"] + n) for n in range(things)
        ))  # fmt: skip
        streams = range(first["datastream"], first["datastream"] + count)
        _copy(
            cursor,
            "datastream",
            "id, name, description, observation_type, unit_name, unit_symbol, thing_id, sensor_id, "
            "observed_property_id, period_s, longitude, latitude",
            (
                (stream, f"level {n}", "", "OM_Measurement", "metre", "m", first["thing"] + n // STREAMS_PER_THING,
                 sensor, observed, 1.0, *_point(n // STREAMS_PER_THING))
                for n, stream in enumerate(streams)
            ),
        )  # fmt: skip
        _copy(cursor, "latest", "datastream_id, feature_id", (
            (stream, first["feature"] + n // STREAMS_PER_THING) for n, stream in enumerate(streams)
        ))  # fmt: skip
        for name, start in first.items():
            made = count if name == "datastream" else things
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('sense_{name}', 'id'), %s)", (start + made,))
        connection.commit()
        connection.autocommit = True
        for name in (*first, "thinglocation", "latest"):
            cursor.execute(f"VACUUM ANALYZE sense_{name}")
    return list(streams)


def _after_last(cursor: psycopg.Cursor[Any], table: str) -> int:
    row = cursor.execute(f"SELECT coalesce(max(id), 0) + 1 FROM {table}").fetchone()
    return int(row[0]) if row else 1


def _one(cursor: psycopg.Cursor[Any], name: str, columns: str, values: str) -> int:
    row = cursor.execute(
        f"INSERT INTO sense_{name} (name, {columns}) VALUES ('bench', {values}) RETURNING id"
    ).fetchone()
    return int(row[0]) if row else 0


def _copy(cursor: psycopg.Cursor[Any], name: str, columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
    with cursor.copy(f"COPY sense_{name} ({columns}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _point(thing: int) -> tuple[float, float]:
    east, north = thing % _COLUMNS, thing // _COLUMNS % _COLUMNS
    return _WEST + _SIDE_DEGREES * east / _COLUMNS, _SOUTH + _SIDE_DEGREES * north / _COLUMNS


def _place(thing: int) -> tuple[str, float, float, float, float]:
    longitude, latitude = _point(thing)
    point = f'{{"type":"Point","coordinates":[{longitude},{latitude}]}}'
    return point, longitude, latitude, longitude, latitude
