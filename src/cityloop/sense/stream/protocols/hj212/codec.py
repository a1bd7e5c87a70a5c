"""Frames of HJ 212: `##`, the length of the data segment, the data segment, its checksum, CR LF."""

from cityloop.sense.stream.protocols.port import Refused
from cityloop.sense.stream.protocols.unreadable import RAW_BYTES_MAX, Reason

SEGMENT_BYTES_MAX = 1024
"""Longest data segment, bytes (HJ 212-2017, 6.2); longer contents come in several packets."""

_HEAD, _TAIL = b"##", b"\r\n"
_LENGTH_DIGITS, _CHECK_DIGITS = 4, 4
_PREFIX = len(_HEAD) + _LENGTH_DIGITS
_AROUND = _PREFIX + _CHECK_DIGITS + len(_TAIL)
_BETWEEN_FRAMES = b"\r\n\t \0"
_POLYNOMIAL, _START = 0xA001, 0xFFFF


def _shifted(low: int) -> int:
    for _ in range(8):
        low = (low >> 1) ^ _POLYNOMIAL if low & 1 else low >> 1
    return low


_TABLE = [[_shifted(high ^ byte) for byte in range(256)] for high in range(256)]


def checksum(segment: bytes) -> int:
    """Return the checksum of a data segment.

    It is not that of Modbus: the register is first shifted by eight bits, and what falls out is lost.

    Source:
        HJ 212-2017, annex A.
    """
    register = _START
    for byte in segment:
        register = _TABLE[register >> 8][byte]
    return register


def framed(segment: bytes) -> bytes:
    """Return a data segment as a frame.

    Raises:
        ValueError: if the segment is longer than `SEGMENT_BYTES_MAX`.
    """
    if len(segment) > SEGMENT_BYTES_MAX:
        message = f"a data segment of {len(segment)} bytes must be sent in several packets"
        raise ValueError(message)
    return b"%s%04d%s%04X%s" % (_HEAD, len(segment), segment, checksum(segment), _TAIL)


class Splitter:
    """Cuts a stream of bytes into frames; what is none is refused once for each piece of the stream that came."""

    def __init__(self) -> None:
        """Begin empty."""
        self._buffer = bytearray()
        self._lost = False

    def take(self, data: bytes) -> list[bytes | Refused]:
        """Return the data segments that are complete now, and what could not be read, in order."""
        self._buffer += data
        self._lost = False
        found: list[bytes | Refused] = []
        while self._seek(found) and self._one(found):
            pass
        return found

    def _seek(self, found: list[bytes | Refused]) -> bool:
        """Drop what stands before the next head; false where there is none."""
        start = self._buffer.find(_HEAD)
        end = start if start >= 0 else len(self._buffer) - self._buffer.endswith(_HEAD[:1])
        skipped = bytes(self._buffer[:end])
        del self._buffer[:end]
        if skipped.strip(_BETWEEN_FRAMES):
            self._lose(found, Reason.GARBAGE, f"{len(skipped)} bytes that begin no frame", skipped)
        return start >= 0 and len(self._buffer) >= _PREFIX

    def _one(self, found: list[bytes | Refused]) -> bool:
        """Take the frame at the head; false where more must come."""
        digits = bytes(self._buffer[len(_HEAD) : _PREFIX])
        if not digits.isdigit() or int(digits) > SEGMENT_BYTES_MAX:
            self._lose(found, Reason.WRONG_LENGTH, f"{digits!r} is no length", bytes(self._buffer[:_PREFIX]))
            del self._buffer[:1]
            return True
        end = int(digits) + _AROUND
        if len(self._buffer) < end:
            return False
        raw = bytes(self._buffer[:end])
        fault = _fault(raw)
        if fault is None:
            self._lost = False
            found.append(raw[_PREFIX : -_CHECK_DIGITS - len(_TAIL)])
        elif raw.endswith(_TAIL):
            found.append(Refused(*fault, raw))
        else:
            # Cut off in the middle, so that the next frame has been taken for the rest of this one.
            self._lose(found, *fault, raw)
            end = len(_HEAD)
        del self._buffer[:end]
        return True

    def _lose(self, found: list[bytes | Refused], reason: Reason, detail: str, raw: bytes) -> None:
        if not self._lost:
            found.append(Refused(reason, detail, raw[:RAW_BYTES_MAX]))
        self._lost = True


def _fault(raw: bytes) -> tuple[Reason, str] | None:
    segment, check = raw[_PREFIX : -_CHECK_DIGITS - len(_TAIL)], raw[-_CHECK_DIGITS - len(_TAIL) : -len(_TAIL)]
    expected = b"%04X" % checksum(segment)
    if check.upper() != expected:
        return Reason.WRONG_CHECKSUM, f"{check!r} where {expected!r} is right"
    return None if raw.endswith(_TAIL) else (Reason.MALFORMED, "the frame does not end in CR LF")
