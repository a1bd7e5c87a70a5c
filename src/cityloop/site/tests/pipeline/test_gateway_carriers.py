"""What is peculiar to datagrams and to devices that are polled, with a small protocol of their own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from psycopg import AsyncConnection

from cityloop.convey.stream.book import ChannelRecord, DeviceRecord
from cityloop.convey.stream.gateway import Bounds, Gateway, Intake, Opening, Refusals
from cityloop.kernel.text import Text
from cityloop.sense.stream.protocols.port import (
    Admit,
    Carrier,
    Measurement,
    Parcel,
    Polled,
    Protocol,
    Refused,
    Session,
    Settled,
    Turn,
)
from cityloop.site.pipeline import Pipeline

from .conftest import Store
from .gateway import Running, TableBook, eventually

pytestmark = pytest.mark.django_db


class Plain:
    """A line is `address value second`; the answer is `ok` or `no`; `boom` is a fault of the codec."""

    def __init__(self, admit: Admit, polled: tuple[Polled, ...]) -> None:
        self._admit, self._polled, self._tickets = admit, polled, 0

    def receive(self, data: bytes, *, now_us: int) -> Turn:
        turn = Turn()
        for line in data.splitlines():
            address, value, second = line.decode().split()
            if value == "boom":
                raise RuntimeError(value)
            if not self._admit(address, ""):
                turn.refused.append(Refused("not_admitted", "", line, address))
                continue
            turn.heard.append(address)
            self._tickets += 1
            number = float(value) if value.replace(".", "").isdigit() else value
            measurement = Measurement(address, "level", now_us - now_us % 10**12 + int(second) * 10**6, number)
            turn.parcels.append(Parcel(self._tickets, (measurement,), line))
        return turn

    def settle(self, ticket: int, settled: Settled, *, now_us: int) -> bytes:  # noqa: ARG002  the port
        return b"" if settled is Settled.AWAY else b"ok\n" if settled is Settled.KEPT else b"no\n"

    def tick(self, *, now_us: int) -> Turn:  # noqa: ARG002  the port
        asked = ",".join(f"{each.address}:{'/'.join(each.channels)}" for each in self._polled)
        return Turn(answers=f"ask {asked}\n".encode() if asked else b"")


def open_plain(admit: Admit, polled: tuple[Polled, ...]) -> Session:
    return Plain(admit, polled)


PLAIN = Protocol(
    code="plain",
    title=Text("测试", "plain"),
    source=Text("测试", "made for this test"),
    carrier=Carrier.UDP,
    port=0,
    silent_s_max=30.0,
    open_session=open_plain,
)


@asynccontextmanager
async def serving(
    book: TableBook, pipeline: Pipeline, store: Store, protocol: Protocol, bounds: Bounds | None = None
) -> AsyncIterator[Running]:
    refusals = Refusals(lambda: AsyncConnection.connect(store.dsn))
    intake = Intake(book, pipeline, refusals)
    opening = Opening(protocol=protocol, port=0, bounds=bounds or Bounds(polled_s=0.05))
    gateway = Gateway(intake, [opening], host="127.0.0.1", tick_s=0.05)
    task = asyncio.create_task(gateway.run())
    try:
        await eventually(lambda: protocol.code in gateway.ports)
        yield Running(gateway, intake, refusals, task)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Peer(asyncio.DatagramProtocol):
    """A device that sends datagrams."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    def datagram_received(self, data: bytes, addr: object) -> None:  # noqa: ARG002  the port
        self.heard.append(data)


@asynccontextmanager
async def peer(running: Running) -> AsyncIterator[tuple[asyncio.DatagramTransport, Peer]]:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(
        Peer, remote_addr=("127.0.0.1", running.gateway.ports["plain"])
    )
    try:
        yield transport, protocol
    finally:
        transport.close()


@pytest.fixture
def book() -> TableBook:
    """Return a ledger with two devices."""
    book = TableBook()
    book.enter("plain", "a", level=ChannelRecord(1, scale=0.5))
    book.enter("plain", "b", level=ChannelRecord(2))
    return book


async def test_datagrams_are_kept_and_answered(book: TableBook, pipeline: Pipeline, store: Store) -> None:
    async with serving(book, pipeline, store, PLAIN) as running, peer(running) as (one, first):
        async with peer(running) as (two, second):
            one.sendto(b"a 3 1")
            two.sendto(b"b open 1")
            two.sendto(b"stranger 3 1")
            await eventually(lambda: first.heard == [b"ok\n"] and second.heard == [b"ok\n"])
        rows = store.rows("SELECT datastream_id, result, result_json FROM sense_observation ORDER BY 1")
        assert rows == [(1, 1.5, None), (2, None, "open")]
        await eventually(lambda: running.refused("plain") == {"not_admitted": 1})
        assert running.intake.of("plain").connections == 2


