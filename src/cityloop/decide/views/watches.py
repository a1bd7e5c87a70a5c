"""Watches: the list, one watch with its versions and its form, a new one; each tried before it is switched on."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from cityloop.decide import facade
from cityloop.decide.facade import WatchView
from cityloop.decide.forms.watches import NewWatchForm, WatchForm, token_of
from cityloop.decide.views.backtests import picture_of
from cityloop.kernel.declarations import JUDGING_ALARMS
from cityloop.kernel.errors import CityloopError, NotFoundError
from cityloop.kernel.levels import Level
from cityloop.registry import facade as registry
from cityloop.registry.facade import Right, person_of, requires, sentence_of

REFUSED = 422
"""Status of an answer to a form that cannot be accepted."""

TRY, KEEP = "try", "keep"
"""What the buttons of the form ask for."""


@requires(Right.EDIT_WATCHES)
@require_safe
def watch_list(request: HttpRequest) -> HttpResponse:
    """List the watches in force with their limits, gravest level first."""
    rows = [(watch, [(level, watch.limits.get(level)) for level in Level]) for watch in facade.watches()]
    context = {"rows": rows, "levels": list(Level), "unconfirmed": sum(not watch.confirmed for watch, _limits in rows)}
    return render(request, "decide/watches.html", context)


@requires(Right.EDIT_WATCHES)
@require_http_methods(["GET", "HEAD", "POST"])
def new_watch(request: HttpRequest) -> HttpResponse:
    """Make a watch: what it judges, its limits, and what it would have done in the last year."""
    form = NewWatchForm(request.POST or None, initial={"hysteresis": 0, "hold_s": 0, "off_delay_s": 0})
    context: dict[str, Any] = {"form": form}
    status = 200
    if request.method == "POST":
        status = REFUSED
        if form.is_valid():
            try:
                draft = form.draft()
                views, unit = facade.streams_for(draft.streams, draft.kind, form.edit().terms)
                streams = [view.datastream_id for view in views]
                if not _is_shown_first(request, form, streams, context, unit=unit, was_on=False):
                    view = facade.make_watch(person_id=person_of(request).person_id, draft=draft, edit=form.edit())
                    messages.success(request, _("The watch %(code)s is made.") % {"code": view.code})
                    return HttpResponseRedirect(reverse("decide:watch", args=[view.code]))
                status = 200
            except CityloopError as error:
                status = _refuse(form, error)
    return render(request, "decide/new_watch.html", context, status=status)


@requires(Right.EDIT_WATCHES)
@require_http_methods(["GET", "HEAD", "POST"])
def watch(request: HttpRequest, code: str) -> HttpResponse:
    """Show a watch with its versions and its form; a change makes a new version."""
    view = facade.watch(code)
    form = WatchForm(request.POST or None, watch=view)
    context: dict[str, Any] = {"watch": view, "form": form}
    status = 200
    if request.method == "POST":
        status = REFUSED
        if form.is_valid():
            try:
                streams = _streams_asked(form, view)
                if not _is_shown_first(request, form, streams, context, unit=view.unit, was_on=view.enabled):
                    return _changed(request, form, view)
                status = 200
            except NotFoundError:
                raise
            except CityloopError as error:
                status = _refuse(form, error)
    versions = facade.watch_versions(code)
    names = facade.actor_names({one.changed_by for one in versions})
    context["rows"] = [(one, names.get(one.changed_by)) for one in versions]
    return render(request, "decide/watch.html", context, status=status)


def _streams_asked(form: WatchForm, view: WatchView) -> Sequence[int]:
    """Return the streams a change is tried on: those that are named, else those it looks at."""
    if not (names := form.streams()):
        return facade.streams_of_watch(view.code)
    found, _unit = facade.streams_for(names, view.kind, form.edit().terms)
    return [one.datastream_id for one in found]


def _changed(request: HttpRequest, form: WatchForm, view: WatchView) -> HttpResponse:
    who, seen = person_of(request).person_id, form.cleaned_data["version"] or 0
    made = facade.edit_watch(view.code, person_id=who, edit=form.edit(), expected_version=seen)
    messages.success(request, _("Version %(version)s is in force.") % {"version": made.version})
    return HttpResponseRedirect(reverse("decide:watch", args=[view.code]))


def _is_shown_first(  # noqa: PLR0913  each says one thing
    request: HttpRequest, form: WatchForm, streams: Sequence[int], context: dict[str, Any], *, unit: str, was_on: bool
) -> bool:
    """Return whether history is shown instead of keeping: it was asked for, or a watch would be switched on untried."""
    trial = form.trial(streams)
    is_asked = request.POST.get("do") == TRY
    if trial.kind in JUDGING_ALARMS:
        context["is_untriable"] = is_asked
        return is_asked
    if not is_asked and (was_on or not form.cleaned_data["enabled"] or form.was_tried(trial)):
        return False
    found = facade.backtest(trial, until=timezone.now())
    context["picture"] = picture_of(found, trial.kind, unit=unit)
    context["is_held_back"] = not is_asked
    form.data = form.data.copy()
    form.data["tried"] = token_of(trial)
    return True


def _refuse(form: WatchForm, error: CityloopError) -> int:
    if isinstance(error, registry.AccessDeniedError):
        raise error
    form.add_error(error.field if error.field in form.fields else None, sentence_of(error))
    return error.status
