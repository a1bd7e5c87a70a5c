"""Permitted hours: which moments lie within them, by weekday, working day and season, on the city's clock."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from cityloop.kernel.errors import CityloopError
from cityloop.kernel.text import Text

Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

LINES_MAX = 50
"""How many lines a schedule has at the most."""

_US_PER_MINUTE = 60_000_000
_DAY_MIN = 1440
_CITY_OFFSET_MIN = 480
"""Asia/Shanghai is UTC+8 without summer time since 1992 (IANA tz database)."""
_EPOCH = date(1970, 1, 1)
_WEEKEND = 6
_WEEK_DAYS = 7
_HOUR_MIN = 60
_LEAP_YEAR = 2000
_LINE = re.compile(
    r"(?:(\d\d)-(\d\d)\.\.(\d\d)-(\d\d)\s+)?(all|work|rest|[1-7](?:-[1-7])?(?:,[1-7](?:-[1-7])?)*)"
    r"\s+(\d\d):(\d\d)-(\d\d):(\d\d)"
)


class ScheduleError(CityloopError):
    """A line that says no permitted hours."""

    key = "This schedule cannot be used: %(reason)s"
    status = 422


@dataclass(frozen=True, slots=True)
class Span:
    """Hours that are permitted on some days.

    Attributes:
        season: first and last day of the year, as (month, day) each, None for the whole year; it may pass New Year.
        days: ISO weekdays 1 to 7, or `work` or `rest` by the calendar.
        begin_min: minutes after midnight.
        end_min: minutes after midnight, up to 1440; before `begin_min` where it ends on the day after.
    """

    season: tuple[tuple[int, int], tuple[int, int]] | None
    days: frozenset[int] | str
    begin_min: int
    end_min: int

    def is_on(self, day: date, *, is_worked: bool) -> bool:
        """Return whether it begins on a day."""
        if self.season is not None:
            first, last = self.season
            now = (day.month, day.day)
            if not (first <= now <= last if first <= last else now >= first or now <= last):
                return False
        if isinstance(self.days, str):
            return is_worked == (self.days == "work")
        return day.isoweekday() in self.days


def spans_of(lines: Sequence[str]) -> tuple[Span, ...]:
    """Return the permitted hours that lines say.

    A line is `[MM-DD..MM-DD] DAYS HH:MM-HH:MM`; DAYS are ISO weekdays (`1-5`, `6,7`; `5-1` is Friday to Monday),
    `all`, `work` (days that are worked after the calendar) or `rest` (days that are not). Hours that end before
    they begin end on the day after.

    Raises:
        ScheduleError: if there is none, too many, or one that cannot be read.
    """
    if not 1 <= len(lines) <= LINES_MAX:
        raise ScheduleError(reason=Text("须有1至50行时段。", "it needs 1 to 50 lines."))
    return tuple(_span(line) for line in lines)


def _span(line: str) -> Span:
    told = _LINE.fullmatch(line.strip())
    if told is None:
        raise ScheduleError(reason=Text(f"无法识别“{line}”。", f"“{line}” cannot be read."))
    begin_min, end_min = (_HOUR_MIN * int(told[hour]) + int(told[hour + 1]) for hour in (6, 8))
    fits = max(begin_min, end_min) <= _DAY_MIN and max(int(told[7]), int(told[9])) < _HOUR_MIN and begin_min != end_min
    try:
        season = None
        if told[1] is not None:
            ends = (int(told[1]), int(told[2])), (int(told[3]), int(told[4]))
            season = ends if [date(_LEAP_YEAR, *end) for end in ends] else None
    except ValueError:
        fits = False
    if not fits:
        raise ScheduleError(reason=Text(f"“{line}”中没有这样的时刻。", f"“{line}” has no such time."))
    days = told[5] if told[5] in ("work", "rest") else frozenset(_weekdays(told[5]))
    return Span(season, days, begin_min, end_min)


def _weekdays(told: str) -> Iterable[int]:
    if told == "all":
        return range(1, 8)
    pairs = [part.partition("-") for part in told.split(",")]
    ends = [(int(first), int(last or first)) for first, _, last in pairs]
    return [
        (first + step - 1) % _WEEK_DAYS + 1 for first, last in ends for step in range((last - first) % _WEEK_DAYS + 1)
    ]


def hours_between(
    spans: Sequence[Span], first: date, last: date, *, worked: Mapping[date, bool]
) -> tuple[tuple[int, int], ...]:
    """Return the permitted spans of time from one day to another, merged, rising.

    Args:
        spans: the permitted hours.
        first: first day, in the city.
        last: last day, inclusive.
        worked: which days are worked after the calendar; days it does not know are so from Monday to Friday.

    Returns:
        Beginnings and ends, microseconds since the Unix epoch; none ends when the next begins.
    """
    found: list[tuple[int, int]] = []
    day = first - timedelta(days=1)
    while day <= last:
        midnight = (day - _EPOCH).days * _DAY_MIN - _CITY_OFFSET_MIN
        is_worked = worked.get(day, day.isoweekday() < _WEEKEND)
        for span in spans:
            if span.is_on(day, is_worked=is_worked):
                end = span.end_min + (_DAY_MIN if span.end_min < span.begin_min else 0)
                found.append((midnight + span.begin_min, midnight + end))
        day += timedelta(days=1)
    merged: list[tuple[int, int]] = []
    for begin, end in sorted(found):
        if merged and begin <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((begin, end))
    return tuple((begin * _US_PER_MINUTE, end * _US_PER_MINUTE) for begin, end in merged)


def is_permitted(at_us: Int64s, hours: Sequence[tuple[int, int]]) -> Bools:
    """Return which moments lie in permitted spans; the beginning of one does, its end does not."""
    if not hours:
        return np.zeros(len(at_us), dtype=bool)
    begin, end = np.array(hours, dtype=np.int64).T
    place = np.searchsorted(begin, at_us, "right") - 1
    return np.asarray((place >= 0) & (at_us < end[place]))


def turns(hours: Sequence[tuple[int, int]], *, since_us: int, until_us: int) -> Int64s:
    """Return the moments after one and up to another at which something begins or ends to be permitted, rising."""
    edges = np.array([edge for span in hours for edge in span], dtype=np.int64)
    return edges[(edges > since_us) & (edges <= until_us)]
