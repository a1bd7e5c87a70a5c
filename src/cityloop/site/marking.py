"""Opens what marks readings by the device ledger, for each process that has a pipeline."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

from psycopg import AsyncConnection

from cityloop.convey.stream.marks import Marks

CONNECT_S_MAX = 5
"""How long a connection may take, seconds."""


async def open_marks(stack: AsyncExitStack, dsn: str) -> Marks:
    """Return marks that have read the ledger and follow it until the stack closes.

    Args:
        stack: ends the following.
        dsn: of the database, directly.
    """

    async def connect() -> AsyncConnection[Any]:
        return await AsyncConnection.connect(dsn, connect_timeout=CONNECT_S_MAX)

    marks = Marks()
    async with await connect() as connection:
        await marks.load_if_changed(connection)
    follower = asyncio.create_task(marks.follow(connect), name="marks")
    stack.push_async_callback(_ended, follower)
    return marks


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
