"""The cold wave of January 2010 and the gas of the city, as readings: day figures as published, the rest made by rule.

Published are the plan of January, what was used on 4 January, what 5 January was estimated at from its first ten hours,
the peak of the winter before, the gap, and what upstream answered (domain reference, section 4.2). All else is assumed
and made by rule from a seed: the temperatures, the other days, how a day's gas spreads over its hours, how the supply
is made up, line-pack and LNG. What a page shows of it is computed from these readings and kept nowhere.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np
import numpy.typing as npt

from cityloop.kernel.clocks import CITY_ZONE

Float64s = npt.NDArray[np.float64]

SEED = 20100105

PLAN_JANUARY, USED_FOURTH, EXPECTED_FIFTH, PEAK_BEFORE, GAP = 4200.0, 5300.0, 5700.0, 4414.0, 800.0
"""As published, 10^4 m3 a day."""

FIELD_BEFORE, FIELD_RAISED = 4000.0, 4300.0
"""What the gas field sends, before and after the request; as published, 10^4 m3 a day."""

WITHDRAWAL, WITHDRAWAL_MAX, OWN = 700.0, 1000.0, 200.0
"""Storage withdrawal before and at most, LNG and own gas, 10^4 m3 a day. Assumed so that the published gap results."""

REDUCED = 200.0
"""What the demand-side plan takes away, 10^4 m3 a day. Assumed."""

WINTER_BEFORE = (date(2008, 11, 15), date(2009, 3, 16))
WINTER = (date(2009, 11, 1), date(2010, 1, 7))
"""First day, and the day after the last."""

PEAK_DAY = date(2009, 1, 23)
"""When the peak of the winter before was. Assumed: the day was not published."""

THIRD, FOURTH, FIFTH, SIXTH = date(2010, 1, 3), date(2010, 1, 4), date(2010, 1, 5), date(2010, 1, 6)
ESTIMATED_AT = datetime(2010, 1, 5, 10, tzinfo=CITY_ZONE)
EASED_AT = datetime(2010, 1, 5, 14, tzinfo=CITY_ZONE)
"""When the hourly flow gave the estimate; when upstream and the plan had begun to bring relief (assumed)."""

HOURS = 24
HOURS_KNOWN, HOUR_EASED = ESTIMATED_AT.hour, EASED_AT.hour
_WEEKEND = 5
_NEW_YEAR = date(2010, 1, 1)
_SIMILAR_DAYS = 60

FLOW, LINEPACK = "gas.city.flow", "gas.city.linepack"
GATES = {"gas.gate-west.flow": 0.46, "gas.gate-north.flow": 0.34, "gas.gate-south.flow": 0.20}
"""Where gas enters the pipes, and which part of it. Assumed."""
TEMPERATURE, TEMPERATURE_AHEAD = "air.guanyuan.temperature", "air.city.temperature-ahead"
_DISPATCH = "gas.dispatch."
_TOLD = ("plan", "nominated", "withdrawal", "own", "stock", "stock-use", "linepack-min")
STREAMS = (FLOW, *GATES, LINEPACK, TEMPERATURE, TEMPERATURE_AHEAD, *(_DISPATCH + told for told in _TOLD))
"""Codes of the streams that are played."""

LINEPACK_FULL, LINEPACK_MIN, LNG = 2600.0, 1300.0, 3600.0
"""Line-pack on a quiet day, what must stay in the pipes, LNG in store as gas, 10^4 m3. Assumed."""

_PLANS = {11: 2900.0, 12: 3900.0, 1: PLAN_JANUARY, 2: 3600.0, 3: 2900.0}
"""Plan of a month, 10^4 m3 a day; January's as published."""

_PROFILE = np.array(
    [34, 33, 32, 33, 36, 42, 50, 52, 49, 46, 43, 43, 42, 40, 40, 41, 44, 48, 50, 49, 46, 43, 39, 36], np.float64
)
"""How a winter day's gas spreads over its hours. Assumed."""

