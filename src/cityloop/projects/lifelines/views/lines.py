"""The lines: tiles of all, and one line's page with its curve and the figures of its day."""

import math
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cityloop.projects.lifelines import facade
from cityloop.projects.lifelines.facade import Figure, HourPoint, LineCurve, LineDay, Remembered
from cityloop.projects.lifelines.views.asked import line_asked
from cityloop.projects.lifelines.views.moments import Moment, moment_asked
from cityloop.registry.facade import Right, in_words, requires

EDGE_SHARE = 0.06
"""Room above and below the curve, as a share of what is drawn."""

HOUR_DECIMALS_MAX = 3
TEMPERATURE_DECIMALS = 1


@requires(Right.SEE_PROJECTS)
@require_safe
def tiles(request: HttpRequest) -> HttpResponse:
    """Show every line as a tile: today against last year, the full day, its state, what arrived."""
    moment = moment_asked(request)
    context = {"moment": moment, "days": facade.line_days(moment.at)}
    return render(request, "lifelines/lines.html", context)


@requires(Right.SEE_PROJECTS)
@require_safe
def line(request: HttpRequest, line: str) -> HttpResponse:
    """Show one line: its curve with band, capacity and temperature, its figures, the table behind."""
    asked, moment = line_asked(line), moment_asked(request)
    day, curve = facade.line_day(asked, moment.at), facade.line_curve(asked, moment.at)
    decimals = _decimals(curve)
    context = {
        "moment": moment,
        "day": day,
        "curve": curve,
        "decimals": decimals,
        "figures": figures_of(day),
        "chart": chart_of(day, curve, moment, decimals) if _is_known(curve) else None,
        "others": [one for one in facade.MAKES.values() if one.line != day.line],
    }
    return render(request, "lifelines/line.html", context)


def _is_known(curve: LineCurve) -> bool:
    return any(value is not None for hour in curve.hours for value in (hour.used, hour.expected, hour.last_year))


def figures_of(day: LineDay) -> list[tuple[str, Figure, str]]:
    """Return the sheet's columns of a line: name, number, and what must be said beside it."""
    band = ""
    if day.estimate_low.value is not None and day.estimate_high.value is not None:
        low, high = (f"{one.value:,.{one.decimals}f}" for one in (day.estimate_low, day.estimate_high))
        band = _("band of 80 in 100: %(low)s to %(high)s") % {"low": low, "high": high}
    return [
        (_("Planned today"), day.planned, ""),
        (_("Used so far today"), day.used, ""),
        (
            _("Full-day estimate"),
            day.estimate,
            " · ".join(filter(None, (band, in_words(day.method) if day.method is not None else ""))),
        ),
        (_("Yesterday"), day.yesterday, ""),
        (_("Same day last year"), day.last_year.figure, _remembered(day.last_year)),
        (_("Change on last year"), day.change_percent, _reason(day)),
        (_("Season peak"), day.season_peak.figure, _remembered(day.season_peak)),
        (_("Record"), day.record.figure, _remembered(day.record)),
        (_("Capacity"), day.capacity, ""),
        (_("Supply"), day.supply, ""),
        (_("Gap"), day.gap, _("estimate minus supply; below zero there is room")),
        (_("Days of cover"), day.cover_days, ""),
        (_("Hours to minimum line-pack"), day.linepack_hours, ""),
        (_("Temperature today"), day.temperature, ""),
        (_("Temperature of the day ahead"), day.temperature_ahead, ""),
        (_("Temperature of last year's day"), day.temperature_last_year, ""),
        (_("Readings that arrived"), day.arrived_percent, ""),
    ]


def _remembered(one: Remembered) -> str:
    said = in_words(one.words)
    return f"{said} · {one.day:%Y-%m-%d}" if one.day is not None else said


def _reason(day: LineDay) -> str:
    if day.reason is not None:
        return f"{in_words(day.reason.kind)}: {day.reason.text}"
    return _("must carry a reason; none is given yet") if day.needs_reason else ""


def _decimals(curve: LineCurve) -> int:
    """Return as many decimals as four figures of the curve's greatest hour need."""
    greatest = max((abs(hour.used or hour.expected or 0.0) for hour in curve.hours), default=0.0)
    places = 0
    while places < HOUR_DECIMALS_MAX and greatest * 10**places < 1000:  # noqa: PLR2004  four figures
        places += 1
    return places


def chart_of(day: LineDay, curve: LineCurve, moment: Moment, decimals: int) -> dict[str, Any]:
    """Return the curve of a line as the chart script reads it."""
    other = _remembered(day.last_year)
    named = {"used": _("used"), "expected": _("expected"), "last_year": other}
    series: list[dict[str, Any]] = [
        {"name": name, "points": _points(curve.hours, attribute), "look": look}
        for look, (attribute, name) in enumerate(named.items())
        if any(getattr(hour, attribute) is not None for hour in curve.hours)
    ]
    low, high = _span(curve)
    chart: dict[str, Any] = {
        "unit": curve.unit, "decimals": decimals, "series": series, "min": low, "max": high,
        "band": {
            "name": _("band of 80 in 100"),
            "points": [[hour.begins_at.isoformat(), hour.low, hour.high] for hour in curve.hours],
        },
        "limits": _limits(curve),
        "moment": {"at": moment.at.isoformat(), "name": localtime(moment.at).strftime("%H:%M")},
    }  # fmt: skip
    if any(hour.temperature is not None for hour in curve.hours):
        points = _points(curve.hours, "temperature")
        series.append({"name": _("temperature"), "points": points, "right": True, "look": len(named)})
        chart["right"] = {"unit": "°C", "decimals": TEMPERATURE_DECIMALS}
    return chart


def _points(hours: tuple[HourPoint, ...], attribute: str) -> list[list[Any]]:
    return [[hour.begins_at.isoformat(), getattr(hour, attribute)] for hour in hours]


def _limits(curve: LineCurve) -> list[dict[str, Any]]:
    named = (
        (_("capacity"), curve.capacity_an_hour, "insideStartTop"),
        (_("supply"), curve.supply_an_hour, "insideEndTop"),
    )
    return [{"value": value, "name": name, "at": at} for name, value, at in named if value is not None]


def _span(curve: LineCurve) -> tuple[float, float]:
    """Return between which values the curve is drawn, so that band and limits lie inside."""
    drawn = [
        value
        for hour in curve.hours
        for value in (hour.used, hour.expected, hour.low, hour.high, hour.last_year)
        if value is not None
    ]
    limits = [one for one in (curve.capacity_an_hour, curve.supply_an_hour) if one is not None]
    low, high = min(drawn, default=0.0), max((*drawn, *limits), default=1.0)
    edge = (high - low) * EDGE_SHARE or abs(high) * EDGE_SHARE or 1.0
    low, high = 0.0 if 0 <= low < high / 2 else low - edge, high + edge
    step = 10.0 ** math.floor(math.log10(high - low)) / 2
    return round(math.floor(low / step) * step, 6), round(math.ceil(high / step) * step, 6)


__all__ = ["chart_of", "figures_of", "line", "tiles"]
