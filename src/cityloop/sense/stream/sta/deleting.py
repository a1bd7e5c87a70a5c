"""Deletes entities with what cannot be without them, and keeps the extents of the streams right."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from psycopg import AsyncConnection

from cityloop.sense.stream.archive.asking import Reach, both
from cityloop.sense.stream.archive.recalling import asked
from cityloop.sense.stream.archive.returning import bring_back
from cityloop.sense.stream.archive.returning import delete_feature as delete_packed_feature

Connection = AsyncConnection[Any]
SKEW = "interval '5 minutes'"
"""Readings further ahead of the present are of a wrong clock and no latest value."""

_LOCK = "SELECT 1 FROM sense_latest WHERE datastream_id = ANY(%s) ORDER BY datastream_id FOR UPDATE"
_NEWEST_DAYS = Reach(stream="given.stream", until=f"(now() + {SKEW})", first="1").condition()
_RECOUNT = f"""
    UPDATE sense_latest l SET
        first_time = x.first_time, last_time = x.last_time,
        first_result_time = x.first_result, last_result_time = x.last_result,
        id = n.id, phenomenon_time = n.phenomenon_time, result = n.result, result_json = n.result_json,
        quality = n.quality
    FROM unnest(%s::bigint[]) AS given (stream)
    CROSS JOIN LATERAL (
        SELECT min(first_time) AS first_time, max(last_time) AS last_time,
            min(first_result) AS first_result, max(last_result) AS last_result
        FROM (
            SELECT min(phenomenon_time), max(coalesce(phenomenon_end, phenomenon_time)),
                min(result_time), max(result_time)
            FROM sense_observation WHERE datastream_id = given.stream
            UNION ALL
            SELECT min(first_time), max(end_time), min(first_result_time), max(last_result_time)
            FROM sense_packedday WHERE datastream_id = given.stream
        ) AS parts (first_time, last_time, first_result, last_result)
    ) x
    LEFT JOIN LATERAL (
        SELECT id, phenomenon_time, result, result_json, quality FROM {both(_NEWEST_DAYS)} o
        WHERE datastream_id = given.stream AND phenomenon_time <= now() + {SKEW}
        ORDER BY phenomenon_time DESC, id DESC LIMIT 1
    ) n ON TRUE
    WHERE l.datastream_id = given.stream
"""

_DELETE_ONE = """
    WITH gone AS (DELETE FROM sense_observation o WHERE datastream_id = %s AND id = %s RETURNING o.*),
    noted AS (
        INSERT INTO sense_correction (observation_id, datastream_id, actor, before)
        SELECT id, datastream_id, coalesce(current_setting('cityloop.actor', TRUE), ''), to_jsonb(gone) FROM gone
    )
    SELECT phenomenon_time, phenomenon_end, result_time FROM gone
