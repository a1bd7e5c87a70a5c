"""Alarms: the list, one alarm, and what a person does to it."""

import json
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from cityloop.decide import facade
from cityloop.decide.facade import AlarmView
from cityloop.decide.forms.alarms import AlarmFilterForm, AskForm, NoteForm, ShelveForm
from cityloop.kernel.areas import CITY, AreaCode
from cityloop.kernel.errors import CityloopError, NotFoundError
from cityloop.kernel.text import Text
from cityloop.registry import facade as registry
from cityloop.registry.facade import PersonView, Right, may, person_of, reach_of, require, requires, sentence_of
from cityloop.sense import facade as sense

PAGE_ROWS = 50
"""How many alarms a page of the list shows."""

PAGE_DIGITS_MAX = 6
"""Longest page number that is looked at, digits."""

REFUSED = 422
"""Status of an answer to a form that cannot be accepted."""


class BodyUnreadableError(CityloopError):
    """The body of a request is no JSON object."""

    key = "The request cannot be read: a JSON object is expected."


@requires(Right.SEE_WALL)
@require_safe
def alarm_list(request: HttpRequest) -> HttpResponse:
    """List alarms of the person's area by state, level and district."""
    who = person_of(request)
    form = AlarmFilterForm(request.GET, areas=_areas_of(who))
    asked = form.chosen()
    reach = reach_of(who, Right.SEE_WALL)
    if asked["area"] is None and reach != CITY:
        asked["area"] = reach
    page = page_asked(request.GET.get("page", ""))
    number = facade.alarm_number(**asked)
    alarms = facade.alarms(**asked, after=(page - 1) * PAGE_ROWS, limit=PAGE_ROWS)
    names = registry.area_names({alarm.area for alarm in alarms})
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        "form": form,
        "rows": [(alarm, names.get(alarm.area)) for alarm in alarms],
        "number": number,
        "page": page,
        "query": query.urlencode(),
        "has_more": page * PAGE_ROWS < number,
        "may_see_cases": may(who, Right.SEE_CASES),
        "waiting": len(facade.waiting_requests(area=None if reach == CITY else reach)),
        "flood": facade.flood_lasts(),
    }
    return render(request, "decide/alarms.html", context)


def page_asked(text: str) -> int:
    """Return the page that an address asks for; the first where it cannot be read."""
    is_page = text.isdecimal() and len(text) <= PAGE_DIGITS_MAX
    return max(1, int(text)) if is_page else 1


def _areas_of(who: PersonView) -> list[tuple[AreaCode, Text]]:
    views = [view for view in registry.districts() if may(who, Right.SEE_WALL, area=view.code)]
    return [(view.code, Text(view.name_zh, view.name_en)) for view in views]


@requires(Right.SEE_WALL)
@require_safe
def alarm(request: HttpRequest, alarm_id: int) -> HttpResponse:
    """Show an alarm: what it is, where it stands, what it followed from, what can be done."""
    view = facade.alarm(alarm_id)
    require(person_of(request), Right.SEE_WALL, area=view.area, what=f"alarm {alarm_id}")
    return alarm_page(request, view)


def alarm_page(
    request: HttpRequest, view: AlarmView, *, form: forms.Form | None = None, status: int = 200
) -> HttpResponse:
    """Return the page of an alarm, with a form that could not be accepted."""
    who = person_of(request)
    watch = facade.watch_version(view.watch_id)
    context = {
        "alarm": view,
        "watch": watch,
        "place": registry.area_name(view.area),
        "stream": _stream_of(view),
        "may_act": view.is_open and may(who, Right.ACT_ON_ALARMS, area=view.area),
        "may_trace": may(who, Right.SEE_TRACE),
        "may_see_case": may(who, Right.SEE_CASES),
        "history": _history_of(view),
        "note_form": form if isinstance(form, NoteForm) else NoteForm(),
        "shelve_form": form if isinstance(form, ShelveForm) else ShelveForm(alarm=view),
        "ask_form": form if isinstance(form, AskForm) else AskForm(),
        "requests": _requests_of(view),
        "may_consent": view.is_open and may(who, Right.CONSENT_TO_SHELVING, area=view.area),
        "own_actor": who.actor,
        "suppressor": facade.actor_names({f"watch:{view.suppressed_by}"}).get(f"watch:{view.suppressed_by}"),
        "points": facade.alarm_points(view.alarm_id),
        "refused": form,
    }
    return render(request, "decide/alarm.html", context, status=status)


def _requests_of(view: AlarmView) -> list[dict[str, Any]]:
    """Return who asked to shelve an alarm, newest first, and what became of it."""
    asked = facade.shelving_requests(view.alarm_id)
    names = facade.actor_names({actor for one in asked for actor in (one.requested_by, one.decided_by) if actor})
    return [{"one": one, "by": names.get(one.requested_by), "decided": names.get(one.decided_by)} for one in asked]


