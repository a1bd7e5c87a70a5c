"""A gateway for tests: a ledger in memory, free ports, and peers that are only sockets."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from psycopg import AsyncConnection

from cityloop.convey.stream.book import ChannelRecord, DeviceRecord
from cityloop.convey.stream.gateway import Bounds, Gateway, Intake, Opening, Refusals
from cityloop.sense.stream.protocols.found import protocols
from cityloop.sense.stream.readings import Ingest

DEADLINE_S = 30.0


@dataclass
class TableBook:
    """A ledger in memory; implements `convey.stream.book.DeviceBook`."""

    devices: dict[tuple[str, str], tuple[DeviceRecord, str]] = field(default_factory=dict)
    streams: dict[tuple[int, str], ChannelRecord] = field(default_factory=dict)
    heard_of: list[tuple[str, int, int | None]] = field(default_factory=list)

    def enter(
        self, protocol: str, address: str, secret: str = "", *, endpoint: str = "", **channels: ChannelRecord
    ) -> DeviceRecord:
        number = len(self.devices) + 1
        record = DeviceRecord(number, f"device-{number}", protocol, address, number, endpoint)
        self.devices[protocol, address] = (record, secret)
        self.streams |= {(number, name.replace("__", "-")): channel for name, channel in channels.items()}
        return record

    def revoke(self, protocol: str, address: str) -> None:
        del self.devices[protocol, address]

    def admitted(self, protocol: str, address: str, secret: str = "") -> DeviceRecord | None:
        record, expected = self.devices.get((protocol, address), (None, ""))
        return record if record is not None and expected in {"", secret} else None

    def named(self, code: str) -> DeviceRecord | None:
        return next((record for record, _ in self.devices.values() if record.code == code), None)

    def channel(self, device: DeviceRecord, channel: str) -> ChannelRecord | None:
        return self.streams.get((device.device_id, channel))

    def channels(self, device: DeviceRecord) -> tuple[str, ...]:
        return tuple(sorted(name for number, name in self.streams if number == device.device_id))

    def polled(self, protocol: str) -> list[DeviceRecord]:
        return [record for record, _ in self.devices.values() if record.protocol == protocol and record.endpoint]

    def heard(self, device: DeviceRecord, *, received_us: int, device_us: int | None = None) -> None:
        self.heard_of.append((device.address, received_us, device_us))


@dataclass
class Running:
    """A gateway that serves."""

    gateway: Gateway
    intake: Intake
    refusals: Refusals
    task: asyncio.Task[None]

    async def connect(self, protocol: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        await eventually(lambda: protocol in self.gateway.ports)
        return await asyncio.open_connection("127.0.0.1", self.gateway.ports[protocol])

    def refused(self, protocol: str) -> dict[str, int]:
        return dict(self.intake.of(protocol).refused)


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait for a condition; asked in a thread, for it may ask the database."""
    async with asyncio.timeout(DEADLINE_S):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110  polled
            await asyncio.sleep(0.02)


@asynccontextmanager
async def running_gateway(  # noqa: PLR0913  the parts of a gateway
    book: TableBook,
    ingest: Ingest,
    *codes: str,
    dsn: str,
    bounds: Bounds | None = None,
    tick_s: float = 0.05,
    silent_s_max: float | None = None,
    ports: dict[str, int] | None = None,
) -> AsyncIterator[Running]:
    """Yield a gateway on free loopback ports."""
    refusals = Refusals(lambda: AsyncConnection.connect(dsn))
    intake = Intake(book, ingest, refusals)
    known = protocols()
    openings = [
        Opening(
            protocol=known[code] if silent_s_max is None else replace(known[code], silent_s_max=silent_s_max),
            port=(ports or {}).get(code, 0),
            bounds=bounds or Bounds(),
        )
        for code in codes
    ]
    gateway = Gateway(intake, openings, host="127.0.0.1", tick_s=tick_s, listen_again_s=tick_s)
    task = asyncio.create_task(gateway.run())
    try:
        yield Running(gateway, intake, refusals, task)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
