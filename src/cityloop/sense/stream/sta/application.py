"""The SensorThings API as an ASGI application: who asks, how much, and in which language the answer is."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any

from psycopg_pool import AsyncConnectionPool

from cityloop.sense.stream.readings import Ingest
from cityloop.sense.stream.sta.batches import BATCH_PATH, Batches
from cityloop.sense.stream.sta.desk import FAULTS, Answer, Desk, Request, fault_of, refusal
from cityloop.sense.stream.sta.doorstep import Doorstep
from cityloop.sense.stream.sta.errors import BodyError, TooLargeError
from cityloop.sense.stream.sta.news import EntityNews, NoNews
from cityloop.sense.stream.sta.reading import Reader
from cityloop.sense.stream.sta.refusals import Refusals
from cityloop.sense.stream.sta.rights import Gate, NoLog, ReadLog, TokenBook
from cityloop.sense.stream.sta.service import Service

BODY_BYTES_MAX = 16 * 1024 * 1024
"""Largest body, bytes: 100,000 observations in data arrays."""

BODY_S_MAX = 60.0
"""How long a body may take to come in, seconds."""

PAGE_SIZE, PAGE_MAX = 100, 1000
"""Entities of a page where none is asked for, and at most."""

METHODS = "GET, HEAD, OPTIONS, POST, PATCH, PUT, DELETE"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_log = logging.getLogger(__name__)


def build(  # noqa: PLR0913  what the application is made of
    *,
    pool: AsyncConnectionPool[Any],
    ingest: Ingest,
    rights: TokenBook,
    base_path: str = "/sta/v1.1",
    anonymous: bool = False,
    page_size: int = PAGE_SIZE,
    page_max: int = PAGE_MAX,
    hosts: Sequence[str] = ("*",),
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
        hosts: names by which the service may be called; an address in an answer has one of them, the first where it was
            called by another. `*` takes any, a name that begins with a dot all below it.
        read_log: notes what limited tokens read; nobody notes where it is None.
        news: is told of created and changed entities; nobody is where it is None.
    """
    if anonymous:
        _log.warning("SENSORTHINGS IS OPEN: everybody may read, write and delete without a token. For tests only.")
    reader = Reader(pool, page_size=page_size, page_max=page_max)
    gate = Gate(rights, reader, anonymous=anonymous)
    service = Service(reader, ingest, gate, news=news or NoNews())
    desk, refusals = Desk(service, gate=gate, read_log=read_log or NoLog()), Refusals(pool)
    batches = Batches(desk, refusals, base_path=base_path)
    return SensorThings(desk, batches, gate=gate, doorstep=Doorstep(base_path, hosts), refusals=refusals)


class SensorThings:
    """The application; see `build`."""

    def __init__(self, desk: Desk, batches: Batches, *, gate: Gate, doorstep: Doorstep, refusals: Refusals) -> None:
        """Take what it is made of."""
        self._desk, self._batches, self._gate = desk, batches, gate
        self._doorstep, self._refusals = doorstep, refusals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        request = Request(scope["method"], self._doorstep.path(scope), "", headers, "")
        try:
            answer = await self._answer(request, scope, receive)
        except FAULTS as error:
            fault = fault_of(error)
            answer = refusal(fault, headers)
            if request.method == "POST":
                self._refusals.note(fault, path=request.path, body=request.body, allowed=request.allowed)
        await _send(answer, send, head=request.method == "HEAD")

    async def _answer(self, request: Request, scope: Scope, receive: Receive) -> Answer:
        request.allowed = self._gate.known(request.headers)
        is_batch = request.path == BATCH_PATH and request.method == "POST"
        if not is_batch:
            self._desk.check(request)
        request.base = self._doorstep.base(scope, request.headers)
        request.query = scope["query_string"].decode("ascii")
        if request.method in ("POST", "PATCH", "PUT"):
            request.body = await _body(receive, request.headers)
        return await self._batches.answer(request) if is_batch else await self._desk.answer(request)


async def _body(receive: Receive, headers: Mapping[bytes, bytes]) -> bytes:
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


async def _send(answer: Answer, send: Send, *, head: bool) -> None:
    headers = [(b"content-length", str(len(answer.body)).encode())] if answer.status != 204 else []  # noqa: PLR2004  no body
    headers.append((b"x-content-type-options", b"nosniff"))
    if answer.content_type and answer.body:
        headers.append((b"content-type", answer.content_type.encode()))
    if answer.location:
        headers.append((b"location", answer.location.encode("latin-1")))
    headers += [(name.encode(), value.encode("latin-1")) for name, value in answer.headers.items()]
    if answer.retry_after_s:
        headers.append((b"retry-after", str(answer.retry_after_s).encode()))
    if answer.status == 401:  # noqa: PLR2004  RFC 9110 asks for the header
        headers.append((b"www-authenticate", b"Bearer"))
    if answer.status == 405:  # noqa: PLR2004  RFC 9110 asks for the header
        headers.append((b"allow", METHODS.encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else answer.body})
