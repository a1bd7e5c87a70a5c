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
from cityloop.projects.lifelines.rules.dependencies import (
    Affected,
    Edge,
    Effect,
    Node,
    NodeKind,
    UnknownNodeError,
    affected_by,
)
from cityloop.projects.lifelines.rules.layout import HIGH, WIDE, Layout, laid_out
from cityloop.projects.lifelines.rules.lines import MAKES, LineMake, Told
from cityloop.projects.lifelines.rules.network import EDGES, NODES
from cityloop.projects.lifelines.selectors.curves import line_curve
from cityloop.projects.lifelines.selectors.days import line_day, line_days
from cityloop.projects.lifelines.selectors.network import ThingReading, ThingState, links_of, things_at, things_of
from cityloop.projects.lifelines.selectors.standings import line_standings
from cityloop.projects.lifelines.selectors.thresholds import (
    ThresholdView,
    threshold,
    threshold_versions,
    thresholds,
)

__all__ = [
    "EDGES",
    "HIGH",
    "MAKES",
    "NODES",
    "WIDE",
    "Affected",
    "Edge",
    "Effect",
    "Figure",
    "HourPoint",
    "Layout",
    "Line",
    "LineCurve",
    "LineDay",
    "LineMake",
    "Node",
    "NodeKind",
    "Reason",
    "Remembered",
    "State",
    "ThingReading",
    "ThingState",
    "ThresholdView",
    "Told",
    "UnknownNodeError",
    "affected_by",
    "laid_out",
    "line_curve",
    "line_day",
    "line_days",
    "line_standings",
    "links_of",
    "things_at",
    "things_of",
    "threshold",
    "threshold_versions",
    "thresholds",
]
