"""The latest value and the extents of each stream, one row a stream; its lock orders the writers of a stream."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from psycopg import AsyncCursor

from cityloop.sense.stream.history.arrays import float8_array, int8_array, timestamp_array
from cityloop.sense.stream.readings import NO_TIME, Float64s, Int64s, Readings

_LOCK = f"""
    SELECT datastream_id, coalesce(feature_id, 0),
      coalesce((extract(epoch FROM phenomenon_time) * 1000000)::bigint, {NO_TIME}),
      coalesce((extract(epoch FROM last_time) * 1000000)::bigint, {NO_TIME}),
      coalesce(result, 'NaN')
    FROM sense_latest WHERE datastream_id = ANY(%s) ORDER BY datastream_id FOR UPDATE
"""
_EXTEND = """
    UPDATE sense_latest l SET
      first_time = least(l.first_time, v.first_time), last_time = greatest(l.last_time, v.last_time),
      first_result_time = least(l.first_result_time, nullif(v.first_result, '{none}')),
      last_result_time = greatest(l.last_result_time, nullif(v.last_result, '{none}'))
    FROM unnest(%s, %s, %s, %s, %s) AS v (stream, first_time, last_time, first_result, last_result)
    WHERE l.datastream_id = v.stream
"""
_RENEW = """
    UPDATE sense_latest l SET
      id = v.id, phenomenon_time = v.time, result = nullif(v.result, 'NaN'), result_json = NULL,
      quality = v.quality, received_at = %s,
      first_time = least(l.first_time, v.first_time), last_time = greatest(l.last_time, v.last_time),
      first_result_time = least(l.first_result_time, nullif(v.first_result, '{none}')),
      last_result_time = greatest(l.last_result_time, nullif(v.last_result, '{none}'))
    FROM unnest(%s, %s, %s, %s, %s, %s, %s, %s, %s)
      AS v (stream, first_time, last_time, first_result, last_result, id, time, result, quality)
    WHERE l.datastream_id = v.stream
