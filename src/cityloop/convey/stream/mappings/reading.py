"""Reads one message by a mapping: which channels it holds, with which values, at which time."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec

from cityloop.convey.stream.mappings.mapping import ChannelRule, Mapping
from cityloop.convey.stream.mappings.paths import MISSING, found_at
from cityloop.convey.stream.mappings.payload import scaled

ITEMS_MAX = 1_000
"""Bound of the messages within a message."""

VALUES_MAX = 1_000
"""Bound of the channels of one message."""

WORD_CHARACTERS_MAX = 1_000
"""Bound of a value that is a word, characters."""


class Unfit(StrEnum):
    """Why a message or a part of it was refused."""

    UNKNOWN_TOPIC = "unknown_topic"
    UNKNOWN_DEVICE = "unknown_device"
    WRONG_DEVICE = "wrong_device"
    UNMAPPED = "unmapped"
    MALFORMED = "malformed"
    BAD_TIME = "bad_time"
    BAD_PAYLOAD = "bad_payload"
    NO_VALUE = "no_value"
    UNKNOWN_CHANNEL = "unknown_channel"


class UnfitError(Exception):
    """A message, or a part of it, that cannot be read."""

    def __init__(self, reason: Unfit, detail: str) -> None:
        """Say why, as a code and for a person."""
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class MappedValue:
    """One value of a message.

    Attributes:
        channel: as the ledger has it.
        value: a number, or a word where the device sends one.
        time_us: when, microseconds since the Unix epoch, UTC; None where the message tells no time.
        unit: for a person; empty where the mapping names none.
        optional: whether the ledger need not name the channel.
    """

    channel: str
    value: float | str
    time_us: int | None
    unit: str = ""
    optional: bool = False


@dataclass(slots=True)
class MappedMessage:
    """What a message says.

    Attributes:
        device: how the device names itself; empty where it does not.
        values: in the order of the mapping.
        unfit: parts that could not be read; the others can.
    """

    device: str = ""
    values: list[MappedValue] = field(default_factory=list)
    unfit: list[UnfitError] = field(default_factory=list)


def read_message(mapping: Mapping, payload: bytes) -> MappedMessage:
    """Return what a message says by a mapping.

    Args:
        mapping: how to read it.
        payload: JSON.

    Raises:
        UnfitError: if nothing of it can be read.
    """
    try:
        whole = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnfitError(Unfit.MALFORMED, str(error)) from error
    read = MappedMessage()
    if mapping.device is not None and isinstance(named := found_at(mapping.device, whole), str | int):
        read.device = str(named)
    for item in _items(mapping, whole):
        try:
            _read_item(mapping, item, read)
        except UnfitError as error:
            read.unfit.append(error)
    return read


def _items(mapping: Mapping, whole: Any) -> list[Any]:
    if mapping.items is None:
        return [whole]
    items = found_at(mapping.items, whole)
    if not isinstance(items, list) or len(items) > ITEMS_MAX:
        raise UnfitError(Unfit.MALFORMED, f"no list of at most {ITEMS_MAX} messages where the mapping expects one")
    return items


def _read_item(mapping: Mapping, item: Any, read: MappedMessage) -> None:
    at_us = _time_us(mapping, item)
    for value in (*_members(mapping, item, at_us, read), *_channels(mapping, item, at_us, read)):
        read.values.append(value)
    if mapping.payload is None:
        return
    try:
        found = list(mapping.payload.values(item))
    except ValueError as error:
        raise UnfitError(Unfit.BAD_PAYLOAD, str(error)) from error
    for each, number in found:
        if number is not None:
            read.values.append(MappedValue(each.name, number, at_us, each.unit, each.optional))


def _time_us(mapping: Mapping, item: Any) -> int | None:
    shown = next((s for path in mapping.time if (s := found_at(path, item)) not in (MISSING, None)), None)
    if shown is None:
        return None
    try:
        return mapping.time_format.read(shown)
    except (ValueError, TypeError, OverflowError) as error:
        raise UnfitError(Unfit.BAD_TIME, f"{mapping.time_format.name}: {error}"[:300]) from error


def _members(mapping: Mapping, item: Any, at_us: int | None, read: MappedMessage) -> Iterator[MappedValue]:
    if mapping.values is None or (members := found_at(mapping.values, item)) in (MISSING, None):
        return
    if not isinstance(members, dict) or len(members) > VALUES_MAX:
        raise UnfitError(Unfit.MALFORMED, f"no object of at most {VALUES_MAX} values where the mapping expects one")
    named = {rule.name for rule in mapping.channels}
    for name, shown in members.items():
        if name in named or shown is None:
            continue
        try:
            yield MappedValue(name, _value(shown, {}), at_us)
        except UnfitError as error:
            read.unfit.append(UnfitError(error.reason, f"{name[:100]}: {error}"))


def _channels(mapping: Mapping, item: Any, at_us: int | None, read: MappedMessage) -> Iterator[MappedValue]:
    for rule in mapping.channels:
        shown = found_at(rule.path, item)
        if shown is MISSING or shown is None:
            continue
        try:
            yield MappedValue(rule.name, _ruled(rule, shown), at_us, rule.unit, rule.optional)
        except UnfitError as error:
            read.unfit.append(UnfitError(error.reason, f"{rule.name}: {error}"))


def _ruled(rule: ChannelRule, shown: Any) -> float | str:
    value = _value(shown, rule.words)
    return value if isinstance(value, str) else scaled(value, rule.scale, rule.offset)


def _value(shown: Any, words: Any) -> float | str:
    word = str(shown).lower() if isinstance(shown, bool) else shown
    if isinstance(word, str) and word in words:
        return float(words[word])
    if isinstance(shown, str):
        return _number_in(shown)
    if not isinstance(shown, int | float):
        raise UnfitError(Unfit.NO_VALUE, f"a value is a number, a word or a truth value, not {type(shown).__name__}")
    return _finite(shown)


def _number_in(text: str) -> float | str:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if math.isfinite(number):
        return number
    if len(text) > WORD_CHARACTERS_MAX:
        raise UnfitError(Unfit.NO_VALUE, f"a word of {len(text)} characters")
    return text


def _finite(number: float) -> float:
    try:
        return float(number)
    except OverflowError as error:
        raise UnfitError(Unfit.NO_VALUE, "a number beyond all bounds") from error
