"""Kill -9 of each process in turn, under acknowledged load: none lost, none twice, back by itself."""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence

import psycopg
import pytest

from bench.city import City, running_city
from bench.phases import Scene, set_scene
from tests.crash.stubborn import BEGIN, Log, StubbornDevice, StubbornPoster

log = logging.getLogger(__name__)

DEVICES, POSTERS = 4, 4
PERIOD_S = 0.004
"""Four devices at 250 readings a second each."""

POST_PERIOD_S = 0.02
WARM_S, CALM_S = 3.0, 1.0
BACK_S_MAX = 60.0


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with running_city() as city:
        yield asyncio.run(set_scene(city, connections=1))


@pytest.fixture
def streams(scene: Scene) -> list[int]:
    """Streams that no other case has used."""
    return [scene.streams.pop() for _ in range(DEVICES + POSTERS)]


def stored(city: City, streams: Sequence[int]) -> list[tuple[int, object]]:
    with psycopg.connect(city.dsn) as connection:
        return connection.execute(
            "SELECT datastream_id, phenomenon_time FROM sense_observation WHERE datastream_id = ANY(%s)",
            (list(streams),),
        ).fetchall()


@pytest.mark.parametrize(
    "victims", [("postgres",), ("nats",), ("wire",), ("web-1", "web-2"), ("postgres", "nats", "wire")]
)
async def test_nothing_acknowledged_is_lost_or_doubled(
    scene: Scene,
    streams: list[int],
    victims: tuple[str, ...],
    record_property: Callable[[str, object], None],
) -> None:
    city, token = scene.city, scene.token
    port, mqtt_port, password = city.port("PORT"), city.port("MQTT_PORT"), city.run("secrets", "nats-device")
    devices = [StubbornDevice(s, port=mqtt_port, password=password, period_s=PERIOD_S) for s in streams[:DEVICES]]
    posters = [StubbornPoster(s, port=port, token=token, period_s=POST_PERIOD_S) for s in streams[DEVICES:]]
    senders = [*devices, *posters]
    running = [asyncio.create_task(sender.run()) for sender in senders]
    await asyncio.sleep(WARM_S)
    before, killed_at = city.processes(), time.monotonic()
    for victim in victims:
        os.kill(before[victim], signal.SIGKILL)
    await until_back(city, streams, [sender.log for sender in senders], victims, before)
    back_s = time.monotonic() - killed_at
    await asyncio.sleep(CALM_S)
    for sender in senders:
        sender.stop()
    await asyncio.gather(*running)
    acknowledged = {entry for sender in senders for entry in sender.log.acknowledged}
    rows = await until_stored(city, streams, len(acknowledged))
    resent = sum(sender.log.resent for sender in senders)
    record_property("result", f"back in {back_s:.1f} s, {len(acknowledged)} acknowledged, {resent} sent again")
    log.warning("%s: back in %.1f s, %d acknowledged, %d sent again", victims, back_s, len(acknowledged), resent)
    assert len(rows) == len(set(rows))
    assert acknowledged <= set(rows)


async def until_back(
    city: City, streams: Sequence[int], logs: Sequence[Log], victims: Sequence[str], before: dict[str, int]
) -> None:
    """Return when the victims run again, every sender is acknowledged, and what devices send is stored again."""
    async with asyncio.timeout(BACK_S_MAX):
        while any(city.processes().get(victim) in {None, before[victim]} for victim in victims):  # noqa: ASYNC110  polled
            await asyncio.sleep(0.05)
        restarted_at = time.monotonic()
        while not all(one.last_at > restarted_at for one in logs):  # noqa: ASYNC110  polled
            await asyncio.sleep(0.05)
        newest = max(at for one in logs[:DEVICES] for _, at in one.acknowledged)
        while newest not in {at for _, at in await asyncio.to_thread(rows_or_none, city, streams[:DEVICES])}:  # noqa: ASYNC110  polled
            await asyncio.sleep(0.1)


def rows_or_none(city: City, streams: Sequence[int]) -> list[tuple[int, object]]:
    try:
        return stored(city, streams)
    except psycopg.OperationalError:
        return []


async def until_stored(city: City, streams: Sequence[int], count: int) -> list[tuple[int, object]]:
    """Return what is stored when it is at least so much, or when the deadline has passed."""
    ends_at = time.monotonic() + BACK_S_MAX
    while True:
        rows = await asyncio.to_thread(stored, city, streams)
        if len(set(rows)) >= count or time.monotonic() > ends_at:
            return [row for row in rows if row[1] >= BEGIN]
        await asyncio.sleep(0.2)


async def test_no_acknowledged_message_of_a_flood_dies_with_the_transport(scene: Scene, streams: list[int]) -> None:
    city = scene.city
    port, password = city.port("MQTT_PORT"), city.run("secrets", "nats-device")
    devices = [StubbornDevice(stream, port=port, password=password, period_s=0) for stream in streams]
    running = [asyncio.create_task(device.run()) for device in devices]
    for _ in range(4):
        await asyncio.sleep(WARM_S)
        before = city.processes()
        os.kill(before["nats"], signal.SIGKILL)
        await until_back(city, streams, [device.log for device in devices], ("nats",), before)
    for device in devices:
        device.stop()
    await asyncio.gather(*running)
    acknowledged = {entry for device in devices for entry in device.log.acknowledged}
    rows = await until_stored(city, streams, len(acknowledged))
    resent = sum(device.log.resent for device in devices)
    log.warning("a flood: %d acknowledged, %d sent again", len(acknowledged), resent)
    assert len(rows) == len(set(rows))
    assert acknowledged <= set(rows)
