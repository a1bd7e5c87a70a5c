"""From a reading to the wall: how long until a watching officer's screen has the alarm."""

import asyncio
import http.cookiejar
import itertools
import json
import re
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from bench.clients import Device, Http, Load
from bench.phases import ROOT, STREAMS, Scene

BACKGROUND_RATE = 2000.0
"""Readings a second that go in meanwhile."""

ALARM_S_MAX = 15.0
"""An alarm that takes longer is a failure, seconds."""

PAUSE_S = 0.2
"""Between two alarms, seconds."""

_NORMAL_MPA, _LOST_MPA = 0.31, 0.02


def _signed_in(scene: Scene) -> str:
    """Return the cookies of an officer who has signed in, as a header."""
    address = f"http://127.0.0.1:{scene.city.port('PORT')}/login/"
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    page = opener.open(address, timeout=30).read().decode()
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
    form = hidden | {"username": "duty1", "password": scene.city.run("secrets", "demo")}
    opener.open(
        urllib.request.Request(address, urllib.parse.urlencode(form).encode(), {"Referer": address}), timeout=30
    )
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)


class Wall:
    """The live feed of one wall."""

    def __init__(self, scene: Scene) -> None:
        """Open when entered."""
        self._scene = scene
        self._raised: dict[int, asyncio.Future[int]] = {}
        self._cleared: dict[int, asyncio.Future[int]] = {}
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Sign in and listen."""
        cookies = await asyncio.to_thread(_signed_in, self._scene)
        reader, writer = await asyncio.open_connection("127.0.0.1", self._scene.city.port("PORT"))
        writer.write(f"GET /wall/feed/ HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookies}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n")[0]:
            raise RuntimeError(head.decode())
        self._task = asyncio.create_task(self._listen(reader, writer))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                if line.startswith(b"data:") and b"alarm_id" in line:
                    self._fact(json.loads(line[5:]))
        finally:
            writer.close()

    def _fact(self, fact: dict[str, Any]) -> None:
        raised = fact["kind"] == "decided.AlarmRaised"
        waiting = self._raised.get(fact["datastream_id"]) if raised else None
        if fact["kind"] == "decided.AlarmCleared":
            waiting = self._cleared.get(fact["alarm_id"])
        if waiting is not None and not waiting.done():
            waiting.set_result(fact["alarm_id"])

    async def raised(self, datastream_id: int) -> int:
        """Return the alarm of a stream when it is on the wall."""
        self._raised[datastream_id] = asyncio.get_running_loop().create_future()
        return await asyncio.wait_for(self._raised[datastream_id], ALARM_S_MAX)

    async def cleared(self, alarm_id: int) -> int:
        """Return the alarm when the wall knows that it is over."""
        self._cleared[alarm_id] = asyncio.get_running_loop().create_future()
        return await asyncio.wait_for(self._cleared[alarm_id], ALARM_S_MAX)


async def reading_to_wall(scene: Scene) -> Load:
    """Return the time from publishing a reading until the wall's feed tells what follows from it.

    Every pressure point of the city raises one alarm and clears it, while other readings go in.
    """
    password = scene.city.run("secrets", "nats-device")

    def device(name: str) -> Device:
        return Device("127.0.0.1", scene.city.port("MQTT_PORT"), name=name, user="device", password=password)

    points, load, point_device = await _points(scene), Load(), device("point")
    await point_device.connect()
    async with Wall(scene) as wall:
        noise = asyncio.create_task(device("noise").run(_background(scene), seconds=600, rate_max=BACKGROUND_RATE))
        for point in points:
            await point_device.publish(*_reading(point, _NORMAL_MPA))
            await asyncio.sleep(PAUSE_S)
            alarm = await _timed(load, wall.raised(point), point_device.publish(*_reading(point, _LOST_MPA)))
            await asyncio.sleep(PAUSE_S)
            await _timed(load, wall.cleared(alarm), point_device.publish(*_reading(point, _NORMAL_MPA)))
        noise.cancel()
    await point_device.close()
    return load


async def _points(scene: Scene) -> list[int]:
    http = Http("127.0.0.1", scene.city.port("PORT"), token=scene.token)
    query = f"Datastreams?$filter=substringof('{urllib.parse.quote('管网压力')}',name)&$select=@iot.id&$top=100"
    _, answer = await http.call("GET", f"{ROOT}/{query}")
    http.close()
    return [row["@iot.id"] for row in json.loads(answer)["value"]]


async def _timed(load: Load, outcome: Coroutine[Any, Any, int], publishing: Coroutine[Any, Any, None]) -> int:
    waiting = asyncio.create_task(outcome)
    await asyncio.sleep(0)
    began = time.perf_counter()
    await publishing
    alarm = await waiting
    load.latencies_s.append(time.perf_counter() - began)
    load.done += 1
    return alarm


def _background(scene: Scene) -> Callable[[], tuple[str, bytes]]:
    numbers, base = itertools.count(), datetime.now(UTC) - timedelta(hours=12)

    def message() -> tuple[str, bytes]:
        number = next(numbers)
        stream, at = scene.streams[number % STREAMS], base + timedelta(milliseconds=10 * (number // STREAMS))
        body = f'{{"phenomenonTime":"{_text(at)}","result":1}}'
        return f"v1.1/Datastreams({stream})/Observations", body.encode()

    return message


def _reading(point: int, value: float) -> tuple[str, bytes]:
    body = f'{{"phenomenonTime":"{_text(datetime.now(UTC))}","result":{value}}}'
    return f"v1.1/Datastreams({point})/Observations", body.encode()


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
