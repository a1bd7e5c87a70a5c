"""The forecast: trees of the block, trees of the stream and the regression, averaged by what they were worth lately."""

from dataclasses import dataclass

import numpy as np

from cityloop.decide.rules.forecasting.features import DAYS_MIN, restlessness, rows_of
from cityloop.decide.rules.forecasting.grid import DAYS_AHEAD, HOURS, Float64s, Past, nan_mean, row_at
from cityloop.decide.rules.forecasting.ridge import learnt_lines, lines_forecast, ridge_forecast, scale_of, told
from cityloop.decide.rules.forecasting.trees import (
    FULL,
    Effort,
    Trees,
    own_trees,
    shared_trees,
    trees_at,
    trees_forecast,
)

REHEARSAL_DAYS = 28
"""So many last days are forecast by a model that has not learnt from them: what bands and shares begin with."""

SHARE_FIRST_DAY = 0.5
SHARE_LATER = 1 / 3
"""Share of the regression before a stream's own errors have shown a better one (chosen on weeks no figure is from)."""

SHARES = (0.0, 0.25, 0.5, 0.75, 0.9, 1.0)
GAIN_MIN_FIRST_DAY = 0.02
GAIN_MIN_LATER = 0.1
"""A share other than the usual one must have been better by this part of the error; four weeks hold few late days."""

Parts = dict[str, Float64s]


@dataclass(frozen=True, slots=True)
class Model:
    """What has learnt of one stream.

    Attributes:
        scale: the stream's restlessness at the time.
        own: trees of the stream, None where its history is too short.
        shared: trees of its block, None where there are none.
        number: the stream's place in its block.
        learnt_until: the first day it has not learnt from.
    """

    scale: float
    own: Trees | None
    shared: Trees | None
    number: int
    learnt_until: int

    @property
    def rows(self) -> int:
        """Return how many hours of the stream were learnt from."""
        return self.own.rows if self.own is not None else 0


def learn(pasts: list[Past], *, effort: Effort = FULL, days_ahead: int = DAYS_AHEAD) -> list[Model]:
    """Return a model of each stream of a block.

    Args:
        pasts: streams of one kind; their weather has the same columns.
        effort: how much time it may cost.
        days_ahead: how many days will be asked for.
    """
    scales = [restlessness(past.values) for past in pasts]
    alone = len(pasts) == 1
    shared = None if alone else shared_trees(pasts, scales=scales, effort=effort, days_ahead=days_ahead)
    return [
        Model(scale, own_trees(past, scale=scale, effort=effort, days_ahead=days_ahead), shared, number, past.days)
        for number, (past, scale) in enumerate(zip(pasts, scales, strict=True))
    ]


