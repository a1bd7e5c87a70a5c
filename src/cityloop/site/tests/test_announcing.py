"""What processes announce, on a real NATS server: little is announced to everybody, a flood only where it is wanted."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import numpy as np
import pytest

from cityloop.convey.stream.nats import Nats, open_nats
from cityloop.convey.stream.news.announcing import ENTITIES_MAX, UNASKED_READINGS_MAX, Announcements
from cityloop.convey.stream.news.batches import (
    ENTITIES_SUBJECT,
    READINGS_SUBJECT,
    WANTED_SUBJECT,
    Wanted,
    read_entity,
    read_readings,
)
from cityloop.sense.stream.readings import NO_TIME, Kept, Outcome, Readings
from cityloop.site.configuration import Configuration
from cityloop.site.engines.throwaway import running_nats, throwaway_home
from cityloop.site.ports import free_port
from cityloop.site.secrets import nats_url

DEADLINE_S = 30.0


@pytest.fixture(scope="module")
def configuration() -> Iterator[Configuration]:
    with throwaway_home() as home:
        yield Configuration(home=home, nats_port=free_port(), mqtt_port=free_port())


@pytest.fixture
def server(configuration: Configuration) -> Iterator[None]:
    with running_nats(configuration):
        yield


def batch(streams: list[int], *, outcome: Outcome = Outcome.KEPT) -> tuple[Readings, Kept]:
    count = len(streams)
    zeros = np.zeros(count, dtype=np.int64)
    readings = Readings(
        np.array(streams, dtype=np.int64), np.arange(count), zeros.astype(float), zeros.astype(np.uint8),
        np.full(count, NO_TIME), zeros, 0,
    )  # fmt: skip
    return readings, Kept(np.arange(1, count + 1), np.full(count, outcome, dtype=np.uint8))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110  polled
            await asyncio.sleep(0.01)


@pytest.fixture
async def notifier(server: None, configuration: Configuration) -> AsyncIterator[Nats]:  # noqa: ARG001  runs first
    """Yield a connection that hears what is announced."""
    nats = await open_nats(nats_url(configuration))
    nats.subscribe("news.>")
    await nats.probe()
    yield nats
    nats.close()


@pytest.fixture
async def announcements(configuration: Configuration) -> AsyncIterator[Announcements]:
    seconds = [0.0]
    found = Announcements(nats_url(configuration), elapsed_s=lambda: seconds[0])
    running = asyncio.create_task(found.run())
    yield found
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def heard(nats: Nats, subject: str, count: int) -> list[bytes]:
    """Return the payloads that have come on a subject when there are enough."""
    found: list[bytes] = []
    async with asyncio.timeout(DEADLINE_S):
        while len(found) < count:
            await nats.news()
            while nats.deliveries:
                delivery = nats.deliveries.popleft()
                if delivery.subject == subject.encode():
                    found.append(delivery.payload)
    return found


async def connected(announcements: Announcements) -> None:
    announcements.changed("Things", 1, members=None)
    await until(lambda: announcements._nats is not None)


async def test_little_is_announced_whoever_listens_and_only_what_is_new(
    notifier: Nats, announcements: Announcements
) -> None:
    await connected(announcements)
    announcements.announce(*batch([1, 2], outcome=Outcome.DUPLICATE))
    announcements.announce(*batch([3, 4]))
    news = read_readings((await heard(notifier, READINGS_SUBJECT, 1))[0])
    assert news.datastream_id.tolist() == [3, 4]
    assert news.observation_id.tolist() == [1, 2]


async def test_of_a_flood_only_what_is_wanted_is_announced(notifier: Nats, announcements: Announcements) -> None:
    await connected(announcements)
    announcements.announce(*batch([1] * (UNASKED_READINGS_MAX + 1)))
    notifier.publish(WANTED_SUBJECT.encode(), Wanted(False, np.array([2, 5])).packed())  # noqa: FBT003  a field
    await until(lambda: len(announcements._wanted.streams) == 2)
    announcements.announce(*batch([1, 2, 3, 5] * 1000))
    found = read_readings((await heard(notifier, READINGS_SUBJECT, 1))[0])
    assert sorted(set(found.datastream_id.tolist())) == [2, 5]
    assert len(found) == 2000
    assert announcements.lost == 0


async def test_while_the_transport_is_away_entities_wait_and_readings_are_counted(
    announcements: Announcements, configuration: Configuration
) -> None:
    announcements.announce(*batch([1, 2, 3]))
    for key in range(ENTITIES_MAX + 5):
        announcements.changed("Things", key, members=("name",))
    assert announcements.lost == 3 + 5
    with running_nats(configuration):
        nats = await open_nats(nats_url(configuration))
        nats.subscribe("news.>")
        await nats.probe()
        told = await heard(nats, ENTITIES_SUBJECT, ENTITIES_MAX)
        nats.close()
    assert (read_entity(told[0]).key, read_entity(told[-1]).key) == (5, ENTITIES_MAX + 4)
