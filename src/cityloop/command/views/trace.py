"""The trace: chains, aggregates, streams, lines, and the lists behind the numbers of the wall."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_GET

from cityloop.command import facade
from cityloop.command.views.picture import chart_of
from cityloop.convey import facade as convey
from cityloop.decide import facade as decide
from cityloop.kernel.areas import CITY, AreaCode, area_code, lies_within
from cityloop.kernel.errors import CityloopError, NotFoundError
from cityloop.registry.facade import Right, area_name, in_words, may, person_of, reach_of, require, requires
from cityloop.respond import facade as respond
from cityloop.sense import facade as sense

DAY = timedelta(hours=24)
BUCKETS_OF_A_DAY = 288
REFUSED_SHOWN = timedelta(days=7)
REFUSED_ROWS = 50
REASON_CHARACTERS = 200


class BadAddressError(CityloopError):
    """The address asks for something that cannot be."""

    key = "This address cannot be read: %(reason)s."


@require_GET
@requires(Right.SEE_TRACE)
def fact(request: HttpRequest, fact_id: UUID) -> HttpResponse:
    """Show the chain through a fact."""
    chain = facade.chain_of_fact(fact_id, reader=person_of(request))
    if chain is None:
        raise NotFoundError(what=gettext("This fact"))
    return render(request, "command/trace.html", {"chain": chain})


@require_GET
@requires(Right.SEE_TRACE)
def observation(request: HttpRequest, observation_id: int) -> HttpResponse:
    """Show the chain that begins with a reading."""
    chain = facade.chain_of_observation(observation_id, reader=person_of(request))
    return render(request, "command/trace.html", {"chain": chain})


@require_GET
@requires(Right.SEE_TRACE)
def facts(request: HttpRequest) -> HttpResponse:
    """Show a page of the facts an aggregate counts."""
    try:
        ref = facade.aggregate_from(request.GET.dict())
        page = max(1, int(request.GET.get("page", "1")))
        found = facade.aggregate_page(ref, reader=person_of(request), page=page)
    except (ValueError, OverflowError) as error:
        raise BadAddressError(reason=str(error)[:REASON_CHARACTERS]) from error
    since, until = (_instant(ref.parameters.get(name)) for name in ("from", "until"))
    shown = {"found": found, "since": since, "until": until}
    shown["before"] = _page(request.GET, page - 1) if page > 1 else ""
    shown["after"] = _page(request.GET, page + 1) if page < found.pages else ""
    return render(request, "command/facts.html", shown)


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _page(query: QueryDict, page: int) -> str:
    asked = query.copy()
    asked["page"] = str(page)
    return asked.urlencode()


@require_GET
@requires(Right.SEE_TRACE)
def stream(request: HttpRequest, datastream_id: int) -> HttpResponse:
    """Show a datastream: latest reading, the last 24 hours, its alarms."""
    now = timezone.now()
    view = sense.stream_view(datastream_id)
    require(person_of(request), Right.SEE_TRACE, area=view.area, what=f"datastream {datastream_id}")
    latest = sense.latest_of([datastream_id]).get(datastream_id)
    rows = _day_of(datastream_id, now)
    received, expected = sense.arrivals([datastream_id], since=now - DAY, until=now)
    chart = {
        "unit": view.unit_symbol, "decimals": view.decimals,
        "series": [{"name": in_words(view.title), "points": [[row["at"].isoformat(), row["mean"]] for row in rows]}],
    }  # fmt: skip
    context = {
        "stream": view, "title": in_words(view.title), "latest": latest, "rows": rows, "chart": chart,
        "place": area_name(view.area),
        "reading_link": f"/trace/observation/{latest.observation_id}/" if latest else "",
        "arrived": received / expected * 100 if expected else None,
        "alarms": decide.alarms(datastream_id=datastream_id),
        "model_card": _model_card(request, view),
    }  # fmt: skip
    return render(request, "command/stream.html", context)


def _model_card(request: HttpRequest, view: sense.StreamView) -> str:
    """Return where the card of the stream's forecast stands, empty where it has none or the reader may not see it."""
    if not may(person_of(request), Right.SEE_PROJECTS, area=view.area):
        return ""
    return f"/forecasts/{view.datastream_id}/" if decide.is_forecast(view.datastream_id) else ""


@require_GET
@requires(Right.SEE_TRACE)
def line(request: HttpRequest, project: str, code: str) -> HttpResponse:
    """Show what a number of the wall is made of."""
    now = timezone.now()
    found = facade.line(f"{project}/{code}", now)
    if found is None:
        raise NotFoundError(what=f"{project}/{code}")
    latest, views = sense.latest_of(found.streams), sense.stream_views(found.streams)
    streams = []
    person = person_of(request)
    for stream_id, view in views.items():
        if not may(person, Right.SEE_TRACE, area=view.area):
            continue
        newest = latest.get(stream_id)
        streams.append({
            "datastream_id": stream_id, "title": view.title, "unit": view.unit_symbol, "place": area_name(view.area),
            "value": _value_of(newest, view), "at": newest.phenomenon_time if newest else None,
        })  # fmt: skip
    columns, table = _table_of(found)
    context = {"line": found, "chart": chart_of(found, now=now), "streams": streams, "columns": columns, "table": table}
    return render(request, "command/line.html", context)


