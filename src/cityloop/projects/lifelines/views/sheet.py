"""The daily sheet of the leaders, as a page and as a file, and what each of its numbers was made of."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import StringIO
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cityloop.kernel.errors import NotFoundError
from cityloop.kernel.text import Text
from cityloop.projects.lifelines import facade
from cityloop.projects.lifelines.facade import MAKES, Figure, LineDay, Remembered
from cityloop.projects.lifelines.views.asked import instant_asked, line_asked
from cityloop.registry.facade import Right, actor_name, in_words, may, person_of, requires

CSV_MARK = "\ufeff"
"""Without it a spreadsheet takes Chinese for something else."""


@requires(Right.SEE_PROJECTS)
@require_safe
def sheet(request: HttpRequest) -> HttpResponse:
    """Show the daily sheet: every line's row, each number with its trace."""
    at, who = instant_asked(request), person_of(request)
    rows = facade.line_days(at)
    context = {
        "rows": rows,
        "table": _table(rows),
        "reasons": [(row, actor_name(row.reason.given_by) if row.reason else None) for row in rows if row.needs_reason],
        "at": localtime(at),
        "day": facade.local_day(at),
        "asked": urlencode({"at": at.isoformat()}) if "at" in request.GET else "",
        "unconfirmed": any(not one.confirmed for one in facade.thresholds(at)),
        "may_edit": may(who, Right.EDIT_WATCHES),
        "tells": [
            row.line for row in rows if may(who, Right.SUBMIT_LINE_DATA, organisation=MAKES[row.line].owner)
        ],
    }  # fmt: skip
    return render(request, "lifelines/sheet.html", context)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell of the sheet.

    Attributes:
        figures: its numbers, the second and third the ends of a band.
        below: what stands below them in words.
        day: the day they belong to.
        arrived: the arrival rate beside a number made of readings.
    """

    figures: tuple[Figure, ...]
    below: Text | None = None
    day: date | None = None
    arrived: Figure | None = None


def _table(rows: Sequence[LineDay]) -> list[tuple[str, list[Cell]]]:
    """Return the sheet turned, so that six lines stand side by side: what each row says, and a cell for each line."""

    def of(make: Callable[[LineDay], Cell]) -> list[Cell]:
        return [make(row) for row in rows]

    return [
        (_("Planned today"), of(lambda row: Cell(figures=(row.planned,)))),
        (_("Used so far today"), of(lambda row: Cell(figures=(row.used,), arrived=row.arrived_percent))),
        (_("Full-day estimate"), of(_estimate)),
        (_("Yesterday"), of(lambda row: Cell(figures=(row.yesterday,)))),
        (_("Same day last year"), of(lambda row: _remembered(row.last_year))),
        (_("Change, %"), of(lambda row: Cell(figures=(row.change_percent,), arrived=row.arrived_percent))),
        (_("Season peak"), of(lambda row: _remembered(row.season_peak))),
        (_("Record"), of(lambda row: _remembered(row.record))),
        (_("Capacity"), of(lambda row: Cell(figures=(row.capacity,)))),
        (_("Supply"), of(lambda row: Cell(figures=(row.supply,)))),
        (_("Gap"), of(lambda row: Cell(figures=(row.gap,), arrived=row.arrived_percent))),
        (_("Days of cover"), of(lambda row: Cell(figures=(row.cover_days,)))),
        (_("Hours to minimum line-pack"), of(lambda row: Cell(figures=(row.linepack_hours,)))),
        (_("Temperature today, °C"), of(lambda row: Cell(figures=(row.temperature,)))),
        (_("Day ahead, °C"), of(lambda row: Cell(figures=(row.temperature_ahead,)))),
        (_("Last year, °C"), of(lambda row: Cell(figures=(row.temperature_last_year,), day=row.last_year.day))),
        (_("Arrival rate, %"), of(lambda row: Cell(figures=(row.arrived_percent,)))),
    ]


def _estimate(row: LineDay) -> Cell:
    band = () if row.estimate_low.value is None else (row.estimate_low, row.estimate_high)
    return Cell(figures=(row.estimate, *band), below=row.method, arrived=row.arrived_percent)


def _remembered(one: Remembered) -> Cell:
    return Cell(figures=(one.figure,), below=one.words, day=one.day)


@requires(Right.SEE_PROJECTS)
@require_safe
def sheet_file(request: HttpRequest) -> HttpResponse:
    """Give the sheet as a CSV file: numbers as they are, an empty field where one cannot be told."""
    at = instant_asked(request)
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(_header())
    writer.writerows(_fields(row) for row in facade.line_days(at))
    answer = HttpResponse(CSV_MARK + text.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="lifelines-{localtime(at):%Y-%m-%dT%H%M}.csv"'
    return answer


def _header() -> list[str]:
    return [
        _("Line"), _("As of"), _("Unit"), _("Planned today"), _("Used so far today"), _("Full-day estimate"),
        _("Band from"), _("Band to"), _("How it was estimated"), _("Yesterday"), _("Same day last year"),
        _("Which day last year"), _("Variant"), _("Change, %"), _("Reason for a change on last year"), _("Season peak"),
        _("Its day"), _("Record"), _("Its day"), _("Capacity"), _("Supply"), _("Gap"), _("Level"), _("State"),
        _("Days of cover"), _("Hours to minimum line-pack"), _("Temperature today, °C"), _("Day ahead, °C"),
        _("Last year, °C"), _("Arrival rate, %"), _("Origin"),
    ]  # fmt: skip


def _fields(row: LineDay) -> list[str]:
    return [
        in_words(row.title), localtime(row.at).isoformat(timespec="minutes"), row.used.unit, _bare(row.planned),
        _bare(row.used), _bare(row.estimate), _bare(row.estimate_low), _bare(row.estimate_high),
        in_words(row.method) if row.method else "", _bare(row.yesterday), _bare(row.last_year.figure),
        _date(row.last_year.day), in_words(row.last_year.words), _bare(row.change_percent),
        f"{in_words(row.reason.kind)}: {row.reason.text}" if row.reason else "", _bare(row.season_peak.figure),
        _date(row.season_peak.day), _bare(row.record.figure), _date(row.record.day), _bare(row.capacity),
        _bare(row.supply), _bare(row.gap), row.level.roman if row.level else "", in_words(row.state.words),
        _bare(row.cover_days), _bare(row.linepack_hours), _bare(row.temperature), _bare(row.temperature_ahead),
        _bare(row.temperature_last_year), _bare(row.arrived_percent), "; ".join(in_words(one) for one in row.origins),
    ]  # fmt: skip


def _bare(figure: Figure) -> str:
    return "" if figure.value is None else f"{figure.value:.{figure.decimals}f}"


def _date(day: object) -> str:
    return "" if day is None else str(day)


@requires(Right.SEE_PROJECTS)
@require_safe
def number(request: HttpRequest, line: str, name: str) -> HttpResponse:
    """Open a number of the sheet: its formula with its numbers, and the readings behind them."""
    at, asked = instant_asked(request), line_asked(line)
    if name not in facade.NAMES:
        raise NotFoundError(what=_("This number"))
    trace = facade.number_trace(asked, name, at)
    context = {
        "trace": trace, "at": localtime(at), "figure": _figure_of(trace), "back": _back(request, at),
        "may_trace": may(person_of(request), Right.SEE_TRACE),
    }  # fmt: skip
    return render(request, "lifelines/number.html", context)


def _back(request: HttpRequest, at: datetime) -> str:
    return f"?{urlencode({'at': at.isoformat()})}" if "at" in request.GET else ""


def _figure_of(trace: facade.NumberTrace) -> Figure:
    row = trace.row
    figures = {
        "planned": row.planned, "used": row.used, "estimate": row.estimate, "yesterday": row.yesterday,
        "last-year": row.last_year.figure, "change": row.change_percent, "season-peak": row.season_peak.figure,
        "record": row.record.figure, "capacity": row.capacity, "supply": row.supply, "gap": row.gap,
        "cover": row.cover_days, "linepack": row.linepack_hours, "temperature": row.temperature,
        "arrived": row.arrived_percent,
    }  # fmt: skip
    return figures[trace.name]
