"""Where the closed days lie, as PostgreSQL knows it, and the order to have them elsewhere."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection

from cityloop.sense.stream.archive.recalling import CHANNEL, KEEPER_LOCK

_STANDING = f"""
    SELECT p.*, pg_total_relation_size('sense_packedday'), s.readings, s.bytes, s.wanted, s.reason, s.told_at, EXISTS (
        SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = {KEEPER_LOCK} AND granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    ), (SELECT count(*) FROM sense_closedday WHERE moved_at IS NULL OR moved_at < closed_at),
    (SELECT count(*) FROM sense_closedday WHERE moved_at IS NOT NULL)
    FROM (
        SELECT count(*) FILTER (WHERE stored IS NULL), coalesce(sum(n) FILTER (WHERE stored IS NULL), 0)::bigint,
        count(stored), coalesce(sum(n) FILTER (WHERE stored IS NOT NULL), 0)::bigint,
        count(*) FILTER (WHERE stored IS NOT NULL AND NOT away),
        coalesce(sum(n) FILTER (WHERE stored IS NOT NULL AND NOT away), 0)::bigint
        FROM sense_packedday
    ) p CROSS JOIN sense_historystore s
"""
IS_KEPT = f"""
    SELECT reason = '' AND EXISTS (
        SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = {KEEPER_LOCK} AND granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    ) FROM sense_historystore
"""
"""Asks whether a process keeps the second store and has it."""

_WANT = "UPDATE sense_historystore SET wanted = %s, reason = ''"
_COMPARE = """
    UPDATE sense_historystore SET compare_from = '0001-01-01', compared_days = 0, compared_readings = 0,
    compared_checksum = 0
"""
_COMPARED = """
    SELECT s.compare_from IS NULL, s.compared_days, s.compared_readings, s.compared_checksum,
    (SELECT count(*) FROM sense_closedday), p.readings, p.checksum
    FROM sense_historystore s CROSS JOIN (
        SELECT coalesce(sum(n), 0)::bigint AS readings, coalesce(bit_xor(checksum), 0) AS checksum
        FROM sense_packedday WHERE checksum IS NOT NULL
    ) p
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the closed days lie.

    Attributes:
        here_days: stream-days that lie in PostgreSQL alone.
        here: their readings.
        there_days: stream-days that lie in the second store.
        there: their readings.
        recalled_days: of those, at hand in PostgreSQL for a time.
        recalled: their readings.
        here_bytes: what the packed rows and their headers take in PostgreSQL.
        store_readings: what the store held when it told last, what is to be swept included.
        store_bytes: what that took.
        wanted: where they are wanted, empty where the setting says it.
        reason: why the store cannot be had, empty where it can.
        told_at: when its keeper told last, None for never.
        is_kept: whether a process keeps it.
        days_to_go: closed days in which there may be something to move to the store.
        days_begun: closed days of which something may lie there.
    """

    here_days: int
    here: int
    there_days: int
    there: int
    recalled_days: int
    recalled: int
    here_bytes: int
    store_readings: int
    store_bytes: int
    wanted: str
    reason: str
    told_at: datetime | None
    is_kept: bool
    days_to_go: int
    days_begun: int


@dataclass(frozen=True, slots=True)
class Compared:
    """What was moved once, and what lies there now.

    Attributes:
        is_done: whether all days have been read anew.
        days_done: days that have.
        found: readings found where they lie.
        found_checksum: their checksum.
        days: closed days.
        promised: readings that were moved.
        promised_checksum: their checksum as it was taken when they were moved.
    """

    is_done: bool
    days_done: int
    found: int
    found_checksum: int
    days: int
    promised: int
    promised_checksum: int

    @property
    def is_alike(self) -> bool:
        """Return whether nothing differs."""
        return (self.found, self.found_checksum) == (self.promised, self.promised_checksum)


def standing(connection: Connection[Any]) -> Standing:
    """Return where the closed days lie."""
    row = connection.execute(_STANDING).fetchone() or ()
    return Standing(*row)


def want(connection: Connection[Any], place: str) -> None:
    """Order where closed days are to lie, and call the keeper.

    Args:
        connection: autocommitting.
        place: `clickhouse` or `postgres`.
    """
    connection.execute(_WANT, (place,))
    connection.execute(f"NOTIFY {CHANNEL}")


def compare(connection: Connection[Any]) -> None:
    """Order that everything that was moved is read anew and counted."""
    connection.execute(_COMPARE)
    connection.execute(f"NOTIFY {CHANNEL}")


def compared(connection: Connection[Any]) -> Compared:
    """Return how far the comparison is."""
    row = connection.execute(_COMPARED).fetchone() or ()
    return Compared(*row)
