"""A value that nears a limit: how many minutes are left if it goes on as its last readings did."""

from functools import lru_cache
from itertools import combinations

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]
Float64s = npt.NDArray[np.float64]

READINGS_MIN, READINGS_MAX = 3, 30
"""Of how many readings a slope may be taken; 30 readings are 435 pairs."""

MINUTES_MAX = 10_080.0
"""More than a week ahead, or never, is told as a week: minutes (house default)."""

_US_PER_MINUTE = 60_000_000.0
_PIECE_PAIRS = 2_000_000
"""How many pairs are looked at together: 16 MB."""


def minutes_to(  # noqa: PLR0913  each says one thing
    at_us: Int64s, value: Float64s, *, limit: float, is_below: bool, readings: int, span_s: float = 0.0
) -> Float64s:
    """Return the minutes until a value reaches a limit, as each reading and those before it foretell.

    Slope and level are the medians of Theil and Sen: a single wild reading moves neither.

    Args:
        at_us: rising, shape (n,).
        value: shape (n,).
        limit: what is neared, in the value's unit.
        is_below: whether it lies below, so that the value falls towards it.
        readings: of how many readings a slope is taken.
        span_s: no slope is taken of readings further apart than this, seconds; 0 where that is not limited.

    Returns:
        Shape (n,), 0 where the limit is reached, `MINUTES_MAX` where it is never neared, NaN where too few readings
        are known.

    Source:
        Theil (1950), Sen (1968): the median of the slopes of all pairs.
    """
    found = np.full(len(value), np.nan)
    if len(value) < readings:
        return found
    first, second = _pairs(readings)
    times = np.lib.stride_tricks.sliding_window_view(at_us, readings)
    values = np.lib.stride_tricks.sliding_window_view(value, readings)
    piece = max(1, _PIECE_PAIRS // len(first))
    for begin in range(0, len(times), piece):
        at_min = (times[begin : begin + piece] - times[begin : begin + piece, -1:]) / _US_PER_MINUTE
        some = values[begin : begin + piece]
        slope = np.median((some[:, second] - some[:, first]) / (at_min[:, second] - at_min[:, first]), axis=1)
        level = np.median(some - slope[:, None] * at_min, axis=1)
        found[readings - 1 + begin : readings - 1 + begin + len(some)] = _left(level, slope, limit, is_below=is_below)
    if span_s:
        wide = times[:, -1] - times[:, 0] > span_s * 1e6
        found[readings - 1 :][wide] = np.nan
    return found


@lru_cache(maxsize=READINGS_MAX)
def _pairs(readings: int) -> tuple[Int64s, Int64s]:
    first, second = np.array(list(combinations(range(readings), 2)), dtype=np.int64).T
    return first, second


def _left(level: Float64s, slope: Float64s, limit: float, *, is_below: bool) -> Float64s:
    side = -1.0 if is_below else 1.0
    gap, pace = side * (limit - level), side * slope
    minutes = np.divide(gap, pace, out=np.full(len(gap), MINUTES_MAX), where=pace > 0)
    return np.where(np.isnan(level), np.nan, np.where(gap <= 0, 0.0, np.minimum(minutes, MINUTES_MAX)))
