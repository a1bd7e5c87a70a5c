"""The live feed: facts of the journal and the living numbers, from one listener a process to every open wall.

Free of Django. A process listens on one connection of its own and only while somebody watches; each watcher has a
bounded queue, and one that cannot keep up is dropped and counted: it comes back by itself and says where it was.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import psycopg

CHANNEL = "cityloop_journal"
QUEUE_MAX = 256
"""Messages a watcher may lie behind before it is dropped: some minutes of a busy city."""
READ_MAX = 200
"""Facts read at once."""
RESUME_MAX = 500
"""Facts a returning watcher is given; one that missed more is told to read the whole picture again."""
TICK_S = 1.0
"""Between two sets of numbers, seconds."""
LOOK_S = 0.5
"""A look at the journal without being called, seconds: a NOTIFY may come while an older transaction still runs."""
SETTLE_S = 0.02
"""After a call that found nothing: how long until the next look, seconds."""
SETTLE_LOOKS = 25
REST_S = 1.0
"""After a lost connection, seconds."""

KINDS = (
    "decided.AlarmRaised",
    "decided.AlarmLevelChanged",
    "decided.AlarmAcknowledged",
    "decided.AlarmShelved",
    "decided.AlarmUnshelved",
    "decided.AlarmRepeated",
    "decided.AlarmSuppressed",
    "decided.AlarmReleased",
    "decided.AlarmFloodBegan",
    "decided.AlarmFloodEnded",
    "decided.AlarmCleared",
    "decided.AlarmClosed",
    "responded.CaseOpened",
    "responded.CaseStepped",
    "responded.CaseClosed",
    "assessed.IndicatorValued",
    "assessed.ShortfallFound",
    "commanded.ShiftHandedOver",
)
"""Kinds of fact a wall shows; readings are counted by the numbers and never sent one by one."""

_AFTER = """
    SELECT transaction, sequence, fact_id::text, kind, happened_at, actor, area, body FROM journal_fact
    WHERE (transaction, sequence) > (%s, %s)
      AND transaction < pg_snapshot_xmin(pg_current_snapshot())::text::bigint AND kind = ANY(%s)
    ORDER BY transaction, sequence LIMIT %s
"""
_HORIZON = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1"

Numbers = Callable[[], Awaitable[dict[str, Any]]]
Place = tuple[int, int]
"""A position of the journal: (transaction, sequence)."""
BEGINNING: Place = (0, 0)
PLACE_DIGITS_MAX = 18
"""Longest number of a position that is looked at, digits: it fits a bigint."""


def place_of(text: str) -> Place | None:
    """Return the position a Last-Event-ID names, None where it names none."""
    transaction, _, sequence = text.partition(":")
    parts = (transaction, sequence)
    is_place = all(part.isdecimal() and len(part) <= PLACE_DIGITS_MAX for part in parts)
    return (int(transaction), int(sequence)) if is_place else None


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the feed.

    Attributes:
        event: `fact, numbers, reload` or `beat`.
        data: JSON values.
        place: of a fact, where it stands in the journal.
    """

    event: str
    data: dict[str, Any]
    place: Place | None = None

    def frame(self) -> bytes:
        """Return the message as server-sent events write it."""
        lines = [f"id: {self.place[0]}:{self.place[1]}"] if self.place else []
        lines += [f"event: {self.event}", f"data: {msgspec.json.encode(self.data).decode()}"]
        return ("\n".join(lines) + "\n\n").encode()


@dataclass(slots=True, eq=False)
class Watcher:
    """One open wall: what it missed, then what comes."""

    missed: deque[Message] = field(default_factory=deque)
    queue: asyncio.Queue[Message] = field(default_factory=lambda: asyncio.Queue(QUEUE_MAX))
    dropped: bool = False

    async def next(self) -> Message | None:
        """Return the next message, None when the watcher has been dropped and has seen what was left for it."""
        if self.missed:
            return self.missed.popleft()
        return None if self.dropped and self.queue.empty() else await self.queue.get()


