"""What the trees see of an hour ahead: only days before the forecast, the calendar, and weather that is given ahead.

A forecast is made at midnight, before day `origin`; the hour lies `ahead` days later. Values are told as distances from
the profile (the hour's median in the same weekdays before) in units of the stream's own restlessness, so that one model
serves streams of any size.
"""

from dataclasses import dataclass

import numpy as np

from cityloop.decide.rules.forecasting.grid import (
    DAYS_AHEAD,
    HOURS,
    Bools,
    Float64s,
    Int64s,
    Past,
    before,
    nan_mean,
    nan_median,
    row_at,
)

DAYS_MIN = 28
"""Days before the first forecast that can be learnt from: four weeks make a profile."""

WEEKS = (1, 2, 3, 4)
_WARM = 1.4826
"""Median absolute deviation to standard deviation, for a normal distribution."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Hours ahead as the models learn and forecast them, n = forecasts x 24.

    Attributes:
        seen: what is seen of each, shape (n, columns), NaN where it is not known.
        profile: what the profile says, in the stream's unit, shape (n,).
        value: what it was, NaN where that is not known, shape (n,).
        day: the day it lies in, shape (n,).
    """

    seen: Float64s
    profile: Float64s
    value: Float64s
    day: Int64s


@dataclass(frozen=True, slots=True)
class Memory:
    """What the columns are made of: means of each day and of the days before it, shape (days + 1, ...)."""

    day_mean: Float64s
    week_mean: Float64s
    month_mean: Float64s
    week_hours: Float64s
    month_hours: Float64s
    month_median: Float64s


def restlessness(values: Float64s) -> float:
    """Return the usual distance of an hour from the same hour a day before, in the stream's unit, > 0."""
    steps = np.abs(np.diff(values, axis=0))
    known = steps[np.isfinite(steps)]
    usual = float(np.median(known)) * _WARM if len(known) else 0.0
    if usual > 0:
        return usual
    return float(known.mean()) or 1.0 if len(known) else 1.0


def memory_of(values: Float64s) -> Memory:
    """Return the means of a series, days in rows; each row of a mean of days knows the days before its own alone."""
    full = np.isfinite(values).sum(axis=1) >= HOURS // 2
    day_mean = np.where(full, nan_mean(values, axis=1), np.nan)
    month = before(values, DAYS_MIN)
    days = before(day_mean, DAYS_MIN)
    return Memory(
        day_mean,
        nan_mean(days[:7], axis=0),
        nan_mean(days, axis=0),
        nan_mean(month[:7], axis=0),
        nan_mean(month, axis=0),
        nan_median(month, axis=0),
    )


def pairs_of(days: int) -> tuple[Int64s, Int64s]:
    """Return the origins and days ahead of all forecasts whose day is known, shape (n,) each."""
    origin = np.repeat(np.arange(DAYS_MIN, days), DAYS_AHEAD)
    ahead = np.tile(np.arange(DAYS_AHEAD), max(days - DAYS_MIN, 0))
    known = origin + ahead < days
    return origin[known], ahead[known]


def rows_of(past: Past, origin: Int64s, ahead: Int64s, *, scale: float) -> Rows:
    """Return the hours of forecasts, each `ahead` days after its `origin`, both of shape (forecasts,)."""
    memory = memory_of(past.values)
    target = origin + ahead
    weeks = np.stack([row_at(past.values, target - 7 * week) for week in WEEKS])
    profile = nan_median(weeks, axis=0)
    profile = np.where(np.isnan(profile), row_at(memory.month_median, origin), profile)
    columns = [
        *_calendar(past, origin, ahead),
        *_levels(past.values, memory, origin, [*weeks], profile, scale),
        *(_weather(past, origin, target) if past.weather is not None else ()),
    ]
    seen = np.stack(columns, axis=-1).reshape(len(origin) * HOURS, len(columns))
    value = row_at(past.values, target).reshape(-1)
    return Rows(seen, profile.reshape(-1), value, np.repeat(target, HOURS))


def _hours(column: Float64s) -> Float64s:
    return np.broadcast_to(column[:, None], (len(column), HOURS)).astype(np.float64)


