"""The demand-side plan (需求侧方案): the cut a gap asks for, and the machine of putting it in force."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from cityloop.kernel.errors import CityloopError
from cityloop.kernel.text import Text
from cityloop.projects.lifelines.rules.hands import Hand
from cityloop.projects.lifelines.rules.requests import OwnRequestError, ReasonNeededError
from cityloop.projects.lifelines.rules.users import LineUser


class ReductionState(StrEnum):
    """Where a reduction stands."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    IN_FORCE = "in_force"
    LIFTED = "lifted"


class ReductionStep(StrEnum):
    """What moves a reduction."""

    PROPOSE = "propose"  # the first step, which makes it
    APPROVE = "approve"
    DECLINE = "decline"
    PUT_IN_FORCE = "put_in_force"
    LIFT = "lift"


REDUCTION_STATE_TITLES: dict[ReductionState, Text] = {
    ReductionState.PROPOSED: Text("已提出", "proposed"),
    ReductionState.APPROVED: Text("已批准", "approved"),
    ReductionState.IN_FORCE: Text("执行中", "in force"),
    ReductionState.LIFTED: Text("已解除", "lifted"),
}

REDUCTION_STEP_TITLES: dict[ReductionStep, Text] = {
    ReductionStep.PROPOSE: Text("提出", "propose"),
    ReductionStep.APPROVE: Text("批准", "approve"),
    ReductionStep.DECLINE: Text("不同意", "decline"),
    ReductionStep.PUT_IN_FORCE: Text("启动执行", "put in force"),
    ReductionStep.LIFT: Text("解除", "lift"),
}


@dataclass(frozen=True, slots=True)
class ReductionMove:
    """One row of the machine: what is done, from where to where, in whose hands, whether a reason is needed."""

    step: ReductionStep
    state_before: ReductionState
    state: ReductionState
    hand: Hand
    note_needed: bool = False


_S, _T = ReductionState, ReductionStep

REDUCTION_MACHINE: tuple[ReductionMove, ...] = (
    ReductionMove(_T.APPROVE, _S.PROPOSED, _S.APPROVED, Hand.DECIDING),
    ReductionMove(_T.DECLINE, _S.PROPOSED, _S.LIFTED, Hand.DECIDING, note_needed=True),
    ReductionMove(_T.PUT_IN_FORCE, _S.APPROVED, _S.IN_FORCE, Hand.ASKING),
    ReductionMove(_T.LIFT, _S.PROPOSED, _S.LIFTED, Hand.ASKING, note_needed=True),
    ReductionMove(_T.LIFT, _S.APPROVED, _S.LIFTED, Hand.ASKING, note_needed=True),
    ReductionMove(_T.LIFT, _S.IN_FORCE, _S.LIFTED, Hand.ASKING, note_needed=True),
)
"""The machine. Who proposed a cut does not approve or decline it."""

_MOVES = {(move.state_before, move.step): move for move in REDUCTION_MACHINE}


class ReductionStepNotPossibleError(CityloopError):
    """The reduction does not stand where this step begins."""

    key = "This step cannot be taken: the reduction is in the state “%(state)s”."
    status = 409


def check_reduction_step(
    state: ReductionState, step: ReductionStep, *, actor: str, proposed_by: str, note: str = ""
) -> ReductionMove:
    """Return the move a step makes, or say why it cannot be made.

    Args:
        state: where the reduction stands.
        step: what is done.
        actor: who would do it.
        proposed_by: who proposed it.
        note: the reason.

    Raises:
        ReductionStepNotPossibleError: if the step does not begin where the reduction stands.
        OwnRequestError: if who proposed it would decide on it.
        ReasonNeededError: without a reason where one is needed.
    """
    move = _MOVES.get((state, step))
    if move is None:
        raise ReductionStepNotPossibleError(state=REDUCTION_STATE_TITLES[state])
    if move.hand is Hand.DECIDING and actor == proposed_by:
        raise OwnRequestError
    if move.note_needed and not note.strip():
        raise ReasonNeededError(field="note")
    return move


@dataclass(frozen=True, slots=True)
class Cut:
    """What is taken from one user, in the line's unit a day."""

    user: LineUser
    quantity: float


@dataclass(frozen=True, slots=True)
class Passed:
    """A user that was passed over, and why."""

    user: LineUser
    reason: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """The cut a gap asks for.

    Attributes:
        gap: what is missing, in the line's unit a day.
        cuts: who is reduced by how much, in order.
        passed: who was passed over, in order.
        total: sum of the cuts.
        left: what the cuts leave open, 0 where they are enough.
    """

    gap: float
    cuts: tuple[Cut, ...]
    passed: tuple[Passed, ...]
    total: float
    left: float


NEVER = Text("受保护用户，不得压减", "protected: never reduced")
TOO_LATE = Text("通知时间不足", "there is no time left to give notice")
TAKEN = Text("已列入同时段的另一压减方案", "already reduced by another cut of the same time")
GONE = Text("已不在现行用户清单中", "no longer on the list in force")
LESS = Text("现行清单允许压减的量已变小", "the list in force lets less be reduced")
NOT_NEEDED = Text("缺口已补足，无需压减", "not needed: the gap is closed")


def proposed_cut(
    users: Iterable[LineUser], *, gap: float, hours_ahead: float, taken: Mapping[str, float] | None = None
) -> Proposal:
    """Return the least cut that closes a gap, taken from users in their order.

    Args:
        users: the plan of the line.
        gap: what is missing, in the line's unit a day; nothing is cut where it is not above 0.
        hours_ahead: hours from now until the cut must work; users that need longer notice are passed over.
        taken: what other cuts take from users at the same time, by name.

    Returns:
        The cut; its sum is the gap, or all that can be reduced in time where that is less.
    """
    (protected, others), committed = _split(users), taken or {}
    open_gap, cuts, passed = max(gap, 0.0), [], []
    for user in sorted(others, key=lambda one: one.order):
        left = user.quantity - committed.get(user.name, 0.0)
        if open_gap <= 0:
            passed.append(Passed(user, NOT_NEEDED))
        elif left <= 0:
            passed.append(Passed(user, TAKEN))
        elif user.notice_hours > hours_ahead:
            passed.append(Passed(user, TOO_LATE))
        else:
            cuts.append(Cut(user, min(left, open_gap)))
            open_gap -= cuts[-1].quantity
    passed.extend(Passed(user, NEVER) for user in protected)
    return Proposal(
        gap=gap, cuts=tuple(cuts), passed=tuple(passed), total=sum(one.quantity for one in cuts), left=open_gap
    )


def unfit_cut(cuts: Iterable[Cut], users: Iterable[LineUser], *, hours_ahead: float) -> Passed | None:
    """Return the first user that may not be reduced as a cut says, and why; None where all may.

    Args:
        cuts: who is to be reduced by how much.
        users: the list in force.
        hours_ahead: hours of notice the users have had, or will have, when the cut begins.
    """
    known = {user.name: user for user in users}
    for cut in cuts:
        user = known.get(cut.user.name)
        if user is None:
            return Passed(cut.user, GONE)
        if user.is_protected:
            return Passed(user, NEVER)
        if user.quantity < cut.quantity:
            return Passed(user, LESS)
        if user.notice_hours > hours_ahead:
            return Passed(user, TOO_LATE)
    return None


def _split(users: Iterable[LineUser]) -> tuple[list[LineUser], list[LineUser]]:
    protected, others = [], []
    for user in users:
        (protected if user.is_protected else others).append(user)
    return protected, others
