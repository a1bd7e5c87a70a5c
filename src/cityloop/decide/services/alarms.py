"""What people do to alarms."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import transaction

from cityloop.decide.models import Alarm
from cityloop.decide.rules import check_shelving
from cityloop.decide.selectors.alarms import AlarmView, alarm_view
from cityloop.decide.services import life
from cityloop.journal.facade import post
from cityloop.kernel.areas import AreaCode
from cityloop.kernel.errors import CityloopError, NotFoundError
from cityloop.kernel.facts import Fact
from cityloop.kernel.levels import Level
from cityloop.registry.facade import PersonView, Right, require


class AlarmAlreadyClosedError(CityloopError):
    """Something was to be done to an alarm that is closed."""

    key = "This alarm is closed already."
    status = 409


class AlarmStillStandsError(CityloopError):
    """An alarm was to be closed while its condition stands."""

    key = "This alarm cannot be closed: the condition still stands."
    status = 409


class AlarmNotShelvedError(CityloopError):
    """An alarm was to be taken back that is not shelved."""

    key = "This alarm is not shelved."
    status = 409


class ReasonMissingError(CityloopError):
    """An alarm was to be shelved without saying why."""

    key = "Say why this alarm is shelved."
    status = 422


NOTE_MAX = 2000
"""Longest note or reason, characters."""


@contextmanager
def _open_alarm(alarm_id: int, person: PersonView) -> Iterator[tuple[Alarm, list[Fact]]]:
    """Lock an open alarm for a person who may act on it; save it and post the facts at the end."""
    with transaction.atomic():
        row = Alarm.objects.select_for_update().filter(pk=alarm_id).first()
        if row is None:
            raise NotFoundError(what=f"alarm {alarm_id}")
        require(person, Right.ACT_ON_ALARMS, area=AreaCode(row.area), what=f"alarm {alarm_id}")
        if row.closed_at is not None:
            raise AlarmAlreadyClosedError
        facts: list[Fact] = []
        yield row, facts
        row.save()
        post(*facts)


def acknowledge(alarm_id: int, *, person: PersonView, note: str, now: datetime) -> AlarmView:
    """Take note of an alarm; an alarm that is over is closed by it. Once acknowledged nothing changes any more."""
    with _open_alarm(alarm_id, person) as (row, facts):
        if row.acknowledged_at is None:
            facts.append(life.acknowledged(row, actor=person.actor, note=note[:NOTE_MAX], now=now))
        facts.extend(life.closed_if_done(row, actor=person.actor, now=now))
    return alarm_view(row)


def shelve(  # noqa: PLR0913  each says one thing
    alarm_id: int, *, person: PersonView, reason: str, until: datetime, consenting: PersonView | None, now: datetime
) -> AlarmView:
    """Silence an alarm until a moment.

    Raises:
        ReasonMissingError: without a reason.
        ShelvingSpanError: if the end is not in the future or too far away.
        ConsentMissingError: for levels I and II without a second person.
        AccessDeniedError: if either may not.
    """
    if not reason.strip():
        raise ReasonMissingError(field="reason")
    with _open_alarm(alarm_id, person) as (row, facts):
        consented_by = consenting.person_id if consenting else None
        check_shelving(
            level=Level(row.level), now=now, until=until, person_id=person.person_id, consented_by=consented_by
        )
        if consenting is not None:
            area = AreaCode(row.area)
            require(consenting, Right.CONSENT_TO_SHELVING, area=area, what=f"alarm {alarm_id}")
        actor = consenting.actor if consenting else ""
        reason = reason.strip()[:NOTE_MAX]
        facts.append(life.shelved(row, actor=person.actor, reason=reason, until=until, consented_by=actor, now=now))
    return alarm_view(row)


def unshelve(alarm_id: int, *, person: PersonView, now: datetime) -> AlarmView:
    """Bring a silenced alarm back before its time."""
    with _open_alarm(alarm_id, person) as (row, facts):
        if row.shelved_until is None:
            raise AlarmNotShelvedError
        facts.append(life.unshelved(row, actor=person.actor, reason="person", now=now))
        facts.extend(life.closed_if_done(row, actor=person.actor, now=now))
    return alarm_view(row)


def close_alarm(alarm_id: int, *, person: PersonView, note: str, now: datetime) -> AlarmView:
    """Close an alarm whose condition has ended; whoever closes it has taken note of it."""
    with _open_alarm(alarm_id, person) as (row, facts):
        if row.cleared_at is None:
            raise AlarmStillStandsError
        if row.acknowledged_at is None:
            facts.append(life.acknowledged(row, actor=person.actor, note=note[:NOTE_MAX], now=now))
        facts.append(life.closed(row, actor=person.actor, now=now))
    return alarm_view(row)
