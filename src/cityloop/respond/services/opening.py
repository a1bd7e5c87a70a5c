"""Signals: each opens a case, or joins the one that stands for the same matter."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from cityloop.journal.facade import post
from cityloop.kernel.areas import AreaCode, district_of
from cityloop.kernel.clocks import CITY_ZONE, CalendarEndsError
from cityloop.kernel.facts import Ref, new_fact_id
from cityloop.kernel.facts.responded import CaseOpened, CaseStepped, SignalReceived
from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text
from cityloop.respond.models import Case, Kind, Signal
from cityloop.respond.rules.clock import ClockState, clock_in
from cityloop.respond.rules.matters import Merging, Place, Source, is_same_matter, merging_of
from cityloop.respond.rules.states import ENDED, State, Step
from cityloop.respond.selectors import place_of
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


def receive_signal(new: NewSignal, *, now: datetime) -> int:
    """Keep a signal and return the case it opened or joined; a fact that was heard before changes nothing.

    Signals of one kind are taken one after the other, so that two of the same matter cannot open two cases.
    """
    with transaction.atomic():
        kind = kind_in_force(new.kind)
        with connection.cursor() as cursor:
            cursor.execute(_LOCK, [f"respond.signal:{kind.code}"])
        if new.cause_fact and (heard := Signal.objects.filter(cause_fact=new.cause_fact).first()):
            return int(heard.case_id)
        standing = _case_of_same_matter(new, kind, now)
        return _join(standing, new, now) if standing else _open(new, kind, now)


def _case_of_same_matter(new: NewSignal, kind: Kind, now: datetime) -> Case | None:
    merging = merging_of(kind.code)
    if merging is Merging.NEVER:
        return None
    rows = Case.objects.select_for_update(of=("self",)).filter(kind__code=kind.code).exclude(state__in=ENDED)
    if merging is Merging.SAME_AREA:
        return rows.filter(area=new.area).order_by("pk").first()
    return next(
        (row for row in rows.order_by("-pk") if is_same_matter(place_of(row), new.place, span=now - row.opened_at)),
        None,
    )


def next_number(area: AreaCode, *, day: datetime) -> str:
    """Return the next case number of a district and city day, such as `110101-20261122-0007`; no two get the same."""
    district, date = district_of(area), day.astimezone(CITY_ZONE).date()
    with connection.cursor() as cursor:
        cursor.execute(_NEXT_NUMBER, [district, date])
        (last,) = cursor.fetchone()
    return f"{district}-{date:%Y%m%d}-{last:04d}"


def _keep(new: NewSignal, case: Case, *, merged: bool, now: datetime) -> SignalReceived:
    """Keep the signal's row and return its fact."""
    row = Signal.objects.create(
        fact_id=new_fact_id(),
        cause_fact=new.cause_fact,
        case=case,
        source=new.source,
        reporter=new.reporter,
        area=new.area,
        longitude=new.place.longitude if new.place else None,
        latitude=new.place.latitude if new.place else None,
        title_zh=new.title.zh[:TITLE_MAX],
        title_en=new.title.en[:TITLE_MAX],
        description=new.description,
        alarm_id=new.alarm_id,
        merged=merged,
        received_at=now,
    )
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


def _open(new: NewSignal, kind: Kind, now: datetime) -> int:
    opening = new_fact_id()
    case = Case.objects.create(
        number=next_number(new.area, day=now),
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
    signal = _keep(new, case, merged=False, now=now)
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
    return int(case.pk)


def _file_by_rule(case: Case, now: datetime) -> None:
    """Accept and file a signal of the city's own eyes; without a calendar it waits, accepted, for a person."""
    accepting = Changes(actor=HOUSE, at=now)
    write_step(case, Step.ACCEPT, accepting)
    try:
        with transaction.atomic():
            write_step(case, Step.FILE, accepting)
    except CalendarEndsError:
        case.refresh_from_db()


def _join(case: Case, new: NewSignal, now: datetime) -> int:
    now = max(now, case.moved_at)
    signal = _keep(new, case, merged=True, now=now)
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
    return int(case.pk)
