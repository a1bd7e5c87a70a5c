"""The door of respond."""

from dataclasses import dataclass
from datetime import date, datetime

from django.utils import timezone

from cityloop.kernel.areas import CITY, AreaCode, district_of
from cityloop.kernel.declarations import Project
from cityloop.kernel.errors import CityloopError
from cityloop.kernel.facts.assessed import ShortfallFound
from cityloop.kernel.facts.decided import AlarmRaised
from cityloop.kernel.text import Text
from cityloop.registry import facade as registry
from cityloop.registry.facade import OrganisationKind, OrganisationView, PersonView, Right
from cityloop.respond import selectors
from cityloop.respond.rules.clock import ClockState, Urgency
from cityloop.respond.rules.machine import MACHINE, Move, Standing, TaskPurpose, check_step
from cityloop.respond.rules.matters import BUILT_IN_KINDS, CASE_RULES, GENERAL, RECTIFICATION, Place, Source
from cityloop.respond.rules.publicity import SAID_ALOUD
from cityloop.respond.rules.states import ENDED, POST_TITLES, STATE_TITLES, STEP_TITLES, Post, State, Step
from cityloop.respond.selectors import (
    CASES_SHOWN_MAX,
    AnswerView,
    CaseCounts,
    CaseView,
    KindView,
    Likeness,
    Reach,
    SignalView,
    StepView,
    TaskView,
    answers_due,
    case_of_alarm,
    kinds,
    open_cases_by_district,
    signals_of,
    steps_of,
    tasks_of,
)
from cityloop.respond.services import kinds as library
from cityloop.respond.services import opening, placing, stepping
from cityloop.respond.services.answering import has_public_signal
from cityloop.respond.services.opening import NewSignal
from cityloop.respond.services.stepping import Changes, StaleCaseError

RIGHT_OF_POST = {
    Post.SUPERVISION: Right.ACCEPT_CASES,
    Post.COMMAND: Right.DISPATCH_CASES,
    Post.DEPARTMENT: Right.HANDLE_CASES,
    Post.INSPECTION: Right.VERIFY_CASES,
}
"""What a person must hold to take the steps of a post."""

