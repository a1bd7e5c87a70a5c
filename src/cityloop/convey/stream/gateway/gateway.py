"""The gateway: a listener or poller for each protocol that is switched on, and the clock they share."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol as Port

from cityloop.convey.stream.gateway.bounds import Bounds
from cityloop.convey.stream.gateway.datagrams import UdpListener
from cityloop.convey.stream.gateway.intake import Intake
from cityloop.convey.stream.gateway.listening import TcpListener
from cityloop.convey.stream.gateway.polling import Poller
from cityloop.sense.stream.protocols.port import Carrier, Protocol

log = logging.getLogger(__name__)

TICK_S = 1.0
"""How often sessions are told the time and devices are looked up again, seconds: a revoked one is cut in about this."""

TELL_S = 60.0
"""How often the counts go to the log, seconds."""

LISTEN_AGAIN_S = 5.0
"""Pause before an address that could not be had is tried again, seconds."""


class Mouth(Port):
    """What serves one protocol."""

    async def start(self, host: str, port: int) -> int:
        """Begin; return the port."""
        ...

    def tick(self) -> None:
        """Do what time asks for."""
        ...

    async def stop(self) -> None:
        """End in order."""
        ...


_MOUTHS: dict[Carrier, type[TcpListener] | type[UdpListener] | type[Poller]] = {
    Carrier.TCP: TcpListener,
    Carrier.UDP: UdpListener,
    Carrier.POLLED_TCP: Poller,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A protocol that is switched on.

    Attributes:
        protocol: which.
        port: where it listens; 0 takes a free one, and is what a polled one has.
        bounds: of its connections.
    """

    protocol: Protocol
    port: int
    bounds: Bounds = field(default_factory=Bounds)


class Gateway:
    """Serves all protocols that are switched on, in one process.

    Attributes:
        ports: where each protocol listens, by its code, once it does.
    """

    def __init__(
        self,
        intake: Intake,
        openings: Sequence[Opening],
        *,
        host: str,
        tick_s: float = TICK_S,
        listen_again_s: float = LISTEN_AGAIN_S,
    ) -> None:
        """Serve nothing yet.

        Args:
            intake: where measurements go.
            openings: the protocols.
            host: address to listen on.
            tick_s: how often devices are looked up again, seconds.
            listen_again_s: pause before an address that could not be had is tried again, seconds.
        """
        self.ports: dict[str, int] = {}
        self._intake, self._host = intake, host
        self._tick_s, self._listen_again_s = tick_s, listen_again_s
        self._mouths: list[tuple[Opening, Mouth]] = [
            (opening, _MOUTHS[opening.protocol.carrier](opening.protocol, intake, bounds=opening.bounds))
            for opening in openings
        ]
        self._started: list[Mouth] = []
        self._told_at = float("-inf")

    async def run(self) -> None:
        """Serve until cancelled, then end in order."""
        openers = [asyncio.create_task(self._open(opening, mouth)) for opening, mouth in self._mouths]
        writer = asyncio.create_task(self._intake.refusals.run(), name="refusals")
        try:
            await self._tick()
        finally:
            for task in (*openers, writer):
                task.cancel()
            await asyncio.gather(*openers, writer, return_exceptions=True)
            await asyncio.gather(*(mouth.stop() for mouth in self._started), return_exceptions=True)
            await self._intake.refusals.flush()

    async def _open(self, opening: Opening, mouth: Mouth) -> None:
        code = opening.protocol.code
        while True:
            try:
                self.ports[code] = await mouth.start(self._host, opening.port)
            except OSError as error:
                log.warning("%s cannot listen on %s port %d: %s", code, self._host, opening.port, error)
                await asyncio.sleep(self._listen_again_s)
            else:
                self._started.append(mouth)
                log.info("%s listens on %s port %d", code, self._host, self.ports[code])
                return

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._tick_s)
            for mouth in self._started:
                try:
                    mouth.tick()
                except Exception:
                    log.exception("A turn of the clock failed")
            if loop.time() - self._told_at > TELL_S:
                self._told_at = loop.time()
                for code, counts in self._intake.counts.items():
                    log.info("%s: %s", code, counts.line())
