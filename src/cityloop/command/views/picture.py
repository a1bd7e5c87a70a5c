"""The wall's picture as JSON values in the reader's language."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from cityloop.command.facade import LineView, Picture, Point, Stages, TraceStep, day_words, midnight_of
from cityloop.decide.facade import AlarmView
from cityloop.kernel.declarations import LineStanding
from cityloop.kernel.text import Text
from cityloop.registry.facade import area_name, in_words

_WITHOUT_SUFFIX = ("区", " District")
_SECONDS_MAX = 100.0
"""Longer spans are told in minutes, and then in hours."""


def _origin_words(origin: str) -> str:
    return {"replayed": gettext("replayed real data"), "simulated": gettext("simulated")}.get(origin, "")


def origins_in_words(origins: tuple[str, ...]) -> str:
    """Return where readings come from in words, empty where all are live."""
    return " / ".join(filter(None, map(_origin_words, origins)))


def _facts_link(kind: str, since: datetime) -> str:
    return f"/trace/facts/?kind={kind}&from={since.isoformat().replace('+', '%2B')}"


def _alarm(alarm: AlarmView, thing: Text | None, origin: str) -> dict[str, Any]:
    return {
        "alarm_id": alarm.alarm_id, "level": int(alarm.level), "title": in_words(alarm.title),
        "state": str(alarm.state),
        "place": in_words(area_name(alarm.area)), "thing": in_words(thing or alarm.thing),
        "value": alarm.value, "unit": alarm.unit, "origin_words": _origin_words(origin),
        "first_at": alarm.raised_at.isoformat(), "longitude": alarm.longitude, "latitude": alarm.latitude,
        "trace": f"/trace/fact/{alarm.raised_fact}/" if alarm.raised_fact else "/trace/open-alarms/",
        "case": {"number": alarm.case_number, "url": f"/cases/{alarm.case_id}/"} if alarm.case_id else None,
    }  # fmt: skip


def _points(curve: Iterable[Point]) -> list[list[Any]]:
    return [[point.at.isoformat(), point.value] for point in curve]


def _line(line: LineView, now: datetime) -> dict[str, Any]:
    return {
        "code": line.code, "title": in_words(line.title), "unit": line.unit, "decimals": line.decimals,
        "value": line.value, "at": timezone.localtime(line.at).strftime("%H:%M") if line.at else "",
        "arrived_percent": line.arrived_percent, "origin_words": origins_in_words(line.origins),
        "trace": f"/trace/line/{line.code}/",
        "compare": [
            {"words": in_words(one.words), "change": in_words(one.change), "value": one.value}
            for one in line.compared
            if one.change is not None
        ],
        "chart": chart_of(line, now=now), "standing": _standing(line.standing),
    }  # fmt: skip


def _standing(standing: LineStanding | None) -> dict[str, Any] | None:
    if standing is None:
        return None
    percent = standing.change_percent
    return {
        "level": int(standing.level) if standing.level else None, "state": in_words(standing.state),
        "estimate": standing.estimate, "low": standing.low, "high": standing.high, "unit": standing.unit,
        "decimals": standing.decimals, "trace": standing.trace, "link": standing.link,
        "change": "" if percent is None else f"{percent:+.1f}%", "against": in_words(standing.against),
    }  # fmt: skip


def chart_of(line: LineView, *, now: datetime) -> dict[str, Any]:
    """Return the curves of a line as the chart script reads them."""
    series = [{"name": gettext("today"), "points": _points(line.today)}]
    series += [{"name": in_words(one.day), "points": _points(one.curve)} for one in line.compared]
    midnight = midnight_of(now)
    until = midnight + timedelta(days=1)
    span = {"from": midnight.isoformat(), "until": until.isoformat()}
    return {"unit": line.unit, "decimals": line.decimals, "series": series, **span}


def stages_in_words(stages: Stages, *, now: datetime) -> list[dict[str, Any]]:
    """Return the five stages, each with one living number, a second one beside it, and their traces."""
    midnight = midnight_of(now)
    closing = stages.on_time_percent
    return [
        _stage("sense", gettext("Sense"), f"{stages.readings_today:,}", gettext("readings kept today"),
               second=gettext("%(n)s a second") % {"n": f"{stages.readings_per_s:,.0f}"},
               trace=_facts_link("sensed.ReadingsKept", midnight)),
        _stage("convey", gettext("Convey"), _lag(stages.moved_at, now), gettext("since the last device message"),
               second=ngettext("%(n)s refused", "%(n)s refused", stages.rejected_today) % {"n": stages.rejected_today},
               trace="/trace/transport/", second_trace="/trace/rejected/"),
        _stage("decide", gettext("Decide"), f"{stages.open_alarms:,}", gettext("open alarms"),
               second=gettext("%(n)s not acknowledged") % {"n": stages.unacknowledged}, trace="/trace/open-alarms/"),
        _stage("respond", gettext("Respond"), f"{stages.open_cases:,}", gettext("open cases"),
               second=gettext("%(n)s late") % {"n": stages.late_cases}, trace="/trace/open-cases/"),
        _stage("assess", gettext("Assess"), "–" if closing is None else f"{closing:.1f}%",
               gettext("closed on time") if closing is not None else gettext("no closing rate yet"),
               second="{:,.0f} / {:,.0f}".format(*stages.on_time_of) if stages.on_time_of else "",
               trace=f"/trace/fact/{stages.on_time_fact}/" if stages.on_time_fact else "/indicators/"),
    ]  # fmt: skip


def _stage(code: str, title: str, written: str, words: str, **rest: str) -> dict[str, Any]:
    return {"code": code, "title": title, "written": written, "words": words, "second_trace": "", **rest}


def _lag(moved_at: datetime | None, now: datetime) -> str:
    if moved_at is None:
        return "–"
    seconds = max(0.0, (now - moved_at).total_seconds())
    if seconds < _SECONDS_MAX:
        return gettext("%(n)s s") % {"n": f"{seconds:.1f}"}
    if seconds < _SECONDS_MAX * 60:
        return gettext("%(n)s min") % {"n": f"{seconds / 60:.0f}"}
    return gettext("%(n)s h") % {"n": f"{seconds / 3600:.0f}"}


def base_map() -> dict[str, str] | None:
    """Return where the browser finds the base map, None where none is set.

    A PMTiles file of this machine is served by ourselves; addresses of tiles or of a PMTiles file go out as they are.
    """
    address = settings.CITYLOOP_BASE_MAP
    if not address:
        return None
    if "{z}" in address:
        return {"kind": "tiles", "address": address}
    return {"kind": "pmtiles", "address": address if "://" in address else "/map/base.pmtiles"}


def picture_in_words(picture: Picture) -> dict[str, Any]:
    """Return what the wall's script draws."""
    return {
        "at": picture.at.isoformat(),
        "highest": int(picture.highest) if picture.highest else None,
        "alarms": [
            _alarm(alarm, picture.things.get(alarm.datastream_id), picture.origins.get(alarm.datastream_id, ""))
            for alarm in picture.alarms
        ],
        "alarms_open": picture.alarms_open,
        "districts": [
            {
                "code": one.code, "name": in_words(one.name), "short": _short(in_words(one.name)),
                "longitude": one.longitude, "latitude": one.latitude, "level": int(one.level) if one.level else None,
                "alarms": one.alarms, "cases": one.cases,
                "trace": f"/trace/open-alarms/?area={one.code}", "cases_trace": f"/trace/open-cases/?area={one.code}",
            }
            for one in picture.districts
        ],
        "lines": [_line(line, picture.at) for line in picture.lines],
        "stages": stages_in_words(picture.stages, now=picture.at),
        "projects": [
            {
                "title": in_words(one.title), "light": str(one.light), "words": in_words(one.light.words),
                "url": f"/projects/{one.code}/",
            }
            for one in picture.projects
        ],
        "projects_open": picture.projects_open,
        "latest": [_happened(step) for step in picture.latest],
        "base_map": base_map(),
    }  # fmt: skip


