"""The notifier: hears what the city's processes announce and tells it on the public topics that anybody listens to."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from cityloop.convey.stream.nats import Nats, NatsAwayError, open_nats
from cityloop.convey.stream.news.batches import (
    ENTITIES_SUBJECT,
    READINGS_SUBJECT,
    WANTED_SUBJECT,
    EntityNews,
    NewsUnreadableError,
    ReadingNews,
    read_entity,
    read_readings,
)
from cityloop.convey.stream.news.interest import Heard, Interest
from cityloop.convey.stream.news.rendering import Changes, Renderer
from cityloop.convey.stream.news.watching import SESSIONS, listed, subscribed

log = logging.getLogger(__name__)

TICK_S = 0.05
"""News that come within so long of the last are told together, seconds."""

LIST_S_MIN = 0.5
"""How often the transport is asked who listens, seconds; less often where its answer takes long."""

LIST_SHARE = 20
"""So many times as long as the answer took is waited at least."""

WAITING_READINGS_MAX = 200_000
"""Bound of readings that wait to be told; what comes then is not told, counted and said."""

WAITING_ENTITIES_MAX = 50_000
"""Bound of entities that wait to be told."""

RECENT_S = 3.0
"""What was news so long ago is kept for topics found on the list only, seconds."""

RECENT_READINGS_MAX = 20_000
"""Bound of the readings kept so."""

PAUSE_S = 1.0
"""Between two attempts to reach the transport, seconds."""

SAY_S = 10.0
"""How often losses are said, seconds."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the transport is, as three users: our own account, the account of MQTT clients, the system's."""

    own: str
    clients: str
    system: str


@dataclass(slots=True)
class Figures:
    """What the notifier has done.

    Attributes:
        told: messages published.
        lost: readings and entities that were not told, for there were too many.
    """

    told: int = 0
    lost: int = 0


