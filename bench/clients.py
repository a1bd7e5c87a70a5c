"""Lean clients, so that the client is never the limit: HTTP/1.1 with keep-alive, and MQTT 3.1.1 with QoS 1."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

MQTT_WINDOW = 32
"""Publishes of one device that may wait for their acknowledgement."""

ACKNOWLEDGE_S_MAX = 10.0
"""How long the last acknowledgements are awaited, seconds."""

_BUFFER_BYTES = 2**26


@dataclass
class Load:
    """What a load has done.

    Attributes:
        done: successful calls.
        seconds: how long it ran.
        latencies_s: of every call, seconds.
        refused: calls answered with an error, by status.
    """

    done: int = 0
    seconds: float = 0.0
    latencies_s: list[float] = field(default_factory=list)
    refused: dict[int, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Return successful calls a second."""
        return self.done / self.seconds if self.seconds else 0.0

    def quantile_ms(self, share: float) -> float:
        """Return the latency that a share of the calls did not exceed, milliseconds."""
        ordered = sorted(self.latencies_s) or [0.0]
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


class Http:
    """One keep-alive connection."""

    def __init__(self, host: str, port: int, *, token: str = "") -> None:
        """Connect at the first request."""
        self._host, self._port = host, port
        self._head = f"Host: {host}:{port}\r\n" + (f"Authorization: Bearer {token}\r\n" if token else "")
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            reader, writer = await asyncio.open_connection(self._host, self._port, limit=_BUFFER_BYTES)
            writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._streams = reader, writer
        return self._streams

    async def call(
        self, method: str, target: str, body: bytes = b"", *, extra: str = "", content_type: str = "application/json"
    ) -> tuple[int, bytes]:
        """Return the status and the body of an answer."""
        reader, writer = await self._open()
        head = f"{method} {target} HTTP/1.1\r\n{self._head}{extra}"
        if body:
            head += f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
        writer.write(head.encode() + b"\r\n" + body)
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        if "content-length" in headers:
            return int(lines[0].split(" ")[1]), await reader.readexactly(int(headers["content-length"]))
        return int(lines[0].split(" ")[1]), await self._chunks(reader) if "transfer-encoding" in headers else b""

    @staticmethod
    async def _chunks(reader: asyncio.StreamReader) -> bytes:
        parts = []
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            parts.append((await reader.readexactly(size + 2))[:-2])
        await reader.readexactly(2)
        return b"".join(parts)

    def close(self) -> None:
        """End the connection."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def http_load(
    connections: list[Http], seconds: float, call: Callable[[Http], Awaitable[tuple[int, bytes]]]
) -> Load:
    """Return what the connections did, each calling again as soon as it is answered."""
    load, ends_at = Load(), time.perf_counter() + seconds

    async def work(connection: Http) -> None:
        while (began := time.perf_counter()) < ends_at:
            status, _ = await call(connection)
            load.latencies_s.append(time.perf_counter() - began)
            if status < 300:  # noqa: PLR2004  a success
                load.done += 1
            else:
                load.refused[status] = load.refused.get(status, 0) + 1

    began = time.perf_counter()
    await asyncio.gather(*(work(connection) for connection in connections))
    load.seconds = time.perf_counter() - began
    return load


def _length(size: int) -> bytes:
    parts = bytearray()
    while True:
        size, low = divmod(size, 128)
        parts.append(low | (128 if size else 0))
        if not size:
            return bytes(parts)


def _text(text: str) -> bytes:
    return len(text.encode()).to_bytes(2, "big") + text.encode()


class Device:
    """An MQTT device that publishes with QoS 1, a window of publishes under way."""

    def __init__(self, host: str, port: int, *, name: str, user: str, password: str) -> None:
        """Connect when it runs."""
        self._address, self._name, self._user, self._password = (host, port), name, user, password
        self._window = asyncio.Semaphore(MQTT_WINDOW)
        self._sent_at: dict[int, float] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._acknowledging: asyncio.Task[None] | None = None
        self._packet = 0
        self.load = Load()

    async def connect(self) -> None:
        """Connect and begin to note acknowledgements."""
        reader, self._writer = await asyncio.open_connection(*self._address)
        hello = _text("MQTT") + b"\x04\xc2\x00\x3c" + _text(self._name) + _text(self._user) + _text(self._password)
        self._writer.write(b"\x10" + _length(len(hello)) + hello)
        answer = await reader.readexactly(4)
        if answer[3]:
            raise ConnectionRefusedError(*self._address)
        self._acknowledging = asyncio.create_task(self._acknowledge(reader))

    async def close(self) -> None:
        """Wait for the last acknowledgements and disconnect."""
        try:
            async with asyncio.timeout(ACKNOWLEDGE_S_MAX):
                for _ in range(MQTT_WINDOW):
                    await self._window.acquire()
        except TimeoutError:
            pass
        if self._acknowledging is not None and self._writer is not None:
            self._acknowledging.cancel()
            self._writer.close()

    async def run(self, message: Callable[[], tuple[str, bytes]], *, seconds: float, rate_max: float = 0.0) -> Load:
        """Publish messages for a while, at most so many a second (0: as many as are acknowledged)."""
        await self.connect()
        began, number = time.perf_counter(), 0
        while (now := time.perf_counter()) < began + seconds:
            if rate_max and number > (now - began) * rate_max:
                await asyncio.sleep(0.005)
                continue
            number += 1
            await self.publish(*message())
        await self.close()
        self.load.seconds = time.perf_counter() - began
        return self.load

    async def publish(self, topic: str, payload: bytes) -> None:
        """Publish a message when the window has room."""
        await self._window.acquire()
        self._packet = self._packet % 65535 + 1
        body = _text(topic) + self._packet.to_bytes(2, "big") + payload
        self._sent_at[self._packet] = time.perf_counter()
        if self._writer is not None:
            self._writer.write(b"\x32" + _length(len(body)) + body)

    async def _acknowledge(self, reader: asyncio.StreamReader) -> None:
        while True:
            kind, size = await reader.readexactly(2)
            body = await reader.readexactly(size)
            if kind >> 4 == 4:  # noqa: PLR2004  PUBACK
                self.load.done += 1
                self.load.latencies_s.append(time.perf_counter() - self._sent_at.pop(int.from_bytes(body[:2], "big")))
                self._window.release()


async def mqtt_load(devices: list[Device], message: Callable[[], tuple[str, bytes]], *, seconds: float) -> Load:
    """Return what several devices did together."""
    loads = await asyncio.gather(*(device.run(message, seconds=seconds) for device in devices))
    return Load(
        sum(load.done for load in loads),
        max(load.seconds for load in loads),
        [latency for load in loads for latency in load.latencies_s],
    )
