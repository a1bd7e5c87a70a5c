"""What can be wrong with a request to Open311, in the words of its reader."""

import gettext
from functools import cache
from pathlib import Path

from cityloop.kernel.errors import CityloopError
from cityloop.kernel.text import Text

_LOCALE = Path(__file__).parents[2] / "locale"
DEFAULT_LANGUAGE = "zh"


class NothingHereError(CityloopError):
    """Nothing stands at an address, or not in this format."""

    key = "There is nothing at this address; addresses end in .json or .xml."
    status = 404


class WrongMethodError(CityloopError):
    """The address does not take this method."""

    key = "This method is not possible here."
    status = 405


class JurisdictionUnknownError(CityloopError):
    """A place code of another city, or none."""

    key = "The jurisdiction_id %(code)s is not served here."
    status = 404


class ServiceMissingError(CityloopError):
    """A report without a service."""

    key = "The service_code was not given."


class ServiceUnknownError(CityloopError):
    """No service of this code is open to the public."""

    key = "The service_code %(code)s was not found."
    status = 404


class RequestUnknownError(CityloopError):
    """No request of this number is open to the public."""

    key = "The service_request_id %(number)s was not found."
    status = 404


class TokenUnknownError(CityloopError):
    """No request belongs to this token."""

    key = "The token %(token)s was not found."
    status = 404


class KeyMissingError(CityloopError):
    """A report without the key that is needed here."""

    key = "An api_key is needed to report."
    status = 403


class KeyInvalidError(CityloopError):
    """The key is not valid, or may not report."""

    key = "This api_key is not valid for reports."
    status = 403


class LocationMissingError(CityloopError):
    """A report that does not say where."""

    key = "Say where it is: lat and long, or address_string, or address_id."


class FieldError(CityloopError):
    """A field cannot be accepted."""

    key = "%(name)s: %(reason)s"

    def __init__(self, *, name: str, reason: str) -> None:
        """Name the field and say why."""
        super().__init__(field=name[:80], name=name[:80], reason=reason)


class BodyTypeError(CityloopError):
    """The body of a report is neither a form nor one with a file."""

    key = "A report is sent as application/x-www-form-urlencoded or multipart/form-data."


class BodyTooLargeError(CityloopError):
    """The body is longer than the bound."""

    key = "The report is larger than %(bytes_max)s bytes."
    status = 413


class TooManyReportsError(CityloopError):
    """An address reports faster than it may."""

    key = "Too many reports from one address; come again in %(wait_s)s seconds."
    status = 429


class TooManyQuestionsError(CityloopError):
    """An address reads faster than it may."""

    key = "Too many questions from one address; come again in %(wait_s)s seconds."
    status = 429


class TooDeepError(CityloopError):
    """A page lies deeper than a question is read."""

    key = "page: of one question the first %(rows_max)s requests can be read; ask for a shorter span."


class ComeAgainSoonError(CityloopError):
    """The database does not answer, or too much waits."""

    key = "This cannot be answered now; come again in a moment."
    status = 503


@cache
def _chinese() -> gettext.NullTranslations:
    return gettext.translation("django", _LOCALE, languages=["zh_Hans"], fallback=True)


def language_of(accept_language: str) -> str:
    """Return `zh` or `en`, whichever the reader named first; Chinese where neither is named."""
    for part in accept_language.lower().split(","):
        tag = part.partition(";")[0].strip()[:2]
        if tag in {"zh", "en"}:
            return tag
    return DEFAULT_LANGUAGE


def said(error: CityloopError, *, language: str) -> str:
    """Return the sentence of an error in a language, `zh` or `en`."""
    if language == "en":
        return error.sentence()
    words = {name: _in_chinese(value) for name, value in error.parameters.items()}
    sentence = _chinese().gettext(error.key)
    return sentence % words if words else sentence


def _in_chinese(value: object) -> object:
    if isinstance(value, Text):
        return value.zh
    return _chinese().gettext(value) if isinstance(value, str) and value else value
