"""Keeps the second store: one process at a time, the only one that opens it.

It moves closed days to where they are wanted, brings back what others wait for, empties that again after a time, and
sweeps from the store what was deleted. It says in `sense_historystore` how things stand. While it or the store is away,
what lies in PostgreSQL is read and written as ever.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

import psycopg
from psycopg import Connection

from cityloop.kernel.errors import CityloopError
from cityloop.sense.stream.archive import moving
from cityloop.sense.stream.archive.clickhouse import open_store
from cityloop.sense.stream.archive.recalling import CHANNEL, DAYS_MAX, KEEPER_LOCK
from cityloop.sense.stream.archive.store import Store

log = logging.getLogger(__name__)

RECALLED_S = 3600.0
"""How long a recalled day stays in PostgreSQL, seconds."""

RECALLED_READINGS_MAX = 20_000_000
"""Readings of recalled days that stay in PostgreSQL, some 250 MB; the newest recalled stay."""

REST_S = 2.0
"""Longest rest between two turns when nobody calls, seconds."""

LOOK_EVERY_S = 30.0
"""How often closed days are looked through for what is not where it is wanted, seconds."""

CLICKHOUSE, POSTGRES = "clickhouse", "postgres"

_LOCK = "SELECT pg_try_advisory_lock(%s)"
_CITY = "SELECT city::text FROM sense_historystore"
_ASKED = "SELECT datastream_id, day, asked_at FROM sense_recall WHERE reason = '' ORDER BY asked_at LIMIT %s"
_ANSWERED = """
    DELETE FROM sense_recall r USING unnest(%s::bigint[], %s::date[], %s::timestamptz[]) AS d (stream, day, asked_at)
    WHERE r.datastream_id = d.stream AND r.day = d.day AND r.asked_at <= d.asked_at
"""
_REFUSED = "UPDATE sense_recall SET reason = %s WHERE reason = ''"
_REFUSED_DAY = "UPDATE sense_recall SET reason = %s WHERE datastream_id = %s AND day = %s"
_FORGET = "DELETE FROM sense_recall WHERE asked_at < now() - interval '10 minutes'"
_WANTED = "SELECT CASE wanted WHEN '' THEN %s ELSE wanted END, compare_from FROM sense_historystore"
_OUT = "SELECT day FROM sense_closedday WHERE moved_at IS NULL OR moved_at < closed_at ORDER BY day LIMIT 1"
_HOME = "SELECT day FROM sense_closedday WHERE moved_at IS NOT NULL ORDER BY day LIMIT 1"
_IS_OUT = "UPDATE sense_closedday SET moved_at = %s WHERE day = %s"
_BEGUN = "UPDATE sense_closedday SET moved_at = 'epoch' WHERE day = %s AND moved_at IS NULL"
_NOW = "SELECT clock_timestamp()"
_TELL = "UPDATE sense_historystore SET reason = %s, readings = %s, bytes = %s, told_at = clock_timestamp()"
_TELL_REASON = "UPDATE sense_historystore SET reason = %s, told_at = clock_timestamp()"
_COMPARE = "SELECT day FROM sense_closedday WHERE day >= %s ORDER BY day LIMIT 1"
_COMPARED = """
    UPDATE sense_historystore SET compare_from = %s::date + 1, compared_days = compared_days + 1,
    compared_readings = compared_readings + %s, compared_checksum = compared_checksum # %s
