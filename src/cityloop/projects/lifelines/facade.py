"""The door of the lifelines."""

from cityloop.projects.lifelines.rules.balance import State
from cityloop.projects.lifelines.rules.brief import AskedFor, Brief
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
from cityloop.projects.lifelines.rules.public import PublicLine
from cityloop.projects.lifelines.selectors.briefs import brief_of, brief_pdf
from cityloop.projects.lifelines.selectors.curves import line_curve
from cityloop.projects.lifelines.selectors.days import line_day, line_days
from cityloop.projects.lifelines.selectors.public import public_lines
from cityloop.projects.lifelines.selectors.thresholds import (
    ThresholdView,
    threshold,
    threshold_versions,
    thresholds,
)

__all__ = [
    "MAKES",
    "AskedFor",
    "Brief",
    "Figure",
    "HourPoint",
    "Line",
    "LineCurve",
    "LineDay",
    "LineMake",
    "PublicLine",
    "Reason",
    "Remembered",
    "State",
    "ThresholdView",
    "Told",
    "brief_of",
    "brief_pdf",
    "line_curve",
    "line_day",
    "line_days",
    "public_lines",
    "threshold",
    "threshold_versions",
    "thresholds",
]
