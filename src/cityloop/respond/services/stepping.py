"""Steps of a case: one locked row, one transaction, one fact that names the one before it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from cityloop.journal.facade import post
from cityloop.kernel.areas import AreaCode
from cityloop.kernel.clocks import CITY_ZONE, Clock, Limit, deadline_of
from cityloop.kernel.errors import CityloopError, NotFoundError
from cityloop.kernel.facts import Ref, new_fact_id
from cityloop.kernel.facts.responded import CaseClosed, CaseStepped
from cityloop.registry.facade import is_workday
from cityloop.respond.models import Case, StepTaken, Task
from cityloop.respond.rules.clock import ClockState, clock_in, due_after_pause, is_on_time
from cityloop.respond.rules.machine import TASK_ENDED, TASK_GIVEN, Move, NoteNeededError, TaskPurpose, check_step
from cityloop.respond.rules.publicity import public_note
from cityloop.respond.rules.states import State, Step
from cityloop.respond.selectors import standing_of
from cityloop.respond.services.answering import has_public_signal, tell_reporters

RATING_MIN, RATING_MAX = 1, 5


class StaleCaseError(CityloopError):
    """The case has taken a step since the form was made."""

    key = "Somebody else has changed this case in the meantime; look at it again before you decide."
    status = 409


class OrganisationNeededError(CityloopError):
    """A case was to be dispatched to nobody."""

    key = "Say which organisation handles the case."


class DelayNeededError(CityloopError):
    """A delay of no length was asked for."""

    key = "Say how much more time is needed; it must be more than 0."


class ReviewDateNeededError(CityloopError):
    """A case was to be suspended without a day on which it is looked at again."""

    key = "Say when the case is looked at again; the day must lie ahead."


class RatingNeededError(CityloopError):
    """A rating lies off its scale."""

    key = "A rating is a whole number from 1 to 5."


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What comes with a step.

    Attributes:
        actor: who takes it.
        at: when; a clock that lags behind the case's last step is moved up to it.
        note: the reason or the answer.
        organisation: whom a dispatch sends it to.
        delay_amount: what a delay asks for, in the unit of the kind's clock.
        review_on: when a suspended case is looked at again.
        rating: 1-5 of an evaluation.
    """

    actor: str
    at: datetime
    note: str = ""
    organisation: str = ""
    delay_amount: float | None = None
    review_on: date | None = None
    rating: int | None = None


def take_step(case_id: int, step: Step, changes: Changes, *, version: int) -> None:
    """Let a case take a step, if it still stands as the one who decides has seen it.

    Args:
        case_id: the case.
        step: what is done.
        changes: what comes with it.
        version: the version of the case the decision was made on.

    Raises:
        NotFoundError: if there is no such case.
        StaleCaseError: if the case has moved on.
        CityloopError: whatever the machine or the step refuses; then nothing is written.
    """
    with transaction.atomic():
        case = Case.objects.select_for_update(of=("self",)).select_related("kind").filter(pk=case_id).first()
        if case is None:
            raise NotFoundError(what=f"case {case_id}")
        if case.version != version:
            raise StaleCaseError
        write_step(case, step, changes)


def write_step(case: Case, step: Step, changes: Changes) -> None:
    """Let a locked case take a step, in the caller's transaction."""
    at = max(changes.at, case.moved_at)
    move = check_step(standing_of(case.pk), step, actor=changes.actor, at=at)
    if move.note_needed and not changes.note.strip():
        raise NoteNeededError(field="note")
    if effect := _EFFECTS.get(step):
        effect(case, changes, at)
    case.state = move.state.value
    case.version += 1
    if has_public_signal(case.pk):
        case.public_note = public_note(step, changes.note) or case.public_note
    fact = _stepped(case, move, changes, at)
    record_step(case, fact, post=move.post.value)
    _keep_tasks(case, step, changes, at)
    post(fact)
    tell_reporters(fact)
    if step is Step.PASS_CHECK:
        _post_closing(case, changes, at)


def _stepped(case: Case, move: Move, changes: Changes, at: datetime) -> CaseStepped:
    counts = clock_in(move.state) in {ClockState.RUNNING, ClockState.DONE}
    return CaseStepped(
        fact_id=new_fact_id(),
        happened_at=at,
        actor=changes.actor,
        area=AreaCode(case.area),
        causes=(Ref.fact(case.last_fact),),
        case_id=case.pk,
        case_number=case.number,
        step=move.step.value,
        state_before=move.state_before.value,
        state=move.state.value,
        note=changes.note,
        due_at=case.due_at if counts else None,
    )


def record_step(case: Case, fact: CaseStepped, *, post: str) -> None:
    """Keep a step in the case's history and let the case point at its fact."""
    StepTaken.objects.create(
        case=case,
        position=StepTaken.objects.filter(case=case).count() + 1,
        step=fact.step,
        state_before=fact.state_before,
        state=fact.state,
        actor=fact.actor,
        post=post,
        at=fact.happened_at,
        note=fact.note,
        clock=clock_in(State(fact.state)),
        due_at=fact.due_at,
        organisation=case.organisation,
        fact_id=fact.fact_id,
    )
    case.last_fact = fact.fact_id
    case.moved_at = fact.happened_at
    case.save()


