"""Pollers: one connection to each endpoint of the ledger, on which its devices are asked."""

import asyncio
import logging

from cityloop.convey.stream.book import DeviceRecord
from cityloop.convey.stream.gateway.bounds import READ_BYTES_MAX, Bounds
from cityloop.convey.stream.gateway.connection import Connection
from cityloop.convey.stream.gateway.intake import Intake
from cityloop.sense.stream.protocols.port import Protocol

log = logging.getLogger(__name__)

CONNECT_S_MAX = 10.0
"""How long an endpoint may take to take our call, seconds."""

PAUSE_S_MIN = 1.0
"""First pause before an endpoint is called again, seconds; doubled each time."""

_Called = tuple[DeviceRecord, tuple[str, ...]]


class Poller:
    """Calls the endpoints of one protocol and keeps the connections."""

    def __init__(self, protocol: Protocol, intake: Intake, *, bounds: Bounds) -> None:
        """Call nobody yet."""
        self._protocol, self._intake, self._bounds = protocol, intake, bounds
        self._calls: dict[str, tuple[tuple[_Called, ...], asyncio.Task[None]]] = {}
        self._open: set[Connection] = set()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    async def start(self, _host: str, _port: int) -> int:
        """Begin to call; a poller has no port."""
        self._task = asyncio.get_running_loop().create_task(self._follow(), name=f"poll-{self._protocol.code}")
        return 0

    def tick(self) -> None:
        """Do what time asks for on every connection."""
        for connection in list(self._open):
            connection.tick()

    async def stop(self) -> None:
        """Call no more; let what is being kept become durable."""
        self._stopping = True
        if self._task is not None:
            self._task.cancel()
        for connection in self._open:
            connection.stop()
        tasks = [task for _, task in self._calls.values()]
        if self._open:
            await asyncio.wait(tasks, timeout=self._bounds.stop_s_max)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *([] if self._task is None else [self._task]), return_exceptions=True)

    def _wanted(self) -> dict[str, tuple[_Called, ...]]:
        book, wanted = self._intake.book, dict[str, list[_Called]]()
        for device in sorted(book.polled(self._protocol.code), key=lambda each: each.address):
            wanted.setdefault(device.endpoint, []).append((device, book.channels(device)))
        return {endpoint: tuple(devices) for endpoint, devices in wanted.items()}

    async def _follow(self) -> None:
        """Keep the calls as the ledger has them."""
        while True:
            wanted = self._wanted()
            for endpoint, (devices, task) in list(self._calls.items()):
                if wanted.get(endpoint) != devices:
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)
                    del self._calls[endpoint]
            for endpoint, devices in wanted.items():
                if endpoint not in self._calls and len(self._calls) < self._bounds.connections_max:
                    task = asyncio.get_running_loop().create_task(self._call(endpoint, devices))
                    self._calls[endpoint] = (devices, task)
            await asyncio.sleep(self._bounds.polled_s)

    async def _call(self, endpoint: str, devices: tuple[_Called, ...]) -> None:
        """Call an endpoint again and again; the longer it does not answer, the more rarely."""
        pause_s = PAUSE_S_MIN
        while not self._stopping:
            ended = await self._once(endpoint, devices)
            self._intake.of(self._protocol.code).closed[ended] += 1
            pause_s = PAUSE_S_MIN if ended == "closed" else min(2 * pause_s, self._bounds.poll_pause_s_max)
            await asyncio.sleep(pause_s)

    async def _once(self, endpoint: str, devices: tuple[_Called, ...]) -> str:
        host, _, port = endpoint.rpartition(":")
        try:
            async with asyncio.timeout(CONNECT_S_MAX):
                reader, writer = await asyncio.open_connection(host.strip("[]"), int(port), limit=READ_BYTES_MAX)
        except (OSError, TimeoutError, ValueError) as error:
            log.info("%s at %s cannot be reached: %s", self._protocol.code, endpoint, error)
            return "not_reached"
        called = [device for device, _ in devices]
        connection = Connection(reader, writer, self._protocol, self._intake, bounds=self._bounds, called=called)
        counts = self._intake.of(self._protocol.code)
        self._open.add(connection)
        counts.opened += 1
        counts.connections += 1
        try:
            return await connection.run()
        finally:
            self._open.discard(connection)
            counts.connections -= 1
