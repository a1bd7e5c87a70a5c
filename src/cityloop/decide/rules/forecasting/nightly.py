"""What is issued every night for a block of streams: a week, its band, and which method was worth showing."""

from dataclasses import dataclass

import numpy as np

from cityloop.decide.rules.forecasting.bands import sides_after
from cityloop.decide.rules.forecasting.blend import (
    REHEARSAL_DAYS,
    SHARE_FIRST_DAY,
    SHARE_LATER,
    Model,
    Parts,
    Rehearsal,
    averaged,
    learn,
    members,
    rehearse,
    remembered,
    shares_of,
)
from cityloop.decide.rules.forecasting.fallback import naive_is_better
from cityloop.decide.rules.forecasting.grid import DAYS_AHEAD, HOURS, Float64s, Past
from cityloop.decide.rules.forecasting.naive import Naive, naive_forecast
from cityloop.decide.rules.forecasting.trees import Effort

MODEL = "model"


@dataclass(frozen=True, slots=True)
class Issued:
    """A forecast as it is shown, and what it is made of.

    Attributes:
        curve: seven days of hours, in the stream's unit, shape (7, 24).
        low: lower end of the band, NaN where no errors are known yet.
        high: upper end of the band.
        method: `model`, `yesterday` or `last_week`.
        fell_back: whether the model was passed over because the naive forecast was better over 14 days.
        shares: share of the regression in the first day and in those after it.
        parts: what each part of the model said, shape (7, 24) each.
        rows: hours the stream's own trees learnt from.
    """

    curve: Float64s
    low: Float64s
    high: Float64s
    method: str
    fell_back: bool
    shares: tuple[float, float]
    parts: Parts
    rows: int


def issue(pasts: list[Past], kept: list[Parts | None], *, effort: Effort) -> list[Issued]:
    """Return the forecasts of a block of streams at midnight.

    Args:
        pasts: what is known of each.
        kept: of each the parts of the forecasts made in the last days, shape (days, 7, 24) each, NaN where a day has
            none, the last made a day ago; None where too few are kept: then the last weeks are rehearsed.
        effort: how much time it may cost.
    """
    models = learn(pasts, effort=effort)
    wanting = [number for number, parts in enumerate(kept) if parts is None]
    rehearsed = dict(zip(wanting, rehearse([pasts[number] for number in wanting], effort=effort), strict=True))
    return [
        _issued(past, model, remembered(past, parts) if parts is not None else rehearsed[number])
        for number, (past, model, parts) in enumerate(zip(pasts, models, kept, strict=True))
    ]


def _issued(past: Past, model: Model, before: Rehearsal | None) -> Issued:
    parts = members(model, past)
    usual = (SHARE_FIRST_DAY, SHARE_LATER)
    shares = shares_of(before.parts, before.came) if before is not None else usual
    curve, missed = averaged(parts, shares=shares), None
    method, fell_back = MODEL, False
    if before is not None:
        said = averaged(before.parts, shares=shares)
        missed = before.came - said
        better = _better_naive(before, said)
        if better is not None:
            method, fell_back = str(better), True
            missed = before.came - _naive_of(before, better)
    if not np.isfinite(curve[0]).any() and not fell_back:
        method = str(Naive.LAST_WEEK)
    if method != MODEL:
        curve = naive_forecast(past.values, kind=Naive(method), days_ahead=DAYS_AHEAD)
    low, high = _band(curve, missed)
    return Issued(curve, low, high, method, fell_back, shares, parts, model.rows)


def _naive_of(before: Rehearsal, kind: Naive) -> Float64s:
    return before.yesterday if kind is Naive.YESTERDAY else before.last_week


def _better_naive(before: Rehearsal, said: Float64s) -> Naive | None:
    """Return the naive forecast, the better of two, that was better than the model in the first day, None for none."""
    came = before.came[:, 0]
    yesterday, last_week = before.yesterday[:, 0], before.last_week[:, 0]
    best, other = (Naive.LAST_WEEK, last_week), (Naive.YESTERDAY, yesterday)
    if naive_is_better(best[1], other[1], came):
        best = other
    return best[0] if naive_is_better(said[:, 0], best[1], came) else None


def _band(curve: Float64s, missed: Float64s | None) -> tuple[Float64s, Float64s]:
    if missed is None or not np.isfinite(missed).any():
        unknown = np.full((DAYS_AHEAD, HOURS), np.nan)
        return unknown, unknown
    sides = [sides_after(missed[:, ahead]) for ahead in range(DAYS_AHEAD)]
    low = curve - np.array([side.below for side in sides])
    return low, curve + np.array([side.above for side in sides])


__all__ = ["MODEL", "REHEARSAL_DAYS", "Issued", "issue"]
