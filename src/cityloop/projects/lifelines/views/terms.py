"""How long an answer from upstream may take: the terms, and one with its versions and its form."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from cityloop.kernel.errors import CityloopError, NotFoundError
from cityloop.projects.lifelines import facade
from cityloop.projects.lifelines.forms import LEVEL_CODES, TermForm
from cityloop.registry.facade import Right, actor_names, person_of, requires, sentence_of

REFUSED = 422


@requires(Right.EDIT_WATCHES)
@require_safe
def term_list(request: HttpRequest) -> HttpResponse:
    """List the terms with their basis."""
    return render(request, "lifelines/requests/terms.html", {"rows": facade.terms()})


@requires(Right.EDIT_WATCHES)
@require_http_methods(["GET", "HEAD", "POST"])
def one_term(request: HttpRequest, level: int) -> HttpResponse:
    """Show a term with its versions and its form; a change makes a new version."""
    if str(level) not in LEVEL_CODES:
        raise NotFoundError(what=_("This level"))
    chosen = LEVEL_CODES[str(level)]
    term = facade.term_of(chosen)
    form, status = TermForm(request.POST or None, term=term), 200
    if form.is_bound:
        status = REFUSED
        if form.is_valid():
            data = form.cleaned_data
            try:
                made = facade.change_term(
                    chosen, person=person_of(request), hours=data["hours"], basis=form.basis(),
                    confirmed=data["confirmed"], note=data["note"], expected_version=data["version"],
                    now=timezone.now(),
                )  # fmt: skip
            except CityloopError as error:
                form.add_error(error.field if error.field in form.fields else None, sentence_of(error))
                status = error.status
            else:
                messages.success(request, _("Version %(version)s is in force.") % {"version": made.version})
                return HttpResponseRedirect(reverse("lifelines:term", args=[level]))
    versions = facade.term_versions(chosen)
    names = actor_names({one.changed_by for one in versions})
    context = {"term": term, "form": form, "rows": [(one, names[one.changed_by]) for one in versions]}
    return render(request, "lifelines/requests/term.html", context, status=status)
