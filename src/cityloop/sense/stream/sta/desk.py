"""Answers one request, however it came: alone or as part of a batch."""

import hashlib
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import psycopg

from cityloop.kernel.errors import CityloopError
from cityloop.sense.stream.sta.conformance import root_body
from cityloop.sense.stream.sta.description import DESCRIPTION_PATH, description_body
from cityloop.sense.stream.sta.errors import (
    BodyError,
    BusyError,
    MethodError,
    UnsupportedBodyError,
    body_of,
    language_of,
)
from cityloop.sense.stream.sta.rights import Allowed, Gate, ReadLog, sight_of
from cityloop.sense.stream.sta.service import Service
from cityloop.sense.stream.sta.showing import BASE

RETRY_KEY_LENGTH_MAX = 200
FAULTS = (CityloopError, psycopg.OperationalError, psycopg.InterfaceError, RecursionError, UnicodeError)
"""What may stop a request without being an error of ours."""

JSON_PATCH = "application/json-patch+json"
_log = logging.getLogger(__name__)
_STREAM = re.compile(r"Datastreams\((\d{1,18})\)/Observations", re.ASCII)


@dataclass(slots=True)
class Request:
    """What is asked for.

    Attributes:
        method: in capitals.
        path: below the service root, percent-encoded or not.
        query: as it stands in the address.
        headers: names in small letters.
        base: address of the service root.
        allowed: what the sender may do, None for everything.
        body: what came along.
    """

    method: str
    path: str
    query: str
    headers: Mapping[bytes, bytes]
    base: str
    allowed: Allowed | None = None
    body: bytes = b""

    @property
    def content_type(self) -> str:
        """Return the type of the body."""
        return self.headers.get(b"content-type", b"application/json").decode("latin-1")


@dataclass(slots=True)
class Answer:
    """An answer, ready to be sent.

    Attributes:
        status: of HTTP.
        body: empty where there is none.
        content_type: of the body.
        location: address of what was created.
        retry_after_s: when to come again, seconds; 0 where that is not said.
        headers: further ones.
    """

    status: int
    body: bytes
    content_type: str = "application/json"
    location: str = ""
    retry_after_s: int = 0
    headers: dict[str, str] = field(default_factory=dict)


class Desk:
    """Answers requests.

    Args:
        service: does what is asked.
        gate: knows who may what.
        read_log: notes what limited tokens read.
    """

    def __init__(self, service: Service, *, gate: Gate, read_log: ReadLog) -> None:
        """Take all three."""
        self.service, self._gate, self._read_log = service, gate, read_log
        self._root, self._description = root_body(), description_body()

    def check(self, request: Request) -> None:
        """Let the sender do what it may.

        Raises:
            TokenMayNotError: if it may not.
        """
        self._gate.check(request.allowed, method=request.method)

    async def answer(self, request: Request) -> Answer:
        """Answer a request that may be.

        Raises:
            CityloopError: if it cannot be done.
        """
        method = request.method
        if method in ("GET", "HEAD"):
            return await self._get(request)
        if method == "POST":
            return await self._post(request)
        if method == "OPTIONS":
            return Answer(204, b"")
        if method == "DELETE":
            await self.service.delete(request.path, request.allowed)
            return Answer(200, b"", "")
        if method not in ("PATCH", "PUT"):
            raise MethodError(method=method[:20])
        changed = await self.service.change(
            request.path,
            decoded(request.body),
            request.allowed,
            method=method,
            is_patch=is_json_patch(request),
            base=request.base,
        )
        return Answer(200, changed)

    async def _get(self, request: Request) -> Answer:
        if request.path in ("", DESCRIPTION_PATH):
            fixed = self._description if request.path else self._root
            return Answer(200, fixed.replace(BASE.encode(), request.base.encode()))
        sight = sight_of(request.allowed)
        shown = await self.service.reader.read(request.path, request.query, base=request.base, sight=sight)
        if sight is not None and request.allowed is not None:
            asked = f"{request.path}?{request.query}" if request.query else request.path
            await self._read_log.note(request.allowed, path=asked, rows=shown.rows)
        headers = {"link": f'<{shown.next_link}>; rel="next"'} if shown.next_link else {}
        return Answer(shown.status, shown.body, shown.content_type, headers=headers)

    async def _post(self, request: Request) -> Answer:
        path, allowed, base = request.path, request.allowed, request.base
        if request.content_type.startswith("multipart/"):
            raise UnsupportedBodyError(content_type=request.content_type[:80])
        retry_key = _retry_key(request)
        if path == "CreateObservations":
            made = await self.service.observe_arrays(request.body, allowed, retry_key=retry_key, base=base)
            return Answer(201, made)
        stream = _STREAM.fullmatch(path)
        if stream or path == "Observations":
            number = int(stream[1]) if stream else 0
            kept = await self.service.observe(request.body, allowed, stream=number, retry_key=retry_key, base=base)
            if kept is not None:
                return Answer(201, kept[1], location=kept[0])
        location, entity = await self.service.create(
            path, decoded(request.body), allowed, retry_key=retry_key, base=base
        )
        return Answer(201, entity, location=location)


def fault_of(error: Exception) -> CityloopError:
    """Return what is wrong in the words of the service, whatever stopped the request."""
    if isinstance(error, CityloopError):
        return error
    if isinstance(error, RecursionError | UnicodeError):
        return BodyError(field="request", reason="it cannot be read")
    if not isinstance(error, psycopg.errors.QueryCanceled):
        _log.warning("the database does not answer: %s", error)
    return BusyError()


def refusal(error: CityloopError, headers: Mapping[bytes, bytes]) -> Answer:
    """Return the answer that says why not, in the reader's language."""
    language = language_of(headers.get(b"accept-language", b"").decode("latin-1"))
    retry_after_s = int(getattr(error, "retry_after_s", 0))
    return Answer(error.status, body_of(error, language=language), retry_after_s=retry_after_s)


def is_json_patch(request: Request) -> bool:
    """Return whether the body of a PATCH is a JSON Patch."""
    return request.method == "PATCH" and request.content_type.startswith(JSON_PATCH)


def decoded(body: bytes) -> Any:
    """Return a body as JSON.

    Raises:
        BodyError: if it is none.
    """
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise BodyError(field="body", reason="this is no JSON") from error


def _retry_key(request: Request) -> str:
    """Return the key under which an answer is kept: a sender's own, so that nobody takes another's key.

    Behind it stands what is asked, so that the same key with another request is found out.
    """
    key = request.headers.get(b"idempotency-key", b"")
    if len(key) > RETRY_KEY_LENGTH_MAX:
        raise BodyError(field="Idempotency-Key", reason="it is too long")
    if not key:
        return ""
    sender = hashlib.sha256(request.headers.get(b"authorization", b"") + b"\0" + key).hexdigest()
    return f"{sender}.{hashlib.sha256(request.path.encode() + request.body).hexdigest()}"
