"""The SensorThings API as an ASGI application: who asks, how much, and in which language the answer is."""

import asyncio
import hashlib
import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

import msgspec
import psycopg
from psycopg_pool import AsyncConnectionPool

from cityloop.kernel.errors import CityloopError
from cityloop.sense.stream.readings import Ingest
from cityloop.sense.stream.sta.conformance import root_body
from cityloop.sense.stream.sta.errors import (
    BodyError,
    BusyError,
    MethodError,
    TokenMayNotError,
    TooLargeError,
    UnsupportedBodyError,
    body_of,
    language_of,
)
from cityloop.sense.stream.sta.news import EntityNews, NoNews
from cityloop.sense.stream.sta.reading import Reader
from cityloop.sense.stream.sta.refusals import Refusals
from cityloop.sense.stream.sta.rights import Allowed, Gate, NoLog, ReadLog, TokenBook
from cityloop.sense.stream.sta.service import Service
from cityloop.sense.stream.sta.showing import BASE

BODY_BYTES_MAX = 16 * 1024 * 1024
"""Largest body, bytes: 100,000 observations in data arrays."""

BODY_S_MAX = 60.0
"""How long a body may take to come in, seconds."""

PAGE_SIZE, PAGE_MAX = 100, 1000
"""Entities of a page where none is asked for, and at most."""

BODY = "cityloop.body"
"""Where a request keeps the body that came, for the case that it is refused."""

RETRY_KEY_LENGTH_MAX = 200
READ_METHODS = ("GET", "HEAD", "OPTIONS")
METHODS = "GET, HEAD, OPTIONS, POST, PATCH, PUT, DELETE"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_log = logging.getLogger(__name__)
_HOST = re.compile(r"[A-Za-z0-9.\-]+(?::\d{1,5})?|\[[0-9A-Fa-f:.]+\](?::\d{1,5})?")
_STREAM = re.compile(r"Datastreams\((\d{1,18})\)/Observations", re.ASCII)


@dataclass(slots=True)
class Answer:
    """An answer, ready to be sent."""

    status: int
    body: bytes
    content_type: str = "application/json"
    location: str = ""
    retry_after_s: int = 0


def build(  # noqa: PLR0913  what the application is made of
    *,
    pool: AsyncConnectionPool[Any],
    ingest: Ingest,
    rights: TokenBook,
    base_path: str = "/sta/v1.1",
    anonymous: bool = False,
    page_size: int = PAGE_SIZE,
    page_max: int = PAGE_MAX,
    read_log: ReadLog | None = None,
    news: EntityNews | None = None,
) -> Application:
    """Return the SensorThings API.

    Args:
        pool: connections for this application alone; they are set to commit by themselves.
        ingest: the pipeline that keeps observations.
        rights: knows the tokens; without a valid one nothing is answered but the errors.
        base_path: where the service root stands.
        anonymous: whether everybody may read and write, for tests on a throw-away database.
        page_size: entities of a page where none is asked for.
        page_max: greatest page.
        read_log: notes what limited tokens read; nobody notes where it is None.
        news: is told of created and changed entities; nobody is where it is None.
    """
    if anonymous:
        _log.warning("SENSORTHINGS IS OPEN: everybody may read, write and delete without a token. For tests only.")
    reader = Reader(pool, page_size=page_size, page_max=page_max)
    gate = Gate(rights, reader, anonymous=anonymous)
    service = Service(reader, ingest, gate, news=news or NoNews())
    return SensorThings(service, gate=gate, base_path=base_path, refusals=Refusals(pool), read_log=read_log or NoLog())


