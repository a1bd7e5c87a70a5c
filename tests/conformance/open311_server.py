"""Open311 alone on a database of its own, for the conformance tests."""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from cityloop.registry.stream import Rights
from cityloop.respond.stream.open311.application import build_open311
from cityloop.respond.stream.open311.pace import Gate, Pace
from cityloop.respond.stream.open311.pools import open_pools

Message = MutableMapping[str, Any]
UNHURRIED = Pace(burst=100_000, a_minute=6_000_000)
"""What the tests may report and read from one address, but for those that ask for less."""

GATES = {
    "unhurried": Gate(anybody=UNHURRIED, reading=UNHURRIED),
    "anybody": Gate(),
    "slow readers": Gate(reading=Pace(burst=100, a_minute=1)),
}


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
        pools = await open_pools(self._stack, os.environ["CITYLOOP_POSTGRES_DSN"])
        rights = Rights()
        async with pools.intake.connection() as connection:
            await rights.load(connection)
        self._application = build_open311(
            pools=pools,
            keys=rights,
            photos=Path(os.environ["OPEN311_PHOTOS"]),
            key_needed=os.environ.get("OPEN311_KEY_NEEDED") == "yes",
            contact="city@example.org",
            gate=GATES[os.environ.get("OPEN311_PACE", "unhurried")],
        )


application = Served()
