"""Readings of the past: one by its id, curves, and how many of the expected arrived."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from django.db import connection

from cityloop.kernel.instants import from_us
from cityloop.kernel.observation_ids import ingested_at_us
from cityloop.kernel.quality import Quality
from cityloop.sense.models import Datastream
from cityloop.sense.stream.archive.asking import Reach, both
from cityloop.sense.stream.archive.directory import FIND
from cityloop.sense.stream.archive.recalling import asked_here
from cityloop.sense.stream.history.arrays import POSTGRES_EPOCH_US

Answer = TypeVar("Answer")
Int64s = npt.NDArray[np.int64]
Float64s = npt.NDArray[np.float64]

HOUR_S = 3600.0
_SETTLE_DAYS = 1
_COLUMNS = """
    id, datastream_id, phenomenon_time, phenomenon_end, result, result_json, quality, result_time, feature_id,
    parameters
"""
_BY_ID = f"SELECT {_COLUMNS} FROM sense_observation WHERE id = %s"
_BY_ID_NEAR = f"{_BY_ID} AND phenomenon_time >= %s AND phenomenon_time < %s"
_BY_ID_PACKED = f"""
    SELECT {_COLUMNS} FROM {both("p.datastream_id = %s AND p.day = %s")} o
    WHERE id = %s AND phenomenon_time >= %s AND phenomenon_time < %s
"""
ASKED = both("p.datastream_id = ANY(%s) AND p.end_time >= %s AND p.day <= (%s AT TIME ZONE 'UTC')::date")
_BUCKETS = f"""
    SELECT to_timestamp(floor(extract(epoch FROM phenomenon_time) / %s) * %s) AS bucket, avg(result), count(result)
    FROM {ASKED} o
    WHERE datastream_id = ANY(%s) AND phenomenon_time >= %s AND phenomenon_time < %s
      AND result IS NOT NULL AND quality <> ALL(%s)
    GROUP BY bucket ORDER BY bucket
"""
_RECEIVED = f"""
    SELECT count(DISTINCT (datastream_id, phenomenon_time)) FROM {ASKED} o
    WHERE datastream_id = ANY(%s) AND phenomenon_time >= %s AND phenomenon_time < %s
"""
_FEW_DAYS = Reach(stream="%s", since="%s", first="%s").condition()
_RECENT = f"""
    SELECT {_COLUMNS} FROM {both(_FEW_DAYS)} o WHERE datastream_id = %s AND phenomenon_time >= %s
    ORDER BY phenomenon_time DESC, id DESC LIMIT %s
"""
_TRACK = f"""
    SELECT phenomenon_time, result, id
    FROM {both("p.datastream_id = %s AND p.end_time >= %s AND p.day <= (%s AT TIME ZONE 'UTC')::date")} o
    WHERE datastream_id = %s AND phenomenon_time >= %s AND phenomenon_time < %s AND result IS NOT NULL
"""
_COPIED = np.dtype(
    [("fields", ">i2"), ("n1", ">i4"), ("at", ">i8"), ("n2", ">i4"), ("value", ">f8"), ("n3", ">i4"), ("id", ">i8")]
)
"""A row of `_TRACK` in the binary form of COPY: how many fields, and each with its length before it."""
_COPY_HEAD, _COPY_TAIL = 19, 2
_TRACK_PIECE = timedelta(days=28)
"""How much history is read at once on the way back from the present."""
UNFIT = [int(Quality.BAD), int(Quality.OUT_OF_RANGE)]
"""Qualities that no curve is made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationView:
    """One reading.

    Attributes:
        observation_id: its id.
        datastream_id: its stream.
        phenomenon_time: when it was so, or the start of its interval.
        phenomenon_end: end of its interval, None for an instant.
        received_at: when it reached us, to the millisecond.
        result: the result, whatever it is.
        value: the number, None where the result is none.
        quality: its flag.
        result_time: resultTime, None where the device gave none.
        feature_id: its feature of interest.
        parameters: its parameters, None where there are none.
    """

    observation_id: int
    datastream_id: int
    phenomenon_time: datetime
    phenomenon_end: datetime | None
    received_at: datetime
    result: Any
    value: float | None
    quality: Quality
    result_time: datetime | None
    feature_id: int
    parameters: Any


@dataclass(frozen=True, slots=True)
class Track:
    """The readings of a stream as they came, rising in time, each instant once.

    Attributes:
        at_us: phenomenon time, microseconds since the Unix epoch, shape (n,).
        value: the number, shape (n,).
        observation_id: the reading, shape (n,).
        since: from when on the track is whole, aware; later than asked for where the stream holds too many readings.
    """

    at_us: Int64s
    value: Float64s
    observation_id: Int64s
    since: datetime

    def __len__(self) -> int:
        """Return how many readings there are."""
        return len(self.at_us)


@dataclass(frozen=True, slots=True)
class Series:
    """A curve: means over spans of equal length, shape (n,) each, oldest first; empty spans are absent."""

    time: tuple[datetime, ...]
    mean: tuple[float, ...]
    count: tuple[int, ...]


