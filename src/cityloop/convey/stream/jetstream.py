"""The stream of device messages in JetStream, read in order and in large fetches.

Why this stream: the server answers a QoS 1 publish with PUBACK only after it has stored the message in `$MQTT_msgs`. A
stream of another name is fed without waiting, so a message could be acknowledged and lost. We therefore make
`$MQTT_msgs` ourselves before the server would, bounded and kept until we delete, and let it also store the private
subject of device publishes: that copy is written first, so PUBACK covers it, and it is the only one of QoS 0. We read
the private subject only. A full stream refuses: the server then closes the connection without PUBACK and the device
still has its message.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import ne
from typing import Any, overload

from cityloop.convey.stream.nats import Nats, NatsAwayError, open_nats

STREAM = "$MQTT_msgs"
"""Name the NATS server gives to its store of MQTT messages."""

PRIVATE_PREFIX = "mouth."
"""Device publishes are mapped below this subject; nobody subscribes to it."""

STREAM_BYTES_MAX = 4 * 2**30
"""Bound of the stream, bytes: about 8 million messages that wait for a history that is away."""

RETAINED_BYTES_MAX = 64 * 2**20
"""Bound of the messages devices publish as retained, bytes; the oldest go."""

_RETAINED = {
    "name": "$MQTT_rmsgs",
    "subjects": ["$MQTT.rmsgs.>"],
    "retention": "limits",
    "discard": "old",
    "max_bytes": RETAINED_BYTES_MAX,
    "max_msgs_per_subject": 1,
    "storage": "file",
    "num_replicas": 1,
}

FETCH_MESSAGES_MAX = 8192
"""Bound of a fetch, messages."""

FETCH_BYTES_MAX = 8 * 2**20
"""Bound of a fetch, bytes."""

FETCH_S_MAX = 30
"""How long a fetch waits for messages before it is renewed, seconds."""

_IDLE_CONSUMER_S = 60
_SECOND_NS = 1_000_000_000
_NOT_FOUND = 404
_TOKENS_PLAIN = 9


class StreamBrokenError(NatsAwayError):
    """The order of the messages is broken, or the reader is gone: read again from the position."""

    key = "The stream must be opened again: %(reason)s"


@dataclass(frozen=True, slots=True)
class Message:
    """A device's message.

    Attributes:
        subject: private subject it was published on.
        payload: its body.
        sequence: its number in the stream.
        stored_us: when JetStream stored it, microseconds since the Unix epoch.
    """

    subject: bytes
    payload: bytes
    sequence: int
    stored_us: int


@dataclass(frozen=True, slots=True)
class Fetch(Sequence[Message]):
    """Messages in order, column by column; one of them is put together only where it is asked for.

    Attributes:
        subjects: private subject of each.
        payloads: body of each.
        sequences: number of each in the stream.
        stored_us: when JetStream stored each, microseconds since the Unix epoch.
    """

    subjects: Sequence[bytes] = ()
    payloads: Sequence[bytes] = ()
    sequences: Sequence[int] = ()
    stored_us: Sequence[int] = ()

    @classmethod
    def of(cls, messages: Sequence[Message]) -> "Fetch":
        """Return messages as columns."""
        if isinstance(messages, Fetch):
            return messages
        columns = [(m.subject, m.payload, m.sequence, m.stored_us) for m in messages]
        return cls(*zip(*columns, strict=True)) if columns else cls()

    def chosen(self, rows: Sequence[int]) -> "Fetch":
        """Return some of the messages, in the order of `rows`; one may be named twice."""
        return Fetch(
            [self.subjects[row] for row in rows],
            [self.payloads[row] for row in rows],
            [self.sequences[row] for row in rows],
            [self.stored_us[row] for row in rows],
        )

    def __len__(self) -> int:
        """Return how many messages there are."""
        return len(self.sequences)

    @overload
    def __getitem__(self, row: int) -> Message: ...
    @overload
    def __getitem__(self, row: slice) -> "Fetch": ...
    def __getitem__(self, row: int | slice) -> "Message | Fetch":
        """Return a message, or several as a fetch."""
        if isinstance(row, slice):
            return Fetch(self.subjects[row], self.payloads[row], self.sequences[row], self.stored_us[row])
        return Message(self.subjects[row], self.payloads[row], self.sequences[row], self.stored_us[row])


@dataclass(frozen=True, slots=True)
class StreamState:
    """The stream as it stands.

    Attributes:
        key: name and moment of creation: a stream made anew is another one.
        first: number of the oldest message.
        last: number of the newest message.
        messages: how many there are.
        byte_count: how large it is.
    """

    key: str
    first: int
    last: int
    messages: int
    byte_count: int


def _configuration() -> dict[str, Any]:
    return {
        "name": STREAM,
        "subjects": ["$MQTT.msgs.>", f"{PRIVATE_PREFIX}>"],
        "retention": "limits",
        "discard": "new",
        "max_bytes": STREAM_BYTES_MAX,
        "storage": "file",
        "num_replicas": 1,
    }


def _refused(answer: dict[str, Any]) -> None:
    if error := answer.get("error"):
        raise NatsAwayError(reason=error.get("description", "refused"))


async def prepare_stream(nats: Nats) -> StreamState:
    """Make the stream of device messages, or bring it to our bounds, and return how it stands.

    Call it before the first device may connect: the server would make a stream that forgets what nobody waits for. What
    devices publish as retained is stored by the server as well, a message a topic; that store gets its bound here.

    Raises:
        NatsAwayError: if the server refuses.
    """
    await _prepared(nats, _RETAINED)
    return _state_of(await _prepared(nats, _configuration()))


async def _prepared(nats: Nats, wanted: dict[str, Any]) -> dict[str, Any]:
    name = wanted["name"]
    state = await nats.request(f"$JS.API.STREAM.INFO.{name}", {})
    found = state.get("config", {})
    if state.get("error", {}).get("code") == _NOT_FOUND:
        state = await nats.request(f"$JS.API.STREAM.CREATE.{name}", wanted)
    elif found and found["retention"] != wanted["retention"]:
        _refused(await nats.request(f"$JS.API.STREAM.DELETE.{name}", {}))
        state = await nats.request(f"$JS.API.STREAM.CREATE.{name}", wanted)
    elif found and any(found.get(part) != value for part, value in wanted.items()):
        state = await nats.request(f"$JS.API.STREAM.UPDATE.{name}", found | wanted)
    _refused(state)
    return state


def _state_of(answer: dict[str, Any]) -> StreamState:
    state = answer["state"]
    key = f"{STREAM}@{answer['created'][:26]}"
    return StreamState(key, state["first_seq"], state["last_seq"], state["messages"], state["bytes"])


async def purge_until(nats: Nats, sequence: int) -> None:
    """Delete the messages up to a number: they are in the history.

    Raises:
        NatsAwayError: if the server refuses.
    """
    _refused(await nats.request(f"$JS.API.STREAM.PURGE.{STREAM}", {"seq": sequence + 1}))


async def store_use(address: str) -> tuple[int, int]:
    """Return how large the stream of device messages is and may be, bytes.

    Raises:
        NatsAwayError: if the server does not answer, or has no such stream yet.
    """
    nats = await open_nats(address)
    try:
        state = await nats.request(f"$JS.API.STREAM.INFO.{STREAM}", {})
    finally:
        nats.close()
    _refused(state)
    return int(state["state"]["bytes"]), int(state["config"]["max_bytes"])


class StreamReader:
    """Reads messages in order from a position on; open it with `open_reader`."""

    def __init__(self, nats: Nats, *, consumer: str, state: StreamState) -> None:
        """Read with a consumer that exists."""
        self.nats, self.state = nats, state
        self._fetch = f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{consumer}".encode()
        limits = {"batch": FETCH_MESSAGES_MAX, "max_bytes": FETCH_BYTES_MAX, "expires": FETCH_S_MAX * _SECOND_NS}
        self._limits = json.dumps(limits).encode()
        self._due = 0
        self._delivered = 0

    async def take(self, *, wait_s: float | None = None) -> Fetch:
        """Return the messages that have come, none if none comes in time.

        Args:
            wait_s: how long to wait for the first, seconds; None waits for ever.

        Raises:
            NatsAwayError: if the connection is lost.
            StreamBrokenError: if a message is missing, or the reader is gone.
        """
        ends_at = None if wait_s is None else time.monotonic() + wait_s
        while not self.nats.deliveries:
            self._end_fetches()
            self._ask_ahead()
            left_s = None if ends_at is None else ends_at - time.monotonic()
            if left_s is not None and left_s <= 0:
                return Fetch()
            await self.nats.news(wait_s=left_s)
        deliveries = list(self.nats.deliveries)
        self.nats.deliveries.clear()
        self._due -= len(deliveries)
        self._ask_ahead()
        subjects, replies, payloads = zip(*deliveries, strict=True)
        return Fetch(subjects, payloads, *self._numbers(replies))

    def _ask_ahead(self) -> None:
        """Ask for the next fetch while the last is still coming in, so that the server never pauses."""
        if self._due < FETCH_MESSAGES_MAX // 2:
            self._due += FETCH_MESSAGES_MAX
            self.nats.ask_messages(self._fetch, self._limits)

    def _end_fetches(self) -> None:
        while self.nats.statuses:
            status = self.nats.statuses.popleft().split(b"\r\n")[0]
            if b" 503" in status or b"Deleted" in status:
                raise StreamBrokenError(reason=status.decode("ascii", "replace"))
            self._due = 0

    def _numbers(self, replies: Sequence[bytes]) -> tuple[list[int], list[int]]:
        """Return the numbers in the stream and the instants of storing, in microseconds, that replies carry."""
        tokens = b".".join(replies).split(b".")
        width = replies[0].count(b".") + 1
        place = 5 if width == _TOKENS_PLAIN else 7
        if len(tokens) != width * len(replies):
            raise StreamBrokenError(reason="deliveries are described in two ways")
        expected = range(self._delivered + 1, self._delivered + 1 + len(replies))
        if any(map(ne, map(int, tokens[place + 1 :: width]), expected)):
            raise StreamBrokenError(reason=f"a message behind message {self._delivered} of the reader is missing")
        self._delivered += len(replies)
        stored_us = [int(token[:-3]) for token in tokens[place + 2 :: width]]
        return list(map(int, tokens[place::width])), stored_us

    def close(self) -> None:
        """End the connection; the server forgets the consumer by itself."""
        self.nats.close()


async def open_reader(nats: Nats, *, after: int, state: StreamState) -> StreamReader:
    """Return a reader that starts behind a position.

    Args:
        nats: a connection of this reader's own.
        after: number of the last message that is in the history.
        state: the stream as it stands; one that ends before the position has lost its end and is read from its start.

    Raises:
        NatsAwayError: if the server refuses.
    """
    start = after + 1 if after <= state.last else state.first
    name = f"wire_{datetime.now(UTC):%Y%m%d%H%M%S%f}"
    request = {
        "stream_name": STREAM,
        "config": {
            "name": name,
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": max(start, 1),
            "ack_policy": "none",
            "filter_subject": f"{PRIVATE_PREFIX}>",
            "mem_storage": True,
            "num_replicas": 1,
            "inactive_threshold": _IDLE_CONSUMER_S * _SECOND_NS,
        },
    }
    _refused(await nats.request(f"$JS.API.CONSUMER.CREATE.{STREAM}.{name}.{PRIVATE_PREFIX}>", request))
    return StreamReader(nats, consumer=name, state=state)