_HANDLERS = (OrganisationKind.LIFELINE, OrganisationKind.COMMISSION, OrganisationKind.CITY_MANAGEMENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a person reports by hand.

    Attributes:
        source: where the person heard of it.
        kind: code of the kind of case.
        area: where, district or below.
        place: the point, None where only the area is known.
        title: what it is about, as written.
        description: more about it.
    """

    source: Source
    kind: str
    area: AreaCode
    place: Place | None
    title: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Whom a case should be sent to, and why."""

    organisation: str
    reason: Text


def seed() -> None:
    """Bring the item library to what the house itself brings: kinds without a project, and those open to the public."""
    library.declare_kinds((*BUILT_IN_KINDS, *library.public_kinds()), project="")


def place_signals(now: datetime) -> int:
    """Give signals that came in by a public door their cases, the oldest first; return how many were placed."""
    return placing.place_waiting(now)


def forget_retries(now: datetime) -> None:
    """Forget which reports came in days ago: nobody sends them again."""
    placing.forget_retries(now)


def similar_to(kind: str, place: Place, *, person: PersonView, now: datetime | None = None) -> list[Likeness]:
    """Return open cases a person may see that may be the matter he is about to report, the nearest first."""
    found = selectors.similar_cases(kind, place, at=now or timezone.now())
    return [one for one in found if may_see(person, one.case)]


def declare(project: Project) -> None:
    """Bring the item library to what a project declares, and to what the house itself brings."""
    library.declare_kinds(BUILT_IN_KINDS, project="")
    library.declare_kinds(project.case_kinds, project=project.code)


def _said_by(fact: AlarmRaised) -> str:
    value, limit = f"{fact.value:g} {fact.unit}", f"{fact.threshold:g} {fact.unit}"
    return f"{fact.thing_name.zh}：{value}，限值 {limit}\n{fact.thing_name.en}: {value}, limit {limit}"


def said_about(description: str, source: Source) -> Text:
    """Return what is said about a matter: an alarm says it in both languages, a line each; people in their own."""
    chinese, cut, english = description.partition("\n")
    return Text(chinese, english) if source is Source.ALARM and cut else Text(description, description)


def open_signal(fact: AlarmRaised, *, now: datetime | None = None) -> int | None:
    """Let an alarm become a signal that opens or joins a case; return the case, None where its watch wants none.

    Idempotent: the same alarm fact again changes nothing.
    """
    if not fact.case_kind:
        return None
    known = fact.longitude is not None and fact.latitude is not None
    new = NewSignal(
        source=Source.ALARM,
        reporter=fact.actor,
        kind=fact.case_kind,
        area=fact.area,
        place=Place(fact.longitude, fact.latitude) if known else None,  # type: ignore[arg-type]  # both are known
        title=fact.title,
        description=_said_by(fact),
        level=fact.level,
        alarm_id=fact.alarm_id,
        cause_fact=fact.fact_id,
        files_itself=True,
    )
    return opening.receive_signal(new, now=now or timezone.now())


def open_rectification(fact: ShortfallFound, *, now: datetime | None = None) -> int:
    """Let a shortfall of an indicator open a rectification case in its district, or join the one that stands.

    Idempotent: the same shortfall fact again changes nothing.
    """
    value, target = f"{fact.value:.1f} {fact.unit}", f"{fact.target:g} {fact.unit}"
    title = Text(
        f"{fact.title.zh}未达标（{fact.period}）：{value}，目标 {target}",
        f"{fact.title.en} below target ({fact.period}): {value}, target {target}",
    )
    new = NewSignal(
        source=Source.ASSESSMENT,
        reporter=fact.actor,
        kind=RECTIFICATION,
        area=fact.area,
        place=None,
        title=title,
        description="",
        cause_fact=fact.fact_id,
        files_itself=True,
    )
    return opening.receive_signal(new, now=now or timezone.now())


def report(report: Report, *, person: PersonView, now: datetime | None = None) -> CaseView:
    """Open a case, or join one, for what a person reports by hand.

    Raises:
        NotAllowedError: if the person may not report in that area.
    """
    registry.require(person, Right.OPEN_CASES, area=report.area, what=f"report in {report.area}")
    new = NewSignal(
        source=report.source,
        reporter=person.actor,
        kind=report.kind,
        area=report.area,
        place=report.place,
        title=Text(report.title, report.title),
        description=report.description,
    )
    return selectors.case_with_id(opening.receive_signal(new, now=now or timezone.now()))


def case(case_id: int) -> CaseView:
    """Return a case, for other rooms; a face asks `case_for`.

    Raises:
        NotFoundError: if there is none.
    """
    return selectors.case_with_id(case_id)


def case_for(person: PersonView, case_id: int) -> CaseView:
    """Return a case to a person who may see it.

    Raises:
        NotFoundError: if there is none.
        NotAllowedError: if it lies beyond the person's area or organisation; the attempt is audited.
    """
    found = selectors.case_with_id(case_id)
    registry.require(
        person, Right.SEE_CASES, area=found.area, organisation=found.organisation, what=f"case {found.number}"
    )
    return found


def may_see(person: PersonView, found: CaseView) -> bool:
    """Return whether a person may see a case."""
    return registry.may(person, Right.SEE_CASES, area=found.area, organisation=found.organisation)


def cases(  # noqa: PLR0913  each narrows the list, all by keyword
    *,
    person: PersonView,
    states: tuple[State, ...] = (),
    district: AreaCode | None = None,
    kind: str = "",
    text: str = "",
    late_at: datetime | None = None,
    limit: int = CASES_SHOWN_MAX,
) -> list[CaseView]:
    """Return the cases a person may see, the most urgent first.

    Args:
        person: who asks.
        states: only in these; empty for any.
        district: only of this district.
        kind: only of this kind.
        text: only with this in number or title.
        late_at: only open ones whose limit was over at this instant.
        limit: how many at the most.
    """
    return selectors.cases(
        _reaches(person), states=states, district=district, kind=kind, text=text, late_at=late_at, limit=limit
    )


def _reaches(person: PersonView) -> list[Reach]:
    return [
        Reach(post.area, post.organisation if registry.ROLES[post.role].own_organisation_only else None)
        for post in person.posts
        if Right.SEE_CASES in registry.ROLES[post.role].rights
    ]


def take_step(  # noqa: PLR0913  what a step brings along, all by keyword
    case_id: int,
    step: Step,
    *,
    person: PersonView,
    version: int | None = None,
    note: str = "",
    organisation: str = "",
    delay_amount: float | None = None,
    review_on: date | None = None,
    rating: int | None = None,
    now: datetime | None = None,
) -> CaseView:
    """Let a person move a case one step and return the case.

    Args:
        case_id: the case.
        step: what is done.
        person: who does it.
        version: the version of the case the person has seen; None for the newest.
        note: the reason or the answer.
        organisation: of a dispatch: whom it is sent to.
        delay_amount: of a request for a delay: how long, in the unit of the kind's clock.
        review_on: of a suspension: when the case is looked at again.
        rating: of an evaluation: 1-5.
        now: in place of the clock.

    Raises:
        NotFoundError: if the case or the organisation does not exist.
        NotAllowedError: if the person may not take it here; audited.
        StaleCaseError: if the case has moved on since `version`.
        CityloopError: whatever else the machine refuses; then nothing is written.
    """
    found = case_for(person, case_id)
    move = _move_to_take(found, step)
    if move is not None:
        right = RIGHT_OF_POST[move.post]
        registry.require(
            person, right, area=found.area, organisation=found.organisation, what=f"{step.value} case {found.number}"
        )
    if step is Step.DISPATCH:
        registry.organisation(organisation)
    changes = Changes(
        actor=person.actor,
        at=now or timezone.now(),
        note=note,
        organisation=organisation,
        delay_amount=delay_amount,
        review_on=review_on,
        rating=rating,
    )
    stepping.take_step(case_id, step, changes, version=found.version if version is None else version)
    return selectors.case_with_id(case_id)


def _move_to_take(found: CaseView, step: Step) -> Move | None:
    """Return the row of the machine the step would be; None where the machine will refuse it by itself."""
    return next((move for move in MACHINE if move.step is step and move.state_before is found.state), None)


def steps_open_to(found: CaseView, person: PersonView, *, now: datetime | None = None) -> tuple[Move, ...]:
    """Return the steps a person can take on a case now: by state, right, place and separation of duties."""
    standing = selectors.standing_of(found.case_id)
    return tuple(
        move
        for move in MACHINE
        if move.state_before is found.state
        and registry.may(person, RIGHT_OF_POST[move.post], area=found.area, organisation=found.organisation)
        and _is_possible(standing, move.step, person, now or timezone.now())
    )


def _is_possible(standing: Standing, step: Step, person: PersonView, now: datetime) -> bool:
    try:
        check_step(standing, step, actor=person.actor, at=now)
    except CityloopError:
        return False
    return True


def is_note_public(found: CaseView, step: Step) -> bool:
    """Return whether all may read the note of a step: it is written for reporters, and one came by a public door."""
    return step in SAID_ALOUD and has_public_signal(found.case_id)


def posts_next(found: CaseView) -> tuple[Post, ...]:
    """Return whose turn it is with a case, without doubles."""
    return tuple(dict.fromkeys(move.post for move in MACHINE if move.state_before is found.state))


def suggestion_for(found: CaseView) -> Suggestion:
    """Return whom a case should be sent to: whom the item library names, else the district's own body."""
    named = found.kind.organisation
    if named and any(one.code == named for one in registry.organisations()):
        return Suggestion(named, Text("事项库指定的责任单位", "named by the item library"))
    body = registry.body_responsible(found.area)
    return Suggestion(body, Text("事项库未指定，属地兜底", "the item library names nobody: the territory catches"))


def handlers_for(found: CaseView) -> list[OrganisationView]:
    """Return the bodies a case can be sent to: those of its district, the city's commissions and lifeline groups."""
    here = {district_of(found.area), CITY}
    return [one for one in registry.organisations() if one.area in here and one.kind in _HANDLERS]


def case_counts(now: datetime | None = None, *, area: AreaCode | None = None) -> CaseCounts:
    """Return how many cases there are now, in an area where one is given."""
    return selectors.case_counts(now or timezone.now(), area=area)


__all__ = [
    "CASES_SHOWN_MAX",
    "CASE_RULES",
    "ENDED",
    "GENERAL",
    "POST_TITLES",
    "RECTIFICATION",
    "RIGHT_OF_POST",
    "STATE_TITLES",
    "STEP_TITLES",
    "AnswerView",
    "CaseCounts",
    "CaseView",
    "ClockState",
    "KindView",
    "Likeness",
    "Move",
    "Place",
    "Post",
    "Report",
    "SignalView",
    "Source",
    "StaleCaseError",
    "State",
    "Step",
    "StepView",
    "Suggestion",
    "TaskPurpose",
    "TaskView",
    "Urgency",
    "answers_due",
    "case",
    "case_counts",
    "case_for",
    "case_of_alarm",
    "cases",
    "declare",
    "forget_retries",
    "handlers_for",
    "kinds",
    "may_see",
    "open_cases_by_district",
    "open_rectification",
    "open_signal",
    "place_signals",
    "posts_next",
    "report",
    "said_about",
    "seed",
    "signals_of",
    "similar_to",
    "steps_of",
    "steps_open_to",
    "suggestion_for",
    "take_step",
    "tasks_of",
]
