"""A ridge regression for each hour of each day ahead: what a load owes to its own last days, the calendar, the heat.

Linear in the logarithm where a series stays above zero, so that effects multiply as they do in loads.
"""

from dataclasses import dataclass

import numpy as np

from cityloop.decide.rules.forecasting.features import DAYS_MIN, trailing_mean, weather_of_days
from cityloop.decide.rules.forecasting.grid import HOURS, Float64s, Int64s, Past, before, nan_mean, nan_median, row_at

PENALTY = 1.0
"""Weight of the penalty on the coefficients of standardised columns (chosen on days that no figure is from)."""

PENALTY_SHORT = 4.0
"""The penalty is this times columns over rows where that is more: a short history is trusted less."""

HALF_LIFE_DAYS = 720.0
SEASON_DAYS = 45.0
OUT_OF_SEASON = 0.1
"""Old days count less, and days of the season more: a bell of 45 days, and a tenth for the rest of the year."""

BENDS_C = (14.0, 18.0, 22.0, 26.0)
"""Where demand turns with the temperature, degrees Celsius; heating counts from 18 down, cooling from 26 up."""
BEND_FROST_C = 8.0

STILL = 1e-9
"""A column that varies by less tells nothing."""

_YEAR_DAYS = 365.25
_LOG_FLOOR = 0.05
"""A series is taken by its logarithm where all but a hundredth of it lies above this share of its mean."""
_LOG_MAX = 20.0
_REACH = 1.5
"""No forecast leaves what was seen by more than this multiple of its span."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How a series is told to the regression.

    Attributes:
        by_log: whether by its logarithm.
        centre: divided by before the logarithm, subtracted where there is none.
        spread: divided by where it is not.
        low: lowest forecast.
        high: highest forecast.
    """

    by_log: bool
    centre: float
    spread: float
    low: float
    high: float

    def to(self, values: Float64s) -> Float64s:
        """Return values as they are regressed on."""
        if self.by_log:
            return np.log(np.maximum(values / self.centre, _LOG_FLOOR))
        return (values - self.centre) / self.spread

    def back(self, regressed: Float64s) -> Float64s:
        """Return forecasts in the stream's unit."""
        if self.by_log:
            return np.clip(np.exp(np.minimum(regressed, _LOG_MAX)) * self.centre, self.low, self.high)
        return np.clip(regressed * self.spread + self.centre, self.low, self.high)


def scale_of(values: Float64s) -> Scale:
    """Return how a series is told, by what is known of it."""
    known = values[np.isfinite(values)]
    if not len(known):
        return Scale(by_log=False, centre=0.0, spread=1.0, low=0.0, high=0.0)
    centre, spread = float(known.mean()), float(known.std()) or 1.0
    low, high = float(known.min()), float(known.max())
    by_log = bool(np.quantile(known, 0.01) > _LOG_FLOOR * centre > 0)
    bottom = low - (high - low) * (_REACH - 1.0)
    floor = min(low, 0.0) if low >= 0 else bottom
    return Scale(by_log, centre, spread, max(bottom, floor), high + (high - low) * (_REACH - 1.0))


def filled(values: Float64s) -> Float64s:
    """Return a series without gaps: by the hour's median of the four weeks before, or by the whole series' median."""
    month = nan_median(before(values, DAYS_MIN), axis=0)[: len(values)]
    whole = np.isfinite(values)
    rest = float(np.median(values[whole])) if whole.any() else 0.0
    found = np.where(whole, values, month)
    return np.where(np.isfinite(found), found, rest)


@dataclass(frozen=True, slots=True)
class Lines:
    """Regressions that have learnt, one for each of 24 hours, of one number of days ahead.

    Attributes:
        scale: how the series is told.
        middle: the forecast where every column is as usual, shape (24,), NaN where nothing could be learnt.
        slope: by how much it changes with each column, shape (24, columns).
        usual: the columns as usual, shape (24, columns).
    """

    scale: Scale
    middle: Float64s
    slope: Float64s
    usual: Float64s


@dataclass(frozen=True, slots=True)
class Told:
    """A series as the regressions see it, for one number of days ahead.

    Attributes:
        origin: the midnights that were or are forecast from, as days, ascending; the last is the present.
        columns: what is seen, shape (origins, 24, columns).
        target: what came, NaN where it is not known, shape (origins, 24).
    """

    origin: Int64s
    columns: Float64s
    target: Float64s


def told(past: Past, *, ahead: int, scale: Scale) -> Told:
    """Return a series as the regressions of a number of days ahead see it."""
    origin = np.arange(DAYS_MIN, past.days + 1)
    series = scale.to(filled(past.values))
    target = scale.to(row_at(past.values, origin + ahead))
    return Told(origin, _columns(past, series, origin, ahead), target)


def learnt_lines(seen: Told, *, ahead: int, scale: Scale, until: int) -> Lines:
    """Return regressions that have learnt from the days before `until`, weighted by age and season."""
    known = seen.origin + ahead < until
    columns, target, day = seen.columns[known], seen.target[known], seen.origin[known] + ahead
    weight = _weights(day, today=until)
    hours = [_hour(columns[:, hour], target[:, hour], weight) for hour in range(HOURS)]
    middle, slope, usual = (np.array(part) for part in zip(*hours, strict=True))
    return Lines(scale, middle, slope, usual)


def lines_forecast(lines: Lines, columns: Float64s) -> Float64s:
    """Return forecasts in the stream's unit from columns, shape (origins, 24, columns): shape (origins, 24)."""
    return lines.scale.back(lines.middle + ((columns - lines.usual) * lines.slope).sum(axis=-1))