class SensorThings:
    """The application; see `build`."""

    def __init__(self, service: Service, *, gate: Gate, base_path: str, refusals: Refusals, read_log: ReadLog) -> None:
        """Take what it is made of."""
        self._service, self._gate, self._refusals, self._read_log = service, gate, refusals, read_log
        self._base_path, self._root = base_path, root_body()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        try:
            answer = await self._answer(scope, headers, receive)
        except CityloopError as error:
            answer = _refusal(error, headers)
            if scope["method"] == "POST":
                self._refusals.note(error, path=self._path(scope), body=scope.get(BODY, b""))
        except psycopg.errors.QueryCanceled:
            answer = _refusal(BusyError(), headers)
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            _log.warning("the database does not answer: %s", error)
            answer = _refusal(BusyError(), headers)
        except (RecursionError, UnicodeError):
            answer = _refusal(BodyError(field="request", reason="it cannot be read"), headers)
        await _send(answer, send, head=scope["method"] == "HEAD")

    async def _answer(self, scope: Scope, headers: dict[bytes, bytes], receive: Receive) -> Answer:
        method = scope["method"]
        path = self._path(scope)
        allowed = self._gate.entered(headers, writes=method not in READ_METHODS)
        if allowed is not None and method != "POST":
            raise TokenMayNotError
        base = self._base(scope, headers)
        if method in ("GET", "HEAD"):
            return await self._get(path, scope["query_string"].decode("ascii"), base)
        if method == "OPTIONS":
            return Answer(204, b"")
        if method == "DELETE":
            await self._service.delete(path)
            return Answer(200, b"", "")
        if method not in ("POST", "PATCH", "PUT"):
            raise MethodError(method=method[:20])
        body = scope[BODY] = await _body(receive, headers)
        if method == "POST":
            return await self._post(path, body, headers, base, allowed)
        content_type = headers.get(b"content-type", b"").decode("latin-1")
        is_patch = method == "PATCH" and content_type.startswith("application/json-patch+json")
        changed = await self._service.change(path, _decoded(body), method=method, is_patch=is_patch, base=base)
        return Answer(200, changed)

    async def _get(self, path: str, query: str, base: str) -> Answer:
        if not path:
            return Answer(200, self._root.replace(BASE.encode(), base.encode()))
        status, content_type, body = await self._service.reader.read(path, query, base=base)
        return Answer(status, body, content_type)

    async def _post(
        self, path: str, body: bytes, headers: dict[bytes, bytes], base: str, allowed: Allowed | None
    ) -> Answer:
        content_type = headers.get(b"content-type", b"application/json")
        if content_type.startswith(b"multipart/"):
            raise UnsupportedBodyError(content_type=content_type.decode("latin-1")[:80])
        retry_key = _retry_key(headers)
        if path == "CreateObservations":
            return Answer(201, await self._service.observe_arrays(body, allowed, retry_key=retry_key, base=base))
        stream = _STREAM.fullmatch(path)
        if stream or path == "Observations":
            number = int(stream[1]) if stream else 0
            kept = await self._service.observe(body, allowed, stream=number, retry_key=retry_key, base=base)
            if kept is not None:
                return Answer(201, kept[1], location=kept[0])
        if allowed is not None:
            raise TokenMayNotError
        location, entity = await self._service.create(path, _decoded(body), retry_key=retry_key, base=base)
        return Answer(201, entity, location=location)

    def _path(self, scope: Scope) -> str:
        raw = scope.get("raw_path")
        path = raw.decode("ascii") if raw else scope["path"]
        return path.partition("?")[0].removeprefix(self._base_path).strip("/") if self._is_mine(path) else "\0"

    def _is_mine(self, path: str) -> bool:
        return path == self._base_path or path.startswith(self._base_path + "/")

    def _base(self, scope: Scope, headers: dict[bytes, bytes]) -> str:
        host = headers.get(b"host", b"").decode("latin-1")
        if not _HOST.fullmatch(host):
            name, port = scope.get("server") or ("localhost", None)
            host = f"{name}:{port}" if port else str(name)
        return f"{scope.get('scheme', 'http')}://{host}{self._base_path}"


def _retry_key(headers: dict[bytes, bytes]) -> str:
    """Return the key under which an answer is kept: a sender's own, so that nobody takes another's key."""
    key = headers.get(b"idempotency-key", b"")
    if len(key) > RETRY_KEY_LENGTH_MAX:
        raise BodyError(field="Idempotency-Key", reason="it is too long")
    return hashlib.sha256(headers.get(b"authorization", b"") + b"\0" + key).hexdigest() if key else ""


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise BodyError(field="body", reason="this is no JSON") from error


async def _body(receive: Receive, headers: dict[bytes, bytes]) -> bytes:
    length = headers.get(b"content-length", b"0")
    if not length.isdigit() or int(length) > BODY_BYTES_MAX:
        raise TooLargeError(bytes_max=BODY_BYTES_MAX)
    try:
        async with asyncio.timeout(BODY_S_MAX):
            message = await receive()
            if not message.get("more_body"):
                return bytes(message.get("body", b""))
            return await _long_body(receive, message.get("body", b""))
    except TimeoutError as error:
        raise BodyError(field="body", reason="it comes in too slowly") from error


async def _long_body(receive: Receive, first: bytes) -> bytes:
    parts, size = [first], len(first)
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BodyError(field="body", reason="the connection ended")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > BODY_BYTES_MAX:
            raise TooLargeError(bytes_max=BODY_BYTES_MAX)
        if not message.get("more_body"):
            return b"".join(parts)


def _refusal(error: CityloopError, headers: dict[bytes, bytes]) -> Answer:
    language = language_of(headers.get(b"accept-language", b"").decode("latin-1"))
    retry_after_s = int(getattr(error, "retry_after_s", 0))
    return Answer(error.status, body_of(error, language=language), retry_after_s=retry_after_s)


async def _send(answer: Answer, send: Send, *, head: bool) -> None:
    headers = [(b"content-length", str(len(answer.body)).encode())] if answer.status != 204 else []  # noqa: PLR2004  no body
    headers.append((b"x-content-type-options", b"nosniff"))
    if answer.content_type and answer.body:
        headers.append((b"content-type", answer.content_type.encode()))
    if answer.location:
        headers.append((b"location", answer.location.encode("latin-1")))
    if answer.retry_after_s:
        headers.append((b"retry-after", str(answer.retry_after_s).encode()))
    if answer.status == 401:  # noqa: PLR2004  RFC 9110 asks for the header
        headers.append((b"www-authenticate", b"Bearer"))
    if answer.status == 405:  # noqa: PLR2004  RFC 9110 asks for the header
        headers.append((b"allow", METHODS.encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else answer.body})
