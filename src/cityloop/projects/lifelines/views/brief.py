"""The morning brief to take along."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.views.decorators.http import require_safe

from cityloop.kernel.clocks import CITY_ZONE
from cityloop.projects.lifelines import facade
from cityloop.projects.lifelines.views.asked import instant_asked, language_asked
from cityloop.registry.facade import Right, in_words, person_of, requires


@require_safe
@requires(Right.SEE_PROJECTS)
def brief(request: HttpRequest) -> HttpResponse:
    """Send the morning brief as PDF, as of `at`, in the language `lang`."""
    now, person = timezone.now(), person_of(request)
    at = instant_asked(request)
    with translation.override(language_asked(request)):
        made = facade.brief_of(at, made_by=in_words(person.name), made_at=now, person=person)
        response = HttpResponse(facade.brief_pdf(made), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{file_name(at)}"'
    return response


def file_name(at: datetime) -> str:
    """Return the name a brief is kept under."""
    return f"lifelines-brief-{at.astimezone(CITY_ZONE):%Y%m%d-%H%M}.pdf"
