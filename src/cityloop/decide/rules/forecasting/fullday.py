"""The whole day from its first hours: what was used, and what the rest will bring, with a band that narrows."""

from dataclasses import dataclass

import numpy as np

from cityloop.decide.rules.forecasting.bands import sides_after
from cityloop.decide.rules.forecasting.grid import HOURS, Float64s

DAYS_MIN = 14
"""With fewer past days there is no band."""

TRUST_MAX = 1.5
"""A day that began higher than forecast by a share goes on higher by at most this times that share."""


@dataclass(frozen=True, slots=True)
class FullDay:
    """An estimate of a day's total.

    Attributes:
        total: the estimate, sum of the hours' means in the stream's unit times hours.
        low: lower end of the band, NaN while too few past days are known.
        high: upper end.
        used: what the hours that are over have brought.
        hours: how many hours are over.
    """

    total: float
    low: float
    high: float
    used: float
    hours: int


def full_day(so_far: Float64s, *, expected: Float64s, past: Float64s, past_expected: Float64s) -> FullDay:
    """Return the estimate of a day's total from its first hours.

    What is left is what was expected of it, moved as past days that began so went on. Dispatchers divide what is used
    by the usual share instead; that is the same where a day that begins higher goes on higher by the same share.

    The band follows the errors of the past days as shares of what was expected of their rest, as `bands` does.

    Args:
        so_far: the hours that are over, shape (hours,); a gap among them is taken as expected.
        expected: what was forecast of the day at its midnight, or the usual day, shape (24,).
        past: days before, oldest first, shape (days, 24); days with a gap are passed over.
        past_expected: what was forecast of them, the same shape.

    Source:
        Domain reference, section 4.3, rule 1.
    """
    hours = len(so_far)
    brought = np.where(np.isfinite(so_far), so_far, expected[:hours])
    used, left = float(brought.sum()), float(expected[hours:].sum())
    if hours == HOURS:
        return FullDay(used, used, used, used, hours)
    whole = np.isfinite(past).all(axis=1) & np.isfinite(past_expected).all(axis=1)
    past, past_expected = past[whole], past_expected[whole]
    if len(past) < DAYS_MIN:
        return FullDay(used + left, float("nan"), float("nan"), used, hours)
    trust = trust_after(past, past_expected, hours=hours)
    rest = _rest(used, float(expected[:hours].sum()), left, trust)
    rests = np.array([_rest(*parts, trust) for parts in _parts(past, past_expected, hours)])
    scale = np.abs(past_expected[:, hours:].sum(axis=1))
    missed = np.where(scale > 0, (past[:, hours:].sum(axis=1) - rests) / np.where(scale > 0, scale, 1.0), np.nan)
    sides = sides_after(missed[:, None])
    below, above = float(sides.below[0]) * abs(left), float(sides.above[0]) * abs(left)
    return FullDay(used + rest, used + rest - below, used + rest + above, used, hours)


def trust_after(past: Float64s, past_expected: Float64s, *, hours: int) -> float:
    """Return how much of a beginning's deviation goes on: 0 none, 1 all of it; learnt by least squares."""
    if hours == 0:
        return 0.0
    begun = _shares(past[:, :hours].sum(axis=1), past_expected[:, :hours].sum(axis=1))
    went_on = _shares(past[:, hours:].sum(axis=1), past_expected[:, hours:].sum(axis=1))
    square = float((begun * begun).sum())
    return min(max(float((begun * went_on).sum()) / square, 0.0), TRUST_MAX) if square > 0 else 0.0


def _parts(past: Float64s, past_expected: Float64s, hours: int) -> list[tuple[float, float, float]]:
    used, begun, left = past[:, :hours].sum(1), past_expected[:, :hours].sum(1), past_expected[:, hours:].sum(1)
    return [(float(u), float(b), float(rest)) for u, b, rest in zip(used, begun, left, strict=True)]


def _shares(came: Float64s, expected: Float64s) -> Float64s:
    usable = np.abs(expected) > 0
    return np.where(usable, came / np.where(usable, expected, 1.0) - 1.0, 0.0)


def _rest(used: float, begun: float, left: float, trust: float) -> float:
    if begun == 0:
        return left
    return left * (1.0 + trust * (used / begun - 1.0))


def by_share(so_far: Float64s, past: Float64s) -> float:
    """Return the estimate as dispatchers make it by hand: what was used, divided by the usual share of these hours."""
    whole = past[np.isfinite(past).all(axis=1)]
    shares = whole[:, : len(so_far)].sum(axis=1) / whole.sum(axis=1)
    usual = float(np.mean(shares)) if len(shares) else float("nan")
    return float(np.nansum(so_far)) / usual if usual else float("nan")
