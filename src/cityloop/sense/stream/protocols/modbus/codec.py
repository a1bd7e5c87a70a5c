"""Frames of Modbus TCP, written and read by pymodbus; what its framer would wait for in vain is refused before.

Source:
    MODBUS Messaging on TCP/IP Implementation Guide V1.0b, 3.1.
"""

import logging
from dataclasses import dataclass

from pymodbus.framer import FramerSocket
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadDiscreteInputsRequest
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersRequest

from cityloop.sense.stream.protocols.modbus.channels import Table
from cityloop.sense.stream.protocols.port import Refused
from cityloop.sense.stream.protocols.unreadable import Reason

HEAD_BYTES = 7
"""Transaction 2, protocol 2 (always 0), length 2, unit 1."""

LENGTH_MIN, LENGTH_MAX = 3, 254
"""Bounds of the length field, bytes: unit, function code and at least one byte; the standard's longest."""

REGISTERS_MAX, BITS_MAX = 125, 2000
"""Bounds of one question; the standard's own."""

NUMBERS = 0x10000
"""Transaction numbers run to this and start again."""

_REQUESTS: dict[Table, type[ModbusPDU]] = {
    Table.HOLDING: ReadHoldingRegistersRequest,
    Table.INPUT: ReadInputRegistersRequest,
    Table.COIL: ReadCoilsRequest,
    Table.DISCRETE: ReadDiscreteInputsRequest,
}
# What the library cannot read is kept and counted by us; its own line a frame would fill the log.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)

_framer = FramerSocket(DecodePDU(is_server=False))


@dataclass(frozen=True, slots=True)
class Block:
    """Cells of one table that are read together.

    Attributes:
        table: where they stand.
        address: of the first, from 0.
        count: how many.
    """

    table: Table
    address: int
    count: int

    @property
    def function(self) -> int:
        """Return the function code that reads them."""
        return _REQUESTS[self.table].function_code


@dataclass(frozen=True, slots=True)
class Frame:
    """An answer.

    Attributes:
        number: of the transaction.
        unit: that answers.
        pdu: what it says; None where pymodbus cannot read it.
        raw: the frame as it came.
    """

    number: int
    unit: int
    pdu: ModbusPDU | None
    raw: bytes


def read_frame(unit: int, block: Block, *, number: int) -> bytes:
    """Return the question for a block.

    Args:
        unit: behind the bridge, 0-255.
        block: what to read.
        number: of the transaction; the answer repeats it.
    """
    request = _REQUESTS[block.table](
        dev_id=unit, transaction_id=number % NUMBERS, address=block.address, count=block.count
    )
    return bytes(_framer.buildFrame(request))


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
        at = skipped = 0
        while len(whole) - at - skipped >= HEAD_BYTES:
            start = at + skipped
            if not _is_head(whole[start : start + HEAD_BYTES]):
                skipped += 1
                continue
            end = start + HEAD_BYTES - 1 + int.from_bytes(whole[start + 4 : start + 6], "big")
            if len(whole) < end:
                break
            _note_garbage(whole[at:start], refused)
            frames.append(_frame(whole[start:end]))
            at, skipped = end, 0
        _note_garbage(whole[at : at + skipped], refused)
        self.held = whole[at + skipped :]
        return frames, refused

    def give_up(self) -> Refused | None:
        """Give up what began like a frame and never ended: an answer that comes too late is worth nothing."""
        half, self.held = self.held, b""
        return Refused(Reason.INCOMPLETE, f"no frame ends within {len(half)} bytes", half) if half else None


def _is_head(head: bytes) -> bool:
    return head[2:4] == b"\0\0" and LENGTH_MIN <= int.from_bytes(head[4:6], "big") <= LENGTH_MAX


def _note_garbage(garbage: bytes, refused: list[Refused]) -> None:
    if garbage:
        refused.append(Refused(Reason.GARBAGE, f"{len(garbage)} bytes that begin no frame", garbage))


def _frame(raw: bytes) -> Frame:
    return Frame(int.from_bytes(raw[:2], "big"), raw[6], _pdu(raw[HEAD_BYTES:]), raw)


def _pdu(data: bytes) -> ModbusPDU | None:
    # Errors of the library's own within an answer are answers that cannot be read, whatever their class.
    try:
        return _framer.decoder.decode(data)
    except Exception:  # noqa: BLE001  pymodbus names no complete set of what its decoders raise
        return None
