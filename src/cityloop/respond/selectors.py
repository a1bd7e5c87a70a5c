"""Reads of respond: what others may know of kinds, cases, signals, steps and tasks."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet

from cityloop.kernel.areas import CITY, AreaCode, district_of, level_of
from cityloop.kernel.clocks import CITY_ZONE, Clock, Limit
from cityloop.kernel.declarations import Merging
from cityloop.kernel.errors import NotFoundError
from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text
from cityloop.respond.models import AnswerDue, Case, Kind, Signal, StepTaken, Task
from cityloop.respond.rules.clock import ClockState, Urgency, clock_in, urgency_of
from cityloop.respond.rules.machine import Standing, Taken, TaskPurpose
from cityloop.respond.rules.matters import CASE_RULES, Place, Source, box_around, distance_m
from cityloop.respond.rules.states import ENDED, Post, State, Step

CASES_SHOWN_MAX = 200
"""How many cases a list shows at once, rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindView:
    """A kind of case as it stands now."""

    code: str
    version: int
    title: Text
    limit: Limit
    organisation: str
    basis: Text
    confirmed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseView:
    """A case.

    Attributes:
        case_id: the row.
        number: `district-date-serial`.
        kind: the item of the library, in the version it was opened under.
        source: where its first signal came from.
        area: where it lies.
        place: its point, None where it has none.
        title: what it is about.
        description: what was said about it.
        level: severity of the gravest alarm behind it, None where none is.
        state: where it stands.
        organisation: who handles it, empty where it is not dispatched.
        opened_at: when it was reported.
        clock_from: when its limit began, None before filing.
        due_at: its limit, None before filing.
        review_on: when a suspended case is looked at again.
        delay_amount: what a pending delay asks for, in the unit of the kind's clock.
        handled_at: when the work was reported done.
        closed_at: when it was verified and closed.
        moved_at: when it took its last step.
        reworked: how often it was sent back to be done again.
        rating: 1-5 of the evaluation, None before.
        version: rises with every step; a form carries it back.
        last_fact: the newest fact about it, where its trace begins.
    """

    case_id: int
    number: str
    kind: KindView
    source: Source
    area: AreaCode
    place: Place | None
    title: Text
    description: str
    level: Level | None
    state: State
    organisation: str
    opened_at: datetime
    clock_from: datetime | None
    due_at: datetime | None
    review_on: date | None
    delay_amount: float | None
    handled_at: datetime | None
    closed_at: datetime | None
    moved_at: datetime
    reworked: int
    rating: int | None
    version: int
    last_fact: UUID

    @property
    def is_open(self) -> bool:
        """Return whether somebody is asked to do something."""
        return self.state not in ENDED

    @property
    def clock(self) -> ClockState:
        """Return what its limit does now."""
        return clock_in(self.state)

    def urgency(self, at: datetime) -> Urgency:
        """Return the urgency of its limit, none where no clock runs."""
        if self.clock is not ClockState.RUNNING:
            return Urgency.NONE
        return urgency_of(started_at=self.clock_from, due_at=self.due_at, at=at)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """A step a case has taken."""

    position: int
    step: Step
    state_before: State
    state: State
    actor: str
    post: Post | None
    at: datetime
    note: str
    clock: ClockState
    due_at: datetime | None
    organisation: str
    fact_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalView:
    """A signal behind a case."""

    signal_id: int
    source: Source
    reporter: str
    title: Text
    description: str
    alarm_id: int | None
    merged: bool
    received_at: datetime
    fact_id: UUID
    cause_fact: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskView:
    """What somebody was asked to do in a case."""

    purpose: TaskPurpose
    organisation: str
    given_by: str
    given_at: datetime
    due_at: datetime | None
    ended_at: datetime | None
    ended_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseCounts:
    """How many cases there are.

    Attributes:
        open: not ended.
        late: open and over the limit.
        opened_today: opened since midnight in the city.
        closed_today: closed since midnight in the city.
        by_state: of all open ones.
    """

    open: int
    late: int
    opened_today: int
    closed_today: int
    by_state: dict[State, int]


@dataclass(frozen=True, slots=True)
class Reach:
    """Whose cases somebody sees: of an area and below, of one organisation where that is not None."""

    area: AreaCode
    organisation: str | None = None


def kind_view(row: Kind) -> KindView:
    """Return a kind's row as others see it."""
    return KindView(
        code=row.code,
        version=row.version,
        title=Text(row.title_zh, row.title_en),
        limit=Limit(row.limit_amount, Clock(row.limit_clock)),
        organisation=row.organisation,
        basis=Text(row.basis_zh, row.basis_en),
        confirmed=row.confirmed,
    )


