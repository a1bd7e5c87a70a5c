"""Day after day as the city would have lived it: learn, forecast at midnight, see what came, learn from the misses."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cityloop.decide.rules.forecasting.bands import Sides, all_sides
from cityloop.decide.rules.forecasting.blend import (
    SHARE_FIRST_DAY,
    SHARE_LATER,
    Parts,
    averaged,
    learn,
    members,
    rehearse,
    shares_of,
)
from cityloop.decide.rules.forecasting.fallback import naive_is_better
from cityloop.decide.rules.forecasting.grid import Float64s, Past
from cityloop.decide.rules.forecasting.naive import Naive, naive_forecast
from cityloop.decide.rules.forecasting.trees import FULL, Effort

LEARN_EVERY_DAYS = 7
"""Trees are at most so old; the regressions learn every day."""

SEEN_DAYS_MIN = 14
SEEN_DAYS = 56
"""Shares are chosen by the errors of so many last days."""

USUAL = (SHARE_FIRST_DAY, SHARE_LATER)


@dataclass
class Walk:
    """What was forecast, each of shape (days, 24).

    Attributes:
        model: the model's forecast.
        naive: yesterday.
        shown: whichever of the two the fall-back has chosen.
        came: what came.
        sides: the band of each day.
        fell_back: on how many days the naive forecast was shown.
    """

    model: Float64s
    naive: Float64s
    shown: Float64s
    came: Float64s
    sides: list[Sides]
    fell_back: int


def walk(
    past: Past,
    *,
    days: int,
    effort: Effort = FULL,
    beside: Sequence[Past] = (),
    done: Callable[[], None] = lambda: None,
) -> Walk:
    """Return the day-ahead forecasts of the last days of a stream; streams `beside` it learn with it, day for day."""
    start = past.days - days
    before = past.until(start)
    rehearsal = rehearse([before, *(one.until(start) for one in beside)], effort=effort, days_ahead=1)[0]
    parts: dict[str, list[Float64s]] = {}
    came: list[Float64s] = []
    naive: list[Float64s] = []
    if rehearsal is not None:
        parts = {name: list(part) for name, part in rehearsal.parts.items()}
        came = list(rehearsal.came)
        naive = [_yesterday(before.until(before.days - left)) for left in range(len(came), 0, -1)]
    model: list[Float64s] = []
    if came:
        shares = shares_of(_stacked(parts), np.array(came))
        model = [averaged(_one(parts, row), shares=shares)[0] for row in range(len(came))]
    warm, shown, fell_back, learnt = len(came), [], 0, None
    for day in range(days):
        known = past.until(start + day)
        if learnt is None or day % LEARN_EVERY_DAYS == 0:
            others = [one.until(start + day) for one in beside]
            learnt = learn([known, *others], effort=effort, days_ahead=1)[0]
        found = members(learnt, known, days_ahead=1)
        lately = {name: part[-SEEN_DAYS:] for name, part in parts.items()}
        shares = shares_of(_stacked(lately), np.array(came[-SEEN_DAYS:])) if len(came) >= SEEN_DAYS_MIN else USUAL
        model.append(averaged(found, shares=shares)[0])
        naive.append(_yesterday(known))
        back = bool(came) and naive_is_better(np.array(model[:-1]), np.array(naive[:-1]), np.array(came)[:, 0])
        fell_back += back
        shown.append(naive[-1] if back else model[-1])
        for name, part in found.items():
            parts.setdefault(name, []).append(part)
        came.append(past.values[start + day][None])
        done()
    truth = np.array(came)[:, 0]
    sides = all_sides(truth - np.array([*model[:warm], *shown]))[warm:]
    return Walk(np.array(model[warm:]), np.array(naive[warm:]), np.array(shown), truth[warm:], sides[:days], fell_back)


def _yesterday(past: Past) -> Float64s:
    return naive_forecast(past.values, kind=Naive.YESTERDAY, days_ahead=1)[0]


def _stacked(parts: dict[str, list[Float64s]]) -> Parts:
    return {name: np.array(part) for name, part in parts.items()}


def _one(parts: dict[str, list[Float64s]], row: int) -> Parts:
    return {name: part[row] for name, part in parts.items()}


def wape(forecast: Float64s, came: Float64s) -> float:
    """Return the sum of the misses over the sum of what came, percent, over the hours that are known."""
    known = np.isfinite(forecast) & np.isfinite(came)
    return float(100 * np.abs(forecast - came)[known].sum() / np.abs(came[known]).sum())
