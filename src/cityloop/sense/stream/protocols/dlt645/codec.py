"""Frames of DL/T 645: `68`, address 6 bytes low first, `68`, control, length, data with 33 added to each, sum, `16`.

Source:
    DL/T 645-2007, 5; the frame of 1997 is the same, its control bytes and data identifications differ.
"""

from dataclasses import dataclass
from enum import Enum

from cityloop.sense.stream.protocols.meter_frames import START, MeterScanner, framed

HEAD_BYTES, SECOND_START_AT = 10, 7
ADDRESS_BYTES = 6
IS_ANSWER, HAS_FAILED, HAS_MORE = 0x80, 0x40, 0x20
"""Bits of the control byte."""

WAKE_UPS = 4
"""How many bytes `FE` go before a question."""

_ADDED = 0x33


class Edition(Enum):
    """What differs between the editions: the control byte of a question, and the length of a data identification."""

    OF_1997 = (0x01, 2)
    OF_2007 = (0x11, 4)

    @property
    def read(self) -> int:
        """Return the control byte that asks for data."""
        return self.value[0]

    @property
    def identification_bytes(self) -> int:
        """Return how long a data identification is."""
        return self.value[1]


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame that has been read.

    Attributes:
        address: of the meter, twelve digits, the highest first.
        control: what it is.
        data: its data, 33 taken away.
        raw: the frame as it came, without wake-up bytes.
    """

    address: str
    control: int
    data: bytes
    raw: bytes


def edition_of(item: str) -> Edition:
    """Return the edition of a data item: four digits are of 1997, eight of 2007."""
    return Edition.OF_1997 if len(item) == 2 * Edition.OF_1997.identification_bytes else Edition.OF_2007


def scanner() -> MeterScanner:
    """Return what cuts bytes into frames."""
    return MeterScanner(HEAD_BYTES, SECOND_START_AT)


def frame_of(raw: bytes) -> Frame:
    """Return the parts of a frame the scanner has passed."""
    address = raw[1:SECOND_START_AT][::-1].hex().upper()
    return Frame(address, raw[8], bytes(byte - _ADDED & 0xFF for byte in raw[HEAD_BYTES:-2]), raw)


def encoded(address: str, control: int, data: bytes, *, wake_ups: int = 0) -> bytes:
    """Return the bytes of a frame.

    Args:
        address: of the meter, twelve digits.
        control: what it is.
        data: its data, 255 bytes at most, without 33 added.
        wake_ups: how many bytes `FE` go before.

    Raises:
        ValueError: if the address has not twelve digits.
    """
    wire = bytes.fromhex(address)[::-1]
    if len(wire) != ADDRESS_BYTES:
        message = f"a meter is named by twelve digits: {address}"
        raise ValueError(message)
    added = bytes(byte + _ADDED & 0xFF for byte in data)
    head = bytes((START, *wire, START, control, len(data)))
    return framed(head + added, wake_ups=wake_ups)


def read_frame(address: str, item: str) -> bytes:
    """Return the question for a data item of a meter.

    Args:
        address: of the meter.
        item: its data identification, the highest digits first: `00010000`.
    """
    return encoded(address, edition_of(item).read, bytes.fromhex(item)[::-1], wake_ups=WAKE_UPS)