async def test_a_fault_of_the_codec_ends_one_conversation_only(
    book: TableBook, pipeline: Pipeline, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(book, pipeline, store, PLAIN) as running, peer(running) as (one, first):
        one.sendto(b"a boom 1")
        await eventually(lambda: running.intake.of("plain").closed == {"session_failed": 1})
        one.sendto(b"a 1 1")
        await eventually(lambda: first.heard == [b"ok\n"])
        assert running.refused("plain") == {"session_failed": 1}
    assert "boom" in caplog.text


async def test_what_is_too_much_of_one_peer_is_dropped_and_counted(
    book: TableBook, pipeline: Pipeline, store: Store
) -> None:
    bounds = Bounds(datagrams_max=2)
    async with serving(book, pipeline, store, PLAIN, bounds) as running, peer(running) as (one, first):
        for second in range(40):
            one.sendto(b"a 1 %d" % second)
        await eventually(lambda: len(first.heard) + running.refused("plain").get("too_many_datagrams", 0) == 40)
        assert running.refused("plain")["too_many_datagrams"] > 0
        assert store.count() == len(first.heard)


async def test_peers_are_bounded_and_forgotten_when_silent(book: TableBook, pipeline: Pipeline, store: Store) -> None:
    bounds = Bounds(connections_max=1)
    protocol = replace(PLAIN, silent_s_max=0.2)
    async with serving(book, pipeline, store, protocol, bounds) as running, peer(running) as (one, _):
        one.sendto(b"a 1 1")
        await eventually(lambda: running.intake.of("plain").connections == 1)
        await eventually(lambda: running.intake.of("plain").closed == {"silent": 1})
        async with peer(running) as (two, second):
            two.sendto(b"b 1 1")
            await eventually(lambda: second.heard == [b"ok\n"])
            one.sendto(b"a 1 2")
            await eventually(lambda: running.refused("plain") == {"too_many_datagrams": 1})


class Meters:
    """Meters behind a converter that answers what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.calls = 0
        self.server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []

    async def open(self, port: int = 0) -> int:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        return int(self.server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        assert self.server is not None
        self.server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.calls += 1
        self._writers.append(writer)
        while line := await reader.readline():
            if line.startswith(b"ask"):
                self.asked.append(line.decode().strip())
                writer.write(b"1 %d %d" % (self.calls, len(self.asked)))


async def test_devices_with_an_endpoint_are_called_asked_and_called_again(pipeline: Pipeline, store: Store) -> None:
    meters, book = Meters(), TableBook()
    port = await meters.open()
    device = book.enter("plain", "1", endpoint=f"127.0.0.1:{port}", level=ChannelRecord(1))
    protocol = replace(PLAIN, carrier=Carrier.POLLED_TCP)
    async with serving(book, pipeline, store, protocol) as running:
        await eventually(lambda: store.count() >= 2)
        assert set(meters.asked) == {"ask 1:level"}
        await meters.close()
        await eventually(lambda: running.intake.of("plain").connections == 0)
        again = Meters()
        await again.open(port)
        await eventually(lambda: bool(again.asked))
        book.revoke("plain", "1")
        await eventually(lambda: running.intake.of("plain").connections == 0)
        await again.close()
        assert device.endpoint


async def test_the_same_address_behind_two_endpoints_is_two_devices(pipeline: Pipeline, store: Store) -> None:
    one, two, book = Meters(), Meters(), TableBook()
    first = book.enter("plain", "1", endpoint=f"127.0.0.1:{await one.open()}", level=ChannelRecord(1))
    second = DeviceRecord(50, "device-50", "plain", "1", 50, f"127.0.0.1:{await two.open()}")
    book.devices["plain", "other"] = (second, "")
    book.streams[50, "level"] = ChannelRecord(2)
    async with serving(book, pipeline, store, replace(PLAIN, carrier=Carrier.POLLED_TCP)):
        await eventually(lambda: {row[0] for row in store.observations()} == {1, 2})
    assert first.endpoint != second.endpoint
    await one.close()
    await two.close()


async def test_an_endpoint_that_is_none_holds_up_nobody(pipeline: Pipeline, store: Store) -> None:
    meters, book = Meters(), TableBook()
    book.enter("plain", "nowhere", endpoint="127.0.0.1:not-a-port", level=ChannelRecord(1))
    book.enter("plain", "1", endpoint=f"127.0.0.1:{await meters.open()}", level=ChannelRecord(2))
    async with serving(book, pipeline, store, replace(PLAIN, carrier=Carrier.POLLED_TCP)) as running:
        await eventually(lambda: store.count() > 0)
        await eventually(lambda: running.intake.of("plain").closed["not_reached"] > 0)
    await meters.close()


async def test_refusals_wait_while_the_database_is_away(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    attempts = 0

    async def connect() -> AsyncConnection[object]:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise ConnectionRefusedError
        return await AsyncConnection.connect(store.dsn)

    refusals = Refusals(connect)
    intake = Intake(TableBook(), None, refusals)  # type: ignore[arg-type]  # nothing is kept here
    for number in range(500):
        intake.refuse("plain", Refused("garbage", f"no. {number}", b"x", "a"), received_us=1_700_000_000_000_000)
    await refusals.flush()
    assert "could not be written" in caplog.text
    await refusals.flush()
    await refusals.flush()
    assert attempts == 2
    assert store.count("sense_rejected") == 200
    assert store.rows("SELECT mouth, reason, count FROM sense_rejectedcount") == [("plain", "garbage", 500)]
