"""Gas, coal, drainage, and what dispatchers tell of a day, as the seeded city plays them: simulated by rule.

Source:
    Sizes: a winter day of gas 2009-2011 was some 35 to 57 million m3 (domain reference, section 4.2); the stations'
    coal, the sewage and every stock are assumed for the demo.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

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
)

Rule = Callable[[Times], Values]

ROOM_C = 18.0
GAS_SHAPE = (
    *(0.80, 0.77, 0.75, 0.75, 0.78, 0.88, 1.05, 1.17, 1.16, 1.08, 1.05, 1.06),
    *(1.05, 1.00, 0.97, 0.97, 1.02, 1.12, 1.22, 1.21, 1.14, 1.05, 0.96, 0.89),
)
"""Gas used in each hour over the mean: cooking and heating at both ends of the day."""

SEWAGE_SHAPE = (
    *(0.78, 0.70, 0.65, 0.63, 0.64, 0.71, 0.86, 1.02, 1.14, 1.19, 1.20, 1.18),
    *(1.15, 1.12, 1.09, 1.07, 1.06, 1.08, 1.12, 1.16, 1.17, 1.12, 1.02, 0.89),
)
GAS_BASE, GAS_PER_K = 37.0, 6.2
"""Gas an hour without heating, and for each kelvin below 18 °C, 10^4 m3."""

SEWAGE_MEAN = 16.5
"""Sewage treated an hour, 10^4 m3."""

COAL_BASE_T, COAL_PER_K = 210.0, 9.0
"""Coal an hour without heating, and for each kelvin below 18 °C, t."""

LINEPACK_MEAN, LINEPACK_LEAST = 3000.0, 900.0
"""Gas in the pipes on an even day, and what must stay in them, 10^4 m3."""

GATE_SHARES = {"gate-west": 0.46, "gate-north": 0.34, "gate-south": 0.20}
WATER_DAY_M3, HEAT_GJ_PER_K, POWER_DAY = 19_800.0, 2.7, 13_300.0
"""A usual day of water; heat of a day for each kelvin below 18 °C; energy of a day, 10^4 kWh."""

RAIN_MONTHS = (152, 258)
"""Days of the year between which it may rain hard."""

SHARES: dict[str, float] = {
    "water.plan": 1.0, "water.own": 1.30, "water.stock": 95.0,
    "gas.plan": 1.0, "gas.nominated": 0.92, "gas.withdrawal": 0.16, "gas.own": 0.06, "gas.stock": 1.1,
    "gas.stock-use": 0.05,
    "heat.plan": 1.0, "heat.own": 1.50, "heat.stock": 1.2, "heat.stock-use": 0.06,
    "power.plan": 1.0, "power.nominated": 0.68, "power.own": 0.52, "power.stock": 70.0, "power.stock-use": 3.6,
    "drainage.plan": 1.0, "drainage.own": 1.22,
    "coal.plan": 1.0, "coal.nominated": 0.95, "coal.withdrawal": 0.25, "coal.stock": 19.0,
}  # fmt: skip
"""What is told of a day over the day's expected total."""

FIXED: dict[str, float] = {
    "water.capacity": 31_000.0, "gas.capacity": 7_200.0, "heat.capacity": 120.0, "power.capacity": 28_800.0,
    "drainage.capacity": 560.0, "coal.capacity": 14_400.0, "gas.linepack-min": LINEPACK_LEAST,
}  # fmt: skip
"""What is told alike every day, in the line's unit."""


def day_need_k(times: Times, *, seed: int) -> Values:
    """Return how far the mean of the city's day lies below 18 °C, kelvin, 0 where it does not."""
    midnight = (times + CITY_OFFSET_US) // DAY_US * DAY_US - CITY_OFFSET_US
    hours = midnight[:, None] + np.arange(0, 24, 3, dtype=np.int64) * HOUR_US
    mean = air_temperature_c(hours.reshape(-1), seed=seed).reshape(hours.shape).mean(axis=1)
    return np.asarray(np.clip(ROOM_C - mean, 0, None), np.float64)


def _gas_rate(times: Times, *, seed: int) -> Values:
    """Return the gas of the day, an hour."""
    return np.asarray(GAS_BASE + GAS_PER_K * day_need_k(times, seed=seed), np.float64)


