"""What the seeded city is made from: chance that never changes, shapes of a day, and the weather."""

from collections.abc import Sequence
from zlib import crc32

import numpy as np
import numpy.typing as npt

Times = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

HOUR_US, DAY_US = 3_600_000_000, 86_400_000_000
CITY_OFFSET_US = 8 * HOUR_US
"""The city's clock is UTC+8 all year."""

MONTH_MEAN_C = (-3.0, 0.5, 7.5, 15.0, 21.0, 25.0, 27.0, 26.0, 20.5, 13.5, 5.0, -1.0)
"""Mean air temperature of each month in Beijing, °C (from memory, rounded)."""


def noise(seed: int, name: str, step: npt.NDArray[np.int64]) -> Values:
    """Return one number in [0, 1) for each step: the same for the same seed, name and step on every machine."""
    with np.errstate(over="ignore"):
        mixed = step.astype(np.uint64) + np.uint64(seed * 0x9E3779B1 + crc32(name.encode()))
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(11)).astype(np.float64) / 2.0**53


def drift(seed: int, name: str, times: Times, every_us: int) -> Values:
    """Return a smooth wander in [-1, 1) that turns about every `every_us` microseconds."""
    step, rest = np.divmod(times, every_us)
    share = rest / every_us
    share = share * share * (3 - 2 * share)
    before, after = noise(seed, name, step), noise(seed, name, step + 1)
    return 2 * (before + (after - before) * share) - 1


def shaped(shape: Sequence[float], times: Times) -> Values:
    """Return a shape of 24 hours at each time, the hour's value in its middle, linear between."""
    hour = ((times + CITY_OFFSET_US) % DAY_US) / HOUR_US - 0.5
    table: Values = np.array(shape, np.float64)
    low = np.floor(hour).astype(np.int64)
    between: Values = table[low % 24] + (table[(low + 1) % 24] - table[low % 24]) * (hour - low)
    return between


def hourly(shape: Sequence[float], times: Times) -> Values:
    """Return a shape of 24 hours at each time, the same for the whole hour."""
    table: Values = np.array(shape, np.float64)
    return table[((times + CITY_OFFSET_US) % DAY_US) // HOUR_US]


def day_of_year(times: Times) -> npt.NDArray[np.int64]:
    """Return the day of the year in the city, from 1."""
    days = (times + CITY_OFFSET_US).astype("datetime64[us]").astype("datetime64[D]")
    first_is_one: npt.NDArray[np.int64] = (days - days.astype("datetime64[Y]")).astype(np.int64) + 1
    return first_is_one


def weekday(times: Times) -> npt.NDArray[np.int64]:
    """Return the day of the week in the city, 0 for Monday."""
    monday_first: npt.NDArray[np.int64] = ((times + CITY_OFFSET_US) // DAY_US + 3) % 7
    return monday_first


def air_temperature_c(times: Times, *, seed: int, place: str = "") -> Values:
    """Return the air temperature, °C: the season, the hour, the weather of the week, and the place."""
    month = (day_of_year(times) - 15) / 30.4375
    low = np.floor(month).astype(np.int64)
    means = np.array(MONTH_MEAN_C)
    season = means[low % 12] + (means[(low + 1) % 12] - means[low % 12]) * (month - low)
    hour = ((times + CITY_OFFSET_US) % DAY_US) / DAY_US
    day = 4.5 * np.cos(2 * np.pi * (hour - 15 / 24))
    weather = 4.0 * drift(seed, "weather", times, 3 * DAY_US)
    local = 0.8 * drift(seed, f"temperature {place}", times, DAY_US) if place else 0.0
    return np.asarray(season + day + weather + local, np.float64)
