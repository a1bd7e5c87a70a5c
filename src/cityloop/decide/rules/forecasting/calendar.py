"""The calendar as a model sees it: days off and worked, heating season, the way to Spring Festival."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from lunar_python import Lunar, Solar  # type: ignore[import-untyped]  # the package brings no types

HEATING_FROM = (11, 15)
HEATING_UNTIL = (3, 15)
"""First and last day of Beijing's heating season, month and day.

Source:
    Beijing's rules on heating: 15 November to 15 March; the city may begin earlier and end later.
"""

FESTIVAL_DAYS = 21
"""From so many days on the distance from Spring Festival no longer tells anything."""

SATURDAY = 5
_DAYS_PER_YEAR = 365.25

Float64s = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Marks:
    """What the calendar says of days in a row, each column of shape (days,).

    Attributes:
        weekday: 0 is Monday.
        off: 1.0 where nobody works, weekends included.
        holiday: 1.0 where a day from Monday to Friday is off.
        makeup: 1.0 where a Saturday or Sunday is worked (调休).
        heating: 1.0 in the heating season.
        festival: days from the first day of Spring Festival, from -21 to 21, both meaning far away.
        turn: the position in the year as an angle, radians.
    """

    weekday: Float64s
    off: Float64s
    holiday: Float64s
    makeup: Float64s
    heating: Float64s
    festival: Float64s
    turn: Float64s

    def until(self, days: int) -> "Marks":
        """Return the first so many days."""
        return Marks(*(getattr(self, column.name)[:days] for column in fields(self)))

    def since(self, day: int) -> "Marks":
        """Return the days from one on."""
        return Marks(*(getattr(self, column.name)[day:] for column in fields(self)))


def marks_of(
    first: date, days: int, *, is_workday: Callable[[date], bool | None], lunar: bool = True, heating: bool = True
) -> Marks:
    """Return the marks of days in a row.

    Args:
        first: the first day.
        days: how many.
        is_workday: whether a day is worked, None where the calendar does not reach: then Monday to Friday are.
        lunar: whether the city keeps Spring Festival.
        heating: whether the city has Beijing's heating season.
    """
    row = [first + timedelta(days=number) for number in range(days)]
    weekday = np.array([day.weekday() for day in row], dtype=np.float64)
    off = np.array([_is_off(day, is_workday) for day in row], dtype=np.float64)
    weekend = weekday >= SATURDAY
    season = [in_heating_season(day) for day in row] if heating else [False] * days
    festival = [days_from_festival(day) for day in row] if lunar else [FESTIVAL_DAYS] * days
    turn = 2 * np.pi * np.array([day.timetuple().tm_yday for day in row]) / _DAYS_PER_YEAR
    return Marks(
        weekday,
        off,
        off * ~weekend,
        (1 - off) * weekend,
        np.array(season, dtype=np.float64),
        np.array(festival, dtype=np.float64),
        turn,
    )


def _is_off(day: date, is_workday: Callable[[date], bool | None]) -> bool:
    worked = is_workday(day)
    return day.weekday() >= SATURDAY if worked is None else not worked


def in_heating_season(day: date) -> bool:
    """Return whether Beijing heats on a day."""
    return (day.month, day.day) >= HEATING_FROM or (day.month, day.day) <= HEATING_UNTIL


def heating_season_start(day: date) -> date:
    """Return the first day of the heating season a day lies in, or of the last one before it."""
    year = day.year if (day.month, day.day) >= HEATING_FROM else day.year - 1
    return date(year, *HEATING_FROM)


def days_from_festival(day: date) -> int:
    """Return the days from the nearest first day of Spring Festival, negative before it, at most 21 either way."""
    ahead = [(day - spring_festival(year)).days for year in (day.year, day.year + 1) if spring_festival(year) > day]
    after = [(day - spring_festival(year)).days for year in (day.year, day.year - 1) if spring_festival(year) <= day]
    distance = min((*ahead, *after), key=abs)
    return max(-FESTIVAL_DAYS, min(FESTIVAL_DAYS, distance))


@lru_cache(maxsize=512)
def spring_festival(year: int) -> date:
    """Return the first day of Spring Festival, the first of the first lunar month, of a year."""
    return _solar(year, 1, 1)


def _solar(lunar_year: int, month: int, day: int) -> date:
    solar = Lunar.fromYmd(lunar_year, month, day).getSolar()
    return date(solar.getYear(), solar.getMonth(), solar.getDay())


def lunar_of(day: date) -> tuple[int, int, int]:
    """Return the lunar year, month (negative in a leap month) and day of a day.

    Source:
        The package lunar-python (MIT), which computes from the astronomical calendar.
    """
    lunar = Solar.fromYmd(day.year, day.month, day.day).getLunar()
    return int(lunar.getYear()), int(lunar.getMonth()), int(lunar.getDay())


def day_of_lunar(year: int, month: int, day: int) -> date:
    """Return the day of a lunar date; of a month that is a day shorter in that year, its last.

    Args:
        year: the lunar year.
        month: 1 to 12, the plain month where a leap month of the same number follows.
        day: 1 to 30.
    """
    start = _solar(year, month, 1)
    found = start + timedelta(days=day - 1)
    return found if lunar_of(found)[1] == month else found - timedelta(days=1)