class Hub:
    """Listens once for all walls of the process.

    Attributes:
        place: how far the journal has been read.
        dropped: watchers that could not keep up, since the process began.
        failures: how often the connection was lost.
    """

    def __init__(self, dsn: str, *, numbers: Numbers) -> None:
        """Take the address of the database (a direct one: LISTEN does not pass a transaction pooler).

        Args:
            dsn: address of the database.
            numbers: yields the living numbers; called once a second, only while somebody watches.
        """
        self.place = BEGINNING
        self.dropped = 0
        self.failures = 0
        self._dsn = dsn
        self._numbers = numbers
        self._watchers: set[Watcher] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._listening = asyncio.Event()

    @property
    def watching(self) -> int:
        """Return how many walls are open at this process."""
        return len(self._watchers)

    @asynccontextmanager
    async def watch(self, *, since: Place | None = None) -> AsyncIterator[Watcher]:
        """Open a watcher; the first starts the listener, the last stops it.

        Args:
            since: what a returning watcher has seen; what it missed comes before what is new.
        """
        watcher = Watcher()
        self._watchers.add(watcher)
        self._start()
        try:
            await self._listening.wait()
            if since:
                watcher.missed.extend(await self._missed(since, until=self.place))
            yield watcher
        finally:
            self._watchers.discard(watcher)
            if not self._watchers:
                await self._stop()

    def _start(self) -> None:
        if not self._tasks:
            self._listening.clear()
            self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._count())]

    async def _stop(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _missed(self, since: Place, *, until: Place) -> list[Message]:
        """Return what lies between a returning watcher and the hub; too much is one message to read all again."""
        async with await psycopg.AsyncConnection.connect(self._dsn, autocommit=True) as connection:
            found = await _facts_after(connection, since, limit=RESUME_MAX)
        if len(found) == RESUME_MAX:
            return [Message("reload", {"missed": RESUME_MAX})]
        return [message for message in found if message.place and message.place <= until]

    async def _listen(self) -> None:
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(self._dsn, autocommit=True) as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    await self._begin(connection)
                    await self._follow(connection)
            except psycopg.OperationalError:
                self.failures += 1
                await asyncio.sleep(REST_S)

    async def _begin(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Begin at the newest complete position; after a lost connection go on where it was lost."""
        if not self._listening.is_set():
            row = await (await connection.execute(_HORIZON)).fetchone()
            self.place = (row[0] if row else 0, 2**63 - 1)
        self._listening.set()

    async def _follow(self, connection: psycopg.AsyncConnection[Any]) -> None:
        while True:
            called = False
            async for _ in connection.notifies(timeout=LOOK_S, stop_after=1):
                called = True
            for _ in range(SETTLE_LOOKS if called else 1):
                if await self._read(connection):
                    break
                await asyncio.sleep(SETTLE_S)

    async def _read(self, connection: psycopg.AsyncConnection[Any]) -> bool:
        found = await _facts_after(connection, self.place, limit=READ_MAX)
        for message in found:
            self._send(message)
            self.place = message.place or self.place
        return bool(found)

    async def _count(self) -> None:
        while True:
            try:
                self._send(Message("numbers", await self._numbers()))
            except Exception as error:  # noqa: BLE001  a wall without numbers goes on showing facts, and says so
                self._send(Message("beat", {"numbers": type(error).__name__}))
            await asyncio.sleep(TICK_S)

    def _send(self, message: Message) -> None:
        for watcher in list(self._watchers):
            try:
                watcher.queue.put_nowait(message)
            except asyncio.QueueFull:
                watcher.dropped = True
                self._watchers.discard(watcher)
                self.dropped += 1


async def _facts_after(connection: psycopg.AsyncConnection[Any], place: Place, *, limit: int) -> list[Message]:
    cursor = await connection.execute(_AFTER, (*place, list(KINDS), limit))
    return [
        Message(
            "fact",
            {"fact_id": fact_id, "kind": kind, "happened_at": at.isoformat(), "actor": actor, "area": area, **body},
            (transaction, sequence),
        )
        async for transaction, sequence, fact_id, kind, at, actor, area, body in cursor
    ]
