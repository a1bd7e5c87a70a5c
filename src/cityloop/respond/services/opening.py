"""Signals: each opens a case, or joins the one that stands for the same matter."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q

from cityloop.journal.facade import post
from cityloop.kernel.areas import AreaCode, district_of
from cityloop.kernel.clocks import CITY_ZONE, CalendarEndsError
from cityloop.kernel.declarations import Merging
from cityloop.kernel.facts import Ref, new_fact_id
from cityloop.kernel.facts.responded import CaseOpened, CaseStepped, SignalReceived
from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text
from cityloop.respond.models import Case, Kind, Signal
from cityloop.respond.rules.clock import ClockState, clock_in
from cityloop.respond.rules.matters import Place, Source, box_around, is_same_matter
from cityloop.respond.rules.publicity import NEWS_OF_MERGING, without_contacts
from cityloop.respond.rules.states import ENDED, State, Step
from cityloop.respond.selectors import merging_reach, place_of
from cityloop.respond.services.answering import has_public_signal, tell_reporter
from cityloop.respond.services.kinds import kind_in_force
from cityloop.respond.services.stepping import Changes, record_step, write_step

HOUSE = "system:loop"
"""Who takes the steps that a rule takes."""

TITLE_MAX = 300
"""Longest title kept, characters."""

_LOCK = "SELECT pg_advisory_xact_lock(hashtext(%s))"
_NEXT_NUMBER = """
    INSERT INTO respond_numbering (district, day, last) VALUES (%s, %s, 1)
    ON CONFLICT (district, day) DO UPDATE SET last = respond_numbering.last + 1 RETURNING last
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSignal:
    """A signal before it is kept.

    Attributes:
        source: where it comes from.
        reporter: who says so, an actor code.
        kind: code of the kind of case.
        area: where.
        place: its point, None where it has none.
        title: what it is about.
        description: what is said about it.
        level: severity, None where it has none.
        alarm_id: the alarm it comes from, None where it does not.
        cause_fact: the fact it comes from, None for a report by hand; a second signal of one fact is not kept.
        files_itself: whether the case is accepted and filed by rule.
        outcome_at: when another system had finished it, None where it is not handed over so.
        outcome_note: what that system said of it.
        waiting: the row of a signal that came in by a public door, None where none stands yet.
    """

    source: Source
    reporter: str
    kind: str
    area: AreaCode
    place: Place | None
    title: Text
    description: str
    level: Level | None = None
    alarm_id: int | None = None
    cause_fact: UUID | None = None
    files_itself: bool = False
    outcome_at: datetime | None = None
    outcome_note: str = ""
    waiting: Signal | None = None


def receive_signal(new: NewSignal, *, now: datetime) -> int:
    """Keep a signal and return the case it opened or joined; a fact that was heard before changes nothing.

    Signals of one type are taken one after the other, so that two of the same matter cannot open two cases.
    """
    with transaction.atomic():
        kind = new.waiting.kind if new.waiting and new.waiting.kind else kind_in_force(new.kind)
        with connection.cursor() as cursor:
            cursor.execute(_LOCK, [f"respond.signal:{kind.same_as or kind.code}"])
        if new.cause_fact and (heard := Signal.objects.filter(cause_fact=new.cause_fact).first()):
            return int(heard.case_id)
        standing = None if new.outcome_at else _case_of_same_matter(new, kind, now)
        return _join(standing, new, kind, now) if standing else _open(new, kind, now)


def _case_of_same_matter(new: NewSignal, kind: Kind, now: datetime) -> Case | None:
    merging = Merging(kind.merging)
    if merging is Merging.NEVER:
        return None
    one_type = Kind.objects.filter(Q(same_as=kind.same_as) if kind.same_as else Q(code=kind.code))
    rows = Case.objects.select_for_update(of=("self",)).filter(kind__in=one_type).exclude(state__in=ENDED)
    if merging is Merging.SAME_AREA:
        return rows.filter(area=new.area).order_by("pk").first()
    if new.place is None:
        return None
    reach_m, span_h = merging_reach(kind)
    box, span = box_around(new.place, reach_m), timedelta(hours=span_h)
    rows = rows.filter(
        opened_at__range=(now - span, now + span),
        longitude__range=(box.west, box.east),
        latitude__range=(box.south, box.north),
    )
    return next(
        (
            row
            for row in rows.order_by("-pk")
            if is_same_matter(
                place_of(row), new.place, span=now - row.opened_at, distance_max_m=reach_m, span_max_h=span_h
            )
        ),
        None,
    )


def next_number(area: AreaCode, *, day: datetime) -> str:
    """Return the next case number of a district and city day, such as `110101-20261122-0007`; no two get the same."""
    district, date = district_of(area), day.astimezone(CITY_ZONE).date()
    with connection.cursor() as cursor:
        cursor.execute(_NEXT_NUMBER, [district, date])
        (last,) = cursor.fetchone()
    return f"{district}-{date:%Y%m%d}-{last:04d}"


