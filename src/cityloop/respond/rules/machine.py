"""The machine of a case: which step leads where, who may take it, whose hands must stay apart."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from cityloop.kernel.errors import CityloopError
from cityloop.respond.rules.matters import CASE_RULES, TRUSTED_SOURCES, CaseRules, Source
from cityloop.respond.rules.states import STATE_TITLES, STEP_TITLES, Post, State, Step


@dataclass(frozen=True, slots=True)
class Move:
    """One row of the machine.

    Attributes:
        step: what is done.
        state_before: where the case must stand.
        state: where it stands then.
        post: who does it.
        note_needed: whether a reason must be given.
    """

    step: Step
    state_before: State
    state: State
    post: Post
    note_needed: bool = False


MACHINE: tuple[Move, ...] = (
    Move(Step.ACCEPT, State.REPORTED, State.ACCEPTED, Post.SUPERVISION),
    Move(Step.REJECT, State.REPORTED, State.REJECTED, Post.SUPERVISION, note_needed=True),
    Move(Step.ORDER_VERIFICATION, State.ACCEPTED, State.VERIFYING, Post.SUPERVISION),
    Move(Step.FILE, State.ACCEPTED, State.FILED, Post.SUPERVISION),
    Move(Step.CONFIRM, State.VERIFYING, State.FILED, Post.INSPECTION),
    Move(Step.REJECT, State.VERIFYING, State.REJECTED, Post.INSPECTION, note_needed=True),
    Move(Step.DISPATCH, State.FILED, State.DISPATCHED, Post.COMMAND),
    Move(Step.ASK_VOID, State.FILED, State.FILED, Post.SUPERVISION, note_needed=True),
    Move(Step.VOID, State.FILED, State.VOID, Post.SUPERVISION, note_needed=True),
    Move(Step.SIGN, State.DISPATCHED, State.HANDLING, Post.DEPARTMENT),
    Move(Step.SEND_BACK, State.DISPATCHED, State.FILED, Post.DEPARTMENT, note_needed=True),
    Move(Step.FINISH, State.HANDLING, State.ANSWERED, Post.DEPARTMENT, note_needed=True),
    Move(Step.SEND_BACK, State.HANDLING, State.FILED, Post.DEPARTMENT, note_needed=True),
    Move(Step.ASK_DELAY, State.HANDLING, State.DELAY_PENDING, Post.DEPARTMENT, note_needed=True),
    Move(Step.SUSPEND, State.HANDLING, State.SUSPENDED, Post.COMMAND, note_needed=True),
    Move(Step.GRANT_DELAY, State.DELAY_PENDING, State.HANDLING, Post.COMMAND),
    Move(Step.REFUSE_DELAY, State.DELAY_PENDING, State.HANDLING, Post.COMMAND, note_needed=True),
    Move(Step.RESUME, State.SUSPENDED, State.HANDLING, Post.COMMAND),
    Move(Step.ORDER_CHECK, State.ANSWERED, State.CHECKING, Post.SUPERVISION),
    Move(Step.PASS_CHECK, State.CHECKING, State.CLOSED, Post.INSPECTION),
    Move(Step.FAIL_CHECK, State.CHECKING, State.REWORK, Post.INSPECTION, note_needed=True),
    Move(Step.TAKE_REWORK, State.REWORK, State.HANDLING, Post.DEPARTMENT),
    Move(Step.EVALUATE, State.CLOSED, State.EVALUATED, Post.SUPERVISION),
    Move(Step.REOPEN, State.CLOSED, State.FILED, Post.SUPERVISION, note_needed=True),
)
"""The machine. A step that is not a row here cannot be taken.

