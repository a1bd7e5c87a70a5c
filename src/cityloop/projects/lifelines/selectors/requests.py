"""Reads of requests to those upstream, and of what they have brought."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from cityloop.kernel.errors import NotFoundError
from cityloop.kernel.instants import from_us
from cityloop.kernel.levels import Level
from cityloop.kernel.observation_ids import ingested_at_us
from cityloop.projects.lifelines.models import Delivery, RequestStepRow, UpstreamRequest
from cityloop.projects.lifelines.rules.days import Line
from cityloop.projects.lifelines.rules.effects import Grant, Portion, Share, mean_over, portions_of
from cityloop.projects.lifelines.rules.lines import MAKES, Told
from cityloop.projects.lifelines.rules.pictures import Picture, seal_of, thawed
from cityloop.projects.lifelines.rules.requests import (
    Outcome,
    RequestStanding,
    RequestState,
    RequestStep,
    RequestTaken,
    is_overdue,
)
from cityloop.projects.lifelines.selectors.hands import Matter
from cityloop.projects.lifelines.selectors.history import local_day, midnight_of, sources
from cityloop.sense import facade as sense

REQUESTS_SHOWN_MAX = 200
"""Requests a list returns at the most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestView:
    """A request to those upstream.

    Attributes:
        request_id: the request.
        number: its number.
        line: the line.
        organisation: who answers for the line and asks.
        level: how grave it stood, in its picture or when it was drafted, None where it was in order.
        quantity, unit: how much is asked for, a day.
        begins_at, ends_at: from when to when.
        reason, legal_basis: why, and by what law or plan.
        party_name, party_contact, party_organisation: who is asked; the last is empty outside the register.
        alarm_id, case_id: what it answers, None for none.
        as_of, position, seal: of the frozen picture: the instant, the newest reading in it, its SHA-256.
        state: where it stands.
        granted: what was granted, None before an answer.
        drafted_by, drafted_at: by whom and when.
        sent_at, due_at, term_hours, term_version: since when an answer is waited for, until when, and by which term.
        answered_at, answered_by: the answer.
        closed_at, outcome: the end.
        moved_at: when it last moved.
        version: rises with every step.
        last_fact: newest fact about it.
    """

    request_id: int
    number: str
    line: Line
    organisation: str
    level: Level | None
    quantity: float
    unit: str
    begins_at: datetime
    ends_at: datetime
    reason: str
    legal_basis: str
    party_name: str
    party_contact: str
    party_organisation: str
    alarm_id: int | None
    case_id: int | None
    as_of: datetime
    position: int
    seal: str
    state: RequestState
    granted: float | None
    drafted_by: str
    drafted_at: datetime
    sent_at: datetime | None
    due_at: datetime | None
    term_hours: float | None
    term_version: int | None
    answered_at: datetime | None
    answered_by: str
    closed_at: datetime | None
    outcome: Outcome | None
    moved_at: datetime
    version: int
    last_fact: UUID

    def is_overdue(self, now: datetime) -> bool:
        """Return whether the answer is late."""
        return is_overdue(self.state, due_at=self.due_at, now=now)

    @property
    def is_open(self) -> bool:
        """Return whether something is still to be done about it."""
        return self.state is not RequestState.CLOSED

    @property
    def waits_for(self) -> datetime | None:
        """Return until when an answer is waited for, None where none is."""
        return self.due_at if self.state is RequestState.SENT else None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestStepView:
    """A step of a request; `role` is empty where none is known."""

    step: RequestStep
    state_before: RequestState | None
    state: RequestState
    actor: str
    role: str
    at: datetime
    note: str
    quantity: float | None
    fact_id: UUID


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """What came on a day; only the last entry of a day counts."""

    day: date
    quantity: float
    noted_by: str
    noted_at: datetime
    counts: bool


