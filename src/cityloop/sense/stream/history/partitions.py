"""Day partitions of the history: made ahead, and on demand for late days, never without bound."""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from psycopg import AsyncConnection, Error

from cityloop.sense.stream.readings import Int64s

log = logging.getLogger(__name__)

DAY_US = 86_400_000_000
"""A UTC day, microseconds."""

DAYS_AHEAD = 2
"""Days beyond today that have a partition before the first reading comes."""

YEARS_BACK = 20
"""How far back a late reading still makes a partition of its day; older ones lie together in the default partition."""

NEW_DAYS_MAX = 64
"""More new days than this in one batch lie in the default partition: a wrong clock makes no thousand tables."""

LOCK_WAIT = "2s"
"""How long making a partition may wait for the readers of the default partition."""

SCAN_WAIT = "10s"
"""How long making a partition may take in all; the default partition is scanned."""

CACHE_S_MAX = 60.0
"""Age at which the list of partitions is read anew, seconds."""

_DAYS = """
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'sense_observation'::regclass
"""
BEGIN = (
    f"SET LOCAL lock_timeout = '{LOCK_WAIT}'",
    f"SET LOCAL statement_timeout = '{SCAN_WAIT}'",
    "SELECT pg_advisory_xact_lock(7431900)",
)
"""How every transaction that makes a partition begins: bounded, and one at a time."""


@dataclass(frozen=True, slots=True)
class DayPartition:
    """The statements that make the partition of a day, for whoever makes it.

    Attributes:
        name: of the table.
        since: start of the day.
        until: start of the next day.
    """

    name: str
    since: str
    until: str

    @classmethod
    def of(cls, day: int) -> "DayPartition":
        """Return the partition of a day; `day` counts from 1970-01-01 UTC."""
        return cls(partition_of(day), f"{_date_of(day)} 00:00+00", f"{_date_of(day + 1)} 00:00+00")

    @property
    def is_attached(self) -> str:
        """Return what tells whether the partition stands."""
        return f"SELECT EXISTS ({_DAYS} AND c.relname = '{self.name}')"

    @property
    def is_elsewhere(self) -> str:
        """Return what tells whether the day's readings lie in the default partition already."""
        return (
            "SELECT EXISTS (SELECT 1 FROM sense_observation_other "
            f"WHERE phenomenon_time >= '{self.since}' AND phenomenon_time < '{self.until}')"
        )

    @property
    def make(self) -> tuple[str, str]:
        """Return what makes the table and what attaches it."""
        create = f"CREATE TABLE IF NOT EXISTS {self.name} (LIKE sense_observation INCLUDING ALL)"
        attach = f"ALTER TABLE sense_observation ATTACH PARTITION {self.name}"
        return create, f"{attach} FOR VALUES FROM ('{self.since}') TO ('{self.until}')"


def partition_of(day: int) -> str:
    """Return the name of a day's partition; `day` counts from 1970-01-01 UTC."""
    return f"sense_observation_{_date_of(day):%Y%m%d}"


def _date_of(day: int) -> date:
    return date(1970, 1, 1) + timedelta(days=day)


def _day_of(name: str) -> int | None:
    digits = name.removeprefix("sense_observation_")
    return (
        (datetime.strptime(digits, "%Y%m%d").replace(tzinfo=UTC).date() - date(1970, 1, 1)).days
        if digits.isdigit()
        else None
    )


class Partitions:
    """What a process knows of the partitions; makes those that are missing."""

    def __init__(self, *, elapsed_s: Callable[[], float] = time.monotonic) -> None:
        """Know none yet."""
        self._days: set[int] = set()
        self._left: set[int] = set()
        self._read_at = -CACHE_S_MAX
        self._elapsed_s = elapsed_s

    def hold(self, phenomenon_us: Int64s, *, now_us: int) -> bool:
        """Return whether readings lie in one day for which nothing is to be made."""
        if not len(phenomenon_us):
            return True
        day = int(phenomenon_us.min()) // DAY_US
        return day == int(phenomenon_us.max()) // DAY_US and not self._missing([day], now_us=now_us)

    async def make_for(self, connection: AsyncConnection[Any], phenomenon_us: Int64s, *, now_us: int) -> int:
        """Make the partitions that readings need, as far as the bounds allow; return how many were made.

        Args:
            connection: outside a transaction; each partition is made in a short one of its own.
            phenomenon_us: times of the readings, shape (n,).
            now_us: the present, microseconds since the Unix epoch.
        """
        needed = self._missing(np.unique(phenomenon_us // DAY_US).tolist(), now_us=now_us)
        if not needed:
            return 0
        await self._read(connection)
        needed = self._missing(needed, now_us=now_us)
        if len(needed) > NEW_DAYS_MAX:
            log.warning("%d new days came at once: they lie in the default partition", len(needed))
            self._left.update(needed)
            return 0
        return sum([await self._make(connection, day) for day in needed])

    async def make_ahead(self, connection: AsyncConnection[Any], *, now_us: int) -> int:
        """Make the partitions of today and the next days; return how many were made."""
        today = now_us // DAY_US
        ahead = np.arange(today, today + DAYS_AHEAD + 1, dtype=np.int64) * DAY_US
        return await self.make_for(connection, ahead, now_us=now_us)

    def _missing(self, days: Iterable[int], *, now_us: int) -> list[int]:
        today = now_us // DAY_US
        if self._elapsed_s() - self._read_at > CACHE_S_MAX:
            self._left.clear()
        oldest, newest = today - YEARS_BACK * 365, today + DAYS_AHEAD
        return [day for day in days if oldest <= day <= newest and day not in self._days and day not in self._left]

    async def _read(self, connection: AsyncConnection[Any]) -> None:
        rows = await (await connection.execute(_DAYS)).fetchall()
        await connection.rollback()
        self._days = {day for (name,) in rows if (day := _day_of(name)) is not None}
        self._read_at = self._elapsed_s()

    async def _make(self, connection: AsyncConnection[Any], day: int) -> bool:
        partition = DayPartition.of(day)
        try:
            made = await self._attach(connection, partition)
        except Error as error:
            await connection.rollback()
            if connection.broken:
                raise
            log.warning("The partition %s could not be made: %s", partition.name, error)
            made = None
        (self._left if made is None else self._days).add(day)
        return bool(made)

    async def _attach(self, connection: AsyncConnection[Any], partition: DayPartition) -> bool | None:
        for statement in BEGIN:
            await connection.execute(statement)
        if await self._tells(connection, partition.is_attached):
            await connection.rollback()
            return False
        if await self._tells(connection, partition.is_elsewhere):
            await connection.rollback()
            log.warning("The default partition holds readings of %s: the day stays there", partition.since)
            return None
        for statement in partition.make:
            await connection.execute(statement)
        await connection.commit()
        return True

    async def _tells(self, connection: AsyncConnection[Any], question: str) -> bool:
        row = await (await connection.execute(question)).fetchone()
        return bool(row and row[0])
