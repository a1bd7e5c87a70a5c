"""The hours of lines: recent days from the readings themselves, older ones as they are kept."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import numpy.typing as npt

from cityloop.kernel.clocks import CITY_ZONE
from cityloop.kernel.declarations import matches_any
from cityloop.projects.lifelines.models import PastDay
from cityloop.projects.lifelines.rules.lines import MAKES, TEMPERATURE_STREAMS
from cityloop.projects.lifelines.rules.summing import Float64s, mean_of_known, sum_of_streams
from cityloop.sense import facade as sense
from cityloop.sense.facade import StreamView

PROJECT = "lifelines"
TEMPERATURE = "temperature"
"""The air temperature among the lines of the kept days."""

LINEPACK, INFLOW = ".linepack", ".inflow"
"""Behind a line's code: the line-pack it has, and what fills it, in the units of their streams."""

LIVE_DAYS = 7
"""So many days before today are always read anew: late readings may still come."""

SIMILAR_DAYS = 60
"""An estimate looks at so many days before."""

HOURS = 24
_HOUR = timedelta(hours=1)
_EPOCH = date(1970, 1, 1)
_CITY_OFFSET_HOURS = 8
"""Asia/Shanghai is UTC+8 without summer time since 1992 (IANA tz database)."""

_FACTORS = {str(make.line): make.hour_factor for make in MAKES.values()}

Days = dict[date, Float64s]
"""Hours of days, shape (24,) each, NaN where not known."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The streams each line is made of, and the project's streams by their code."""

    of: Mapping[str, tuple[int, ...]]
    by_code: Mapping[str, StreamView]


@dataclass(frozen=True, slots=True)
class Block:
    """Days in a row of one line.

    Attributes:
        first: the first day.
        values: its hours in the line's unit an hour, shape (days, 24), NaN where not known.
        filled: how many hours of streams were taken as usual because they had no reading, shape (days, 24).
        counts: readings that arrived, shape (days, 24).
        streams: hours of each stream in its own unit, shape (streams, days, 24).
    """

    first: date
    values: Float64s
    filled: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    streams: Float64s

    def day(self, day: date) -> Float64s:
        """Return the hours of one of its days."""
        hours: Float64s = self.values[(day - self.first).days]
        return hours


def midnight_of(day: date) -> datetime:
    """Return the instant a day begins in the city, UTC."""
    return datetime.combine(day, time(), CITY_ZONE).astimezone(UTC)


def local_day(instant: datetime) -> date:
    """Return the city's date at an instant."""
    return instant.astimezone(CITY_ZONE).date()


def sources() -> Sources:
    """Return which streams stand for each line and for the temperature."""
    views = {view.code.removeprefix(f"{PROJECT}/"): view for view in sense.streams_of_project(PROJECT)}
    patterns = {str(make.line): make.streams for make in MAKES.values()}
    of = {
        line: tuple(view.datastream_id for code, view in views.items() if matches_any(code, wanted))
        for line, wanted in patterns.items()
    }
    for make in MAKES.values():
        of |= {
            f"{make.line}{LINEPACK}": _named(views, (make.linepack,)),
            f"{make.line}{INFLOW}": _named(views, make.inflow),
        }
    of[TEMPERATURE] = tuple(view.datastream_id for code, view in views.items() if _is_temperature(code))
    return Sources(of, views)


def _named(views: Mapping[str, StreamView], codes: Iterable[str]) -> tuple[int, ...]:
    return tuple(views[code].datastream_id for code in codes if code in views)


def _is_temperature(code: str) -> bool:
    head, _, tail = TEMPERATURE_STREAMS[0].partition("*")
    return code.startswith(head) and code.endswith(tail)