def _calendar(past: Past, origin: Int64s, ahead: Int64s) -> list[Float64s]:
    marks, target = past.marks, origin + ahead
    hour = np.broadcast_to(np.arange(HOURS, dtype=np.float64), (len(origin), HOURS))
    days = (
        ahead.astype(np.float64),
        row_at(marks.weekday, target),
        row_at(marks.off, target),
        row_at(marks.holiday, target),
        row_at(marks.holiday, target - 1),
        row_at(marks.holiday, target + 1),
        row_at(marks.holiday, target - 7),
        row_at(marks.makeup, target),
        row_at(marks.off, origin - 1),
        row_at(marks.heating, target),
        row_at(marks.festival, target),
        np.sin(row_at(marks.turn, target)),
        np.cos(row_at(marks.turn, target)),
    )
    return [hour, *(_hours(column) for column in days)]


def _levels(  # noqa: PLR0913, PLR0917  what the columns are made of
    values: Float64s, memory: Memory, origin: Int64s, weeks: list[Float64s], profile: Float64s, scale: float
) -> list[Float64s]:
    lately = [row_at(values, origin - back) for back in (1, 2, 3)]
    means = [row_at(memory.week_hours, origin), row_at(memory.month_hours, origin)]
    near = [(one - profile) / scale for one in (*weeks, *lately, *means)]
    month = row_at(memory.month_mean, origin)
    day = memory.day_mean
    days = (row_at(day, origin - 1), row_at(day, origin - 2), row_at(day, origin - 7), row_at(memory.week_mean, origin))
    levels = [_hours((one - month) / scale) for one in days]
    surprise = (lately[0] - means[1]) / scale
    last = [_hours(nan_mean(surprise[:, -hours:], axis=1)) for hours in (1, 3, 6)]
    return [*near, (profile - month[:, None]) / scale, *levels, *last]


def weather_of_days(past: Past, origin: Int64s, day: Int64s) -> Float64s:
    """Return the weather a forecast may use for days: as given, or where it is not, of the last day before it."""
    if past.weather is None:
        message = "there is no weather"
        raise ValueError(message)
    known = day if past.weather_ahead else np.minimum(day, origin - 1)
    return row_at(past.weather, known)


def _weather(past: Past, origin: Int64s, target: Int64s) -> list[Float64s]:
    def at(day: Int64s) -> Float64s:
        return weather_of_days(past, origin, day)

    now, eve = at(target), at(target - 1)
    heat, heat_eve = now[:, :, 0], eve[:, :, 0]
    week = np.stack([at(target - back)[:, :, 0] for back in range(1, 8)])
    weeks = np.stack([at(target - 7 * number)[:, :, 0] for number in WEEKS])
    columns = [now[:, :, number] for number in range(now.shape[2])]
    columns += [_hours(nan_mean(now[:, :, number], axis=1)) for number in range(min(now.shape[2], 2))]
    known = np.where(np.isfinite(heat), heat, -np.inf), np.where(np.isfinite(heat), heat, np.inf)
    some = np.isfinite(heat).any(axis=1)
    columns += [
        _hours(np.where(some, known[0].max(axis=1), np.nan)),
        _hours(np.where(some, known[1].min(axis=1), np.nan)),
        _hours(nan_mean(heat_eve, axis=1)),
        _hours(nan_mean(nan_mean(week, axis=0), axis=1)),
        heat - at(origin - 1)[:, :, 0],
        heat - at(target - 7)[:, :, 0],
        heat - nan_mean(weeks, axis=0),
        _hours(nan_mean(at(origin - 1)[:, :, 0], axis=1)),
    ]
    both = np.concatenate([heat_eve, heat], axis=1)
    return columns + [trailing_mean(both, hours)[:, HOURS:] for hours in (6, 24)]


def trailing_mean(values: Float64s, hours: int) -> Float64s:
    """Return the mean of each hour and those before it, as far as they are known; shape as given."""
    known = np.isfinite(values)
    total = np.cumsum(np.where(known, values, 0.0), axis=1)
    count = np.cumsum(known, axis=1).astype(np.float64)
    total[:, hours:] -= total[:, :-hours].copy()
    count[:, hours:] -= count[:, :-hours].copy()
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def learnable(rows: Rows) -> Bools:
    """Return which hours can be learnt from: those with a value and a profile."""
    return np.isfinite(rows.value) & np.isfinite(rows.profile)
