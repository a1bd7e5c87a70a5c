"""Mapping files: which column of which CSV file is which stream, and what to leave out.

The format is told in `docs/reference/replay.md`.
"""

import tomllib
from collections.abc import Mapping as Table
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cityloop.kernel.clocks import CITY_ZONE
from cityloop.kernel.declarations import Origin
from cityloop.kernel.errors import CityloopError
from cityloop.kernel.text import Text

KEEP_AHEAD_DAYS = 28.0
"""Days of readings that must lie ahead when a shift is chosen, so that it does not end at once."""


class MappingError(CityloopError):
    """A mapping file cannot be used; the field at fault is named."""

    key = "%(file)s, %(at)s: %(reason)s"

    def __init__(self, *, file: str, at: str, reason: str) -> None:
        """Name the file and the field, and say what is wrong with it."""
        super().__init__(field=at, file=file, at=at, reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeColumns:
    """How a row says when it was measured.

    Attributes:
        columns: the columns that make the time, joined by a space.
        format: a `strptime` format, or `iso`.
        zone: zone of times that name none.
        local_zone: where given, the clock on the wall of that zone is carried over to the city's wall, so that the
            morning peak stays in the morning.
    """

    columns: tuple[str, ...]
    format: str
    zone: ZoneInfo
    local_zone: ZoneInfo | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of readings.

    Attributes:
        name: its heading.
        stream: code of its stream; `{stem}` stands for the file's name without endings, in small letters.
        scale, offset: result = cell * scale + offset.
        drop: values that the source uses for a fault; such cells are dropped and counted.
        minimum, maximum: cells outside are dropped and counted, in the unit of the result.
    """

    name: str
    stream: str
    scale: float = 1.0
    offset: float = 0.0
    drop: tuple[float, ...] = ()
    minimum: float = float("-inf")
    maximum: float = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Files of one shape; `files` is a pattern below the data folder."""

    files: str
    time: TimeColumns
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """How old readings are brought to today.

    Attributes:
        by: `none` leaves times as they are; `weeks` moves by whole weeks so that the newest readings are today's;
            `years` by the whole weeks nearest to whole years, so that the season stays.
        keep_ahead_days: readings that must still lie ahead of now, days.
    """

    by: str = "none"
    keep_ahead_days: float = KEEP_AHEAD_DAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """A mapping file.

    Attributes:
        name: file name without ending; the position is kept under it.
        project: code of the project whose streams are fed, empty where stream numbers are given.
        source_text: what the readings are and under which licence, shown beside them.
        origin: how they are labelled.
        shift: how they are brought to today.
        sources: in order; where two give the same stream and time, the first counts.
    """

    name: str
    project: str
    source_text: Text
    origin: Origin
    shift: Shift
    sources: tuple[Source, ...] = field(default_factory=tuple)


class _Reader:
    """Reads one file's tables and names the field that is at fault."""

    def __init__(self, file: str) -> None:
        self.file = file

    def fail(self, *, at: str, reason: str) -> MappingError:
        return MappingError(file=self.file, at=at, reason=reason)

    def table(self, parent: Table[str, Any], key: str, path: str) -> Table[str, Any]:
        value = parent.get(key)
        if not isinstance(value, dict) or not value:
            raise self.fail(at=path, reason="a table is needed")
        return value

    def known(self, table: Table[str, Any], allowed: set[str], path: str) -> None:
        for key in table:
            if key not in allowed:
                raise self.fail(
                    at=f"{path}.{key}".lstrip("."), reason=f"is not known; known are {', '.join(sorted(allowed))}"
                )

    def text(self, parent: Table[str, Any], key: str, path: str, default: str | None = None) -> str:
        value = parent.get(key, default)
        if not isinstance(value, str):
            raise self.fail(at=path, reason="a text is needed")
        return value

    def number(self, parent: Table[str, Any], key: str, path: str, default: float) -> float:
        value = parent.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.fail(at=path, reason="a number is needed")
        return float(value)

    def choice(self, parent: Table[str, Any], key: str, path: str, choices: tuple[str, ...]) -> str:
        value = self.text(parent, key, path, choices[0])
        if value not in choices:
            raise self.fail(at=path, reason=f"{value!r} is none of {', '.join(choices)}")
        return value

    def zone(self, parent: Table[str, Any], key: str, path: str) -> ZoneInfo | None:
        if key not in parent:
            return None
        name = self.text(parent, key, path)
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise self.fail(at=path, reason=f"{name!r} is not a time zone") from error


def _time(reader: _Reader, table: Table[str, Any], path: str) -> TimeColumns:
    reader.known(table, {"column", "columns", "format", "zone", "local_zone"}, path)
    names = table.get("columns", [table["column"]] if "column" in table else None)
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise reader.fail(
            at=f"{path}.column", reason="the name of a column, or `columns` with a list of names, is needed"
        )
    return TimeColumns(
        columns=tuple(names),
        format=reader.text(table, "format", f"{path}.format", "iso"),
        zone=reader.zone(table, "zone", f"{path}.zone") or CITY_ZONE,
        local_zone=reader.zone(table, "local_zone", f"{path}.local_zone"),
    )


def _column(reader: _Reader, name: str, value: Any, path: str) -> Column:
    table = {"stream": value} if isinstance(value, str) else value
    if not isinstance(table, dict):
        raise reader.fail(at=path, reason="a stream code or a table is needed")
    reader.known(table, {"stream", "scale", "offset", "drop", "minimum", "maximum"}, path)
    drop = table.get("drop", [])
    if not isinstance(drop, list) or any(isinstance(item, bool) or not isinstance(item, int | float) for item in drop):
        raise reader.fail(at=f"{path}.drop", reason="a list of numbers is needed")
    return Column(
        name=name,
        stream=reader.text(table, "stream", f"{path}.stream"),
        scale=reader.number(table, "scale", f"{path}.scale", 1.0),
        offset=reader.number(table, "offset", f"{path}.offset", 0.0),
        drop=tuple(float(item) for item in drop),
        minimum=reader.number(table, "minimum", f"{path}.minimum", float("-inf")),
        maximum=reader.number(table, "maximum", f"{path}.maximum", float("inf")),
    )


def _source(reader: _Reader, table: Any, path: str) -> Source:
    if not isinstance(table, dict):
        raise reader.fail(at=path, reason="a table is needed")
    reader.known(table, {"files", "time", "columns"}, path)
    columns = reader.table(table, "columns", f"{path}.columns")
    return Source(
        files=reader.text(table, "files", f"{path}.files"),
        time=_time(reader, reader.table(table, "time", f"{path}.time"), f"{path}.time"),
        columns=tuple(_column(reader, name, value, f"{path}.columns.{name}") for name, value in columns.items()),
    )


def _shift(reader: _Reader, table: Any) -> Shift:
    if not isinstance(table, dict):
        raise reader.fail(at="shift", reason="a table is needed")
    reader.known(table, {"by", "keep_ahead_days"}, "shift")
    days = reader.number(table, "keep_ahead_days", "shift.keep_ahead_days", KEEP_AHEAD_DAYS)
    if days < 0:
        raise reader.fail(at="shift.keep_ahead_days", reason="must not be negative")
    return Shift(by=reader.choice(table, "by", "shift.by", ("none", "weeks", "years")), keep_ahead_days=days)


def _title(reader: _Reader, document: Table[str, Any]) -> Text:
    table = reader.table(document, "title", "title")
    try:
        return Text(reader.text(table, "zh", "title.zh"), reader.text(table, "en", "title.en"))
    except ValueError as error:
        raise reader.fail(at="title", reason=str(error)) from error


def parsed(text: str, *, name: str) -> Mapping:
    """Return the mapping that a TOML text describes.

    Args:
        text: the document.
        name: its file name, for messages and for the kept position.

    Raises:
        MappingError: names the field that cannot be used, and why.
    """
    reader = _Reader(name)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise reader.fail(at="file", reason=f"is not TOML: {error}") from error
    reader.known(document, {"title", "project", "origin", "shift", "source"}, "")
    sources = document.get("source")
    if not isinstance(sources, list) or not sources:
        raise reader.fail(at="source", reason="at least one [[source]] is needed")
    return Mapping(
        name=Path(name).stem,
        project=reader.text(document, "project", "project", ""),
        source_text=_title(reader, document),
        origin=Origin(reader.choice(document, "origin", "origin", ("replayed", "simulated", "live"))),
        shift=_shift(reader, document.get("shift", {})),
        sources=tuple(_source(reader, table, f"source[{number}]") for number, table in enumerate(sources, start=1)),
    )


def mapping_of(file: Path) -> Mapping:
    """Return the mapping in a file.

    Raises:
        MappingError: names the field that cannot be used, and why.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MappingError(file=str(file), at="file", reason=str(error)) from error
    return parsed(text, name=file.name)