def members(model: Model, past: Past, *, days_ahead: int = DAYS_AHEAD) -> Parts:
    """Return what each part of a model forecasts, shape (days ahead, 24), by `own`, `shared` and `ridge`."""
    found = {}
    if model.own is not None:
        found["own"] = trees_forecast(model.own, past, scale=model.scale, days_ahead=days_ahead)
    if model.shared is not None:
        found["shared"] = trees_forecast(
            model.shared, past, scale=model.scale, number=model.number, days_ahead=days_ahead
        )
    found["ridge"] = np.stack([ridge_forecast(past, ahead=ahead) for ahead in range(days_ahead)])
    return found


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Forecasts of the last days, by models that had not learnt from them.

    Attributes:
        parts: by part of the model, shape (days, days ahead, 24); row n was forecast at the midnight before day n.
        came: what came, shape (days, days ahead, 24), NaN where it is not known.
        last_week: the same hours one week earlier, shape (days, days ahead, 24).
        yesterday: the same hours of the day before the midnight, shape (days, days ahead, 24).
    """

    parts: Parts
    came: Float64s
    last_week: Float64s
    yesterday: Float64s


def rehearse(
    pasts: list[Past], *, effort: Effort, days_ahead: int = DAYS_AHEAD, days: int = REHEARSAL_DAYS
) -> list[Rehearsal | None]:
    """Return the forecasts of the last days of each stream of a block, None where the history is too short."""
    models = learn([past.until(past.days - days) for past in pasts], effort=effort, days_ahead=days_ahead)
    return [
        _rehearsal(past, model, days_ahead=days_ahead, days=days) if past.days >= 2 * DAYS_MIN + days else None
        for past, model in zip(pasts, models, strict=True)
    ]


def _rehearsal(past: Past, model: Model, *, days_ahead: int, days: int) -> Rehearsal:
    origin = np.repeat(np.arange(past.days - days, past.days), days_ahead)
    ahead = np.tile(np.arange(days_ahead), days)
    shape = (days, days_ahead, HOURS)
    rows = rows_of(past, origin, ahead, scale=model.scale)
    parts: Parts = {}
    if model.own is not None:
        parts["own"] = trees_at(model.own, rows, scale=model.scale).reshape(shape)
    if model.shared is not None:
        parts["shared"] = trees_at(model.shared, rows, scale=model.scale, number=model.number).reshape(shape)
    parts["ridge"] = np.stack([_lines_rehearsed(past, ahead=one, days=days) for one in range(days_ahead)], axis=1)
    return remembered(past, parts)


def remembered(past: Past, parts: Parts) -> Rehearsal:
    """Return forecasts of the last days beside what came and what the naive ones would have said.

    Args:
        past: what is known.
        parts: the forecasts, each of shape (days, days ahead, 24), the last made a day before the last midnight.
    """
    days, days_ahead, _ = parts["ridge"].shape
    origin = np.repeat(np.arange(past.days - days, past.days), days_ahead)
    target = origin + np.tile(np.arange(days_ahead), days)
    came, last_week, yesterday = (
        row_at(past.values, day).reshape(days, days_ahead, HOURS) for day in (target, target - 7, origin - 1)
    )
    return Rehearsal(parts, came, last_week, yesterday)


def _lines_rehearsed(past: Past, *, ahead: int, days: int) -> Float64s:
    until = past.days - days
    scale = scale_of(past.values[:until])
    seen = told(past, ahead=ahead, scale=scale)
    lines = learnt_lines(seen, ahead=ahead, scale=scale, until=until)
    return lines_forecast(lines, seen.columns[-days - 1 : -1])


def averaged(parts: Parts, *, shares: tuple[float, float]) -> Float64s:
    """Return the average of the parts: all trees together, and the regression with its share.

    Args:
        parts: forecasts, shape (..., days ahead, 24); NaN passes for nothing.
        shares: share of the regression in the first day and in those after it.
    """
    ridge = parts["ridge"]
    trees = [part for name, part in parts.items() if name != "ridge"]
    if not trees:
        return ridge
    together = nan_mean(np.stack(trees), axis=0)
    share = np.full(ridge.shape[-2], shares[1])
    share[0] = shares[0]
    mixed = (1 - share[:, None]) * together + share[:, None] * ridge
    return np.where(np.isfinite(mixed), mixed, np.where(np.isfinite(together), together, ridge))


def shares_of(parts: Parts, came: Float64s) -> tuple[float, float]:
    """Return the shares of the regression that were best, in the first day and in those after it.

    Args:
        parts: past forecasts, shape (days, days ahead, 24).
        came: what came, the same shape, NaN where it is not known.
    """
    usual = (SHARE_FIRST_DAY, SHARE_LATER)
    first = _best(parts, came, usual=usual[0], which=0)
    return first, _best(parts, came, usual=usual[1], which=1) if came.shape[1] > 1 else usual[1]


def _best(parts: Parts, came: Float64s, *, usual: float, which: int) -> float:
    span = slice(0, 1) if which == 0 else slice(1, None)

    def error(share: float) -> float:
        away = np.abs(averaged(parts, shares=(share, share))[:, span] - came[:, span])
        known = away[np.isfinite(away)]
        return float(known.mean()) if len(known) else np.inf

    best = min(SHARES, key=error)
    gain = GAIN_MIN_FIRST_DAY if which == 0 else GAIN_MIN_LATER
    return best if error(best) < (1 - gain) * error(usual) else usual
