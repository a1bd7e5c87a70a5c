"""Reads CSV files into columns of readings, and counts what is left out and why."""

import csv
import gzip
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from cityloop.kernel.clocks import CITY_ZONE
from cityloop.kernel.errors import CityloopError
from cityloop.kernel.instants import to_us
from cityloop.site.language import gettext_noop
from cityloop.site.replay.mapping import Column, Mapping, MappingError, Source, TimeColumns

EMPTY = gettext_noop("empty")
NOT_A_NUMBER = gettext_noop("not a number")
FAULT = gettext_noop("fault value")
OUT_OF_RANGE = gettext_noop("out of range")
BAD_TIME = gettext_noop("unreadable time")
REPEATED = gettext_noop("repeated time")

_INSTANTS_KEPT = 65_536
"""Instants remembered, for the files of one set mostly share them."""


class NoReadingsError(CityloopError):
    """A mapping's files hold nothing that can be played."""

    key = "%(name)s: no readings were found in %(folder)s."
    status = 404


@dataclass(frozen=True, slots=True)
class Events:
    """Readings in order of time, shape (n,) each column.

    Attributes:
        time_us: microseconds since the epoch, UTC, ascending.
        stream: index into the streams of whoever yields them.
        value: the result.
    """

    time_us: npt.NDArray[np.int64]
    stream: npt.NDArray[np.int32]
    value: npt.NDArray[np.float64]

    def __len__(self) -> int:
        """Return how many readings there are."""
        return len(self.time_us)

    def part(self, rows: slice | npt.NDArray[np.int64]) -> "Events":
        """Return some of the rows."""
        return Events(self.time_us[rows], self.stream[rows], self.value[rows])


def events_of(time_us: Sequence[int], stream: Sequence[int], value: Sequence[float]) -> Events:
    """Return rows as columns, in the order given."""
    return Events(np.array(time_us, np.int64), np.array(stream, np.int32), np.array(value, np.float64))


@dataclass(frozen=True, slots=True)
class Recording:
    """What a mapping's files hold.

    Attributes:
        streams: stream codes; `events.stream` points into them.
        events: the readings, times of the city's clock where the mapping says so, not yet shifted.
        dropped: how many cells were left out, by reason.
    """

    streams: tuple[str, ...]
    events: Events
    dropped: Counter[str]


@dataclass(slots=True)
class _Pile:
    """Readings as they are found."""

    codes: dict[str, int] = field(default_factory=dict)
    time_us: list[int] = field(default_factory=list)
    stream: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)

    def index_of(self, code: str) -> int:
        return self.codes.setdefault(code, len(self.codes))

    def recording(self) -> Recording:
        events = events_of(self.time_us, self.stream, self.value)
        order = np.lexsort((np.arange(len(events)), events.stream, events.time_us))
        events = events.part(order)
        repeated = np.zeros(len(events), bool)
        repeated[1:] = (np.diff(events.time_us) == 0) & (np.diff(events.stream) == 0)
        if count := int(repeated.sum()):
            self.dropped[REPEATED] += count
        return Recording(tuple(self.codes), events.part(np.flatnonzero(~repeated)), self.dropped)


def read_recording(mapping: Mapping, folder: Path, *, on_file: Callable[[str], None] = lambda _: None) -> Recording:
    """Return all readings of a mapping's files.

    Args:
        mapping: what to read.
        folder: where the files lie.
        on_file: told each file's name before it is read.

    Raises:
        MappingError: if a pattern finds no file, or a file lacks a column.
        NoReadingsError: if nothing is left after dropping.
    """
    pile = _Pile()
    for number, source in enumerate(mapping.sources, start=1):
        files = sorted(folder.glob(source.files))
        if not files:
            raise MappingError(file=mapping.name, at=f"source[{number}].files", reason=f"no such file: {source.files}")
        for file in files:
            on_file(file.name)
            _read_file(mapping, source, file, pile)
    recording = pile.recording()
    if not len(recording.events):
        raise NoReadingsError(name=mapping.name, folder=str(folder))
    return recording


def files_present(mapping: Mapping, folder: Path) -> bool:
    """Return whether every pattern of a mapping finds a file."""
    return all(any(folder.glob(source.files)) for source in mapping.sources)


def _opened(file: Path) -> IO[str]:
    if file.suffix == ".gz":
        return gzip.open(file, "rt", encoding="utf-8-sig", newline="")
    return file.open(encoding="utf-8-sig", newline="")


def _rows(file: Path, mapping: Mapping) -> Iterator[list[str]]:
    try:
        with closing(_opened(file)) as stream:
            yield from csv.reader(stream)
    except (OSError, UnicodeDecodeError, EOFError, csv.Error) as error:
        raise MappingError(
            file=mapping.name, at="source.files", reason=f"{file.name} cannot be read: {error}"
        ) from error


def _read_file(mapping: Mapping, source: Source, file: Path, pile: _Pile) -> None:
    rows = _rows(file, mapping)
    heading = next(rows, [])
    wanted = (*source.time.columns, *(column.name for column in source.columns))
    for name in wanted:
        if name not in heading:
            raise MappingError(file=mapping.name, at=f"columns.{name}", reason=f"{file.name} has no such column")
    instant = _instant_reader(source.time, [heading.index(name) for name in source.time.columns])
    stem = file.name.split(".", maxsplit=1)[0].lower()
    cells = [
        (heading.index(column.name), pile.index_of(column.stream.replace("{stem}", stem)), column)
        for column in source.columns
    ]
    for row in rows:
        time_us = instant(row)
        if time_us is None:
            pile.dropped[BAD_TIME] += 1
            continue
        _take_cells(row, time_us, cells, pile)


def _take_cells(row: list[str], time_us: int, cells: list[tuple[int, int, Column]], pile: _Pile) -> None:
    for position, stream, column in cells:
        result = result_of(row[position] if position < len(row) else "", column)
        if isinstance(result, str):
            pile.dropped[result] += 1
            continue
        pile.time_us.append(time_us)
        pile.stream.append(stream)
        pile.value.append(result)


def result_of(cell: str, column: Column) -> float | str:
    """Return a cell's result, or the reason it is left out."""
    text = cell.strip()
    if not text:
        return EMPTY
    try:
        number = float(text)
    except ValueError:
        return NOT_A_NUMBER
    if not math.isfinite(number):
        return NOT_A_NUMBER
    if number in column.drop:
        return FAULT
    result = number * column.scale + column.offset
    return result if column.minimum <= result <= column.maximum else OUT_OF_RANGE


def _instant_reader(time: TimeColumns, positions: list[int]) -> Callable[[list[str]], int | None]:
    def read(row: list[str]) -> int | None:
        try:
            return instant_us(" ".join(row[position] for position in positions), time)
        except (ValueError, IndexError, OverflowError):
            return None

    return read


@lru_cache(maxsize=_INSTANTS_KEPT)
def instant_us(text: str, time: TimeColumns) -> int:
    """Return the instant a text names, microseconds since the epoch, carried to the city's wall clock where asked.

    Raises:
        ValueError: if the text is not of the format.
    """
    moment = datetime.fromisoformat(text) if time.format == "iso" else datetime.strptime(text, time.format)  # noqa: DTZ007  the zone follows
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=time.zone)
    if time.local_zone is not None:
        moment = moment.astimezone(time.local_zone).replace(tzinfo=CITY_ZONE, fold=0)
    return to_us(moment)
