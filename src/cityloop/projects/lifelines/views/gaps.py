"""The gap board: which line is short, by how much, and how long it holds."""

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text
from cityloop.projects.lifelines import facade
from cityloop.projects.lifelines.facade import Figure, Line, LineDay, RequestView
from cityloop.projects.lifelines.views.moments import Moment, moment_asked
from cityloop.registry.facade import PersonView, Right, person_of, requires

IN_ORDER = int(max(Level)) + 1
PER_CENT = 100


@requires(Right.SEE_PROJECTS)
@require_safe
def gaps(request: HttpRequest) -> HttpResponse:
    """Show the lines by gravity, each with its gap, the formula, and when line-pack and stock run out."""
    moment = moment_asked(request)
    person = person_of(request)
    asked_for = open_requests(person, moment)
    may_draft = facade.lines_of(person, Right.DRAFT_COORDINATION)
    rows = [
        gap_row(day) | {"requests": asked_for.get(day.line, ()), "may_draft": day.line in may_draft}
        for day in sorted(facade.line_days(moment.at), key=gravity)
    ]
    words = {
        "days": _("{d} d {h} h {m} min"), "hours": _("{h} h {m} min {s} s"), "over": _("reached"),
    }  # fmt: skip
    context = {
        "moment": moment, "rows": rows, "words": words, "now": timezone.now(),
        "short": sum(row["day"].level is not None for row in rows),
    }  # fmt: skip
    return render(request, "lifelines/gaps.html", context)


def gravity(day: LineDay) -> tuple[int, float]:
    """Return how a line is ordered: the gravest level first, then the greatest share that is missing."""
    share = share_of(day)
    return int(day.level) if day.level is not None else IN_ORDER, -(share if share is not None else float("-inf"))


def share_of(day: LineDay) -> float | None:
    """Return the gap as a share of the estimate, per cent; None where it cannot be told."""
    if day.gap.value is None or not day.estimate.value:
        return None
    return day.gap.value / day.estimate.value * PER_CENT


def open_requests(person: PersonView, moment: Moment) -> dict[Line, list[tuple[RequestView, Text]]]:
    """Return the open requests that a person may see, by line, each with its state in words."""
    found: dict[Line, list[tuple[RequestView, Text]]] = {}
    for one in facade.open_requests_of(person, at=moment.at):
        found.setdefault(one.line, []).append((one, facade.STATE_TITLES[one.state]))
    return found


def reduced_of(day: LineDay) -> float:
    """Return what cuts take from the estimate before it is held against the supply, in the gap's unit."""
    if day.gap.value is None or day.estimate.value is None or day.supply.value is None:
        return 0.0
    taken = day.estimate.value - day.supply.value - day.gap.value
    return taken if round(taken, day.gap.decimals) else 0.0


def gap_row(day: LineDay) -> dict[str, Any]:
    """Return what the board shows of a line."""
    return {
        "day": day,
        "share": share_of(day),
        "reduced": reduced_of(day),
        "is_short": day.gap.value is not None and day.gap.value > 0,
        "linepack_at": _runs_out(day.at, day.linepack_hours, timedelta(hours=1)),
        "cover_at": _runs_out(day.at, day.cover_days, timedelta(days=1)),
    }


def _runs_out(at: datetime, figure: Figure, unit: timedelta) -> datetime | None:
    """Return when what a figure counts is over; None where it cannot be told, or lies beyond any calendar."""
    if figure.value is None:
        return None
    try:
        return at + figure.value * unit
    except OverflowError:
        return None


__all__ = ["gap_row", "gaps", "gravity", "open_requests", "reduced_of", "share_of"]