class Notifier:
    """Tells news; run it in a process of its own.

    Args:
        addresses: of the transport.
        renderer: finds what is to be published.
        on_listener: called with the subjects to which somebody has just come.

    Attributes:
        interest: who listens to what.
        figures: what has been done.
    """

    def __init__(
        self,
        addresses: Addresses,
        renderer: Renderer,
        *,
        on_listener: Callable[[set[str]], None] = lambda _: None,
    ) -> None:
        """Connect when it runs."""
        self._addresses, self._renderer, self._on_listener = addresses, renderer, on_listener
        self.interest, self.figures = Interest(), Figures()
        self._changes = Changes()
        self._closed: list[tuple[Changes, Heard]] = []
        self._waiting_readings = self._waiting_entities = 0
        self._recent: deque[tuple[float, ReadingNews | EntityNews]] = deque()
        self._recent_readings = 0
        self._news = asyncio.Event()
        self._nats: Nats | None = None
        self._said_at = float("-inf")

    async def run(self) -> None:
        """Serve until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(_again(self._listen, "announcements"))
            group.create_task(_again(self._watch_list, "subscriptions"))
            group.create_task(_again(self._watch_sessions, "sessions"))
            group.create_task(self._tell())

    def changed(self, news: EntityNews) -> None:
        """Take an entity that this process itself has changed."""
        if self._waiting_entities >= WAITING_ENTITIES_MAX:
            self._lose(1)
            return
        self._waiting_entities += 1
        self._changes.add_entity(news)
        self._remember(news)
        self._news.set()

    def publish(self, subject: str, payload: bytes) -> bool:
        """Publish on a public topic; return whether the transport is there."""
        if self._nats is None or self._nats.lost is not None:
            return False
        self._nats.publish(subject.encode(), payload)
        self.figures.told += 1
        return True

    async def _listen(self) -> None:
        nats = await open_nats(self._addresses.own)
        try:
            nats.subscribe(READINGS_SUBJECT)
            nats.subscribe(ENTITIES_SUBJECT)
            await nats.probe()
            self._nats = nats
            self._say_wanted()
            while True:
                await nats.news()
                while nats.deliveries:
                    delivery = nats.deliveries.popleft()
                    self._take(delivery.subject.decode(), delivery.payload)
                nats.statuses.clear()
        finally:
            self._nats = None
            nats.close()

    def _take(self, subject: str, payload: bytes) -> None:
        try:
            if subject == ENTITIES_SUBJECT:
                self.changed(read_entity(payload))
            else:
                self._take_readings(read_readings(payload))
        except NewsUnreadableError as error:
            log.warning("%s", error)

    def _take_readings(self, news: ReadingNews) -> None:
        if self._waiting_readings + len(news) > WAITING_READINGS_MAX:
            self._lose(len(news))
            return
        self._remember(news)
        if self.interest.heard:
            self._waiting_readings += len(news)
            self._changes.readings.append(news)
            self._news.set()

    def _lose(self, count: int) -> None:
        self.figures.lost += count
        if time.monotonic() - self._said_at > SAY_S:
            self._said_at = time.monotonic()
            log.warning("More news than can be told: %d were not", self.figures.lost)

    def _remember(self, news: ReadingNews | EntityNews) -> None:
        self._recent.append((time.monotonic(), news))
        self._recent_readings += len(news) if isinstance(news, ReadingNews) else 0
        old = time.monotonic() - RECENT_S
        while self._recent and (
            self._recent[0][0] < old
            or self._recent_readings > RECENT_READINGS_MAX
            or len(self._recent) > RECENT_READINGS_MAX
        ):
            _, gone = self._recent.popleft()
            self._recent_readings -= len(gone) if isinstance(gone, ReadingNews) else 0

    async def _tell(self) -> None:
        told_at = float("-inf")
        while True:
            await self._news.wait()
            await asyncio.sleep(max(0.0, told_at + TICK_S - time.monotonic()))
            told_at = time.monotonic()
            self._news.clear()
            self._close()
            closed, self._closed = self._closed, []
            self._waiting_readings = self._waiting_entities = 0
            for changes, heard in closed:
                await self._tell_one(changes, heard)

    def _close(self) -> None:
        """Set what waits aside for those who listen now: who comes later hears only what happens later."""
        if self._changes:
            self._closed.append((self._changes, self.interest.heard))
            self._changes = Changes()

    async def _tell_one(self, changes: Changes, heard: Heard) -> None:
        if not heard or not changes:
            return
        try:
            for subject, payload in await self._renderer.told(changes, heard):
                self.publish(subject, payload)
        except Exception:  # one tick never stops the notifier
            log.exception("News could not be told")

    async def _watch_list(self) -> None:
        system = await open_nats(self._addresses.system)
        asked_at = time.monotonic()
        try:
            while True:
                before, asked_at, known = asked_at, time.monotonic(), self.interest.subjects()
                found = await listed(system)
                self._close()
                fresh = self.interest.list_is(found, now_s=asked_at)
                took_s = time.monotonic() - asked_at
                if fresh:
                    self._on_listener(fresh)
                self._say_wanted()
                await self._catch_up(fresh - known, since=before)
                await asyncio.sleep(max(LIST_S_MIN, LIST_SHARE * took_s))
        finally:
            system.close()

    async def _catch_up(self, subjects: set[str], *, since: float) -> None:
        """Tell topics that were found on the list only what has been news since the list before."""
        if not subjects or not self._recent:
            return
        changes, fresh = Changes(), Interest()
        for at, news in self._recent:
            if at >= since and isinstance(news, ReadingNews):
                changes.readings.append(news)
            elif at >= since and isinstance(news, EntityNews):
                changes.add_entity(news)
        fresh.list_is({subject: frozenset({0}) for subject in subjects}, now_s=since)
        await self._tell_one(changes, fresh.heard)

    async def _watch_sessions(self) -> None:
        clients = await open_nats(self._addresses.clients)
        try:
            clients.subscribe(SESSIONS)
            while True:
                await clients.news()
                while clients.deliveries:
                    session = clients.deliveries.popleft()
                    client, subjects = session.subject.decode(), subscribed(session.payload)
                    self._close()
                    if fresh := self.interest.has_subscribed(client, subjects, now_s=time.monotonic()):
                        self._say_wanted()
                        self._on_listener(fresh)
                clients.statuses.clear()
        finally:
            clients.close()

    def _say_wanted(self) -> None:
        if self._nats is not None and self._nats.lost is None:
            self._nats.publish(WANTED_SUBJECT.encode(), self.interest.heard.wanted().packed())


async def _again(session: Callable[[], Awaitable[None]], name: str) -> None:
    """Hold a session, and hold it again when the transport comes back."""
    while True:
        try:
            await session()
        except NatsAwayError as error:
            log.warning("No %s are heard: %s", name, error)
        await asyncio.sleep(PAUSE_S)
