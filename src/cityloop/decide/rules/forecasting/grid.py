"""Series as days of hours: a row a local day, a column an hour, NaN where nothing is known."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cityloop.decide.rules.forecasting.calendar import Marks

HOURS = 24
"""Hours of a local day; a city with summer time leaves one empty in spring and averages two in autumn."""

DAYS_AHEAD = 7
"""How many days a forecast reaches, its own first day included."""

Float64s = npt.NDArray[np.float64]
Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of a stream at midnight, before the first day that is forecast.

    Attributes:
        values: means of the hours, in the stream's unit, shape (days, 24), NaN where nothing is known.
        marks: calendar of the same days and of the seven after them.
        weather: temperature in degrees Celsius first, then whatever else is known of the weather, shape
            (days + 7, 24, quantities); NaN where nothing is known, None where there is no weather at all.
        weather_ahead: whether the weather of the days ahead is given, forecast or observed afterwards. Where it is
            not, the models are trained with the weather of the day before the forecast.
    """

    values: Float64s
    marks: Marks
    weather: Float64s | None = None
    weather_ahead: bool = True

    @property
    def days(self) -> int:
        """Return how many days are known."""
        return len(self.values)

    def until(self, day: int) -> "Past":
        """Return what was known before a day, counted from the first; weather given ahead stays given."""
        weather = None if self.weather is None else self.weather[: day + DAYS_AHEAD]
        return Past(self.values[:day], self.marks.until(day + DAYS_AHEAD), weather, self.weather_ahead)


def day_grid(hour: Int64s, value: Float64s, *, first_day: int, days: int) -> Float64s:
    """Return values as days of hours; of several in one hour the mean.

    Args:
        hour: local hours since 1970-01-01 00:00 local time, shape (n,).
        value: their values, shape (n,); NaN counts for nothing.
        first_day: the first row, days since 1970-01-01.
        days: how many rows.
    """
    place = hour - first_day * HOURS
    fit = (place >= 0) & (place < days * HOURS) & np.isfinite(value)
    count = np.bincount(place[fit], minlength=days * HOURS)
    total = np.bincount(place[fit], weights=value[fit], minlength=days * HOURS)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).reshape(days, HOURS)


def row_at(rows: Float64s, day: Int64s) -> Float64s:
    """Return rows of days, NaN outside of what is known; `rows` may have any shape behind its first axis."""
    if not len(rows):
        return np.full((len(day), *rows.shape[1:]), np.nan)
    inside = (day >= 0) & (day < len(rows))
    found = rows[np.clip(day, 0, len(rows) - 1)].astype(np.float64)
    found[~inside] = np.nan
    return found


def nan_mean(values: Float64s, axis: int) -> Float64s:
    """Return the mean of what is known along an axis, NaN where nothing is, without a warning."""
    known = np.isfinite(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0.0).sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def nan_median(values: Float64s, axis: int) -> Float64s:
    """Return the median of what is known along an axis, NaN where nothing is, without a warning."""
    ordered = np.sort(values, axis=axis)  # NaN is sorted last
    count = np.isfinite(values).sum(axis=axis)
    low = np.expand_dims(np.maximum((count - 1) // 2, 0), axis)
    high = np.expand_dims(np.minimum(count // 2, values.shape[axis] - 1), axis)
    middle = (np.take_along_axis(ordered, low, axis) + np.take_along_axis(ordered, high, axis)) / 2
    return np.where(count > 0, middle.squeeze(axis), np.nan)


def before(rows: Float64s, days: int) -> Float64s:
    """Return, for each day, the rows of the days before it: shape (days, ...), the nearest first."""
    return np.stack([row_at(rows, np.arange(len(rows) + 1) - back) for back in range(1, days + 1)])
