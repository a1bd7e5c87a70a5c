"""As of when, and in which language, a page of the lifelines is asked for."""

from datetime import UTC, datetime

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from cityloop.kernel.errors import CityloopError, NotFoundError
from cityloop.projects.lifelines.facade import Line

EARLIEST = datetime(1993, 1, 1, tzinfo=UTC)
"""Before it the city's clock had summer time, and no line was read."""


_LANGUAGES = {"zh": "zh-hans", "zh-hans": "zh-hans", "en": "en"}


class InstantUnreadableError(CityloopError):
    """The address names no instant."""

    key = "The address names no instant: at=%(asked)s"


def instant_asked(request: HttpRequest) -> datetime:
    """Return as of when the page shall stand: `at`, ISO 8601 with its zone, now where it is not given.

    A form that was made as of an instant sends it along; a page has it in its address.

    Raises:
        InstantUnreadableError: if it cannot be read, or lies ahead or too far back.
    """
    asked, now = (request.POST.get("at", "") or request.GET.get("at", "")).strip(), timezone.now()
    if not asked:
        return now
    try:
        found = datetime.fromisoformat(asked.replace(" ", "+"))
    except ValueError:
        raise InstantUnreadableError(asked=asked[:40]) from None
    if found.tzinfo is None or not EARLIEST <= found <= now:
        raise InstantUnreadableError(asked=asked[:40])
    return found.astimezone(UTC)


def language_asked(request: HttpRequest) -> str:
    """Return the language a page is asked for with `?lang=`, the reader's without it."""
    return _LANGUAGES.get(request.GET.get("lang", "").lower(), get_language() or "zh-hans")


def line_asked(code: str) -> Line:
    """Return the line an address names.

    Raises:
        NotFoundError: if there is none.
    """
    if code not in set(Line):
        raise NotFoundError(what=_("This line"))
    return Line(code)


__all__ = ["EARLIEST", "InstantUnreadableError", "instant_asked", "language_asked", "line_asked"]
