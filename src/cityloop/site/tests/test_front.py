import asyncio
import contextlib
from collections.abc import MutableMapping
from contextlib import AsyncExitStack
from typing import Any, cast

import pytest
import uvicorn
from uvicorn.server import ServerState

from cityloop.site import asgi, web
from cityloop.site.asgi import Application, Front, Receive, Scope, Send
from cityloop.site.configuration import Configuration


class Named:
    """An application that answers with its name."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  the protocol's
        await send({"type": "answer", "by": self.name, "path": scope["path"]})


class Life:
    """A server's life: what it says and what it hears."""

    def __init__(self, *says: str) -> None:
        self._says = list(says)
        self.heard: list[MutableMapping[str, Any]] = []

    async def receive(self) -> MutableMapping[str, Any]:
        return {"type": self._says.pop(0)}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        self.heard.append(message)


def front(log: list[str]) -> Front:
    async def open_data_plane(stack: AsyncExitStack) -> Application:
        log.append("opened")
        stack.callback(log.append, "closed")
        return Named("data plane")

    return Front(Named("pages"), open_data_plane)


async def answered_by(application: Front, path: str) -> str:
    life = Life()
    await application({"type": "http", "method": "GET", "path": path}, life.receive, life.send)
    return str(life.heard[0]["by"])


async def test_the_data_plane_answers_its_paths_and_pages_the_rest() -> None:
    log: list[str] = []
    application, life = front(log), Life("lifespan.startup", "lifespan.shutdown")
    await application({"type": "lifespan"}, life.receive, life.send)
    assert await answered_by(application, "/sta/v1.1/Things") == "data plane"
    assert await answered_by(application, "/sta") == "data plane"
    assert await answered_by(application, "/stations/") == "pages"
    assert await answered_by(application, "/") == "pages"


async def test_what_was_opened_is_closed_with_the_server() -> None:
    log: list[str] = []
    life = Life("lifespan.startup", "lifespan.shutdown")
    await front(log)({"type": "lifespan"}, life.receive, life.send)
    assert log == ["opened", "closed"]
    assert [message["type"] for message in life.heard] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_a_data_plane_that_cannot_open_ends_the_process() -> None:
    async def fails(_stack: AsyncExitStack) -> Application:
        message = "no database"
        raise OSError(message)

    life = Life("lifespan.startup")
    await Front(Named("pages"), fails)({"type": "lifespan"}, life.receive, life.send)
    assert life.heard == [{"type": "lifespan.startup.failed", "message": "no database"}]


class Sender:
    """A client that sends a body in parts and then says nothing more."""

    def __init__(self, *parts: bytes, ends: bool = True) -> None:
        self._parts, self._ends = list(parts), ends
        self.heard: list[MutableMapping[str, Any]] = []

    async def receive(self) -> MutableMapping[str, Any]:
        if not self._parts:
            await asyncio.Event().wait()
        part = self._parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(self._parts) or not self._ends}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        self.heard.append(message)


class Reading:
    """Pages that read the whole body and note what came."""

    def __init__(self) -> None:
        self.read: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  the protocol's
        while True:
            message = await receive()
            self.read.append(message["type"])
            if message["type"] == "http.disconnect" or not message.get("more_body"):
                return


async def sent_to_pages(sender: Sender, *headers: tuple[bytes, bytes]) -> list[str]:
    async def opens_nothing(_stack: AsyncExitStack) -> Application:
        return Named("data plane")

    pages = Reading()
    scope = {"type": "http", "method": "GET", "path": "/login/", "headers": list(headers)}
    await Front(pages, opens_nothing)(scope, sender.receive, sender.send)
    return pages.read


async def test_a_form_that_says_it_is_too_large_is_refused_before_it_is_read() -> None:
    for length in (str(asgi.PAGE_BODY_BYTES_MAX + 1), "-1", "many"):
        sender = Sender(b"x")
        assert await sent_to_pages(sender, (b"content-length", length.encode())) == []
        assert sender.heard[0]["status"] == 413


async def test_a_form_that_grows_too_large_ends_the_request() -> None:
    half = b"x" * (asgi.PAGE_BODY_BYTES_MAX // 2)
    assert await sent_to_pages(Sender(half, half)) == ["http.request", "http.request"]
    assert (await sent_to_pages(Sender(half, half, b"x")))[-1] == "http.disconnect"


async def test_a_form_that_comes_in_too_slowly_ends_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi, "PAGE_BODY_S_MAX", 0.01)
    assert await sent_to_pages(Sender(b"a=", ends=False)) == ["http.request", "http.disconnect"]


async def _answered(*parts: bytes) -> bytes:
    """Return what a web server says to bytes until it ends the connection."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001  the protocol's
        await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]})
        await send({"type": "http.response.body", "body": b"here"})

    config = uvicorn.Config(answer, http=web.BoundedProtocol, lifespan="off", log_level="critical")
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: web.BoundedProtocol(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
            return await asyncio.wait_for(reader.read(), 20)
        except ConnectionResetError:
            return b""
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
            for _ in range(1000):  # the server's half is closed some turns of the loop later
                if state.connections:
                    await asyncio.sleep(0)


async def test_a_head_that_does_not_come_in_ends_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "HEAD_S_MAX", 0.05)
    assert await _answered() == b""
    assert await _answered(b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ") == b""


async def test_a_head_without_end_ends_the_connection_and_an_ordinary_one_is_answered() -> None:
    line = b"X-More: " + b"x" * 8000 + b"\r\n"
    assert await _answered(b"GET / HTTP/1.1\r\nHost: a\r\n", *[line] * 20) == b""
    assert b"here" in await _answered(b"GET / HTTP/1.1\r\nHost: a\r\n", line, b"\r\n")


def test_nobody_is_believed_about_addresses_unless_a_setting_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert web.proxy_options() == {"proxy_headers": False, "forwarded_allow_ips": ""}
    monkeypatch.setattr(web, "configuration", lambda: Configuration(trusted_proxies="10.0.0.1"))
    assert web.proxy_options() == {"proxy_headers": True, "forwarded_allow_ips": "10.0.0.1"}


class Noting:
    """A connection that notes what is written and closed."""

    def __init__(self) -> None:
        self.noted: list[bytes] = []

    def is_closing(self) -> bool:
        return b"closed" in self.noted

    def write(self, data: bytes) -> None:
        self.noted.append(data)

    def close(self) -> None:
        self.noted.append(b"closed")


async def test_a_head_and_its_body_leave_in_one_write() -> None:
    noting = Noting()
    gathering = web.GatheringTransport(cast("asyncio.Transport", noting), asyncio.get_running_loop())
    gathering.write(b"head ")
    gathering.write(b"body")
    assert noting.noted == []
    await asyncio.sleep(0)
    assert noting.noted == [b"head body"]
    gathering.write(b"last")
    gathering.close()
    gathering.write(b"too late")
    await asyncio.sleep(0)
    assert noting.noted == [b"head body", b"last", b"closed"]
    assert gathering.is_closing()
