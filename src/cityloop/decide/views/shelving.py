"""Shelving with a second person who is not at the desk: asking, consenting, declining."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from cityloop.decide import facade
from cityloop.decide.facade import ShelvingView
from cityloop.decide.forms.alarms import AskForm, NoteForm
from cityloop.decide.views.alarms import REFUSED, alarm_page
from cityloop.kernel.errors import CityloopError
from cityloop.registry.facade import Right, person_of, require, requires, sentence_of


@requires(Right.ACT_ON_ALARMS)
@require_POST
def ask(request: HttpRequest, alarm_id: int) -> HttpResponse:
    """Ask that a grave alarm be shelved."""
    view = facade.alarm(alarm_id)
    require(person_of(request), Right.ACT_ON_ALARMS, area=view.area, what=f"alarm {alarm_id}")
    form = AskForm(request.POST)
    status = REFUSED
    if form.is_valid():
        try:
            facade.ask_to_shelve(alarm_id, person_id=person_of(request).person_id, **form.cleaned_data)
        except CityloopError as error:
            form.add_error(error.field if error.field in form.fields else None, sentence_of(error))
            status = error.status
        else:
            messages.success(request, _("Asked for; the alarm stays as it is until a second person consents."))
            return HttpResponseRedirect(reverse("decide:alarm", args=[alarm_id]))
    return alarm_page(request, view, form=form, status=status)


@requires(Right.CONSENT_TO_SHELVING)
@require_POST
def consent(request: HttpRequest, request_id: int) -> HttpResponse:
    """Consent as the second person."""
    return _answer(request, request_id, facade.consent_to_shelving, _("The alarm is shelved."))


@requires(Right.CONSENT_TO_SHELVING)
@require_POST
def decline(request: HttpRequest, request_id: int) -> HttpResponse:
    """Refuse a request, or withdraw one's own."""
    form = NoteForm(request.POST)
    note = form.cleaned_data["note"] if form.is_valid() else ""
    return _answer(request, request_id, facade.decline_shelving, _("The alarm stays as it is."), note=note)


def _answer(
    request: HttpRequest, request_id: int, do: Callable[..., ShelvingView], done: str, **more: Any
) -> HttpResponse:
    """Answer a request; what cannot be is said on the alarm's own page."""
    asked = facade.shelving_request(request_id)
    require(person_of(request), Right.CONSENT_TO_SHELVING, area=asked.area, what=f"alarm {asked.alarm_id}")
    try:
        do(request_id, person_id=person_of(request).person_id, **more)
    except CityloopError as error:
        form = NoteForm(request.POST)
        form.add_error(None, sentence_of(error))
        return alarm_page(request, facade.alarm(asked.alarm_id), form=form, status=error.status)
    messages.success(request, done)
    return HttpResponseRedirect(reverse("decide:alarm", args=[asked.alarm_id]))
