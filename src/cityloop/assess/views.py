"""Pages of the indicators: all districts side by side, and one indicator down to its cases."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from cityloop.assess import facade
from cityloop.assess.facade import ValueView
from cityloop.kernel.areas import CITY, AreaCode
from cityloop.kernel.declarations import IndicatorSpec
from cityloop.kernel.levels import Level
from cityloop.registry import facade as registry
from cityloop.registry.facade import PersonView, Right, in_words, person_of, requires

_SHORT_LEVEL = int(Level.YELLOW)
"""How the map marks a district below its target."""


def _period(request: HttpRequest, code: str, this: str) -> tuple[str, list[str]]:
    known = sorted({*facade.periods(code), this}, reverse=True)
    asked = request.GET.get("period", "")
    return (asked if asked in known else this), known


def _rows(spec: IndicatorSpec, values: dict[AreaCode, ValueView]) -> list[dict[str, Any]]:
    """Return a row a district and one of the city, ranked ones first; those without any case say so."""
    districts = {one.code for one in registry.districts()}
    rank = facade.ranks(
        {area: (one.value, one.denominator) for area, one in values.items() if area in districts}, spec=spec
    )
    rows = [
        {"area": area, "name": registry.area_name(area), "value": values.get(area), "rank": rank.get(area)}
        for area in districts
    ]
    rows.sort(key=lambda row: (row["rank"] or len(districts) + 1, row["area"]))
    return [{"area": CITY, "name": registry.area_name(CITY), "value": values.get(CITY), "rank": None}, *rows]


def _map(rows: list[dict[str, Any]]) -> dict[str, Any]:
    districts = {
        row["area"]: {
            "name": in_words(row["name"]),
            "level": _SHORT_LEVEL if row["value"] and row["value"].is_short else None,
            "count": f"{row['value'].value:.1f}" if row["value"] and row["value"].value is not None else "",
        }
        for row in rows
        if row["area"] != CITY
    }
    return {"districts": districts, "points": []}


@requires(Right.SEE_INDICATORS)
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """Show every indicator by district for a month: value, counts, rank, and a map."""
    tables = []
    this = facade.period_of(timezone.now())
    period, periods = this, [this]
    for spec in facade.indicators():
        period, periods = _period(request, spec.code, this)
        rows = _rows(spec, facade.values(spec.code, period))
        tables.append({"spec": spec, "rows": rows, "map": _map(rows), "map_name": f"map-{spec.code}"})
    context = {
        "tables": tables,
        "period": period,
        "periods": periods,
        "may_trace": Right.SEE_TRACE in person_of(request).rights,
    }
    return render(request, "assess/overview.html", context)


def _area(request: HttpRequest, person: PersonView) -> tuple[AreaCode, list[AreaCode]]:
    """Return the area that is asked for, and those whose cases the person may look behind."""
    everything = [CITY, *(one.code for one in registry.districts())]
    open_to = [area for area in everything if registry.may(person, Right.SEE_INDICATORS, area=area)]
    asked = AreaCode(request.GET.get("area", ""))
    first = open_to[0] if open_to else CITY
    return (asked if asked in open_to else first), open_to


def _trend(spec: IndicatorSpec, history: list[ValueView]) -> dict[str, Any]:
    points = [[facade.span_of(one.period)[0].isoformat(), one.value] for one in history]
    limit = {"value": spec.target, "level": int(Level.BLUE), "name": f"{_('Target')} {spec.target:g} {spec.unit}"}
    return {
        "unit": spec.unit,
        "decimals": 1,
        "min": 0,
        "max": 100,
        "monthly": True,
        **_year_until(history),
        "series": [{"name": in_words(spec.title), "points": points, "area": False}],
        "limits": [limit],
    }


def _year_until(history: list[ValueView]) -> dict[str, str]:
    """Return the twelve months that end with the newest value, as the chart's span."""
    if not history:
        return {}
    end = facade.span_of(max(one.period for one in history))[1]
    return {"from": end.replace(year=end.year - 1).isoformat(), "until": end.isoformat()}


@requires(Right.SEE_INDICATORS)
@require_GET
def indicator(request: HttpRequest, code: str) -> HttpResponse:
    """Show one indicator of an area: numerator, denominator, the months, and the cases behind the number."""
    person, now = person_of(request), timezone.now()
    spec = facade.indicator(code)
    area, areas = _area(request, person)
    period, periods = _period(request, code, facade.period_of(now))
    history = facade.history(code, area)
    context = {
        "spec": spec,
        "area": area,
        "area_name": registry.area_name(area),
        "areas": [(one, registry.area_name(one)) for one in areas],
        "period": period,
        "periods": periods,
        "value": facade.values(code, period).get(area),
        "history": history,
        "trend": _trend(spec, history),
        "cases": facade.scores(area, period, now=now) if area in areas else [],
        "may_trace": Right.SEE_TRACE in person.rights,
        "may_see_cases": Right.SEE_CASES in person.rights,
        "cases_max": facade.SCORES_SHOWN_MAX,
        "now": now,
    }
    return render(request, "assess/indicator.html", context)
