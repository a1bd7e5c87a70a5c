"""The page for everybody: how the city's lifelines stand."""

from datetime import datetime
from threading import Lock

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.views.decorators.http import require_safe

from cityloop.projects.lifelines import facade
from cityloop.projects.lifelines.views.asked import instant_asked, language_asked
from cityloop.registry.facade import Right, person_of, public

KEPT_S = 15
"""The page is made at most once in this span, in each language and process, however many ask; seconds."""

_making = Lock()


@require_safe
@public
def lines(request: HttpRequest) -> HttpResponse:
    """Show how each line stands, in plain words, to everybody; `at` is heard only of who may see the projects."""
    now, language = timezone.now(), language_asked(request)
    may_look_back = "at" in request.GET and Right.SEE_PROJECTS in person_of(request).rights
    if may_look_back:
        response = HttpResponse(_page(language, instant_asked(request)))
        patch_cache_control(response, private=True, no_store=True)
    else:
        response = HttpResponse(_kept_page(language, now))
        patch_cache_control(response, public=True, max_age=KEPT_S)
    patch_vary_headers(response, ("Accept-Language", "Cookie"))
    return response


def _kept_page(language: str, now: datetime) -> str:
    key = f"lifelines-public-{language}"
    page: str | None = cache.get(key)
    if page is None:
        with _making:
            page = cache.get(key)
            if page is None:
                page = _page(language, now)
                cache.set(key, page, KEPT_S)
    return page


def _page(language: str, at: datetime) -> str:
    with translation.override(language):
        return render_to_string("lifelines/public.html", {"lines": facade.public_lines(at), "at": at})
