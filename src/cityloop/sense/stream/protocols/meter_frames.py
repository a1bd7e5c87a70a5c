"""Frames of meters on two wires: wake-up bytes `FE`, `68`, a head with a length, data, a sum and `16`.

CJ/T 188 and DL/T 645 differ in the head only, so one scanner serves both.
"""

from dataclasses import dataclass

from cityloop.sense.stream.protocols.port import Refused
from cityloop.sense.stream.protocols.unreadable import Reason

WAKE_UP, START, END = 0xFE, 0x68, 0x16

HALF_S_MAX = 5.0
"""How long the rest of a frame may take, seconds: at 1200 baud the longest frame takes 2.5."""

_TAIL_BYTES = 2


@dataclass(slots=True)
class MeterScanner:
    """Cuts a stream of bytes into frames; what is none is refused, and reading goes on behind it.

    Attributes:
        head_bytes: length of the head, from `68` to the length byte, which is its last.
        second_start_at: where in the head a second `68` stands; 0 for none.
        held: the beginning of a frame, fewer bytes than the longest frame has.
    """

    head_bytes: int
    second_start_at: int = 0
    held: bytes = b""

    def scan(self, data: bytes) -> tuple[list[bytes], list[Refused]]:
        """Return the frames that are complete now, from `68` to `16`, their sums right; and what was none."""
        whole = self.held + data
        frames: list[bytes] = []
        refused: list[Refused] = []
        at = 0
        while (start := self._start(whole, at)) >= 0:
            _note_garbage(whole[at:start], refused)
            at = start
            found = self._one(whole, start)
            if found is None:
                break
            item, at = found
            frames.append(item) if isinstance(item, bytes) else refused.append(item)
        else:
            _note_garbage(whole[at:], refused)
            at = len(whole)
        self.held = whole[at:]
        return frames, refused

    def give_up(self) -> tuple[list[bytes], list[Refused]]:
        """Give up what began like a frame and never ended; behind its beginning there may be frames."""
        half, self.held = self.held, b""
        if not half:
            return [], []
        frames, refused = self.scan(half[1:])
        lost = half[: len(half) - len(self.held)]
        within = [each for each in refused if each.reason is not Reason.GARBAGE]
        return frames, [Refused(Reason.INCOMPLETE, f"no frame ends within {len(lost)} bytes", lost), *within]

    def _start(self, whole: bytes, at: int) -> int:
        start = whole.find(START, at)
        while start >= 0 and not self._may_begin(whole, start):
            start = whole.find(START, start + 1)
        return start

    def _may_begin(self, whole: bytes, start: int) -> bool:
        second = start + self.second_start_at
        return second >= len(whole) or whole[second] == START

    def _one(self, whole: bytes, start: int) -> tuple[bytes | Refused, int] | None:
        if len(whole) - start < self.head_bytes:
            return None
        end = start + self.head_bytes + whole[start + self.head_bytes - 1] + _TAIL_BYTES
        if len(whole) < end:
            return None
        raw = whole[start:end]
        if raw[-1] != END:
            return Refused(Reason.MALFORMED, "the frame does not end with 16", raw), start + 1
        total = sum(raw[:-_TAIL_BYTES]) & 0xFF
        if total != raw[-_TAIL_BYTES]:
            return Refused(Reason.WRONG_CHECKSUM, f"the sum is {total:02X}, the frame says {raw[-2]:02X}", raw), end
        return raw, end


def framed(head_and_data: bytes, *, wake_ups: int = 0) -> bytes:
    """Return a frame with its sum and its end.

    Args:
        head_and_data: from `68` to the last byte of the data.
        wake_ups: how many bytes `FE` go before.
    """
    return bytes((WAKE_UP,) * wake_ups) + head_and_data + bytes((sum(head_and_data) & 0xFF, END))


def _note_garbage(garbage: bytes, refused: list[Refused]) -> None:
    if rest := garbage.strip(bytes((WAKE_UP,))):
        refused.append(Refused(Reason.GARBAGE, f"{len(rest)} bytes that begin no frame", rest))
