"""Envelopes between nodes: readings as columns, everything else opaque; one layout, bounded."""

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from cityloop.kernel.errors import CityloopError
from cityloop.sense.stream.readings import OtherParts, Readings

LAYOUT = 1
"""Number of this layout; a node refuses a newer one and says so."""

READINGS_TOPIC = "readings"

ROW_READINGS_MAX = 20_000
"""Bound of one row of readings: below a megabyte as columns."""

REQUEST_BYTES_MAX = 2 * 2**20
"""Bound of one request between nodes, bytes; the transport carries 4 MiB."""

_COLUMNS = ("datastream_id", "phenomenon_us", "result", "quality", "result_us")


class EnvelopeUnreadableError(CityloopError):
    """What another node has sent cannot be read."""

    key = "The envelope of node %(node)s cannot be read: %(reason)s"
    status = 400


class Columns(msgspec.Struct, frozen=True):
    """Readings as the bytes of their columns, little endian."""

    count: int
    datastream_id: bytes
    phenomenon_us: bytes
    result: bytes
    quality: bytes
    result_us: bytes
    others: dict[int, dict[str, Any]] = {}


class Row(msgspec.Struct, frozen=True):
    """One envelope.

    Attributes:
        id: its number in the sender's outbox, rising in the order of commits.
        topic: what it is about: `readings`, or a topic that an applier knows.
        made_us: when it was written, sender's clock, microseconds since the Unix epoch.
        payload: its content.
    """

    id: int
    topic: str
    made_us: int
    payload: bytes


class Status(msgspec.Struct, frozen=True):
    """How the sender stands: version, its clock, and what still waits."""

    version: str
    now_us: int
    waiting_rows: int = 0
    waiting_readings: int = 0
    oldest_us: int | None = None


class Request(msgspec.Struct, frozen=True):
    """What a node asks another to take over; without rows it only tells how it stands.

    Attributes:
        source: number of the sender.
        incarnation: which database of the sender counts.
        after: number of the last row the receiver has, so far as the sender knows.
        status: how the sender stands.
        rows: what follows, in order.
        layout: of this request.
    """

    source: int
    incarnation: str
    after: int
    status: Status
    rows: list[Row] = []
    layout: int = LAYOUT


class Answer(msgspec.Struct, frozen=True):
    """What the receiver says: how far it has everything, and whether it wants to know the datastreams first."""

    through: int = 0
    wants_entities: bool = False
    refused: str = ""


_encoder = msgspec.msgpack.Encoder()
_requests = msgspec.msgpack.Decoder(Request)
_answers = msgspec.msgpack.Decoder(Answer)
_columns = msgspec.msgpack.Decoder(Columns)


def encoded(message: Request | Answer | Columns) -> bytes:
    """Return a message as bytes."""
    return _encoder.encode(message)


def request_of(data: bytes, *, node: int) -> Request:
    """Return the request that bytes hold.

    Raises:
        EnvelopeUnreadableError: if they hold none, or one of a newer layout.
    """
    try:
        request = _requests.decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise EnvelopeUnreadableError(node=node, reason=error) from error
    if request.layout > LAYOUT:
        raise EnvelopeUnreadableError(node=node, reason=f"layout {request.layout} > {LAYOUT}")
    return request


def answer_of(data: bytes, *, node: int) -> Answer:
    """Return the answer that bytes hold.

    Raises:
        EnvelopeUnreadableError: if they hold none.
    """
    try:
        return _answers.decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise EnvelopeUnreadableError(node=node, reason=error) from error


def packed(readings: Readings, rows: npt.NDArray[np.int64]) -> Iterator[tuple[int, bytes]]:
    """Yield rows of readings as payloads with the count of each, none too large.

    Args:
        readings: a batch; features of interest are the receiver's own and do not travel.
        rows: which of its rows.
    """
    for start in range(0, len(rows), ROW_READINGS_MAX):
        part = rows[start : start + ROW_READINGS_MAX]
        columns = {name: getattr(readings, name)[part].tobytes() for name in _COLUMNS}
        others = {
            place: _plain(readings.others[row]) for place, row in enumerate(part.tolist()) if row in readings.others
        }
        yield len(part), _encoder.encode(Columns(len(part), **columns, others=others))


def _plain(parts: OtherParts) -> dict[str, Any]:
    told = {name: getattr(parts, name) for name in OtherParts.__slots__}
    return {name: value for name, value in told.items() if value is not None}


def unpacked(payload: bytes, *, node: int, received_us: int) -> Readings:
    """Return the readings of a payload.

    Raises:
        EnvelopeUnreadableError: if it holds none, or its columns differ in length.
    """
    try:
        told = _columns.decode(payload)
        kinds = (np.int64, np.int64, np.float64, np.uint8, np.int64)
        columns = {
            name: np.frombuffer(getattr(told, name), dtype=kind).copy()
            for name, kind in zip(_COLUMNS, kinds, strict=True)
        }
        others = {row: OtherParts(**parts) for row, parts in told.others.items() if 0 <= row < told.count}
    except (msgspec.DecodeError, ValueError, TypeError, RecursionError) as error:
        raise EnvelopeUnreadableError(node=node, reason=error) from error
    if any(len(column) != told.count for column in columns.values()):
        raise EnvelopeUnreadableError(node=node, reason="columns of different length")
    features = np.zeros(told.count, dtype=np.int64)
    return Readings(**columns, feature_id=features, received_us=received_us, others=others)
