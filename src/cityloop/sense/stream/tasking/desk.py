"""Brings tasks to devices, again where one comes back, and ends those whose time is over.

The table is the truth: what a message or a NOTIFY has missed is found within a second.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from psycopg import AsyncConnection
from psycopg import Error as PsycopgError

from cityloop.sense.stream.tasking.ending import end_overdue
from cityloop.sense.stream.tasking.giving import TASKS_CHANNEL

log = logging.getLogger(__name__)

LOOK_S = 1.0
"""How often tasks are looked at even if nobody says that there are new ones, seconds."""

TASKS_MAX = 2_000
"""Most tasks of one look; the rest come with the next."""

PAUSE_S = 1.0
"""Pause before the database is tried again, seconds."""

SEEN_MAX = 20_000
"""How many tasks are remembered as announced."""

_WAITING = f"""
    SELECT id, capability_id, status FROM sense_task WHERE ended_at IS NULL AND status IN ('created', 'delivered')
    ORDER BY id LIMIT {TASKS_MAX}
"""
_DELIVERED = """
    UPDATE sense_task SET deliveries = deliveries + 1, delivered_at = coalesce(delivered_at, now()),
        status = CASE status WHEN 'created' THEN 'delivered' ELSE status END
    WHERE id = %s
"""
"""A device may have reported before its delivery is noted; it was brought all the same."""


class Carrier(Protocol):
    """Brings a task where its device listens."""

    def is_heard(self, capability_id: int) -> bool:
        """Return whether anybody listens to the tasks of a capability."""
        ...

    async def carry(self, capability_id: int, task_id: int) -> bool:
        """Publish a task; return whether the transport has it."""
        ...

    def changed(self, task_id: int, *, is_new: bool) -> None:
        """Tell everybody else who listens that a task is new, or stands otherwise."""
        ...


class TaskDesk:
    """Looks after the tasks that wait.

    Args:
        connect: opens a connection that commits by itself, directly to the server.
        carrier: brings tasks to devices.
    """

    def __init__(self, connect: Callable[[], Awaitable[AsyncConnection[Any]]], carrier: Carrier) -> None:
        """Know of no tasks."""
        self._connect, self._carrier = connect, carrier
        self._returned: set[int] = set()
        self._announced: OrderedDict[int, None] = OrderedDict()
        self._news = asyncio.Event()

    def has_come(self, capability_id: int) -> None:
        """Note that somebody has begun to listen to the tasks of a capability: what waits is brought again."""
        self._returned.add(capability_id)
        self._news.set()

    async def run(self) -> None:
        """Look after tasks until cancelled; come back when the database does."""
        while True:
            try:
                async with await self._connect() as connection, asyncio.TaskGroup() as group:
                    hearing = group.create_task(self._hear())
                    await self._look_on(connection)
                    hearing.cancel()
            except* (OSError, PsycopgError) as errors:
                log.warning("Tasks wait: %s", errors.exceptions[0])
            await asyncio.sleep(PAUSE_S)

    async def _hear(self) -> None:
        async with await self._connect() as connection:
            await connection.execute(f"LISTEN {TASKS_CHANNEL}")
            async for _ in connection.notifies():
                self._news.set()

    async def _look_on(self, connection: AsyncConnection[Any]) -> None:
        while True:
            self._news.clear()
            await self.look(connection)
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def look(self, connection: AsyncConnection[Any]) -> None:
        """End what is overdue and bring what waits."""
        async with connection.transaction():
            ended = await end_overdue(connection)
        for task_id in ended:
            self._carrier.changed(task_id, is_new=False)
        returned, self._returned = self._returned, set()
        rows = await (await connection.execute(_WAITING)).fetchall()
        for task_id, capability_id, status in rows:
            self._announce(task_id, is_new=status == "created")
            if (status == "created" or capability_id in returned) and self._carrier.is_heard(capability_id):
                await self._bring(connection, capability_id, task_id)

    async def _bring(self, connection: AsyncConnection[Any], capability_id: int, task_id: int) -> None:
        """Bring a task; it counts as delivered only when the transport has taken it, so it may come twice."""
        if await self._carrier.carry(capability_id, task_id):
            await connection.execute(_DELIVERED, (task_id,))
            self._carrier.changed(task_id, is_new=False)

    def _announce(self, task_id: int, *, is_new: bool) -> None:
        if task_id in self._announced:
            return
        self._announced[task_id] = None
        if len(self._announced) > SEEN_MAX:
            self._announced.popitem(last=False)
        if is_new:
            self._carrier.changed(task_id, is_new=True)
