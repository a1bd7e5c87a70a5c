"""The wire process: takes over what devices publish, from JetStream into the history, exactly once.

    python -m cityloop.site.wire

While a batch commits, the next is decoded. When NATS or the database is away it waits and comes back; the position in
the database tells where to go on.
"""

import asyncio
import logging
import signal
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import uvloop

from cityloop.convey.stream.jetstream import Message, StreamReader, open_reader, prepare_stream, purge_until
from cityloop.convey.stream.mqtt import MqttMouth
from cityloop.convey.stream.nats import open_nats
from cityloop.convey.stream.positions import Mark, PositionMovedError
from cityloop.kernel.errors import CityloopError
from cityloop.kernel.instants import to_us
from cityloop.site.configuration import Configuration, load
from cityloop.site.logs import set_up_logs
from cityloop.site.metrics import beating
from cityloop.site.pipeline import Pipeline, open_pipeline
from cityloop.site.pipeline.requests import Takeover
from cityloop.site.secrets import nats_url, postgres_dsn

log = logging.getLogger(__name__)

PURGE_S = 2.0
"""How often what is in the history is deleted from the stream, seconds."""

PAUSE_S_MIN, PAUSE_S_MAX = 0.1, 2.0
"""Pause before coming back, seconds, doubled from the least to the most."""


class Wire:
    """Takes a stream over into a pipeline."""

    def __init__(self, address: str, pipeline: Pipeline) -> None:
        """Connect when it runs.

        Args:
            address: of the NATS server, with the password.
            pipeline: where readings go.
        """
        self._address, self._pipeline = address, pipeline
        self._mouth = MqttMouth()
        self._pause_s = PAUSE_S_MIN
        self._purged_at = time.monotonic()

    async def run(self) -> None:
        """Take over until cancelled."""
        while True:
            try:
                await self._session()
            except PositionMovedError:
                log.warning("The position has moved: reading again from where it stands")
            except CityloopError as error:
                await self._rest(f"{error} Coming back in {self._pause_s:.1f} s.")
            except Exception:
                log.exception("A batch failed")
                await self._rest(f"Trying it again in {self._pause_s:.1f} s.")

    async def _rest(self, sentence: str) -> None:
        log.warning(sentence)
        await asyncio.sleep(self._pause_s)
        self._pause_s = min(2 * self._pause_s, PAUSE_S_MAX)

    async def _session(self) -> None:
        nats = await open_nats(self._address)
        try:
            state = await prepare_stream(nats)
            after = await self._pipeline.position(state.key)
            if after > state.last:
                log.warning("The stream ends at %d, before position %d: taking it from its start", state.last, after)
            reader = await open_reader(nats, after=after, state=state)
            log.info("Taking over %s behind message %d; %d wait", state.key, after, max(state.last - after, 0))
            await self._take_over(reader, after)
        finally:
            nats.close()

    async def _take_over(self, reader: StreamReader, after: int) -> None:
        purged = after
        while True:
            messages = await reader.take(wait_s=PURGE_S if purged < after else None)
            if messages:
                await self._keep(reader, messages, after)
                after = messages[-1].sequence
                self._pause_s = PAUSE_S_MIN
            if purged < after and time.monotonic() - self._purged_at >= PURGE_S:
                await purge_until(reader.nats, after)
                purged, self._purged_at = after, time.monotonic()

    async def _keep(self, reader: StreamReader, messages: Sequence[Message], after: int) -> None:
        decoded = self._mouth.decode(messages, received_us=to_us(datetime.now(UTC)))
        mark = Mark(reader.state.key, after, messages[-1].sequence, messages[-1].stored_us)
        await self._pipeline.take_over(decoded.readings, Takeover(mark, decoded.rejected, decoded.refused))


async def run(configuration: Configuration) -> None:
    """Take over until the process is asked to stop."""
    pipeline = await open_pipeline(postgres_dsn(configuration), node=configuration.node, process="wire")
    pulse = asyncio.create_task(beating("wire"), name="beating")
    wire = asyncio.create_task(Wire(nats_url(configuration, user="wire"), pipeline).run(), name="wire")
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, wire.cancel)
    try:
        await asyncio.gather(wire, return_exceptions=True)
    finally:
        pulse.cancel()
        await pipeline.close()


def main() -> None:
    """Run the wire process."""
    set_up_logs("wire")
    uvloop.run(run(load()))


if __name__ == "__main__":
    main()
