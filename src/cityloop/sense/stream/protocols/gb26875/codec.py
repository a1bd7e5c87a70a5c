"""Frames of GB/T 26875.3: the control unit and the application data around which a sum and two pairs of marks stand.

`@@` | serial 2 | version 2 | time 6 | source 6 | target 6 | length 2 | command 1 | application data | sum 1 | `##`;
numbers low byte first.

Source:
    GB/T 26875.3-2011, 6.
"""

from dataclasses import dataclass
from enum import IntEnum

from cityloop.sense.stream.protocols.local_time import device_clock, device_us
from cityloop.sense.stream.protocols.port import Refused
from cityloop.sense.stream.protocols.unreadable import Reason

START, END = b"@@", b"##"

CONTROL_BYTES = 25
"""Length of the control unit, bytes."""

APPLICATION_BYTES_MAX = 1024
"""Bound of the application data, bytes; the standard's own."""

FRAME_BYTES_MIN = len(START) + CONTROL_BYTES + 1 + len(END)
FRAME_BYTES_MAX = FRAME_BYTES_MIN + APPLICATION_BYTES_MAX

_HEAD_BYTES = len(START) + CONTROL_BYTES
_LENGTH_AT = 24
_CENTURY = 2000


class Command(IntEnum):
    """What a frame is for."""

    CONTROL = 1
    SEND = 2
    CONFIRM = 3
    REQUEST = 4
    ANSWER = 5
    DENY = 6


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame that has been read, or is to be written.

    Attributes:
        serial: number that ties an answer to its question, 0-65535.
        command: what it is for; values beyond `Command` occur.
        source: address of the sender, six bytes as on the wire.
        target: address of the receiver.
        application: the application data.
        time_us: clock of the sender, microseconds since the Unix epoch, UTC; None where it shows no possible time.
        version: main and user version of the protocol.
        raw: the frame as it came.
    """

    serial: int
    command: int
    source: bytes
    target: bytes
    application: bytes = b""
    time_us: int | None = None
    version: bytes = b"\x01\x00"
    raw: bytes = b""

    @property
    def address(self) -> str:
        """Return the sender as the ledger names it: twelve hexadecimal digits, the highest byte first."""
        return address_of(self.source)


def address_of(wire: bytes) -> str:
    """Return the name of six address bytes: twelve hexadecimal digits, the highest byte first."""
    return wire[::-1].hex().upper()


def wire_address(address: str) -> bytes:
    """Return the six bytes of an address.

    Raises:
        ValueError: if it is not twelve hexadecimal digits.
    """
    wire = bytes.fromhex(address)[::-1]
    if len(wire) != 6:  # noqa: PLR2004  six bytes, said in the sentence
        message = f"an address has twelve hexadecimal digits: {address}"
        raise ValueError(message)
    return wire


def clock_us(label: bytes) -> int | None:
    """Return six bytes second, minute, hour, day, month, year as an instant; None where there is no such time."""
    second, minute, hour, day, month, year = label
    return device_us((_CENTURY + year, month, day, hour, minute, second))


def clock_label(instant_us: int) -> bytes:
    """Return an instant as six bytes: second, minute, hour, day, month, year of this century, UTC+8."""
    shown = device_clock(instant_us)
    return bytes((shown.second, shown.minute, shown.hour, shown.day, shown.month, shown.year - _CENTURY))


def encoded(frame: Frame, *, now_us: int) -> bytes:
    """Return the bytes of a frame.

    Args:
        frame: what to say.
        now_us: the sender's clock, microseconds since the Unix epoch, UTC.
    """
    inside = b"".join(
        (
            frame.serial.to_bytes(2, "little"),
            frame.version,
            clock_label(now_us),
            frame.source,
            frame.target,
            len(frame.application).to_bytes(2, "little"),
            bytes((frame.command,)),
            frame.application,
        )
    )
    return START + inside + bytes((sum(inside) & 0xFF,)) + END


@dataclass(slots=True)
class Scanner:
    """Cuts a stream of bytes into frames; what is none is refused, and reading goes on behind it.

    Attributes:
        held: the beginning of a frame, fewer bytes than the longest frame has.
    """

    held: bytes = b""

    def scan(self, data: bytes) -> tuple[list[Frame], list[Refused]]:
        """Return the frames that are complete now, in order, and what was none."""
        whole = self.held + data
        frames: list[Frame] = []
        refused: list[Refused] = []
        at = 0
        while (start := _start(whole, at)) >= 0:
            _note_garbage(whole[at:start], refused)
            at = start
            found = _one(whole, start)
            if found is None:
                break
            item, at = found
            frames.append(item) if isinstance(item, Frame) else refused.append(item)
        else:
            half = len(whole) - 1 if whole.endswith(b"@") else len(whole)
            _note_garbage(whole[at:half], refused)
            at = max(at, half)
        self.held = whole[at:]
        return frames, refused

    def give_up(self) -> tuple[list[Frame], list[Refused]]:
        """Give up what began like a frame and never ended; behind its beginning there may be frames."""
        half, self.held = self.held, b""
        if not half:
            return [], []
        frames, refused = self.scan(half[1:])
        lost = half[: len(half) - len(self.held)]
        within = [each for each in refused if each.reason is not Reason.GARBAGE]
        return frames, [Refused(Reason.INCOMPLETE, f"no frame ends within {len(lost)} bytes", lost), *within]


def _start(whole: bytes, at: int) -> int:
    return whole.find(START, at)


def _note_garbage(garbage: bytes, refused: list[Refused]) -> None:
    if garbage:
        refused.append(Refused(Reason.GARBAGE, f"{len(garbage)} bytes that begin no frame", garbage))


def _one(whole: bytes, start: int) -> tuple[Frame | Refused, int] | None:
    if len(whole) - start < _HEAD_BYTES:
        return None
    length = int.from_bytes(whole[start + _LENGTH_AT : start + _LENGTH_AT + 2], "little")
    if length > APPLICATION_BYTES_MAX:
        head = whole[start : start + _HEAD_BYTES]
        return Refused(Reason.WRONG_LENGTH, f"{length} bytes of application data", head), start + 1
    end = start + FRAME_BYTES_MIN + length
    if len(whole) < end:
        return None
    raw = whole[start:end]
    if not raw.endswith(END):
        return Refused(Reason.MALFORMED, "the frame does not end with ##", raw), start + 1
    if sum(raw[len(START) : -3]) & 0xFF != raw[-3]:
        reason = f"the sum is {sum(raw[len(START) : -3]) & 0xFF:02X}, the frame says {raw[-3]:02X}"
        return Refused(Reason.WRONG_CHECKSUM, reason, raw, address_of(raw[12:18])), end
    return _frame(raw), end


def _frame(raw: bytes) -> Frame:
    return Frame(
        serial=int.from_bytes(raw[2:4], "little"),
        version=raw[4:6],
        time_us=clock_us(raw[6:12]),
        source=raw[12:18],
        target=raw[18:24],
        command=raw[26],
        application=raw[27:-3],
        raw=raw,
    )
