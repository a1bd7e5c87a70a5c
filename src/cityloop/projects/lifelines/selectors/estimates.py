"""The full day of a line, and the hours it is expected to take: by the day's forecast, else by similar days."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from cityloop.decide import facade as decide
from cityloop.kernel.text import Text
from cityloop.projects.lifelines.rules.estimate import (
    BAND,
    HOURS,
    SIMILAR_MIN,
    Estimate,
    by_shares,
    may_be_shown,
    similar_days,
)
from cityloop.projects.lifelines.rules.summing import Float64s
from cityloop.projects.lifelines.selectors.history import SIMILAR_DAYS
from cityloop.projects.lifelines.selectors.numbers import DAY, Numbers

FIRST, SECOND = 0, 1
"""A forecast's own day, and the day after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayExpected:
    """How a day is expected to go.

    Attributes:
        estimate: its total, in the line's unit an hour times hours; None where it cannot be told.
        hours: its hours, shape (24,); None where nothing is known to expect.
        low, high: their band, None where there is none.
        method: how it was found.
        similar: the similar days it rests on, oldest first.
    """

    estimate: Estimate | None
    hours: Float64s | None
    low: Float64s | None
    high: Float64s | None
    method: Text
    similar: tuple[date, ...]


_UNKNOWN = DayExpected(
    estimate=None,
    hours=None,
    low=None,
    high=None,
    method=Text("缺少可比的历史", "no comparable past is known"),
    similar=(),
)


def today_expected(found: Numbers) -> DayExpected:
    """Return how today is expected to go, from what its hours have brought so far."""
    if found.hours and not np.isfinite(found.today).any():
        return _UNKNOWN
    forecast = found.forecasts.get(found.day)
    expected = _by_forecast(found, forecast) if forecast is not None else None
    expected = expected or _by_similar(found)
    if expected.estimate is not None and not may_be_shown(expected.estimate, hours=found.hours):
        return DayExpected(
            estimate=None, hours=expected.hours, low=None, high=None, similar=expected.similar,
            method=Text("3时前历史不足以给出区间，不发布估计", "before 03:00 no estimate is shown without its band"),
        )  # fmt: skip
    return expected


def tomorrow_expected(found: Numbers) -> DayExpected:
    """Return how the day ahead is expected to go: by the forecast issued today, else as similar days went."""
    forecast = found.forecasts.get(found.day)
    if forecast is not None:
        curve = forecast[0][SECOND]
        total = float(curve.sum())
        if np.isfinite(total):
            low, high = _band(found, found.day + DAY, tuple(part[SECOND] for part in forecast))
            return DayExpected(
                estimate=Estimate(total, None, None, 0), hours=curve, low=low, high=high,
                method=Text("平台次日预测", "forecast of the platform"), similar=(),
            )  # fmt: skip
    days, hours = _similar(found, found.day + DAY)
    estimate = by_shares(np.empty(0), hours)
    return _of_similar(days, hours, estimate, so_far=np.empty(0)) if estimate is not None else _UNKNOWN


def _by_forecast(found: Numbers, forecast: Float64s) -> DayExpected | None:
    curve = forecast[0][FIRST]
    if not np.isfinite(curve).all():
        return None
    low, high = _band(found, found.day, tuple(part[FIRST] for part in forecast))
    days = [found.day - number * DAY for number in range(SIMILAR_DAYS, 0, -1)]
    unknown = np.full(HOURS, np.nan)
    past = np.stack([hours if (hours := found.hours_of(day)) is not None else unknown for day in days])
    said = [found.forecasts[day][0][FIRST] if day in found.forecasts else curve for day in days]
    full = decide.full_day(found.today, expected=curve, past=past, past_expected=np.stack(said))
    has_band = bool(np.isfinite(full.low))
    estimate = Estimate(full.total, full.low if has_band else None, full.high if has_band else None, 0)
    return DayExpected(
        estimate=estimate, hours=curve, low=low, high=high,
        method=Text("按当日预测与已用量推算", "by the day's forecast and what was used so far"), similar=(),
    )  # fmt: skip


def _by_similar(found: Numbers) -> DayExpected:
    days, hours = _similar(found, found.day)
    if not days:
        return _UNKNOWN
    usual: Float64s = hours.mean(axis=0)
    so_far = np.where(np.isfinite(found.today), found.today, usual[: found.hours])
    estimate = by_shares(so_far, hours)
    return _of_similar(days, hours, estimate, so_far=so_far) if estimate is not None else _UNKNOWN


def _similar(found: Numbers, day: date) -> tuple[tuple[date, ...], Float64s]:
    """Return the days before today that resemble a day, and their hours, shape (days, 24)."""
    days = [found.day - number * DAY for number in range(SIMILAR_DAYS, 0, -1)]
    hours = [found.hours_of(one) for one in days]
    known = np.array([one is not None and bool(np.isfinite(one).all()) for one in hours])
    warm = np.array([_or_nan(found.weather.mean_of(one)) for one in days])
    chosen = similar_days(
        known,
        np.array([one in found.off for one in days]),
        warm,
        off_today=day in found.off,
        today_c=found.weather.mean_of(found.day),
    )
    picked = [one for number in chosen if (one := hours[number]) is not None]
    return tuple(days[number] for number in chosen), np.stack(picked) if picked else np.empty((0, HOURS))


def _of_similar(days: tuple[date, ...], hours: Float64s, estimate: Estimate, *, so_far: Float64s) -> DayExpected:
    """Return the hours of similar days as the day's: those ahead drawn to the estimate, the band from their spread."""
    usual: Float64s = hours.mean(axis=0)
    left, scale = float(usual[len(so_far) :].sum()), np.ones(HOURS)
    if left > 0:
        scale[len(so_far) :] = (estimate.total - float(so_far.sum())) / left
    low, high = np.quantile(hours, BAND, axis=0) * scale if estimate.low is not None else (None, None)
    return DayExpected(
        estimate=estimate, hours=usual * scale, low=low, high=high, similar=days,
        method=Text(
            f"当日尚无预测，按{len(days)}个相似日同时段用量占比推算",
            f"no forecast of the day yet: by the share of these hours on {len(days)} similar days",
        ),
    )  # fmt: skip


def _band(found: Numbers, day: date, forecast: tuple[Float64s, ...]) -> tuple[Float64s | None, Float64s | None]:
    """Return the band of a day's forecast; until its errors are known, the spread of similar days around it."""
    curve, low, high = forecast
    if np.isfinite(low).all() and np.isfinite(high).all():
        return low, high
    _, hours = _similar(found, day)
    if len(hours) < SIMILAR_MIN:
        return None, None
    below, above = np.quantile(hours, BAND, axis=0) - np.median(hours, axis=0)
    return curve + below, curve + above


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value


__all__ = ["DayExpected", "today_expected", "tomorrow_expected"]
