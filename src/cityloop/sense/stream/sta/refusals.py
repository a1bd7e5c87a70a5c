"""What the API could not accept is set aside and counted, a second later and never without bound.

Whoever reaches for a device without the right to give tasks stands in the audit.
"""

import asyncio
import logging
import re
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool

from cityloop.kernel.errors import CityloopError
from cityloop.registry.stream import Denial, write_denials
from cityloop.sense.stream.rejected import Rejected, keep_rejected
from cityloop.sense.stream.sta.errors import TokenMayNotError
from cityloop.sense.stream.sta.observations import now_us
from cityloop.sense.stream.sta.rights import Allowed

MOUTH = "http"
WAITING_MAX = 1000
"""Refusals of one second that are counted; a flood beyond is only logged, requests."""

PAYLOAD_BYTES_MAX = 8 * 1024
"""How much of a refused body waits in memory, bytes."""

GATHER_S = 1.0
"""How long refusals are gathered before they are written, seconds."""

RIGHT = "command_devices"
"""The right that gives devices tasks, as the audit calls it."""

_TASKS = re.compile(r"(^|/)Tasks$")
_COUNTED = frozenset({400, 404, 409, 413, 422})
_log = logging.getLogger(__name__)


class Refusals:
    """Gathers refused readings and writes them in one go.

    Args:
        pool: connections that commit by themselves.
    """

    def __init__(self, pool: AsyncConnectionPool[Any]) -> None:
        """Nothing waits yet."""
        self._pool = pool
        self._waiting: list[Rejected] = []
        self._denials: list[Denial] = []
        self._beyond = 0
        self._writer: asyncio.Task[None] | None = None

    def note(self, error: CityloopError, *, path: str, body: bytes, allowed: Allowed | None = None) -> None:
        """Set a refused reading aside, or enter a task that was denied in the audit; returns at once.

        Args:
            error: why it was refused.
            path: where it was sent.
            body: what was sent, as far as it came.
            allowed: what the sender may do.
        """
        if error.status == TokenMayNotError.status and allowed is not None and _TASKS.search(path):
            self._deny(allowed, path)
        if error.status not in _COUNTED or not path.endswith("Observations"):
            return
        if len(self._waiting) >= WAITING_MAX:
            self._beyond += 1
            return
        reason = type(error).__name__.removesuffix("Error").removesuffix("Fault")
        payload = body[:PAYLOAD_BYTES_MAX]
        self._waiting.append(Rejected(MOUTH, reason, str(error), path, payload, now_us()))
        self._begin()

    def _deny(self, allowed: Allowed, path: str) -> None:
        if len(self._denials) >= WAITING_MAX:
            self._beyond += 1
            return
        self._denials.append(Denial(allowed.actor, RIGHT, f"POST {path}"))
        self._begin()

    def _begin(self) -> None:
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())

    async def _write(self) -> None:
        await asyncio.sleep(GATHER_S)
        waiting, self._waiting = self._waiting, []
        denials, self._denials = self._denials, []
        if self._beyond:
            _log.warning("%d more refusals came within a second than are counted", self._beyond)
            self._beyond = 0
        try:
            async with self._pool.connection() as connection, connection.transaction():
                await keep_rejected(connection, waiting)
                await write_denials(connection, denials)
        except psycopg.Error as error:
            _log.warning("%d refusals could not be set aside: %s", len(waiting), error)
