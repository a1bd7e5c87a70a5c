"""Honest bands: their width follows what the forecasts have missed, so that four of five hours lie inside.

A band split off once from old errors fails when the season turns (measured). Here each side keeps a multiple of the
hour's usual error, widened after every day that lay outside too often and narrowed after every other day.

Source:
    Adaptive conformal inference (Gibbs and Candes 2021), with multiplicative steps; docs/decisions/0020-forecasts.md
"""

from dataclasses import dataclass

import numpy as np

from cityloop.decide.rules.forecasting.grid import HOURS, Float64s, nan_mean

COVERAGE = 0.8
"""Share of hours that shall lie inside."""

STEP = 0.25
"""How strongly a day of misses widens a side: by this times the share of misses that is too many."""

FADES = 0.93
"""What the usual error of an hour keeps of itself from day to day: it remembers about two weeks."""

START = 1.3
"""Multiple of the usual error at the beginning; for a normal error it leaves a tenth outside on a side."""

NEIGHBOURS = np.array([0.25, 0.5, 0.25])
_SMALL = 1e-9


@dataclass(frozen=True, slots=True)
class Sides:
    """How far a band reaches beyond a forecast, both >= 0, shape (24,)."""

    below: Float64s
    above: Float64s


def sides_after(missed: Float64s, *, coverage: float = COVERAGE) -> Sides:
    """Return the sides of the next day's band.

    Args:
        missed: what came minus what was forecast, shape (days, 24), oldest first, NaN where nothing came.
        coverage: share of hours that shall lie inside.
    """
    return all_sides(missed, coverage=coverage)[-1]


def all_sides(missed: Float64s, *, coverage: float = COVERAGE) -> list[Sides]:
    """Return the sides of each day's band, and of the day after the last: each knows only the days before it."""
    aim = (1 - coverage) / 2
    usual = _first_usual(missed[:7])
    low = high = START
    sides = [Sides(low * usual, high * usual)]
    for day in missed:
        known = np.isfinite(day)
        if known.any():
            low *= np.exp(STEP * (float((day[known] < -sides[-1].below[known]).mean()) - aim))
            high *= np.exp(STEP * (float((day[known] > sides[-1].above[known]).mean()) - aim))
            usual = np.where(known, FADES * usual + (1 - FADES) * _smooth(np.abs(day), usual), usual)
        sides.append(Sides(low * usual, high * usual))
    return sides


def _first_usual(missed: Float64s) -> Float64s:
    usual = nan_mean(np.abs(missed), axis=0) if len(missed) else np.full(HOURS, np.nan)
    known = usual[np.isfinite(usual)]
    return _smooth(np.where(np.isfinite(usual), usual, known.mean() if len(known) else 0.0), usual) + _SMALL


def _smooth(day: Float64s, otherwise: Float64s) -> Float64s:
    filled = np.where(np.isfinite(day), day, otherwise)
    filled = np.where(np.isfinite(filled), filled, 0.0)
    return np.convolve(np.concatenate([filled[-1:], filled, filled[:1]]), NEIGHBOURS, mode="valid")


def covered(missed: Float64s, sides: list[Sides]) -> float:
    """Return the share of known hours that lay inside the band of their day, NaN where none is known."""
    below = np.stack([side.below for side in sides[: len(missed)]])
    above = np.stack([side.above for side in sides[: len(missed)]])
    known = np.isfinite(missed)
    inside = (missed >= -below) & (missed <= above)
    return float(inside[known].mean()) if known.any() else float("nan")
