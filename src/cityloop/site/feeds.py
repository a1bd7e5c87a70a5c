"""The feeds process: posts what comes into shared data sets to the webhooks of the contracts in force.

    python -m cityloop.site.feeds

A process of its own, so that slow receivers hold up nobody. While it is away nothing is lost: every subscription keeps
how far its receiver has acknowledged.
"""

import asyncio
import logging
import signal
from typing import Any

import uvloop
from psycopg import AsyncConnection

from cityloop.convey.stream.sharing.webhooks import Webhooks
from cityloop.site.configuration import Configuration, load
from cityloop.site.logs import set_up_logs
from cityloop.site.metrics.instruments import beating
from cityloop.site.secrets import postgres_dsn, secret_key

log = logging.getLogger(__name__)

CONNECT_S_MAX = 5
"""How long a connection may take, seconds."""

STATEMENT_MS_MAX = 30_000
"""Longest look at the history, milliseconds."""


def webhooks(configuration: Configuration) -> Webhooks:
    """Return what delivers, over connections of its own."""
    dsn = postgres_dsn(configuration)

    async def connect() -> AsyncConnection[Any]:
        return await AsyncConnection.connect(
            dsn,
            autocommit=True,
            application_name="cityloop feeds",
            connect_timeout=CONNECT_S_MAX,
            options=f"-c statement_timeout={STATEMENT_MS_MAX} -c TimeZone=UTC",
        )

    return Webhooks(connect, city_secret=secret_key(configuration), private=configuration.webhook_private)


async def run(configuration: Configuration) -> None:
    """Deliver until the process is asked to stop."""
    pulse = asyncio.create_task(beating("feeds"), name="beating")
    delivering = asyncio.create_task(webhooks(configuration).run(), name="webhooks")
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, delivering.cancel)
    await asyncio.gather(delivering, return_exceptions=True)
    pulse.cancel()
    if not delivering.cancelled() and (error := delivering.exception()) is not None:
        raise error


def main() -> None:
    """Run the feeds process."""
    set_up_logs("feeds")
    uvloop.run(run(load()))


if __name__ == "__main__":
    main()