_HEATED_BELOW_C = 18.0
_COLDEST_BEFORE_C, _PER_DEGREE_BEFORE = -7.5, 118.0
_FOURTH_C, _FIFTH_C, _SIXTH_C, _SEVENTH_C = -11.0, -14.0, -13.0, -10.0
_MILD_C, _COLDEST_C = 2.0, -3.5
"""How much milder than usual this winter was until the wave, and its coldest day until then. Assumed."""
_PER_DEGREE = (EXPECTED_FIFTH - USED_FOURTH) / (_FOURTH_C - _FIFTH_C)
_WAVE_C = {_NEW_YEAR: -4.0, date(2010, 1, 2): -6.0, THIRD: -8.0, FOURTH: _FOURTH_C, FIFTH: _FIFTH_C, SIXTH: _SIXTH_C}
_SIXTH_TOTAL = EXPECTED_FIFTH - (_SIXTH_C - _FIFTH_C) * _PER_DEGREE
_DAY_NOISE, _HOUR_NOISE = 0.012, 0.025
"""Standard deviation of a day's total and of an hour's share about the rule, relative."""


@dataclass(frozen=True, slots=True)
class PlayedReadings:
    """Readings in order of time, shape (n,) each.

    Attributes:
        at_us: microseconds since the epoch, UTC.
        stream: place in `STREAMS`.
        value: the result in the stream's unit.
    """

    at_us: npt.NDArray[np.int64]
    stream: npt.NDArray[np.int32]
    value: Float64s

    def between(self, since: datetime | None, until: datetime | None) -> "PlayedReadings":
        """Return the readings from `since` on and before `until`; None leaves an end open."""
        first = 0 if since is None else int(np.searchsorted(self.at_us, _us(since)))
        last = len(self.at_us) if until is None else int(np.searchsorted(self.at_us, _us(until)))
        return PlayedReadings(self.at_us[first:last], self.stream[first:last], self.value[first:last])


@dataclass(frozen=True, slots=True)
class _Days:
    """Days in a row: the dates, their mean temperature in degrees Celsius, their gas by hour, shape (n, 24)."""

    dates: tuple[date, ...]
    mean_c: Float64s
    flow: Float64s


def cold_wave(seed: int = SEED) -> PlayedReadings:
    """Return all readings of the scenario: the winter before, and this one to the end of 6 January 2010.

    Args:
        seed: of what is assumed; the published figures come out of each seed.

    Source:
        Domain reference, section 4.2; docs/reference/scenarios.md.
    """
    chance = np.random.default_rng(seed)
    pile = _Pile()
    before = _winter_before(chance)
    pile.add_hours(FLOW, before.dates, before.flow)
    pile.add_hours(TEMPERATURE, before.dates, _hours_of_air(before.mean_c, chance))
    winter = _winter(chance)
    inflow = _inflow(winter)
    pile.add_hours(FLOW, winter.dates, winter.flow)
    for gate, share in GATES.items():
        pile.add_hours(gate, winter.dates, inflow * share)
    pile.add_hours(LINEPACK, winter.dates, _linepack(winter.flow, inflow))
    pile.add_hours(TEMPERATURE, winter.dates, _hours_of_air(winter.mean_c, chance))
    _tell(pile, winter)
    return pile.readings()


def _dates(span: tuple[date, date]) -> tuple[date, ...]:
    return tuple(span[0] + timedelta(days=number) for number in range((span[1] - span[0]).days))


def _usual_c(dates: tuple[date, ...], chance: np.random.Generator) -> Float64s:
    """Return mean temperatures of winter days: the season's course, and weather that lasts some days."""
    from_coldest = np.array([abs((day - date(day.year + (day.month > 6), 1, 15)).days) for day in dates])  # noqa: PLR2004
    season = -3.5 + 11.0 * (1 - np.cos(from_coldest / 365.25 * 2 * np.pi))
    weather, kept = np.zeros(len(dates)), 0.0
    for number, push in enumerate(chance.normal(0.0, 1.3, len(dates))):
        kept = 0.7 * kept + push
        weather[number] = np.clip(kept, -3.0, 3.0)
    return np.asarray(season + weather, np.float64)


