"""The gateway process: listens to device protocols and calls polled devices, into the history, answered when durable.

    python -m cityloop.site.gateway

It runs where the setting `gateways` names protocols. A port that is taken is tried again; the others serve meanwhile.
"""

import asyncio
import logging
import resource
import signal
from collections import Counter
from contextlib import AsyncExitStack
from typing import Any

import uvloop
from prometheus_client import Counter as Figure
from prometheus_client import Gauge
from psycopg import AsyncConnection
from psycopg import Error as PsycopgError

from cityloop.convey.stream.devices import Ledger
from cityloop.convey.stream.gateway import Gateway, Intake, Opening, Refusals
from cityloop.convey.stream.news.announcing import Announcements
from cityloop.sense.stream.protocols.found import protocols
from cityloop.site.configuration import Configuration, ConfigurationError, load
from cityloop.site.hub import outbox_of
from cityloop.site.logs import set_up_logs
from cityloop.site.marking import open_marks
from cityloop.site.metrics import beating
from cityloop.site.pipeline import open_pipeline
from cityloop.site.secrets import nats_url, postgres_dsn

log = logging.getLogger(__name__)

CONNECT_S_MAX = 5
"""How long a connection to the database may take, seconds."""

PAUSE_S = 1.0
"""Pause before a database that is away is tried again, seconds."""

FIGURES_S = 5.0
"""How often the figures are renewed, seconds."""

PORT_MAX = 65_535

CONNECTIONS = Gauge(
    "cityloop_gateway_connections",
    "Device connections open now, by protocol.",
    ["protocol"],
    multiprocess_mode="livesum",
)
FRAMES = Figure("cityloop_gateway_frames", "Frames with measurements that devices have sent.", ["protocol"])
REFUSED = Figure("cityloop_gateway_refused", "What devices sent and was refused, by reason.", ["protocol", "reason"])


def openings_of(configuration: Configuration) -> list[Opening]:
    """Return the protocols that are switched on: codes, each with a port of its own where one stands behind a colon.

    Raises:
        ConfigurationError: if there is no such protocol, or no such port.
    """
    openings, known = [], protocols()
    for part in filter(None, map(str.strip, configuration.gateways.split(","))):
        code, _, port = part.partition(":")
        if code not in known:
            raise ConfigurationError(name="gateways", reason=f"{code!r} is none of {', '.join(known)}")
        if port and not (port.isascii() and port.isdigit() and int(port) <= PORT_MAX):
            raise ConfigurationError(name="gateways", reason=f"{port!r} is no port")
        openings.append(Opening(protocol=known[code], port=int(port) if port else known[code].port))
    return openings


async def serve(configuration: Configuration, *, dsn: str = "") -> None:
    """Serve until cancelled.

    Args:
        configuration: what is switched on.
        dsn: of the database; empty for the city's.
    """
    openings, dsn = openings_of(configuration), dsn or postgres_dsn(configuration)

    async def connect() -> AsyncConnection[Any]:
        return await AsyncConnection.connect(dsn, connect_timeout=CONNECT_S_MAX)

    async with AsyncExitStack() as stack:
        ledger = Ledger()
        async with await connect() as connection:
            await ledger.load_if_changed(connection)
        marks = await open_marks(stack, dsn)
        news = Announcements(nats_url(configuration))
        _beside(stack, news.run(), ledger.follow(connect), beating("gateway"))
        pipeline = await open_pipeline(
            dsn,
            node=configuration.node,
            process="gateway",
            markers=(marks,),
            announcer=news,
            outbox=outbox_of(configuration),
        )
        stack.push_async_callback(pipeline.close)
        intake = Intake(ledger, pipeline, Refusals(connect))
        _beside(stack, figures(intake))
        await Gateway(intake, openings, host=configuration.gateway_host).run()


def _beside(stack: AsyncExitStack, *running: Any) -> None:
    for one in running:
        stack.push_async_callback(_ended, asyncio.create_task(one))


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def figures(intake: Intake) -> None:
    """Renew the figures until cancelled."""
    frames: Counter[str] = Counter()
    refused: Counter[tuple[str, str]] = Counter()
    while True:
        for code, counts in intake.counts.items():
            CONNECTIONS.labels(code).set(counts.connections)
            FRAMES.labels(code).inc(counts.parcels - frames[code])
            frames[code] = counts.parcels
            for reason, count in counts.refused.items():
                REFUSED.labels(code, reason).inc(count - refused[code, reason])
                refused[code, reason] = count
        await asyncio.sleep(FIGURES_S)


async def run(configuration: Configuration) -> None:
    """Serve until the process is asked to stop; come back when the database was away at the start."""
    task = asyncio.create_task(_patiently(configuration), name="gateway")
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    await asyncio.gather(task, return_exceptions=True)


async def _patiently(configuration: Configuration) -> None:
    while True:
        try:
            await serve(configuration)
        except (OSError, PsycopgError) as error:
            log.warning("The gateway waits: %s. Coming back in %.0f s.", str(error).partition("\n")[0], PAUSE_S)
            await asyncio.sleep(PAUSE_S)


def main() -> None:
    """Run the gateway process."""
    configuration = load()
    set_up_logs("gateway")
    try:
        openings_of(configuration)
    except ConfigurationError as error:
        log.error("%s", error)  # noqa: TRY400  the sentence says it
        raise SystemExit(1) from None
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    uvloop.run(run(configuration))


if __name__ == "__main__":
    main()