def _happened(step: TraceStep) -> dict[str, Any]:
    return {
        "at": timezone.localtime(step.at).strftime("%H:%M:%S") if step.at else "",
        "title": in_words(step.title),
        "what": " · ".join(in_words(text) for text in (step.what, step.place) if text),
        "trace": step.link,
    }


def _short(name: str) -> str:
    for suffix in _WITHOUT_SUFFIX:
        name = name.removesuffix(suffix)
    return name


def bar_in_words(picture: Picture) -> dict[str, Any]:
    """Return what the top bar says when the page is made."""
    here = timezone.localtime(picture.at)
    weekday, lunar = day_words(picture.at)
    weather = picture.weather
    demonstration = picture.is_demonstration
    return {
        "date": here.strftime("%Y-%m-%d"), "weekday": in_words(weekday), "lunar": in_words(lunar),
        "time": here.strftime("%H:%M:%S"), "highest": picture.highest,
        "mode": {
            "code": "demonstration" if demonstration else "operation",
            "words": gettext("Demonstration") if demonstration else gettext("Operation"),
        },
        "weather": None
        if weather is None or weather.value is None
        else {
            "title": in_words(weather.title), "written": f"{weather.value:.{weather.decimals}f}", "unit": weather.unit,
            "trace": f"/trace/line/{weather.code}/", "origin_words": origins_in_words(weather.origins),
        },
    }  # fmt: skip
