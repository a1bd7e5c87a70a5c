"""What the protocols refuse, on its way to where it is kept for inspection: bounded in number, counted in full."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg import Error as PsycopgError

from cityloop.kernel.instants import from_us
from cityloop.sense.stream.rejected import KEPT_MAX, Rejected, count_rejected, keep_rejected

log = logging.getLogger(__name__)

FLUSH_S = 1.0
"""How often refusals are written, seconds."""

WRITE_S_MAX = 10.0
"""How long writing them may take, seconds."""

Connect = Callable[[], Awaitable[AsyncConnection[Any]]]


class Refusals:
    """Collects refusals of all connections and writes them once a second.

    Of a flood the first `KEPT_MAX` a second are kept; all are counted. While the database is away the counts wait.
    """

    def __init__(self, connect: Connect) -> None:
        """Begin empty.

        Args:
            connect: opens a connection to the database.
        """
        self._connect = connect
        self._kept: list[Rejected] = []
        self._beyond: Counter[tuple[str, str, date]] = Counter()

    def note(self, item: Rejected) -> None:
        """Take note of a refusal; costs no waiting."""
        if len(self._kept) < KEPT_MAX:
            self._kept.append(item)
        else:
            self._beyond[item.mouth, item.reason, from_us(item.received_us).date()] += 1

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await asyncio.sleep(FLUSH_S)
            await self.flush()

    async def flush(self) -> None:
        """Write what has been collected; what cannot be written now waits."""
        if not self._kept and not self._beyond:
            return
        kept, beyond = self._kept, self._beyond
        self._kept, self._beyond = [], Counter()
        try:
            async with asyncio.timeout(WRITE_S_MAX), await self._connect() as connection:
                await keep_rejected(connection, kept)
                await count_rejected(connection, beyond)
        except (PsycopgError, OSError) as error:
            log.warning("Refusals could not be written: %s", str(error).strip().partition("\n")[0])
            for item in kept:
                self.note(item)
            self._beyond += beyond


def now_us() -> int:
    """Return the present, microseconds since the Unix epoch."""
    return int(datetime.now(UTC).timestamp() * 1_000_000)
