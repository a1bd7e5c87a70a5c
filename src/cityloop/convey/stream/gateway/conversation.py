"""A conversation with the other end of a connection: bytes in, readings kept, answers out."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence

from cityloop.convey.stream.book import DeviceRecord
from cityloop.convey.stream.gateway.bounds import Bounds
from cityloop.convey.stream.gateway.intake import Batch, Intake
from cityloop.convey.stream.gateway.refusals import now_us
from cityloop.convey.stream.gateway.visit import Visit
from cityloop.sense.stream.protocols.port import Parcel, Polled, Protocol, Refused, Settled, Turn
from cityloop.sense.stream.readings import OverloadedError

log = logging.getLogger(__name__)

Send = Callable[[bytes], None]


class Conversation:
    """What is said on one connection, whatever carries it. Only one call of `receive` runs at a time.

    Attributes:
        ends: why it is over, empty while it goes on.
        busy: whether something is being kept; meanwhile nothing more is read.
    """

    def __init__(  # noqa: PLR0913  what a conversation needs
        self,
        protocol: Protocol,
        intake: Intake,
        *,
        bounds: Bounds,
        peer: str,
        send: Send,
        called: Sequence[DeviceRecord] = (),
    ) -> None:
        """Open the session.

        Args:
            protocol: what is spoken.
            intake: where measurements go.
            bounds: of the protocol.
            peer: network address at the other end.
            send: takes bytes for the other end; never waits.
            called: devices to be asked, where we have called.
        """
        self.protocol, self.peer, self.ends, self.busy = protocol, peer, "", False
        self._intake, self._bounds, self._send = intake, bounds, send
        self._visit = Visit(
            protocol.code, intake.book, peer=peer, guesses=intake.guesses, known_max=bounds.known_max, called=called
        )
        polled = tuple(Polled(device.address, intake.book.channels(device)) for device in called)
        self._session = protocol.open_session(self._visit.admit, polled)
        self._garbage = 0
        loop = asyncio.get_running_loop()
        self._loop, self._began_at, self._heard_at = loop, loop.time(), loop.time()
        self._beside: set[asyncio.Task[None]] = set()

    async def receive(self, data: bytes) -> None:
        """Take bytes; return when what they measured is durable and answered."""
        self._heard_at = self._loop.time()
        self._intake.of(self.protocol.code).bytes_in += len(data)
        received_us = now_us()
        try:
            turn = self._session.receive(data, now_us=received_us)
        except Exception as error:  # noqa: BLE001  a fault of the codec ends one connection only
            self._failed(error, data, received_us)
            return
        self._listen(turn, received_us)
        if turn.parcels:
            await self._keep(turn.parcels, received_us)

    def tick(self) -> None:
        """Do what time asks for: cut off who may no longer speak or is silent, let the session ask."""
        reason = self._overdue()
        if reason:
            self.end(reason)
            return
        moment_us = now_us()
        try:
            turn = self._session.tick(now_us=moment_us)
        except Exception as error:  # noqa: BLE001  a fault of the codec ends one connection only
            self._failed(error, b"", moment_us)
            return
        self._listen(turn, moment_us)
        if turn.parcels:
            task = self._loop.create_task(self._keep(turn.parcels, moment_us))
            self._beside.add(task)
            task.add_done_callback(self._beside.discard)

    def end(self, reason: str) -> None:
        """Note why it is over; what carries it closes it."""
        self.ends = self.ends or reason

    async def finish(self) -> None:
        """Give up what is being kept beside."""
        for task in self._beside:
            task.cancel()
        await asyncio.gather(*self._beside, return_exceptions=True)

    def _overdue(self) -> str:
        address = self._visit.revoked()
        if address:
            detail = f"{address} may no longer speak: its connection is cut"
            self._refuse([Refused("revoked", detail, b"", address)], now_us())
            return "revoked"
        now_s = self._loop.time()
        if not self.busy and now_s - self._heard_at > self.protocol.silent_s_max:
            return "silent"
        if not self._visit.identified and now_s - self._began_at > self._bounds.identify_s_max:
            detail = f"{self.peer} named no device that may speak within {self._bounds.identify_s_max:g} s"
            self._refuse([Refused("not_identified", detail, b"", self.peer)], now_us())
            return "not_identified"
        return ""

    def _listen(self, turn: Turn, received_us: int) -> None:
        if turn.answers:
            self._send(turn.answers)
        if turn.heard:
            self._intake.hear(self._visit, turn, received_us=received_us)
        self._refuse(turn.refused, received_us)
        self._garbage = 0 if turn.heard or turn.parcels else self._garbage + len(turn.refused)
        if self._garbage > self._bounds.garbage_max:
            detail = f"{self._garbage} frames in a row could not be read: the connection is closed"
            self._refuse([Refused("too_much_garbage", detail, b"", self.peer)], received_us)
            self.end("too_much_garbage")
        if turn.ends:
            self.end("protocol")

    def _refuse(self, refused: Iterable[Refused], received_us: int) -> None:
        for item in refused:
            self._intake.refuse(self.protocol.code, item, received_us=received_us)

    async def _keep(self, parcels: list[Parcel], received_us: int) -> None:
        batch = self._intake.assemble(self._visit, parcels, protocol=self.protocol.code, received_us=received_us)
        self._settle(batch.unknown, Settled.UNKNOWN)
        self.busy = True
        try:
            await self._keep_batch(batch)
        finally:
            self.busy = False
            self._heard_at = self._loop.time()

    async def _keep_batch(self, batch: Batch) -> None:
        """Keep a batch, however often that must be tried; the device is answered afterwards, and not read before."""
        told = False
        while len(batch.readings):
            try:
                kept = await self._intake.ingest.keep(batch.readings, idempotent=True)
            except OverloadedError as error:
                if self.ends and self.ends != "stopped":
                    return
                if not told:
                    self._settle(batch.tickets, Settled.AWAY)
                told = True
                self._intake.of(self.protocol.code).refused["away"] += 1
                await asyncio.sleep(error.retry_after_s)
            else:
                self._intake.kept(batch, kept, protocol=self.protocol.code)
                break
        self._settle(batch.tickets, Settled.KEPT)

    def _settle(self, tickets: list[int], settled: Settled) -> None:
        moment_us = now_us()
        answers = b"".join(self._session.settle(ticket, settled, now_us=moment_us) for ticket in tickets)
        if answers:
            self._send(answers)

    def _failed(self, error: Exception, data: bytes, received_us: int) -> None:
        log.error("The session of %s with %s failed", self.protocol.code, self.peer, exc_info=error)
        self._refuse([Refused("session_failed", "a fault of the codec, see the log", data, self.peer)], received_us)
        self.end("session_failed")
