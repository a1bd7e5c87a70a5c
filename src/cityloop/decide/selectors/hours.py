"""The history as the models want it: days of local hours."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from cityloop.decide.rules.forecasting.calendar import Marks, marks_of
from cityloop.decide.rules.forecasting.grid import HOURS, Float64s, day_grid
from cityloop.decide.selectors.streams import samples_of
from cityloop.kernel.clocks import CITY_ZONE
from cityloop.registry import facade as registry

_HOUR_S = 3600.0
_US_PER_HOUR = 3_600_000_000
_CITY_OFFSET_HOURS = 8
"""Asia/Shanghai is UTC+8 without summer time since 1992 (IANA tz database)."""
_EPOCH = date(1970, 1, 1)


def local_day(instant: datetime) -> date:
    """Return the city's date at an instant."""
    return instant.astimezone(CITY_ZONE).date()


def midnight_of(day: date) -> datetime:
    """Return the instant a day begins in the city, UTC."""
    return datetime.combine(day, time(), tzinfo=CITY_ZONE).astimezone(UTC)


def hours_of(datastream_id: int, *, first: date, days: int) -> Float64s:
    """Return the hourly means of a stream, shape (days, 24), NaN where it has none."""
    since, until = midnight_of(first), midnight_of(first + timedelta(days=days))
    at_us, means = samples_of(datastream_id, since=since, until=until, bucket_s=_HOUR_S)
    hour = at_us // _US_PER_HOUR + _CITY_OFFSET_HOURS
    return day_grid(hour, means, first_day=(first - _EPOCH).days, days=days)


def marks_between(first: date, days: int) -> Marks:
    """Return what the city's calendar says of days in a row."""
    worked = registry.workdays(first, first + timedelta(days=days))
    return marks_of(first, days, is_workday=worked.get)


def totals_of(datastream_id: int, days: Iterable[date]) -> dict[date, float]:
    """Return the sum of the hourly means of those days that have all their hours."""
    found = {}
    for day in days:
        values = hours_of(datastream_id, first=day, days=1)[0]
        if np.isfinite(values).sum() == HOURS:
            found[day] = float(values.sum())
    return found
