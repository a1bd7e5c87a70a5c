"""Gathers the morning brief."""

from datetime import datetime

from cityloop.projects.lifelines.rules.brief import Brief, in_trouble
from cityloop.projects.lifelines.selectors.curves import line_curve
from cityloop.projects.lifelines.selectors.days import line_days


def brief_of(at: datetime, *, made_by: str, made_at: datetime) -> Brief:
    """Return the morning brief as of an instant, its figures those of the daily sheet.

    Args:
        at: as of when.
        made_by: who makes it.
        made_at: when it is made.
    """
    days = line_days(at)
    curves = tuple(line_curve(day.line, at) for day in days if in_trouble(day))
    return Brief(at=at, made_at=made_at, made_by=made_by, days=days, curves=curves, requests=())


def brief_pdf(brief: Brief) -> bytes:
    """Return the brief as a PDF document in the active language."""
    from cityloop.projects.lifelines.selectors import paper  # noqa: PLC0415  its library is loaded where it prints

    return paper.brief_pdf(brief)
