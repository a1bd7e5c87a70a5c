"""A writer: a connection that owns a lane of observation ids for as long as it lives."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection, OperationalError

from cityloop.kernel.errors import CityloopError
from cityloop.kernel.observation_ids import WRITERS_MAX, ObservationIds
from cityloop.sense.stream.history.arrays import register_arrays
from cityloop.sense.stream.history.exchange import Exchange

_LANE_KEY = 7_431_000
"""Class of the advisory locks; the node is added."""

CONNECT_S_MAX = 5
"""How long connecting may take, seconds."""

LOCK_S_MAX = 10
"""How long a batch may wait for a stream that another transaction holds, seconds; then its senders come again."""

SILENCE_S_MAX = 15
"""How long the database may stay silent to what was sent before the connection counts as lost, seconds."""

_TAKE_LANE = """
    SELECT lane FROM generate_series(0, %s) AS lane WHERE pg_try_advisory_lock(%s, lane) LIMIT 1
"""
_SESSION = "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
_END = "SELECT pg_terminate_backend(pid, %s) FROM pg_stat_activity WHERE pid = %s AND backend_start = %s"

END_MS_MAX = 5000
"""How long a session may take to end, milliseconds."""


@dataclass(frozen=True, slots=True)
class Session:
    """What tells a session of the database from every other.

    Attributes:
        pid: of its server process.
        began_at: when it began.
    """

    pid: int
    began_at: datetime


class NoLaneError(CityloopError):
    """All writer numbers of the node are taken."""

    key = "All %(count)s writers of node %(node)s are running."
    status = 503


@dataclass(slots=True)
class Writer:
    """A connection and its lane; when the connection dies the lane is free again.

    Attributes:
        connection: used by this writer only, not in autocommit.
        ids: the source of observation ids.
        lane: number of the lane, 0 to 31.
        exchange: asks over the connection while it is outside a transaction.
        session: what the database calls the connection.
    """

    connection: AsyncConnection[Any]
    ids: ObservationIds
    lane: int
    exchange: Exchange
    session: Session


async def open_writer(dsn: str, *, node: int, process: str) -> Writer:
    """Return a writer whose lane no other has.

    Args:
        dsn: of the database, direct: the lane is a session lock.
        node: number of this node.
        process: name shown in the database's list of connections.

    Raises:
        NoLaneError: if all lanes of the node are taken.
    """
    connection = await AsyncConnection.connect(
        dsn,
        application_name=f"cityloop {process}",
        connect_timeout=CONNECT_S_MAX,
        keepalives_idle=SILENCE_S_MAX,
        tcp_user_timeout=SILENCE_S_MAX * 1000,
    )
    connection.prepare_threshold = 2
    register_arrays(connection.adapters)
    await connection.execute(f"SET TIME ZONE 'UTC'; SET lock_timeout = '{LOCK_S_MAX}s'")
    row = await (await connection.execute(_TAKE_LANE, (WRITERS_MAX - 1, _LANE_KEY + node))).fetchone()
    known = await (await connection.execute(_SESSION)).fetchone()
    await connection.commit()
    if row is None or known is None:
        await connection.close()
        raise NoLaneError(count=WRITERS_MAX, node=node)
    return Writer(
        connection, ObservationIds(node=node, writer=row[0]), row[0], Exchange(connection), Session(known[0], known[1])
    )


async def end_session(connection: AsyncConnection[Any], session: Session) -> None:
    """Return when a session whose connection we have lost is over.

    A statement that commits by itself may still wait in it for a lock. It must not go on once its readings are tried
    again, or they would be kept twice.

    Args:
        connection: another one, outside a transaction.
        session: ours.

    Raises:
        psycopg.OperationalError: if it does not end in time.
    """
    row = await (await connection.execute(_END, (END_MS_MAX, session.pid, session.began_at))).fetchone()
    await connection.rollback()
    if row is not None and not row[0]:
        message = "a session that was lost does not end"
        raise OperationalError(message)
