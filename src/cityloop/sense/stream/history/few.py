"""A few plain readings in one statement: lock, append, renew the latest values and commit in one round trip.

All or nothing: where a stream is not there, has no feature yet, or a reading must be looked up first, nothing is kept
and the general way takes over. What it writes is what `append`, `insert_few` and `renew_latest` would write.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from cityloop.sense.stream.history.append import CLOCK_SKEW_US, flag_wrong_clocks
from cityloop.sense.stream.history.arrays import POSTGRES_EPOCH_US
from cityloop.sense.stream.history.exchange import Exchange
from cityloop.sense.stream.history.refusals import TIME_US_MAX, TIME_US_MIN
from cityloop.sense.stream.readings import NO_TIME, Readings

FEW_ROWS_MAX = 100
"""Most readings that go this way; more are packed by numpy and copied."""

_NONE_US = TIME_US_MIN
"""0001-01-01 UTC stands for an absent result time; microseconds since the Unix epoch."""

_NONE = "'0001-01-01 00:00+00'"
_KEEP_FEW = f"""
    WITH locked AS MATERIALIZED (
        SELECT datastream_id, feature_id, phenomenon_time, last_time FROM sense_latest
        WHERE datastream_id = ANY($1::bigint[]) ORDER BY datastream_id FOR UPDATE
    ), change AS MATERIALIZED (
        SELECT c.*, c.id <> 0 AND c.time >= coalesce(l.phenomenon_time, '-infinity') AS fresh,
          l.feature_id IS NOT NULL AND NOT (c.once <> 0 AND coalesce(c.first_time <= l.last_time, false)) AS good
        FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[],
                    $6::bigint[], $7::timestamptz[], $8::float8[], $9::bigint[], $10::bigint[])
          AS c (stream, first_time, last_time, first_result, last_result, id, time, result, quality, once)
        JOIN locked l ON l.datastream_id = c.stream
    ), ready AS MATERIALIZED (
        SELECT count(*) = cardinality($1::bigint[]) AND coalesce(bool_and(good), false) AS yes FROM change
    ), kept AS (
        INSERT INTO sense_observation (datastream_id, phenomenon_time, id, result, quality, feature_id, result_time)
        SELECT v.stream, v.time, v.id, v.result, v.quality, l.feature_id, nullif(v.result_time, {_NONE})
        FROM unnest($11::bigint[], $12::timestamptz[], $13::bigint[], $14::float8[], $15::bigint[], $16::timestamptz[])
          AS v (stream, time, id, result, quality, result_time)
        JOIN locked l ON l.datastream_id = v.stream
        WHERE (SELECT yes FROM ready)
    ), renewed AS (
        UPDATE sense_latest l SET
          first_time = least(l.first_time, c.first_time), last_time = greatest(l.last_time, c.last_time),
          first_result_time = least(l.first_result_time, nullif(c.first_result, {_NONE})),
          last_result_time = greatest(l.last_result_time, nullif(c.last_result, {_NONE})),
          id = CASE WHEN c.fresh THEN c.id ELSE l.id END,
          phenomenon_time = CASE WHEN c.fresh THEN c.time ELSE l.phenomenon_time END,
          result = CASE WHEN c.fresh THEN c.result ELSE l.result END,
          result_json = CASE WHEN NOT c.fresh THEN l.result_json END,
          quality = CASE WHEN c.fresh THEN c.quality ELSE l.quality END,
          received_at = CASE WHEN c.fresh THEN $17::timestamptz ELSE l.received_at END
        FROM change c
        WHERE l.datastream_id = c.stream AND (SELECT yes FROM ready)
    )
    SELECT yes FROM ready
