"""Asks a statement that opens packed days where some of them may lie in the second store.

`sense_unpacked` refuses to open a row that is away (`AWAY`): no reader can overlook one. Whoever asks through here has
the statement asked once more so that it only tells which rows those are, has them brought back by the process that
keeps the store, and asks again. Where nothing is away that costs nothing.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from datetime import date
from typing import Any, TypeVar

import psycopg
from psycopg import AsyncConnection, Connection
from psycopg.pq import TransactionStatus

from cityloop.kernel.errors import CityloopError

T = TypeVar("T")
Wanted = tuple[int, date]
"""A stream and a day."""

AWAY = "CL001"
"""The SQLSTATE of `sense_away`."""

CHANNEL = "cityloop_recall"
"""Says that somebody waits for days."""

KEEPER_LOCK = 7_431_903
"""Advisory lock of the process that keeps the second store, held for as long as it lives."""

DAYS_MAX, READINGS_MAX = 2_000, 2_000_000
"""Most stream-days and readings one statement may have brought back; some ten seconds of work."""

WAIT_S_MAX = 30.0
"""Longest wait for them, seconds."""

ROUNDS_MAX = 5
"""How often a statement may find that it needs more."""

_CANCELED = "57014"
_FIRST_REST_S, _REST_S_MAX = 0.004, 0.1
_TELL = "SELECT set_config('cityloop.recalls', 'on', TRUE), set_config('client_min_messages', 'notice', TRUE)"
_ASK = f"""
    WITH asked AS (
        INSERT INTO sense_recall (datastream_id, day) SELECT * FROM unnest(%s::bigint[], %s::date[])
        ON CONFLICT (datastream_id, day) DO UPDATE SET asked_at = clock_timestamp(), reason = '' RETURNING 1
    ) SELECT pg_notify('{CHANNEL}', count(*)::text) FROM asked
"""
_STATE = f"""
    SELECT count(*) FILTER (WHERE p.away), coalesce(max(r.reason) FILTER (WHERE p.away), ''), EXISTS (
        SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = {KEEPER_LOCK} AND granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    )
    FROM unnest(%s::bigint[], %s::date[]) AS w (stream, day)
    LEFT JOIN sense_packedday p ON p.datastream_id = w.stream AND p.day = w.day
    LEFT JOIN sense_recall r ON r.datastream_id = w.stream AND r.day = w.day
