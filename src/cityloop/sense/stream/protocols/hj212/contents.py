"""Contents of a data message: factors with their values, marks and times, as measurements."""

import math
import re
import tomllib
from dataclasses import dataclass, field
from importlib.resources import files

from cityloop.kernel.quality import Quality
from cityloop.sense.stream.protocols.hj212.message import Message, moment_us
from cityloop.sense.stream.protocols.port import Measurement

SPANS = {
    "2011": "",
    "2021": "",
    "2031": "@day",
    "2041": "@day",
    "2051": "@minute",
    "2061": "@hour",
}
"""Commands that carry data, and what a channel is called after it: an hour's mean is not a minute's."""

_TABLE = tomllib.loads((files(__package__) / "data" / "flags.toml").read_text(encoding="utf-8"))

QUALITIES = {mark: Quality[name] for mark, name in _TABLE["quality"].items()}
"""Quality by the station's mark; a mark that is not in it is suspect."""

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_MARKS = frozenset({"Flag", "EFlag", "SampleTime"})
_NUMBER_CHARACTERS_MAX = 40


@dataclass(slots=True)
class Contents:
    """What a data message measured.

    Attributes:
        measurements: the values.
        unreadable: fields whose value is no number, or which have no time.
    """

    measurements: list[Measurement] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)


def contents_of(message: Message) -> Contents:
    """Return what a data message measured; times are UTC+8 in it.

    A value's time is its own sample time, else the message's data time, else the moment of the request.
    """
    fields = [part.partition("=")[::2] for part in re.split("[;,]", message.contents)]
    named = {name.strip(): value.strip() for name, value in fields if name.strip()}
    default_us = moment_us(named.get("DataTime", "")) or message.request_us
    contents = Contents()
    for name, value in named.items():
        factor, dash, attribute = name.rpartition("-")
        if not dash or attribute in _MARKS:
            continue
        number = _number(value)
        time_us = moment_us(named.get(f"{factor}-SampleTime", "")) or default_us
        if number is None or time_us is None:
            contents.unreadable.append(f"{name}={value[:_NUMBER_CHARACTERS_MAX]}")
            continue
        quality = QUALITIES.get(named.get(f"{factor}-Flag", "N"), Quality.SUSPECT)
        channel = name + SPANS[message.command]
        contents.measurements.append(Measurement(message.station, channel, time_us, number, quality=quality))
    return contents


def _number(text: str) -> float | None:
    if len(text) > _NUMBER_CHARACTERS_MAX or not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None