def blocks(
    known: Sources, lines: Iterable[str], *, first: date, days: int, until: datetime | None = None
) -> dict[str, Block]:
    """Return days in a row of lines, read from the history with one question.

    Args:
        known: the streams.
        lines: codes of lines, or `TEMPERATURE`.
        first: the first day.
        days: how many.
        until: nothing later is looked at; the end of the last day where it is not given.
    """
    wanted = {line: known.of[line] for line in lines}
    ids = sorted({stream for streams in wanted.values() for stream in streams})
    end = midnight_of(first + timedelta(days=days))
    read = sense.hours_of_many(ids, since=midnight_of(first), until=min(end, until or end))
    row = read.hour + _CITY_OFFSET_HOURS - (first - _EPOCH).days * HOURS
    place = np.searchsorted(ids, read.datastream_id) if ids else read.datastream_id
    means = np.full((len(ids), days * HOURS), np.nan)
    counts = np.zeros((len(ids), days * HOURS), dtype=np.int64)
    means[place, row], counts[place, row] = read.mean, read.count
    found = {}
    for line, streams in wanted.items():
        mine = np.searchsorted(ids, streams) if streams else np.empty(0, dtype=np.int64)
        found[line] = _block(line, first, means[mine].reshape(-1, days, HOURS), counts[mine].reshape(-1, days, HOURS))
    return found


def _block(line: str, first: date, streams: Float64s, counts: npt.NDArray[np.int64]) -> Block:
    if line == TEMPERATURE:
        values, filled = mean_of_known(streams), np.zeros(streams.shape[1:], dtype=np.int64)
    else:
        values, filled = sum_of_streams(streams)
        values = values * _FACTORS.get(line, 1.0)
    return Block(first, values, filled, counts.sum(axis=0), streams)


def past_days(known: Sources, wanted: Mapping[str, Iterable[date]]) -> dict[str, Days]:
    """Return the hours of past days of lines: as they are kept, else read from the history.

    A kept day without any hour is read again: its readings may have been brought in since.

    Args:
        known: the streams.
        wanted: which days of which lines.
    """
    days = {line: set(chosen) for line, chosen in wanted.items()}
    every = set().union(*days.values()) if days else set()
    found: dict[str, Days] = {line: {} for line in days}
    rows = PastDay.objects.filter(line__in=list(days), day__in=every).values_list("line", "day", "hours")
    for line, day, hours in rows:
        if day in days[line] and any(hour is not None for hour in hours):
            found[line][day] = np.array(hours, dtype=np.float64)
    missing = {line: chosen - found[line].keys() for line, chosen in days.items()}
    for first, length in _runs(set().union(*missing.values()) if missing else set()):
        lines = [line for line, chosen in missing.items() if any(_lies_in(day, first, length) for day in chosen)]
        for line, block in blocks(known, lines, first=first, days=length).items():
            found[line] |= {day: block.day(day) for day in missing[line] if _lies_in(day, first, length)}
    return found


def _lies_in(day: date, first: date, length: int) -> bool:
    return 0 <= (day - first).days < length


def _runs(days: set[date]) -> list[tuple[date, int]]:
    """Return days as runs with no more than a week between two of them: each is one question."""
    runs: list[tuple[date, int]] = []
    for day in sorted(days):
        if runs and (day - runs[-1][0]).days <= runs[-1][1] + LIVE_DAYS:
            runs[-1] = (runs[-1][0], (day - runs[-1][0]).days + 1)
        else:
            runs.append((day, 1))
    return runs


def greatest_kept(*, since: date | None, before: date) -> dict[str, tuple[float, date]]:
    """Return of each line the largest total among the kept days, and its day.

    Args:
        since: the first day looked at, None for all.
        before: the first day not looked at.
    """
    rows = PastDay.objects.filter(day__lt=before, total__isnull=False)
    if since is not None:
        rows = rows.filter(day__gte=since)
    tops = rows.order_by("line", "-total", "day").distinct("line").values_list("line", "total", "day")
    return {line: (total, day) for line, total, day in tops if total is not None}


__all__ = [
    "INFLOW",
    "LINEPACK",
    "LIVE_DAYS",
    "PROJECT",
    "SIMILAR_DAYS",
    "TEMPERATURE",
    "Block",
    "Days",
    "Sources",
    "blocks",
    "greatest_kept",
    "local_day",
    "midnight_of",
    "past_days",
    "sources",
]