"""
_ALL_COMPARED = "UPDATE sense_historystore SET compare_from = NULL"


class KeeperElsewhereError(CityloopError):
    """Another process keeps the store already."""

    key = "Another process keeps the second store of closed days already."
    status = 409


@dataclass(slots=True)
class _Due:
    look: float = 0.0
    tell: float = 0.0


class Keeper:
    """Keeps the second store.

    Args:
        connection: autocommitting, in UTC; it holds the lock that makes this the only keeper.
        dsn: of the second store.
        open_: opens it.
    """

    def __init__(self, connection: Connection[Any], dsn: str, open_: Callable[..., Store] = open_store) -> None:
        """Take the lock.

        Raises:
            KeeperElsewhereError: if another process has it.
        """
        self._connection, self._dsn, self._open = connection, dsn, open_
        self._store: Store | None = None
        self._due = _Due()
        row = connection.execute(_LOCK, (KEEPER_LOCK,)).fetchone()
        if row is None or not row[0]:
            raise KeeperElsewhereError
        connection.execute(f"LISTEN {CHANNEL}")

    @classmethod
    def of(cls, postgres_dsn: str, dsn: str) -> Self:
        """Return a keeper on a connection of its own.

        Raises:
            KeeperElsewhereError: if there is one.
            psycopg.OperationalError: if the database is away.
        """
        connection = psycopg.connect(
            postgres_dsn, autocommit=True, application_name="cityloop history", options="-c TimeZone=UTC"
        )
        try:
            return cls(connection, dsn)
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        """Let go of the store and of the lock."""
        self._let_go()
        self._connection.close()

    def rest(self, longest_s: float = REST_S) -> None:
        """Wait until somebody calls, or for a time."""
        for _ in self._connection.notifies(timeout=longest_s, stop_after=1):
            self._due.look = 0.0

    def turn(self) -> bool:
        """Do a piece of what is due; return whether there may be more.

        Raises:
            psycopg.OperationalError: if the database is away.
        """
        try:
            store = self._opened()
            return self._recall(store) or self._other(store)
        except psycopg.Error:
            raise
        except (CityloopError, moving.StoredOtherwiseError) as error:
            self._refuse(error)
            return False

    def _other(self, store: Store) -> bool:
        some = self._moved(store) or moving.sweep(self._connection, store) > 0 or self._compared(store)
        if some:
            return True
        self._tell(store)
        return moving.empty_again(self._connection, after_s=RECALLED_S, readings_max=RECALLED_READINGS_MAX) > 0

    def _opened(self) -> Store:
        if self._store is None:
            row = self._connection.execute(_CITY).fetchone()
            self._store = self._open(self._dsn, city=str(row[0]) if row else "")
            self._due = _Due()
            self._connection.execute(_TELL_REASON, ("",))
        return self._store

    def _recall(self, store: Store) -> bool:
        rows = self._connection.execute(_ASKED, (DAYS_MAX,)).fetchall()
        if not rows:
            return False
        damaged = moving.recall(self._connection, store, [(stream, day) for stream, day, _ in rows])
        for stream, day in damaged:
            self._connection.execute(_REFUSED_DAY, ("damaged", stream, day))
        answered = [row for row in rows if (row[0], row[1]) not in set(damaged)]
        self._connection.execute(_ANSWERED, tuple(map(list, zip(*answered, strict=True))) or ([], [], []))
        return True

    def _moved(self, store: Store) -> bool:
        if time.monotonic() < self._due.look:
            return False
        is_out = self._wanted() == CLICKHOUSE
        row = self._connection.execute(_OUT if is_out else _HOME).fetchone()
        if row is None:
            self._due.look = time.monotonic() + LOOK_EVERY_S
            return False
        since = self._connection.execute(_NOW).fetchone()
        if is_out:
            self._connection.execute(_BEGUN, (row[0],))
        move = moving.move_some if is_out else moving.bring_home
        if move(self._connection, store, row[0]) == 0:
            self._connection.execute(_IS_OUT, (since[0] if is_out and since else None, row[0]))
        return True

    def _wanted(self) -> str:
        row = self._connection.execute(_WANTED, (CLICKHOUSE,)).fetchone()
        return str(row[0]) if row else CLICKHOUSE

    def _compared(self, store: Store) -> bool:
        """Read a day anew for whoever compares, where somebody does."""
        row = self._connection.execute(_WANTED, (CLICKHOUSE,)).fetchone()
        if row is None or row[1] is None:
            return False
        found = self._connection.execute(_COMPARE, (row[1],)).fetchone()
        if found is None:
            self._connection.execute(_ALL_COMPARED)
            return True
        day: date = found[0]
        readings, checksum = moving.stored_sums(self._connection, store, day)
        self._connection.execute(_COMPARED, (day, readings, checksum))
        return True

    def _tell(self, store: Store) -> None:
        if time.monotonic() < self._due.tell:
            return
        readings, octets = store.size()
        self._connection.execute(_TELL, ("", readings, octets))
        self._connection.execute(_FORGET)
        self._due.tell = time.monotonic() + LOOK_EVERY_S

    def _refuse(self, error: Exception) -> None:
        """Say why nothing can be had, to whoever waits and to whoever looks; the store is opened anew next time."""
        own = error.parameters.get("reason") if isinstance(error, CityloopError) else None
        reason = str(own or error) or type(error).__name__
        log.warning("The second store of closed days: %s", reason)
        self._connection.execute(_TELL_REASON, (reason,))
        self._connection.execute(_REFUSED, (reason,))
        self._let_go()

    def _let_go(self) -> None:
        store, self._store = self._store, None
        if store is not None:
            try:
                store.close()
            except Exception:  # noqa: BLE001  what is away cannot be closed
                log.info("The second store could not be closed")