def case_view(row: Case) -> CaseView:
    """Return a case's row, read with its kind, as others see it."""
    return CaseView(
        case_id=row.pk,
        number=row.number,
        kind=kind_view(row.kind),
        source=Source(row.source),
        area=AreaCode(row.area),
        place=place_of(row),
        title=Text(row.title_zh, row.title_en),
        description=row.description,
        level=Level(row.level) if row.level else None,
        state=State(row.state),
        organisation=row.organisation,
        opened_at=row.opened_at,
        clock_from=row.clock_from,
        due_at=row.due_at,
        review_on=row.review_on,
        delay_amount=row.delay_amount,
        handled_at=row.handled_at,
        closed_at=row.closed_at,
        moved_at=row.moved_at,
        reworked=row.reworked,
        rating=row.rating,
        version=row.version,
        last_fact=row.last_fact,
    )


def place_of(row: Case) -> Place | None:
    """Return the point of a case, None where it has none."""
    if row.longitude is None or row.latitude is None:
        return None
    return Place(row.longitude, row.latitude)


def merging_reach(row: Kind) -> tuple[float, float]:
    """Return how far apart signals of a kind may lie and still be one matter: metres, hours."""
    distance_m = CASE_RULES.merge_distance_m if row.merge_distance_m is None else row.merge_distance_m
    span_h = CASE_RULES.merge_span_h if row.merge_span_h is None else row.merge_span_h
    return distance_m, span_h


@dataclass(frozen=True, slots=True)
class Likeness:
    """A case that may be the matter somebody is about to report.

    Attributes:
        case: the case.
        distance_m: how far away it lies, metres.
    """

    case: CaseView
    distance_m: float


LIKENESSES_MAX = 5
"""How many cases are suggested at most."""

LIKENESS_FACTOR = 2.0
"""A case is suggested up to so many times the distance within which its kind merges."""


def similar_cases(kind: str, place: Place, *, at: datetime) -> list[Likeness]:
    """Return open cases of one type near a place and time, the nearest first.

    Args:
        kind: code of the kind that is about to be reported.
        place: where.
        at: when; cases of the kind's span before it count.
    """
    row = Kind.objects.filter(code=kind, is_current=True).first()
    if row is None or row.merging == Merging.NEVER:
        return []
    reach_m, span_h = merging_reach(row)
    box = box_around(place, reach_m * LIKENESS_FACTOR)
    one_type = Kind.objects.filter(Q(same_as=row.same_as) if row.same_as else Q(code=row.code))
    rows = Case.objects.select_related("kind").filter(
        kind__in=one_type,
        opened_at__gte=at - timedelta(hours=span_h),
        longitude__range=(box.west, box.east),
        latitude__range=(box.south, box.north),
    )
    found = [case_view(one) for one in rows.exclude(state__in=ENDED)]
    near = [Likeness(one, distance_m(place, one.place)) for one in found if one.place is not None]
    near = [one for one in near if one.distance_m <= reach_m * LIKENESS_FACTOR]
    return sorted(near, key=lambda one: one.distance_m)[:LIKENESSES_MAX]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerView:
    """What a reporter is to be told.

    Attributes:
        signal_number: what the reporter asks with.
        case_number: the case it is about.
        source: how the reporter came.
        news: `merged, filed, rejected, suspended, resumed, closed, reopened` or `void`.
        note: what was written for the reporter, may be empty.
        due_at: since when it is due.
    """

    signal_number: str
    case_number: str
    source: Source
    news: str
    note: str
    due_at: datetime


ANSWERS_SHOWN_MAX = 200
"""How many answers a list shows at once, rows."""


def answers_due(*, case_id: int | None = None) -> list[AnswerView]:
    """Return what reporters are still to be told, the oldest first; of one case where one is given."""
    rows = AnswerDue.objects.filter(given_at=None).select_related("signal", "signal__case")
    if case_id is not None:
        rows = rows.filter(signal__case=case_id)
    return [
        AnswerView(
            signal_number=row.signal.number or "",
            case_number=row.signal.case.number if row.signal.case else "",
            source=Source(row.signal.source),
            news=row.news,
            note=row.note,
            due_at=row.due_at,
        )
        for row in rows.order_by("due_at", "pk")[:ANSWERS_SHOWN_MAX]
    ]


def kinds() -> list[KindView]:
    """Return the kinds of case in force, by code."""
    return [kind_view(row) for row in Kind.objects.filter(is_current=True).order_by("code")]


def case_with_id(case_id: int) -> CaseView:
    """Return a case.

    Raises:
        NotFoundError: if there is none.
    """
    row = Case.objects.select_related("kind").filter(pk=case_id).first()
    if row is None:
        raise NotFoundError(what=f"case {case_id}")
    return case_view(row)


def case_of_alarm(alarm_id: int) -> CaseView | None:
    """Return the newest case an alarm's signal belongs to, None where it opened none."""
    row = Case.objects.select_related("kind").filter(signals__alarm_id=alarm_id).order_by("-pk").first()
    return case_view(row) if row else None


def standing_of(case_id: int) -> Standing:
    """Return what the machine must know of a case.

    Raises:
        NotFoundError: if there is none.
    """
    row = Case.objects.filter(pk=case_id).first()
    if row is None:
        raise NotFoundError(what=f"case {case_id}")
    taken = StepTaken.objects.filter(case=case_id).order_by("position").values_list("step", "actor")
    return Standing(
        state=State(row.state),
        source=Source(row.source),
        taken=tuple(Taken(Step(step), actor) for step, actor in taken),
        closed_at=row.closed_at,
    )


