"""Carries the outbox to another node: rows in commit order, forgotten when that node says it has them."""

import asyncio
import json
import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg
from asgiref.sync import sync_to_async
from psycopg import AsyncConnection

from cityloop.convey.stream.nats import Nats, NatsAwayError, open_nats
from cityloop.convey.stream.nodes import subjects
from cityloop.convey.stream.nodes.envelope import (
    REQUEST_BYTES_MAX,
    Answer,
    EnvelopeUnreadableError,
    Request,
    Row,
    Status,
    answer_of,
    encoded,
)
from cityloop.convey.stream.nodes.outbox import Waiting, backlog, drop, waiting
from cityloop.kernel.instants import to_us
from cityloop.sense import facade as sense

log = logging.getLogger(__name__)

STATUS_S = 5.0
"""How often a node tells how it stands, seconds."""

LOOK_S = 0.1
"""How often it looks for what is new, seconds."""

PAUSE_S_MIN, PAUSE_S_MAX = 0.5, 5.0
"""Pause before speaking again to a node that does not answer, seconds, doubled from the least to the most."""

ANSWER_S_MAX = 30.0
"""How long a node may take to make a request durable, seconds."""


class RefusedError(Exception):
    """The other node does not take what we send; its word says why."""


class Forwarder:
    """Carries what waits for one node.

    Args:
        address: of our own transport, with the right to the nodes' account.
        dsn: of our database.
        me: number of this node.
        target: number of the other.
        incarnation: which database this is.
        version: of this product.
    """

    def __init__(self, address: str, dsn: str, *, me: int, target: int, incarnation: str, version: str) -> None:  # noqa: PLR0913  who speaks to whom
        """Carry nothing yet."""
        self._address, self._dsn, self._me, self._target = address, dsn, me, target
        self._incarnation, self._version = incarnation, version
        self._pause_s = PAUSE_S_MIN

    async def run(self) -> None:
        """Carry until cancelled; a cut cable, a database away and a node that refuses are waited out."""
        while True:
            try:
                await self._session()
            except (NatsAwayError, psycopg.Error, OSError, EnvelopeUnreadableError, RefusedError) as error:
                log.warning("Node %d: %s Trying again in %.1f s.", self._target, error, self._pause_s)
                await asyncio.sleep(self._pause_s)
                self._pause_s = min(2 * self._pause_s, PAUSE_S_MAX)

    async def _session(self) -> None:
        nats = await open_nats(self._address, inbox=subjects.inbox(self._me))
        try:
            async with await AsyncConnection.connect(self._dsn, autocommit=True) as connection:
                await self._carry(nats, connection)
        finally:
            nats.close()

    async def _carry(self, nats: Nats, connection: AsyncConnection[Any]) -> None:
        through, told_at = (await self._ask(nats, connection, after=-1, rows=())).through, time.monotonic()
        await self._tell_entities(nats)
        while True:
            rows = _fitting(await waiting(connection, self._target, after=through))
            if not rows and time.monotonic() - told_at < STATUS_S:
                await asyncio.sleep(LOOK_S)
                continue
            answer = await self._ask(nats, connection, after=through, rows=rows)
            told_at = time.monotonic()
            if answer.wants_entities:
                await self._tell_entities(nats)
                continue
            through = answer.through
            await drop(connection, self._target, through)
            self._pause_s = PAUSE_S_MIN

    async def _ask(
        self, nats: Nats, connection: AsyncConnection[Any], *, after: int, rows: Sequence[Waiting]
    ) -> Answer:
        behind = await backlog(connection, self._target)
        request = Request(
            self._me,
            self._incarnation,
            after,
            Status(
                self._version,
                to_us(datetime.now(UTC)),
                behind.rows,
                behind.readings,
                None if behind.oldest_at is None else to_us(behind.oldest_at),
            ),
            [Row(one.number, one.topic, to_us(one.made_at), one.payload) for one in rows],
        )
        subject = subjects.carried(self._target, self._me)
        answer = answer_of(await nats.request_bytes(subject, encoded(request), wait_s=ANSWER_S_MAX), node=self._target)
        if answer.refused:
            raise RefusedError(answer.refused)
        return answer

    async def _tell_entities(self, nats: Nats) -> None:
        for told in await sync_to_async(lambda: list(sense.told_things()))():
            for part in _in_parts(told):
                subject = subjects.entities(self._target, self._me)
                body = json.dumps(part, ensure_ascii=False).encode()
                answer = answer_of(await nats.request_bytes(subject, body, wait_s=ANSWER_S_MAX), node=self._target)
                if answer.refused:
                    raise RefusedError(answer.refused)


def _fitting(rows: list[Waiting]) -> list[Waiting]:
    """Return as many rows as one request carries, one at least."""
    total = 0
    for count, row in enumerate(rows):
        total += len(row.payload)
        if count and total > REQUEST_BYTES_MAX:
            return rows[:count]
    return rows


def _in_parts(told: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return things in parts that one message carries; a thing of very many datastreams goes alone."""
    parts: list[list[dict[str, Any]]] = [[]]
    size = 0
    for thing in told:
        own = len(json.dumps(thing, ensure_ascii=False).encode())
        if parts[-1] and size + own > REQUEST_BYTES_MAX:
            parts.append([])
            size = 0
        parts[-1].append(thing)
        size += own
    return [part for part in parts if part]
