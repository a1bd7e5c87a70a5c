"""Watches: the list with limits and their basis, one watch with its versions, and its form."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from cityloop.decide import facade
from cityloop.decide.forms import WatchForm
from cityloop.kernel.errors import CityloopError, NotFoundError
from cityloop.kernel.levels import Level
from cityloop.registry.facade import Right, person_of, requires, sentence_of

REFUSED = 422
"""Status of an answer to a form that cannot be accepted."""


@requires(Right.EDIT_WATCHES)
@require_safe
def watch_list(request: HttpRequest) -> HttpResponse:
    """List the watches in force with their limits, gravest level first."""
    rows = [(watch, [(level, watch.limits.get(level)) for level in Level]) for watch in facade.watches()]
    context = {"rows": rows, "levels": list(Level), "unconfirmed": sum(not watch.confirmed for watch, _limits in rows)}
    return render(request, "decide/watches.html", context)


@requires(Right.EDIT_WATCHES)
@require_http_methods(["GET", "HEAD", "POST"])
def watch(request: HttpRequest, code: str) -> HttpResponse:
    """Show a watch with its versions and its form; a change makes a new version."""
    view = facade.watch(code)
    form = WatchForm(request.POST or None, watch=view)
    status = 200
    if request.method == "POST":
        status = REFUSED
        if form.is_valid():
            try:
                who = person_of(request).person_id
                edit, version = form.edit(), form.cleaned_data["version"]
                view = facade.edit_watch(code, person_id=who, edit=edit, expected_version=version)
            except NotFoundError:
                raise
            except CityloopError as error:
                form.add_error(None, sentence_of(error))
                status = error.status
            else:
                messages.success(request, _("Version %(version)s is in force.") % {"version": view.version})
                return HttpResponseRedirect(reverse("decide:watch", args=[code]))
    versions = facade.watch_versions(code)
    names = facade.actor_names({one.changed_by for one in versions})
    rows = [(one, names.get(one.changed_by)) for one in versions]
    limits = [form[f"level_{int(level)}"] for level in Level]
    context = {"watch": view, "form": form, "limits": limits, "rows": rows, "levels": list(Level)}
    return render(request, "decide/watch.html", context, status=status)