def _stream_of(view: AlarmView) -> sense.StreamView | None:
    try:
        return sense.stream_view(view.datastream_id)
    except NotFoundError:
        return None


def _history_of(view: AlarmView) -> list[dict[str, Any]]:
    """Return what has happened to an alarm, oldest first."""
    steps: list[tuple[str, Any, str, str]] = [
        (_("Alarm raised"), view.raised_at, f"watch:{view.watch_code}", ""),
        (_("Acknowledged"), view.acknowledged_at, view.acknowledged_by, view.note),
        (_("Shelved"), view.shelved_at, view.shelved_by, view.shelve_reason),
        (_("Suppressed"), view.suppressed_at, f"watch:{view.suppressed_by}", ""),
        (_("Cleared"), view.cleared_at, f"watch:{view.watch_code}", ""),
        (_("Case closed"), view.case_closed_at, "", view.case_number),
        (_("Closed"), view.closed_at, view.closed_by, ""),
    ]
    names = facade.actor_names({actor for _what, _at, actor, _note in steps if actor})
    told = [{"what": what, "at": at, "who": names.get(actor), "note": note} for what, at, actor, note in steps if at]
    return sorted(told, key=lambda one: one["at"])


@requires(Right.ACT_ON_ALARMS)
@require_POST
def acknowledge(request: HttpRequest, alarm_id: int) -> HttpResponse:
    """Take note of an alarm."""
    return _act(request, alarm_id, NoteForm(_fields(request)), facade.acknowledge, _("The alarm is acknowledged."))


@requires(Right.ACT_ON_ALARMS)
@require_POST
def close(request: HttpRequest, alarm_id: int) -> HttpResponse:
    """Close an alarm that is over."""
    return _act(request, alarm_id, NoteForm(_fields(request)), facade.close_alarm, _("The alarm is closed."))


@requires(Right.ACT_ON_ALARMS)
@require_POST
def unshelve(request: HttpRequest, alarm_id: int) -> HttpResponse:
    """Bring a silenced alarm back."""
    return _act(request, alarm_id, forms.Form(_fields(request)), facade.unshelve, _("The alarm is back."))


@requires(Right.ACT_ON_ALARMS)
@require_POST
def shelve(request: HttpRequest, alarm_id: int) -> HttpResponse:
    """Silence an alarm; a second person consents at the same desk where one is needed."""
    form = ShelveForm(_fields(request), alarm=facade.alarm(alarm_id))

    def shelve_it(number: int, *, person_id: int, reason: str, until: Any, **second: str) -> AlarmView:
        consented_by = None
        if username := second.get("consent_username"):
            password = second.get("consent_password", "")
            consented_by = registry.confirm_person(request, username=username, password=password).person_id
        return facade.shelve(number, person_id=person_id, reason=reason, until=until, consented_by=consented_by)

    return _act(request, alarm_id, form, shelve_it, _("The alarm is shelved."))


def _is_json(request: HttpRequest) -> bool:
    return request.accepts("application/json") and not request.accepts("text/html")


def _fields(request: HttpRequest) -> Any:
    """Return the fields of a form, or of a JSON object."""
    if request.content_type != "application/json":
        return request.POST
    try:
        body = json.loads(request.body or b"{}")
    except (ValueError, RecursionError) as error:
        raise BodyUnreadableError from error
    if not isinstance(body, dict):
        raise BodyUnreadableError
    return body


def _act(
    request: HttpRequest, alarm_id: int, form: forms.Form, do: Callable[..., AlarmView], done: str
) -> HttpResponse:
    """Do something to an alarm with what a form holds, and answer as a page or in JSON."""
    require(person_of(request), Right.ACT_ON_ALARMS, area=facade.alarm(alarm_id).area, what=f"alarm {alarm_id}")
    status = REFUSED
    if form.is_valid():
        try:
            view = do(alarm_id, person_id=person_of(request).person_id, **form.cleaned_data)
        except CityloopError as error:
            if error.status in {403, 404} and not _is_json(request) and error.field is None:
                raise
            if isinstance(error, registry.AccessDeniedError):
                registry.keep_denial(error)
            form.add_error(error.field if error.field in form.fields else None, sentence_of(error))
            status = error.status
        else:
            return _done(request, view, done)
    if _is_json(request):
        faults = {name: [str(fault) for fault in found] for name, found in form.errors.items()}
        sentence = " ".join(fault for found in faults.values() for fault in found)
        return JsonResponse({"message": sentence, "fields": faults}, status=status)
    return alarm_page(request, facade.alarm(alarm_id), form=form, status=status)


def _done(request: HttpRequest, view: AlarmView, done: str) -> HttpResponse:
    if _is_json(request):
        return JsonResponse({"alarm_id": view.alarm_id, "state": view.state, "level": view.level, "message": done})
    messages.success(request, done)
    return HttpResponseRedirect(reverse("decide:alarm", args=[view.alarm_id]))