"""
"""What is deleted by hand stays as a correction, so that a number made of it can still be explained."""


async def lock_streams(connection: Connection, streams: Sequence[int]) -> None:
    """Hold the latest rows of streams, in the order every writer takes them."""
    await connection.execute(_LOCK, (sorted(set(streams)),))


async def recount(connection: Connection, streams: Sequence[int]) -> None:
    """Set extents and latest values of streams from what is kept; their latest rows are held."""
    await asked(connection, lambda: connection.execute(_RECOUNT, (sorted(set(streams)),)))


async def _ids(connection: Connection, statement: str, parameters: Sequence[Any]) -> list[int]:
    return [row[0] for row in await (await connection.execute(statement, parameters)).fetchall()]


async def _delete(connection: Connection, table: str, column: str, ids: Sequence[int]) -> None:
    await connection.execute(f"DELETE FROM {table} WHERE {column} = ANY(%s)", (list(ids),))


async def delete_streams(connection: Connection, streams: Sequence[int]) -> None:
    """Delete datastreams with their observations."""
    if streams:
        await lock_streams(connection, streams)
        await _delete(connection, "sense_latest", "datastream_id", streams)
        await _delete(connection, "sense_observation", "datastream_id", streams)
        await _delete(connection, "sense_packedday", "datastream_id", streams)
        await _delete(connection, "sense_datastream", "id", streams)
        await connection.execute("NOTIFY cityloop_datastreams")


async def _delete_owner(connection: Connection, table: str, column: str, key: int) -> None:
    statement = f"SELECT id FROM sense_datastream WHERE {column} = %s ORDER BY id FOR UPDATE"
    await delete_streams(connection, await _ids(connection, statement, (key,)))
    await _delete(connection, table, "id", [key])


async def _delete_history(connection: Connection, entries: Sequence[int]) -> None:
    await _delete(connection, "sense_historicalplace", "historical_id", entries)
    await _delete(connection, "sense_historicallocation", "id", entries)


async def _delete_thing(connection: Connection, key: int) -> None:
    entries = await _ids(connection, "SELECT id FROM sense_historicallocation WHERE thing_id = %s", (key,))
    await _delete_history(connection, entries)
    await _delete(connection, "sense_thinglocation", "thing_id", [key])
    await _delete_capabilities(connection, "thing_id", key)
    await _delete_owner(connection, "sense_thing", "thing_id", key)


async def _delete_capabilities(connection: Connection, column: str, key: int) -> None:
    """Delete tasking capabilities with their tasks."""
    capabilities = await _ids(connection, f"SELECT id FROM sense_taskingcapability WHERE {column} = %s", (key,))
    await _delete(connection, "sense_task", "capability_id", capabilities)
    await _delete(connection, "sense_taskingcapability", "id", capabilities)


async def _delete_actuator(connection: Connection, key: int) -> None:
    await _delete_capabilities(connection, "actuator_id", key)
    await _delete(connection, "sense_actuator", "id", [key])


async def _delete_location(connection: Connection, key: int) -> None:
    statement = "SELECT historical_id FROM sense_historicalplace WHERE location_id = %s"
    await _delete_history(connection, await _ids(connection, statement, (key,)))
    await _delete(connection, "sense_thinglocation", "location_id", [key])
    await _delete(connection, "sense_location", "id", [key])


async def _delete_feature(connection: Connection, key: int) -> None:
    streams = await _ids(
        connection, "SELECT DISTINCT datastream_id FROM sense_observation WHERE feature_id = %s", (key,)
    )
    streams += await _ids(connection, "SELECT datastream_id FROM sense_latest WHERE feature_id = %s", (key,))
    streams += await delete_packed_feature(connection, key)
    await lock_streams(connection, streams)
    await connection.execute("UPDATE sense_latest SET feature_id = NULL WHERE feature_id = %s", (key,))
    await connection.execute("UPDATE sense_location SET feature_id = NULL WHERE feature_id = %s", (key,))
    await _delete(connection, "sense_observation", "feature_id", [key])
    await _delete(connection, "sense_feature", "id", [key])
    await recount(connection, streams)


async def _delete_observation(connection: Connection, key: int) -> None:
    await bring_back(connection, key)
    streams = await _ids(connection, "SELECT datastream_id FROM sense_observation WHERE id = %s", (key,))
    await lock_streams(connection, streams)
    for stream in streams:
        removed = await connection.execute(_DELETE_ONE, (stream, key))
        row = await removed.fetchone()
        if row is not None and await _touches_extent(connection, stream, key, row):
            await recount(connection, [stream])


async def _touches_extent(connection: Connection, stream: int, key: int, row: tuple[Any, ...]) -> bool:
    found = await connection.execute(
        """
        SELECT id = %s OR first_time = %s OR last_time = coalesce(%s, %s)
            OR coalesce(%s IN (first_result_time, last_result_time), FALSE)
        FROM sense_latest WHERE datastream_id = %s
        """,
        (key, row[0], row[1], row[0], row[2], stream),
    )
    answer = await found.fetchone()
    return answer is not None and answer[0] is not False


_DELETE: dict[str, Callable[[Connection, int], Awaitable[None]]] = {
    "Thing": _delete_thing,
    "Location": _delete_location,
    "HistoricalLocation": lambda connection, key: _delete_history(connection, [key]),
    "Datastream": lambda connection, key: delete_streams(connection, [key]),
    "Sensor": lambda connection, key: _delete_owner(connection, "sense_sensor", "sensor_id", key),
    "ObservedProperty": lambda connection, key: _delete_owner(
        connection, "sense_observedproperty", "observed_property_id", key
    ),
    "FeatureOfInterest": _delete_feature,
    "Observation": _delete_observation,
    "TaskingCapability": lambda connection, key: _delete_capabilities(connection, "id", key),
    "Actuator": _delete_actuator,
    "Task": lambda connection, key: _delete(connection, "sense_task", "id", [key]),
}


async def delete_entity(connection: Connection, name: str, key: int) -> None:
    """Delete an entity and what cannot be without it.

    Args:
        connection: within a transaction.
        name: of its type.
        key: its id.

    Source:
        OGC 18-088, delete entity: Thing takes its Datastreams and HistoricalLocations, Datastream its Observations,
        Sensor and ObservedProperty their Datastreams, FeatureOfInterest its Observations, Location the
        HistoricalLocations that name it.
    """
    await _DELETE[name](connection, key)
