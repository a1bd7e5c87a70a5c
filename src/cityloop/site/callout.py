"""The callout process: tells the transport who may speak and listen over MQTT, and sends away whose rights have ended.

    python -m cityloop.site.callout

A process of its own, so that a flood of readings never delays a login. While it is away nobody new is let in; who is in
stays in.
"""

import asyncio
import contextlib
import logging
import random
import signal
from functools import partial
from typing import Any

import nats
import uvloop
from nats.aio.client import Client
from psycopg import AsyncConnection
from psycopg import Error as PsycopgError
from psycopg_pool import AsyncConnectionPool

from cityloop.convey.stream.callout.belongings import belongings_of
from cityloop.convey.stream.callout.node_logins import node_lookup
from cityloop.convey.stream.callout.service import Callout, Doorkeeper
from cityloop.convey.stream.sharing.asking import Asker
from cityloop.convey.stream.sharing.readlog import Read, ReadKind, write_read
from cityloop.kernel.errors import CityloopError
from cityloop.registry.stream import Rights, TokenRights
from cityloop.site.configuration import Configuration, load
from cityloop.site.logs import set_up_logs
from cityloop.site.metrics.instruments import beating
from cityloop.site.secrets import issuer_of, nats_url, postgres_dsn

log = logging.getLogger(__name__)

POOL_SIZE_MAX = 4
"""Connections that look up what newcomers have."""

POOL_WAIT_S = 3.0
"""How long a look-up waits for a connection, seconds: less than the transport waits for the answer."""

PAUSE_S = 1.0
"""Pause before the database or the transport is tried again, seconds."""

CONNECT_S_MAX = 5
"""How long a connection may take, seconds."""


async def serve(configuration: Configuration, *, dsn: str = "") -> None:
    """Answer and watch until cancelled; come back when the database or the transport was away.

    Args:
        configuration: the transport, and the key that signs.
        dsn: of the database; empty for the city's.
    """
    while True:
        try:
            await _session(configuration, dsn or postgres_dsn(configuration))
        except (OSError, TimeoutError, PsycopgError, nats.errors.Error, CityloopError) as error:
            log.warning("Logins wait: %s. Coming back in %.0f s.", error, PAUSE_S)
            await asyncio.sleep(PAUSE_S)


async def _session(configuration: Configuration, dsn: str) -> None:
    rights = Rights()
    async with contextlib.AsyncExitStack() as stack:
        async with await _connect(dsn) as connection:
            await rights.load(connection)
        pool: AsyncConnectionPool[Any] = AsyncConnectionPool(
            dsn, min_size=1, max_size=POOL_SIZE_MAX, timeout=POOL_WAIT_S, open=False, name="callout"
        )
        await stack.enter_async_context(pool)
        answering = await _connected(stack, configuration, "callout")
        watching = await _connected(stack, configuration, "system")

        async def look_up(whose: TokenRights, client_id: str) -> Any:
            found = await belongings_of(whose, client_id, pool)
            if found.visible_streams and not whose.reaches_all:
                await _noted(pool, whose, client_id)
            return found

        callout = Callout(rights, look_up, issuer_of(configuration), spread=random.random, nodes=node_lookup(pool))
        await callout.serve(answering)
        log.info("Answering who may come in")
        async with asyncio.TaskGroup() as group:
            group.create_task(rights.follow(partial(_connect, dsn)))
            group.create_task(Doorkeeper(watching, rights).watch())


async def _noted(pool: AsyncConnectionPool[Any], whose: TokenRights, client_id: str) -> None:
    """Let the owners of what a limited machine may hear know that it has come to listen; rows are not counted here."""
    read = Read(kind=ReadKind.MQTT, path=f"MQTT {client_id}", rows=0, owners=(whose.organisation,))
    async with pool.connection() as connection:
        await write_read(connection, Asker(whose), read)


async def _connected(stack: contextlib.AsyncExitStack, configuration: Configuration, user: str) -> Client:
    client = await nats.connect(
        nats_url(configuration, user=user), max_reconnect_attempts=-1, reconnect_time_wait=PAUSE_S
    )
    stack.push_async_callback(client.close)
    return client


async def _connect(dsn: str) -> AsyncConnection[Any]:
    return await AsyncConnection.connect(dsn, connect_timeout=CONNECT_S_MAX)


async def run(configuration: Configuration) -> None:
    """Serve until the process is asked to stop."""
    pulse = asyncio.create_task(beating("callout"), name="beating")
    serving = asyncio.create_task(serve(configuration), name="callout")
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, serving.cancel)
    await asyncio.gather(serving, return_exceptions=True)
    pulse.cancel()


def main() -> None:
    """Run the callout process."""
    set_up_logs("callout")
    uvloop.run(run(load()))


if __name__ == "__main__":
    main()
