"""A lean reader of the NATS protocol for the hot path: requests, and messages in large fetches.

One message costs about two microseconds here; the general client of the project costs ten times as much, which at
15,000 messages a second would be a third of a core.
"""

import asyncio
import json
import math
import secrets
import time
from collections import deque
from typing import Any, NamedTuple, cast
from urllib.parse import unquote, urlsplit

from cityloop.kernel.errors import CityloopError

REQUEST_S_MAX = 5.0
"""How long an answer may take, seconds."""

PING_S = 5.0
"""How often a silent connection is probed, seconds; it counts as lost when a probe stays unanswered as long."""

PORT = 4222
"""Where a NATS server listens unless its address says otherwise."""

INBOX = "_INBOX"
"""First word of the subjects that answers come to, unless a connection may only hear below another."""

_REQUESTS, _FETCHES = b"1", b"2"
_MESSAGE, _MESSAGE_WITH_HEADERS = ord("M"), ord("H")
_STATUS = b"NATS/1.0 "
_STATUS_AT, _BLANK = len(_STATUS) - 1, ord(" ")
_PARTS_OF_DELIVERY = 6
"""A delivery of JetStream, by far the most frequent, has headers and a reply; it is taken apart in the loop itself."""

_PARTS_WITH_REPLY = {_MESSAGE: 5, _MESSAGE_WITH_HEADERS: 6}


class NatsAwayError(CityloopError):
    """The transport cannot be reached, or refuses us."""

    key = "The transport does not answer: %(reason)s"
    status = 503


class Delivery(NamedTuple):
    """A message of a fetch.

    Attributes:
        subject: where it was published.
        reply: JetStream's description of the delivery.
        payload: its body.
    """

    subject: bytes
    reply: bytes
    payload: bytes


