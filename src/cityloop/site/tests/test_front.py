from collections.abc import MutableMapping
from contextlib import AsyncExitStack
from typing import Any

from cityloop.site.asgi import Application, Front, Receive, Scope, Send


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
    await application({"type": "http", "path": path}, life.receive, life.send)
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
