"""Frames of JT/T 809: between 5B and 5D stand header, body and checksum, with 5A, 5B, 5D and 5E escaped."""

import re
import struct
from binascii import crc_hqx
from collections.abc import Iterator
from dataclasses import dataclass

from cityloop.sense.stream.protocols.port import Refused
from cityloop.sense.stream.protocols.unreadable import Reason, UnreadableError, refusal

BODY_BYTES_MAX = 16 * 1024
"""Longest body read, bytes: a batch of 255 positions has 9,300."""

BEGIN, END = b"\x5b", b"\x5d"
_HEADER = struct.Struct(">IIHI3sBI")
_CHECK_BYTES, _CHECK_START = 2, 0xFFFF
_AROUND = len(BEGIN) + _HEADER.size + _CHECK_BYTES + len(END)
_ESCAPED_BYTES_MAX = 2 * (_HEADER.size + BODY_BYTES_MAX + _CHECK_BYTES)
_ESCAPES = {0x5B: b"\x5a\x01", 0x5A: b"\x5a\x02", 0x5D: b"\x5e\x01", 0x5E: b"\x5e\x02"}
_UNESCAPES = {escaped: bytes([byte]) for byte, escaped in _ESCAPES.items()}
_TO_ESCAPE, _TO_UNESCAPE = re.compile(rb"[\x5a\x5b\x5d\x5e]"), re.compile(rb"[\x5a\x5e](?s:.?)")


@dataclass(frozen=True, slots=True)
class Frame:
    """One message.

    Attributes:
        serial: of the frame.
        message: its id.
        platform: access code the superior platform gave the lower one.
        body: the content.
        version: three bytes of the protocol's version.
    """

    serial: int
    message: int
    platform: int
    body: bytes
    version: bytes = b"\x01\x00\x00"


class Splitter:
    """Cuts a stream of bytes into frames.

    A begin mark inside a frame means that the frame before was cut off: it is given up, and the new one is whole.
    """

    def __init__(self) -> None:
        """Begin empty."""
        self._buffer = bytearray()
        self._inside = False

    def take(self, data: bytes) -> Iterator[bytes | Refused]:
        """Yield what stands between marks, escaped as it came, and what stands outside, in order."""
        *begun, last = data.split(BEGIN)
        for piece in begun:
            yield from self._piece(piece)
            yield from self._given_up()
            self._inside = True
        yield from self._piece(last)

    def _piece(self, piece: bytes) -> Iterator[bytes | Refused]:
        """Yield the frame that a piece without begin mark completes; what follows it stands outside."""
        if self._inside:
            content, end, piece = piece.partition(END)
            self._grow(content)
            if not end:
                return
            yield bytes(self._buffer)
            self._buffer.clear()
            self._inside = False
        self._grow(piece)

    def _grow(self, piece: bytes) -> None:
        # One byte more than a frame may have, so that the reader finds it too long.
        self._buffer += piece[: max(_ESCAPED_BYTES_MAX + 1 - len(self._buffer), 0)]

    def _given_up(self) -> Iterator[Refused]:
        if self._buffer or self._inside:
            reason = Reason.INCOMPLETE if self._inside else Reason.GARBAGE
            yield Refused(reason, f"{len(self._buffer)} bytes outside a whole frame", bytes(self._buffer))
        self._buffer.clear()


def frame_of(escaped: bytes) -> Frame:
    """Return what stands between two marks as a frame.

    Raises:
        UnreadableError: if it is none.
    """
    if len(escaped) > _ESCAPED_BYTES_MAX:
        raise UnreadableError(Reason.WRONG_LENGTH, f"more than {_ESCAPED_BYTES_MAX} bytes without a mark")
    data = _TO_UNESCAPE.sub(_unescaped, escaped)
    if len(data) < _HEADER.size + _CHECK_BYTES:
        raise UnreadableError(Reason.WRONG_LENGTH, f"{len(data)} bytes are shorter than a header")
    content, check = data[:-_CHECK_BYTES], int.from_bytes(data[-_CHECK_BYTES:])
    expected = crc_hqx(content, _CHECK_START)
    if check != expected:
        raise UnreadableError(Reason.WRONG_CHECKSUM, f"{check:04X} where {expected:04X} is right")
    length, serial, message, platform, version, encrypted, _key = _HEADER.unpack_from(content)
    if length != len(data) + len(BEGIN) + len(END):
        raise UnreadableError(Reason.WRONG_LENGTH, f"the frame has {len(data) + 2} bytes and says {length}")
    if encrypted:
        raise UnreadableError(Reason.ENCRYPTED, "encrypted bodies are not read")
    return Frame(serial, message, platform, content[_HEADER.size :], version)


def _unescaped(found: re.Match[bytes]) -> bytes:
    byte = _UNESCAPES.get(found[0])
    if byte is None:
        raise UnreadableError(Reason.BAD_ESCAPE, f"{found[0].hex()} is no escape")
    return byte


def framed(frame: Frame) -> bytes:
    """Return a frame as bytes.

    Raises:
        ValueError: if the body is longer than `BODY_BYTES_MAX`.
    """
    if len(frame.body) > BODY_BYTES_MAX:
        message = f"a body of {len(frame.body)} bytes is too long"
        raise ValueError(message)
    length = len(frame.body) + _AROUND
    data = _HEADER.pack(length, frame.serial, frame.message, frame.platform, frame.version, 0, 0) + frame.body
    data += crc_hqx(data, _CHECK_START).to_bytes(_CHECK_BYTES)
    return BEGIN + _TO_ESCAPE.sub(lambda found: _ESCAPES[found[0][0]], data) + END


def read(splitter: Splitter, data: bytes) -> Iterator[tuple[Frame, bytes] | Refused]:
    """Yield the frames that are complete now, each with its bytes, and what could not be read, in order."""
    for item in splitter.take(data):
        if isinstance(item, Refused):
            yield item
            continue
        raw = BEGIN + item + END
        try:
            yield frame_of(item), raw
        except UnreadableError as error:
            yield refusal(error, raw)
