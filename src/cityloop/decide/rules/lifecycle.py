"""The life of an alarm (after ISA-18.2 practice): raised, acknowledged, shelved, cleared, closed."""

from datetime import datetime, timedelta
from enum import StrEnum

from cityloop.kernel.errors import CityloopError
from cityloop.kernel.levels import Level

SHELVING_MAX = timedelta(days=7)
"""Longest span an alarm may be shelved at once (house default; longer silence is a change of the watch)."""


class AlarmState(StrEnum):
    """Where an alarm stands."""

    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"
    SHELVED = "shelved"
    SUPPRESSED = "suppressed"
    CLEARED = "cleared"
    CLOSED = "closed"


class ConsentMissingError(CityloopError):
    """A grave alarm was to be shelved by one person alone."""

    key = "Alarms of levels I and II are shelved only with the consent of a second person who has that right."
    status = 403


class ShelvingSpanError(CityloopError):
    """The end of a shelving is not in the future, or too far away."""

    key = "Shelving must end in the future and within %(days)s days."
    status = 422


def state_of(*, acknowledged: bool, shelved: bool, cleared: bool, closed: bool, suppressed: bool = False) -> AlarmState:
    """Return the state that what has happened to an alarm amounts to.

    A shelved or suppressed alarm stays so while it clears.
    """
    if closed:
        return AlarmState.CLOSED
    if shelved:
        return AlarmState.SHELVED
    if suppressed:
        return AlarmState.SUPPRESSED
    if cleared:
        return AlarmState.CLEARED
    return AlarmState.ACKNOWLEDGED if acknowledged else AlarmState.RAISED


def is_done(*, acknowledged: bool, cleared: bool, case_closed: bool) -> bool:
    """Return whether an alarm is done with: cleared, and acknowledged or its case closed."""
    return cleared and (acknowledged or case_closed)


def needs_consent(level: Level) -> bool:
    """Return whether shelving an alarm of this level needs a second person (levels I and II)."""
    return level <= Level.ORANGE


def check_span(*, now: datetime, until: datetime) -> None:
    """Refuse a shelving that is too long or over.

    Raises:
        ShelvingSpanError: if it does not end within `SHELVING_MAX` from now.
    """
    if not now < until <= now + SHELVING_MAX:
        raise ShelvingSpanError(field="until", days=SHELVING_MAX.days)


def check_shelving(*, level: Level, now: datetime, until: datetime, person_id: int, consented_by: int | None) -> None:
    """Refuse a shelving that may not be.

    Args:
        level: the alarm's.
        now: aware.
        until: aware, when the alarm comes back.
        person_id: who shelves.
        consented_by: who consents, None for nobody.

    Raises:
        ShelvingSpanError: if it does not end within `SHELVING_MAX` from now.
        ConsentMissingError: if the level needs a second person and there is none, or it is the same person.

    Source:
        Domain reference, section 1.3.
    """
    check_span(now=now, until=until)
    if needs_consent(level) and consented_by in (None, person_id):
        raise ConsentMissingError(field="consent_username")
