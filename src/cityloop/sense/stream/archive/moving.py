"""Stream-days go from their rows in PostgreSQL to the second store, are recalled for who asks, and come home for good.

The header in PostgreSQL says where a day lies, and changes in one short transaction after the readings have been
compared. Before anything is written to the store the version it will have is noted as gone, and that note goes in the
same transaction: what a kill leaves behind is swept away.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from psycopg import Connection, errors

from cityloop.sense.stream.archive.body import EMPTIED, put_back
from cityloop.sense.stream.archive.checksums import checksum_of
from cityloop.sense.stream.archive.columns import DayColumns
from cityloop.sense.stream.archive.exact import columns_from
from cityloop.sense.stream.archive.store import Store, StoredDay
from cityloop.sense.stream.history.partitions import DAY_US

log = logging.getLogger(__name__)

READINGS_TOGETHER = 100_000
"""Readings moved in one transaction, unless one day of a stream has more: whoever waits for a recall waits so long."""

DAYS_TOGETHER = 500
"""Stream-days moved in one transaction at most."""

GONE_TOGETHER = 5_000
"""Stream-days swept from the store in one go: it rewrites what it removes from."""

_CHOICE = """
    SELECT datastream_id, n FROM sense_packedday WHERE day = %s AND stored IS {state} ORDER BY datastream_id LIMIT %s
"""
_NOTE = "INSERT INTO sense_storedgone SELECT %s, %s, unnest(%s::bigint[]) ON CONFLICT DO NOTHING"
_UNNOTE = "DELETE FROM sense_storedgone WHERE version = %s AND day = %s AND datastream_id = ANY(%s)"
_ROWS = """
    SELECT o.* FROM sense_packedday p CROSS JOIN LATERAL sense_unpacked(p) o
    WHERE p.day = '{day}' AND p.datastream_id = ANY('{{{streams}}}'::bigint[]) AND NOT p.away AND p.stored IS {state}
"""
_LEAVE = f"""
    UPDATE sense_packedday p SET stored = %s, checksum = g.checksum, {EMPTIED}
    FROM unnest(%s::bigint[], %s::bigint[], %s::integer[]) AS g (stream, checksum, n)
    WHERE p.day = %s AND p.datastream_id = g.stream AND p.n = g.n AND p.stored IS NULL
"""
_HEADERS = """
    SELECT p.datastream_id, p.day, p.stored, p.n, p.checksum, p.is_run
    FROM unnest(%s::bigint[], %s::date[]) AS w (stream, day)
    JOIN sense_packedday p ON p.datastream_id = w.stream AND p.day = w.day WHERE p.away
"""
_HOME = """
    UPDATE sense_packedday SET stored = NULL, recalled_at = NULL
    WHERE day = %s AND datastream_id = ANY(%s) AND NOT away AND stored IS NOT NULL
"""
_SUMS = """
    SELECT datastream_id, n, checksum FROM sense_packedday WHERE day = %s AND datastream_id = ANY(%s)
    AND stored IS NOT NULL
"""
_EMPTY_AGAIN = f"""
    UPDATE sense_packedday p SET {EMPTIED} FROM (
        SELECT datastream_id, day FROM (
            SELECT datastream_id, day, recalled_at, sum(n) OVER (ORDER BY recalled_at DESC, datastream_id, day) AS newer
            FROM sense_packedday WHERE recalled_at IS NOT NULL AND stored IS NOT NULL AND NOT away
        ) c WHERE recalled_at < now() - %s * interval '1 second' OR newer > %s ORDER BY recalled_at LIMIT %s
    ) g WHERE p.datastream_id = g.datastream_id AND p.day = g.day AND p.stored IS NOT NULL AND NOT p.away
"""
_GONE = "SELECT version, day, datastream_id FROM sense_storedgone ORDER BY day, datastream_id LIMIT %s"
_SWEPT = """
    DELETE FROM sense_storedgone g USING unnest(%s::bigint[], %s::date[], %s::bigint[]) AS s (version, day, stream)
    WHERE g.version = s.version AND g.day = s.day AND g.datastream_id = s.stream