"""
_RENEW_JSON = "UPDATE sense_latest SET result_json = %s::jsonb WHERE datastream_id = %s"

_NONE_US = -62_135_596_800_000_000
"""0001-01-01 UTC stands for an absent result time; microseconds since the Unix epoch."""

_NONE_TEXT = "0001-01-01 00:00+00"


@dataclass(frozen=True, slots=True)
class LatestRows:
    """Locked rows, by rising stream, shape (streams,) each column.

    Attributes:
        datastream_id: the stream.
        feature_id: feature made from its thing's location, 0 where it must be made.
        phenomenon_us: time of the latest value, `NO_TIME` where there is none.
        last_us: end of the extent, `NO_TIME` where there is none.
        result: the latest value, NaN where it is none or no number.
    """

    datastream_id: Int64s
    feature_id: Int64s
    phenomenon_us: Int64s
    last_us: Int64s
    result: Float64s

    def places(self, datastream_id: Int64s) -> tuple[Int64s, npt.NDArray[np.bool_]]:
        """Return the row number of each stream, and whether it is there at all."""
        if not len(self.datastream_id):
            return np.zeros(len(datastream_id), dtype=np.int64), np.zeros(len(datastream_id), dtype=np.bool_)
        places = np.minimum(np.searchsorted(self.datastream_id, datastream_id), len(self.datastream_id) - 1)
        return places, self.datastream_id[places] == datastream_id


async def ask_lock(cursor: AsyncCursor[Any], datastream_ids: Int64s) -> None:
    """Lock the latest rows of streams, in the order of their ids so that writers never lock each other out."""
    await cursor.execute(_LOCK, (int8_array(datastream_ids),), binary=True)


async def locked(cursor: AsyncCursor[Any]) -> LatestRows:
    """Return what `ask_lock` has locked."""
    rows = await cursor.fetchall()
    streams, features, times, lasts, results = zip(*rows, strict=True) if rows else ((), (), (), (), ())
    return LatestRows(
        datastream_id=np.array(streams, dtype=np.int64),
        feature_id=np.array(features, dtype=np.int64),
        phenomenon_us=np.array(times, dtype=np.int64),
        last_us=np.array(lasts, dtype=np.int64),
        result=np.array(results, dtype=np.float64),
    )


@dataclass(frozen=True, slots=True)
class Renewal:
    """What a batch changes, shape (streams,) each column; `fresh` tells which streams have a new latest value."""

    datastream_id: Int64s
    first_us: Int64s
    last_us: Int64s
    first_result_us: Int64s
    last_result_us: Int64s
    fresh: npt.NDArray[np.bool_]
    row: Int64s


def renewal(readings: Readings, *, rows: Int64s, before_us: Int64s, until_us: int, end_us: Int64s) -> Renewal:
    """Return what kept readings change in their streams' latest rows.

    Args:
        readings: the batch.
        rows: kept rows, at least one, sorted by stream, time and id.
        before_us: for each of `rows`, the time of its stream's latest value before the batch.
        until_us: times beyond this are of a wrong clock: they extend the extent and leave the latest value alone.
        end_us: for each of `rows`, the end of its phenomenon time.
    """
    stream, time, result_us = readings.datastream_id[rows], readings.phenomenon_us[rows], readings.result_us[rows]
    starts = np.flatnonzero(np.r_[True, stream[1:] != stream[:-1]])
    absent = result_us == NO_TIME
    newest = np.maximum.reduceat(np.where((time >= before_us) & (time <= until_us), np.arange(len(rows)), -1), starts)
    return Renewal(
        datastream_id=stream[starts],
        first_us=np.minimum.reduceat(time, starts),
        last_us=np.maximum.reduceat(np.maximum(time, end_us), starts),
        first_result_us=_known(np.minimum.reduceat(np.where(absent, np.iinfo(np.int64).max, result_us), starts)),
        last_result_us=_known(np.maximum.reduceat(result_us, starts)),
        fresh=newest >= 0,
        row=rows[newest],
    )


def _known(instants_us: Int64s) -> Int64s:
    bounds = np.iinfo(np.int64)
    return np.where((instants_us == bounds.max) | (instants_us == bounds.min), _NONE_US, instants_us)


async def renew_latest(cursor: AsyncCursor[Any], change: Renewal, readings: Readings, *, ids: Int64s) -> None:
    """Write what has changed into the latest rows, which the transaction holds locked.

    Args:
        cursor: within the transaction.
        change: what has changed.
        readings: the batch.
        ids: observation ids of the whole batch.
    """
    old, new = ~change.fresh, change.fresh
    if old.any():
        await cursor.execute(_EXTEND.format(none=_NONE_TEXT), _extents(change, old))
    if not new.any():
        return
    row = change.row[new]
    await cursor.execute(
        _RENEW.format(none=_NONE_TEXT),
        (
            np.datetime64(readings.received_us, "us").item().isoformat() + "+00",
            *_extents(change, new),
            int8_array(ids[row]),
            timestamp_array(readings.phenomenon_us[row]),
            float8_array(_numbers(readings, row)),
            int8_array(readings.quality[row]),
        ),
    )
    for number in row.tolist():
        others = readings.others.get(number)
        if others is not None and others.result_json is not None:
            await cursor.execute(_RENEW_JSON, (others.result_json.decode(), int(readings.datastream_id[number])))


def _numbers(readings: Readings, rows: Int64s) -> Float64s:
    numbers = readings.result[rows]
    for place, row in enumerate(rows.tolist()) if readings.others else ():
        others = readings.others.get(row)
        if others is not None and others.result_json is not None:
            numbers[place] = np.nan
    return numbers


def _extents(change: Renewal, chosen: npt.NDArray[np.bool_]) -> tuple[Any, ...]:
    return (
        int8_array(change.datastream_id[chosen]),
        timestamp_array(change.first_us[chosen]),
        timestamp_array(change.last_us[chosen]),
        timestamp_array(change.first_result_us[chosen]),
        timestamp_array(change.last_result_us[chosen]),
    )
