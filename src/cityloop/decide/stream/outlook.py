"""What is forecast of a stream, as its readings are judged by it: how many half bands each lies off."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cityloop.decide.stream.spread import DEVIATION_SHARE_MIN

Int64s = npt.NDArray[np.int64]
Float64s = npt.NDArray[np.float64]

OUTLOOK_HOURS = 8 * 24
"""What one stream is judged by: the week of its newest forecast and the day before, for readings that come late."""

_DAY_US = 86_400_000_000
_US_PER_HOUR = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Issued:
    """A forecast as it was issued, hours in a row.

    Attributes:
        starts_us: beginning of its first hour, microseconds since the Unix epoch.
        issued_us: when it was made, the same way.
        value: mean of each hour, in the stream's unit, shape (n,), NaN where nothing is forecast.
        low: lower end of the 80 % band, shape (n,), NaN where none is known.
        high: upper end, the same way.
    """

    starts_us: int
    issued_us: int
    value: Float64s
    low: Float64s
    high: Float64s


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is in force of the forecasts of a stream.

    Attributes:
        first_us: beginning of its first hour, microseconds since the Unix epoch.
        value: mean of each hour, shape (OUTLOOK_HOURS,), NaN where no forecast is in force.
        below: from the value to the lower end of the band, shape (OUTLOOK_HOURS,), > 0 or NaN.
        above: from the value to the upper end, the same way.
    """

    first_us: int
    value: Float64s
    below: Float64s
    above: Float64s


def column_of(packed: bytes | memoryview) -> Float64s:
    """Return a curve as the database keeps it: numbers of four bytes, little-endian."""
    return np.frombuffer(bytes(packed), dtype="<f4").astype(np.float64)


def outlook_of(issued: Sequence[Issued]) -> Outlook:
    """Return what is in force of a stream's newest forecasts; of two that cover an hour the later one.

    Args:
        issued: at least one, rising in time.
    """
    first_us = issued[-1].starts_us - _DAY_US
    curves = np.full((3, OUTLOOK_HOURS), np.nan)
    for one in issued:
        begin = (one.starts_us - first_us) // _US_PER_HOUR
        places = np.arange(begin, begin + len(one.value))
        fits = (places >= 0) & (places < OUTLOOK_HOURS)
        for row, curve in zip(curves, (one.value, one.low, one.high), strict=True):
            row[places[fits]] = curve[fits]
    value, low, high = curves
    below, above = half_bands(value, low, high)
    return Outlook(first_us, value, below, above)


def half_bands(value: Float64s, low: Float64s, high: Float64s) -> tuple[Float64s, Float64s]:
    """Return the two halves of each band; a half is taken as at least a hundredth of the value, as a deviation is."""
    least = np.abs(value) * DEVIATION_SHARE_MIN
    halves = np.maximum(value - low, least), np.maximum(high - value, least)
    below, above = (np.where(half > 0, half, np.nan) for half in halves)
    return below, above


def half_bands_off(value: Float64s, expected: Float64s, below: Float64s, above: Float64s) -> Float64s:
    """Return how far values lie from what was forecast, in halves of the band on that side: 1 is its upper end."""
    off = value - expected
    return off / np.where(off < 0, below, above)


def deviations(at_us: Int64s, value: Float64s, issued: Sequence[Issued]) -> Float64s:
    """Return how far each reading lay from the newest forecast that was known and in force at its time.

    Args:
        at_us: rising, shape (n,).
        value: shape (n,).
        issued: the stream's forecasts, rising in time.

    Returns:
        In half bands, shape (n,); NaN where no forecast was in force.
    """
    found = np.full(len(value), np.nan)
    for one in issued:
        end_us = one.starts_us + len(one.value) * _US_PER_HOUR
        begin, end = np.searchsorted(at_us, [max(one.starts_us, one.issued_us), end_us]).tolist()
        hour = (at_us[begin:end] - one.starts_us) // _US_PER_HOUR
        below, above = half_bands(one.value, one.low, one.high)
        found[begin:end] = half_bands_off(value[begin:end], one.value[hour], below[hour], above[hour])
    return found
