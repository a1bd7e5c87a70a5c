"""Closes the days that lie far enough back: their readings are packed, their partitions dropped."""

import logging
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import psycopg
from django.db import connection

from cityloop.sense.stream.archive.closing import CLOSING_LOCK, HOT_DAYS_MIN, Closed, close_day

log = logging.getLogger(__name__)

DAYS_TOGETHER_MAX = 64
"""Most days closed in one go; the rest follows the next hour."""

_LOCK = f"SELECT pg_try_advisory_lock({CLOSING_LOCK})"
"""One at a time: a job that was given up for dead may still run."""

_UNLOCK = f"SELECT pg_advisory_unlock({CLOSING_LOCK})"
"""Said aloud: a connection that is closed lets go a moment later."""

_PARTITIONS = """
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'sense_observation'::regclass
"""
_OTHER_DAYS = """
    SELECT DISTINCT (phenomenon_time AT TIME ZONE 'UTC')::date FROM sense_observation_other WHERE phenomenon_time < %s
"""
_EPOCH = date(1970, 1, 1)


def close_days(today: date, *, hot_days: int, on_part: Callable[[int], None] = lambda _: None) -> int:
    """Pack the readings of days before the hot ones; return how many were packed.

    Args:
        today: UTC.
        hot_days: days before today that stay as single rows.
        on_part: told the readings of each part once it is durable.
    """
    before = today - timedelta(days=max(hot_days, HOT_DAYS_MIN))
    with psycopg.connect(_dsn(), autocommit=True) as guard:
        row = guard.execute(_LOCK).fetchone()
        if row is None or not row[0]:
            return 0
        try:
            return sum(_closed(day, on_part) for day in _open_days(before)[:DAYS_TOGETHER_MAX])
        finally:
            guard.execute(_UNLOCK)


def _closed(day: date, on_part: Callable[[int], None]) -> int:
    closed = close_day(_dsn(), (day - _EPOCH).days, on_part=on_part)
    _tell(day, closed)
    return closed.packed


def _tell(day: date, closed: Closed) -> None:
    if closed.packed or closed.left:
        log.info("Closed %s: %d readings packed, %d left", day, closed.packed, closed.left)


def _open_days(before: date) -> list[date]:
    """Return the days before a day that hold single rows or an empty partition, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(_PARTITIONS)
        names = [name.removeprefix("sense_observation_") for (name,) in cursor.fetchall()]
        cursor.execute(_OTHER_DAYS, [datetime.combine(before, datetime.min.time(), UTC)])
        others = {day for (day,) in cursor.fetchall()}
    own = {datetime.strptime(name, "%Y%m%d").replace(tzinfo=UTC).date() for name in names if name.isdigit()}
    return sorted(day for day in own | others if day < before)


def _dsn() -> str:
    settings = connection.settings_dict
    return psycopg.conninfo.make_conninfo(
        host=settings["HOST"], port=settings["PORT"], dbname=settings["NAME"],
        user=settings["USER"], password=settings["PASSWORD"], application_name="cityloop archive",
    )  # fmt: skip
