"""A web process: uvicorn with uvloop and httptools on the listening socket that the supervisor holds.

The socket outlives the process: while one is started again, connections wait in the backlog or go to the others.
"""

import argparse
import asyncio
import os
import socket
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from cityloop.site.configuration import configuration
from cityloop.site.logs import set_up_logs

GOODBYE_S = 2
"""How long open connections (live feeds among them) may take to end, seconds."""

KEEP_ALIVE_S = 75
"""How long an idle connection is kept, seconds: longer than the 60 s of common proxies."""


HEAD_S_MAX = 20.0
"""How long the head of a request may take to come in, seconds; a connection that says nothing is ended too."""

HEAD_BYTES_MAX = 64 * 1024
"""Largest head of a request, bytes: a long `$filter` fits."""

CONNECTIONS_MAX = 2000
"""Connections of a process; beyond them the answer is 503, before the system runs out of files."""


class GatheringTransport:
    """Writes once what a turn of the loop has to say.

    The server writes the head of an answer and its body apart; sent so, the client would be woken twice.

    Args:
        transport: the connection; everything but writing is its own.
        loop: its loop.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        """Have nothing to say yet."""
        self._transport, self._loop = transport, loop
        self._parts: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        """Return what the connection itself can do."""
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write at the end of this turn."""
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)

    def close(self) -> None:
        """Write the rest and close."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        parts, self._parts = self._parts, []
        if parts and not self._transport.is_closing():
            self._transport.write(b"".join(parts))


class BoundedProtocol(HttpToolsProtocol):
    """HTTP that waits for the head of a request for a while only, and reads so much of it only."""

    _late: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _in_head = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first request."""
        gathering = GatheringTransport(cast("asyncio.Transport", transport), self.loop)
        super().connection_made(cast("asyncio.Transport", gathering))
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._in_time()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """End a connection whose head has grown too large; wait for the rest of one that came in part."""
        super().data_received(data)
        if self._in_head:
            self._wait()
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX:
                self._end()

    def on_message_begin(self) -> None:
        """Wait for the rest of the head, if it does not come at once."""
        super().on_message_begin()
        self._in_time()
        self._in_head = True

    def on_headers_complete(self) -> None:
        """Take the request."""
        self._in_time()
        super().on_headers_complete()

    def _wait(self) -> None:
        if self._late is None:
            self._late = self.loop.call_later(HEAD_S_MAX, self._end)

    def _in_time(self) -> None:
        self._head_bytes, self._in_head = 0, False
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _end(self) -> None:
        self._in_time()
        if self.transport is not None and not self.transport.is_closing():
            self.transport.close()


def proxy_options() -> dict[str, Any]:
    """Return whose word the server takes for the address and the scheme of a request: nobody's unless set."""
    proxies = configuration().trusted_proxies
    return {"proxy_headers": bool(proxies), "forwarded_allow_ips": proxies}


def main() -> None:
    """Serve until asked to stop."""
    parser = argparse.ArgumentParser(prog="cityloop.site.web")
    parser.add_argument("--fd", type=int, required=True, help="number of the inherited listening socket")
    parser.add_argument("--name", required=True, help="name of this process")
    arguments = parser.parse_args()
    os.environ["CITYLOOP_PROCESS"] = arguments.name
    set_up_logs(arguments.name)
    listener = socket.socket(fileno=arguments.fd)
    config = uvicorn.Config(
        "cityloop.site.asgi:application",
        loop="uvloop",
        http=BoundedProtocol,
        ws="none",
        lifespan="on",
        access_log=False,
        server_header=False,
        log_config=None,
        log_level="warning",
        limit_concurrency=CONNECTIONS_MAX,
        **proxy_options(),
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GOODBYE_S,
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
