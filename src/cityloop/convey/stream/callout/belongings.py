"""Looks up what a token's owner has: the streams of its thing, the streams its organisation may read."""

from typing import Any

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from cityloop.convey.stream.callout.permissions import TOPICS_MAX, Belongings
from cityloop.registry.stream import TokenRights
from cityloop.sense.stream.sta.sight import Sight

_NAMED = "SELECT thing_id FROM convey_device WHERE code = %s"
_CAPABILITIES = "SELECT id FROM sense_taskingcapability WHERE thing_id = %s ORDER BY id LIMIT 100"
_DEVICE = "SELECT code FROM convey_device WHERE thing_id = %s AND state NOT IN ('retired', 'quarantined')"


class Values:
    """Values of a statement by name, as `Sight` adds them."""

    def __init__(self) -> None:
        """Hold none yet."""
        self.of_name: dict[str, Any] = {}

    def __call__(self, value: Any, kind: str) -> str:
        """Keep a value and return its place in the statement."""
        name = f"v{len(self.of_name)}"
        self.of_name[name] = value
        return f"%({name})s::{kind}"


async def belongings_of(rights: TokenRights, client_id: str, pool: AsyncConnectionPool[Any]) -> Belongings:
    """Return what a token's owner has; of streams one more than may be told at most.

    Args:
        rights: of the token.
        client_id: MQTT client id; the code of a device is that device's own, for whoever gives the client id of another
            takes over its session.
        pool: of connections.
    """
    sight = Sight(rights.organisation, rights.datasets, rights.area, rights.thing_id)
    async with pool.connection() as connection:
        row = await (await connection.execute(_NAMED, (client_id,))).fetchone()
        if row is not None and row[0] != rights.thing_id:
            return Belongings(is_impostor=True)
        if rights.reaches_all:
            return Belongings()
        return Belongings(
            device_code=await _device_code(connection, rights),
            own_streams=await _streams(connection, sight, own=True) if rights.may_write else (),
            capabilities=await _capabilities(connection, rights),
            visible_streams=await _streams(connection, sight, own=False) if rights.may_read and sight.may_read else (),
        )


async def _device_code(connection: AsyncConnection[Any], rights: TokenRights) -> str:
    if rights.thing_id is None:
        return ""
    row = await (await connection.execute(_DEVICE, (rights.thing_id,))).fetchone()
    return row[0] if row else ""


async def _capabilities(connection: AsyncConnection[Any], rights: TokenRights) -> tuple[int, ...]:
    if rights.thing_id is None:
        return ()
    rows = await (await connection.execute(_CAPABILITIES, (rights.thing_id,))).fetchall()
    return tuple(row[0] for row in rows)


async def _streams(connection: AsyncConnection[Any], sight: Sight, *, own: bool) -> tuple[int, ...]:
    values = Values()
    condition = (sight.own_stream if own else sight.seen_stream)("d", values)
    statement = f"SELECT d.id FROM sense_datastream d WHERE {condition} ORDER BY d.id LIMIT {TOPICS_MAX + 1}"
    rows = await (await connection.execute(statement.encode(), values.of_name)).fetchall()
    return tuple(row[0] for row in rows)
