"""A TCP listener: takes connections within the bounds, and ends them when asked."""

import asyncio
import contextlib
from collections import Counter

from cityloop.convey.stream.gateway.bounds import READ_BYTES_MAX, Bounds
from cityloop.convey.stream.gateway.connection import Connection
from cityloop.convey.stream.gateway.intake import Intake
from cityloop.convey.stream.gateway.refusals import now_us
from cityloop.sense.stream.protocols.port import Protocol, Refused

BACKLOG = 1024
"""Connections that wait to be taken."""


class TcpListener:
    """Listens for the devices of one protocol."""

    def __init__(self, protocol: Protocol, intake: Intake, *, bounds: Bounds) -> None:
        """Listen to nobody yet."""
        self._protocol, self._intake, self._bounds = protocol, intake, bounds
        self._server: asyncio.Server | None = None
        self._running: dict[Connection, asyncio.Task[object]] = {}
        self._of_peer: Counter[str] = Counter()

    async def start(self, host: str, port: int) -> int:
        """Begin to listen; return the port.

        Raises:
            OSError: if the address cannot be had.
        """
        self._server = await asyncio.start_server(self._accept, host, port, limit=READ_BYTES_MAX, backlog=BACKLOG)
        return int(self._server.sockets[0].getsockname()[1])

    def tick(self) -> None:
        """Do what time asks for on every connection."""
        for connection in list(self._running):
            connection.tick()

    async def stop(self) -> None:
        """Take no more connections; let what is being kept become durable, then end the rest."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._running):
            connection.stop()
        if tasks := list(self._running.values()):
            _, late = await asyncio.wait(tasks, timeout=self._bounds.stop_s_max)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = str((writer.get_extra_info("peername") or ("?",))[0])
        counts, task = self._intake.of(self._protocol.code), asyncio.current_task()
        full = counts.connections >= self._bounds.connections_max
        if full or self._of_peer[peer] >= self._bounds.per_address_max or task is None:
            self._turn_away(peer, writer)
            return
        connection = Connection(reader, writer, self._protocol, self._intake, bounds=self._bounds)
        self._running[connection] = task
        self._of_peer[peer] += 1
        counts.opened += 1
        counts.connections += 1
        try:
            await connection.run()
        finally:
            counts.closed[connection.conversation.ends] += 1
            del self._running[connection]
            self._of_peer[peer] -= 1
            if not self._of_peer[peer]:
                del self._of_peer[peer]
            counts.connections -= 1

    def _turn_away(self, peer: str, writer: asyncio.StreamWriter) -> None:
        detail = f"{peer} has too many connections, or all its protocol may have are taken"
        refused = Refused("too_many_connections", detail, b"", peer)
        self._intake.refuse(self._protocol.code, refused, received_us=now_us())
        with contextlib.suppress(OSError):
            writer.transport.abort()