def _keep(new: NewSignal, case: Case, kind: Kind, *, merged: bool, now: datetime) -> SignalReceived:
    """Keep the signal's row, or place the one that waits, and return its fact."""
    row = new.waiting or _row(new, kind, now)
    row.case, row.merged = case, merged
    row.number = row.number or (next_number(new.area, day=now) if merged else case.number)
    row.save()
    return SignalReceived(
        fact_id=row.fact_id,
        happened_at=now,
        actor=new.reporter,
        area=new.area,
        causes=(Ref.fact(new.cause_fact),) if new.cause_fact else (),
        signal_id=row.pk,
        source=new.source.value,
        title=new.title,
        case_id=case.pk,
        case_number=case.number,
        merged=merged,
    )


def _row(new: NewSignal, kind: Kind, now: datetime) -> Signal:
    return Signal(
        fact_id=new_fact_id(),
        cause_fact=new.cause_fact,
        kind=kind,
        source=new.source,
        reporter=new.reporter,
        area=new.area,
        longitude=new.place.longitude if new.place else None,
        latitude=new.place.latitude if new.place else None,
        title_zh=new.title.zh[:TITLE_MAX],
        title_en=new.title.en[:TITLE_MAX],
        description=new.description,
        alarm_id=new.alarm_id,
        received_at=now,
    )


def _open(new: NewSignal, kind: Kind, now: datetime) -> int:
    opening = new_fact_id()
    case = Case.objects.create(
        number=(new.waiting and new.waiting.number) or next_number(new.area, day=now),
        kind=kind,
        source=new.source,
        area=new.area,
        longitude=new.place.longitude if new.place else None,
        latitude=new.place.latitude if new.place else None,
        title_zh=new.title.zh[:TITLE_MAX],
        title_en=new.title.en[:TITLE_MAX],
        description=new.description,
        level=new.level,
        state=State.REPORTED,
        opened_at=now,
        moved_at=now,
        last_fact=opening,
    )
    signal = _keep(new, case, kind, merged=False, now=now)
    opened = CaseOpened(
        fact_id=opening,
        happened_at=now,
        actor=new.reporter,
        area=new.area,
        causes=(Ref.fact(signal.fact_id),),
        case_id=case.pk,
        case_number=case.number,
        case_kind=kind.code,
        title=new.title,
    )
    post(signal, opened)
    if new.files_itself:
        _file_by_rule(case, now)
    if new.outcome_at:
        _take_over(case, max(now, new.outcome_at), new.outcome_note)
    return int(case.pk)


def _take_over(case: Case, at: datetime, note: str) -> None:
    """Close a case that another system had finished: as it was there, without limit, check or score of ours."""
    case.handled_at = case.closed_at = at
    before, case.state = case.state, State.CLOSED.value
    case.version += 1
    case.public_note = without_contacts(note)
    fact = CaseStepped(
        fact_id=new_fact_id(),
        happened_at=at,
        actor=HOUSE,
        area=AreaCode(case.area),
        causes=(Ref.fact(case.last_fact),),
        case_id=case.pk,
        case_number=case.number,
        step=Step.TAKE_OVER.value,
        state_before=before,
        state=case.state,
        note=note,
        due_at=None,
    )
    record_step(case, fact, post="")
    post(fact)


def _file_by_rule(case: Case, now: datetime) -> None:
    """Accept and file a signal of the city's own eyes; without a calendar it waits, accepted, for a person."""
    accepting = Changes(actor=HOUSE, at=now)
    write_step(case, Step.ACCEPT, accepting)
    try:
        with transaction.atomic():
            write_step(case, Step.FILE, accepting)
    except CalendarEndsError:
        case.refresh_from_db()


def _join(case: Case, new: NewSignal, kind: Kind, now: datetime) -> int:
    now = max(now, case.moved_at)
    if new.waiting and new.waiting.is_public and not has_public_signal(case.pk):
        case.version += 1  # notes become public: a form that did not say so is refused
    signal = _keep(new, case, kind, merged=True, now=now)
    if new.level is not None and new.level.is_graver_than(Level(case.level) if case.level else None):
        case.level = new.level
    fact = CaseStepped(
        fact_id=new_fact_id(),
        happened_at=now,
        actor=HOUSE,
        area=AreaCode(case.area),
        causes=(Ref.fact(case.last_fact), Ref.fact(signal.fact_id)),
        case_id=case.pk,
        case_number=case.number,
        step=Step.MERGE.value,
        state_before=case.state,
        state=case.state,
        note="",
        due_at=case.due_at if clock_in(State(case.state)) in {ClockState.RUNNING, ClockState.DONE} else None,
    )
    record_step(case, fact, post="")
    post(signal, fact)
    tell_reporter(signal.signal_id, new.source, fact, news=NEWS_OF_MERGING)
    return int(case.pk)
