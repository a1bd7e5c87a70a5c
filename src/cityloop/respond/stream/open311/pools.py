"""Connections of this door: reports have their own, so that no flood of readers keeps a report out."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from psycopg_pool import AsyncConnectionPool

READING_SIZE_MAX = 6
"""Connections of readers in one process."""

INTAKE_SIZE_MAX = 2
"""Connections of reports in one process: one writes a batch, one reads the library or sets refusals aside."""

POOL_WAIT_S = 5.0
"""How long a request waits for a connection, seconds."""

STATEMENT_MS_MAX = 10_000
"""Longest time a question may take in the database, milliseconds."""


@dataclass(frozen=True, slots=True)
class Pools:
    """Connections that commit by themselves.

    Attributes:
        reading: for requests that are read.
        intake: for reports, what is refused of them, and the library they need.
    """

    reading: AsyncConnectionPool[Any]
    intake: AsyncConnectionPool[Any]


async def open_pools(stack: AsyncExitStack, dsn: str) -> Pools:
    """Open the connections of this door.

    Args:
        stack: closes them again.
        dsn: of the database.
    """
    return Pools(
        reading=await _open(stack, dsn, "open311", READING_SIZE_MAX),
        intake=await _open(stack, dsn, "open311-intake", INTAKE_SIZE_MAX),
    )


async def _open(stack: AsyncExitStack, dsn: str, name: str, size_max: int) -> AsyncConnectionPool[Any]:
    pool: AsyncConnectionPool[Any] = AsyncConnectionPool(
        dsn,
        min_size=1,
        max_size=size_max,
        timeout=POOL_WAIT_S,
        kwargs={"autocommit": True, "options": f"-c statement_timeout={STATEMENT_MS_MAX} -c TimeZone=UTC"},
        open=False,
        name=name,
    )
    await stack.enter_async_context(pool)
    return pool