def rows_of(statement: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
    """Return the rows of a statement over the history, closed days brought back where it needs them."""

    def ask() -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return list(cursor.fetchall())

    return _with_closed_days(ask)


def _view(row: tuple[Any, ...]) -> ObservationView:
    number, stream, start, end, value, other, quality, result_time, feature, parameters = row
    return ObservationView(
        observation_id=number,
        datastream_id=stream,
        phenomenon_time=start,
        phenomenon_end=end,
        received_at=from_us(ingested_at_us(number)),
        result=value if value is not None else other,
        value=value,
        quality=Quality(quality),
        result_time=result_time,
        feature_id=feature,
        parameters=parameters,
    )


def observation(observation_id: int) -> ObservationView | None:
    """Return one reading, None where there is none.

    The day it was received in is looked at first, then where the directory of the closed days says it lies, then
    everywhere.
    """
    received = from_us(ingested_at_us(observation_id))
    near = [received - timedelta(days=_SETTLE_DAYS), received + timedelta(days=_SETTLE_DAYS)]
    found = (
        rows_of(_BY_ID_NEAR, [observation_id, *near]) or _packed(observation_id) or rows_of(_BY_ID, [observation_id])
    )
    return _view(found[0]) if found else None


def _packed(observation_id: int) -> list[tuple[Any, ...]]:
    for stream, day in rows_of(FIND, [observation_id]):
        start = datetime.combine(day, time(), UTC)
        found = rows_of(_BY_ID_PACKED, [stream, day, observation_id, start, start + timedelta(days=1)])
        if found:
            return found
    return []


def recent_observations(datastream_id: int, *, since: datetime, limit: int) -> list[ObservationView]:
    """Return the newest readings of a stream, newest first, `limit` at the most."""
    days = [datastream_id, since, since, datastream_id, since, limit]
    return [_view(row) for row in rows_of(_RECENT, [*days, datastream_id, since, limit])]


def series(datastream_ids: Iterable[int], *, since: datetime, until: datetime, bucket_s: float) -> Series:
    """Return the mean of streams over spans of equal length.

    Args:
        datastream_ids: readings of all of them are averaged together.
        since: beginning, aware, inclusive.
        until: end, aware, exclusive.
        bucket_s: length of a span, seconds, > 0; spans begin at multiples of it since the Unix epoch.
    """
    asked = [list(datastream_ids), since, until]
    rows = rows_of(_BUCKETS, [bucket_s, bucket_s, *asked, *asked, UNFIT])
    return Series(tuple(r[0] for r in rows), tuple(r[1] for r in rows), tuple(r[2] for r in rows))


def track(datastream_id: int, *, since: datetime, until: datetime, readings_max: int) -> Track:
    """Return a stream's readings one by one, whatever their quality; only what is a number.

    Args:
        datastream_id: the stream.
        since: beginning, aware, inclusive.
        until: end, aware, exclusive.
        readings_max: how many at the most; where there are more, the newest are returned and `Track.since` says from
            when on.
    """
    pieces, found, end = [np.empty(0, _COPIED)], 0, until
    while end > since and found < readings_max:
        start = max(since, end - _TRACK_PIECE)
        pieces.append(_copied(_TRACK, [datastream_id, start, end, datastream_id, start, end]))
        found, end = found + len(pieces[-1]), start
    if not found:
        return Track(np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64), since)
    rows = np.concatenate(pieces)
    at_us, number = rows["at"].astype(np.int64) + POSTGRES_EPOCH_US, rows["id"].astype(np.int64)
    value = rows["value"].astype(np.float64)
    order = np.lexsort((number, at_us))
    order = order[np.diff(at_us[order], prepend=at_us[order[0]] - 1) > 0]
    is_cut = end > since or len(order) > readings_max
    order = order[-readings_max:]
    at_us, value, number = at_us[order], value[order], number[order]
    return Track(at_us, value, number, from_us(int(at_us[0])) if is_cut else since)


def _copied(statement: str, parameters: list[Any]) -> npt.NDArray[np.void]:
    """Return the rows of a statement as columns; tuples of a year take longer than the year itself."""

    def ask() -> bytes:
        with (
            connection.cursor() as cursor,
            cursor.copy(f"COPY ({statement}) TO STDOUT (FORMAT binary)", parameters) as copy,
        ):
            return b"".join(copy)

    data = _with_closed_days(ask)
    count = (len(data) - _COPY_HEAD - _COPY_TAIL) // _COPIED.itemsize
    return np.frombuffer(data, _COPIED, count=count, offset=_COPY_HEAD)


def _with_closed_days(ask: Callable[[], Answer]) -> Answer:
    """Return what is asked for, with the closed days it needs brought back from the second store."""
    connection.ensure_connection()
    return asked_here(connection.connection, ask)


def hourly(datastream_id: int, *, since: datetime, until: datetime) -> list[tuple[datetime, float]]:
    """Return the start and the mean of every hour of a stream that holds readings."""
    curve = series([datastream_id], since=since, until=until, bucket_s=HOUR_S)
    return list(zip(curve.time, curve.mean, strict=True))


def arrivals(datastream_ids: Iterable[int], *, since: datetime, until: datetime) -> tuple[int, int]:
    """Return how many readings of streams arrived and how many were expected by their periods.

    Streams that promise no period expect nothing and count for nothing.
    """
    promised = Datastream.objects.filter(pk__in=list(datastream_ids), period_s__gt=0)
    periods = dict(promised.values_list("pk", "period_s"))
    span_s = max(0.0, (until - since).total_seconds())
    expected = sum(int(span_s / period_s) for period_s in periods.values() if period_s)
    asked = [list(periods), since, until]
    ((received,),) = rows_of(_RECEIVED, [*asked, *asked])
    return received, expected
