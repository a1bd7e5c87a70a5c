"""What stands before every view: who asks, and the one right the view needs."""

import functools
import inspect
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.db import DataError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import get_language, gettext

from cityloop.kernel.errors import CityloopError, NotFoundError
from cityloop.kernel.text import Text
from cityloop.registry.facade.access import AccessDeniedError, keep_denial, note_read, require
from cityloop.registry.rules.roles import Right
from cityloop.registry.selectors.people import VISITOR, PersonView
from cityloop.registry.selectors.people import person as person_with_id

View = Callable[..., Any]
Guard = Callable[[HttpRequest], HttpResponseBase | None]

_log = logging.getLogger(__name__)


class UnreadableRequestError(CityloopError):
    """A request holds what no page can read, such as the character of number zero or a number out of all range."""

    key = "The request cannot be read."


PASSWORD_PATH = "/password/"  # noqa: S105  a path, not a password
"""Where a person who must change the password is sent."""

_KEPT = "_cityloop_person"


def person_of(request: HttpRequest) -> PersonView:
    """Return who asks; a visitor without rights where nobody is logged in. Read once a request.

    In an async view it answers at once, for `requires` and `public` have asked already.
    """
    kept: PersonView | None = getattr(request, _KEPT, None)
    if kept is None:
        kept = replace(_read_person(request), address=address_of(request))
        setattr(request, _KEPT, kept)
    return kept


def _read_person(request: HttpRequest) -> PersonView:
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return VISITOR
    try:
        return person_with_id(user.pk)
    except NotFoundError:
        return VISITOR


def address_of(request: HttpRequest) -> str:
    """Return the network address a request comes from; behind a proxy the server itself puts the right one there."""
    return str(request.META.get("REMOTE_ADDR") or "")


def requires(right: Right, *, sensitive: bool = False) -> Callable[[View], View]:
    """Let a view be reached only with a right, held anywhere; for a place the view asks `require` itself.

    Whoever is not logged in is sent to the login page; whoever lacks the right gets a page that says so, status 403,
    and an entry in the audit. Anticipated errors of the view become a page with their status and sentence.
    Works for sync and async views and sets `view.required_right`.

    Args:
        right: what the view needs.
        sensitive: whether each reading of the page is written into the audit too.
    """

    def guard(request: HttpRequest) -> HttpResponseBase | None:
        return _refusal(request, right, sensitive=sensitive)

    return functools.partial(_gated, guard=guard, right=right)


def public(view: View) -> View:
    """Mark a view as open to everybody, on purpose; sets `view.required_right = None` and `view.is_public = True`."""
    gated = _gated(view, guard=_know_person, right=None)
    gated.is_public = True  # type: ignore[attr-defined]  # a mark that the walk over all routes reads
    return gated


def personal(view: View) -> View:
    """Let a view be reached by everybody who is logged in, whatever the rights: one's own password, one's own home."""
    gated = _gated(view, guard=_login_needed, right=None)
    gated.is_personal = True  # type: ignore[attr-defined]  # a mark that the walk over all routes reads
    return gated


def _know_person(request: HttpRequest) -> HttpResponseBase | None:
    _readable(request)
    person_of(request)
    return None


def _readable(request: HttpRequest) -> None:
    """Refuse the character of number zero, which the database cannot keep, wherever it stands.

    Raises:
        UnreadableRequestError: if the path, the query or the form holds it.
    """
    told = [*request.GET.lists(), *request.POST.lists()]
    if "\0" in request.path or any("\0" in text for name, values in told for text in (name, *values)):
        raise UnreadableRequestError


def _login_needed(request: HttpRequest) -> HttpResponseBase | None:
    _readable(request)
    return redirect_to_login(request.get_full_path(), settings.LOGIN_URL) if person_of(request).is_visitor else None


def _refusal(request: HttpRequest, right: Right, *, sensitive: bool) -> HttpResponseBase | None:
    person = person_of(request)
    if person.is_visitor:
        return _login_needed(request)
    if person.must_change_password:
        return HttpResponseRedirect(PASSWORD_PATH)
    require(person, right, what=request.path)
    _readable(request)
    if sensitive:
        note_read(person, right, what=request.get_full_path())
    return None


def _gated(view: View, *, guard: Guard, right: Right | None) -> View:
    is_private = guard is not _know_person
    gated: Any = (_gated_async if inspect.iscoroutinefunction(view) else _gated_sync)(view, guard, is_private)
    gated.required_right = right
    return gated  # type: ignore[no-any-return]  # functools.wraps hides the kind


def _gated_sync(view: View, guard: Guard, is_private: bool) -> View:  # noqa: FBT001  told by position, twice
    @functools.wraps(view)
    def gated(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            response = guard(request) or view(request, *args, **kwargs)
        except CityloopError as error:
            response = problem_page(request, error)
        except (DataError, OverflowError) as error:
            response = _out_of_range(request, error)
        return _kept_private(response) if is_private else response

    return gated


def _gated_async(view: View, guard: Guard, is_private: bool) -> View:  # noqa: FBT001  told by position, twice
    @functools.wraps(view)
    async def gated(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            response = await sync_to_async(guard)(request) or await view(request, *args, **kwargs)
        except CityloopError as error:
            response = await sync_to_async(problem_page)(request, error)
        return _kept_private(response) if is_private else response

    return gated


def _out_of_range(request: HttpRequest, error: Exception) -> HttpResponse:
    """Answer a request with a number or an instant beyond what the database knows; the log says which."""
    _log.warning("%r cannot be read: %s", request.path, str(error).partition("\n")[0])
    return problem_page(request, UnreadableRequestError())


def _kept_private(response: HttpResponseBase) -> HttpResponseBase:
    """Let no browser and no proxy keep a page that was made for one person, unless the view says otherwise."""
    response.headers.setdefault("Cache-Control", "private, no-store")
    return response


def problem_page(request: HttpRequest, error: CityloopError) -> HttpResponse:
    """Return the page that tells an anticipated error in the reader's language, with its status."""
    if isinstance(error, AccessDeniedError):
        keep_denial(error)
    return render(request, "registry/problem.html", {"error": error, "said": sentence_of(error)}, status=error.status)


def sentence_of(error: CityloopError) -> str:
    """Return an error's sentence in the reader's language."""
    said = gettext(error.key)
    language = get_language() or "zh-hans"
    words = {
        name: value.in_language(language) if isinstance(value, Text) else value
        for name, value in error.parameters.items()
    }
    return said % words if words else said
