"""The same day last year, in four variants; a comparison always names the one it used."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from cityloop.decide.rules.forecasting.calendar import (
    day_of_lunar,
    days_from_festival,
    heating_season_start,
    in_heating_season,
    lunar_of,
)

FESTIVAL_REACH = 15
"""So many days around Spring Festival a day is held against its lunar counterpart (house default)."""

WEEKS_PER_YEAR = 52


class Variant(StrEnum):
    """What "the same day last year" means."""

    DATE = "date"
    WEEKDAY = "weekday"
    LUNAR = "lunar"
    HEATING = "heating"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A day held against its counterpart.

    Attributes:
        variant: which counterpart.
        day: the counterpart.
        then: its value, in the stream's unit, None where it is not known.
        change: how much more the day has, as a share of then; None where it cannot be told.
    """

    variant: Variant
    day: date
    then: float | None
    change: float | None


def same_day_last_year(day: date, variant: Variant) -> date | None:
    """Return the counterpart of a day, None where there is none: outside of the heating season, by its day.

    29 February is held against 28 February; a day of a leap month against the plain month of the year before; the
    thirtieth of a month against the twenty-ninth where the month was shorter.

    Source:
        Domain reference, sections 1.4 and 4.2.
    """
    if variant is Variant.DATE:
        last = (day.month, min(day.day, 28)) if (day.month, day.day) == (2, 29) else (day.month, day.day)
        return date(day.year - 1, *last)
    if variant is Variant.WEEKDAY:
        return day - timedelta(weeks=WEEKS_PER_YEAR)
    if variant is Variant.LUNAR:
        year, month, number = lunar_of(day)
        return day_of_lunar(year - 1, abs(month), number)
    if not in_heating_season(day):
        return None
    start = heating_season_start(day)
    return date(start.year - 1, start.month, start.day) + (day - start)


def usual_variant(day: date) -> Variant:
    """Return the variant that suits a day: lunar around Spring Festival, heating in its season, weekday otherwise."""
    if abs(days_from_festival(day)) <= FESTIVAL_REACH:
        return Variant.LUNAR
    return Variant.HEATING if in_heating_season(day) else Variant.WEEKDAY


def compared(day: date, value: float, *, variant: Variant, totals: Mapping[date, float]) -> Comparison | None:
    """Return a day's value held against its counterpart of last year, None where the day has none.

    Args:
        day: the day.
        value: its total, in the stream's unit.
        variant: which counterpart.
        totals: totals of the days that are known.
    """
    counterpart = same_day_last_year(day, variant)
    if counterpart is None:
        return None
    then = totals.get(counterpart)
    return Comparison(variant, counterpart, then, (value - then) / abs(then) if then else None)
