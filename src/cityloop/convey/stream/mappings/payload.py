"""Payloads of radio devices, described byte by byte: offset, type, order, scale."""

import base64
import binascii
import math
import struct
from collections.abc import Iterator
from collections.abc import Mapping as Table
from dataclasses import dataclass, field
from typing import Any

from cityloop.convey.stream.mappings.paths import MISSING, Path, found_at, path_of

BYTES_MAX = 1024
"""Bound of a payload, bytes; LoRaWAN's own is 242."""

FIELDS_MAX = 200
"""Bound of the fields of a mapping."""

_TYPES = {
    "uint8": "B",
    "int8": "b",
    "uint16": "H",
    "int16": "h",
    "uint32": "I",
    "int32": "i",
    "float32": "f",
    "float64": "d",
}
_ORDERS = {"be": ">", "le": "<"}
_BYTE_BITS = 8
_KNOWN = {"name", "offset", "type", "order", "bits", "scale", "shift", "unit", "port", "when", "optional", "invalid"}


@dataclass(frozen=True, slots=True)
class Field:
    """One value within the bytes.

    Attributes:
        name: of the channel.
        offset: of its first byte, from 0; negative from the end.
        layout: as `struct` writes it, with its order.
        bits: first bit (0 is the lowest) and how many of them, where it is a part of an integer; None for all.
        scale: what the number is multiplied by.
        shift: what is added afterwards.
        unit: of the value after that, for a person.
        port: the LoRaWAN port it comes on; None for any.
        when: offset and value of a byte that must hold that value, such as a message type; None for always.
        optional: whether the ledger need not name it.
        invalid: the raw number that stands for "not measured"; None for none.
    """

    name: str
    offset: int
    layout: str
    bits: tuple[int, int] | None = None
    scale: float = 1.0
    shift: float = 0.0
    unit: str = ""
    port: int | None = None
    when: tuple[int, int] | None = None
    optional: bool = False
    invalid: float | None = None

    @property
    def length(self) -> int:
        """Return how many bytes it takes."""
        return struct.calcsize(self.layout)

    def value(self, data: bytes) -> float | None:
        """Return its number in a payload, None where the payload is too short or the number stands for nothing."""
        start = self.offset if self.offset >= 0 else len(data) + self.offset
        if start < 0 or start + self.length > len(data):
            return None
        number = struct.unpack(self.layout, data[start : start + self.length])[0]
        if self.bits is not None:
            number = number >> self.bits[0] & (1 << self.bits[1]) - 1
        if number == self.invalid or not math.isfinite(number):
            return None
        return scaled(number, self.scale, self.shift)

    def holds(self, data: bytes, port: int | None) -> bool:
        """Return whether it is in a payload that came on a port."""
        if self.port is not None and port is not None and self.port != port:
            return False
        return self.when is None or (self.when[0] < len(data) and data[self.when[0]] == self.when[1])


@dataclass(frozen=True, slots=True)
class Payload:
    """Where the bytes are and what is in them.

    Attributes:
        path: to the text that holds them.
        encoding: `base64` or `hex`.
        port: path to the LoRaWAN port; None where there is none.
        fields: what is in them.
    """

    path: Path
    encoding: str
    port: Path | None
    fields: tuple[Field, ...] = field(default=())

    def values(self, message: Any) -> Iterator[tuple[Field, float | None]]:
        """Yield the fields a message holds, each with its number; None where the bytes do not reach.

        Raises:
            ValueError: if the bytes are there and cannot be read.
        """
        text = found_at(self.path, message)
        if text is MISSING or text is None or text == "":
            return
        data = _bytes(text, self.encoding)
        port = None if self.port is None else found_at(self.port, message)
        number = port if isinstance(port, int) else None
        yield from ((each, each.value(data)) for each in self.fields if each.holds(data, number))


def scaled(number: float, scale: float, shift: float) -> float:
    """Return a number scaled and shifted, without the digits that binary fractions add: 3 * 0.1 is 0.3."""
    return float(number) if (scale, shift) == (1.0, 0.0) else float(f"{number * scale + shift:.12g}")


def payload_of(table: Table[str, Any]) -> Payload:
    """Return what a table says of the bytes.

    Raises:
        ValueError: if it says something impossible.
        KeyError: if something is missing.
    """
    encoding = table.get("encoding", "base64")
    fields = tuple(_field(each) for each in table["field"])
    if encoding not in {"base64", "hex"} or len(fields) > FIELDS_MAX:
        message = f"no payload: encoding {encoding}, {len(fields)} fields"
        raise ValueError(message)
    port = table.get("port")
    return Payload(path_of(table["path"]), encoding, None if port is None else path_of(port), fields)


def _field(table: Table[str, Any]) -> Field:
    if unknown := set(table) - _KNOWN:
        message = f"a field knows no {', '.join(sorted(unknown))}"
        raise ValueError(message)
    bits, when = table.get("bits"), table.get("when")
    made = Field(
        name=str(table["name"]),
        offset=int(table["offset"]),
        layout=_ORDERS[table.get("order", "be")] + _TYPES[table["type"]],
        bits=None if bits is None else (int(bits[0]), int(bits[1])),
        scale=float(table.get("scale", 1.0)),
        shift=float(table.get("shift", 0.0)),
        unit=str(table.get("unit", "")),
        port=None if table.get("port") is None else int(table["port"]),
        when=None if when is None else (int(when["offset"]), int(when["value"])),
        optional=bool(table.get("optional", False)),
        invalid=None if table.get("invalid") is None else float(table["invalid"]),
    )
    _check(made)
    return made


def _check(made: Field) -> None:
    is_float = made.layout[1] in "fd"
    has_bits = made.bits is None or (
        not is_float and made.bits[0] >= 0 < made.bits[1] and sum(made.bits) <= _BYTE_BITS * made.length
    )
    reaches = -BYTES_MAX <= made.offset < BYTES_MAX and (made.when is None or made.when[0] >= 0)
    if not (has_bits and reaches and math.isfinite(made.scale) and math.isfinite(made.shift)):
        message = f"no field: {made}"
        raise ValueError(message)


def _bytes(text: Any, encoding: str) -> bytes:
    if not isinstance(text, str) or len(text) > 2 * BYTES_MAX:
        message = f"no {encoding} of at most {BYTES_MAX} bytes"
        raise ValueError(message)
    try:
        return bytes.fromhex(text) if encoding == "hex" else base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        message = f"no {encoding}: {error}"
        raise ValueError(message) from error
