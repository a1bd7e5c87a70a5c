"""Closing a day: its readings are packed part by part, each part checked and moved in one short transaction.

Short, because the journal reads no fact newer than the oldest running transaction: a day packed at a stroke would hold
up alarms for as long as it took. A part reads, packs, compares and deletes on one snapshot (REPEATABLE READ): what
comes late meanwhile is not seen, stays, and is merged the next time; what is changed meanwhile stays as well. So a kill
at any moment leaves every reading in exactly one place.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import Connection, errors

from cityloop.sense.stream.archive import fields
from cityloop.sense.stream.archive.directory import enter
from cityloop.sense.stream.archive.exact import columns_from
from cityloop.sense.stream.archive.packing import COPY_PACKED, NotPackableError, packed_row
from cityloop.sense.stream.archive.recalling import AWAY
from cityloop.sense.stream.archive.reuniting import reunite
from cityloop.sense.stream.history.partitions import DayPartition

log = logging.getLogger(__name__)

CLOSING_LOCK = 7_431_901
"""Advisory lock under which days are closed, one process at a time."""

HOT_DAYS_MIN = 1
"""Fewest whole days before today that stay as single rows, on which the readers rely."""

PART_READINGS_MAX = 50_000
"""Readings of one part, unless a single stream has more: half a second of work."""

TRIES_MAX = 5
"""How often a part is begun anew that somebody changed meanwhile; then it waits for the next time."""

DROP_WAIT = "500ms"
"""How long emptied partitions may make readers and writers wait for their removal."""

CHECKSUM = """
    coalesce(bit_xor(hash_record_extended(ROW(
        o.datastream_id, o.phenomenon_time, o.id, o.result, o.quality, o.feature_id, o.result_time, o.phenomenon_end,
        o.valid_from, o.valid_until, hashtextextended(o.result_json::text, 0),
        hashtextextended(o.result_quality::text, 0), hashtextextended(o.parameters::text, 0)
    ), 0)), 0)
"""
"""What readings are compared by: any two sets of readings that differ anywhere differ in it."""

_HOT = """
    SELECT o.* FROM sense_observation o WHERE o.phenomenon_time >= '{since}' AND o.phenomenon_time < '{until}'
"""
_PACKED = "SELECT o.* FROM sense_packedday p CROSS JOIN LATERAL sense_unpacked(p) o WHERE p.day = '{day}'"
_COUNTS = "SELECT o.datastream_id, count(*) FROM ({hot}) o GROUP BY 1 ORDER BY 1"
_BEFORE = """
    SELECT o.datastream_id, count(*), {checksum} FROM (
        {hot} AND o.datastream_id = ANY({streams}) UNION ALL {packed} AND p.datastream_id = ANY({streams})
    ) o GROUP BY 1
"""
_AFTER = """
    SELECT o.datastream_id, count(*), {checksum} FROM ({packed} AND p.datastream_id = ANY({streams})) o GROUP BY 1
"""
_TOTALS = """
    UPDATE sense_closedday c SET readings = t.readings, streams = t.streams, closed_at = now()
    FROM (SELECT coalesce(sum(n), 0) AS readings, count(*) AS streams FROM sense_packedday WHERE day = '{day}') t
    WHERE c.day = '{day}'
