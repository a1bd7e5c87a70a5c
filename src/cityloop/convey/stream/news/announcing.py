"""Tells the notifier what a process has committed; it never waits, never raises, and costs nothing nobody wants."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable

import numpy as np

from cityloop.convey.stream.nats import Nats, NatsAwayError, open_nats
from cityloop.convey.stream.news.batches import (
    ENTITIES_SUBJECT,
    NOTHING_WANTED,
    READINGS_SUBJECT,
    ROWS_MAX,
    WANTED_SUBJECT,
    EntityNews,
    ReadingNews,
    Wanted,
    packed_entity,
    read_wanted,
)
from cityloop.sense.stream.readings import Kept, Outcome, Readings

log = logging.getLogger(__name__)

UNASKED_READINGS_MAX = 200
"""So many readings a second are announced whoever listens; of more, only those the notifier has asked for.

So a fresh subscriber hears the next reading before the notifier's wish has come here, and a flood costs nothing.
"""

BUFFER_BYTES_MAX = 8 * 2**20
"""Bound of what waits for a transport that is slow, bytes; what comes then is lost and counted."""

ENTITIES_MAX = 10_000
"""Bound of entities announced while the transport is away; the oldest are lost and counted."""

PAUSE_S = 1.0
"""Between two attempts to reach the transport, seconds."""


class Announcements:
    """Announces readings and entities; implements `sense`'s ports `Announcer` and `EntityNews`.

    Args:
        address: of the transport, as a user of our own account.
        elapsed_s: a clock.

    Attributes:
        lost: how many readings and entities could not be announced.
    """

    def __init__(self, address: str, *, elapsed_s: Callable[[], float] = time.monotonic) -> None:
        """Connect when it runs."""
        self._address, self._elapsed_s = address, elapsed_s
        self._nats: Nats | None = None
        self._wanted: Wanted = NOTHING_WANTED
        self._entities: deque[bytes] = deque()
        self._second, self._unasked = 0, 0
        self.lost = 0

    def announce(self, readings: Readings, kept: Kept) -> None:
        """Announce what of a committed batch is new."""
        rows = np.flatnonzero(kept.outcome == Outcome.KEPT)
        if not self._may_be_unasked(len(rows)):
            rows = rows[self._wanted.rows(readings.datastream_id[rows])]
        if not len(rows):
            return
        news = ReadingNews(readings.datastream_id[rows], readings.phenomenon_us[rows], kept.observation_id[rows])
        for first in range(0, len(news), ROWS_MAX):
            part = news.part(slice(first, first + ROWS_MAX))
            if not self._publish(READINGS_SUBJECT, part.packed()):
                self.lost += len(part)

    def _may_be_unasked(self, count: int) -> bool:
        second = int(self._elapsed_s())
        if second != self._second:
            self._second, self._unasked = second, 0
        self._unasked += count
        return self._unasked <= UNASKED_READINGS_MAX

    def changed(self, entity: str, entity_id: int, *, members: Iterable[str] | None) -> None:
        """Announce an entity; while the transport is away it waits."""
        message = packed_entity(EntityNews(entity, entity_id, None if members is None else tuple(members)))
        if self._publish(ENTITIES_SUBJECT, message):
            return
        self._entities.append(message)
        if len(self._entities) > ENTITIES_MAX:
            self._entities.popleft()
            self.lost += 1

    def _publish(self, subject: str, payload: bytes) -> bool:
        if self._nats is None or self._nats.waiting_bytes > BUFFER_BYTES_MAX:
            return False
        self._nats.publish(subject.encode(), payload)
        return True

    async def run(self) -> None:
        """Stay connected until cancelled."""
        while True:
            try:
                await self._session()
            except NatsAwayError as error:
                log.warning("News are not announced: %s", error)
            await asyncio.sleep(PAUSE_S)

    async def _session(self) -> None:
        nats = await open_nats(self._address)
        try:
            nats.subscribe(WANTED_SUBJECT)
            self._nats = nats
            while self._entities and self._publish(ENTITIES_SUBJECT, self._entities[0]):
                self._entities.popleft()
            while True:
                await nats.news()
                while nats.deliveries:
                    self._wanted = read_wanted(nats.deliveries.popleft().payload)
                nats.statuses.clear()
        finally:
            self._nats, self._wanted = None, NOTHING_WANTED
            nats.close()
