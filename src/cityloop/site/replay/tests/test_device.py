"""Through a real broker: what is acknowledged is stored, and a replay that was killed loses nothing."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import nats
import pytest
from nats.js.api import StreamConfig

from cityloop.convey.stream.jetstream import PRIVATE_PREFIX, STREAM
from cityloop.site.configuration import Configuration
from cityloop.site.engines.throwaway import running_nats, throwaway_home
from cityloop.site.ports import free_port
from cityloop.site.replay.device import Address, DeviceRefusedError, MqttDevice, StoppedError, payload_of
from cityloop.site.secrets import nats_url, secret

DEADLINE_S = 60.0


@pytest.fixture
def city() -> Iterator[Configuration]:
    with throwaway_home() as home:
        yield Configuration(home=home, nats_port=free_port(), mqtt_port=free_port())


def address_of(city: Configuration) -> Address:
    return Address(host="127.0.0.1", port=city.mqtt_port, user="device", password=secret(city, "nats-device"))


def await_true(condition: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < ends_at, "the condition did not come true"
        threading.Event().wait(0.02)


async def _with_stream(city: Configuration, then: Callable[[object], object]) -> object:
    connection = await nats.connect(nats_url(city, user="wire"))
    try:
        return await then(connection.jetstream())
    finally:
        await connection.close()


def make_stream(city: Configuration) -> None:
    config = StreamConfig(name=STREAM, subjects=["$MQTT.msgs.>", f"{PRIVATE_PREFIX}>"])
    asyncio.run(_with_stream(city, lambda stream: stream.add_stream(config)))


def stored_count(city: Configuration) -> int:
    async def count(stream: object) -> int:
        return (await stream.stream_info(STREAM)).state.messages // 2

    return asyncio.run(_with_stream(city, count))


def stored(city: Configuration) -> list[tuple[str, str]]:
    async def read(stream: object) -> list[tuple[str, str]]:
        total = (await stream.stream_info(STREAM)).state.messages // 2
        subscription = await stream.subscribe(f"{PRIVATE_PREFIX}>", stream=STREAM, ordered_consumer=True)
        messages = [await subscription.next_msg(timeout=10) for _ in range(total)]
        return [(m.subject, msgspec.json.decode(m.data)["phenomenonTime"]) for m in messages]

    return asyncio.run(_with_stream(city, read))


def test_an_observation_names_its_time_and_its_result() -> None:
    assert payload_of(1_700_000_000_500_000, 0.25) == b'{"phenomenonTime":"2023-11-14T22:13:20.500Z","result":0.25}'


def test_what_is_drained_is_stored(city: Configuration) -> None:
    with running_nats(city):
        make_stream(city)
        with MqttDevice(address_of(city), name="pump", stop=threading.Event()) as device:
            for number in range(2000):
                device.publish(7, number * 1_000_000, float(number))
            device.drain()
            assert device.acknowledged == 2000
            assert stored_count(city) == 2000


def test_a_device_waits_for_the_broker_and_goes_on_when_it_comes_back(city: Configuration) -> None:
    states: list[str] = []
    callbacks = {"on_reached": lambda: states.append("reached"), "on_lost": lambda: states.append("lost")}
    with MqttDevice(address_of(city), name="pump", stop=threading.Event(), **callbacks) as device:
        device.publish(7, 0, 0.0)
        with running_nats(city) as server:
            make_stream(city)
            device.publish(7, 1_000_000, 1.0)
            device.drain()
            os.kill(server.pid, signal.SIGKILL)
            server.wait()
            await_true(lambda: "lost" in states)
        device.publish(7, 2_000_000, 2.0)
        with running_nats(city):
            device.drain()
            assert len({time for _, time in stored(city)} - {"1970-01-01T00:00:00.000Z"}) == 2
    assert device.acknowledged == 3
    assert states.count("reached") == 2


def test_a_wrong_password_is_said_at_once(city: Configuration) -> None:
    with running_nats(city):
        wrong = Address(host="127.0.0.1", port=city.mqtt_port, user="device", password="wrong")
        with MqttDevice(wrong, name="pump", stop=threading.Event()) as device:
            device.publish(7, 0, 0.0)
            with pytest.raises(DeviceRefusedError):
                device.drain()


def test_a_device_asked_to_stop_does_not_wait_for_the_broker(city: Configuration) -> None:
    stop = threading.Event()
    with MqttDevice(address_of(city), name="pump", stop=stop) as device:
        device.publish(7, 0, 0.0)
        stop.set()
        with pytest.raises(StoppedError):
            device.drain()


ROWS = 30_000
MAPPING = """
title = { zh = "压力", en = "Pressure" }
[[source]]
files = "rows.csv"
time = { column = "at", zone = "UTC" }
columns = { a = "7", b = "8" }
"""


def begin_replay(city: Configuration, folder: Path, *more: str) -> subprocess.Popen[str]:
    broker = f"mqtt://device:{secret(city, 'nats-device')}@127.0.0.1:{city.mqtt_port}"
    command = [sys.executable, "-m", "cityloop.site.cli", "--lang", "en", "replay", str(folder / "rows.toml")]
    command += ["--data", str(folder), "--broker", broker, "--speed", "0", "--once", *more]
    environment = os.environ | {"CITYLOOP_HOME": str(city.home)}
    return subprocess.Popen(  # noqa: S603  our own command
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    rows = (f"{(start + timedelta(minutes=n)).isoformat()},{n},{'' if n % 10 else n}\n" for n in range(ROWS))
    (tmp_path / "rows.csv").write_text("at,a,b\n" + "".join(rows), encoding="utf-8")
    (tmp_path / "rows.toml").write_text(MAPPING, encoding="utf-8")
    return tmp_path


def test_a_replay_killed_again_and_again_loses_nothing(city: Configuration, folder: Path) -> None:
    readings = ROWS + ROWS // 10
    with running_nats(city):
        make_stream(city)
        for share in (0.2, 0.5, 0.7):
            replay = begin_replay(city, folder)
            await_true(lambda at_least=share * readings: stored_count(city) >= at_least)
            replay.kill()
            replay.communicate()
        last = begin_replay(city, folder)
        output, _ = last.communicate(timeout=DEADLINE_S)
        assert last.returncode == 0, output
        assert "empty 27,000" in output
        everything = stored(city)
    assert len(set(everything)) == readings
    assert len(everything) < readings * 1.2


def test_a_replay_without_its_mapping_says_so(city: Configuration, folder: Path) -> None:
    (folder / "rows.toml").unlink()
    replay = begin_replay(city, folder)
    output, _ = replay.communicate(timeout=DEADLINE_S)
    assert replay.returncode == 1
    assert "rows.toml" in output
    assert "Traceback" not in output


def test_a_replay_that_was_stopped_leaves_in_good_order(city: Configuration, folder: Path) -> None:
    replay = begin_replay(city, folder)
    await_true((city.home / "replay" / "rows.json").exists)
    replay.terminate()
    output, _ = replay.communicate(timeout=DEADLINE_S)
    assert replay.returncode == 0, output