"""
_EPOCH = date(1970, 1, 1)
_CHANGED = (errors.SerializationFailure, errors.DeadlockDetected)


class StoredOtherwiseError(RuntimeError):
    """The store does not give back what was written to it; nothing was changed."""


@dataclass(frozen=True, slots=True)
class _Header:
    stream: int
    day: date
    version: int
    n: int
    checksum: int
    is_run: bool

    @property
    def stored(self) -> StoredDay:
        return StoredDay(self.stream, (self.day - _EPOCH).days, self.version)


def move_some(connection: Connection[Any], store: Store, day: date) -> int:
    """Move some streams of a closed day to the store; return how many readings, 0 where none is left to move.

    Args:
        connection: autocommitting, in UTC.
        store: where to.
        day: UTC.

    Raises:
        StoredOtherwiseError: if the store gives back something else.
        StoreAwayError: if it does not answer.
    """
    streams = _some(connection, day, state="NULL")
    if not streams:
        return 0
    version = time.time_ns() // 1000
    connection.execute(_NOTE, (version, day, streams))
    try:
        with connection.transaction():
            return _moved(connection, store, day, streams, version)
    except _CHANGED:
        log.info("Streams of %s were changed while they were moved: they are moved next time", day)
        return 1


def _moved(connection: Connection[Any], store: Store, day: date, streams: list[int], version: int) -> int:
    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    columns = columns_from(connection, _rows(day, streams, state="NULL"))
    if not len(columns):
        return 1
    store.append(columns, version=version)
    parts = columns.streams()
    number = (day - _EPOCH).days
    found = store.read([StoredDay(int(part.datastream_id[0]), number, version) for part in parts])
    if _sums(found) != (sums := _sums(columns)):
        raise StoredOtherwiseError
    moved = list(sums)
    counts, checksums = [sums[stream][0] for stream in moved], [sums[stream][1] for stream in moved]
    done = connection.execute(_LEAVE, (version, moved, checksums, counts, day)).rowcount
    if done != len(moved):
        raise StoredOtherwiseError
    connection.execute(_UNNOTE, (version, day, moved))
    return len(columns)


def recall(connection: Connection[Any], store: Store, wanted: Sequence[tuple[int, date]]) -> list[tuple[int, date]]:
    """Fill the rows of stream-days that are away; return those that the store gives back otherwise than written.

    Args:
        connection: autocommitting, in UTC.
        store: where they lie.
        wanted: streams and days; those that are not away are passed over.

    Raises:
        StoreAwayError: if it does not answer.
    """
    damaged: list[tuple[int, date]] = []
    for headers in _portions(_headers(connection, wanted)):
        whole, lost = _whole(store, headers)
        damaged += lost
        with connection.transaction():
            put_back(connection, whole)
    return damaged


def bring_home(connection: Connection[Any], store: Store, day: date) -> int:
    """Move some streams of a day back to PostgreSQL for good; return how many readings, 0 where none is left.

    Args:
        connection: autocommitting, in UTC.
        store: where they lie.
        day: UTC.

    Raises:
        StoredOtherwiseError: if PostgreSQL would not hold what was once moved.
        StoreAwayError: if the store does not answer.
    """
    streams = _some(connection, day, state="NOT NULL")
    if not streams:
        return 0
    if recall(connection, store, [(stream, day) for stream in streams]):
        raise StoredOtherwiseError
    try:
        with connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            columns = columns_from(connection, _rows(day, streams, state="NOT NULL"))
            promised = connection.execute(_SUMS, (day, streams)).fetchall()
            if _sums(columns) != {stream: (n, checksum) for stream, n, checksum in promised}:
                raise StoredOtherwiseError
            connection.execute(_HOME, (day, streams))
    except _CHANGED:
        return 1
    return max(len(columns), 1)


def empty_again(connection: Connection[Any], *, after_s: float, readings_max: int) -> int:
    """Empty rows that were recalled long ago, or more than are kept; return how many.

    Args:
        connection: autocommitting.
        after_s: how long a recalled row stays full, seconds.
        readings_max: how many readings of recalled rows stay.
    """
    return connection.execute(_EMPTY_AGAIN, (after_s, readings_max, DAYS_TOGETHER)).rowcount


def sweep(connection: Connection[Any], store: Store) -> int:
    """Remove from the store what no header names any more; return how many stream-days.

    Args:
        connection: autocommitting, of the one process that writes to the store.
        store: to be swept.

    Raises:
        StoreAwayError: if it does not answer.
    """
    gone = connection.execute(_GONE, (GONE_TOGETHER,)).fetchall()
    if gone:
        store.remove([StoredDay(stream, (day - _EPOCH).days, version) for version, day, stream in gone])
        connection.execute(_SWEPT, tuple(map(list, zip(*gone, strict=True))))
    return len(gone)


def stored_sums(connection: Connection[Any], store: Store, day: date) -> tuple[int, int]:
    """Return count and checksum of what was ever moved of a day, read anew from where it lies.

    Args:
        connection: autocommitting, in UTC.
        store: where those lie that are not in PostgreSQL.
        day: UTC.

    Raises:
        StoreAwayError: if it does not answer.
    """
    count, checksum = 0, 0
    for state in ("NULL", "NOT NULL"):
        after = -(1 << 63)
        while rows := connection.execute(
            f"SELECT datastream_id, stored, n FROM sense_packedday WHERE day = %s AND stored IS {state} "
            "AND checksum IS NOT NULL AND datastream_id > %s ORDER BY datastream_id LIMIT %s",
            (day, after, DAYS_TOGETHER),
        ).fetchall():
            some = _up_to(rows, lambda row: int(row[2]))
            after = some[-1][0]
            columns = (
                columns_from(connection, _rows(day, [row[0] for row in some], state=state))
                if state == "NULL"
                else store.read([StoredDay(row[0], (day - _EPOCH).days, row[1]) for row in some])
            )
            count, checksum = count + len(columns), checksum ^ checksum_of(columns)
    return count, checksum


def _some(connection: Connection[Any], day: date, *, state: str) -> list[int]:
    rows = connection.execute(_CHOICE.format(state=state), (day, DAYS_TOGETHER)).fetchall()
    return [int(row[0]) for row in _up_to(rows, lambda row: int(row[1]))]


def _up_to(rows: list[Any], size: Any) -> list[Any]:
    """Return the first rows, as many as go together; at least one."""
    total = 0
    for place, row in enumerate(rows):
        total += size(row)
        if place and total > READINGS_TOGETHER:
            return rows[:place]
    return rows


def _rows(day: date, streams: list[int], *, state: str) -> str:
    return _ROWS.format(day=day, streams=",".join(map(str, streams)), state=state)


def _sums(columns: DayColumns) -> dict[int, tuple[int, int]]:
    parts = columns.streams() if len(columns) else []
    return {int(part.datastream_id[0]): (len(part), checksum_of(part)) for part in parts}


def _headers(connection: Connection[Any], wanted: Sequence[tuple[int, date]]) -> list[_Header]:
    found = connection.execute(_HEADERS, ([stream for stream, _ in wanted], [day for _, day in wanted]))
    return [_Header(*row) for row in found.fetchall()]


def _portions(headers: list[_Header]) -> list[list[_Header]]:
    portions, rest = [], headers
    while rest:
        portions.append(_up_to(rest, lambda header: header.n))
        rest = rest[len(portions[-1]) :]
    return portions


def _whole(store: Store, headers: list[_Header]) -> tuple[list[tuple[DayColumns, bool]], list[tuple[int, date]]]:
    """Read stream-days; return those that are what was written, and the names of the others."""
    parts = _stream_days(store.read([header.stored for header in headers]))
    whole, lost = [], []
    for header in headers:
        part = parts.get((header.stream, header.stored.day))
        if part is None or (len(part), checksum_of(part)) != (header.n, header.checksum):
            log.error("Stream %d of %s is damaged in the second store", header.stream, header.day)
            lost.append((header.stream, header.day))
        else:
            whole.append((part, header.is_run))
    return whole, lost


def _stream_days(columns: DayColumns) -> dict[tuple[int, int], DayColumns]:
    if not len(columns):
        return {}
    stream, day = columns.datastream_id, columns.time_us // DAY_US
    edges = np.flatnonzero((stream[1:] != stream[:-1]) | (day[1:] != day[:-1])) + 1
    starts = [0, *edges.tolist()]
    ends = [*starts[1:], len(columns)]
    return {(int(stream[a]), int(day[a])): columns.part(a, b) for a, b in zip(starts, ends, strict=True)}
