"""What a group's dispatcher tells of the line: figures of a day, and why a day deviates from last year's."""

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from cityloop.kernel.errors import CityloopError, NotFoundError
from cityloop.projects.lifelines.models import DeviationReason
from cityloop.projects.lifelines.rules.days import Line
from cityloop.projects.lifelines.rules.lines import MAKES, Told
from cityloop.projects.lifelines.rules.reasons import ReasonKind
from cityloop.projects.lifelines.selectors.history import PROJECT, local_day, midnight_of
from cityloop.registry.facade import PersonView, Right, note_change, require
from cityloop.sense import facade as sense

TELL_AHEAD, TELL_BACK = timedelta(days=7), timedelta(days=31)
"""How far ahead and back a day may be told."""

VALUE_MAX = 1e9
"""Larger figures are a slip of the pen, in any line's unit."""


class FigureUnfitError(CityloopError):
    """A figure was told that cannot be."""

    key = "The figure must be a number between 0 and %(most)s."
    status = 422


class DayUnfitError(CityloopError):
    """A figure was told of a day too far away."""

    key = "The day must lie between %(first)s and %(last)s."
    status = 422


class NotYetError(CityloopError):
    """A figure shall hold from now on, of a day that is not today."""

    key = "Only a figure of today can hold from now on."
    status = 422


class ReasonMissingError(CityloopError):
    """A deviation was to be explained without a word."""

    key = "Say why."
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """A figure of a line's day.

    Attributes:
        told: what it is.
        day: of which day.
        value: in the line's unit.
        from_now: whether it holds from now on, rather than for the whole day.
        note: what is to be said about it.
    """

    told: Told
    day: date
    value: float
    from_now: bool = False
    note: str = ""


def tell(line: Line, *, person: PersonView, telling: Telling, now: datetime) -> int:
    """Keep a figure of a line's day as a manual reading; what was told before stays beside it, the newest counts.

    Args:
        line: the line.
        person: its dispatcher: needs the right for the organisation that owns the line.
        telling: the figure.
        now: the wall clock.

    Returns:
        The reading's id.

    Raises:
        AccessDeniedError: if the person may not speak for the line.
        NotFoundError: if the line has no such figure.
        DayUnfitError, FigureUnfitError, NotYetError: naming the field at fault.
        NotKeptError: if it could not be kept.
    """
    make = MAKES[line]
    require(person, Right.SUBMIT_LINE_DATA, organisation=make.owner, what=f"{line} {telling.told}")
    code = make.code_of(telling.told)
    view = next((one for one in sense.streams_of_project(PROJECT) if one.code == f"{PROJECT}/{code}"), None)
    if telling.told not in make.told or view is None:
        raise NotFoundError(what=code)
    _check(telling, now)
    at = now if telling.from_now else midnight_of(telling.day)
    number = sense.enter_reading(
        view.datastream_id, at=at, value=telling.value, actor=person.actor, note=telling.note, now=now
    )
    note_change(person, Right.SUBMIT_LINE_DATA, what=f"{code} {telling.day} = {telling.value:g}, reading {number}")
    return number


def _check(telling: Telling, now: datetime) -> None:
    today = local_day(now)
    first, last = today - TELL_BACK, today + TELL_AHEAD
    if not first <= telling.day <= last:
        raise DayUnfitError(field="day", first=first, last=last)
    if not (math.isfinite(telling.value) and 0 <= telling.value <= VALUE_MAX):
        raise FigureUnfitError(field="value", most=f"{VALUE_MAX:,.0f}")
    if telling.from_now and telling.day != today:
        raise NotYetError(field="from_now")


@transaction.atomic
def give_reason(  # noqa: PLR0913  each says one thing
    line: Line, *, person: PersonView, day: date, kind: ReasonKind, text: str, now: datetime
) -> None:
    """Keep why a line's day deviates from the same day last year; reasons given before stay.

    Raises:
        AccessDeniedError: if the person may not speak for the line.
        ReasonMissingError: without a word.
        DayUnfitError: if the day lies ahead.
    """
    require(person, Right.SUBMIT_LINE_DATA, organisation=MAKES[line].owner, what=f"{line} reason {day}")
    if not text.strip():
        raise ReasonMissingError(field="text")
    if day > local_day(now):
        raise DayUnfitError(field="day", first="…", last=local_day(now))
    DeviationReason.objects.create(
        line=line, day=day, kind=kind, text=text.strip(), given_by=person.actor, given_at=now
    )
    note_change(person, Right.SUBMIT_LINE_DATA, what=f"{line} reason {day}: {kind}")


__all__ = [
    "DayUnfitError",
    "FigureUnfitError",
    "NotYetError",
    "ReasonMissingError",
    "Telling",
    "give_reason",
    "tell",
]
