"""Requests to those upstream: drafting with a frozen picture, and the steps, each one locked row and one fact."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import transaction

from cityloop.journal.facade import post
from cityloop.kernel.areas import CITY
from cityloop.kernel.clocks import CITY_ZONE
from cityloop.kernel.errors import CityloopError, NotFoundError
from cityloop.kernel.facts import Ref, new_fact_id
from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text
from cityloop.projects.lifelines.models import Delivery, RequestStepRow, UpstreamRequest
from cityloop.projects.lifelines.rules.coordinated import RequestClosed, RequestStepped
from cityloop.projects.lifelines.rules.days import Line
from cityloop.projects.lifelines.rules.hands import LINE_ORGANISATIONS, LINE_TITLES, Hand
from cityloop.projects.lifelines.rules.pictures import Picture, frozen, seal_of
from cityloop.projects.lifelines.rules.requests import (
    OUTCOME_TITLES,
    STEP_TITLES,
    RequestState,
    RequestStep,
    check_request_step,
    granted_by,
    outcome_of,
    request_move,
)
from cityloop.projects.lifelines.rules.terms import answer_due
from cityloop.projects.lifelines.selectors.coordination import level_of
from cityloop.projects.lifelines.selectors.hands import Matter, require_hand, right_of, role_in
from cityloop.projects.lifelines.selectors.pictures import causes_of
from cityloop.projects.lifelines.selectors.requests import delivered_mean, matter_of_request, request_standing
from cityloop.projects.lifelines.selectors.terms import term_of
from cityloop.projects.lifelines.services.numbering import next_number
from cityloop.projects.lifelines.services.wording import NAME_MAX, cleaned, needed
from cityloop.registry.facade import PersonView, note_change, organisation

QUANTITY_MAX = 1e9
"""More than this is a slip of the pen, whatever the unit."""


class RequestChangedError(CityloopError):
    """The request has taken a step since the form was made."""

    key = "Somebody else has changed this request in the meantime; look at it again before you decide."
    status = 409


class WindowUnfitError(CityloopError):
    """A time ends before it begins."""

    key = "The end must lie after the beginning."


class AskedQuantityError(CityloopError):
    """A request asks for nothing, or for more than there can be."""

    key = "The quantity must be a number above 0."


class DeliveryDayError(CityloopError):
    """A delivery is noted for a day that lies ahead, or without a day."""

    key = "Say on which day it came; the day must not lie ahead."


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is asked for, and of whom.

    Attributes:
        quantity: how much a day, in the unit of the line's row.
        begins_at, ends_at: from when to when, aware.
        reason: why.
        legal_basis: by what law or plan.
        party_name: who is asked.
        party_contact: the person there and how to reach them.
        party_organisation: its code where it is an organisation of the register, empty otherwise.
    """

    quantity: float
    begins_at: datetime
    ends_at: datetime
    reason: str
    legal_basis: str
    party_name: str
    party_contact: str
    party_organisation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepChanges:
    """What comes with a step.

    Attributes:
        token: made with the form; the same token again changes nothing more.
        note: the reason or the answer.
        quantity: of a part granted or a delivery, in the request's unit.
        day: of a delivery.
        answered_by: of an answer: who gave it.
        wish: of a revision: what is asked for now.
    """

    token: UUID
    note: str = ""
    quantity: float | None = None
    day: date | None = None
    answered_by: str = ""
    wish: Wish | None = None


