"""What the address of a page asks for: as of when, in which language."""

from datetime import datetime

from django.http import HttpRequest
from django.utils.translation import get_language

from cityloop.kernel.clocks import CITY_ZONE
from cityloop.kernel.errors import CityloopError

LANGUAGES = {"zh": "zh-hans", "zh-hans": "zh-hans", "en": "en"}


class InstantUnreadableError(CityloopError):
    """The instant in an address cannot be read."""

    key = "“%(at)s” is no instant; write it like 2010-01-05T10:00:00+08:00."


def instant_asked(request: HttpRequest, *, now: datetime) -> datetime:
    """Return the instant a page is asked for with `?at=`, the present without it; the city's clock without a zone.

    Raises:
        InstantUnreadableError: if it cannot be read.
    """
    text = request.GET.get("at", "").strip()
    if not text:
        return now
    try:
        at = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    except ValueError:
        raise InstantUnreadableError(at=text) from None
    return at if at.tzinfo else at.replace(tzinfo=CITY_ZONE)


def language_asked(request: HttpRequest) -> str:
    """Return the language a page is asked for with `?lang=`, the reader's without it."""
    return LANGUAGES.get(request.GET.get("lang", "").lower(), get_language() or "zh-hans")
