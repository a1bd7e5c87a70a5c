"""The page of an application project."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_GET

from cityloop.kernel.errors import NotFoundError
from cityloop.registry.facade import Right, person_of, requires
from cityloop.site.found import projects
from cityloop.site.projects.picture import picture_of


@require_GET
@requires(Right.SEE_PROJECTS)
def project_page(request: HttpRequest, project: str) -> HttpResponse:
    """Show what a project watches, how it stands, and by which rules it is judged."""
    declared = next((one for one in projects() if one.code == project), None)
    if declared is None:
        raise NotFoundError(what=gettext("This project"))
    picture = picture_of(declared, person_of(request), timezone.now())
    return render(request, "projects/project.html", {"picture": picture})
