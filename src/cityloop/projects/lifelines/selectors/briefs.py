"""Gathers the morning brief."""

from datetime import datetime

from cityloop.projects.lifelines.rules.brief import AskedFor, Brief, in_trouble
from cityloop.projects.lifelines.rules.days import Figure, Line
from cityloop.projects.lifelines.rules.lines import MAKES
from cityloop.projects.lifelines.rules.requests import OPEN_STATES, STATE_TITLES
from cityloop.projects.lifelines.selectors.coordination import open_requests_of
from cityloop.projects.lifelines.selectors.curves import line_curve
from cityloop.projects.lifelines.selectors.days import line_days
from cityloop.projects.lifelines.selectors.requests import RequestView, requests
from cityloop.registry.facade import PersonView, Right


def brief_of(at: datetime, *, made_by: str, made_at: datetime, person: PersonView | None) -> Brief:
    """Return the morning brief as of an instant, its figures those of the daily sheet.

    Requests are listed that rest on a picture of then or before and are open when the brief is made, in the state in
    which they stand when it is made.

    Args:
        at: as of when.
        made_by: who makes it, as it is printed.
        made_at: when it is made.
        person: whose sight bounds the requests; None for whoever has the machine and sees all.
    """
    days = line_days(at)
    curves = tuple(line_curve(day.line, at) for day in days if in_trouble(day))
    return Brief(
        at=at, made_at=made_at, made_by=made_by, days=days, curves=curves, requests=_requests(at, person)
    )  # fmt: skip


def _requests(at: datetime, person: PersonView | None) -> tuple[AskedFor, ...] | None:
    if person is None:
        return tuple(_asked(one) for one in requests(bodies=None, states=OPEN_STATES) if one.as_of <= at)
    if Right.SEE_COORDINATION not in person.rights:
        return None
    return tuple(_asked(one) for one in open_requests_of(person, at=at))


def _asked(one: RequestView) -> AskedFor:
    make = MAKES[Line(one.line)]
    quantity = Figure(value=one.quantity, unit=one.unit, decimals=make.decimals, trace="")
    return AskedFor(
        number=one.number, line=make.title, quantity=quantity, to_whom=one.party_name, state=STATE_TITLES[one.state],
        due_at=one.waits_for,
    )  # fmt: skip


def brief_pdf(brief: Brief) -> bytes:
    """Return the brief as a PDF document in the active language."""
    from cityloop.projects.lifelines.selectors import paper  # noqa: PLC0415  its library is loaded where it prints

    return paper.brief_pdf(brief)
