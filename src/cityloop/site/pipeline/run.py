"""The pipeline of a process: it serves the queue of requests, and comes back by itself when the database does."""

import asyncio
import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import psycopg
from psycopg import AsyncConnection, errors

from cityloop.convey.stream.nodes.outbox import Outbox
from cityloop.convey.stream.positions import position_of
from cityloop.decide.stream import Screen
from cityloop.journal.stream import post_facts
from cityloop.kernel.errors import CityloopError
from cityloop.kernel.instants import to_us
from cityloop.sense.stream.history.partitions import Partitions
from cityloop.sense.stream.history.refusals import refuse_unreadable
from cityloop.sense.stream.history.writers import CONNECT_S_MAX, NoLaneError, Writer, open_writer
from cityloop.sense.stream.readings import Announcer, HistoryAwayError, Kept, Marker, Outcome, Readings
from cityloop.site.metrics.batches import BatchMeter
from cityloop.site.pipeline.few import commit_few
from cityloop.site.pipeline.neighbours import announce
from cityloop.site.pipeline.requests import Request, RequestQueue, Takeover
from cityloop.site.pipeline.tally import TELL_S, Teller
from cityloop.site.pipeline.transaction import Batch, Judge, commit_batch

log = logging.getLogger(__name__)

AWAY_S_MAX = 10.0
"""How long a batch waits for a database that is away before its senders are told to come again, seconds."""

PAUSE_S_MIN, PAUSE_S_MAX = 0.05, 1.0
"""Pause between attempts, seconds, doubled from the least to the most."""

WATCHES_S = 1.0
"""How often a busy process looks whether the watches have changed, seconds."""

AHEAD_S = 3600.0
"""How often the partitions of the next days are made, seconds."""

CLOSE_S_MAX = 10.0
"""How long closing waits for what is under way, seconds."""

TRANSIENT_TRIES_MAX = 5
"""How often a batch is tried again that another transaction stood in the way of."""

_TRANSIENT = (errors.SerializationFailure, errors.DeadlockDetected, errors.UniqueViolation)
_UNREADABLE = (errors.DataError, errors.ProgrammingError, errors.InternalError)
_AWAY = (psycopg.OperationalError, psycopg.InterfaceError, OSError, NoLaneError)