@transaction.atomic
def draft_request(  # noqa: PLR0913  what a draft is made of, all by keyword
    line: Line,
    wish: Wish,
    picture: Picture,
    *,
    person: PersonView,
    token: UUID,
    now: datetime,
    alarm_id: int | None = None,
    case_id: int | None = None,
) -> int:
    """Draft a request with the picture it rests on, frozen from now on; return its row.

    Idempotent: the same token again is the same request.

    Args:
        line: the line.
        wish: what is asked for.
        picture: what was known of the line; the graver of its level and the line's level now says who approves and how
            long an answer may take.
        person: who drafts; needs the right for the organisation that answers for the line.
        token: made with the form.
        now: when.
        alarm_id: an alarm it answers, None for none.
        case_id: a case it belongs to, None for none.

    Raises:
        AccessDeniedError: if the line, or the case, is not the person's.
        InvalidFieldError: if a text is missing or too long.
        AskedQuantityError: if nothing is asked for.
        WindowUnfitError: if the time ends before it begins.
        NotFoundError: if the party's organisation, the alarm or the case does not exist.
    """
    level = level_of(picture, now)
    matter = Matter(organisation=LINE_ORGANISATIONS[line], level=level, what=f"request for {line.value}")
    require_hand(person, Hand.ASKING, matter)
    known = UpstreamRequest.objects.filter(token=token, drafted_by=person.actor).first()
    if known is not None:
        return known.pk
    causes = causes_of(picture, person=person, alarm_id=alarm_id, case_id=case_id)
    kept = frozen(picture)
    row = UpstreamRequest(
        number=next_number("UR", now), token=token, line=line.value, organisation=matter.organisation, area=CITY,
        level=level.value if level else None, unit=picture.day.supply.unit, alarm_id=alarm_id, case_id=case_id,
        picture=kept, seal=seal_of(kept), as_of=picture.day.at, position=picture.position,
        state=RequestState.DRAFT.value, drafted_by=person.actor, drafted_at=now, moved_at=now, last_fact=new_fact_id(),
        **_checked(wish),
    )  # fmt: skip
    row.save()
    fact = _fact_of(row, RequestStep.DRAFT, person.actor, now, state_before="", note=row.reason, causes=causes)
    _record(row, fact, token=token, role=role_in(person, Hand.ASKING, matter))
    note_change(person, right_of(Hand.ASKING, level), what=f"request {row.number} drafted", area=CITY)
    post(fact)
    return row.pk


def _checked(wish: Wish) -> dict[str, object]:
    if not 0 < wish.quantity <= QUANTITY_MAX:
        raise AskedQuantityError(field="quantity")
    if wish.ends_at <= wish.begins_at:
        raise WindowUnfitError(field="ends_at")
    if wish.party_organisation:
        organisation(wish.party_organisation)
    return {
        "quantity": wish.quantity,
        "begins_at": wish.begins_at,
        "ends_at": wish.ends_at,
        "reason": needed(wish.reason, field="reason"),
        "legal_basis": needed(wish.legal_basis, field="legal_basis"),
        "party_name": needed(wish.party_name, field="party_name", longest=NAME_MAX),
        "party_contact": needed(wish.party_contact, field="party_contact", longest=NAME_MAX),
        "party_organisation": wish.party_organisation,
    }


@transaction.atomic
def take_request_step(  # noqa: PLR0913  what a step brings along
    request_id: int, step: RequestStep, changes: StepChanges, *, person: PersonView, version: int, now: datetime
) -> None:
    """Let a request take a step, if it still stands as the one who decides has seen it.

    Idempotent: the same token of the same person again changes nothing.

    Args:
        request_id: the request.
        step: what is done.
        changes: what comes with it.
        person: who does it.
        version: the version of the request the decision was made on.
        now: when; a clock that lags behind the request's last step is moved up to it.

    Raises:
        NotFoundError: if there is no such request.
        AccessDeniedError: if the step is not in the person's hands; audited.
        RequestChangedError: if the request has moved on.
        CityloopError: whatever the machine refuses; then nothing is written.
    """
    row = UpstreamRequest.objects.select_for_update().filter(pk=request_id).first()
    if row is None:
        raise NotFoundError(what=f"request {request_id}")
    if row.steps.filter(token=changes.token, actor=person.actor, step=step.value).exists():
        return
    matter = matter_of_request(row, step)
    move = request_move(RequestState(row.state), step)
    require_hand(person, move.hand, matter)
    if row.version != version:
        raise RequestChangedError
    note = cleaned(changes.note)
    standing = request_standing(row)
    check_request_step(standing, step, actor=person.actor, note=note, quantity=changes.quantity)
    at, before = max(now, row.moved_at), row.state
    row.granted, row.state, row.version = granted_by(standing, step, changes.quantity), move.state.value, version + 1
    if effect := _EFFECTS.get(step):
        effect(row, changes, person, at)
    if outcome := outcome_of(standing, step):
        row.outcome, row.closed_at = outcome.value, at
    fact = _fact_of(row, step, person.actor, at, state_before=before, note=note, causes=(Ref.fact(row.last_fact),))
    role = role_in(person, move.hand, matter)
    _record(row, fact, token=changes.token, role=role, quantity=changes.quantity)
    note_change(person, right_of(move.hand, matter.level), what=f"request {row.number}: {step.value}", area=CITY)
    post(fact)
    if outcome:
        _post_closing(row, person.actor, at)


