"""Frames of JT/T 808: between two bytes 7E stand header, body and check byte, with 7D and 7E escaped."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from operator import xor

from cityloop.sense.stream.protocols.port import Refused
from cityloop.sense.stream.protocols.unreadable import Reason, UnreadableError, refusal

BODY_BYTES_MAX = 1023
"""Longest body of one frame, bytes: its length has ten bits."""

HEADER_BYTES_MAX = 21
"""Longest header, bytes: that of 2019 with packet numbers."""

FRAME_BYTES_MAX = 2 * (HEADER_BYTES_MAX + BODY_BYTES_MAX + 1)
"""Longest frame between its marks, bytes: every byte may be escaped."""

MARK = b"\x7e"
_ESCAPE, _ESCAPED_MARK, _ESCAPED_ESCAPE = b"\x7d", b"\x7d\x02", b"\x7d\x01"
_LENGTH_BITS, _CRYPT_BITS, _SPLIT_BIT, _VERSION_BIT = 0x03FF, 0x1C00, 0x2000, 0x4000
_PHONE_BYTES_2013, _PHONE_BYTES_2019 = 6, 10


@dataclass(frozen=True, slots=True)
class Frame:
    """One message, or a packet of one.

    Attributes:
        message: its id.
        phone: of the terminal, digits without leading zeros.
        serial: of the frame.
        body: the content.
        version: of the protocol: 0 for 2013, what the header says for 2019 (1 or more).
        packets: of the whole message, 1 where it is not split.
        packet: which this is, counted from 1.
    """

    message: int
    phone: str
    serial: int
    body: bytes
    version: int = 0
    packets: int = 1
    packet: int = 1


class Splitter:
    """Cuts a stream of bytes at the marks.

    A mark ends a frame and begins the next, so that after a frame cut off in the middle the following one is whole.
    """

    def __init__(self) -> None:
        """Begin empty."""
        self._buffer = bytearray()

    def take(self, data: bytes) -> Iterator[bytes]:
        """Yield what stands between marks, escaped as it came; what is longer than a frame is cut off."""
        *complete, rest = data.split(MARK)
        for piece in complete:
            self._grow(piece)
            if self._buffer:
                yield bytes(self._buffer)
            self._buffer.clear()
        self._grow(rest)

    def _grow(self, piece: bytes) -> None:
        # One byte more than a frame may have, so that the reader finds it too long.
        self._buffer += piece[: max(FRAME_BYTES_MAX + 1 - len(self._buffer), 0)]


def frame_of(escaped: bytes) -> Frame:
    """Return what stands between two marks as a frame.

    Raises:
        UnreadableError: if it is none.
    """
    if len(escaped) > FRAME_BYTES_MAX:
        raise UnreadableError(Reason.WRONG_LENGTH, f"more than {FRAME_BYTES_MAX} bytes without a mark")
    data = _unescaped(escaped)
    if not data or reduce(xor, data):
        raise UnreadableError(Reason.WRONG_CHECKSUM, "the bytes do not fold to zero")
    return _parsed(data[:-1])


def _unescaped(escaped: bytes) -> bytes:
    head, *rest = escaped.split(_ESCAPE)
    parts = [head]
    for piece in rest:
        if not piece or piece[0] not in {1, 2}:
            raise UnreadableError(Reason.BAD_ESCAPE, "7D is followed by neither 01 nor 02")
        parts.append((_ESCAPE if piece[0] == 1 else MARK) + piece[1:])
    return b"".join(parts)


def _parsed(data: bytes) -> Frame:
    try:
        message, properties = struct.unpack_from(">HH", data)
        place, version, phone_bytes = 4, 0, _PHONE_BYTES_2013
        if properties & _VERSION_BIT:
            place, version, phone_bytes = 5, data[4], _PHONE_BYTES_2019
        phone = data[place : place + phone_bytes].hex()
        place += phone_bytes
        (serial,) = struct.unpack_from(">H", data, place)
        place += 2
        packets = packet = 1
        if properties & _SPLIT_BIT:
            packets, packet = struct.unpack_from(">HH", data, place)
            place += 4
    except (struct.error, IndexError) as error:
        raise UnreadableError(Reason.WRONG_LENGTH, "shorter than a header") from error
    if properties & _CRYPT_BITS:
        raise UnreadableError(Reason.ENCRYPTED, "encrypted bodies are not read")
    body = data[place:]
    if len(body) != properties & _LENGTH_BITS:
        detail = f"the body has {len(body)} bytes and says {properties & _LENGTH_BITS}"
        raise UnreadableError(Reason.WRONG_LENGTH, detail)
    if not phone.isdecimal() or not 1 <= packet <= packets:
        raise UnreadableError(Reason.MALFORMED, f"phone {phone}, packet {packet} of {packets}")
    return Frame(message, phone.lstrip("0") or "0", serial, body, version, packets, packet)


def framed(frame: Frame) -> bytes:
    """Return a frame as bytes.

    Raises:
        ValueError: if the body is longer than `BODY_BYTES_MAX`, or the phone longer than its version allows.
    """
    phone_bytes = _PHONE_BYTES_2019 if frame.version else _PHONE_BYTES_2013
    if len(frame.body) > BODY_BYTES_MAX or len(frame.phone) > 2 * phone_bytes:
        message = f"{len(frame.body)} bytes of body or a phone of {len(frame.phone)} digits are too many"
        raise ValueError(message)
    properties = len(frame.body) | (_VERSION_BIT if frame.version else 0) | (_SPLIT_BIT if frame.packets > 1 else 0)
    data = struct.pack(">HH", frame.message, properties) + (bytes([frame.version]) if frame.version else b"")
    data += bytes.fromhex(frame.phone.zfill(2 * phone_bytes)) + struct.pack(">H", frame.serial)
    data += struct.pack(">HH", frame.packets, frame.packet) if frame.packets > 1 else b""
    data += frame.body
    data += bytes([reduce(xor, data)])
    return MARK + data.replace(_ESCAPE, _ESCAPED_ESCAPE).replace(MARK, _ESCAPED_MARK) + MARK


def read(splitter: Splitter, data: bytes) -> Iterator[tuple[Frame, bytes] | Refused]:
    """Yield the frames that are complete now, each with its bytes, and what could not be read, in order."""
    for escaped in splitter.take(data):
        raw = MARK + escaped + MARK
        try:
            yield frame_of(escaped), raw
        except UnreadableError as error:
            yield refusal(error, raw)
