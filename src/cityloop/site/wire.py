"""The wire process: takes over what devices publish, from JetStream into the history, exactly once.

    python -m cityloop.site.wire

While a batch commits, the next is decoded. When NATS or the database is away it waits and comes back; the position in
the database tells where to go on.
"""

import asyncio
import logging
import signal
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import uvloop

from cityloop.convey.stream.jetstream import Fetch, StreamReader, open_reader, prepare_stream, purge_until
from cityloop.convey.stream.mappings import FOLDER, MappedMouth, Mappings
from cityloop.convey.stream.mouths import Mouths
from cityloop.convey.stream.mqtt import MqttMouth
from cityloop.convey.stream.nats import open_nats
from cityloop.convey.stream.news.announcing import Announcements
from cityloop.convey.stream.positions import Mark, PositionMovedError
from cityloop.kernel.errors import CityloopError
from cityloop.kernel.instants import to_us
from cityloop.sense.stream.readings import Readings
from cityloop.sense.stream.sta.news import EntityNews, NoNews
from cityloop.site.configuration import Configuration, load
from cityloop.site.hub import outbox_of
from cityloop.site.logs import set_up_logs
from cityloop.site.marking import open_ledger, open_marks
from cityloop.site.metrics import beating
from cityloop.site.pipeline import Pipeline, open_pipeline
from cityloop.site.pipeline.requests import Takeover
from cityloop.site.secrets import nats_url, postgres_dsn

log = logging.getLogger(__name__)

PURGE_S = 2.0
"""How often what is in the history is deleted from the stream, seconds."""

GATHER_S = 0.04
"""Batches begin at least this far apart, seconds: what comes in between shares the cost of one transaction. A message
after a pause is taken at once, and no device waits for it: PUBACK follows storage in the transport."""

AWAIT_S = 0.005
"""How long what has gathered may take to be read before the stream counts as quiet, seconds."""

PAUSE_S_MIN, PAUSE_S_MAX = 0.1, 2.0
"""Pause before coming back, seconds, doubled from the least to the most."""


Batch = tuple[Readings, Takeover]
"""A fetch, read, and what it brings."""


class Wire:
    """Takes a stream over into a pipeline."""

    def __init__(
        self, address: str, pipeline: Pipeline, mouth: Mouths | None = None, *, news: EntityNews | None = None
    ) -> None:
        """Connect when it runs.

        Args:
            address: of the NATS server, with the password.
            pipeline: where readings go.
            mouth: what decodes; Observations only unless given.
            news: is told of tasks that devices have answered.
        """
        self._news = news or NoNews()
        self._address, self._pipeline = address, pipeline
        self._mouth: MqttMouth | Mouths = MqttMouth() if mouth is None else mouth
        self._pause_s = PAUSE_S_MIN
        self._purged_at = self._began_at = time.monotonic()

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
            batch = self._read(reader, await reader.take(wait_s=PURGE_S if purged < after else None), after)
            while batch is not None:
                keeping = asyncio.create_task(self._keep(*batch))
                after = batch[1].mark.sequence
                try:
                    batch = await self._gathered(reader, after)
                    await keeping
                finally:
                    keeping.cancel()
                self._pause_s = PAUSE_S_MIN
                purged = await self._purged(reader, kept=after, purged=purged)
            purged = await self._purged(reader, kept=after, purged=purged)

    async def _keep(self, readings: Readings, takeover: Takeover) -> None:
        await self._pipeline.take_over(readings, takeover)
        for answer in takeover.answers:
            self._news.changed("Tasks", answer.task_id, members=("properties",))

    async def _gathered(self, reader: StreamReader, after: int) -> Batch | None:
        """Return what has come in while a batch is being kept, None where nothing has."""
        await reader.nats.rest(self._began_at + GATHER_S - time.monotonic())
        return self._read(reader, await reader.take(wait_s=AWAIT_S), after)

    def _read(self, reader: StreamReader, messages: Fetch, after: int) -> Batch | None:
        if not messages:
            return None
        self._began_at = time.monotonic()
        decoded = self._mouth.decode(messages, received_us=to_us(datetime.now(UTC)))
        mark = Mark(reader.state.key, after, messages.sequences[-1], messages.stored_us[-1])
        answers = [answer for answer, _ in decoded.answers]
        return decoded.readings, Takeover(mark, decoded.rejected, decoded.refused, answers, decoded.unanswered)

    async def _purged(self, reader: StreamReader, *, kept: int, purged: int) -> int:
        """Delete what is in the history, now and then; return how far that has come."""
        if purged == kept or time.monotonic() - self._purged_at < PURGE_S:
            return purged
        await purge_until(reader.nats, kept)
        self._purged_at = time.monotonic()
        return kept


async def run(configuration: Configuration) -> None:
    """Take over until the process is asked to stop."""
    news = Announcements(nats_url(configuration))
    announcing = asyncio.create_task(news.run(), name="announcements")
    stack, dsn = AsyncExitStack(), postgres_dsn(configuration)
    marks = await open_marks(stack, dsn)
    pipeline = await open_pipeline(
        dsn,
        node=configuration.node,
        process="wire",
        markers=(marks,),
        announcer=news,
        outbox=outbox_of(configuration),
    )
    pulse = asyncio.create_task(beating("wire"), name="beating")
    mapped = MappedMouth(await open_ledger(stack, dsn), Mappings(configuration.home / FOLDER))
    mouth = Mouths(MqttMouth(), mapped)
    taking = Wire(nats_url(configuration, user="wire"), pipeline, mouth, news=news)
    wire = asyncio.create_task(taking.run(), name="wire")
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, wire.cancel)
    try:
        await asyncio.gather(wire, return_exceptions=True)
    finally:
        pulse.cancel()
        announcing.cancel()
        await pipeline.close()
        await stack.aclose()


def main() -> None:
    """Run the wire process."""
    set_up_logs("wire")
    uvloop.run(run(load()))


if __name__ == "__main__":
    main()
