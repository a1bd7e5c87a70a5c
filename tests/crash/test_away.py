"""The database away, the transport away, the disk full, the clock set: nothing acknowledged is lost, and it is told.

Parts are away for `CITYLOOP_TEST_AWAY_S` seconds, 15 unless told otherwise; a minute was tried by hand.
"""

import asyncio
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.city import City, new_home, running_city
from bench.phases import Scene, set_scene
from tests.crash.stubborn import StubbornDevice, StubbornPoster
from tests.crash.test_kill import BACK_S_MAX, until_stored

AWAY_S = float(os.environ.get("CITYLOOP_TEST_AWAY_S", "15"))
WARM_S, PERIOD_S = 2.0, 0.02
DISK_MB, FILLER = 1400, "filler"


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with running_city() as city:
        yield asyncio.run(set_scene(city, connections=1))


class Senders:
    """Two devices and two posters that do not give up."""

    def __init__(self, scene: Scene) -> None:
        city, self.streams = scene.city, [scene.streams.pop() for _ in range(4)]
        password = city.run("secrets", "nats-device")
        self.city = city
        self.devices = [
            StubbornDevice(stream, port=city.port("MQTT_PORT"), password=password, period_s=PERIOD_S)
            for stream in self.streams[:2]
        ]
        self.posters = [
            StubbornPoster(stream, port=city.port("PORT"), token=scene.token, period_s=PERIOD_S)
            for stream in self.streams[2:]
        ]
        self._running = [asyncio.create_task(sender.run()) for sender in self.everybody]

    @property
    def everybody(self) -> list[StubbornDevice | StubbornPoster]:
        return [*self.devices, *self.posters]

    async def until_heard(self, senders: list[Any], *, after: float) -> None:
        async with asyncio.timeout(BACK_S_MAX):
            while not all(sender.log.last_at > after for sender in senders):  # noqa: ASYNC110  polled
                await asyncio.sleep(0.1)

    async def end(self) -> None:
        """Stop; everything acknowledged must be stored, once."""
        for sender in self.everybody:
            sender.stop()
        await asyncio.gather(*self._running)
        acknowledged = {entry for sender in self.everybody for entry in sender.log.acknowledged}
        rows = await until_stored(self.city, self.streams, len(acknowledged))
        assert len(rows) == len(set(rows))
        assert acknowledged <= set(rows)


def health(city: City, *, accept: str = "*/*") -> tuple[int, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{city.port('PORT')}/health", headers={"Accept": accept})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  ours
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


async def until_said(city: City, part: str, state: str) -> None:
    async with asyncio.timeout(BACK_S_MAX):
        while True:
            _, body = await asyncio.to_thread(health, city)
            if json.loads(body)[part] == state:
                return
            await asyncio.sleep(0.2)


async def test_the_database_may_be_away(scene: Scene) -> None:
    senders = Senders(scene)
    await asyncio.sleep(WARM_S)
    group = os.getpgid(scene.city.processes()["postgres"])
    os.killpg(group, signal.SIGSTOP)
    try:
        await until_said(scene.city, "database", "down")
        status, page = await asyncio.to_thread(health, scene.city, accept="text/html")
        assert (status, "数据库没有应答" in page) == (503, True)
        began = time.monotonic()
        await senders.until_heard(senders.devices, after=began)  # MQTT goes on: JetStream keeps what devices send
        await asyncio.sleep(max(0.0, AWAY_S - (time.monotonic() - began)))
    finally:
        os.killpg(group, signal.SIGCONT)
    await senders.until_heard(senders.everybody, after=time.monotonic())
    await until_said(scene.city, "status", "up")
    await senders.end()


async def test_the_transport_may_be_away(scene: Scene) -> None:
    senders = Senders(scene)
    await asyncio.sleep(WARM_S)
    group = os.getpgid(scene.city.processes()["nats"])
    os.killpg(group, signal.SIGSTOP)
    try:
        await until_said(scene.city, "transport", "down")
        began = time.monotonic()
        await senders.until_heard(senders.posters, after=began)  # HTTP goes on
        await asyncio.sleep(max(0.0, AWAY_S - (time.monotonic() - began)))
    finally:
        os.killpg(group, signal.SIGCONT)
    await senders.until_heard(senders.everybody, after=time.monotonic())
    await until_said(scene.city, "status", "up")
    await senders.end()


@pytest.fixture
def small_disk() -> Iterator[Path]:
    home = new_home()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=755", "tmpfs", home], capture_output=True, check=False
    )
    if mounted.returncode:
        home.rmdir()
        pytest.skip("a small disk can be mounted by root only")
    try:
        yield home
    finally:
        subprocess.run(["umount", "--lazy", home], check=False)


async def test_the_disk_may_be_full(small_disk: Path) -> None:
    with running_city(small_disk) as city:
        senders = Senders(await set_scene(city, connections=1))
        await asyncio.sleep(WARM_S)
        _fill(small_disk / FILLER)
        await until_said(city, "disk", "down")
        for name in ("wire", "loop", "web-1"):  # what dies while there is no room comes back as well
            os.kill(city.processes()[name], signal.SIGKILL)
        await asyncio.sleep(AWAY_S / 2)
        (small_disk / FILLER).unlink()
        await senders.until_heard(senders.everybody, after=time.monotonic())
        await until_said(city, "status", "up")
        await senders.end()


CLOCK_LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


@pytest.mark.skipif(CLOCK_LIBRARY is None, reason="a clock of its own needs Debian's faketime")
async def test_the_clock_may_jump(own_home: Path) -> None:
    """The clock of the processes that take readings is set an hour ahead, then an hour back; the database's stays."""
    hands = own_home / "hands"
    hands.write_text("+0\n", encoding="utf-8")
    faked = {
        "CLOCK_LIBRARY": str(CLOCK_LIBRARY),
        "PYTHONPATH": str(Path(__file__).parent / "hands"),
        "FAKETIME_TIMESTAMP_FILE": str(hands),
        "FAKETIME_CACHE_DURATION": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    with running_city(around=faked) as city:
        senders = Senders(await set_scene(city, connections=1))
        await asyncio.sleep(WARM_S)
        await until_said(city, "clock", "up")
        for set_to in ("+3600\n", "-3600\n", "+0\n"):
            hands.write_text(set_to, encoding="utf-8")
            await until_said(city, "clock", "down")
            await asyncio.sleep(WARM_S)
            await senders.until_heard(senders.everybody, after=time.monotonic())
        status, page = await asyncio.to_thread(health, city, accept="text/html")
        assert (status, "时钟发生跳变" in page, "The clock has jumped" in page) == (200, True, True)
        await until_said(city, "status", "up")
        await senders.end()


def _fill(file: Path) -> None:
    """Take all the room there is."""
    block = bytes(2**20)
    with file.open("wb", buffering=0) as opened:
        try:
            while opened.write(block):
                pass
        except OSError:
            return
