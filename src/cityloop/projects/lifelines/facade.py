"""The door of the lifelines."""

from datetime import UTC, date, datetime

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
from cityloop.projects.lifelines.rules.dependencies import (
    Affected,
    Edge,
    Effect,
    Node,
    NodeKind,
    UnknownNodeError,
    affected_by,
)
from cityloop.projects.lifelines.rules.effects import Portion, SupplyPoint, supply_with
from cityloop.projects.lifelines.rules.hands import HAND_TITLES, LINE_ORGANISATIONS, LINE_TITLES, Hand, is_grave
from cityloop.projects.lifelines.rules.layout import HIGH, WIDE, Layout, laid_out
from cityloop.projects.lifelines.rules.lines import MAKES, LineMake, Told
from cityloop.projects.lifelines.rules.network import EDGES, NODES
from cityloop.projects.lifelines.rules.pictures import Picture
from cityloop.projects.lifelines.rules.public import PublicLine
from cityloop.projects.lifelines.rules.reasons import ReasonKind
from cityloop.projects.lifelines.rules.reductions import (
    REDUCTION_MACHINE,
    REDUCTION_STATE_TITLES,
    REDUCTION_STEP_TITLES,
    Proposal,
    ReductionMove,
    ReductionState,
    ReductionStep,
)
from cityloop.projects.lifelines.rules.requests import (
    OPEN_STATES,
    OUTCOME_TITLES,
    REQUEST_MACHINE,
    STATE_TITLES,
    STEP_TITLES,
    Outcome,
    RequestMove,
    RequestState,
    RequestStep,
)
from cityloop.projects.lifelines.rules.terms import TERM_HOURS_MAX, TERM_HOURS_MIN, Term
from cityloop.projects.lifelines.rules.userlist import (
    BYTES_MAX,
    COLUMNS,
    SheetReport,
    SheetUnreadableError,
    read_users,
    written_users,
)
from cityloop.projects.lifelines.rules.users import USER_TITLES, LineUser, UserKind
from cityloop.projects.lifelines.selectors.briefs import brief_of, brief_pdf
from cityloop.projects.lifelines.selectors.coordination import (
    lines_of,
    open_requests_of,
    proposal_for,
    reduction_for,
    reduction_steps_open_to,
    reductions_of,
    request_for,
    request_steps_open_to,
    requests_of,
)
from cityloop.projects.lifelines.selectors.curves import line_curve
from cityloop.projects.lifelines.selectors.days import line_day, line_days
from cityloop.projects.lifelines.selectors.history import local_day
from cityloop.projects.lifelines.selectors.network import ThingReading, ThingState, links_of, things_at, things_of
from cityloop.projects.lifelines.selectors.pictures import picture_of_line
from cityloop.projects.lifelines.selectors.public import public_lines
from cityloop.projects.lifelines.selectors.reductions import (
    ReductionStepView,
    ReductionView,
    UserListView,
    cuts_of,
    picture_of_reduction,
    reduced,
    reduced_over,
    reduction_steps,
    user_list,
)
from cityloop.projects.lifelines.selectors.requests import (
    DeliveryView,
    RequestStepView,
    RequestView,
    delivered_mean,
    deliveries_of,
    granted,
    is_seal_whole,
    picture_of_request,
    request_steps,
)
from cityloop.projects.lifelines.selectors.standings import line_standings
from cityloop.projects.lifelines.selectors.terms import TermVersion, term_of, term_versions, terms
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
from cityloop.projects.lifelines.services.reductions import (
    ReductionChangedError,
    change_user_list,
    propose_reduction,
    take_reduction_step,
)
from cityloop.projects.lifelines.services.requests import (
    RequestChangedError,
    StepChanges,
    Wish,
    draft_request,
    take_request_step,
)
from cityloop.projects.lifelines.services.telling import Telling
from cityloop.projects.lifelines.services.terms import change_term, tell_overdue
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
    "BYTES_MAX",
    "COLUMNS",
    "EDGES",
    "HAND_TITLES",
    "HIGH",
    "LINE_ORGANISATIONS",
    "LINE_TITLES",
    "MAKES",
    "NAMES",
    "NODES",
    "OPEN_STATES",
    "OUTCOME_TITLES",
    "REDUCTION_MACHINE",
    "REDUCTION_STATE_TITLES",
    "REDUCTION_STEP_TITLES",
    "REQUEST_MACHINE",
    "STATE_TITLES",
    "STEP_TITLES",
    "TERM_HOURS_MAX",
    "TERM_HOURS_MIN",
    "USER_TITLES",
    "WIDE",
    "Affected",
    "AskedFor",
    "Brief",
    "DeliveryView",
    "Edge",
    "Effect",
    "Figure",
    "Hand",
    "HourPoint",
    "Layout",
    "Line",
    "LineCurve",
    "LineDay",
    "LineMake",
    "LineUser",
    "Node",
    "NodeKind",
    "NumberTrace",
    "Outcome",
    "Part",
    "Picture",
    "Portion",
    "Proposal",
    "PublicLine",
    "Reason",
    "ReasonKind",
    "ReductionChangedError",
    "ReductionMove",
    "ReductionState",
    "ReductionStep",
    "ReductionStepView",
    "ReductionView",
    "Remembered",
    "RequestChangedError",
    "RequestMove",
    "RequestState",
    "RequestStep",
    "RequestStepView",
    "RequestView",
    "SheetReport",
    "SheetUnreadableError",
    "State",
    "StepChanges",
    "SupplyPoint",
    "Telling",
    "Term",
    "TermVersion",
    "ThingReading",
    "ThingState",
    "ThresholdEdit",
    "ThresholdView",
    "Told",
    "ToldRow",
    "UnknownNodeError",
    "UserKind",
    "UserListView",
    "Wish",
    "affected_by",
    "brief_of",
    "brief_pdf",
    "change_term",
    "change_threshold",
    "change_user_list",
    "cuts_of",
    "delivered_mean",
    "deliveries_of",
    "draft_request",
    "give_reason",
    "granted",
    "is_grave",
    "is_seal_whole",
    "keep_days",
    "laid_out",
    "line_curve",
    "line_day",
    "line_days",
    "line_standings",
    "lines_of",
    "links_of",
    "local_day",
    "number_trace",
    "open_requests_of",
    "picture_of_line",
    "picture_of_reduction",
    "picture_of_request",
    "proposal_for",
    "propose_reduction",
    "public_lines",
    "read_users",
    "reduced",
    "reduced_over",
    "reduction_for",
    "reduction_steps",
    "reduction_steps_open_to",
    "reductions_of",
    "request_for",
    "request_steps",
    "request_steps_open_to",
    "requests_of",
    "supply_with",
    "take_reduction_step",
    "take_request_step",
    "tell",
    "tell_overdue",
    "term_of",
    "term_versions",
    "terms",
    "things_at",
    "things_of",
    "threshold",
    "threshold_versions",
    "thresholds",
    "told_rows",
    "user_list",
    "written_users",
]
