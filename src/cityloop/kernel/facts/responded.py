"""Facts of the stage that acts: signals, cases, tasks."""

from dataclasses import dataclass
from datetime import datetime

from cityloop.kernel.facts.base import Fact
from cityloop.kernel.text import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalReceived(Fact):
    """Somebody or something says that there is something to be done.

    Attributes:
        signal_id: the signal.
        source: `alarm, inspector, citizen, hotline, leader, media` or `assessment`.
        title: what it is about.
        case_id: the case it opened or was merged into.
        case_number: that case's number.
        merged: whether that case stood already.
    """

    signal_id: int
    source: str
    title: Text
    case_id: int
    case_number: str
    merged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseOpened(Fact):
    """A case stands."""

    case_id: int
    case_number: str
    case_kind: str
    title: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseStepped(Fact):
    """A case has taken one step of its way.

    Attributes:
        case_id: the case.
        case_number: its number.
        step: the step's name, such as `accept, dispatch, sign, handle, pass_check`.
        state_before: state the case left.
        state: state the case is in now.
        note: what the actor wrote.
        due_at: the limit in force after the step, None where no clock runs.
    """

    case_id: int
    case_number: str
    step: str
    state_before: str
    state: str
    note: str
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseClosed(Fact):
    """A case has been verified and closed.

    Attributes:
        case_id: the case.
        case_number: its number.
        case_kind: code of its kind.
        opened_at: when it was opened.
        due_at: its limit.
        closed_at: when it was closed.
        on_time: whether handling was finished within the limit.
        reworked: how often it was sent back to be done again.
    """

    case_id: int
    case_number: str
    case_kind: str
    opened_at: datetime
    due_at: datetime
    closed_at: datetime
    on_time: bool
    reworked: int
