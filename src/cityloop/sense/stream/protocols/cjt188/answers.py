"""What a meter's answer says: counters, rates and temperatures in packed digits, each with its unit byte.

Source:
    CJ/T 188-2018, 8 and annexes; the codes stand in `data/codes.toml`.
"""

import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any

from cityloop.kernel.quality import Quality
from cityloop.sense.stream.protocols.bcd import low_first
from cityloop.sense.stream.protocols.cjt188.codec import CURRENT_DATA, Frame
from cityloop.sense.stream.protocols.local_time import device_us
from cityloop.sense.stream.protocols.unreadable import Reason, UnreadableError

CODES: dict[str, Any] = tomllib.loads(
    resources.files(__package__).joinpath("data/codes.toml").read_text(encoding="utf-8")
)
"""Code tables, edition by edition."""

_UNITS = {int(code, 16): entry for code, entry in CODES["units"].items()}
_IDENTIFICATION_BYTES = 3
_CLOCK_BYTES, _STATUS_BYTES = 7, 2
_CELSIUS, _HOURS = "Cel", "h"


@dataclass(frozen=True, slots=True)
class _Field:
    channel: str
    length: int
    decimals: int
    unit: str = ""
    """Empty where a unit byte follows the digits."""


_COUNTER = (_Field("volume", 4, 2), _Field("volume_settled", 4, 2))
_ENERGY = (_Field("energy", 4, 2), _Field("energy_settled", 4, 2))
_HEAT = (
    _Field("heat_settled", 4, 2),
    _Field("heat", 4, 2),
    _Field("power", 4, 2),
    _Field("flow", 4, 4),
    _Field("volume", 4, 2),
    _Field("supply_temperature", 3, 2, _CELSIUS),
    _Field("return_temperature", 3, 2, _CELSIUS),
    _Field("hours", 3, 0, _HOURS),
)
_FIRST_HEAT, _FIRST_GAS, _FIRST_OTHER = 0x20, 0x30, 0x40


@dataclass(frozen=True, slots=True)
class Value:
    """A value of an answer, in the unit it names."""

    channel: str
    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a meter said.

    Attributes:
        values: counters, rates, temperatures, and the fields of the status byte.
        quality: what the status says of all of them.
        clock_us: the meter's clock, microseconds since the Unix epoch, UTC; None where it shows no possible time.
    """

    values: tuple[Value, ...]
    quality: Quality
    clock_us: int | None


def answer_of(frame: Frame) -> Answer:
    """Return what an answer to the question for the current reading says.

    Raises:
        UnreadableError: if it is another answer, its length is none known, or a half byte is no digit.
    """
    identification, body = frame.data[:2], frame.data[_IDENTIFICATION_BYTES:]
    if identification not in (CURRENT_DATA, CURRENT_DATA[::-1]):
        raise UnreadableError(Reason.UNSUPPORTED, f"data identification {identification.hex()}")
    fields = _layout(frame.kind)
    size = sum(each.length + (not each.unit) for each in fields)
    if len(body) != size + _CLOCK_BYTES + _STATUS_BYTES:
        raise UnreadableError(
            Reason.MALFORMED, f"a meter of kind {frame.kind:02X} does not answer {len(frame.data)} bytes"
        )
    status, quality = _status(body[-_STATUS_BYTES])
    clock_us = _clock_us(body[size : size + _CLOCK_BYTES])
    return Answer((*_values(fields, body), *status), quality, clock_us)


def _layout(kind: int) -> tuple[_Field, ...]:
    if _FIRST_HEAT <= kind < _FIRST_GAS:
        return _HEAT
    return _ENERGY if kind >= _FIRST_OTHER else _COUNTER


def _values(fields: tuple[_Field, ...], body: bytes) -> list[Value]:
    found, at = [], 0
    for each in fields:
        digits = low_first(body[at : at + each.length])
        at += each.length
        if digits is None:
            raise UnreadableError(Reason.NOT_A_NUMBER, f"{each.channel}: {body[at - each.length : at].hex()}")
        number = digits / 10**each.decimals
        if each.unit:
            found.append(Value(each.channel, number, each.unit))
        else:
            found.append(_with_unit(each.channel, number, body[at]))
            at += 1
    return found


def _with_unit(channel: str, number: float, code: int) -> Value:
    if code not in _UNITS:
        raise UnreadableError(Reason.UNSUPPORTED, f"{channel}: unit byte {code:02X}")
    return Value(channel, number * _UNITS[code]["factor"], _UNITS[code]["unit"])


def _clock_us(label: bytes) -> int | None:
    second, minute, hour, day, month = (low_first(label[at : at + 1]) for at in range(5))
    year = low_first(label[5:7])
    if None in (second, minute, hour, day, month, year):
        return None
    return device_us((year or 0, month or 0, day or 0, hour or 0, minute or 0, second or 0))


def _status(byte: int) -> tuple[list[Value], Quality]:
    values, quality = [], Quality.GOOD
    for entry in CODES["status"]:
        value = byte >> entry["at"] & (1 << entry["bits"]) - 1
        values.append(Value(entry["name"], float(value), ""))
        if value in entry["suspect"]:
            quality = Quality.SUSPECT
    return values, quality
