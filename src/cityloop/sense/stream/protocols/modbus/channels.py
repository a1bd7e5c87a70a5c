"""Channels of a Modbus device: which register, of what type, in which order.

`holding:100:float32:be`, `input:3:int16`, `coil:5`: table, address from 0, type, order of bytes. Orders: `be` ABCD (the
usual one), `le` DCBA, `be-swap` BADC (bytes of each register turned), `le-swap` CDAB (registers turned).
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from cityloop.sense.stream.protocols.unreadable import Reason, UnreadableError

ADDRESS_MAX = 65_535
DIGITS_MAX = 5
"""Digits of the highest address."""


class Table(StrEnum):
    """The four tables of a device."""

    HOLDING = "holding"
    INPUT = "input"
    COIL = "coil"
    DISCRETE = "discrete"

    @property
    def holds_bits(self) -> bool:
        """Return whether an address of the table holds a bit instead of a register."""
        return self in (Table.COIL, Table.DISCRETE)


TYPES = {
    "uint16": "H",
    "int16": "h",
    "uint32": "I",
    "int32": "i",
    "float32": "f",
    "uint64": "Q",
    "int64": "q",
    "float64": "d",
}
"""Types of register values, and how the standard library writes them."""

ORDERS = ("be", "le", "be-swap", "le-swap")


@dataclass(frozen=True, slots=True, order=True)
class Channel:
    """One value of a device.

    Attributes:
        table: where it stands.
        address: of its first register or bit, from 0.
        kind: name of its type; `bit` for bits.
        order: of its bytes.
        name: as the ledger has it.
    """

    table: Table
    address: int
    kind: str
    order: str
    name: str

    @property
    def count(self) -> int:
        """Return how many registers or bits it takes."""
        return 1 if self.table.holds_bits else struct.calcsize(f">{TYPES[self.kind]}") // 2

    def value(self, cells: Sequence[int]) -> float:
        """Return the number that registers or bits hold.

        Args:
            cells: registers, 0-65535, or bits, `count` of them.

        Raises:
            UnreadableError: if the registers hold no number.
        """
        if self.table.holds_bits:
            return float(cells[0])
        data = struct.pack(f">{self.count}H", *cells)
        number = float(struct.unpack(f">{TYPES[self.kind]}", _ordered(data, self.order))[0])
        if number - number != 0:
            raise UnreadableError(Reason.NOT_A_NUMBER, f"{self.name}: {data.hex()}")
        return number

    def cells(self, number: float) -> list[int]:
        """Return the registers or bits that hold a number, as a device would."""
        if self.table.holds_bits:
            return [int(bool(number))]
        whole = number if self.kind.startswith("float") else int(number)
        data = _ordered(struct.pack(f">{TYPES[self.kind]}", whole), self.order)
        return list(struct.unpack(f">{self.count}H", data))


def channel_of(name: str) -> Channel:
    """Return what a channel's name says.

    Raises:
        UnreadableError: if it names none.
    """
    table, _, rest = name.partition(":")
    address, _, rest = rest.partition(":")
    kind, _, order = rest.partition(":")
    if table not in list(Table) or not (address.isascii() and address.isdecimal() and len(address) <= DIGITS_MAX):
        raise _unnamed(name)
    holds_bits = Table(table).holds_bits
    kind, order = kind or ("bit" if holds_bits else "uint16"), order or "be"
    if (kind != "bit") if holds_bits else (kind not in TYPES):
        raise _unnamed(name)
    channel = Channel(Table(table), int(address), kind, order, name)
    if order not in ORDERS or channel.address + channel.count - 1 > ADDRESS_MAX:
        raise _unnamed(name)
    return channel


def _unnamed(name: str) -> UnreadableError:
    return UnreadableError(Reason.UNSUPPORTED, f"no channel of a Modbus device: {name[:100]}")


def _ordered(data: bytes, order: str) -> bytes:
    if order == "be":
        return data
    if order == "le":
        return data[::-1]
    registers = [data[at : at + 2] for at in range(0, len(data), 2)]
    if order == "be-swap":
        return b"".join(register[::-1] for register in registers)
    return b"".join(reversed(registers))