_PLAIN = (
    "number", "organisation", "quantity", "unit", "begins_at", "ends_at", "reason", "legal_basis", "party_name",
    "party_contact", "party_organisation", "alarm_id", "case_id", "as_of", "position", "seal", "granted", "drafted_by",
    "drafted_at", "sent_at", "due_at", "term_hours", "term_version", "answered_at", "answered_by", "closed_at",
    "moved_at", "version", "last_fact",
)  # fmt: skip


def request_view(row: UpstreamRequest) -> RequestView:
    """Return a row as others see it."""
    values: dict[str, Any] = {name: getattr(row, name) for name in _PLAIN}
    return RequestView(
        request_id=row.pk,
        line=Line(row.line),
        level=Level(row.level) if row.level else None,
        state=RequestState(row.state),
        outcome=Outcome(row.outcome) if row.outcome else None,
        **values,
    )


def _rows() -> QuerySet[UpstreamRequest]:
    return UpstreamRequest.objects.defer("picture")


def request_with_id(request_id: int) -> RequestView:
    """Return a request.

    Raises:
        NotFoundError: if there is none.
    """
    row = _rows().filter(pk=request_id).first()
    if row is None:
        raise NotFoundError(what=f"request {request_id}")
    return request_view(row)


def matter_of_request(row: UpstreamRequest | RequestView, step: RequestStep | None = None) -> Matter:
    """Return whose a request is, and how grave."""
    return Matter(
        organisation=row.organisation,
        party=row.party_organisation,
        level=Level(row.level) if row.level else None,
        what=f"request {row.number}" + (f": {step.value}" if step else ""),
    )


def picture_of_request(request_id: int) -> Picture:
    """Return the picture a request rests on, as it was frozen."""
    return thawed(UpstreamRequest.objects.values_list("picture", flat=True).get(pk=request_id))


def is_seal_whole(request_id: int) -> bool:
    """Return whether a request's picture is still what was sealed."""
    picture, seal = UpstreamRequest.objects.values_list("picture", "seal").get(pk=request_id)
    return seal_of(picture) == seal


def requests(
    *, bodies: Iterable[str] | None, line: Line | None = None, states: Iterable[RequestState] = (), text: str = ""
) -> list[RequestView]:
    """Return requests, those that wait for an answer first by their deadline, then the newest.

    Args:
        bodies: only those of or to these organisations; None for all.
        line: only of this line.
        states: only in these; empty for any.
        text: only with this in number, party or reason.
    """
    found = _rows()
    if bodies is not None:
        known = list(bodies)
        found = found.filter(Q(organisation__in=known) | Q(party_organisation__in=known))
    if line is not None:
        found = found.filter(line=line.value)
    if wanted := [state.value for state in states]:
        found = found.filter(state__in=wanted)
    if text:
        found = found.filter(Q(number__icontains=text) | Q(party_name__icontains=text) | Q(reason__icontains=text))
    views = [request_view(row) for row in found.order_by("-drafted_at", "-pk")[:REQUESTS_SHOWN_MAX]]
    return sorted(views, key=lambda one: (one.waits_for is None, one.waits_for or one.drafted_at.max))


def request_steps(request_id: int) -> list[RequestStepView]:
    """Return the steps of a request, oldest first."""
    return [
        RequestStepView(
            step=RequestStep(row.step),
            state_before=RequestState(row.state_before) if row.state_before else None,
            state=RequestState(row.state),
            actor=row.actor,
            role=row.role,
            at=row.at,
            note=row.note,
            quantity=row.quantity,
            fact_id=row.fact_id,
        )
        for row in RequestStepRow.objects.filter(request=request_id).order_by("position")
    ]


def request_standing(row: UpstreamRequest | RequestView) -> RequestStanding:
    """Return what the machine must know of a request."""
    request_id = row.request_id if isinstance(row, RequestView) else row.pk
    steps = RequestStepRow.objects.filter(request=request_id).order_by("position").values_list("step", "actor")
    return RequestStanding(
        state=RequestState(row.state),
        quantity=row.quantity,
        unit=row.unit,
        granted=row.granted,
        taken=tuple(RequestTaken(RequestStep(step), actor) for step, actor in steps),
    )


