"""From the socket of a device to the history, and the answer that follows the commit."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from cityloop.convey.stream.book import ChannelRecord
from cityloop.convey.stream.gateway import Bounds
from cityloop.convey.stream.gateway.guesses import DEVICE_MAX, PEER_MAX, REMEMBERED_MAX, SPAN_S, Guesses
from cityloop.kernel.quality import Quality
from cityloop.sense.stream.protocols.hj212.codec import framed
from cityloop.sense.stream.readings import HistoryAwayError, Kept, OverloadedError, Readings
from cityloop.site.pipeline import Pipeline

from .conftest import Store
from .gateway import DEADLINE_S, Running, TableBook, eventually, running_gateway

pytestmark = pytest.mark.django_db

STATION = "010000A8900016F000169DC0"
QN = "20260102030405123"


@pytest.fixture
def book() -> TableBook:
    """Return a ledger with one station and its two channels."""
    book = TableBook()
    channels = {"w01018__Rtd": ChannelRecord(1), "w01001__Rtd": ChannelRecord(2, scale=10.0, offset=1.0)}
    book.enter("hj212", STATION, "123456", **channels)
    return book


@pytest.fixture
async def running(book: TableBook, pipeline: Pipeline, store: Store) -> AsyncIterator[Running]:
    """Yield a gateway for stations."""
    async with running_gateway(book, pipeline, "hj212", dsn=store.dsn) as running:
        yield running


def data(
    contents: str = "w01018-Rtd=1.5,w01018-Flag=N", *, second: int = 5, station: str = STATION, pw: str = "123456"
) -> bytes:
    head = f"QN={QN};ST=32;CN=2011;PW={pw};MN={station};Flag=5"
    return framed(f"{head};CP=&&DataTime=202601020304{second:02d};{contents}&&".encode())


async def answer_of(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(DEADLINE_S):
        return await reader.readuntil(b"\r\n")


async def answer_to(reader: asyncio.StreamReader, command: bytes) -> bytes:
    """Return the first answer with a command; what comes before it is passed over."""
    while command not in (answer := await answer_of(reader)):
        pass
    return answer


async def ended(reader: asyncio.StreamReader) -> None:
    async with asyncio.timeout(DEADLINE_S):
        try:
            while await reader.read(1000):
                pass
        except ConnectionError:
            return


async def test_the_answer_follows_the_commit(running: Running, store: Store, book: TableBook) -> None:
    reader, writer = await running.connect("hj212")
    writer.write(data("w01018-Rtd=1.5,w01018-Flag=T;w01001-Rtd=0.7,w01001-Flag=N"))
    answer = await answer_to(reader, b"CN=9014")
    assert QN.encode() in answer
    rows = store.rows("SELECT datastream_id, result, quality, phenomenon_time FROM sense_observation ORDER BY 1")
    assert [row[:3] for row in rows] == [(1, 1.5, Quality.OUT_OF_RANGE), (2, 8.0, Quality.GOOD)]
    assert rows[0][3].isoformat() == "2026-01-01T19:04:05+00:00"
    assert book.heard_of[0][0] == STATION
    writer.close()


async def test_what_is_sent_again_is_kept_once(running: Running, store: Store) -> None:
    reader, writer = await running.connect("hj212")
    for _ in range(3):
        writer.write(data())
        await answer_to(reader, b"CN=9014")
    assert store.count() == 1
    writer.close()


async def test_a_frame_cut_off_in_the_middle_is_resumed_on_a_new_connection(running: Running, store: Store) -> None:
    _, writer = await running.connect("hj212")
    writer.write(data()[:60])
    await writer.drain()
    writer.transport.abort()
    reader, writer = await running.connect("hj212")
    writer.write(data())
    await answer_to(reader, b"CN=9014")
    assert store.count() == 1
    writer.close()


async def test_what_nobody_knows_is_refused_counted_and_kept_for_inspection(running: Running, store: Store) -> None:
    reader, writer = await running.connect("hj212")
    writer.write(b"hello?" + data(station="stranger") + data(pw="654321"))
    writer.write(data("w01018-Rtd=1.5;never-Rtd=1;w01001-Rtd=broken") * 2)
    await answer_to(reader, b"CN=9014")
    assert running.refused("hj212") == {
        "garbage": 1,
        "not_admitted": 2,
        "unknown_channel": 2,
        "not_a_number": 2,
    }
    await eventually(lambda: store.count("sense_rejected") == 6)
    rows = store.rows("SELECT mouth, reason, sum(count)::int FROM sense_rejectedcount GROUP BY 1, 2 ORDER BY 2")
    # A channel the ledger does not name is told once an hour, for a device sends it again and again.
    assert rows == [
        ("hj212", "garbage", 1),
        ("hj212", "not_a_number", 2),
        ("hj212", "not_admitted", 2),
        ("hj212", "unknown_channel", 1),
    ]
    writer.close()


async def test_a_stream_that_is_gone_is_refused_and_the_station_answered(
    running: Running, store: Store, book: TableBook
) -> None:
    book.streams[1, "gone-Rtd"] = ChannelRecord(777)
    reader, writer = await running.connect("hj212")
    writer.write(data("gone-Rtd=1;w01018-Rtd=2"))
    await answer_to(reader, b"CN=9014")
    assert store.count() == 1
    assert running.refused("hj212") == {"unknown_datastream": 1}
    writer.close()


async def test_garbage_without_end_closes_the_connection_only(
    book: TableBook, pipeline: Pipeline, store: Store
) -> None:
    async with running_gateway(book, pipeline, "hj212", dsn=store.dsn, bounds=Bounds(garbage_max=5)) as running:
        reader, writer = await running.connect("hj212")
        other_reader, other = await running.connect("hj212")
        for _ in range(7):
            writer.write(b"##0003abc0000\r\n")
        await ended(reader)
        other.write(data())
        await answer_to(other_reader, b"CN=9014")
        assert running.intake.of("hj212").closed == {"too_much_garbage": 1}
        assert running.refused("hj212")["too_much_garbage"] == 1
        writer.close()
        other.close()


async def test_a_revoked_device_is_cut_off(running: Running, book: TableBook) -> None:
    reader, writer = await running.connect("hj212")
    writer.write(data())
    await answer_to(reader, b"CN=9014")
    book.revoke("hj212", STATION)
    await ended(reader)
    assert running.intake.of("hj212").closed == {"revoked": 1}
    again, second = await running.connect("hj212")
    second.write(data())
    await eventually(lambda: running.refused("hj212").get("not_admitted") == 1)
    writer.close()
    second.close()
    del again


async def test_who_names_nobody_or_is_silent_is_cut_off(book: TableBook, pipeline: Pipeline, store: Store) -> None:
    bounds = Bounds(identify_s_max=0.2)
    async with running_gateway(book, pipeline, "hj212", dsn=store.dsn, bounds=bounds, silent_s_max=0.4) as running:
        stranger, first = await running.connect("hj212")
        silent, second = await running.connect("hj212")
        second.write(data())
        await ended(stranger)
        await ended(silent)
        assert running.intake.of("hj212").closed == {"not_identified": 1, "silent": 1}
        first.close()
        second.close()


async def test_a_password_is_not_found_by_trying(running: Running, store: Store) -> None:
    held_reader, held = await running.connect("hj212")
    held.write(data(second=1))
    await answer_to(held_reader, b"CN=9014")
    reader, writer = await running.connect("hj212")
    for number in range(PEER_MAX):
        writer.write(data(pw=f"{number:06d}"))
    await eventually(lambda: running.refused("hj212").get("not_admitted") == PEER_MAX)
    writer.write(data(second=2))
    await eventually(lambda: running.refused("hj212").get("not_admitted") == PEER_MAX + 1)
    held.write(data(second=3))
    await answer_to(held_reader, b"CN=9014")
    assert store.count() == 2
    held.close()
    writer.close()
    del reader


def test_wrong_secrets_are_forgotten_after_a_while_and_bounded() -> None:
    now = [0.0]
    guesses = Guesses(elapsed_s=lambda: now[0])
    for peer in range(DEVICE_MAX // 5):
        for _ in range(5):
            guesses.wrong("hj212", "a", str(peer))
    assert not guesses.may_try("hj212", "a", "another")
    assert guesses.may_try("hj212", "b", "0")
    now[0] = SPAN_S
    assert guesses.may_try("hj212", "a", "another")
    for number in range(REMEMBERED_MAX):
        guesses.wrong("hj212", str(number), "x")
    assert len(guesses._wrong) == REMEMBERED_MAX


async def test_too_many_connections_are_turned_away(book: TableBook, pipeline: Pipeline, store: Store) -> None:
    async with running_gateway(book, pipeline, "hj212", dsn=store.dsn, bounds=Bounds(per_address_max=2)) as running:
        held = [await running.connect("hj212") for _ in range(2)]
        for reader, writer in held:
            writer.write(data())
            await answer_to(reader, b"CN=9014")
        turned_away, third = await running.connect("hj212")
        await ended(turned_away)
        assert running.refused("hj212") == {"too_many_connections": 1}
        held[0][1].close()
        await eventually(lambda: running.intake.of("hj212").connections == 1)
        reader, writer = await running.connect("hj212")
        writer.write(data())
        await answer_to(reader, b"CN=9014")
        for end in (third, writer, held[1][1]):
            end.close()


class AwayFor:
    """A pipeline whose history is away for some attempts."""

    def __init__(self, pipeline: Pipeline, error: OverloadedError, attempts: int) -> None:
        self._pipeline, self._error, self.attempts, self.asked = pipeline, error, attempts, 0
        self.errors = error
        error.retry_after_s = 0

    async def keep(self, readings: Readings, *, idempotent: bool, retry_key: str = "") -> Kept:
        self.asked += 1
        if self.asked <= self.attempts:
            raise self._error
        return await self._pipeline.keep(readings, idempotent=idempotent, retry_key=retry_key)


@pytest.mark.parametrize("error", [OverloadedError(), HistoryAwayError()])
async def test_while_the_history_is_away_nothing_is_acknowledged_nor_read(
    book: TableBook, pipeline: Pipeline, store: Store, error: OverloadedError
) -> None:
    away = AwayFor(pipeline, error, attempts=20)
    async with running_gateway(book, away, "hj212", dsn=store.dsn) as running:
        reader, writer = await running.connect("hj212")
        writer.write(data(second=1))
        await eventually(lambda: away.asked > 3)
        writer.write(data(second=2))
        await answer_to(reader, b"CN=9014")
        assert away.asked > 20
        await answer_to(reader, b"CN=9014")
        assert store.count() == 2
        assert running.refused("hj212") == {"away": 20}
        writer.close()


async def test_what_is_under_way_when_the_gateway_stops_is_kept_and_answered(
    book: TableBook, pipeline: Pipeline, store: Store
) -> None:
    async with running_gateway(book, pipeline, "hj212", dsn=store.dsn) as running:
        reader, writer = await running.connect("hj212")
        writer.write(data())
        await eventually(lambda: running.intake.of("hj212").parcels == 1)
    assert b"CN=9014" in await answer_to(reader, b"CN=9014")
    await ended(reader)
    assert store.count() == 1
    writer.close()


async def test_a_port_that_is_taken_is_tried_again_and_holds_up_no_other_protocol(
    book: TableBook, pipeline: Pipeline, store: Store
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        async with running_gateway(book, pipeline, "hj212", "jt808", dsn=store.dsn, ports={"hj212": port}) as running:
            _, other = await running.connect("jt808")
            assert "hj212" not in running.gateway.ports
            taken.close()
            reader, writer = await running.connect("hj212")
            writer.write(data())
            await answer_to(reader, b"CN=9014")
            assert running.gateway.ports["hj212"] == port
            writer.close()
            other.close()
