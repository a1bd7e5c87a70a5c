"""The curve of a line: yesterday, today and the day ahead."""

from datetime import date, datetime, timedelta

import numpy as np

from cityloop.projects.lifelines.rules.days import HourPoint, Line, LineCurve
from cityloop.projects.lifelines.rules.lines import Told
from cityloop.projects.lifelines.rules.summing import Float64s
from cityloop.projects.lifelines.selectors.days import balance_of, counterpart_of
from cityloop.projects.lifelines.selectors.estimates import DayExpected, today_expected, tomorrow_expected
from cityloop.projects.lifelines.selectors.history import midnight_of
from cityloop.projects.lifelines.selectors.numbers import DAY, Numbers, numbers

HOURS = 24
_NOTHING = np.full(HOURS, np.nan)


def line_curve(line: Line, at: datetime) -> LineCurve:
    """Return the curve of a line's day as of an instant."""
    return curve_of(numbers(at, (line,))[line])


def curve_of(found: Numbers) -> LineCurve:
    """Return the curve that numbers make."""
    today, tomorrow = today_expected(found), tomorrow_expected(found)
    total = today.estimate.total * found.make.day_factor if today.estimate is not None else None
    capacity, supply = found.told.get(Told.CAPACITY), balance_of(found, total).supply
    _, other, _ = counterpart_of(found)
    days = ((-1, _yesterday(found)), (0, today), (1, tomorrow))
    points = tuple(
        point
        for step, expected in days
        for point in _points(found, found.day + step * DAY, other + step * DAY, expected)
    )
    return LineCurve(
        line=found.make.line,
        at=found.at,
        unit=found.make.hour_unit,
        hours=points,
        capacity_an_hour=_an_hour(found, capacity.value if capacity is not None else None),
        supply_an_hour=_an_hour(found, supply),
    )


def _an_hour(found: Numbers, of_the_day: float | None) -> float | None:
    return None if of_the_day is None else of_the_day / found.make.day_factor / HOURS


def _yesterday(found: Numbers) -> DayExpected | None:
    """Return what was forecast for yesterday, None where nothing was kept."""
    forecast = found.forecasts.get(found.day - DAY)
    if forecast is None:
        return None
    curve, low, high = (part[0] for part in forecast)
    return DayExpected(estimate=None, hours=curve, low=low, high=high, method=found.make.title, similar=())


def _points(found: Numbers, day: date, other: date, expected: DayExpected | None) -> list[HourPoint]:
    used = found.recent.day(day) if day <= found.day else _NOTHING
    then = found.hours_of(other)
    temperature = found.weather.of(day) if day <= found.day else found.weather.ahead_hours
    hours, low, high = (expected.hours, expected.low, expected.high) if expected is not None else (None, None, None)
    midnight = midnight_of(day)
    return [
        HourPoint(
            begins_at=midnight + timedelta(hours=hour),
            used=_at(used, hour),
            expected=_at(hours, hour),
            low=_at(low, hour),
            high=_at(high, hour),
            last_year=_at(then, hour),
            temperature=_at(temperature, hour),
        )
        for hour in range(HOURS)
    ]


def _at(hours: Float64s | None, hour: int) -> float | None:
    return float(hours[hour]) if hours is not None and np.isfinite(hours[hour]) else None


__all__ = ["curve_of", "line_curve"]