def _shares(count: int, chance: np.random.Generator) -> Float64s:
    """Return how each day's gas spreads over its hours, rows adding up to one."""
    shaken = _PROFILE * (1 + chance.normal(0.0, _HOUR_NOISE, (count, HOURS)))
    return np.asarray(shaken / shaken.sum(axis=1, keepdims=True), np.float64)


def _winter_before(chance: np.random.Generator) -> _Days:
    dates = _dates(WINTER_BEFORE)
    mean_c = _usual_c(dates, chance)
    coldest = dates.index(PEAK_DAY)
    mean_c[coldest] = mean_c.min() - 1.0
    mean_c += _COLDEST_BEFORE_C - mean_c[coldest]
    degrees = np.maximum(_HEATED_BELOW_C - mean_c, 0.0)
    totals = PEAK_BEFORE - (degrees[coldest] - degrees) * _PER_DEGREE_BEFORE
    totals = np.minimum(totals * (1 + chance.normal(0.0, _DAY_NOISE, len(dates))), PEAK_BEFORE * 0.995)
    totals[coldest] = PEAK_BEFORE
    return _Days(dates, mean_c, totals[:, None] * _shares(len(dates), chance))


def _winter(chance: np.random.Generator) -> _Days:
    dates = _dates(WINTER)
    mean_c = np.maximum(_usual_c(dates, chance) + _MILD_C, _COLDEST_C)
    for day, value in _WAVE_C.items():
        mean_c[dates.index(day)] = value
    totals = USED_FOURTH - (mean_c - _FOURTH_C) * _PER_DEGREE
    totals *= 1 + chance.normal(0.0, _DAY_NOISE, len(dates))
    totals[dates.index(FOURTH)] = USED_FOURTH
    flow = totals[:, None] * _shares(len(dates), chance)
    _set_fifth_and_sixth(dates, flow, chance)
    return _Days(dates, mean_c, flow)


def _set_fifth_and_sixth(dates: tuple[date, ...], flow: Float64s, chance: np.random.Generator) -> None:
    """Let the first ten hours of the fifth be so much that the usual share makes the published estimate of them."""
    fifth, sixth = dates.index(FIFTH), dates.index(SIXTH)
    usual = _usual_share(dates, flow)
    known, rest = _shares(1, chance)[0], _shares(1, chance)[0]
    flow[fifth, :HOURS_KNOWN] = known[:HOURS_KNOWN] / known[:HOURS_KNOWN].sum() * EXPECTED_FIFTH * usual
    flow[fifth, HOURS_KNOWN:] = rest[HOURS_KNOWN:] / rest[HOURS_KNOWN:].sum() * EXPECTED_FIFTH * (1 - usual)
    flow[fifth, HOUR_EASED:] -= REDUCED / HOURS
    flow[sixth] = _shares(1, chance)[0] * (_SIXTH_TOTAL - REDUCED)


def _usual_share(dates: tuple[date, ...], flow: Float64s) -> float:
    """Return the mean share of the first ten hours on the working days of the sixty days before the fifth."""
    first = FIFTH - timedelta(days=_SIMILAR_DAYS)
    chosen = [first <= day < FIFTH and day.weekday() < _WEEKEND and day != _NEW_YEAR for day in dates]
    days = flow[np.array(chosen)]
    return float((days[:, :HOURS_KNOWN].sum(axis=1) / days.sum(axis=1)).mean())