def deliveries_of(request_id: int) -> list[DeliveryView]:
    """Return what came, day by day, corrected entries too."""
    rows = list(Delivery.objects.filter(request=request_id).order_by("day", "pk"))
    last = {row.day: row.pk for row in rows}
    return [DeliveryView(row.day, row.quantity, row.noted_by, row.noted_at, last[row.day] == row.pk) for row in rows]


def delivered_mean(request_id: int) -> float | None:
    """Return the mean of the days that were noted, in the request's unit, None where none was."""
    counted = [one.quantity for one in deliveries_of(request_id) if one.counts]
    return sum(counted) / len(counted) if counted else None


def grants_over(line: Line, begins_at: datetime, ends_at: datetime, *, at: datetime) -> tuple[Share, ...]:
    """Return what each request adds to a line's supply over a time, as far as it was known at an instant.

    What came counts for days that are over and noted, else what was granted; nothing once delivery is over,
    nor on a day whose nominated supply was told after the answer, for that holds the grant.
    """
    rows = UpstreamRequest.objects.filter(
        line=line.value, granted__gt=0, answered_at__lte=at, begins_at__lt=ends_at, ends_at__gt=begins_at
    )
    found = list(rows.only("number", "begins_at", "ends_at", "granted", "answered_at").order_by("begins_at", "pk"))
    if not found:
        return ()
    finished, came, nominated_at = _finished(found, at), _came(found, at), _nominated_at(line, begins_at, ends_at, at)
    shares = []
    for row in found:
        runs = Portion(begins_at=row.begins_at, ends_at=row.ends_at, quantity=row.granted or 0.0)
        grant = Grant(
            runs=runs, answered_at=row.answered_at, finished_at=finished.get(row.pk), delivered=came.get(row.pk, {})
        )
        portions = portions_of(grant, begins_at, ends_at, at=at, nominated_at=nominated_at)
        mean = mean_over(portions, begins_at=begins_at, ends_at=ends_at)
        shares.append(Share(row.number, f"/projects/lifelines/requests/{row.pk}/", mean))
    return tuple(one for one in shares if one.quantity > 0)


def _finished(found: list[UpstreamRequest], at: datetime) -> dict[int, datetime]:
    steps = RequestStepRow.objects.filter(request__in=found, step=RequestStep.FINISH_DELIVERY.value, at__lte=at)
    return dict(steps.values_list("request", "at"))


def _came(found: list[UpstreamRequest], at: datetime) -> dict[int, dict[date, float]]:
    """Return what came by request and day; of several entries of a day the last one counts."""
    came: dict[int, dict[date, float]] = {}
    for row in Delivery.objects.filter(request__in=found, noted_at__lte=at).order_by("pk"):
        came.setdefault(row.request_id, {})[row.day] = row.quantity
    return came


def _nominated_at(line: Line, begins_at: datetime, ends_at: datetime, at: datetime) -> dict[date, datetime]:
    """Return when the nominated supply in force of each day was told, as far as it was known at an instant."""
    make = MAKES[line]
    view = sources().by_code.get(make.code_of(Told.NOMINATED)) if Told.NOMINATED in make.told else None
    if view is None:
        return {}
    told: dict[date, datetime] = {}
    for given in sense.given_of_many([view.datastream_id], since=midnight_of(local_day(begins_at)), until=ends_at):
        told_at = from_us(ingested_at_us(given.observation_id))
        if min(given.at, told_at) <= at:
            told[local_day(given.at)] = told_at
    return told


def granted(line: Line, begins_at: datetime, ends_at: datetime, *, at: datetime) -> float:
    """Return what those upstream add to a line's supply over a time, on the mean.

    Args:
        line: the line.
        begins_at: start of the time, aware; a day's midnight for the row of the sheet.
        ends_at: its end.
        at: as of when: an answer that came later is not in it.

    Returns:
        The mean in the unit of the line's day; 0.0 where nothing runs.
    """
    return sum(one.quantity for one in grants_over(line, begins_at, ends_at, at=at))
