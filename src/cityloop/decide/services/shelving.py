"""Shelving by two people who need not stand at one desk: one asks, nothing is shelved until another consents."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from cityloop.decide.models import Alarm, ShelvingRequest
from cityloop.decide.rules import ConsentMissingError, check_span, needs_consent
from cityloop.decide.selectors.shelving import ShelvingView, shelving_view
from cityloop.decide.services import life
from cityloop.decide.services.alarms import NOTE_MAX, AlarmAlreadyClosedError, ReasonMissingError
from cityloop.journal.facade import post
from cityloop.kernel.areas import AreaCode
from cityloop.kernel.errors import CityloopError, NotFoundError
from cityloop.kernel.levels import Level
from cityloop.registry.facade import PersonView, Right, require


class ShelvingAskedAlreadyError(CityloopError):
    """Somebody has asked for this alarm to be shelved, and nobody has answered yet."""

    key = "Somebody has asked for this already; a second person has yet to answer."
    status = 409


class ShelvingNotNeededError(CityloopError):
    """A second person was asked for an alarm that one person may shelve."""

    key = "This alarm is shelved without a second person."
    status = 409


class ShelvingAnsweredError(CityloopError):
    """A request was to be answered that waits no more."""

    key = "This request waits no more."
    status = 409


class ShelvingOutdatedError(CityloopError):
    """The alarm has become graver since somebody asked to shelve it."""

    key = "The alarm is graver now than when it was asked for: ask again."
    status = 409


CONFIRMED, REFUSED, WITHDRAWN, EXPIRED = "confirmed", "refused", "withdrawn", "expired"


@transaction.atomic
def ask_to_shelve(alarm_id: int, *, person: PersonView, reason: str, until: datetime, now: datetime) -> ShelvingView:
    """Ask that a grave alarm be shelved; it stays as it is until a second person consents.

    Raises:
        NotFoundError: if there is no such alarm.
        AccessDeniedError: if the person may not act on alarms there.
        AlarmAlreadyClosedError: if it is closed.
        ReasonMissingError: without a reason.
        ShelvingNotNeededError: for levels III and IV.
        ShelvingSpanError: if the end is not in the future or too far away.
        ShelvingAskedAlreadyError: if a request waits.
    """
    row = _locked(alarm_id)
    require(person, Right.ACT_ON_ALARMS, area=AreaCode(row.area), what=f"alarm {alarm_id}")
    if not reason.strip():
        raise ReasonMissingError(field="reason")
    if not needs_consent(Level(row.level)):
        raise ShelvingNotNeededError
    check_span(now=now, until=until)
    if row.shelving_requests.filter(outcome="").exists():
        raise ShelvingAskedAlreadyError
    asked = row.shelving_requests.create(
        level=row.level, reason=reason.strip()[:NOTE_MAX], until=until, requested_at=now, requested_by=person.actor
    )
    fact = life.shelving_requested(row, actor=person.actor, reason=asked.reason, until=until, now=now)
    row.save()
    post(fact)
    return shelving_view(asked)


@transaction.atomic
def consent_to_shelving(request_id: int, *, person: PersonView, now: datetime) -> ShelvingView:
    """Consent as the second person: the alarm is shelved.

    Raises:
        NotFoundError: if there is no such request.
        AccessDeniedError: if the person may not consent there.
        ConsentMissingError: if it is the person who asked.
        ShelvingAnsweredError: if it waits no more.
        ShelvingOutdatedError: if the alarm has become graver meanwhile.
        ShelvingSpanError: if its time is over.
    """
    asked, row = _waiting(request_id)
    require(person, Right.CONSENT_TO_SHELVING, area=AreaCode(row.area), what=f"alarm {row.pk}")
    if row.level < asked.level:
        raise ShelvingOutdatedError
    if person.actor == asked.requested_by:
        raise ConsentMissingError
    check_span(now=now, until=asked.until)
    _answer(asked, CONFIRMED, person.actor, "", now)
    fact = life.shelved(
        row, actor=asked.requested_by, reason=asked.reason, until=asked.until, consented_by=person.actor, now=now
    )
    row.save()
    post(fact)
    return shelving_view(asked)


@transaction.atomic
def decline_shelving(request_id: int, *, person: PersonView, note: str, now: datetime) -> ShelvingView:
    """Refuse a request as the second person, or withdraw one's own.

    Raises:
        NotFoundError: if there is no such request.
        AccessDeniedError: if the person neither asked nor may consent there.
        ShelvingAnsweredError: if it waits no more.
    """
    asked, row = _waiting(request_id)
    is_own = person.actor == asked.requested_by
    right = Right.ACT_ON_ALARMS if is_own else Right.CONSENT_TO_SHELVING
    require(person, right, area=AreaCode(row.area), what=f"alarm {row.pk}")
    _answer(asked, WITHDRAWN if is_own else REFUSED, person.actor, note.strip()[:NOTE_MAX], now)
    fact = life.shelving_declined(row, actor=person.actor, outcome=asked.outcome, note=asked.note, now=now)
    row.save()
    post(fact)
    return shelving_view(asked)


def expire_requests(now: datetime) -> int:
    """Let requests wait no more whose time is over or whose alarm is closed; return how many."""
    over = Q(until__lte=now) | Q(alarm__closed_at__isnull=False)
    waiting = ShelvingRequest.objects.filter(over, outcome="")
    return waiting.update(outcome=EXPIRED, decided_at=now, decided_by=life.MACHINE_ACTOR)


def _locked(alarm_id: int) -> Alarm:
    row = Alarm.objects.select_for_update().filter(pk=alarm_id).first()
    if row is None:
        raise NotFoundError(what=f"alarm {alarm_id}")
    if row.closed_at is not None:
        raise AlarmAlreadyClosedError
    return row


def _waiting(request_id: int) -> tuple[ShelvingRequest, Alarm]:
    known = ShelvingRequest.objects.filter(pk=request_id).first()
    if known is None:
        raise NotFoundError(what=f"request {request_id}")
    row = _locked(known.alarm_id)
    asked = ShelvingRequest.objects.select_for_update().get(pk=request_id)
    if asked.outcome:
        raise ShelvingAnsweredError
    return asked, row


def _answer(asked: ShelvingRequest, outcome: str, actor: str, note: str, now: datetime) -> None:
    asked.outcome, asked.decided_by, asked.note, asked.decided_at = outcome, actor, note, now
    asked.save()
