"""The protocol is read the same however the network cuts it."""

import asyncio
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloop.convey.stream.jetstream import StreamBrokenError, StreamReader, StreamState
from cityloop.convey.stream.nats import Nats, NatsAwayError

MESSAGE = st.tuples(st.binary(max_size=30), st.booleans())


def frame(body: bytes, *, with_headers: bool, reply: bytes = b"$JS.ACK.s.c.1.5.1.1700000000000000000.0") -> bytes:
    if not with_headers:
        return b"MSG mouth.x 2 %b %d\r\n%b\r\n" % (reply, len(body), body)
    headers = b"NATS/1.0\r\nNmqtt-Pub: 1\r\n\r\n"
    return b"HMSG mouth.x 2 %b %d %d\r\n%b\r\n" % (reply, len(headers), len(headers) + len(body), headers + body)


async def parsed(data: bytes, cuts: list[int]) -> list[bytes]:
    nats = Nats()
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    for start, end in itertools.pairwise(places):
        nats.data_received(data[start:end])
    return [delivery.payload for delivery in nats.deliveries]


@given(messages=st.lists(MESSAGE, max_size=8), cuts=st.lists(st.integers(0, 900), max_size=6))
def test_messages_are_the_same_however_they_arrive(messages: list[tuple[bytes, bool]], cuts: list[int]) -> None:
    data = b"PING\r\n" + b"".join(frame(body, with_headers=headers) for body, headers in messages)
    assert asyncio.run(parsed(data, cuts)) == [body for body, _ in messages]


async def test_a_refusal_of_the_server_is_told_to_everyone_who_waits() -> None:
    nats = Nats()
    waiting = asyncio.create_task(nats.probe())
    await asyncio.sleep(0)
    nats.data_received(b"-ERR 'Authorization Violation'\r\n")
    with pytest.raises(NatsAwayError, match="Authorization Violation"):
        await waiting


def ack(delivered: int) -> bytes:
    return b"$JS.ACK.s.c.1.%d.%d.1700000000000000000.0" % (delivered + 4, delivered)


async def test_a_missing_message_breaks_the_reader_rather_than_being_skipped() -> None:
    nats = Nats()
    reader = StreamReader(nats, consumer="c", state=StreamState("s", 1, 9, 9, 100))
    nats.data_received(frame(b"a", with_headers=True, reply=ack(1)) + frame(b"b", with_headers=True, reply=ack(2)))
    assert [(m.sequence, m.stored_us) for m in await reader.take()] == [
        (5, 1_700_000_000_000_000),
        (6, 1_700_000_000_000_000),
    ]
    nats.data_received(frame(b"d", with_headers=True, reply=ack(4)))
    with pytest.raises(StreamBrokenError):
        await reader.take()
