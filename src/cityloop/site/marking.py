"""Opens what the device ledger knows, for each process that has a pipeline."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any, TypeVar

from psycopg import AsyncConnection

from cityloop.convey.stream.devices import Ledger
from cityloop.convey.stream.ledger import LedgerFollower
from cityloop.convey.stream.marks import Marks

Reader = TypeVar("Reader", bound=LedgerFollower)

CONNECT_S_MAX = 5
"""How long a connection may take, seconds."""


async def open_marks(stack: AsyncExitStack, dsn: str) -> Marks:
    """Return marks that have read the ledger and follow it until the stack closes.

    Args:
        stack: ends the following.
        dsn: of the database, directly.
    """
    return await _following(stack, dsn, Marks())


async def open_ledger(stack: AsyncExitStack, dsn: str) -> Ledger:
    """Return the ledger of devices, read, and kept fresh until the stack closes.

    Args:
        stack: ends the following.
        dsn: of the database, directly.
    """
    return await _following(stack, dsn, Ledger())


async def _following(stack: AsyncExitStack, dsn: str, reader: Reader) -> Reader:
    async def connect() -> AsyncConnection[Any]:
        return await AsyncConnection.connect(dsn, connect_timeout=CONNECT_S_MAX)

    async with await connect() as connection:
        await reader.load_if_changed(connection)
    follower = asyncio.create_task(reader.follow(connect), name=type(reader).__name__.lower())
    stack.push_async_callback(_ended, follower)
    return reader


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