def gas_flow(times: Times, *, seed: int) -> Values:
    """Return the gas the city uses, 10^4 m3/h."""
    chance = 1 + 0.02 * (noise(seed, "gas", times // HOUR_US) - 0.5)
    return np.asarray(_gas_rate(times, seed=seed) * hourly(GAS_SHAPE, times) * chance, np.float64)


def gas_inflow(times: Times, *, seed: int, gate: str) -> Values:
    """Return what a gate station brings, 10^4 m3/h: the same all day."""
    chance = 1 + 0.01 * (noise(seed, gate, times // HOUR_US) - 0.5)
    return np.asarray(_gas_rate(times, seed=seed) * GATE_SHARES[gate] * chance, np.float64)


def linepack(times: Times, *, seed: int) -> Values:
    """Return the gas in the pipes, 10^4 m3: what comes in evenly and goes out by the hour."""
    shape = np.array(GAS_SHAPE)
    gained = np.concatenate([[0.0], np.cumsum(shape.mean() - shape)])
    hour = ((times + CITY_OFFSET_US) % DAY_US) // HOUR_US
    return np.asarray(LINEPACK_MEAN + _gas_rate(times, seed=seed) * gained[hour], np.float64)


def gas_pressure(times: Times, *, seed: int, place: str, mean_mpa: float) -> Values:
    """Return the pressure of a gate or point, MPa: a little lower when the city draws."""
    draw = hourly(GAS_SHAPE, times) - 1
    restless = 0.01 * (noise(seed, f"pressure {place}", times // HOUR_US) - 0.5)
    return np.asarray(mean_mpa * (1 - 0.08 * draw + restless), np.float64)


def rain_mm(times: Times, *, seed: int) -> Values:
    """Return the rain of an hour, mm: showers in summer, seldom a little otherwise."""
    day = day_of_year(times)
    is_season = (day >= RAIN_MONTHS[0]) & (day <= RAIN_MONTHS[1])
    spell = drift(seed, "rain", times, 6 * HOUR_US)
    wet = np.clip(spell - np.where(is_season, 0.62, 0.86), 0, None)
    return np.asarray(np.round(wet * np.where(is_season, 60.0, 8.0), 1), np.float64)


def sewage_flow(times: Times, *, seed: int) -> Values:
    """Return the sewage treated, 10^4 m3/h: the day, and some of the rain."""
    chance = 1 + 0.03 * (noise(seed, "sewage", times // HOUR_US) - 0.5)
    return np.asarray(SEWAGE_MEAN * hourly(SEWAGE_SHAPE, times) * chance + 0.15 * rain_mm(times, seed=seed), np.float64)


def sump_level(times: Times, *, seed: int, sump: str) -> Values:
    """Return the level of a sump, m: it fills and is pumped down, higher in rain."""
    swing = 0.7 * drift(seed, f"level {sump}", times, HOUR_US)
    return np.asarray(2.4 + swing + 0.03 * rain_mm(times, seed=seed), np.float64)


def pump_state(times: Times, *, seed: int, sump: str) -> Values:
    """Return 1 where the sump is above its middle and the pump runs."""
    return np.asarray(sump_level(times, seed=seed, sump=sump) > 2.4, np.float64)  # noqa: PLR2004  its middle


def coal_use(times: Times, *, seed: int) -> Values:
    """Return the coal the stations use, t/h."""
    chance = 1 + 0.03 * (noise(seed, "coal", times // HOUR_US) - 0.5)
    swing = 1 + 0.4 * (hourly(GAS_SHAPE, times) - 1)
    return np.asarray((COAL_BASE_T + COAL_PER_K * day_need_k(times, seed=seed)) * swing * chance, np.float64)


def expected_day(line: str, times: Times, *, seed: int) -> Values:
    """Return a line's usual total of the day each instant lies in, in its unit."""
    need = day_need_k(times, seed=seed)
    usual = {
        "water": np.full(len(times), WATER_DAY_M3),
        "gas": 24 * (GAS_BASE + GAS_PER_K * need),
        "heat": HEAT_GJ_PER_K * need + 2.0,
        "power": POWER_DAY * (1 + 0.006 * need),
        "drainage": np.full(len(times), 24 * SEWAGE_MEAN),
        "coal": 24 * (COAL_BASE_T + COAL_PER_K * need),
    }
    return np.asarray(usual[line], np.float64)


def told_of_day(times: Times, *, seed: int, line: str, what: str) -> Values:
    """Return what a dispatcher tells of the day each instant lies in."""
    name = f"{line}.{what}"
    if name in FIXED:
        return np.full(len(times), FIXED[name])
    chance = 1 + 0.04 * (noise(seed, f"told {name}", (times + CITY_OFFSET_US) // DAY_US) - 0.5)
    slow = 1 + 0.1 * drift(seed, f"told {name}", times, 12 * DAY_US) if what == "stock" else 1.0
    return np.asarray(SHARES[name] * expected_day(line, times, seed=seed) * chance * slow, np.float64)


def temperature_ahead_c(times: Times, *, seed: int) -> Values:
    """Return the mean temperature of the day ahead as a forecast would have it, °C."""
    midnight = (times + CITY_OFFSET_US) // DAY_US * DAY_US - CITY_OFFSET_US + DAY_US
    hours = midnight[:, None] + np.arange(0, 24, 3, dtype=np.int64) * HOUR_US
    mean = air_temperature_c(hours.reshape(-1), seed=seed).reshape(hours.shape).mean(axis=1)
    return np.asarray(mean + 2.0 * (noise(seed, "ahead", midnight // DAY_US) - 0.5), np.float64)


def supply_rule(code: str, *, seed: int) -> Rule | None:
    """Return the rule that makes a stream's readings, None where this part of the city does not know it."""
    line, place, quantity = (*code.split("."), "", "")[:3]
    if place == "dispatch" and (f"{line}.{quantity}" in SHARES or f"{line}.{quantity}" in FIXED):
        return partial(told_of_day, seed=seed, line=line, what=quantity)
    if (line, quantity) == ("gas", "flow") and place in GATE_SHARES:
        return partial(gas_inflow, seed=seed, gate=place)
    rules: dict[str, Rule] = {
        "gas.city.flow": partial(gas_flow, seed=seed),
        "gas.city.linepack": partial(linepack, seed=seed),
        "drainage.plants.flow": partial(sewage_flow, seed=seed),
        "drainage.rain.rain": partial(rain_mm, seed=seed),
        "coal.plants.use": partial(coal_use, seed=seed),
        "air.city.temperature-ahead": partial(temperature_ahead_c, seed=seed),
    }
    by_quantity: dict[tuple[str, str], Rule] = {
        ("gas", "outlet"): partial(gas_pressure, seed=seed, place=place, mean_mpa=1.6),
        ("gas", "network"): partial(gas_pressure, seed=seed, place=place, mean_mpa=0.32),
        ("drainage", "level"): partial(sump_level, seed=seed, sump=place),
        ("drainage", "pump"): partial(pump_state, seed=seed, sump=place),
    }
    return rules.get(code) or by_quantity.get((line, quantity))
