"""What can be wrong with a request, in the words of its reader."""

import gettext
from functools import cache
from pathlib import Path

import msgspec

from cityloop.kernel.errors import CityloopError

_LOCALE = Path(__file__).parents[2] / "locale"
DEFAULT_LANGUAGE = "zh"


class SyntaxFault(CityloopError):  # noqa: N818  the place is at fault, the name says so
    """A query option cannot be read."""

    key = "%(option)s cannot be read at character %(place)s: %(reason)s"

    def __init__(self, option: str, place: int, reason: str) -> None:
        """Name the option, the place (1-based) and the reason."""
        super().__init__(field=option, option=option, place=place, reason=reason)


class UnknownPathError(CityloopError):
    """Nothing stands at this path."""

    key = "Nothing stands at this path: %(path)s"
    status = 404

    def __init__(self, path: str) -> None:
        """Name the part of the path that is unknown."""
        super().__init__(path=path)


class MethodError(CityloopError):
    """The path does not take this method."""

    key = "%(method)s is not possible here."
    status = 405


class TooLargeError(CityloopError):
    """The body is longer than the bound."""

    key = "The body is larger than %(bytes_max)s bytes."
    status = 413


class NotImplementedOptionError(CityloopError):
    """An option or function that is known but not built."""

    key = "%(name)s is not implemented."
    status = 501

    def __init__(self, name: str) -> None:
        """Name what is not implemented."""
        super().__init__(field=name, name=name)


class BodyError(CityloopError):
    """The body of a request cannot be accepted."""

    key = "%(name)s: %(reason)s"

    def __init__(self, field: str, reason: str) -> None:
        """Name the field and say why."""
        super().__init__(field=field, name=field, reason=reason)


class TokenMissingError(CityloopError):
    """No valid token came with the request."""

    key = "A valid bearer token is needed."
    status = 401


class TokenMayNotError(CityloopError):
    """The token has no right to this."""

    key = "This token may not do this."
    status = 403


class LooseEntityError(CityloopError):
    """A limited token would create what nothing of its own uses, so that nobody could tell whose it is."""

    key = "%(name)s: create it together with what uses it, as part of a thing or datastream of your own."
    status = 403


class BusyError(CityloopError):
    """The answer would take longer than is allowed."""

    key = "This takes longer than allowed; narrow the question."
    status = 503


class UnsupportedBodyError(CityloopError):
    """The body is of a type that is not read here."""

    key = "Bodies of this type are not read: %(content_type)s"
    status = 415


@cache
def _translations(language: str) -> gettext.NullTranslations:
    return gettext.translation("django", _LOCALE, languages=[language], fallback=True)


def language_of(accept_language: str) -> str:
    """Return `zh` or `en`, whichever the reader named first; Chinese where neither is named."""
    for part in accept_language.lower().split(","):
        tag = part.split(";")[0].strip()[:2]
        if tag in {"zh", "en"}:
            return tag
    return DEFAULT_LANGUAGE


def said(error: CityloopError, *, language: str) -> str:
    """Return the sentence of an error in a language, `zh` or `en`."""
    if language == "en":
        return error.sentence()
    words = _translations("zh_Hans")
    parameters = {name: words.gettext(v) if isinstance(v, str) and v else v for name, v in error.parameters.items()}
    sentence = words.gettext(error.key)
    return sentence % parameters if parameters else sentence


def body_of(error: CityloopError, *, language: str) -> bytes:
    """Return the JSON body that answers an error."""
    return msgspec.json.encode({"code": error.status, "message": said(error, language=language), "field": error.field})
