"""Follows the device ledger from the data plane: read again when its version has moved, written to in batches."""

import asyncio
import logging
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any

from psycopg import AsyncConnection
from psycopg import Error as PsycopgError

log = logging.getLogger(__name__)

DEVICES_CHANNEL = "cityloop_devices"
"""NOTIFY channel that says the ledger has changed; the payload is empty."""

RELOAD_S = 2.0
"""Longest time a process that missed the NOTIFY goes by the ledger of before, seconds."""

_VERSION = "SELECT max(version) FROM convey_ledgerversion"

Connect = Callable[[], Awaitable[AsyncConnection[Any]]]


class LedgerFollower(ABC):
    """Keeps what it has read of the ledger fresh; a subclass says what it reads and what it writes back.

    Attributes:
        rest_s: span between two readings of a ledger that changes all the time, seconds.
    """

    rest_s = 0.0

    def __init__(self) -> None:
        """Know nothing yet."""
        self._version = -1
        self._loaded_at = -math.inf

    @abstractmethod
    async def load(self, connection: AsyncConnection[Any]) -> None:
        """Read the ledger."""

    async def write_back(self, connection: AsyncConnection[Any]) -> None:  # noqa: B027  most have nothing to write
        """Write down what was noticed since the last time; nothing by default."""

    async def load_if_changed(self, connection: AsyncConnection[Any]) -> bool:
        """Read the ledger if its version has moved; return whether it had."""
        row = await (await connection.execute(_VERSION)).fetchone()
        version = row[0] if row and row[0] is not None else 0
        if version == self._version:
            return False
        await self.load(connection)
        self._version = version
        return True

    async def follow(self, connect: Connect) -> None:
        """Keep fresh until cancelled: at every NOTIFY, and every `RELOAD_S` in any case.

        A lost connection is made again; until then what was last read stands.

        Args:
            connect: opens a connection of its own, directly to the server (LISTEN does not pass a transaction pooler).
        """
        while True:
            try:
                await self._follow_once(connect)
            except (OSError, PsycopgError) as error:
                log.warning("The device ledger cannot be followed: %s", str(error).partition("\n")[0])
                await asyncio.sleep(RELOAD_S)

    async def _follow_once(self, connect: Connect) -> None:
        connection = await connect()
        async with connection:
            await connection.set_autocommit(True)
            await connection.execute(f"LISTEN {DEVICES_CHANNEL}")
            while True:
                if time.monotonic() - self._loaded_at >= self.rest_s and await self.load_if_changed(connection):
                    self._loaded_at = time.monotonic()
                await self.write_back(connection)
                async for _ in connection.notifies(timeout=RELOAD_S, stop_after=1):
                    pass
