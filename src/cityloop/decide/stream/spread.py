"""What a baseline knows of an hour, as the screen uses it."""

import math

from cityloop.decide.rules import Moments

BASELINE_SAMPLES_MIN = 4.0
"""Below this many samples an hour of the week has no baseline and is not judged (house default)."""

DEVIATION_SHARE_MIN = 0.01
"""A baseline's deviation is taken as at least this share of its mean, or a very steady stream would alarm at every
breath (house default)."""


def centre_and_spread(moments: Moments) -> tuple[float, float]:
    """Return the mean and the deviation an hour is judged by, NaN where too little is known."""
    spread = max(moments.deviation, abs(moments.mean) * DEVIATION_SHARE_MIN)
    known = moments.n >= BASELINE_SAMPLES_MIN and spread > 0
    return (moments.mean, spread) if known else (math.nan, math.nan)