def _post_closing(case: Case, changes: Changes, at: datetime) -> None:
    fact = CaseClosed(
        fact_id=new_fact_id(),
        happened_at=at,
        actor=changes.actor,
        area=AreaCode(case.area),
        causes=(Ref.fact(case.last_fact),),
        case_id=case.pk,
        case_number=case.number,
        case_kind=case.kind.code,
        opened_at=case.opened_at,
        due_at=case.due_at,
        closed_at=at,
        on_time=is_on_time(handled_at=case.handled_at, due_at=case.due_at),
        reworked=case.reworked,
    )
    case.last_fact = fact.fact_id
    case.save(update_fields=["last_fact"])
    post(fact)


def _keep_tasks(case: Case, step: Step, changes: Changes, at: datetime) -> None:
    if step in TASK_ENDED:
        open_tasks = Task.objects.filter(case=case, ended_at__isnull=True)
        open_tasks.update(ended_at=at, ended_by=changes.actor, ended_with=step.value)
    purpose = TASK_GIVEN.get(step)
    if purpose is not None:
        Task.objects.create(
            case=case,
            purpose=purpose,
            organisation=case.organisation if purpose is TaskPurpose.HANDLE else "",
            given_by=changes.actor,
            given_at=at,
            due_at=case.due_at,
        )


def _start_clock(case: Case, _changes: Changes, at: datetime) -> None:
    limit = Limit(case.kind.limit_amount, Clock(case.kind.limit_clock))
    case.clock_from = at
    case.due_at = deadline_of(at, limit, is_workday=is_workday)


def _dispatch(case: Case, changes: Changes, _at: datetime) -> None:
    if not changes.organisation:
        raise OrganisationNeededError(field="organisation")
    case.organisation = changes.organisation


def _send_back(case: Case, _changes: Changes, _at: datetime) -> None:
    case.organisation = ""


def _finish(case: Case, _changes: Changes, at: datetime) -> None:
    case.handled_at = at


def _rework(case: Case, _changes: Changes, _at: datetime) -> None:
    case.reworked += 1
    case.handled_at = None


def _ask_delay(case: Case, changes: Changes, _at: datetime) -> None:
    if changes.delay_amount is None or changes.delay_amount <= 0:
        raise DelayNeededError(field="delay_amount")
    case.delay_amount = changes.delay_amount


def _grant_delay(case: Case, _changes: Changes, _at: datetime) -> None:
    limit = Limit(case.delay_amount or 0.0, Clock(case.kind.limit_clock))
    case.due_at = deadline_of(case.due_at, limit, is_workday=is_workday)
    case.delay_amount = None


def _refuse_delay(case: Case, _changes: Changes, _at: datetime) -> None:
    case.delay_amount = None


def _suspend(case: Case, changes: Changes, at: datetime) -> None:
    if changes.review_on is None or changes.review_on <= at.astimezone(CITY_ZONE).date():
        raise ReviewDateNeededError(field="review_on")
    case.paused_at = at
    case.review_on = changes.review_on


def _resume(case: Case, _changes: Changes, at: datetime) -> None:
    case.due_at = due_after_pause(
        case.due_at,
        paused_at=case.paused_at,
        resumed_at=at,
        clock=Clock(case.kind.limit_clock),
        is_workday=is_workday,
    )
    case.paused_at = case.review_on = None


def _close(case: Case, _changes: Changes, at: datetime) -> None:
    case.closed_at = at


def _evaluate(case: Case, changes: Changes, _at: datetime) -> None:
    if changes.rating is None or not RATING_MIN <= changes.rating <= RATING_MAX:
        raise RatingNeededError(field="rating")
    case.rating = changes.rating


def _reopen(case: Case, changes: Changes, at: datetime) -> None:
    case.closed_at = case.handled_at = None
    case.organisation = ""
    _start_clock(case, changes, at)


_EFFECTS: dict[Step, Callable[[Case, Changes, datetime], None]] = {
    Step.CONFIRM: _start_clock,
    Step.FILE: _start_clock,
    Step.DISPATCH: _dispatch,
    Step.SEND_BACK: _send_back,
    Step.FINISH: _finish,
    Step.FAIL_CHECK: _rework,
    Step.ASK_DELAY: _ask_delay,
    Step.GRANT_DELAY: _grant_delay,
    Step.REFUSE_DELAY: _refuse_delay,
    Step.SUSPEND: _suspend,
    Step.RESUME: _resume,
    Step.PASS_CHECK: _close,
    Step.EVALUATE: _evaluate,
    Step.REOPEN: _reopen,
}
"""What a step does to the case beside its state."""
