"""A reader of server-sent events that speaks to the application itself, message by message."""

import asyncio
import json
from contextlib import asynccontextmanager
from typing import Any

PATIENCE_S = 20.0


class Feed:
    """An open feed: its events as they come."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[tuple[str, str, Any]] = asyncio.Queue()
        self.status = 0
        self.last_id = ""
        self.started, self.over, self._gone = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._text = ""

    async def receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            return
        self._text += message.get("body", b"").decode()
        while "\n\n" in self._text:
            frame, _, self._text = self._text.partition("\n\n")
            self._take(frame)
        self.started.set()
        if not message.get("more_body"):
            self.over.set()

    def _take(self, frame: str) -> None:
        parts = dict(line.partition(": ")[::2] for line in frame.splitlines())
        self.last_id = parts.get("id", self.last_id)
        if "event" in parts:
            self.events.put_nowait((parts["event"], self.last_id, json.loads(parts["data"])))

    async def next(self) -> tuple[str, str, Any]:
        async with asyncio.timeout(PATIENCE_S):
            return await self.events.get()

    def leave(self) -> None:
        self._gone.set()


@asynccontextmanager
async def open_feed(application: Any, path: str, *, token: str = "", last_id: str = ""):  # noqa: ANN201  a generator
    """Open a feed and leave it at the end."""
    headers = [(b"host", b"city.test")]
    headers += [(b"authorization", f"Bearer {token}".encode())] if token else []
    headers += [(b"last-event-id", last_id.encode())] if last_id else []
    scope = {
        "type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers, "scheme": "http",
    }  # fmt: skip
    feed = Feed()
    running = asyncio.create_task(application(scope, feed.receive, feed.send))
    try:
        async with asyncio.timeout(PATIENCE_S):
            await feed.started.wait()
        yield feed
    finally:
        feed.leave()
        async with asyncio.timeout(PATIENCE_S):
            await running