class Pipeline:
    """Keeps and judges readings; open it with `open_pipeline`. Implements `sense.stream.readings.Ingest`."""

    def __init__(  # noqa: PLR0913  what it is made of
        self,
        dsn: str,
        *,
        node: int,
        process: str,
        judge: Judge | None,
        markers: Sequence[Marker] = (),
        announcer: Announcer | None = None,
        outbox: Outbox | None = None,
    ) -> None:
        """Serve nothing yet."""
        self._markers, self._announcer, self._outbox = markers, announcer, outbox
        self._meter = BatchMeter(process)
        self._dsn, self._node, self._process, self._judge = dsn, node, process, judge
        self._queue = RequestQueue()
        self._teller = Teller(actor=f"system:{process}")
        self._partitions = Partitions()
        self._writer: Writer | None = None
        self._task: asyncio.Task[None] | None = None
        self._asking: set[asyncio.Task[int]] = set()
        self._alarm: asyncio.TimerHandle | None = None
        self._closing = False
        self._watches_at = self._ahead_at = float("-inf")

    async def keep(self, readings: Readings, *, idempotent: bool, retry_key: str = "") -> Kept:
        """Make readings durable and judged; return when they are (see `Ingest`).

        Raises:
            OverloadedError: if the bounded queue is full, or the database stays away; the sender must send again.
            RetryKeyReusedError: if the key belongs to another batch.
        """
        return await self._ask(Request(readings, idempotent, self._future(), retry_key=retry_key))

    async def take_over(self, readings: Readings, takeover: Takeover) -> Kept:
        """Make a stream's readings durable and judged, together with the stream's position.

        Raises:
            PositionMovedError: if the position does not stand where the batch starts; nothing was kept.
            OverloadedError: if the database stays away; the position tells whether the batch is in.
        """
        return await self._ask(Request(readings, True, self._future(), takeover=takeover))  # noqa: FBT003  a column

    async def position(self, stream: str) -> int:
        """Return how far a stream has been taken over.

        Raises:
            HistoryAwayError: if the database is away.
        """
        asking = asyncio.create_task(self._position(stream))
        self._asking.add(asking)
        asking.add_done_callback(self._asking.discard)
        return await asyncio.shield(asking)

    async def _position(self, stream: str) -> int:
        try:
            async with await AsyncConnection.connect(self._dsn, connect_timeout=CONNECT_S_MAX) as connection:
                return await position_of(connection, stream)
        except psycopg.OperationalError as error:
            raise HistoryAwayError from error

    @staticmethod
    def _future() -> asyncio.Future[Kept]:
        return asyncio.get_running_loop().create_future()

    async def _ask(self, request: Request) -> Kept:
        self._queue.put(request)
        return await request.answer

    def start(self) -> None:
        """Begin to serve."""
        self._task = asyncio.create_task(self._serve(), name="pipeline")

    async def close(self) -> None:
        """Finish what waits, tell the journal, and stop."""
        self._closing = True
        self._queue.wake()
        if self._task is not None:
            _, late = await asyncio.wait([self._task], timeout=CLOSE_S_MAX)
            for task in late:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        await asyncio.gather(*self._asking, return_exceptions=True)
        await self._drop_writer()

    async def _serve(self) -> None:
        while True:
            await self._queue.news()
            while requests := self._queue.take():
                await self._answer(requests)
            await self._tell_rest()
            if self._closing and not self._queue:
                return

    async def _answer(self, requests: list[Request]) -> None:
        began = time.perf_counter()
        try:
            batch = Batch(requests, markers=self._markers)
            given = await self._committed(batch)
        except HistoryAwayError as error:
            _fail(requests, error)
        except Exception as error:  # noqa: BLE001  one batch never stops the pipeline
            await self._give_up(requests, error)
        else:
            for request, answer in zip(requests, given, strict=True):
                _give(request, answer)
            if batch.attempt is not None:
                self._meter.committed(batch.attempt.kept.outcome, began=began)
                announce(self._announcer, batch.readings, batch.attempt.kept)

    async def _give_up(self, requests: list[Request], error: Exception) -> None:
        if not isinstance(error, CityloopError):
            log.error("A batch of %d requests failed", len(requests), exc_info=error)
            await self._drop_writer()
        if len(requests) == 1:
            _fail(requests, error)
            return
        for request in requests:
            await self._answer([request])

    async def _committed(self, batch: Batch) -> list[Kept | Exception]:
        """Return the answers when the batch is durable, however often that must be tried."""
        give_up_at, pause_s, transient = time.monotonic() + AWAY_S_MAX, PAUSE_S_MIN, 0
        while True:
            try:
                return await self._kept(await self._prepared_writer(batch), batch)
            except errors.LockNotAvailable as error:
                log.warning("A stream's row stayed locked: the batch is sent back")
                await self._rollback()
                raise HistoryAwayError from error
            except _TRANSIENT:
                transient += 1
                if transient > TRANSIENT_TRIES_MAX:
                    raise
                await self._rollback()
            except _UNREADABLE:
                if not await self._refuse(batch):
                    raise
            except _AWAY as error:
                await self._drop_writer()
                if time.monotonic() > give_up_at:
                    raise HistoryAwayError from error
                log.warning("The database is away, trying again: %s", str(error).strip().partition("\n")[0])
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, PAUSE_S_MAX)
            except CityloopError:
                await self._rollback()
                raise

    async def _kept(self, writer: Writer, batch: Batch) -> list[Kept | Exception]:
        given = None
        if self._outbox is None:  # what the node above must be told goes the general way
            given = await commit_few(writer, batch, judge=self._judge, teller=self._teller)
        if given is None:
            given = await commit_batch(writer, batch, judge=self._judge, teller=self._teller, outbox=self._outbox)
        return given

    async def _prepared_writer(self, batch: Batch) -> Writer:
        if self._writer is None:
            self._writer = await open_writer(self._dsn, node=self._node, process=self._process)
        connection, moment = self._writer.connection, time.monotonic()
        if self._judge is not None and moment - self._watches_at > WATCHES_S:
            await self._judge.reload_if_changed(connection)
            await connection.rollback()
            self._watches_at = moment
        now_us = to_us(datetime.now(UTC))
        if moment - self._ahead_at > AHEAD_S:
            await self._partitions.make_ahead(connection, now_us=now_us)
            self._ahead_at = moment
        if not self._partitions.hold(batch.readings.phenomenon_us, now_us=now_us):
            good = batch.outcomes() == Outcome.KEPT
            await self._partitions.make_for(connection, batch.readings.phenomenon_us[good], now_us=now_us)
        return self._writer

    async def _refuse(self, batch: Batch) -> bool:
        """Refuse the rows PostgreSQL cannot read; of a stream, which must go on, all that could be at fault."""
        await self._rollback()
        if self._writer is None:
            return True
        rows = set(await refuse_unreadable(self._writer.connection, batch.readings)) - batch.refused_rows
        if not rows and batch.takeover is not None:
            rows = set(batch.readings.others) - batch.refused_rows
        batch.refused_rows |= rows
        return bool(rows)

    async def _tell_rest(self) -> None:
        teller, loop = self._teller, asyncio.get_running_loop()
        if not teller.untold:
            return
        if not (teller.is_due() or self._closing):
            if self._alarm is None or self._alarm.when() <= loop.time():
                self._alarm = loop.call_later(TELL_S, self._queue.wake)
            return
        if self._writer is None:
            return
        try:
            fact = teller.untold.fact(actor=teller.actor, now=datetime.now(UTC))
            await post_facts(self._writer.connection, [fact])
            await self._writer.connection.commit()
            teller.told()
        except psycopg.Error:
            await self._drop_writer()

    async def _rollback(self) -> None:
        try:
            if self._writer is not None:
                await self._writer.connection.rollback()
        except _AWAY:
            await self._drop_writer()

    async def _drop_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            await writer.connection.close()


def _give(request: Request, answer: Kept | Exception) -> None:
    if request.answer.done():
        return
    if isinstance(answer, Exception):
        request.answer.set_exception(answer)
    else:
        request.answer.set_result(answer)


def _fail(requests: list[Request], error: Exception) -> None:
    for request in requests:
        _give(request, error)
        if not request.answer.cancelled():
            request.answer.exception()


async def open_pipeline(  # noqa: PLR0913  what it is made of
    dsn: str,
    *,
    node: int,
    process: str,
    judge: Judge | None = None,
    markers: Sequence[Marker] = (),
    announcer: Announcer | None = None,
    outbox: Outbox | None = None,
) -> Pipeline:
    """Return a pipeline that serves.

    Args:
        dsn: of the database, direct.
        node: number of this node.
        process: name of the process: the actor of its facts is `system:<process>`.
        judge: in place of the screen of the watches in force.
        markers: lower the quality of a batch's readings before they are kept, each once a batch.
        announcer: is told of a batch after its commit, in the order of the commits; only what is KEPT is news.
        outbox: puts what is new aside for the node above, in the same transaction.
    """
    pipeline = Pipeline(
        dsn,
        node=node,
        process=process,
        judge=judge or Screen(),
        markers=markers,
        announcer=announcer,
        outbox=outbox,
    )
    pipeline.start()
    return pipeline
