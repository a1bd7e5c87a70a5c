"""A mapping: where a vendor's JSON has its times, its channels and its payload. Data only; nothing of a vendor runs."""

import tomllib
from collections.abc import Mapping as Table
from dataclasses import dataclass, field
from typing import Any

from cityloop.convey.stream.mappings.paths import Path, path_of
from cityloop.convey.stream.mappings.payload import Payload, payload_of
from cityloop.convey.stream.mappings.times import TimeFormat, format_of
from cityloop.kernel.errors import CityloopError
from cityloop.kernel.text import Text

PROTOCOL_PREFIX = "json:"
"""Before a mapping's code in the ledger: a device with the protocol `json:chirpstack-v4` publishes such JSON."""

CHANNELS_MAX = 500
"""Bound of the channels of a mapping."""

_KNOWN = {"code", "title", "basis", "extends", "device", "items", "time", "values", "channel", "payload"}


class MappingError(CityloopError):
    """A file of a mapping cannot be used."""

    key = "The mapping %(file)s cannot be used: %(reason)s"
    status = 400


@dataclass(frozen=True, slots=True)
class ChannelRule:
    """Where one channel stands.

    Attributes:
        name: of the channel, as the ledger has it.
        path: to its value.
        scale: what a number is multiplied by.
        offset: what is added afterwards.
        unit: of the value after that, for a person.
        optional: whether the ledger need not name it: such as a radio's signal strength.
        words: numbers that stand for words and truth values, such as `open`.
    """

    name: str
    path: Path
    scale: float = 1.0
    offset: float = 0.0
    unit: str = ""
    optional: bool = False
    words: Table[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mapping:
    """How the messages of a kind of device are read.

    Attributes:
        code: its name, as the ledger has it behind `json:`.
        title: its name for a person.
        basis: what it was written after.
        device: path to the number by which the device names itself, compared with the ledger's address where both are
            there; None where it names none.
        items: path to a list of messages within the message; None where it holds one.
        time: paths to the time, the first that is there counts; none means the moment of arrival.
        time_format: how it is written.
        values: path to an object each member of which is a channel; None where there is none.
        channels: single channels.
        payload: the bytes of a radio device; None where there are none.
    """

    code: str
    title: Text
    basis: str
    device: Path | None
    items: Path | None
    time: tuple[Path, ...]
    time_format: TimeFormat
    values: Path | None
    channels: tuple[ChannelRule, ...]
    payload: Payload | None


def tables_of(text: str, *, file: str) -> dict[str, Any]:
    """Return the tables of a mapping's file.

    Raises:
        MappingError: if it is no TOML.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MappingError(file=file, reason=str(error)) from error


def mapping_of(tables: Table[str, Any], *, file: str) -> Mapping:
    """Return the mapping that tables describe.

    Args:
        tables: of the file, with those of the mapping it extends.
        file: its name, for a person.

    Raises:
        MappingError: if something is missing, misspelt or of another type.
    """
    if unknown := set(tables) - _KNOWN:
        raise MappingError(file=file, reason=f"unknown: {', '.join(sorted(unknown))}")
    try:
        mapping = _mapping(tables)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MappingError(file=file, reason=f"{type(error).__name__}: {error}") from error
    if not (mapping.values or mapping.channels or mapping.payload):
        raise MappingError(file=file, reason="it names no channel: values, channel or payload is missing")
    if len(mapping.channels) > CHANNELS_MAX:
        raise MappingError(file=file, reason=f"more than {CHANNELS_MAX} channels")
    return mapping


def extended(tables: Table[str, Any], base: Table[str, Any]) -> dict[str, Any]:
    """Return the tables of a mapping together with those of the mapping it extends: channels add, the rest replaces."""
    whole = {**base, **{key: value for key, value in tables.items() if key != "extends"}}
    whole["channel"] = [*base.get("channel", ()), *tables.get("channel", ())]
    whole["payload"] = {**base.get("payload", {}), **tables.get("payload", {})}
    return {key: value for key, value in whole.items() if value not in ([], {})}


def _mapping(tables: Table[str, Any]) -> Mapping:
    time = tables.get("time", {})
    paths = time.get("paths", ())
    return Mapping(
        code=_word(tables["code"]),
        title=Text(tables["title"]["zh"], tables["title"]["en"]),
        basis=_word(tables["basis"]),
        device=_optional(tables.get("device")),
        items=_optional(tables.get("items")),
        time=tuple(path_of(each) for each in paths),
        time_format=format_of(time.get("format", "iso8601"), zone=time.get("zone", "")),
        values=_optional(tables.get("values")),
        channels=tuple(_channel(each) for each in tables.get("channel", ())),
        payload=payload_of(tables["payload"]) if _has_bytes(tables) else None,
    )


def _has_bytes(tables: Table[str, Any]) -> bool:
    return bool(tables.get("payload", {}).get("field"))


def _optional(text: str | None) -> Path | None:
    return None if text is None else path_of(text)


def _word(text: Any) -> str:
    if not isinstance(text, str) or not text.strip():
        message = f"a word is missing: {text!r}"
        raise ValueError(message)
    return text


def _channel(table: Table[str, Any]) -> ChannelRule:
    known = {"name", "path", "scale", "offset", "unit", "optional", "words"}
    if unknown := set(table) - known:
        message = f"a channel knows no {', '.join(sorted(unknown))}"
        raise ValueError(message)
    return ChannelRule(
        name=_word(table["name"]),
        path=path_of(table["path"]),
        scale=float(table.get("scale", 1.0)),
        offset=float(table.get("offset", 0.0)),
        unit=str(table.get("unit", "")),
        optional=bool(table.get("optional", False)),
        words={str(word): float(number) for word, number in table.get("words", {}).items()},
    )
