"""The data items of a meter and how their digits are read.

Source:
    `data/items.toml`.
"""

import tomllib
from dataclasses import dataclass
from importlib import resources

from cityloop.kernel.text import Text
from cityloop.sense.stream.protocols.bcd import low_first
from cityloop.sense.stream.protocols.dlt645.codec import HAS_FAILED, HAS_MORE, IS_ANSWER, Edition, Frame
from cityloop.sense.stream.protocols.unreadable import Reason, UnreadableError

_SIGN = 0x80


@dataclass(frozen=True, slots=True)
class Item:
    """A data item.

    Attributes:
        code: its data identification, the highest digits first: `00010000`.
        title: what it is.
        length: bytes on the wire.
        decimals: digits behind the point.
        unit: of the value.
        signed: whether the highest bit is the sign.
    """

    code: str
    title: Text
    length: int
    decimals: int
    unit: str
    signed: bool


def _items() -> dict[str, Item]:
    table = tomllib.loads(resources.files(__package__).joinpath("data/items.toml").read_text(encoding="utf-8"))
    return {
        code: Item(
            code, Text(row["zh"], row["en"]), row["bytes"], row["decimals"], row["unit"], row.get("signed", False)
        )
        for code, row in table["items"].items()
    }


ITEMS = _items()
"""Every item we can ask for, by its code."""


def answered_item(frame: Frame) -> tuple[Item, float]:
    """Return which item an answer holds, and its value.

    Raises:
        UnreadableError: if it is an error, has parts to follow, or is no answer to a question for one of our items.
    """
    edition = _edition(frame)
    code = frame.data[: edition.identification_bytes][::-1].hex().upper()
    if (item := ITEMS.get(code)) is None:
        raise UnreadableError(Reason.UNSUPPORTED, f"data item {code or 'none'}")
    digits = frame.data[edition.identification_bytes :]
    if len(digits) != item.length:
        raise UnreadableError(Reason.WRONG_LENGTH, f"{code} has {item.length} bytes, not {len(digits)}")
    return item, _value(item, digits)


def value_bytes(item: Item, value: float) -> bytes:
    """Return a value as a meter sends it.

    Raises:
        ValueError: if it does not fit.
    """
    number = abs(round(value * 10**item.decimals))
    digits = bytes.fromhex(f"{number:0{2 * item.length}d}")[::-1]
    if len(digits) != item.length or (value < 0 and not item.signed):
        message = f"{value} does not fit {item.code}"
        raise ValueError(message)
    return digits[:-1] + bytes((digits[-1] | (_SIGN if value < 0 else 0),))


def _edition(frame: Frame) -> Edition:
    if frame.control & HAS_FAILED:
        raise UnreadableError(Reason.DEVICE_ERROR, f"the meter answers with an error: {frame.data.hex()}")
    if frame.control & HAS_MORE:
        raise UnreadableError(Reason.UNSUPPORTED, "an answer in several frames")
    for edition in Edition:
        if frame.control == edition.read | IS_ANSWER:
            return edition
    raise UnreadableError(Reason.UNSUPPORTED, f"control byte {frame.control:02X}")


def _value(item: Item, digits: bytes) -> float:
    is_negative = item.signed and digits[-1] & _SIGN
    number = low_first(digits[:-1] + bytes((digits[-1] & ~_SIGN,)) if is_negative else digits)
    if number is None:
        raise UnreadableError(Reason.NOT_A_NUMBER, f"{item.code}: {digits.hex()}")
    size: float = number / 10**item.decimals
    return -size if is_negative else size
