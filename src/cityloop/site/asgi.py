"""The web application: `/sta` goes to the SensorThings API on the data plane, everything else to Django.

The pool and the pipeline live as long as the web process (ASGI lifespan).
"""

import logging
import os
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AsyncExitStack
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cityloop.site.settings")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

STA_PREFIX = "/sta"

_log = logging.getLogger("cityloop.web")


class Front:
    """Sends a request where it belongs, and opens and closes what the data plane needs.

    Args:
        pages: answers everything but the data plane.
        open_data_plane: opens the data plane on a stack that closes it.
    """

    def __init__(self, pages: Application, open_data_plane: Callable[[AsyncExitStack], Awaitable[Application]]) -> None:
        """Take both; the data plane is opened when the server starts."""
        self._pages = pages
        self._open_data_plane = open_data_plane
        self._data_plane: Application | None = None
        self._stack = AsyncExitStack()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or live through the server's life."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        path = scope["path"]
        if self._data_plane is not None and (path == STA_PREFIX or path.startswith(STA_PREFIX + "/")):
            await self._data_plane(scope, receive, send)
            return
        await self._pages(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            told = (await receive())["type"]
            stage = told.rpartition(".")[2]
            try:
                if stage == "startup":
                    self._data_plane = await self._open_data_plane(self._stack)
                else:
                    await self._stack.aclose()
            except Exception as error:  # noqa: BLE001  told to the server, which ends the process
                _log.exception("%s failed", stage)
                await send({"type": f"{told}.failed", "message": str(error)})
                return
            await send({"type": f"{told}.complete"})
            if stage == "shutdown":
                return


async def open_data_plane(stack: AsyncExitStack) -> Application:
    """Open the pool, the pipeline and the rights, and return the SensorThings API on them.

    Args:
        stack: closes them again.
    """
    raise NotImplementedError


application = Front(get_asgi_application(), open_data_plane)