def _record(
    row: UpstreamRequest, fact: RequestStepped, *, token: UUID, role: str, quantity: float | None = None
) -> None:
    RequestStepRow.objects.create(
        request=row, position=RequestStepRow.objects.filter(request=row).count() + 1, token=token, step=fact.step,
        state_before=fact.state_before, state=fact.state, actor=fact.actor, role=role, at=fact.happened_at,
        note=fact.note, quantity=quantity, fact_id=fact.fact_id,
    )  # fmt: skip
    row.last_fact, row.moved_at = fact.fact_id, fact.happened_at
    row.save()


def title_of(row: UpstreamRequest) -> Text:
    """Return a request in words: its number, its line, how much."""
    line, amount = LINE_TITLES[Line(row.line)], f"{row.quantity:g} {row.unit}"
    return Text(f"{row.number} {line.zh} {amount}", f"{row.number} {line.en} {amount}")


def _fact_of(  # noqa: PLR0913  what a fact says, all by name
    row: UpstreamRequest,
    step: RequestStep,
    actor: str,
    at: datetime,
    *,
    state_before: str,
    note: str,
    causes: tuple[Ref, ...],
) -> RequestStepped:
    title, done = title_of(row), STEP_TITLES[step]
    waits = row.state == RequestState.SENT.value
    return RequestStepped(
        fact_id=new_fact_id(), happened_at=at, actor=actor, area=CITY, causes=causes, request_id=row.pk,
        number=row.number, organisation=row.organisation, line=row.line,
        title=Text(f"{title.zh}：{done.zh}", f"{title.en}: {done.en}"), step=step.value, state_before=state_before,
        state=row.state, note=note, quantity=row.quantity, granted=row.granted, unit=row.unit,
        due_at=row.due_at if waits else None,
    )  # fmt: skip


def _post_closing(row: UpstreamRequest, actor: str, at: datetime) -> None:
    answered = row.answered_at is not None and row.due_at is not None
    fact = RequestClosed(
        fact_id=new_fact_id(), happened_at=at, actor=actor, area=CITY, causes=(Ref.fact(row.last_fact),),
        request_id=row.pk, number=row.number, organisation=row.organisation, line=row.line, title=title_of(row),
        outcome=row.outcome, what=OUTCOME_TITLES[row.outcome], quantity=row.quantity, granted=row.granted,
        delivered=delivered_mean(row.pk), unit=row.unit,
        on_time=row.answered_at <= row.due_at if answered else None,
    )  # fmt: skip
    row.last_fact = fact.fact_id
    row.save(update_fields=["last_fact"])
    post(fact)


def _revise(row: UpstreamRequest, changes: StepChanges, _person: PersonView, _at: datetime) -> None:
    if changes.wish is not None:
        for name, value in _checked(changes.wish).items():
            setattr(row, name, value)


def _send(row: UpstreamRequest, _changes: StepChanges, _person: PersonView, at: datetime) -> None:
    term = term_of(Level(row.level) if row.level else None)
    row.sent_at, row.term_hours, row.term_version, row.due_at = at, term.hours, term.version, answer_due(at, term)


def _answer(row: UpstreamRequest, changes: StepChanges, _person: PersonView, at: datetime) -> None:
    said = cleaned(changes.answered_by, field="answered_by", longest=NAME_MAX)
    row.answered_at, row.answered_by = at, said or row.party_name


def _deliver(row: UpstreamRequest, changes: StepChanges, person: PersonView, at: datetime) -> None:
    if changes.day is None or changes.day > at.astimezone(CITY_ZONE).date():
        raise DeliveryDayError(field="day")
    Delivery.objects.create(request=row, day=changes.day, quantity=changes.quantity, noted_by=person.actor, noted_at=at)


_EFFECTS: dict[RequestStep, Callable[[UpstreamRequest, StepChanges, PersonView, datetime], None]] = {
    RequestStep.REVISE: _revise,
    RequestStep.SEND: _send,
    RequestStep.ACCEPT: _answer,
    RequestStep.ACCEPT_PARTLY: _answer,
    RequestStep.REFUSE: _answer,
    RequestStep.NOTE_DELIVERY: _deliver,
}
"""What a step does to the request beside its state."""