def steps_of(case_id: int) -> list[StepView]:
    """Return the steps of a case, oldest first."""
    return [
        StepView(
            position=row.position,
            step=Step(row.step),
            state_before=State(row.state_before),
            state=State(row.state),
            actor=row.actor,
            post=Post(row.post) if row.post else None,
            at=row.at,
            note=row.note,
            clock=ClockState(row.clock),
            due_at=row.due_at,
            organisation=row.organisation,
            fact_id=row.fact_id,
        )
        for row in StepTaken.objects.filter(case=case_id).order_by("position")
    ]


def signals_of(case_id: int) -> list[SignalView]:
    """Return the signals behind a case, oldest first."""
    return [
        SignalView(
            signal_id=row.pk,
            source=Source(row.source),
            reporter=row.reporter,
            title=Text(row.title_zh, row.title_en),
            description=row.description,
            alarm_id=row.alarm_id,
            merged=row.merged,
            received_at=row.received_at,
            fact_id=row.fact_id,
            cause_fact=row.cause_fact,
        )
        for row in Signal.objects.filter(case=case_id).order_by("pk")
    ]


def tasks_of(case_id: int) -> list[TaskView]:
    """Return the tasks given in a case, oldest first."""
    return [
        TaskView(
            purpose=TaskPurpose(row.purpose),
            organisation=row.organisation,
            given_by=row.given_by,
            given_at=row.given_at,
            due_at=row.due_at,
            ended_at=row.ended_at,
            ended_by=row.ended_by,
        )
        for row in Task.objects.filter(case=case_id).order_by("pk")
    ]


def within(reaches: Iterable[Reach]) -> Q:
    """Return the condition that a case lies within one of some reaches; without any, no case does."""
    found = Q(pk__in=[])
    for reach in reaches:
        found |= Q(area__startswith=_prefix(reach.area)) & (
            Q() if reach.organisation is None else Q(organisation=reach.organisation)
        )
    return found


def _prefix(area: AreaCode) -> str:
    return area[:2] if level_of(area) == level_of(CITY) else area


def cases(  # noqa: PLR0913  each narrows the list, all by keyword
    reaches: Iterable[Reach],
    *,
    states: Iterable[State] = (),
    district: AreaCode | None = None,
    kind: str = "",
    text: str = "",
    late_at: datetime | None = None,
    limit: int = CASES_SHOWN_MAX,
) -> list[CaseView]:
    """Return cases within some reaches, open ones first, the most urgent limit first, those without a limit last.

    Args:
        reaches: whose cases.
        states: only in these; empty for any.
        district: only of this district.
        kind: only of this kind.
        text: only with this in number or title.
        late_at: only open ones whose limit was over at this instant.
        limit: how many at the most.
    """
    rows: QuerySet[Case] = Case.objects.select_related("kind").filter(within(reaches))
    if wanted := list(states):
        rows = rows.filter(state__in=wanted)
    if district:
        rows = rows.filter(area__startswith=_prefix(district))
    if kind:
        rows = rows.filter(kind__code=kind)
    if text:
        rows = rows.filter(Q(number__icontains=text) | Q(title_zh__icontains=text) | Q(title_en__icontains=text))
    if late_at:
        rows = rows.filter(due_at__lt=late_at, handled_at__isnull=True).exclude(state__in=ENDED)
    rows = rows.annotate(has_ended=Q(state__in=ENDED))
    return [case_view(row) for row in rows.order_by("has_ended", F("due_at").asc(nulls_last=True), "-pk")[:limit]]


def case_counts(now: datetime, *, area: AreaCode | None = None) -> CaseCounts:
    """Return how many cases there are at an instant, in an area where one is given."""
    rows = Case.objects.filter(area__startswith=_prefix(area)) if area else Case.objects.all()
    midnight = now.astimezone(CITY_ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    open_rows = rows.exclude(state__in=ENDED)
    by_state = {State(state): count for state, count in open_rows.values_list("state").annotate(count=Count("pk"))}
    stopped = [State.SUSPENDED]
    return CaseCounts(
        open=sum(by_state.values()),
        late=open_rows.exclude(state__in=stopped).filter(due_at__lt=now, handled_at__isnull=True).count(),
        opened_today=rows.filter(opened_at__gte=midnight).count(),
        closed_today=rows.filter(closed_at__gte=midnight).count(),
        by_state=by_state,
    )


def open_cases_by_district() -> dict[AreaCode, int]:
    """Return how many cases are open in each district that has any; those of the whole city under the city."""
    found: dict[AreaCode, int] = {}
    for area, count in Case.objects.exclude(state__in=ENDED).values_list("area").annotate(count=Count("pk")):
        district = district_of(AreaCode(area))
        found[district] = found.get(district, 0) + count
    return found