def _value_of(newest: sense.LatestView | None, view: sense.StreamView) -> str:
    if newest is None:
        return "–"
    return str(newest.result) if newest.value is None else f"{newest.value:,.{view.decimals}f}"


def _table_of(found: facade.LineView) -> tuple[list[str], list[list[str]]]:
    curves = [(gettext("today"), found.today), *((in_words(one.day), one.curve) for one in found.compared)]
    hours = sorted({point.at for _, curve in curves for point in curve})
    values = [{point.at: point.value for point in curve} for _, curve in curves]
    rows = []
    for at in hours:
        cells = [one.get(at) for one in values]
        written = ["–" if cell is None else f"{cell:,.{found.decimals}f}" for cell in cells]
        rows.append([timezone.localtime(at).strftime("%H:%M"), *written])
    return [name for name, _ in curves], rows


def _area_asked(request: HttpRequest) -> AreaCode:
    try:
        asked = area_code(request.GET.get("area", CITY))
    except ValueError as error:
        raise BadAddressError(reason=str(error)) from error
    own = reach_of(person_of(request), Right.SEE_TRACE)
    return asked if lies_within(asked, own) else own


@require_GET
@requires(Right.SEE_TRACE)
def open_alarms(request: HttpRequest) -> HttpResponse:
    """List the open alarms behind a number, each with its trace."""
    area = _area_asked(request)
    rows: list[dict[str, Any]] = [
        {
            "level": alarm.level, "title": alarm.title, "link": f"/trace/stream/{alarm.datastream_id}/",
            "state": _ALARM_STATES[alarm.state](), "place": area_name(alarm.area), "since": alarm.raised_at,
            "trace": f"/trace/fact/{alarm.raised_fact}/" if alarm.raised_fact else "",
        }
        for alarm in decide.open_alarms(area=area, shelved=True)
    ]  # fmt: skip
    return _open_list(request, gettext("Open alarms"), area, rows)


_ALARM_STATES = {
    decide.AlarmState.RAISED: lambda: gettext("not acknowledged"),
    decide.AlarmState.ACKNOWLEDGED: lambda: gettext("acknowledged"),
    decide.AlarmState.SHELVED: lambda: gettext("shelved"),
    decide.AlarmState.SUPPRESSED: lambda: gettext("suppressed"),
    decide.AlarmState.CLEARED: lambda: gettext("cleared"),
    decide.AlarmState.CLOSED: lambda: gettext("closed"),
}


@require_GET
@requires(Right.SEE_TRACE)
def open_cases(request: HttpRequest) -> HttpResponse:
    """List the open cases behind a number, each with its trace."""
    area = _area_asked(request)
    rows = [
        {
            "level": case.level, "title": case.title, "link": f"/cases/{case.case_id}/",
            "state": in_words(respond.STATE_TITLES[case.state]), "place": area_name(case.area), "since": case.opened_at,
            "trace": f"/trace/fact/{case.last_fact}/",
        }
        for case in respond.cases(person=person_of(request))
        if case.is_open and lies_within(case.area, area)
    ]  # fmt: skip
    return _open_list(request, gettext("Open cases"), area, rows)


def _open_list(request: HttpRequest, title: str, area: AreaCode, rows: list[dict[str, Any]]) -> HttpResponse:
    context = {"title": title, "rows": rows, "now": timezone.now(), "area": area_name(area)}
    return render(request, "command/open.html", context)


@require_GET
@requires(Right.SEE_TRACE)
def rejected(request: HttpRequest) -> HttpResponse:
    """Count what was refused, by reason; list the newest to those who see the whole city, for it names no district."""
    found = refused()
    if not may(person_of(request), Right.SEE_TRACE, area=CITY):
        found["recent"] = []
    return render(request, "command/rejected.html", found)


def refused() -> dict[str, Any]:
    """Return what was refused in the last days, counted, and the newest of it."""
    since = timezone.now() - REFUSED_SHOWN
    return {
        "counts": sense.rejected_counts(since),
        "recent": sense.rejected_recent(REFUSED_ROWS),
    }


@require_GET
@requires(Right.SEE_TRACE)
def transport(request: HttpRequest) -> HttpResponse:
    """Show how far each message stream has been taken over."""
    return render(request, "command/transport.html", {"positions": convey.stream_positions(), "now": timezone.now()})


def _day_of(datastream_id: int, now: datetime) -> list[dict[str, Any]]:
    bucket_s = DAY.total_seconds() / BUCKETS_OF_A_DAY
    curve = sense.series([datastream_id], since=now - DAY, until=now, bucket_s=bucket_s)
    spans = zip(curve.time, curve.mean, curve.count, strict=True)
    return [{"at": at, "mean": mean, "count": count} for at, mean, count in spans]
