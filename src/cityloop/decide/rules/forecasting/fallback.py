"""Which forecast is shown: the model's, or the naive one where that was better over the last two weeks."""

import numpy as np

from cityloop.decide.rules.forecasting.grid import Float64s

FALLBACK_DAYS = 14
"""Over so many days the two are compared.

Source:
    Domain reference, section 4.3, rule 2.
"""

HOURS_MIN = 168
"""With less than half of these hours to compare, the model is trusted."""


def naive_is_better(model: Float64s, naive: Float64s, came: Float64s) -> bool:
    """Return whether the naive forecast had the smaller mean absolute error over the last 14 days.

    Args:
        model: first days of the model's forecasts, shape (days, 24), oldest first.
        naive: the naive forecasts of the same days.
        came: what came, NaN where it is not known; hours without all three are passed over.
    """
    lately = slice(-FALLBACK_DAYS, None)
    errors = np.abs(model[lately] - came[lately]), np.abs(naive[lately] - came[lately])
    both = np.isfinite(errors[0]) & np.isfinite(errors[1])
    if both.sum() < HOURS_MIN:
        return False
    return bool(errors[1][both].mean() < errors[0][both].mean())
