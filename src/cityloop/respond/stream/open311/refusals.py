"""Reports that could not be accepted are counted and set aside, without who sent them."""

import asyncio
import logging
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from cityloop.kernel.errors import CityloopError
from cityloop.kernel.instants import to_us
from cityloop.respond.rules.publicity import without_contacts
from cityloop.respond.stream.open311.fields import Fields
from cityloop.respond.stream.open311.reports import PERSON
from cityloop.sense.stream.rejected import Rejected, keep_rejected

MOUTH = "open311"
WAITING_MAX = 1000
"""Refusals of one second that are counted; a flood beyond is only logged, requests."""

PAYLOAD_CHARACTERS_MAX = 4000
"""How much of a refused report is set aside, characters."""

GATHER_S = 1.0
"""How long refusals are gathered before they are written, seconds."""

_NOT_KEPT = frozenset({*PERSON, "api_key"})
_log = logging.getLogger(__name__)


class Refusals:
    """Gathers refused reports and writes them in one go.

    Args:
        pool: connections that commit by themselves.
    """

    def __init__(self, pool: AsyncConnectionPool[Any]) -> None:
        """Nothing waits yet."""
        self._pool = pool
        self._waiting: list[Rejected] = []
        self._beyond = 0
        self._writer: asyncio.Task[None] | None = None

    def note(self, error: CityloopError, *, path: str, fields: Fields | None, at: datetime) -> None:
        """Set a refused report aside; returns at once.

        Args:
            error: why it was refused.
            path: where it was sent.
            fields: what it said, None where that could not be read.
            at: when.
        """
        if len(self._waiting) >= WAITING_MAX:
            self._beyond += 1
            return
        reason = type(error).__name__.removesuffix("Error")
        self._waiting.append(Rejected(MOUTH, reason, str(error), path, _payload(fields), to_us(at)))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())

    async def _write(self) -> None:
        await asyncio.sleep(GATHER_S)
        waiting, self._waiting = self._waiting, []
        if self._beyond:
            _log.warning("%d more refusals came within a second than are counted", self._beyond)
            self._beyond = 0
        try:
            async with self._pool.connection() as connection, connection.transaction():
                await keep_rejected(connection, waiting)
        except (psycopg.Error, PoolTimeout) as error:
            _log.warning("%d refusals could not be set aside: %s", len(waiting), error)


def _payload(fields: Fields | None) -> bytes:
    if fields is None:
        return b""
    told = [(name, without_contacts(value)) for name, values in fields.texts.items() for value in values]
    return urlencode([pair for pair in told if pair[0] not in _NOT_KEPT])[:PAYLOAD_CHARACTERS_MAX].encode()