def _supply(day: date) -> tuple[float, float, float]:
    """Return what the field, the storage and own gas give on a day before relief came, 10^4 m3 a day."""
    if day > FIFTH:
        return FIELD_RAISED, WITHDRAWAL_MAX, OWN
    if day >= _NEW_YEAR:
        return FIELD_BEFORE, WITHDRAWAL, OWN
    return _PLANS[day.month], WITHDRAWAL, OWN


def _inflow(winter: _Days) -> Float64s:
    """Return what enters the pipes: what leaves them, but an hour of the supply at most."""
    most = np.repeat([sum(_supply(day)) / HOURS for day in winter.dates], HOURS).reshape(-1, HOURS)
    most[winter.dates.index(FIFTH), HOUR_EASED:] = (FIELD_RAISED + WITHDRAWAL_MAX + OWN) / HOURS
    short = np.array([day >= THIRD for day in winter.dates])
    return np.asarray(np.where(short[:, None], most, winter.flow), np.float64)


def _linepack(flow: Float64s, inflow: Float64s) -> Float64s:
    """Return what is in the pipes at the end of each hour."""
    held = LINEPACK_FULL + np.cumsum((inflow - flow).ravel())
    return np.asarray(np.minimum(held, LINEPACK_FULL * 1.1).reshape(-1, HOURS), np.float64)


def _hours_of_air(mean_c: Float64s, chance: np.random.Generator) -> Float64s:
    """Return hourly temperatures about the days' means: coldest before sunrise."""
    hours = np.arange(HOURS)
    wave = -3.5 * np.cos((hours - 5) / HOURS * 2 * np.pi)
    shaken = wave + chance.normal(0.0, 0.3, (len(mean_c), HOURS))
    return np.asarray(mean_c[:, None] + shaken - shaken.mean(axis=1, keepdims=True), np.float64)


def _tell(pile: "_Pile", winter: _Days) -> None:
    """Add what the gas company tells at each midnight, and anew when relief comes; and the forecast of the weather."""
    ahead = [*winter.mean_c[1:].tolist(), _SEVENTH_C]
    for day, expected_c in zip(winter.dates, ahead, strict=True):
        field, withdrawal, own = _supply(day)
        told = (_PLANS[day.month], field, withdrawal, own, LNG, OWN, LINEPACK_MIN)
        midnight = datetime.combine(day, time(), CITY_ZONE)
        for name, value in zip(_TOLD, told, strict=True):
            pile.add(_DISPATCH + name, midnight, value)
        pile.add(TEMPERATURE_AHEAD, midnight, expected_c)
    pile.add(_DISPATCH + "nominated", EASED_AT, FIELD_RAISED)
    pile.add(_DISPATCH + "withdrawal", EASED_AT, WITHDRAWAL_MAX)


class _Pile:
    """Readings as they are made."""

    def __init__(self) -> None:
        self._at_us: list[int] = []
        self._stream: list[int] = []
        self._value: list[float] = []

    def add(self, stream: str, at: datetime, value: float) -> None:
        self._at_us.append(_us(at))
        self._stream.append(STREAMS.index(stream))
        self._value.append(round(value, 3))

    def add_hours(self, stream: str, dates: tuple[date, ...], hours: Float64s) -> None:
        for day, row in zip(dates, hours.tolist(), strict=True):
            midnight = datetime.combine(day, time(), CITY_ZONE)
            for hour, value in enumerate(row):
                self.add(stream, midnight + timedelta(hours=hour), value)

    def readings(self) -> PlayedReadings:
        order = np.lexsort((np.array(self._stream), np.array(self._at_us)))
        return PlayedReadings(
            np.array(self._at_us, np.int64)[order], np.array(self._stream, np.int32)[order],
            np.array(self._value, np.float64)[order],
        )  # fmt: skip


def _us(at: datetime) -> int:
    return round(at.timestamp() * 1_000_000)


__all__ = ["EASED_AT", "ESTIMATED_AT", "SEED", "STREAMS", "PlayedReadings", "cold_wave"]
