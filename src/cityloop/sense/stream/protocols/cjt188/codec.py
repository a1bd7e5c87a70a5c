"""Frames of CJ/T 188: `68`, kind of meter, address 7 bytes low first, control, length, data, sum, `16`.

Source:
    CJ/T 188-2018, 6 and 8; CJ/T 188-2004 sends the data identification high byte first.
"""

from dataclasses import dataclass

from cityloop.sense.stream.protocols.meter_frames import START, MeterScanner, framed

HEAD_BYTES = 11
ADDRESS_BYTES = 7

READ, ANSWER = 0x01, 0x81
IS_ANSWER, HAS_FAILED = 0x80, 0x40
"""Bits of the control byte."""

CURRENT_DATA = b"\x1f\x90"
"""Data identification 901F, the current reading, as the edition of 2018 sends it; that of 2004 turns it round."""

WAKE_UPS = 4
"""How many bytes `FE` go before a question: radio bridges sleep."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame that has been read.

    Attributes:
        kind: of meter: 10-13 water, 20-22 heat and cold, 30 gas, 40 others, hexadecimal.
        address: seven bytes as on the wire.
        control: what it is.
        data: its data.
        raw: the frame as it came, without wake-up bytes.
    """

    kind: int
    address: bytes
    control: int
    data: bytes
    raw: bytes

    @property
    def name(self) -> str:
        """Return the meter as the ledger names it."""
        return meter_name(self.kind, self.address)


def scanner() -> MeterScanner:
    """Return what cuts bytes into frames."""
    return MeterScanner(HEAD_BYTES)


def frame_of(raw: bytes) -> Frame:
    """Return the parts of a frame the scanner has passed."""
    return Frame(raw[1], raw[2:9], raw[9], raw[HEAD_BYTES:-2], raw)


def encoded(name: str, control: int, data: bytes, *, wake_ups: int = 0) -> bytes:
    """Return the bytes of a frame.

    Args:
        name: of the meter.
        control: what it is.
        data: its data, 255 bytes at most.
        wake_ups: how many bytes `FE` go before.

    Raises:
        ValueError: if the name is none of a meter.
    """
    kind, address = wire_address(name)
    return framed(bytes((START, kind)) + address + bytes((control, len(data))) + data, wake_ups=wake_ups)


def read_frame(name: str, *, serial: int, is_of_2004: bool = False) -> bytes:
    """Return the question for the current reading of a meter.

    Args:
        name: of the meter.
        serial: number the answer repeats, 0-255.
        is_of_2004: whether the data identification goes high byte first.
    """
    identification = CURRENT_DATA[::-1] if is_of_2004 else CURRENT_DATA
    return encoded(name, READ, identification + bytes((serial & 0xFF,)), wake_ups=WAKE_UPS)


def meter_name(kind: int, address: bytes) -> str:
    """Return a meter's name: its kind and its number, highest digits first, such as `10-78330011223344`."""
    return f"{kind:02X}-{address[::-1].hex().upper()}"


def wire_address(name: str) -> tuple[int, bytes]:
    """Return kind and wire address of a meter's name.

    Raises:
        ValueError: if the name is none of a meter.
    """
    kind, _, number = name.partition("-")
    address = bytes.fromhex(number)[::-1]
    if len(kind) != 2 or len(address) != ADDRESS_BYTES:  # noqa: PLR2004  a byte has two digits
        message = f"a meter is named by its kind and fourteen digits: {name}"
        raise ValueError(message)
    return int(kind, 16), address
