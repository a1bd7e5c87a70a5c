"""How the alarms serve those who answer them: the standard's measures, the alarms behind each, the thresholds."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from cityloop.decide import facade
from cityloop.decide.facade import Frequent, Performance
from cityloop.decide.forms.performance import ActivationFilterForm, MeasureForm, SpanForm
from cityloop.decide.views.alarms import PAGE_ROWS, REFUSED, page_asked
from cityloop.kernel.areas import CITY, AreaCode
from cityloop.kernel.errors import CityloopError
from cityloop.kernel.instants import from_us
from cityloop.kernel.levels import Level
from cityloop.registry.facade import Right, may, person_of, reach_of, requires, sentence_of

WINDOW = timedelta(minutes=10)


@requires(Right.SEE_WALL)
@require_safe
def performance(request: HttpRequest) -> HttpResponse:
    """Show the standard's measures of a time; each number opens its alarms."""
    who, now = person_of(request), timezone.now()
    form = SpanForm(request.GET or None)
    since, area = now - form.chosen(), _reach(request)
    found = facade.performance(since=since, until=now, area=area)
    known = {one.spec.code: one for one in facade.measures()}
    context = {
        "form": form,
        "found": found,
        "measures": [line | {"measure": known[line["code"]]} for line in _lines(found)],
        "levels": [_level(found, level, known[f"share-{int(level)}"]) for level in Level],
        "floods": [
            {"began": from_us(one.began_us), "ended": from_us(one.ended_us) if one.ended_us else None, "peak": one.peak,
             "link": _link(from_us(one.began_us) - WINDOW, from_us(one.ended_us) if one.ended_us else now)}
            for one in found.floods[::-1]
        ],
        "top": [_frequent(found, one) for one in found.top],
        "chattering": [_frequent(found, one) for one in found.chattering],
        "requests": facade.waiting_requests(area=area),
        "lasting": facade.flood_lasts(),
        "counted_since": facade.counted_since(area=area),
        "operators": known["operators"],
        "may_edit": may(who, Right.EDIT_WATCHES),
        "all_link": _link(found.since, found.until),
    }  # fmt: skip
    return render(request, "decide/performance.html", context)


def _reach(request: HttpRequest) -> AreaCode | None:
    reach = reach_of(person_of(request), Right.SEE_WALL)
    return None if reach == CITY else reach


def _link(since: datetime, until: datetime, **more: object) -> str:
    asked = {"since": since.isoformat(), "until": until.isoformat()} | more
    return f"{reverse('decide:activations')}?{urlencode(asked)}"


def _lines(found: Performance) -> list[dict[str, Any]]:
    """Return the measures with their thresholds: what, how much, whether it is kept, and where its alarms are."""
    every = _link(found.since, found.until)
    peak = _link(found.peak_at, found.peak_at + WINDOW) if found.peak_at else every
    told = [
        ("average-max", _("Average alarms per operator and 10 minutes"), found.average, "", every),
        ("peak-max", _("Most alarms per operator in 10 minutes"), found.peak, "", peak),
        ("busy-share-max", _("10-minute intervals above that"), found.busy_share, "%", every),
        ("flood-share-max", _("Share of the time in flood"), found.flood_share, "%", "#floods"),
        ("standing-max", _("Standing alarms"), len(found.standing), "", "#standing"),
        ("top-share-max", _("Share of the ten most frequent alarms"), found.top_share, "%", "#top"),
    ]
    return [
        {"code": code, "title": title, "value": value, "unit": unit, "link": link, "kept": value <= found.values[code]}
        for code, title, value, unit, link in told
    ]


def _level(found: Performance, level: Level, measure: facade.MeasureView) -> dict[str, Any]:
    count = found.by_level[level]
    return {
        "level": level,
        "count": count,
        "share": count / found.told * 100 if found.told else None,
        "measure": measure,
        "link": _link(found.since, found.until, level=int(level)),
    }


def _frequent(found: Performance, one: Frequent) -> dict[str, Any]:
    return {
        "one": one,
        "link": _link(found.since, found.until, watch=one.watch_code, stream=one.datastream_id),
    }


@requires(Right.SEE_WALL)
@require_safe
def activations(request: HttpRequest) -> HttpResponse:
    """List the alarms that called somebody in a time: what a number of the page above is made of."""
    form = ActivationFilterForm(request.GET)
    page = page_asked(request.GET.get("page", ""))
    asked = form.chosen(now=timezone.now())
    number, rows = facade.activations(**asked, area=_reach(request), after=(page - 1) * PAGE_ROWS, limit=PAGE_ROWS)
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        "number": number, "rows": rows, "since": asked["since"], "until": asked["until"], "page": page,
        "query": query.urlencode(), "has_more": page * PAGE_ROWS < number,
    }  # fmt: skip
    return render(request, "decide/activations.html", context)


@requires(Right.EDIT_WATCHES)
@require_safe
def measure_list(request: HttpRequest) -> HttpResponse:
    """List the thresholds of alarm management with their basis."""
    return render(request, "decide/measures.html", {"rows": facade.measures()})


@requires(Right.EDIT_WATCHES)
@require_http_methods(["GET", "HEAD", "POST"])
def measure(request: HttpRequest, code: str) -> HttpResponse:
    """Show a threshold with its versions and its form; a change makes a new version."""
    view = facade.measure(code)
    form = MeasureForm(request.POST or None, measure=view)
    status = 200
    if request.method == "POST":
        status = REFUSED
        if form.is_valid():
            try:
                who = person_of(request).person_id
                made = facade.change_measure(
                    code, person_id=who, edit=form.edit(), expected_version=form.cleaned_data["version"]
                )
            except CityloopError as error:
                form.add_error(error.field if error.field in form.fields else None, sentence_of(error))
                status = error.status
            else:
                messages.success(request, _("Version %(version)s is in force.") % {"version": made.version})
                return HttpResponseRedirect(reverse("decide:measure", args=[code]))
    versions = facade.measure_versions(code)
    names = facade.actor_names({one.changed_by for one in versions if one.changed_by})
    context = {"measure": view, "form": form, "rows": [(one, names.get(one.changed_by)) for one in versions]}
    return render(request, "decide/measure.html", context, status=status)