"""
_TRUE = b"\x01"

Row = tuple[int, int, int, float, int, int]
"""Stream, time, place in the batch, result, quality, result time; sorts as the history orders readings."""


@dataclass(frozen=True, slots=True)
class Few:
    """A few readings, ready to be kept in one statement.

    Attributes:
        rows: the readings, sorted by stream, time and place.
        once: streams of which a reading that is not newer must be looked up first.
        received_us: when they reached us.
    """

    rows: Sequence[Row]
    once: frozenset[int]
    received_us: int


def few_of(readings: Readings, *, idempotent: Sequence[bool]) -> Few | None:
    """Return a batch as a few plain readings, None where it must go the general way.

    Args:
        readings: the batch; those of a wrong clock are flagged.
        idempotent: which rows are the same reading where stream and time are the same, shape (n,).
    """
    if len(readings) > FEW_ROWS_MAX or readings.others or readings.feature_id.any():
        return None
    flag_wrong_clocks(readings)
    rows = sorted(
        zip(
            readings.datastream_id.tolist(),
            readings.phenomenon_us.tolist(),
            range(len(readings)),
            readings.result.tolist(),
            readings.quality.tolist(),
            readings.result_us.tolist(),
            strict=True,
        )
    )
    once = frozenset(row[0] for row in rows if idempotent[row[2]])
    if not all(map(_is_plain, rows)) or (once and _repeats(rows)):
        return None
    return Few(rows, once, readings.received_us)


def _is_plain(row: Row) -> bool:
    _, time, _, result, _, result_time = row
    return (
        TIME_US_MIN <= time <= TIME_US_MAX
        and (result_time == NO_TIME or TIME_US_MIN <= result_time <= TIME_US_MAX)
        and result - result == 0.0
    )


def _repeats(rows: Sequence[Row]) -> bool:
    return any(first[:2] == second[:2] for first, second in pairwise(rows))


async def keep_few(exchange: Exchange, few: Few, *, ids: Sequence[int]) -> bool:
    """Keep the readings and commit; return whether they were kept, otherwise nothing was changed.

    Args:
        exchange: of the writer.
        few: the readings.
        ids: the observation id of each row of the batch.

    Raises:
        psycopg.Error: nothing was kept, or after an OperationalError it is not known.
    """
    answer = await exchange.ask(_KEEP_FEW, _parameters(few, ids))
    return answer.get_value(0, 0) == _TRUE


def _parameters(few: Few, ids: Sequence[int]) -> list[bytes]:
    rows = [
        (stream, time, ids[place], result, quality, result_time)
        for stream, time, place, result, quality, result_time in few.rows
    ]
    changes = _changes(rows, few)
    stream, time, number, result, quality, result_time = zip(*rows, strict=True)
    return [
        *(pack(column) for pack, column in zip(_CHANGE, zip(*changes, strict=True), strict=True)),
        _whole(stream),
        _instants(time),
        _whole(number),
        _numbers(result),
        _whole(quality),
        _instants([_NONE_US if instant == NO_TIME else instant for instant in result_time]),
        struct.pack("!q", few.received_us - POSTGRES_EPOCH_US),
    ]


def _changes(rows: Sequence[tuple[int, int, int, float, int, int]], few: Few) -> list[tuple[float, ...]]:
    """Return what the rows change in their streams' latest rows, one tuple a stream."""
    until_us, begin = few.received_us + CLOCK_SKEW_US, 0
    changes: list[tuple[float, ...]] = []
    for end in range(1, len(rows) + 1):
        if end < len(rows) and rows[end][0] == rows[begin][0]:
            continue
        group, begin = rows[begin:end], end
        known = [row[5] for row in group if row[5] != NO_TIME] or [_NONE_US]
        newest = next((row for row in reversed(group) if row[1] <= until_us), None)
        _, time, number, result, quality, _ = newest or (0, _NONE_US, 0, 0.0, 0, 0)
        stream, first, last = group[0][0], group[0][1], group[-1][1]
        once = int(stream in few.once)
        changes.append((stream, first, last, min(known), max(known), number, time, result, quality, once))
    return changes


@lru_cache(maxsize=2 * (FEW_ROWS_MAX + 1))
def _array_of(kind: str, count: int) -> struct.Struct:
    return struct.Struct("!iiiii" + f"i{kind}" * count)


def _array(column: Sequence[float], kind: str, oid: int) -> bytes:
    parts: list[float] = [8] * (2 * len(column))
    parts[1::2] = column
    return _array_of(kind, len(column)).pack(1, 0, oid, len(column), 1, *parts)


def _whole(column: Sequence[int]) -> bytes:
    return _array(column, "q", 20)


def _numbers(column: Sequence[float]) -> bytes:
    return _array(column, "d", 701)


def _instants(column_us: Sequence[int]) -> bytes:
    return _array([instant - POSTGRES_EPOCH_US for instant in column_us], "q", 1184)


_CHANGE = (_whole, *[_instants] * 4, _whole, _instants, _numbers, _whole, _whole)
"""How each part of a change is packed."""
