"""Series as they come from the field, made fit to learn from: faults, stuck values, spikes and resets are taken out.

Nothing is corrected in the history itself; what is taken out here is a gap to the models, which know gaps.
"""

import numpy as np

from cityloop.decide.rules.forecasting.grid import Bools, Float64s, Int64s, before, nan_median

STUCK_HOURS = 12
"""A value that does not change for so many hours is no measurement, unless it is the lowest there is: nothing flows."""

SPIKE_DEVIATIONS = 8.0
"""An hour is a spike where it is farther from the median of the hour's four weeks before, and from its neighbours, than
this many deviations."""

FAULT_VALUES = (-9999.0, -999.0, -39.9, 9999.0, 99999.0)
"""What instruments send when they fail (seen in real supervisory data)."""

GAP_HOURS_MAX = 3
"""A counter that was silent for longer tells how much, but not when: the hours in between stay unknown."""

_MAD = 1.4826
_NOTHING = 1e-12


def clean(values: Float64s, *, fault_values: tuple[float, ...] = FAULT_VALUES) -> Float64s:
    """Return days of hours with NaN in place of what no model may learn; looks at no later day than the next hours.

    Args:
        values: means of the hours, shape (days, 24), NaN where nothing came.
        fault_values: values that mean a failure of the instrument.
    """
    found = values.copy()
    found[np.isin(found, fault_values)] = np.nan
    found[stuck(found)] = np.nan
    found[spikes(found)] = np.nan
    return found


def stuck(values: Float64s) -> Bools:
    """Return where a value above the lowest has stood still for 12 hours or more, shape as given."""
    flat = values.reshape(-1)
    bottom = np.nanmin(flat) if np.isfinite(flat).any() else 0.0
    same = np.concatenate([[False], np.abs(np.diff(flat)) <= _NOTHING])
    run = np.cumsum(~same)
    length = np.bincount(run, minlength=run.max(initial=0) + 1)[run]
    still: Bools = (length >= STUCK_HOURS) & np.isfinite(flat) & (flat > bottom)
    return still.reshape(values.shape)


def spikes(values: Float64s) -> Bools:
    """Return where an hour stands far from its usual values and from both neighbours, shape as given."""
    weeks = before(values, 28)[:, : len(values)]
    centre = nan_median(weeks, axis=0)
    spread = nan_median(np.abs(weeks - centre), axis=0) * _MAD
    whole = np.abs(np.diff(values.reshape(-1)))
    restless = np.median(whole[np.isfinite(whole)]) * _MAD if np.isfinite(whole).any() else 0.0
    reach = SPIKE_DEVIATIONS * np.maximum(spread, max(float(restless), _NOTHING))
    flat = values.reshape(-1)
    neighbours = np.stack([np.roll(flat, 1), np.roll(flat, -1)])
    alone = np.nanmin(np.abs(neighbours - flat), axis=0, initial=np.inf).reshape(values.shape)
    far: Bools = (np.abs(values - centre) > reach) & (alone > reach)
    return far


def hours_of_counter(at_s: Int64s, total: Float64s, *, rate_max: float) -> tuple[Int64s, Float64s]:
    """Return what a counter has added in each hour.

    Resets, jumps and readings that go back are told by the rate: what is added between two readings counts only where
    it is between nothing and `rate_max` an hour; otherwise the hours it touches are unknown. A single reading that
    leaves and comes back costs only its own hours.

    Args:
        at_s: when it was read, local seconds since 1970-01-01, ascending, shape (n,).
        total: the counter, in its unit, shape (n,), NaN where it could not be read.
        rate_max: more than this an hour is impossible, in the counter's unit.

    Returns:
        Local hours since 1970-01-01, and what each has added, NaN where it is not known.
    """
    known = np.isfinite(total)
    at_s, total = at_s[known], total[known]
    if len(at_s) < 2:  # noqa: PLR2004  a difference needs two readings
        return np.empty(0, dtype=np.int64), np.empty(0)
    span_h = np.diff(at_s) / 3600.0
    step = np.diff(total)
    sound = (step >= 0) & (step <= rate_max * np.maximum(span_h, 1.0 / 60)) & (span_h <= GAP_HOURS_MAX) & (span_h > 0)
    first = int(at_s[0] // 3600)
    edges = np.arange(first, int(at_s[-1] // 3600) + 2) * 3600
    grown = np.concatenate([[0.0], np.cumsum(np.where(sound, step, 0.0))])
    unsure = np.concatenate([[0.0], np.cumsum(np.where(sound, 0.0, np.maximum(span_h, 1e-6)))])
    added = np.diff(np.interp(edges, at_s, grown))
    unknown = np.diff(np.interp(edges, at_s, unsure)) > _NOTHING
    partial = (edges[:-1] < at_s[0]) | (edges[1:] > at_s[-1])
    return edges[:-1] // 3600, np.where(unknown | partial, np.nan, added)
