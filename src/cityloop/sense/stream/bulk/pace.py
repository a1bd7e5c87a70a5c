"""Loading gives way: it feels how long a durable commit takes and rests while that is longer than it was."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Any

from psycopg import AsyncConnection

SLOWER = 4.0
"""How many times slower than at rest a commit may become before loading pauses."""

COMMIT_S_MIN = 0.02
"""Commits shorter than this never make it pause, seconds."""

PROBES = 9
"""Commits that tell how fast the database is at rest."""

PAUSE_S = 0.5
"""Length of a pause, seconds."""

PAUSES_MAX = 20
"""Pauses in a row; then a piece is loaded all the same, or a database that has become slow would never be filled."""

_PROBE = "SELECT pg_logical_emit_message(TRUE, 'cityloop', 'load')"
"""A transaction that writes nothing but the log, and waits for the disk as every commit does."""


class Pace:
    """Decides when to pause.

    Args:
        connection: autocommitting, of its own.
        rest: waits for a span in seconds.
        elapsed_s: a clock.
    """

    def __init__(
        self,
        connection: AsyncConnection[Any],
        *,
        rest: Callable[[float], Awaitable[None]] = asyncio.sleep,
        elapsed_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Know nothing of the database yet."""
        self._connection, self._rest, self._elapsed_s = connection, rest, elapsed_s
        self._at_rest_s = 0.0
        self.commit_s = 0.0
        self.pauses = 0

    async def begin(self) -> None:
        """Feel how fast the database is before loading begins."""
        self._at_rest_s = median([await self._probed() for _ in range(PROBES)])

    async def give_way(self) -> None:
        """Return when loading may go on."""
        for _ in range(PAUSES_MAX):
            self.commit_s = await self._probed()
            if self.commit_s <= max(COMMIT_S_MIN, SLOWER * self._at_rest_s):
                return
            self.pauses += 1
            await self._rest(PAUSE_S)

    async def _probed(self) -> float:
        began = self._elapsed_s()
        await self._connection.execute(_PROBE)
        return self._elapsed_s() - began
