"""The same reading twice: devices and imports may send again, HTTP creates what it is told."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from psycopg import AsyncConnection

from cityloop.kernel.observation_ids import id_range
from cityloop.sense.stream.history.arrays import int8_array, timestamp_array
from cityloop.sense.stream.history.partitions import DAY_US
from cityloop.sense.stream.readings import Int64s

DAYS_TOGETHER_MAX = 40
"""Span of days that one look-up may cover, so that the planner opens few partitions."""

_LOOK_UP = """
    WITH asked AS MATERIALIZED (SELECT * FROM unnest(%s, %s) WITH ORDINALITY AS a (stream, time, number))
    SELECT number - 1, min(id) FILTER (WHERE id <> {away}), bool_or(id = {away}) FROM (
        SELECT asked.number, found.id
        FROM asked CROSS JOIN LATERAL (
            SELECT o.id FROM sense_observation o
            WHERE o.datastream_id = asked.stream AND o.phenomenon_time = asked.time
              AND o.phenomenon_time BETWEEN '{since}' AND '{until}'
            ORDER BY o.id LIMIT 1
        ) AS found
        UNION ALL
        SELECT asked.number, o.id
        FROM (SELECT DISTINCT stream, (time AT TIME ZONE 'UTC')::date AS day FROM asked) AS wanted
        JOIN sense_packedday p ON p.datastream_id = wanted.stream AND p.day = wanted.day AND NOT p.away
        CROSS JOIN LATERAL sense_unpacked(p) o
        JOIN asked ON asked.stream = o.datastream_id AND asked.time = o.phenomenon_time
        WHERE wanted.day <= (SELECT max(day) FROM sense_closedday)
        UNION ALL
        SELECT asked.number, {away}
        FROM asked JOIN sense_packedday p ON p.datastream_id = asked.stream AND p.away
            AND p.day = (asked.time AT TIME ZONE 'UTC')::date
    ) AS known GROUP BY number
"""
"""One statement, one snapshot: a reading that is packed at this moment is seen in one of its two places."""

_AWAY_ID = -1
"""Stands for a day that lies in the second store."""

_NOTE = """
    INSERT INTO sense_unsure (datastream_id, phenomenon_time, floor_id) SELECT * FROM unnest(%s, %s, %s)
    ON CONFLICT DO NOTHING
"""
"""Not known, but its day lies in the second store, for which nobody waits here: whether it was known is seen when the
day is packed anew."""

RECEIPT_US_MAX = 900_000_000
"""A reading's id is not older than this when the reading is kept, microseconds."""


@dataclass(frozen=True, slots=True)
class Folded:
    """Rows grouped by (datastream, phenomenon time).

    Attributes:
        order: rows sorted by stream, time and arrival, shape (n,).
        group: number of the group of each row of `order`, shape (n,).
        first: of each group its first row, shape (groups,).
    """

    order: Int64s
    group: Int64s
    first: Int64s


def folded(rows: Int64s, *, datastream_id: Int64s, phenomenon_us: Int64s) -> Folded:
    """Return the chosen rows of a batch, grouped.

    Args:
        rows: row numbers in order of arrival.
        datastream_id: column of the whole batch.
        phenomenon_us: column of the whole batch.
    """
    order = rows[np.lexsort((rows, phenomenon_us[rows], datastream_id[rows]))]
    stream, time = datastream_id[order], phenomenon_us[order]
    starts = np.ones(len(order), dtype=np.bool_)
    starts[1:] = (stream[1:] != stream[:-1]) | (time[1:] != time[:-1])
    return Folded(order, np.cumsum(starts) - 1, order[starts])


async def known_ids(connection: AsyncConnection[Any], *, datastream_id: Int64s, phenomenon_us: Int64s) -> Int64s:
    """Return the ids under which readings are already kept, 0 where they are not, shape (n,).

    Args:
        connection: within a transaction that holds the streams' latest rows locked.
        datastream_id: streams, shape (n,).
        phenomenon_us: times, shape (n,).
    """
    ids = np.zeros(len(datastream_id), dtype=np.int64)
    for rows in _spans(phenomenon_us):
        since, until = int(phenomenon_us[rows].min()), int(phenomenon_us[rows].max())
        statement = _LOOK_UP.format(since=_literal(since), until=_literal(until), away=_AWAY_ID)
        answer = await connection.execute(
            statement, (int8_array(datastream_id[rows]), timestamp_array(phenomenon_us[rows])), prepare=False
        )
        unsure = []
        for number, known, is_away in await answer.fetchall():
            ids[rows[number]] = known or 0
            unsure += [rows[number]] if is_away and known is None else []
        if unsure:
            await _note(connection, datastream_id[unsure], phenomenon_us[unsure])
    return ids


async def _note(connection: AsyncConnection[Any], datastream_id: Int64s, phenomenon_us: Int64s) -> None:
    floor_id, _ = id_range(from_us=time.time_ns() // 1000 - RECEIPT_US_MAX, until_us=0)
    floors = np.full(len(datastream_id), floor_id, dtype=np.int64)
    await connection.execute(
        _NOTE, (int8_array(datastream_id), timestamp_array(phenomenon_us), int8_array(floors)), prepare=False
    )


def _spans(phenomenon_us: Int64s) -> list[Int64s]:
    if not len(phenomenon_us):
        return []
    order = np.argsort(phenomenon_us, kind="stable")
    block = phenomenon_us[order] // (DAYS_TOGETHER_MAX * DAY_US)
    return np.split(order, np.flatnonzero(np.diff(block)) + 1)


def _literal(instant_us: int) -> str:
    return str(np.datetime64(instant_us, "us")) + "+00"


def duplicates(
    grouping: Folded, *, idempotent: npt.NDArray[np.bool_], known: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Return which rows of `grouping.order` are not kept again, shape (n,).

    A row is a duplicate where its mouth is idempotent and the same reading is known, or came earlier in the batch.

    Args:
        grouping: the rows.
        idempotent: column of the whole batch.
        known: of each group, whether it is already kept, shape (groups,).
    """
    later = np.ones(len(grouping.order), dtype=np.bool_)
    later[np.searchsorted(grouping.group, np.arange(len(grouping.first)))] = False
    return idempotent[grouping.order] & (later | known[grouping.group])
