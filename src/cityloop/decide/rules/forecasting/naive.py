"""Forecasts anyone can make: what was yesterday, what was last week. Every model is shown beside them."""

from enum import StrEnum

import numpy as np

from cityloop.decide.rules.forecasting.features import DAYS_MIN
from cityloop.decide.rules.forecasting.grid import Float64s, before, nan_median, row_at


class Naive(StrEnum):
    """Which earlier day stands for a day."""

    YESTERDAY = "yesterday"
    LAST_WEEK = "last_week"


def naive_forecast(values: Float64s, *, kind: Naive, days_ahead: int) -> Float64s:
    """Return the naive forecast of the days after the last, shape (days_ahead, 24).

    What is missing on the earlier day is taken from the hour's median of the four weeks before.

    Args:
        values: what is known, days of hours.
        kind: yesterday for every day ahead, or the same weekday of the week before.
        days_ahead: how many days, at most 7.
    """
    days = len(values) + np.arange(days_ahead)
    source = np.full(days_ahead, len(values) - 1) if kind is Naive.YESTERDAY else days - 7
    found = row_at(values, source)
    usual = nan_median(before(values, DAYS_MIN)[:, -1], axis=0)
    return np.where(np.isfinite(found), found, usual)


def usual_of(values: Float64s) -> Float64s:
    """Return the hour's median of the last four weeks, shape (24,)."""
    return nan_median(values[-DAYS_MIN:], axis=0)
