"""The thresholds by which lines are judged: everybody of the project sees them, who edits watches changes them."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from cityloop.kernel.errors import CityloopError
from cityloop.projects.lifelines import facade
from cityloop.projects.lifelines.forms import ThresholdForm
from cityloop.registry.facade import Right, actor_names, may, person_of, require, requires, sentence_of

REFUSED = 422


@requires(Right.SEE_PROJECTS)
@require_safe
def threshold_list(request: HttpRequest) -> HttpResponse:
    """List the thresholds with their basis."""
    return render(request, "lifelines/thresholds.html", {"rows": facade.thresholds()})


@requires(Right.SEE_PROJECTS)
@require_http_methods(["GET", "HEAD", "POST"])
def threshold(request: HttpRequest, threshold: str) -> HttpResponse:
    """Show a threshold with its versions; who edits watches makes a new one."""
    who, view = person_of(request), facade.threshold(threshold)
    form = ThresholdForm(request.POST or None, threshold=view)
    status = 200
    if request.method == "POST":
        require(who, Right.EDIT_WATCHES, what=f"lifelines threshold {threshold}")
        status = REFUSED
        if form.is_valid():
            try:
                made = facade.change_threshold(
                    threshold, person_id=who.person_id, edit=form.edit(), expected_version=form.cleaned_data["version"]
                )
            except CityloopError as error:
                form.add_error(error.field if error.field in form.fields else None, sentence_of(error))
                status = error.status
            else:
                messages.success(request, _("Version %(version)s is in force.") % {"version": made.version})
                return HttpResponseRedirect(reverse("lifelines:threshold", args=[threshold]))
    versions = facade.threshold_versions(threshold)
    names = actor_names({one.changed_by for one in versions if one.changed_by})
    context = {
        "threshold": view, "form": form, "may_edit": may(who, Right.EDIT_WATCHES),
        "rows": [(one, names.get(one.changed_by)) for one in versions],
    }  # fmt: skip
    return render(request, "lifelines/threshold.html", context, status=status)
