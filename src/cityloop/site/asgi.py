"""The web application: `/sta`, OGC API Features, feeds and Open311 go to the data plane, everything else to Django.

The pool and the pipeline live as long as the web process (ASGI lifespan).
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AsyncExitStack
from typing import Any, cast

from django.core.asgi import get_asgi_application
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from cityloop.convey.stream.news.announcing import Announcements
from cityloop.convey.stream.sharing.application import ReadLog, build_sharing, is_shared, open_pool
from cityloop.registry.stream import Rights
from cityloop.respond.stream.open311.application import build_open311, is_open311
from cityloop.respond.stream.open311.pools import open_pools
from cityloop.sense.stream.sta.application import build
from cityloop.site.configuration import configuration
from cityloop.site.hub import outbox_of
from cityloop.site.marking import open_marks
from cityloop.site.metrics import beating
from cityloop.site.mouth import serving
from cityloop.site.operation.health import PATH as HEALTH_PATH
from cityloop.site.operation.health import Health
from cityloop.site.pipeline import open_pipeline
from cityloop.site.processes import home_folder
from cityloop.site.secrets import nats_url, postgres_dsn
from cityloop.site.tracing import Traced

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cityloop.site.settings")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

STA_PREFIX = "/sta"

PROCESS_NAME = "CITYLOOP_PROCESS"
"""Variable with the name of this web process, given by the supervisor."""

PHOTOS = "photos"
"""Folder of the photos of reports, below the data folder."""

POOL_SIZE_MIN, POOL_SIZE_MAX = 2, 10
"""Connections that answer reads; more would only queue in the database."""

POOL_WAIT_S = 10.0
"""How long a read waits for a connection before it is told to come again, seconds."""

CONNECT_S_MAX = 5
"""How long a connection may take, seconds."""

PAGE_BODY_BYTES_MAX = 2 * 2**20
"""Largest body of a form, bytes; Django would first write a larger one to the disk, whoever sends it."""

PAGE_BODY_S_MAX = 30.0
"""How long the body of a form may take to come in, seconds."""

_log = logging.getLogger("cityloop.web")


class Front:
    """Sends a request where it belongs, and opens and closes what the data plane needs.

    Args:
        pages: answers everything but the data plane.
        open_data_plane: opens the data plane on a stack that closes it.
    """

    def __init__(self, pages: Application, open_data_plane: Callable[[AsyncExitStack], Awaitable[Application]]) -> None:
        """Take both; the data plane is opened when the server starts."""
        self._pages = Traced(pages)
        self._open_data_plane = open_data_plane
        self._health = Health(configuration())
        self._data_plane: Application | None = None
        self._stack = AsyncExitStack()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or live through the server's life."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        path = scope["path"]
        if self._data_plane is not None and (is_shared(path) or _is_sta(path) or is_open311(path)):
            await self._data_plane(scope, receive, send)
            return
        if path == HEALTH_PATH:
            await self._health(scope, send)
            return
        if _says_too_much(scope):
            await _refuse_body(send)
            return
        await self._pages(scope, _bounded(receive), send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            told = (await receive())["type"]
            stage = told.rpartition(".")[2]
            try:
                if stage == "startup":
                    self._data_plane = await self._open_data_plane(self._stack)
                else:
                    await self._stack.aclose()
            except Exception as error:  # noqa: BLE001  told to the server, which ends the process
                _log.exception("%s failed", stage)
                await send({"type": f"{told}.failed", "message": str(error)})
                return
            await send({"type": f"{told}.complete"})
            if stage == "shutdown":
                return


def _is_sta(path: str) -> bool:
    return path == STA_PREFIX or path.startswith(STA_PREFIX + "/")


def _says_too_much(scope: Scope) -> bool:
    lengths = [value for name, value in scope.get("headers", ()) if name == b"content-length"]
    return any(not length.isdigit() or int(length) > PAGE_BODY_BYTES_MAX for length in lengths)


async def _refuse_body(send: Send) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": "内容过大 / The body is too large\n".encode()})


def _bounded(receive: Receive) -> Receive:
    """Return a `receive` that ends the request where its body is too large or comes in too slowly."""
    left, ends_at, is_whole = PAGE_BODY_BYTES_MAX, asyncio.get_running_loop().time() + PAGE_BODY_S_MAX, False

    async def bounded() -> MutableMapping[str, Any]:
        nonlocal left, is_whole
        if is_whole:
            return await receive()
        try:
            async with asyncio.timeout_at(ends_at):
                message = await receive()
        except TimeoutError:
            return {"type": "http.disconnect"}
        left -= len(message.get("body", b""))
        is_whole = not message.get("more_body", False)
        return message if left >= 0 else {"type": "http.disconnect"}

    return bounded


def process_name() -> str:
    """Return the name of this web process."""
    return os.environ.get(PROCESS_NAME, "web")


async def open_data_plane(stack: AsyncExitStack) -> Application:
    """Open the pools, the pipeline and the rights, and return the faces of the data plane on them.

    Args:
        stack: closes them again, the pipeline first.
    """
    settings = configuration()
    dsn = postgres_dsn(settings)
    pool: AsyncConnectionPool[Any] = AsyncConnectionPool(
        dsn, min_size=POOL_SIZE_MIN, max_size=POOL_SIZE_MAX, timeout=POOL_WAIT_S, open=False, name="sta"
    )
    await stack.enter_async_context(pool)
    pulse = asyncio.create_task(beating(process_name()), name="beating")
    stack.push_async_callback(_ended, pulse)
    rights = Rights()
    async with await _connect(dsn) as connection:
        await rights.load(connection)
    follower = asyncio.create_task(rights.follow(lambda: _connect(dsn)), name="rights")
    stack.push_async_callback(_ended, follower)
    news = Announcements(nats_url(settings))
    stack.push_async_callback(_ended, asyncio.create_task(news.run(), name="announcements"))
    marks = await open_marks(stack, dsn)
    pipeline = await open_pipeline(
        dsn,
        node=settings.node,
        process=process_name(),
        markers=(marks,),
        announcer=news,
        outbox=outbox_of(settings),
    )
    stack.push_async_callback(pipeline.close)
    stack.enter_context(serving(pipeline))
    shared = await open_pool(stack, dsn)
    sharing = build_sharing(shared, rights)
    sta = build(
        pool=pool,
        ingest=pipeline,
        rights=rights,
        anonymous=settings.sta_anonymous,
        hosts=settings.allowed_hosts.split(","),
        read_log=ReadLog(shared),
        news=news,
    )

    open311 = build_open311(
        pools=await open_pools(stack, dsn),
        keys=rights,
        photos=home_folder(settings) / PHOTOS,
        key_needed=settings.open311_key_needed,
        contact=settings.open311_contact,
        hosts=settings.allowed_hosts.split(","),
    )

    async def data_plane(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        await (sta if _is_sta(path) else open311 if is_open311(path) else sharing)(scope, receive, send)

    return data_plane


async def _connect(dsn: str) -> AsyncConnection[Any]:
    return await AsyncConnection.connect(dsn, connect_timeout=CONNECT_S_MAX)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


application = Front(cast("Application", get_asgi_application()), open_data_plane)
