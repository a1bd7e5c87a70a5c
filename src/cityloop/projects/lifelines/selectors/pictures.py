"""The picture of a line as of an instant, with the readings it was made of."""

from datetime import datetime, timedelta

from cityloop.decide import facade as decide
from cityloop.kernel.facts import Ref
from cityloop.projects.lifelines.rules.days import Line
from cityloop.projects.lifelines.rules.pictures import Picture
from cityloop.projects.lifelines.selectors.curves import curve_of
from cityloop.projects.lifelines.selectors.days import day_of
from cityloop.projects.lifelines.selectors.numbers import Numbers, numbers
from cityloop.registry.facade import PersonView
from cityloop.respond import facade as respond
from cityloop.sense import facade as sense

_SPANS = (timedelta(hours=2), timedelta(hours=26))
"""How far back the newest reading of a stream is looked for: most often the first is enough."""
READINGS_MAX = 40
"""Readings a picture names as what it was made of; its position says the rest."""


def picture_of_line(line: Line, at: datetime) -> Picture:
    """Return what is known of a line as of an instant: row, curve, and the newest readings behind them."""
    found = numbers(at, (line,))[line]
    newest = sorted({*_newest(found), *(given.observation_id for given in found.told.values())}, reverse=True)
    return Picture(
        day=day_of(found),
        curve=curve_of(found),
        position=newest[0] if newest else 0,
        readings=tuple(newest[:READINGS_MAX]),
    )


def _newest(found: Numbers) -> set[int]:
    ids = [stream.datastream_id for stream in found.streams]
    for span in _SPANS:
        given = sense.given_of_many(ids, since=found.at - span, until=found.at)
        if given:
            return set({one.datastream_id: one.observation_id for one in given}.values())
    return set()


def causes_of(picture: Picture, *, person: PersonView, alarm_id: int | None, case_id: int | None) -> tuple[Ref, ...]:
    """Return what a request or a cut follows from: its alarm, its case, the readings of its picture.

    Raises:
        NotFoundError: if there is no such alarm or case.
        AccessDeniedError: if the case is not the person's to see.
    """
    causes = []
    if alarm_id is not None and (raised := decide.alarm(alarm_id).raised_fact) is not None:
        causes.append(Ref.fact(raised))
    if case_id is not None:
        causes.append(Ref.fact(respond.case_for(person, case_id).last_fact))
    return (*causes, *(Ref.observation(number) for number in picture.readings))
