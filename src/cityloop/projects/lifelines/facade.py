"""The door of the lifelines."""

from datetime import UTC, date, datetime

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
from cityloop.projects.lifelines.rules.reasons import ReasonKind
from cityloop.projects.lifelines.selectors.curves import line_curve
from cityloop.projects.lifelines.selectors.days import line_day, line_days
from cityloop.projects.lifelines.selectors.history import local_day
from cityloop.projects.lifelines.selectors.network import ThingReading, ThingState, links_of, things_at, things_of
from cityloop.projects.lifelines.selectors.standings import line_standings
from cityloop.projects.lifelines.selectors.thresholds import (
    ThresholdView,
    threshold,
    threshold_versions,
    thresholds,
)
from cityloop.projects.lifelines.selectors.told import ToldRow, told_rows
from cityloop.projects.lifelines.selectors.traces import NAMES, NumberTrace, Part, number_trace
from cityloop.projects.lifelines.services import telling as _telling
from cityloop.projects.lifelines.services import thresholds as _thresholds
from cityloop.projects.lifelines.services.keeping import keep_days
from cityloop.projects.lifelines.services.telling import Telling
from cityloop.projects.lifelines.services.thresholds import ThresholdEdit
from cityloop.registry.facade import person


def _now() -> datetime:
    return datetime.now(UTC)


def change_threshold(
    code: str, *, person_id: int, edit: ThresholdEdit, expected_version: int, now: datetime | None = None
) -> ThresholdView:
    """Make a new version of a threshold; errors as `services.thresholds.change_threshold`."""
    who = person(person_id)
    return _thresholds.change_threshold(
        code, person=who, edit=edit, expected_version=expected_version, now=now or _now()
    )


def tell(line: Line, *, person_id: int, telling: Telling, now: datetime | None = None) -> int:
    """Keep a figure that a dispatcher tells of a line's day; errors as `services.telling.tell`."""
    return _telling.tell(line, person=person(person_id), telling=telling, now=now or _now())


def give_reason(  # noqa: PLR0913  each says one thing
    line: Line, *, person_id: int, day: date, kind: ReasonKind, text: str, now: datetime | None = None
) -> None:
    """Keep why a line's day deviates from last year; errors as `services.telling.give_reason`."""
    _telling.give_reason(line, person=person(person_id), day=day, kind=kind, text=text, now=now or _now())


__all__ = [
    "EDGES",
    "HIGH",
    "MAKES",
    "NAMES",
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
    "NumberTrace",
    "Part",
    "Reason",
    "ReasonKind",
    "Remembered",
    "State",
    "Telling",
    "ThingReading",
    "ThingState",
    "ThresholdEdit",
    "ThresholdView",
    "Told",
    "ToldRow",
    "UnknownNodeError",
    "affected_by",
    "change_threshold",
    "give_reason",
    "keep_days",
    "laid_out",
    "line_curve",
    "line_day",
    "line_days",
    "line_standings",
    "links_of",
    "local_day",
    "number_trace",
    "tell",
    "things_at",
    "things_of",
    "threshold",
    "threshold_versions",
    "thresholds",
    "told_rows",
]
