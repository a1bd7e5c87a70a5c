"""A writer: a connection that owns a lane of observation ids for as long as it lives."""

from dataclasses import dataclass
from typing import Any

from psycopg import AsyncConnection

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
    """

    connection: AsyncConnection[Any]
    ids: ObservationIds
    lane: int
    exchange: Exchange


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
    await connection.commit()
    if row is None:
        await connection.close()
        raise NoLaneError(count=WRITERS_MAX, node=node)
    return Writer(connection, ObservationIds(node=node, writer=row[0]), row[0], Exchange(connection))
