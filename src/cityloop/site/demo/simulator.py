"""A seeded city: readings as a pure function of seed, stream and time, calibrated on the domain reference.

Source:
    Domain reference, section 4: the record day of water use (3.04 million m3 with a peak hour 08-09 of 172,000 m3),
    heating from 15 November to 15 March, room temperature 18 °C. Sizes of zones, substations and grid are those of the
    public sets the demo replays where they are present.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from cityloop.kernel.declarations import StreamSpec
from cityloop.site.demo.supply import supply_rule
from cityloop.site.demo.weather import (
    CITY_OFFSET_US,
    DAY_US,
    HOUR_US,
    Times,
    Values,
    air_temperature_c,
    day_of_year,
    drift,
    hourly,
    noise,
    shaped,
    weekday,
)
from cityloop.site.replay.rows import Events

WATER_PEAK = 172_000 * 24 / 3_040_000
"""Peak hour over mean hour of the record day, dimensionless."""

WATER_SHAPE = (
    *(0.62, 0.57, 0.54, 0.53, 0.58, 0.77, 1.06, 1.29, WATER_PEAK, 1.27, 1.18, 1.15),
    *(1.16, 1.08, 1.01, 0.99, 1.04, 1.16, 1.26, 1.29, 1.23, 1.12, 0.98, 0.78),
)
"""Water use of each hour over the mean; the peak lies at 08-09."""

LOAD_SHAPE = (
    *(0.84, 0.80, 0.78, 0.77, 0.78, 0.83, 0.92, 1.01, 1.08, 1.10, 1.11, 1.11),
    *(1.10, 1.10, 1.09, 1.09, 1.11, 1.15, 1.16, 1.13, 1.08, 1.03, 0.96, 0.89),
)
"""Grid load of each hour of a working day over the mean."""

WEEK_SHAPE = (1.02, 1.03, 1.03, 1.02, 1.01, 0.94, 0.91)
"""Grid load of each day of the week, Monday first, over the mean."""

ZONE_MEAN_LPS = {
    "1": 7.6,
    "2": 8.3,
    "3": 3.7,
    "4": 34.0,
    "5": 77.0,
    "6": 9.1,
    "7": 24.6,
    "8": 21.5,
    "9": 18.3,
    "10": 25.0,
}
"""Mean inflow of each zone, L/s."""

SUBSTATION_KW_PER_K = {"l4": 15.0, "l8": 8.0, "l12": 8.0}
"""Heat a substation delivers for each kelvin below 18 °C outside, kW."""

LOAD_MEAN_MW = 5900.0
ROOM_C = 18.0
HEATING_DAYS = (74, 319)
"""Days of the year between which there is no heating: after 15 March, before 15 November."""

PRESSURE_MPA, PRESSURE_DROP_MPA = 0.32, 0.05
"""Network pressure at mean use, and how much lower it lies in the peak hour, MPa."""

INCIDENT_EVERY_US = 3 * HOUR_US
"""In every span of this length the pressure of one district falls for some minutes, microseconds."""

OPENING_S, OPENING_RAMP_S, OPENING_SHARE = 420.0, 20.0, 0.76
"""The incident with which a demo opens: how long it lasts, how fast it comes (s), and the share of pressure lost."""


def fine_particles(times: Times, *, seed: int, place: str) -> Values:
    """Return PM2.5 in µg/m³: spells of several days, slightly different at each place."""
    spell = drift(seed, "haze", times, 4 * DAY_US) + 0.25 * drift(seed, f"haze {place}", times, DAY_US // 4)
    return np.asarray(np.clip(45 * np.exp(1.1 * spell), 3, 500), np.float64)


def zone_inflow_lps(times: Times, *, seed: int, zone: str) -> Values:
    """Return the inflow of a zone, L/s: the shape of the day, more in heat, a little chance."""
    warmth = 1 + 0.006 * np.clip(air_temperature_c(times, seed=seed) - 15, 0, None)
    chance = 1 + 0.03 * (noise(seed, f"zone {zone}", times // HOUR_US) - 0.5)
    return np.asarray(ZONE_MEAN_LPS[zone] * hourly(WATER_SHAPE, times) * warmth * chance, np.float64)


def grid_load_mw(times: Times, *, seed: int) -> Values:
    """Return the grid load, MW: the day, the week, cold below 18 °C and heat above 26 °C."""
    outside = air_temperature_c(times, seed=seed)
    weather = 1 + 0.006 * np.clip(ROOM_C - outside, 0, None) + 0.03 * np.clip(outside - 26, 0, None)
    week = np.array(WEEK_SHAPE)[weekday(times)]
    chance = 1 + 0.01 * (noise(seed, "load", times // HOUR_US) - 0.5)
    return np.asarray(LOAD_MEAN_MW * 0.94 * hourly(LOAD_SHAPE, times) * week * weather * chance, np.float64)


def heat_reading(times: Times, *, seed: int, substation: str, point: str) -> Values:
    """Return one quantity of a heat substation: all follow the temperature outside while the season lasts."""
    outside = air_temperature_c(times, seed=seed, place=substation)
    if point == "outdoor":
        return outside
    day = day_of_year(times)
    heating = (day <= HEATING_DAYS[0]) | (day >= HEATING_DAYS[1])
    need_k = np.where(heating, np.clip(ROOM_C - outside, 0, None), 0.0)
    chance = noise(seed, f"{substation} {point}", times // (HOUR_US // 4)) - 0.5
    curve = {
        "supply-primary": 55 + 1.6 * need_k,
        "return-primary": 34 + 0.5 * need_k,
        "supply-secondary": 32 + 0.85 * need_k,
        "return-secondary": 29 + 0.65 * need_k,
    }
    if point == "power":
        return np.asarray(SUBSTATION_KW_PER_K[substation] * need_k * (1 + 0.08 * chance), np.float64)
    idle = 25.0 + 2.0 * chance
    return np.asarray(np.where(heating, curve[point] + 1.5 * chance, idle), np.float64)


def incident_depth_mpa(times: Times, *, seed: int, point: str, points: Sequence[str]) -> Values:
    """Return how far an incident lowers the pressure of a point, MPa: one district a span, for 6 to 15 minutes."""
    span = times // INCIDENT_EVERY_US
    hit = np.array(points)[(noise(seed, "where", span) * len(points)).astype(np.int64)] == point
    lasts_us = (6 + 9 * noise(seed, "how long", span)) * 60e6
    starts_us = noise(seed, "when", span) * (INCIDENT_EVERY_US - lasts_us)
    since_us = times % INCIDENT_EVERY_US - starts_us
    ramp = np.clip(np.minimum(since_us, lasts_us - since_us) / 60e6, 0, 1)
    return np.asarray(np.where(hit, ramp * (0.12 + 0.17 * noise(seed, "how deep", span)), 0.0), np.float64)


def network_pressure_mpa(times: Times, *, seed: int, point: str, points: Sequence[str]) -> Values:
    """Return the network pressure of a point, MPa: lower when the city draws, a little restless, rarely an incident."""
    draw = (shaped(WATER_SHAPE, times) - 1) / (WATER_PEAK - 1)
    site = 0.03 * (float(noise(seed, f"site {point}", np.zeros(1, np.int64))[0]) - 0.5)
    restless = 0.006 * (noise(seed, f"point {point}", times // 1_000_000) - 0.5)
    swell = 0.008 * drift(seed, f"swell {point}", times, 600_000_000)
    normal = PRESSURE_MPA + site - PRESSURE_DROP_MPA * draw + restless + swell
    return np.asarray(np.clip(normal - incident_depth_mpa(times, seed=seed, point=point, points=points), 0, None))


def opening_share_lost(times: Times, *, opening_us: int) -> Values:
    """Return the share of its pressure that a point has lost in the incident with which the demo opens, 0 to 1."""
    since_s = (times - opening_us) / 1e6
    ramp = np.clip(np.minimum(since_s, OPENING_S - since_s) / OPENING_RAMP_S, 0, 1)
    return np.asarray(OPENING_SHARE * ramp, np.float64)


def opening_point(points: Sequence[str], *, seed: int) -> str:
    """Return the point at which that incident happens."""
    return points[int(float(noise(seed, "opening", np.zeros(1, np.int64))[0]) * len(points))]


def rule_of(code: str, *, seed: int, points: Sequence[str]) -> Callable[[Times], Values] | None:
    """Return the rule that makes a stream's readings, None where the simulator knows none.

    Args:
        code: stream code of the lifelines project.
        seed: of the city.
        points: codes of all pressure points, of which incidents choose.
    """
    line, place, quantity = (*code.split("."), "", "")[:3]
    if (rule := supply_rule(code, seed=seed)) is not None:
        return rule
    rules: dict[tuple[str, str], Callable[[Times], Values]] = {
        ("water", "inflow"): partial(zone_inflow_lps, seed=seed, zone=place.removeprefix("zone-")),
        ("water", "pressure"): partial(network_pressure_mpa, seed=seed, point=place, points=points),
        ("power", "load"): partial(grid_load_mw, seed=seed),
        ("air", "temperature"): partial(air_temperature_c, seed=seed, place=place),
        ("air", "pm25"): partial(fine_particles, seed=seed, place=place),
    }
    if line == "heat":
        return partial(heat_reading, seed=seed, substation=place, point=quantity)
    return rules.get((line, quantity))


@dataclass(frozen=True, slots=True)
class SimulatedTrack:
    """Streams of the seeded city, playable like a recording.

    Attributes:
        specs: the streams.
        seed: of the city.
        dense_after_us: before this instant streams quicker than `coarse_us` are sampled at that step only.
        coarse_us: the step of the far past, microseconds.
        opening_us: when one point loses most of its pressure, so that a newcomer sees what the city does; 0 for never.
    """

    specs: tuple[StreamSpec, ...]
    seed: int
    dense_after_us: int = 0
    coarse_us: int = 300_000_000
    opening_us: int = 0

    @property
    def streams(self) -> tuple[str, ...]:
        """Return the stream codes."""
        return tuple(spec.code for spec in self.specs)

    def between(self, after_us: int, until_us: int, *, shift: int) -> Events:
        """Return the readings of (after, until], in order of time."""
        del shift
        if after_us < self.dense_after_us < until_us:
            past = self.between(after_us, self.dense_after_us, shift=0)
            return _joined((past, self.between(self.dense_after_us, until_us, shift=0)))
        points = sorted(spec.code.split(".")[1] for spec in self.specs if spec.code.endswith(".pressure"))
        parts = []
        for number, spec in enumerate(self.specs):
            times = self._times(spec, after_us, until_us)
            if (rule := rule_of(spec.code, seed=self.seed, points=points)) is not None and len(times):
                values = np.round(rule(times) * (1 - self._lost(spec, times, points)), spec.decimals + 1)
                parts.append(Events(times, np.full(len(times), number, np.int32), values))
        return _joined(tuple(parts))

    def _lost(self, spec: StreamSpec, times: Times, points: Sequence[str]) -> Values:
        is_point = self.opening_us and spec.code.endswith(".pressure")
        if is_point and spec.code == f"water.{opening_point(points, seed=self.seed)}.pressure":
            return opening_share_lost(times, opening_us=self.opening_us)
        return np.zeros(len(times))

    def next_after(self, instant_us: int, *, shift: int) -> int | None:
        """Return when the next reading after an instant is due."""
        del shift
        periods_us = {int(spec.period_s * 1e6) for spec in self.specs}
        return min(
            (instant_us - _offset_of(period_us)) // period_us * period_us + period_us + _offset_of(period_us)
            for period_us in periods_us
        )

    def shift_for(self, now_us: int) -> int:
        """Return 0: the simulator knows every instant."""
        del now_us
        return 0

    def _times(self, spec: StreamSpec, after_us: int, until_us: int) -> Times:
        step_us = int(spec.period_s * 1e6)
        if until_us <= self.dense_after_us:
            step_us = max(step_us, self.coarse_us)
        offset_us = _offset_of(step_us)
        first_us = ((after_us - offset_us) // step_us + 1) * step_us + offset_us
        return np.arange(first_us, until_us + 1, step_us, dtype=np.int64)


def _offset_of(step_us: int) -> int:
    """Return how far the instants of a step lie from its multiples: daily ones lie at the city's midnight."""
    return DAY_US - CITY_OFFSET_US if step_us == DAY_US else 0


def _joined(parts: tuple[Events, ...]) -> Events:
    if not parts:
        return Events(np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.float64))
    joined = Events(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in ("time_us", "stream", "value"))
    )
    return joined.part(np.lexsort((joined.stream, joined.time_us)))
