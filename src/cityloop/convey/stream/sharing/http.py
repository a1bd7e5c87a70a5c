"""What the machine faces of shared data have in common: a request as read, an answer as sent, errors in words."""

import gettext
import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from cityloop.kernel.errors import CityloopError
from cityloop.kernel.text import Text

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

QUERY_PARTS_MAX = 50
"""Most parameters of an address."""

UNAUTHORISED, WRONG_METHOD, UNAVAILABLE = 401, 405, 503
_LOCALE = Path(__file__).parents[2] / "locale"
_HOST = re.compile(r"[A-Za-z0-9.\-]+(?::\d{1,5})?|\[[0-9A-Fa-f:.]+\](?::\d{1,5})?")


class PathUnknownError(CityloopError):
    """Nothing stands at an address, or nothing its reader may see."""

    key = "There is nothing at this address."
    status = 404


class OnlyReadingError(CityloopError):
    """Something else than GET or HEAD was sent."""

    key = "Only GET and HEAD are possible here."
    status = WRONG_METHOD


class QueryError(CityloopError):
    """A parameter of an address cannot be read."""

    key = "The parameter %(name)s cannot be read."

    def __init__(self, name: str) -> None:
        """Name the parameter."""
        super().__init__(field=name, name=name[:60])


class ComeAgainError(CityloopError):
    """The data cannot be given now."""

    key = "This cannot be answered now; come again in a moment."
    status = UNAVAILABLE


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it was read.

    Attributes:
        method: `GET` or `HEAD`.
        path: without the query, as sent.
        query: its parameters, each named once.
        headers: by lower-case name.
        base: scheme and host, by which links begin.
        language: `zh` or `en`, for errors.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[bytes, bytes]
    base: str
    language: str


@dataclass(slots=True)
class Answer:
    """An answer, ready to be sent."""

    body: bytes
    content_type: str = "application/json"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def json_answer(value: Any, *, content_type: str = "application/json") -> Answer:
    """Return JSON values as an answer."""
    return Answer(msgspec.json.encode(value), content_type)


def request_of(scope: Scope) -> Request:
    """Return a request as read.

    Raises:
        OnlyReadingError: if it is none to read with.
        QueryError: if a parameter is no text or comes twice.
    """
    if scope["method"] not in ("GET", "HEAD"):
        raise OnlyReadingError
    headers: dict[bytes, bytes] = dict(scope["headers"])
    return Request(
        method=scope["method"],
        path=scope["path"],
        query=_query(scope["query_string"]),
        headers=headers,
        base=_base(scope, headers),
        language=language_of(headers),
    )


def _query(raw: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=QUERY_PARTS_MAX)
    except ValueError as error:
        name = "?"
        raise QueryError(name) from error
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found or "\0" in value:
            raise QueryError(name)
        found[name] = value
    return found


def _base(scope: Scope, headers: dict[bytes, bytes]) -> str:
    host = headers.get(b"host", b"").decode("latin-1")
    if not _HOST.fullmatch(host):
        name, port = scope.get("server") or ("localhost", None)
        host = f"{name}:{port}" if port else str(name)
    return f"{scope.get('scheme', 'http')}://{host}"


def language_of(headers: dict[bytes, bytes]) -> str:
    """Return `zh` or `en`, whichever the reader named first; Chinese where neither is named."""
    for part in headers.get(b"accept-language", b"").decode("latin-1").lower().split(","):
        tag = part.partition(";")[0].strip()[:2]
        if tag in {"zh", "en"}:
            return tag
    return "zh"


@cache
def _chinese() -> gettext.NullTranslations:
    return gettext.translation("django", _LOCALE, languages=["zh_Hans"], fallback=True)


def said(error: CityloopError, *, language: str) -> str:
    """Return an error's sentence in a language, `zh` or `en`."""
    if language == "en":
        return error.sentence()
    words = {name: v.zh if isinstance(v, Text) else v for name, v in error.parameters.items()}
    sentence = _chinese().gettext(error.key)
    return sentence % words if words else sentence


def refusal(error: CityloopError, *, language: str) -> Answer:
    """Return the answer that tells an anticipated error."""
    body = {"code": str(error.status), "description": said(error, language=language), "field": error.field}
    answer = Answer(msgspec.json.encode(body), status=error.status)
    if error.status == UNAUTHORISED:
        answer.headers["www-authenticate"] = "Bearer"
    if error.status == WRONG_METHOD:
        answer.headers["allow"] = "GET, HEAD"
    if error.status == UNAVAILABLE:
        answer.headers["retry-after"] = "2"
    return answer


async def send_answer(answer: Answer, send: Send, *, head: bool = False) -> None:
    """Send an answer; what was read for one machine no proxy keeps."""
    headers = {
        "content-type": answer.content_type,
        "content-length": str(len(answer.body)),
        "x-content-type-options": "nosniff",
        "cache-control": "private, no-store",
        **answer.headers,
    }
    raw = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": b"" if head else answer.body})
