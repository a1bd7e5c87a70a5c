"""A UDP listener: a conversation for each peer, as long as it says something now and then."""

import asyncio
import logging
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from cityloop.convey.stream.gateway.bounds import Bounds
from cityloop.convey.stream.gateway.conversation import Conversation
from cityloop.convey.stream.gateway.intake import Intake
from cityloop.convey.stream.gateway.refusals import now_us
from cityloop.sense.stream.protocols.port import Protocol, Refused

log = logging.getLogger(__name__)

Peer = tuple[Any, ...]


@dataclass(slots=True, eq=False)
class _Guest:
    conversation: Conversation
    waiting: deque[bytes] = field(default_factory=deque)
    task: asyncio.Task[None] | None = None


class UdpListener(asyncio.DatagramProtocol):
    """Listens for the datagrams of one protocol."""

    def __init__(self, protocol: Protocol, intake: Intake, *, bounds: Bounds) -> None:
        """Listen to nobody yet."""
        self._protocol, self._intake, self._bounds = protocol, intake, bounds
        self._transport: asyncio.DatagramTransport | None = None
        self._guests: dict[Peer, _Guest] = {}
        self._of_host: Counter[str] = Counter()

    async def start(self, host: str, port: int) -> int:
        """Begin to listen; return the port.

        Raises:
            OSError: if the address cannot be had.
        """
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, port))
        self._transport = transport
        return int(transport.get_extra_info("sockname")[1])

    def datagram_received(self, data: bytes, addr: Peer) -> None:
        """Queue a datagram for its peer's conversation; what is too much is dropped and counted."""
        guest = self._guests.get(addr) or self._welcome(addr)
        if guest is None or len(guest.waiting) >= self._bounds.datagrams_max:
            refused = Refused("too_many_datagrams", "more came than could be dealt with", data, str(addr[0]))
            self._intake.refuse(self._protocol.code, refused, received_us=now_us())
            return
        guest.waiting.append(data)
        if guest.task is None:
            guest.task = asyncio.get_running_loop().create_task(self._serve(addr, guest))

    def tick(self) -> None:
        """Do what time asks for on every conversation."""
        for peer, guest in list(self._guests.items()):
            guest.conversation.tick()
            if guest.conversation.ends:
                self._forget(peer, guest)

    async def stop(self) -> None:
        """Take no more datagrams; let what is being kept become durable."""
        tasks = [guest.task for guest in self._guests.values() if guest.task is not None]
        for guest in self._guests.values():
            guest.conversation.end("stopped")
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=self._bounds.stop_s_max)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for peer, guest in list(self._guests.items()):
            await guest.conversation.finish()
            self._forget(peer, guest)
        if self._transport is not None:
            self._transport.close()

    def _welcome(self, peer: Peer) -> _Guest | None:
        host, counts = str(peer[0]), self._intake.of(self._protocol.code)
        if counts.connections >= self._bounds.connections_max or self._of_host[host] >= self._bounds.per_address_max:
            return None
        guest = _Guest(
            Conversation(
                self._protocol,
                self._intake,
                bounds=self._bounds,
                peer=host,
                send=lambda data: self._transport.sendto(data, peer) if self._transport else None,
            )
        )
        self._guests[peer] = guest
        self._of_host[host] += 1
        counts.opened += 1
        counts.connections += 1
        return guest

    async def _serve(self, peer: Peer, guest: _Guest) -> None:
        try:
            while guest.waiting and not guest.conversation.ends:
                await guest.conversation.receive(guest.waiting.popleft())
        except Exception:
            log.exception("A conversation of %s failed", self._protocol.code)
            guest.conversation.end("failed")
        guest.task = None
        if guest.conversation.ends and self._guests.get(peer) is guest:
            self._forget(peer, guest)

    def _forget(self, peer: Peer, guest: _Guest) -> None:
        if self._guests.pop(peer, None) is None:
            return
        if guest.task is not None:
            guest.task.cancel()
        host, counts = str(peer[0]), self._intake.of(self._protocol.code)
        self._of_host[host] -= 1
        if not self._of_host[host]:
            del self._of_host[host]
        counts.connections -= 1
        counts.closed[guest.conversation.ends] += 1
