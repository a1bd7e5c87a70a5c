"""The notifier process: tells news on the public MQTT topics, and gives devices their tasks.

    python -m cityloop.site.notify

A process of its own, so that telling never delays keeping. While it is away nothing is told and nothing is lost: the
history has all of it, and tasks wait.
"""

import asyncio
import contextlib
import logging
import signal
from functools import partial
from typing import Any

import uvloop
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from cityloop.convey.stream.news.carrying import TaskCarrier, capabilities_of
from cityloop.convey.stream.news.notifying import Addresses, Notifier
from cityloop.convey.stream.news.rendering import Renderer
from cityloop.sense.stream.sta.reading import Reader
from cityloop.sense.stream.sta.telling import Teller
from cityloop.sense.stream.tasking.desk import TaskDesk
from cityloop.site.configuration import Configuration, load
from cityloop.site.logs import set_up_logs
from cityloop.site.metrics.instruments import beating
from cityloop.site.secrets import nats_url, postgres_dsn

log = logging.getLogger(__name__)

POOL_SIZE_MAX = 3
"""Connections that look up what is told."""

POOL_WAIT_S = 10.0
"""How long a look-up waits for a connection, seconds."""

CONNECT_S_MAX = 5
"""How long a connection may take, seconds."""

PAGE_SIZE, PAGE_MAX = 100, 1000
"""Entities of an expanded collection where none is asked for, and at most: as over HTTP."""

STA_PATH = "/sta/v1.1"
"""Where the service root stands below the city's address."""


def service_root(configuration: Configuration) -> str:
    """Return the address of the service root in what is told."""
    return (configuration.public_url.rstrip("/") or f"http://{configuration.host}:{configuration.port}") + STA_PATH


async def serve(configuration: Configuration) -> None:
    """Tell news until cancelled; the database and the transport may come and go."""
    dsn = postgres_dsn(configuration)
    pool: AsyncConnectionPool[Any] = AsyncConnectionPool(
        dsn, min_size=1, max_size=POOL_SIZE_MAX, timeout=POOL_WAIT_S, open=False, name="notify"
    )
    addresses = Addresses(*(nats_url(configuration, user=user) for user in ("server", "wire", "system")))
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(pool)
        teller = Teller(Reader(pool, page_size=PAGE_SIZE, page_max=PAGE_MAX), base=service_root(configuration))
        desk: TaskDesk | None = None

        def has_come(subjects: set[str]) -> None:
            for capability_id in capabilities_of(subjects):
                if desk is not None:
                    desk.has_come(capability_id)

        notifier = Notifier(addresses, Renderer(teller), on_listener=has_come)
        desk = TaskDesk(partial(_connect, dsn), TaskCarrier(notifier, teller))
        log.info("Telling news")
        async with asyncio.TaskGroup() as group:
            group.create_task(notifier.run())
            group.create_task(desk.run())


async def _connect(dsn: str) -> AsyncConnection[Any]:
    return await AsyncConnection.connect(dsn, connect_timeout=CONNECT_S_MAX, autocommit=True)


async def run(configuration: Configuration) -> None:
    """Serve until the process is asked to stop."""
    pulse = asyncio.create_task(beating("notify"), name="beating")
    serving = asyncio.create_task(serve(configuration), name="notify")
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, serving.cancel)
    await asyncio.gather(serving, return_exceptions=True)
    pulse.cancel()
    if not serving.cancelled() and (error := serving.exception()) is not None:
        raise error


def main() -> None:
    """Run the notifier process."""
    set_up_logs("notify")
    uvloop.run(run(load()))


if __name__ == "__main__":
    main()
