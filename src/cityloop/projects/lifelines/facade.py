"""The door of the lifelines."""

from cityloop.projects.lifelines.rules.balance import State
from cityloop.projects.lifelines.rules.days import (
    Figure,
    HourPoint,
    Line,
    LineCurve,
    LineDay,
    Reason,
    Remembered,
)
from cityloop.projects.lifelines.rules.lines import MAKES, LineMake, Told
from cityloop.projects.lifelines.selectors.curves import line_curve
from cityloop.projects.lifelines.selectors.days import line_day, line_days
from cityloop.projects.lifelines.selectors.thresholds import (
    ThresholdView,
    threshold,
    threshold_versions,
    thresholds,
)

__all__ = [
    "MAKES",
    "Figure",
    "HourPoint",
    "Line",
    "LineCurve",
    "LineDay",
    "LineMake",
    "Reason",
    "Remembered",
    "State",
    "ThresholdView",
    "Told",
    "line_curve",
    "line_day",
    "line_days",
    "threshold",
    "threshold_versions",
    "thresholds",
]
