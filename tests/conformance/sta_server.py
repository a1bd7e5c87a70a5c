"""The SensorThings API alone with the real pipeline, open to everybody, for the conformance tests' own database."""

import asyncio
import os
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AsyncExitStack
from typing import Any

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from cityloop.convey.stream.news.announcing import Announcements
from cityloop.registry.stream import Rights
from cityloop.sense.stream.sta import build
from cityloop.site.pipeline import open_pipeline

Message = MutableMapping[str, Any]


class Served:
    """Opens pool and pipeline when the server starts, and closes them when it ends."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self._application: Any = None

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        if scope["type"] == "http":
            await self._application(scope, receive, send)
            return
        while (await receive())["type"] == "lifespan.startup":
            await self._open()
            await send({"type": "lifespan.startup.complete"})
        await self._stack.aclose()
        await send({"type": "lifespan.shutdown.complete"})

    async def _open(self) -> None:
        dsn = os.environ["CITYLOOP_POSTGRES_DSN"]
        pool: AsyncConnectionPool[Any] = AsyncConnectionPool(dsn, min_size=1, max_size=4, open=False)
        await self._stack.enter_async_context(pool)
        news = Announcements(os.environ["STA_NEWS"]) if "STA_NEWS" in os.environ else None
        if news is not None:
            self._stack.callback(asyncio.create_task(news.run()).cancel)
        pipeline = await open_pipeline(dsn, node=0, process="conformance", announcer=news)
        self._stack.push_async_callback(pipeline.close)
        rights = Rights()
        async with pool.connection() as connection:
            await rights.load(connection)
        follower = asyncio.create_task(rights.follow(lambda: AsyncConnection.connect(dsn)))
        self._stack.callback(follower.cancel)
        is_open = os.environ["STA_ANONYMOUS"] == "yes"
        self._application = build(
            pool=pool, ingest=pipeline, rights=rights, anonymous=is_open, page_size=20, page_max=50, news=news
        )


application = Served()
