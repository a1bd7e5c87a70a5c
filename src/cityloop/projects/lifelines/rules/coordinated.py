"""Facts of the lifelines' own: what became of a request to those upstream, and of a cut on the demand side."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from cityloop.kernel.facts import Fact, FactWords
from cityloop.kernel.text import Text

_NOTE = {"note": Text("备注", "Note")}
_MATTER = {"what": Text("事项", "Matter")}
_REQUEST_PAGE, _REQUEST = "/projects/lifelines/requests/{request_id}/", Text("协调上游资源", "Request to upstream")
_REDUCTION_PAGE, _REDUCTION = "/projects/lifelines/reductions/{reduction_id}/", Text("需求侧压减", "Demand-side cut")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestStepped(Fact):
    """A request to those upstream has taken a step.

    Attributes:
        request_id: the request.
        number: its number.
        organisation: whose it is.
        line: the line.
        title: the request and the step, in words.
        step: what was done.
        state_before: where it stood, empty for the first step.
        state: where it stands now.
        note: what the actor wrote.
        quantity: what is asked for.
        granted: what was granted, None before an answer.
        unit: unit symbol of both.
        due_at: when an answer is due, None where none is waited for.
    """

    request_id: int
    number: str
    organisation: str
    line: str
    title: Text
    step: str
    state_before: str
    state: str
    note: str
    quantity: float
    granted: float | None
    unit: str
    due_at: datetime | None

    words: ClassVar[FactWords | None] = FactWords(
        title=Text("协调上游资源流转", "Request to upstream moved on"),
        fields={
            "quantity": Text("申请量", "Asked for"),
            "granted": Text("批复量", "Granted"),
            "due_at": Text("答复时限", "Answer due"),
            **_NOTE,
        },
        page=_REQUEST_PAGE,
        page_title=_REQUEST,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerOverdue(Fact):
    """Nobody upstream has answered a request in time."""

    request_id: int
    number: str
    organisation: str
    line: str
    title: Text
    due_at: datetime

    words: ClassVar[FactWords | None] = FactWords(
        title=Text("上游答复超时", "Answer from upstream overdue"),
        fields={"due_at": Text("答复时限", "Answer due")},
        page=_REQUEST_PAGE,
        page_title=_REQUEST,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestClosed(Fact):
    """A request to those upstream is over.

    Attributes:
        request_id: the request.
        number: its number.
        organisation: whose it is.
        line: the line.
        title: the request in words.
        outcome: `delivered, refused` or `withdrawn`.
        what: the outcome in words.
        quantity: what was asked for.
        granted: what was granted, None where nobody answered.
        delivered: the mean of the days that were noted, None where none was.
        unit: unit symbol of the three.
        on_time: whether the answer came in time, None where none came.
    """

    request_id: int
    number: str
    organisation: str
    line: str
    title: Text
    outcome: str
    what: Text
    quantity: float
    granted: float | None
    delivered: float | None
    unit: str
    on_time: bool | None

    words: ClassVar[FactWords | None] = FactWords(
        title=Text("协调上游资源办结", "Request to upstream closed"),
        fields={
            **_MATTER,
            "quantity": Text("申请量", "Asked for"),
            "granted": Text("批复量", "Granted"),
            "delivered": Text("兑现量（日均）", "Delivered, daily mean"),
            "on_time": Text("按时答复", "Answered in time"),
        },
        page=_REQUEST_PAGE,
        page_title=_REQUEST,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReductionStepped(Fact):
    """A cut on the demand side has taken a step.

    Attributes:
        reduction_id: the cut.
        number: its number.
        organisation: whose it is.
        line: the line.
        title: the cut and the step, in words.
        step: what was done.
        state_before: where it stood, empty for the first step.
        state: where it stands now.
        note: what the actor wrote.
        quantity: sum of the cuts a day.
        users: how many users are reduced.
        unit: unit symbol of the quantity.
    """

    reduction_id: int
    number: str
    organisation: str
    line: str
    title: Text
    step: str
    state_before: str
    state: str
    note: str
    quantity: float
    users: int
    unit: str

    words: ClassVar[FactWords | None] = FactWords(
        title=Text("需求侧压减流转", "Demand-side cut moved on"),
        fields={
            "quantity": Text("压减量合计", "Cut in all"),
            "users": Text("涉及用户数", "Users reduced"),
            **_NOTE,
        },
        page=_REDUCTION_PAGE,
        page_title=_REDUCTION,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class UserListChanged(Fact):
    """The list of users that may be reduced on a line has a new version."""

    organisation: str
    line: str
    title: Text
    version: int
    users: int
    note: str

    words: ClassVar[FactWords | None] = FactWords(
        title=Text("需求侧用户清单变更", "List of users that may be reduced changed"),
        fields={"version": Text("版本", "Version"), "users": Text("用户数", "Users"), **_NOTE},
    )