def ridge_forecast(past: Past, *, ahead: int) -> Float64s:
    """Return the forecast of the day `ahead` days after midnight, shape (24,), NaN where nothing can be learnt.

    It is learnt anew at each forecast: the days before, as they would have been forecast.
    """
    scale = scale_of(past.values)
    seen = told(past, ahead=ahead, scale=scale)
    if len(seen.origin) <= DAYS_MIN:
        return np.full(HOURS, np.nan)
    lines = learnt_lines(seen, ahead=ahead, scale=scale, until=past.days)
    found: Float64s = lines_forecast(lines, seen.columns[-1:])[0]
    return found


def _weights(day: Int64s, *, today: int) -> Float64s:
    age = (today - day).astype(np.float64)
    distance = np.abs((age + _YEAR_DAYS / 2) % _YEAR_DAYS - _YEAR_DAYS / 2)
    season = OUT_OF_SEASON + np.exp(-0.5 * (distance / SEASON_DAYS) ** 2)
    return 0.5 ** (np.maximum(age, 0.0) / HALF_LIFE_DAYS) * season


def _hour(columns: Float64s, target: Float64s, weight: Float64s) -> tuple[float, Float64s, Float64s]:
    usable = np.isfinite(target)
    if usable.sum() < DAYS_MIN:
        nothing = np.zeros(columns.shape[1])
        return float("nan"), nothing, nothing
    columns, target, weight = columns[usable], target[usable], weight[usable] / weight[usable].mean()
    usual = weight @ columns / weight.sum()
    spread = columns.std(axis=0)
    spread[spread < STILL] = np.inf
    standard = (columns - usual) / spread
    middle = float(weight @ target / weight.sum())
    weighted = standard * weight[:, None]
    penalty = PENALTY * max(1.0, PENALTY_SHORT * standard.shape[1] / len(standard))
    normal = weighted.T @ standard + penalty * np.eye(standard.shape[1])
    slope = np.linalg.solve(normal, weighted.T @ (target - middle)) / spread
    return middle, slope, usual


def _columns(past: Past, series: Float64s, origin: Int64s, ahead: int) -> Float64s:
    """Return what the regression sees, shape (forecasts, 24, columns), nothing unknown in it."""
    eve, before_eve, third = (row_at(series, origin - back) for back in (1, 2, 3))
    week, fortnight = (row_at(series, origin + ahead - back) for back in (7, 14))
    columns = [
        *_calendar(past, origin, ahead, eve),
        eve,
        _wide(eve[:, -1]),
        np.roll(eve, -HOURS // 2, axis=1),
        _wide(eve.mean(axis=1)),
        before_eve,
        _wide(before_eve.mean(axis=1)),
        third,
        week,
        _wide(week.mean(axis=1)),
        fortnight,
    ]
    if past.weather is not None:
        columns += _weather(past, origin, origin + ahead)
    return np.nan_to_num(np.stack(columns, axis=-1))


def _wide(column: Float64s) -> Float64s:
    return np.broadcast_to(column[:, None], (len(column), HOURS)).astype(np.float64)


def _calendar(past: Past, origin: Int64s, ahead: int, eve: Float64s) -> list[Float64s]:
    marks, target = past.marks, origin + ahead
    weekday, off = row_at(marks.weekday, target), row_at(marks.off, target)
    holiday, off_eve = row_at(marks.holiday, target), row_at(marks.off, origin - 1)
    days = [((weekday == number) & (holiday == 0)).astype(np.float64) for number in range(7)]
    days += [holiday, row_at(marks.makeup, target), row_at(marks.heating, target)]
    days += [row_at(marks.holiday, target + shift) for shift in (1, -1, -7)]
    days += [np.sin(part * row_at(marks.turn, target)) for part in (1, 2)]
    days += [np.cos(part * row_at(marks.turn, target)) for part in (1, 2)]
    festival = row_at(marks.festival, target)
    days += [((festival >= first) & (festival <= last)).astype(np.float64) for first, last in ((-5, -1), (0, 6))]
    to_work, to_rest = (1 - off) * off_eve, off * (1 - off_eve)
    return [*(_wide(day) for day in (*days, to_work, to_rest)), eve * to_work[:, None], eve * to_rest[:, None]]


def _weather(past: Past, origin: Int64s, target: Int64s) -> list[Float64s]:
    def heat(day: Int64s) -> Float64s:
        return weather_of_days(past, origin, day)[:, :, 0]

    now = heat(target)
    both = np.concatenate([heat(target - 1), now], axis=1)
    days = [nan_mean(heat(target - back), axis=1) for back in (0, 1, 2, 7)]
    parts = [now, *(trailing_mean(both, hours)[:, HOURS:] for hours in (3, 24)), heat(origin - 1), heat(target - 7)]
    parts += [_wide(day) for day in days]
    steady = float(np.nanmedian(now)) if np.isfinite(now).any() else 0.0
    parts = [np.where(np.isfinite(part), part, steady) for part in parts]
    working = _wide(1 - row_at(past.marks.off, target))
    bent = [bend for part in parts for bend in _bends(part)]
    return [*bent, working * np.maximum(parts[0] - BENDS_C[1], 0), working * np.maximum(BENDS_C[0] - parts[0], 0)]


def _bends(heat_c: Float64s) -> list[Float64s]:
    return [heat_c, *(np.maximum(heat_c - bend, 0) for bend in BENDS_C), np.maximum(BEND_FROST_C - heat_c, 0)]
