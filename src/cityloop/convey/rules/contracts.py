"""The life of a data contract: asked, decided by another person, running until its date or until somebody ends it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from cityloop.kernel.errors import CityloopError
from cityloop.kernel.text import Text


class ContractState(StrEnum):
    """Where a contract stands."""

    ASKED = "asked"
    REFUSED = "refused"
    APPROVED = "approved"
    RUNNING = "running"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    TERMINATED = "terminated"

    @property
    def is_over(self) -> bool:
        """Return whether nothing can follow."""
        return self in _OVER

    @property
    def words(self) -> Text:
        """Return the state in words."""
        return _STATE_TITLES[self]


class ContractStepKind(StrEnum):
    """What is done to a contract."""

    ASK = "ask"
    APPROVE = "approve"
    REFUSE = "refuse"
    BEGIN = "begin"
    EXPIRE = "expire"
    WITHDRAW = "withdraw"
    TERMINATE = "terminate"

    @property
    def words(self) -> Text:
        """Return the step in words."""
        return _STEP_TITLES[self]


_OVER = frozenset({ContractState.REFUSED, ContractState.EXPIRED, ContractState.WITHDRAWN, ContractState.TERMINATED})
_STATE_TITLES = {
    ContractState.ASKED: Text("待审批", "waits for the owner"),
    ContractState.REFUSED: Text("未批准", "refused"),
    ContractState.APPROVED: Text("已批准，未到生效时间", "approved, not begun"),
    ContractState.RUNNING: Text("执行中", "running"),
    ContractState.EXPIRED: Text("已到期", "expired"),
    ContractState.WITHDRAWN: Text("申请方已撤回", "withdrawn by the asking side"),
    ContractState.TERMINATED: Text("提供方已终止", "terminated by the owner"),
}
_STEP_TITLES = {
    ContractStepKind.ASK: Text("提出申请", "Asked"),
    ContractStepKind.APPROVE: Text("批准", "Approved"),
    ContractStepKind.REFUSE: Text("不批准", "Refused"),
    ContractStepKind.BEGIN: Text("开始生效", "Begun"),
    ContractStepKind.EXPIRE: Text("到期", "Expired"),
    ContractStepKind.WITHDRAW: Text("撤回", "Withdrawn"),
    ContractStepKind.TERMINATE: Text("终止", "Terminated"),
}
_MOVES: dict[tuple[ContractState, ContractStepKind], ContractState] = {
    (ContractState.ASKED, ContractStepKind.APPROVE): ContractState.APPROVED,
    (ContractState.ASKED, ContractStepKind.REFUSE): ContractState.REFUSED,
    (ContractState.ASKED, ContractStepKind.WITHDRAW): ContractState.WITHDRAWN,
    (ContractState.APPROVED, ContractStepKind.BEGIN): ContractState.RUNNING,
    (ContractState.APPROVED, ContractStepKind.EXPIRE): ContractState.EXPIRED,
    (ContractState.APPROVED, ContractStepKind.WITHDRAW): ContractState.WITHDRAWN,
    (ContractState.APPROVED, ContractStepKind.TERMINATE): ContractState.TERMINATED,
    (ContractState.RUNNING, ContractStepKind.EXPIRE): ContractState.EXPIRED,
    (ContractState.RUNNING, ContractStepKind.WITHDRAW): ContractState.WITHDRAWN,
    (ContractState.RUNNING, ContractStepKind.TERMINATE): ContractState.TERMINATED,
}
NOTE_NEEDED = frozenset({ContractStepKind.REFUSE, ContractStepKind.TERMINATE})
"""Steps that are not taken without a reason."""


class ContractStepError(CityloopError):
    """A contract cannot take a step from where it stands."""

    key = "This contract cannot do that now: %(step)s. It stands at: %(state)s."
    status = 409


class ContractTimesError(CityloopError):
    """The times of a contract do not fit."""

    key = "The times do not fit: %(reason)s"

    def __init__(self, reason: Text, *, field: str) -> None:
        """Say which rule is broken."""
        super().__init__(field=field, reason=reason)


class SamePersonError(CityloopError):
    """Whoever asks does not decide."""

    key = "Whoever asked for a contract does not decide on it."
    status = 403


class ReasonMissingError(CityloopError):
    """A step needs a reason."""

    key = "Give a reason."


def state_after(state: ContractState, step: ContractStepKind) -> ContractState:
    """Return where a contract stands after a step.

    Raises:
        ContractStepError: if the step is not open there.
    """
    after = _MOVES.get((state, step))
    if after is None:
        raise ContractStepError(step=step.words, state=state.words)
    return after


def steps_from(state: ContractState) -> frozenset[ContractStepKind]:
    """Return the steps that are open."""
    return frozenset(step for at, step in _MOVES if at is state)


@dataclass(frozen=True, slots=True)
class Times:
    """From when until when, both aware; `until` is the first instant at which it no longer holds."""

    since: datetime
    until: datetime


def checked_wish(wanted: Times, *, now: datetime, days_max: float) -> Times:
    """Return what may be asked for.

    Args:
        wanted: what the asking side wants.
        now: the present.
        days_max: longest contract, days.

    Raises:
        ContractTimesError: if it ends before it begins, has passed, or is too long.
    """
    if wanted.until <= wanted.since:
        raise ContractTimesError(Text("结束时间早于开始时间", "the end lies before the beginning"), field="until")
    if wanted.until <= now:
        raise ContractTimesError(Text("结束时间已过", "the end has passed already"), field="until")
    if wanted.until - max(wanted.since, now) > timedelta(days=days_max):
        raise ContractTimesError(Text("超过协议最长期限", "it is longer than a contract may be"), field="until")
    return wanted


def granted_times(wanted: Times, *, until: datetime, now: datetime) -> Times:
    """Return the times the owner grants: never longer than what was asked for, and never into the past.

    Args:
        wanted: what was asked for.
        until: until when the owner approves.
        now: the moment of the decision; the contract begins here where the wanted beginning has passed.

    Raises:
        ContractTimesError: if the owner's end is later than the wanted one, or leaves no time.
    """
    since = max(wanted.since, now)
    if until > wanted.until:
        raise ContractTimesError(
            Text("批准期限不得超过申请期限", "the owner cannot approve for longer than was asked"), field="until"
        )
    if until <= since:
        raise ContractTimesError(Text("剩余时间为零", "no time is left until the end"), field="until")
    return Times(since, until)


def due_step(state: ContractState, times: Times | None, *, now: datetime) -> ContractStepKind | None:
    """Return the step the clock takes by itself now, None where nothing is due.

    Args:
        state: where the contract stands.
        times: what was granted, None before the decision.
        now: the present.
    """
    if times is None or ContractStepKind.EXPIRE not in steps_from(state):
        return None
    if now >= times.until:
        return ContractStepKind.EXPIRE
    begins = state is ContractState.APPROVED and now >= times.since
    return ContractStepKind.BEGIN if begins else None


def must_differ(asked_by: str, decided_by: str) -> None:
    """Refuse a decision by the person who asked.

    Raises:
        SamePersonError: if both are the same.
    """
    if asked_by == decided_by:
        raise SamePersonError


def must_have_reason(step: ContractStepKind, note: str) -> None:
    """Refuse a step that needs a reason and has none.

    Raises:
        ReasonMissingError: names the field.
    """
    if step in NOTE_NEEDED and not note.strip():
        raise ReasonMissingError(field="note")
