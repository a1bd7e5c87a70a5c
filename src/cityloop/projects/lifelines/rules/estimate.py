"""The full day from its first hours, as dispatchers make it: what was used over the usual share of these hours."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float64s = npt.NDArray[np.float64]

HOURS = 24
BAND = (0.1, 0.9)
"""The band reaches from the 10th to the 90th of 100 past days (domain reference, section 4.3, rule 1)."""

SIMILAR_MIN = 5
"""With fewer similar days there is no band."""

SIMILAR_WANTED = 10
"""So many days of the same kind and temperature are enough; with fewer the net is cast wider."""

TEMPERATURE_REACH_C = 6.0
"""Days are similar whose mean temperature lies so near, kelvin."""

UNBANDED_BEFORE_HOURS = 3
"""Before 03:00 nothing is shown without a band."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A day's total as it will be.

    Attributes:
        total: sum of the hours.
        low: lower end of the band, None where too few days are known.
        high: upper end.
        days: similar days it rests on.
        share: mean share of the day that they had used by now, None where it was not used.
    """

    total: float
    low: float | None
    high: float | None
    days: int
    share: float | None = None


def by_shares(so_far: Float64s, similar: Float64s) -> Estimate | None:
    """Return the estimate of a day from the shares of similar days.

    `used / share(h)`, where share(h) is the mean share of the day's total that similar days had used up to then; the
    band divides by the spread of these shares. Before the first hour is over it is the mean of their totals.

    Args:
        so_far: hours that are over, shape (hours,); none of them unknown.
        similar: similar days, shape (days, 24); none of their hours unknown.

    Returns:
        The estimate; None where no similar day is known, or they used nothing.

    Source:
        Domain reference, section 4.3, rule 1.
    """
    totals = similar.sum(axis=1)
    similar, totals = similar[totals > 0], totals[totals > 0]
    if not len(totals):
        return None
    has_band, hours = len(totals) >= SIMILAR_MIN, len(so_far)
    if hours == HOURS:
        used = float(so_far.sum())
        return Estimate(used, used, used, len(totals))
    if not hours:
        low, high = np.quantile(totals, BAND)
        return Estimate(float(totals.mean()), *_band(low, high, has_band=has_band), len(totals))
    used, shares = float(so_far.sum()), similar[:, :hours].sum(axis=1) / totals
    share = float(shares.mean())
    if share <= 0 or used < 0:
        return None
    least, most = np.quantile(shares, BAND)
    low, high = used / most if most > 0 else np.inf, used / least if least > 0 else np.inf
    estimate = used / share
    has_band &= bool(np.isfinite(high))
    return Estimate(estimate, *_band(min(low, estimate), max(high, estimate), has_band=has_band), len(totals), share)


def _band(low: float, high: float, *, has_band: bool) -> tuple[float | None, float | None]:
    return (float(low), float(high)) if has_band else (None, None)


def similar_days(
    known: npt.NDArray[np.bool_],
    is_off: npt.NDArray[np.bool_],
    temperature_c: Float64s,
    *,
    off_today: bool,
    today_c: float | None,
) -> npt.NDArray[np.int64]:
    """Return which past days resemble today: of the same kind and about as warm; else of the same kind; else all known.

    Args:
        known: whether all hours of a day are known, shape (days,), oldest first.
        is_off: whether it was no working day, shape (days,).
        temperature_c: its mean temperature, NaN where not known, shape (days,).
        off_today: whether today is no working day.
        today_c: mean temperature of today so far, None where not known.

    Returns:
        Positions, oldest first.
    """
    kind = known & (is_off == off_today)
    near = kind
    if today_c is not None and np.isfinite(temperature_c).any():
        near = kind & (np.abs(temperature_c - today_c) <= TEMPERATURE_REACH_C)
    for chosen in (near, kind):
        if chosen.sum() >= SIMILAR_WANTED:
            return np.flatnonzero(chosen)
    return np.flatnonzero(known)


def may_be_shown(estimate: Estimate, *, hours: int) -> bool:
    """Return whether an estimate may be shown: before 03:00 only with its band."""
    return hours >= UNBANDED_BEFORE_HOURS or estimate.low is not None


__all__ = ["HOURS", "Estimate", "by_shares", "may_be_shown", "similar_days"]