`file` spares the verification on site where the signal comes from the city's own eyes (see `TRUSTED_SOURCES`).
`ask_void` and `void` are one act of two persons.
"""

MOVES = {(move.state_before, move.step): move for move in MACHINE}


class StepNotPossibleError(CityloopError):
    """The case does not stand where this step begins."""

    key = "This step cannot be taken: the case is in the state “%(state)s”."
    status = 409


class SamePersonError(CityloopError):
    """Two steps that must be taken by different people fall to one."""

    key = "Another person must do this: you took the step “%(step)s” of this case yourself."
    status = 403


class NoteNeededError(CityloopError):
    """A step that needs a reason came without one."""

    key = "Please write a reason."


class TooLateToReopenError(CityloopError):
    """A closed case is older than the span in which it may be opened again."""

    key = "A case can be reopened within %(days)s days after closing; report the matter anew."
    status = 409


class VerificationNeededError(CityloopError):
    """A signal from outside cannot be filed unseen."""

    key = "A report from outside is verified on site before it is filed."
    status = 409


class VoidNotAskedError(CityloopError):
    """Nobody has asked to void the case yet."""

    key = "One person asks to void a case, a second one voids it; nobody has asked yet."
    status = 409


def move_of(state: State, step: Step) -> Move:
    """Return the row of the machine for a step from a state.

    Raises:
        StepNotPossibleError: if there is none.
    """
    move = MOVES.get((state, step))
    if move is None:
        raise StepNotPossibleError(state=STATE_TITLES[state])
    return move


@dataclass(frozen=True, slots=True)
class Taken:
    """A step of the past: what, by whom."""

    step: Step
    actor: str


_DISPATCHING = frozenset({Step.DISPATCH, Step.GRANT_DELAY, Step.REFUSE_DELAY, Step.SUSPEND, Step.RESUME})
_HANDLING = frozenset({Step.SIGN, Step.FINISH, Step.SEND_BACK, Step.ASK_DELAY, Step.TAKE_REWORK})
_CHECKING = frozenset({Step.PASS_CHECK, Step.FAIL_CHECK})


def _apart(step: Step) -> frozenset[Step]:
    """Return the steps whose actor may not take this one."""
    if step in _CHECKING:
        return _DISPATCHING | _HANDLING
    if step in _DISPATCHING or step in _HANDLING:
        return _CHECKING
    return frozenset()


def conflicting_step(step: Step, *, actor: str, taken: Iterable[Taken]) -> Step | None:
    """Return an earlier step of the actor that keeps him from this one, None where nothing does.

    Who dispatched or handled a case may not check and close it, nor the other way round; who asked to void it may not
    void it.

    Args:
        step: what is to be done.
        actor: who would do it.
        taken: the steps of the case so far, oldest first.
    """
    mine = [past.step for past in taken if past.actor == actor]
    apart = _apart(step) | ({Step.ASK_VOID} if step is Step.VOID else set())
    return next((past for past in mine if past in apart), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the machine must know of a case to judge a step.

    Attributes:
        state: where it stands.
        source: where its first signal came from.
        taken: its steps so far, oldest first.
        closed_at: when it was closed, None where it is not.
    """

    state: State
    source: Source
    taken: tuple[Taken, ...] = ()
    closed_at: datetime | None = None


def check_step(standing: Standing, step: Step, *, actor: str, at: datetime, rules: CaseRules = CASE_RULES) -> Move:
    """Return the move a step makes, or say why it cannot be made.

    Args:
        standing: the case.
        step: what is to be done.
        actor: who would do it.
        at: when.
        rules: what the authority has set.

    Raises:
        StepNotPossibleError: if the step does not begin where the case stands.
        SamePersonError: if the separation of duties forbids it.
        VerificationNeededError: if an outside report would be filed unseen.
        VoidNotAskedError: if nobody has asked to void the case since it was last filed.
        TooLateToReopenError: if the span for reopening is over.
    """
    move = move_of(standing.state, step)
    since_filed = _since_filed(standing.taken)
    taken = since_filed if step is Step.VOID else standing.taken
    if (past := conflicting_step(step, actor=actor, taken=taken)) is not None:
        raise SamePersonError(step=STEP_TITLES[past])
    if step is Step.FILE and standing.source not in TRUSTED_SOURCES:
        raise VerificationNeededError
    if step is Step.VOID and Step.ASK_VOID not in {past.step for past in since_filed}:
        raise VoidNotAskedError
    if step is Step.REOPEN and standing.closed_at and at > standing.closed_at + timedelta(days=rules.reopen_days):
        raise TooLateToReopenError(days=rules.reopen_days)
    return move


_INTO_FILED = frozenset({Step.FILE, Step.CONFIRM, Step.SEND_BACK, Step.REOPEN})


def _since_filed(taken: tuple[Taken, ...]) -> tuple[Taken, ...]:
    for number in range(len(taken) - 1, -1, -1):
        if taken[number].step in _INTO_FILED:
            return taken[number + 1 :]
    return taken


def steps_from(state: State) -> tuple[Step, ...]:
    """Return the steps the machine knows from a state, in the order of the table."""
    return tuple(move.step for move in MACHINE if move.state_before is state)


class TaskPurpose(StrEnum):
    """What somebody is asked to do."""

    VERIFY = "verify"
    HANDLE = "handle"
    CHECK = "check"


TASK_GIVEN = {
    Step.ORDER_VERIFICATION: TaskPurpose.VERIFY,
    Step.DISPATCH: TaskPurpose.HANDLE,
    Step.FAIL_CHECK: TaskPurpose.HANDLE,
    Step.ORDER_CHECK: TaskPurpose.CHECK,
}
"""Steps that give somebody a task."""

TASK_ENDED = frozenset(
    {Step.CONFIRM, Step.REJECT, Step.FINISH, Step.SEND_BACK, Step.PASS_CHECK, Step.FAIL_CHECK},
)
"""Steps that end the standing task of the case."""
