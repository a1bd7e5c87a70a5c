"""Hour-of-week baselines: mean and spread of each of the week's 168 hours, learnt piece by piece."""

import math
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt

HOURS_OF_WEEK = 168
"""Hours from Monday 00:00 to Sunday 24:00, local time of the city."""

_US_PER_HOUR = 3_600_000_000
_CITY_OFFSET_HOURS = 8
"""Asia/Shanghai is UTC+8 without summer time since 1992 (IANA tz database)."""
_EPOCH_HOUR_OF_WEEK = 72
"""1 January 1970 was a Thursday."""

CLIP_DEVIATIONS = 5.0
"""Samples farther from the known centre than this many deviations are moved to that distance before they are
learnt, so that a faulty sensor cannot spoil a baseline (house default)."""

_MAD_TO_DEVIATION = 1.4826
"""Median absolute deviation to standard deviation, for a normal distribution."""

MEMORY = timedelta(weeks=8)
"""How far back a baseline looks first, and after how much newer history the old fades (house default)."""

SAMPLE_MIN_S = 300.0
"""A sample is the mean of one reporting period, but of at least this span, seconds: a stream of every
minute has twelve samples an hour, which is plenty."""

KNOWN_MIN = 4.0
"""From this many samples on, outliers are told by what is known rather than by the samples at hand."""

Float64s = npt.NDArray[np.float64]
Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Moments:
    """Count, mean and sum of squared deviations of samples.

    Attributes:
        n: how many samples, >= 0; a fraction once old samples have faded.
        mean: their mean, in the stream's unit.
        m2: sum of squared deviations from the mean.
    """

    n: float = 0.0
    mean: float = 0.0
    m2: float = 0.0

    @property
    def deviation(self) -> float:
        """Return the sample standard deviation, 0.0 below two samples."""
        return math.sqrt(self.m2 / (self.n - 1)) if self.n > 1 else 0.0


def hour_of_week(instant_us: Int64s) -> Int64s:
    """Return the hour of the week (0 is Monday 00:00-01:00 in the city) of instants, microseconds since the epoch."""
    hours = instant_us // _US_PER_HOUR + (_CITY_OFFSET_HOURS + _EPOCH_HOUR_OF_WEEK)
    return hours % HOURS_OF_WEEK


def moments_of(samples: Float64s) -> Moments:
    """Return the moments of samples, shape (n,)."""
    if not len(samples):
        return Moments()
    mean = float(samples.mean())
    return Moments(float(len(samples)), mean, float(((samples - mean) ** 2).sum()))


def clipped(samples: Float64s, *, known: Moments, known_min: float) -> Float64s:
    """Return samples with outliers moved to `CLIP_DEVIATIONS` from the centre.

    The centre and the deviation are those known, or while fewer than `known_min` samples are, the median and the
    median absolute deviation of the samples themselves. Where neither varies nothing is clipped.
    """
    if known.n >= known_min:
        centre, deviation = known.mean, known.deviation
    else:
        centre = float(np.median(samples)) if len(samples) else 0.0
        deviation = float(np.median(np.abs(samples - centre))) * _MAD_TO_DEVIATION if len(samples) else 0.0
    if deviation <= 0:
        return samples
    reach = CLIP_DEVIATIONS * deviation
    return np.clip(samples, centre - reach, centre + reach)


def merged(first: Moments, second: Moments) -> Moments:
    """Return the moments of both sets of samples together.

    Source:
        Chan, Golub and LeVeque: pairwise update of Welford's method.
    """
    n = first.n + second.n
    if n == 0:
        return Moments()
    distance = second.mean - first.mean
    mean = first.mean + distance * second.n / n
    return Moments(n, mean, first.m2 + second.m2 + distance * distance * first.n * second.n / n)


def faded(moments: Moments, *, n_max: float) -> Moments:
    """Return the moments with the weight of at most `n_max` samples, so that old weeks fade."""
    if moments.n <= n_max:
        return moments
    return Moments(n_max, moments.mean, moments.m2 * (n_max - 1) / (moments.n - 1))


def sample_s_of(period_s: float | None) -> float:
    """Return over how many seconds the mean of a sample goes, for a stream's reporting period."""
    return max(period_s or SAMPLE_MIN_S, SAMPLE_MIN_S)


def samples_max_of(sample_s: float) -> float:
    """Return how many samples an hour of the week remembers."""
    return MEMORY / timedelta(weeks=1) * max(1.0, 3600.0 / sample_s)