"""


class HistoryAwayError(CityloopError):
    """The readings lie in the second store, and it does not give them."""

    key = "These readings lie in the second store of closed days, which does not answer. Ask again later."
    status = 503


class HistoryTooMuchError(CityloopError):
    """One statement would have too much brought back."""

    key = "This asks for too many closed days at once. Narrow the time or the datastreams."
    status = 422


class _Missing:
    """Collects which rows a statement found to be away."""

    def __init__(self, cancel: Callable[[], None]) -> None:
        self.days: set[Wanted] = set()
        self.readings = 0
        self._cancel = cancel

    def __call__(self, notice: psycopg.errors.Diagnostic) -> None:
        if notice.sqlstate != AWAY or self.is_too_much:
            return
        stream, day, count = (notice.message_detail or "").split()
        wanted = (int(stream), date.fromisoformat(day))
        self.readings += 0 if wanted in self.days else int(count)
        self.days.add(wanted)
        if self.is_too_much:
            self._cancel()

    @property
    def is_too_much(self) -> bool:
        return len(self.days) > DAYS_MAX or self.readings > READINGS_MAX


def _is(error: Exception, sqlstate: str) -> bool:
    """Return whether PostgreSQL said this; Django wraps what it said."""
    said = error if isinstance(error, psycopg.Error) else error.__cause__
    return isinstance(said, psycopg.Error) and said.diag.sqlstate == sqlstate


@contextmanager
def _collecting(connection: Connection[Any] | AsyncConnection[Any]) -> Iterator[_Missing]:
    missing = _Missing(connection.cancel)
    connection.add_notice_handler(missing)
    try:
        yield missing
    except Exception as error:
        if not (missing.is_too_much and _is(error, _CANCELED)):
            raise
    finally:
        connection.remove_notice_handler(missing)
    if missing.is_too_much:
        raise HistoryTooMuchError


def _is_alone(connection: Connection[Any] | AsyncConnection[Any]) -> bool:
    """Return whether a statement is a transaction of its own, so that its failure spoils nothing."""
    return connection.autocommit and connection.info.transaction_status == TransactionStatus.IDLE


def _standing(row: tuple[Any, ...] | None, until: float) -> bool:
    """Return whether all are back.

    Raises:
        HistoryAwayError: if they will not come.
    """
    left, reason, is_kept = row or (1, "", False)
    if left and (reason or not is_kept or time.monotonic() > until):
        raise HistoryAwayError
    return not left


def _lists(wanted: list[Wanted]) -> tuple[list[int], list[date]]:
    return [stream for stream, _ in wanted], [day for _, day in wanted]


async def asked(connection: AsyncConnection[Any], ask: Callable[[], Awaitable[T]]) -> T:
    """Return the answer to a statement, with the days it needs brought back.

    Args:
        connection: of the statement, in a transaction or not.
        ask: asks it; may be called more than once, and only the last call counts.

    Raises:
        HistoryAwayError: if days it needs cannot be had.
        HistoryTooMuchError: if it needs too many.
    """
    for _ in range(ROUNDS_MAX):
        try:
            if _is_alone(connection):
                return await ask()
            async with connection.transaction():
                return await ask()
        except Exception as error:
            if not _is(error, AWAY):
                raise
        with _collecting(connection) as missing:
            async with connection.transaction(force_rollback=True):
                await connection.execute(_TELL)
                await ask()
        await recall(connection, sorted(missing.days))
    raise HistoryAwayError


async def recall(connection: AsyncConnection[Any], wanted: list[Wanted]) -> None:
    """Have stream-days brought back, out of any transaction; those that are not away are no matter.

    Args:
        connection: of the same database; holds none of these rows locked.
        wanted: streams and days.

    Raises:
        HistoryAwayError: if they cannot be had.
    """
    until, rest_s = time.monotonic() + WAIT_S_MAX, _FIRST_REST_S
    async with AsyncExitStack() as stack:
        own = connection
        if not _is_alone(connection):
            info = connection.info
            own = await AsyncConnection.connect(info.dsn, password=info.password, autocommit=True)
            await stack.enter_async_context(own)
        await own.execute(_ASK, _lists(wanted))
        while not _standing(await (await own.execute(_STATE, _lists(wanted))).fetchone(), until):
            await asyncio.sleep(rest_s)
            rest_s = min(1.3 * rest_s, _REST_S_MAX)


def asked_here(connection: Connection[Any], ask: Callable[[], T]) -> T:
    """Return the answer to a statement, as `asked`, on a connection that waits."""
    for _ in range(ROUNDS_MAX):
        try:
            if _is_alone(connection):
                return ask()
            with connection.transaction():
                return ask()
        except Exception as error:
            if not _is(error, AWAY):
                raise
        with _collecting(connection) as missing, connection.transaction(force_rollback=True):
            connection.execute(_TELL)
            ask()
        recall_here(connection, sorted(missing.days))
    raise HistoryAwayError


def recall_here(connection: Connection[Any], wanted: list[Wanted]) -> None:
    """Have stream-days brought back, as `recall`, while the caller waits."""
    until, rest_s = time.monotonic() + WAIT_S_MAX, _FIRST_REST_S
    with ExitStack() as stack:
        own = connection
        if not _is_alone(connection):
            info = connection.info
            own = stack.enter_context(psycopg.connect(info.dsn, password=info.password, autocommit=True))
        own.execute(_ASK, _lists(wanted))
        while not _standing(own.execute(_STATE, _lists(wanted)).fetchone(), until):
            time.sleep(rest_s)
            rest_s = min(1.3 * rest_s, _REST_S_MAX)
