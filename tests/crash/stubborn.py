"""Senders that do not give up: what is not acknowledged they send again, and remember what was."""

import asyncio
import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bench.clients import Device, Http

BEGIN = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
WINDOW = 100
PAUSE_S, CALM_S_MAX = 0.1, 60.0


@dataclass
class Log:
    """What was acknowledged: (stream, time) and the moment of the last acknowledgement."""

    acknowledged: list[tuple[int, datetime]] = field(default_factory=list)
    last_at: float = 0.0
    resent: int = 0

    def note(self, stream: int, at: datetime) -> None:
        self.acknowledged.append((stream, at))
        self.last_at = time.monotonic()


class StubbornDevice:
    """Publishes on one stream with QoS 1, a reading every `period_s`; after a broken connection it sends again."""

    def __init__(self, stream: int, *, port: int, password: str, period_s: float) -> None:
        self.log = Log()
        self._stream, self._port, self._password, self._period_s = stream, port, password, period_s
        self._waiting: dict[int, datetime] = {}
        self._stopping = False
        self._number = 0

    async def run(self) -> None:
        ends_at = float("inf")
        while time.monotonic() < ends_at:
            try:
                if await self._session():
                    return
            except (OSError, asyncio.IncompleteReadError, TimeoutError):
                self.log.resent += len(self._waiting)
                await asyncio.sleep(PAUSE_S)
            if self._stopping and ends_at == float("inf"):
                ends_at = time.monotonic() + CALM_S_MAX
        raise AssertionError(len(self._waiting))

    def stop(self) -> None:
        self._stopping = True

    async def _session(self) -> bool:
        name = f"stubborn-{self._stream}"
        device = _Told("127.0.0.1", self._port, name=name, user="device", password=self._password)
        device.tell = self._acknowledged
        try:
            await asyncio.wait_for(device.connect(), 5)
            for number, at in list(self._waiting.items()):
                await self._send(device, number, at)
            while not (self._stopping and not self._waiting):
                device.check()
                for _ in range(1 if self._period_s else WINDOW):
                    if self._stopping or len(self._waiting) >= WINDOW:
                        break
                    self._number += 1
                    at = BEGIN + timedelta(milliseconds=self._number)
                    self._waiting[self._number] = at
                    await self._send(device, self._number, at)
                await asyncio.sleep(self._period_s)
        finally:
            device.hang_up()
        return True

    async def _send(self, device: "_Told", number: int, at: datetime) -> None:
        body = {"phenomenonTime": at.isoformat(), "result": number}
        await device.send(
            number % 65535 + 1, f"v1.1/Datastreams({self._stream})/Observations", json.dumps(body).encode()
        )

    def _acknowledged(self, packet: int) -> None:
        for number in [number for number in self._waiting if number % 65535 + 1 == packet]:
            self.log.note(self._stream, self._waiting.pop(number))


class _Told(Device):
    """A device that tells which packets are acknowledged, and when its connection is gone."""

    tell: Callable[[int], None]

    async def _acknowledge(self, reader: asyncio.StreamReader) -> None:
        while True:
            kind, size = await reader.readexactly(2)
            body = await reader.readexactly(size)
            if kind >> 4 == 4:
                self.tell(int.from_bytes(body[:2], "big"))

    async def send(self, packet: int, topic: str, payload: bytes) -> None:
        self._packet = packet - 1
        self._window.release()
        await self.publish(topic, payload)

    def check(self) -> None:
        assert self._acknowledging is not None
        if self._acknowledging.done():
            self._acknowledging.result()

    def hang_up(self) -> None:
        if self._acknowledging is not None:
            self._acknowledging.cancel()
        if self._writer is not None:
            self._writer.close()


class StubbornPoster:
    """Posts readings of one stream with an Idempotency-Key each, again and again until each is answered with 201."""

    def __init__(self, stream: int, *, port: int, token: str, period_s: float) -> None:
        self.log = Log()
        self._stream, self._port, self._token, self._period_s = stream, port, token, period_s
        self._stopping = False

    def stop(self) -> None:
        self._stopping = True

    async def run(self) -> None:
        for number in itertools.count(1):
            if self._stopping:
                return
            at = BEGIN + timedelta(milliseconds=number)
            async with asyncio.timeout(CALM_S_MAX * 2):
                await self._until_kept(number, at)
            self.log.note(self._stream, at)
            await asyncio.sleep(self._period_s)

    async def _until_kept(self, number: int, at: datetime) -> None:
        body = {"phenomenonTime": at.isoformat(), "result": number, "Datastream": {"@iot.id": self._stream}}
        while True:
            http = Http("127.0.0.1", self._port, token=self._token)
            try:
                key = f"Idempotency-Key: stubborn-{self._stream}-{number}\r\n"
                call = http.call("POST", "/sta/v1.1/Observations", json.dumps(body).encode(), extra=key)
                status, answer = await asyncio.wait_for(call, 20)
                if status == 201:
                    return
                assert status >= 500, answer
            except (OSError, asyncio.IncompleteReadError, TimeoutError):
                pass
            finally:
                http.close()
            self.log.resent += 1
            await asyncio.sleep(PAUSE_S)