"""


@dataclass(frozen=True, slots=True)
class Closed:
    """What closing a day did.

    Attributes:
        packed: readings that were packed.
        left: readings that could not be packed and stay as they are.
        dropped: whether the day's partition is gone.
    """

    packed: int
    left: int
    dropped: bool


class LossError(RuntimeError):
    """A packed day does not give back what it was made of; nothing was changed."""


class _Day:
    """The statements of one day."""

    def __init__(self, day: int) -> None:
        self.number = day
        self.partition = DayPartition.of(day)
        bounds = {"since": self.partition.since, "until": self.partition.until}
        self.date = self.partition.since[:10]
        self.hot = _HOT.format(**bounds)
        self.packed = _PACKED.format(day=self.date)

    def statement(self, template: str, streams: str = "") -> str:
        return template.format(hot=self.hot, packed=self.packed, day=self.date, checksum=CHECKSUM, streams=streams)

    def rows(self, streams: str) -> str:
        hot = f"{self.hot} AND o.datastream_id = ANY({streams})"
        return f"{hot} UNION ALL {self.packed} AND p.datastream_id = ANY({streams})"


def close_day(dsn: str, day: int, *, on_part: Callable[[int], None] = lambda _: None) -> Closed:
    """Pack the readings of a day that are not packed and drop its partition when it is empty.

    Args:
        dsn: of the database, direct.
        day: counted from 1970-01-01 UTC.
        on_part: told the readings of each part once it is durable.
    """
    own = _Day(day)
    with psycopg.connect(dsn) as reader, psycopg.connect(dsn, autocommit=True) as writer:
        for connection in (reader, writer):
            connection.execute("SET TIME ZONE 'UTC'")
        reader.commit()
        apart = reunite(writer, day=own.date, since=own.partition.since, until=own.partition.until)
        packed, left = _packed_parts(reader, writer, own, on_part, apart)
        with writer.transaction():
            writer.execute(own.statement(_TOTALS))
        return Closed(packed, left, _dropped(writer, own))


def _packed_parts(
    reader: Connection[Any], writer: Connection[Any], own: _Day, on_part: Callable[[int], None], apart: set[int]
) -> tuple[int, int]:
    """Pack what can be; `apart` are streams whose day lies in the second store, which does not answer."""
    reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    reader.read_only = True
    row = reader.execute("SELECT pg_export_snapshot()").fetchone()
    snapshot = row[0] if row else ""
    partition = own.partition
    some = enter(reader, writer, day=own.number, since=partition.since, until=partition.until, apart=apart)
    counts = reader.execute(own.statement(_COUNTS)).fetchall() if some or apart else []
    packed, left = 0, sum(count for stream, count in counts if stream in apart)
    for streams, readings in _parts([row for row in counts if row[0] not in apart]):
        done = _packed_part(writer, own, streams, snapshot)
        packed, left = packed + done, left + readings - done
        on_part(done)
    reader.rollback()
    return packed, left


def _parts(counts: list[tuple[int, int]]) -> Iterator[tuple[list[int], int]]:
    streams: list[int] = []
    readings = 0
    for stream, count in counts:
        if streams and readings + count > PART_READINGS_MAX:
            yield streams, readings
            streams, readings = [], 0
        streams.append(stream)
        readings += count
    if streams:
        yield streams, readings


def _packed_part(writer: Connection[Any], own: _Day, streams: list[int], snapshot: str) -> int:
    """Pack some streams, one by one where together they cannot be; return how many readings left the partition."""
    for _ in range(TRIES_MAX):
        try:
            return _moved(writer, own, streams, snapshot)
        except (errors.SerializationFailure, errors.DeadlockDetected, errors.UniqueViolation):
            continue
        except psycopg.Error as error:
            if error.diag.sqlstate != AWAY:
                raise
            break
        except (NotPackableError, LossError) as error:
            if len(streams) == 1:
                log.warning("Stream %d of %s stays as it is: %s", streams[0], own.date, type(error).__name__)
                return 0
            return sum(_packed_part(writer, own, [stream], snapshot) for stream in streams)
    log.warning("%d streams of %s were changed or moved meanwhile: they are packed next time", len(streams), own.date)
    return 0


def _moved(writer: Connection[Any], own: _Day, streams: list[int], snapshot: str) -> int:
    wanted = f"'{{{','.join(map(str, streams))}}}'::bigint[]"
    with writer.transaction():
        writer.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        writer.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
        before = writer.execute(own.statement(_BEFORE, wanted)).fetchall()
        columns = columns_from(writer, own.rows(wanted))
        taken = writer.execute(
            f"DELETE FROM sense_packedday WHERE day = '{own.date}' AND datastream_id = ANY({wanted}) RETURNING n"
        ).fetchall()
        rows = [packed_row(day) for day in columns.streams()]
        with writer.cursor().copy(COPY_PACKED) as copy:
            copy.write(b"".join([fields.HEADER, *rows, fields.TRAILER]))
        after = writer.execute(own.statement(_AFTER, wanted)).fetchall()
        bounds = f"phenomenon_time >= '{own.partition.since}' AND phenomenon_time < '{own.partition.until}'"
        gone = writer.execute(
            f"DELETE FROM sense_observation WHERE {bounds} AND datastream_id = ANY({wanted})"
        ).rowcount
        if sorted(before) != sorted(after) or gone + sum(n for (n,) in taken) != len(columns):
            raise LossError
    return gone


def _dropped(writer: Connection[Any], own: _Day) -> bool:
    """Drop the day's partition where it holds nothing; its readers and writers wait for a moment at most."""
    name = own.partition.name
    for question, expected in ((own.partition.is_attached, True), (f"SELECT EXISTS (SELECT 1 FROM {name})", False)):
        row = writer.execute(question).fetchone()
        if row is None or row[0] is not expected:
            return False
    writer.execute(f"VACUUM {name}")
    try:
        with writer.transaction():
            writer.execute(f"SET LOCAL lock_timeout = '{DROP_WAIT}'")
            writer.execute("LOCK TABLE ONLY sense_observation IN ACCESS EXCLUSIVE MODE")
            row = writer.execute(f"SELECT EXISTS (SELECT 1 FROM {name})").fetchone()
            if row and row[0]:
                return False
            writer.execute(f"DROP TABLE {name}")
    except errors.LockNotAvailable:
        log.info("The partition %s is in use and stays, empty, until the next time", name)
        return False
    return True
