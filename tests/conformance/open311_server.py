"""Open311 alone on a database of its own, for the conformance tests."""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from cityloop.registry.stream import Rights
from cityloop.respond.stream.open311.application import build_open311, open_pool
from cityloop.respond.stream.open311.pace import Gate, Pace

Message = MutableMapping[str, Any]
UNHURRIED = Pace(burst=100_000, a_minute=6_000_000)
"""What the tests may report from one address, but for the one that asks for less."""


class Served:
    """Opens the pool when the server starts, and closes it when it ends."""

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
        pool = await open_pool(self._stack, os.environ["CITYLOOP_POSTGRES_DSN"])
        rights = Rights()
        async with pool.connection() as connection:
            await rights.load(connection)
        is_slow = os.environ.get("OPEN311_PACE") == "anybody"
        self._application = build_open311(
            pool=pool,
            keys=rights,
            photos=Path(os.environ["OPEN311_PHOTOS"]),
            key_needed=os.environ.get("OPEN311_KEY_NEEDED") == "yes",
            contact="city@example.org",
            gate=Gate() if is_slow else Gate(anybody=UNHURRIED),
        )


application = Served()