class Nats(asyncio.Protocol):
    """A connection; open it with `open_nats`."""

    def __init__(self, inbox: str = INBOX) -> None:
        """Wait for the server's greeting; answers come below the inbox's subject."""
        self.deliveries: deque[Delivery] = deque()
        self.statuses: deque[bytes] = deque()
        self.lost: Exception | None = None
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self._greeted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._answers: dict[bytes, asyncio.Future[bytes]] = {}
        self._news = asyncio.Event()
        self._pongs: deque[asyncio.Future[None]] = deque()
        self._number = self._subscriptions = 0
        self._inbox = inbox.encode() + b"." + secrets.token_hex(8).encode() + b"."

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to the server."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell everyone who waits."""
        self._lose(exc or ConnectionResetError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        """Take the protocol apart."""
        buffer = self._buffer + data if self._buffer else data
        at, size, add = 0, len(buffer), self.deliveries.append
        while (line_end := buffer.find(b"\r\n", at)) >= 0:
            kind = buffer[at]
            if kind not in _PARTS_WITH_REPLY:
                self._control(buffer[at:line_end])
                at = line_end + 2
                continue
            parts = buffer[at:line_end].split(b" ")
            start = line_end + 2
            end = start + int(parts[-1])
            if size < end + 2:
                break
            if len(parts) == _PARTS_OF_DELIVERY and parts[2] == _FETCHES and buffer[start + _STATUS_AT] != _BLANK:
                add(Delivery(parts[1], parts[3], buffer[start + int(parts[4]) : end]))
            else:
                self._message(kind, parts, buffer[start:end])
            at = end + 2
        self._buffer = buffer[at:]
        self._news.set()

    def _message(self, kind: int, parts: list[bytes], body: bytes) -> None:
        header_bytes = int(parts[-2]) if kind == _MESSAGE_WITH_HEADERS else 0
        if parts[2] == _REQUESTS:
            waiting = self._answers.pop(parts[1], None)
            if waiting is not None and not waiting.done():
                self._answer(waiting, body, header_bytes)
        elif body.startswith(_STATUS) and header_bytes:
            self.statuses.append(body[:header_bytes])
        else:
            reply = parts[3] if len(parts) == _PARTS_WITH_REPLY[kind] else b""
            self.deliveries.append(Delivery(parts[1], reply, body[header_bytes:]))

    @staticmethod
    def _answer(waiting: asyncio.Future[bytes], body: bytes, header_bytes: int) -> None:
        if header_bytes and body.startswith(_STATUS):
            waiting.set_exception(
                NatsAwayError(reason=body[:header_bytes].split(b"\r\n")[0].decode("ascii", "replace"))
            )
        else:
            waiting.set_result(body[header_bytes:])

    def _control(self, line: bytes) -> None:
        if line.startswith(b"PING"):
            self.write(b"PONG\r\n")
        elif line.startswith(b"PONG") and self._pongs:
            waiting = self._pongs.popleft()
            if not waiting.done():
                waiting.set_result(None)
        elif line.startswith(b"INFO") and not self._greeted.done():
            self._greeted.set_result(None)
        elif line.startswith(b"-ERR"):
            self._lose(NatsAwayError(reason=line[5:].decode("utf-8", "replace").strip("' ")))
            self.close()

    def _lose(self, reason: Exception) -> None:
        self.lost = self.lost or reason
        everyone: list[asyncio.Future[Any]] = [self._greeted, *self._answers.values(), *self._pongs]
        for waiting in everyone:
            if not waiting.done():
                waiting.set_exception(NatsAwayError(reason=str(reason)))
                waiting.exception()
        self._answers.clear()
        self._pongs.clear()
        self._news.set()

    def write(self, data: bytes) -> None:
        """Send bytes of the protocol."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.close()

    async def rest(self, seconds: float) -> None:
        """Let what comes in gather in the system's buffer for a while, to be read in one piece afterwards.

        The server writes message by message; reading each as it comes would cost more than decoding it.
        """
        transport = self._transport
        if transport is None or transport.is_closing() or seconds <= 0:
            await asyncio.sleep(0)
            return
        transport.pause_reading()
        try:
            await asyncio.sleep(seconds)
        finally:
            if not transport.is_closing():
                transport.resume_reading()

    async def greet(self, address: str) -> None:
        """Introduce ourselves and open both inboxes.

        Raises:
            NatsAwayError: if the server refuses.
        """
        async with asyncio.timeout(REQUEST_S_MAX):
            await self._greeted
        parts = urlsplit(address)
        hello: dict[str, Any] = {"verbose": False, "pedantic": False, "headers": True, "no_responders": True}
        hello |= {"lang": "python", "version": "1", "protocol": 1, "name": "cityloop wire"}
        if parts.username:
            hello |= {"user": unquote(parts.username), "pass": unquote(parts.password or "")}
        self.write(b"CONNECT " + json.dumps(hello).encode() + b"\r\n")
        for number in (_REQUESTS, _FETCHES):
            self.write(b"SUB " + self._inbox + number + b".* " + number + b"\r\n")
        await self.probe()

    async def probe(self) -> None:
        """Return when the server has answered everything sent so far.

        Raises:
            NatsAwayError: if it does not.
        """
        self._raise_if_lost()
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pongs.append(waiting)
        self.write(b"PING\r\n")
        try:
            async with asyncio.timeout(PING_S):
                await waiting
        except TimeoutError as error:
            self._lose(error)
            self.close()
            raise NatsAwayError(reason="a probe stayed unanswered") from error

    async def request(self, subject: str, body: Any) -> dict[str, Any]:
        """Return the JSON answer to a JSON request.

        Raises:
            NatsAwayError: if there is none, or it is an error.
        """
        return await self.request_raw(subject, json.dumps(body).encode())

    async def request_raw(self, subject: str, payload: bytes) -> dict[str, Any]:
        """Return the JSON answer to a message, such as JetStream's word that it is stored.

        Raises:
            NatsAwayError: if there is none, or it is an error.
        """
        answer: dict[str, Any] = json.loads(await self.request_bytes(subject, payload))
        return answer

    async def request_bytes(self, subject: str, payload: bytes, *, wait_s: float = REQUEST_S_MAX) -> bytes:
        """Return the answer to a message, as it is.

        Raises:
            NatsAwayError: if there is none in time, or it is an error.
        """
        self._raise_if_lost()
        self._number += 1
        inbox = self._inbox + _REQUESTS + b".%d" % self._number
        waiting: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._answers[inbox] = waiting
        self.publish(subject.encode(), payload, reply=inbox)
        try:
            async with asyncio.timeout(wait_s):
                return await waiting
        except TimeoutError as error:
            raise NatsAwayError(reason=f"no answer to {subject}") from error
        finally:
            self._answers.pop(inbox, None)

    def publish(self, subject: bytes, payload: bytes, *, reply: bytes = b"") -> None:
        """Publish a message."""
        head = (
            b"PUB %b %b %d\r\n" % (subject, reply, len(payload))
            if reply
            else b"PUB %b %d\r\n" % (subject, len(payload))
        )
        self.write(head + payload + b"\r\n")

    def ask_messages(self, subject: bytes, payload: bytes) -> None:
        """Ask JetStream for messages; they come to `deliveries`, and what ends the fetch to `statuses`."""
        self._number += 1
        self.publish(subject, payload, reply=self._inbox + _FETCHES + b".%d" % self._number)

    def subscribe(self, subject: str) -> None:
        """Let messages of a subject, wildcards allowed, come to `deliveries` too."""
        self._subscriptions += 1
        self.write(b"SUB %b %d\r\n" % (subject.encode(), int(_FETCHES) + self._subscriptions))

    @property
    def waiting_bytes(self) -> int:
        """Return how much waits for a server that is slow, bytes."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    async def news(self, *, wait_s: float | None = None) -> None:
        """Return when something has come, or after a while; probe the connection while it is silent.

        Args:
            wait_s: how long at most, seconds; None waits for ever.

        Raises:
            NatsAwayError: if the connection is lost.
        """
        ends_at = math.inf if wait_s is None else time.monotonic() + wait_s
        while not (self.deliveries or self.statuses):
            self._raise_if_lost()
            left_s = ends_at - time.monotonic()
            if left_s <= 0:
                return
            self._news.clear()
            try:
                async with asyncio.timeout(min(left_s, PING_S)):
                    await self._news.wait()
            except TimeoutError:
                if left_s > PING_S:
                    await self.probe()

    def _raise_if_lost(self) -> None:
        if self.lost is not None:
            raise NatsAwayError(reason=str(self.lost))


async def open_nats(address: str, *, inbox: str = INBOX) -> Nats:
    """Return a connection to a NATS server.

    Args:
        address: `nats://user:password@host:port`.
        inbox: subject below which answers come.

    Raises:
        NatsAwayError: if it cannot be reached, or refuses us.
    """
    parts, loop = urlsplit(address), asyncio.get_running_loop()
    try:
        async with asyncio.timeout(REQUEST_S_MAX):
            _, nats = await loop.create_connection(
                lambda: Nats(inbox), parts.hostname or "127.0.0.1", parts.port or PORT
            )
    except (OSError, TimeoutError) as error:
        raise NatsAwayError(reason=str(error)) from error
    try:
        await nats.greet(address)
    except TimeoutError as error:
        nats.close()
        raise NatsAwayError(reason="no greeting") from error
    except BaseException:
        nats.close()
        raise
    return nats
