"""One number for everything that one request causes: in the log lines, in the answer's head, and on error pages."""

import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import ContextVar
from typing import Any

from cityloop.site.metrics import REQUEST_S

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

TRACE_BYTES = 16
"""Length of a trace id, bytes, after W3C Trace Context."""

_trace_id: ContextVar[str] = ContextVar("trace_id", default="")
_PARENT = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_access = logging.getLogger("cityloop.access")


def trace_id() -> str:
    """Return the trace id of what is being done, empty outside a request."""
    return _trace_id.get()


def trace_id_of(headers: list[tuple[bytes, bytes]]) -> str:
    """Return the trace id that a request brings in `traceparent`, or a new one."""
    for name, value in headers:
        if name == b"traceparent" and (found := _PARENT.fullmatch(value)) and found[1] != b"0" * 32:
            return found[1].decode("ascii")
    return secrets.token_hex(TRACE_BYTES)


class Traced:
    """Gives each request of an application its trace id, and writes one line when it is answered.

    Args:
        application: answers.
    """

    def __init__(self, application: Application) -> None:
        """Take the application."""
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        number = trace_id_of(scope.get("headers", []))
        token = _trace_id.set(number)
        began, status = time.perf_counter(), 0

        async def told(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-trace-id", number.encode("ascii"))]
            await send(message)

        try:
            await self._application(scope, receive, told)
        finally:
            REQUEST_S.labels(str(status or 500)).observe(time.perf_counter() - began)
            _access.info(
                "answered",
                extra={
                    "method": scope["method"],
                    "path": scope["path"],
                    "status": status,
                    "ms": round(1000 * (time.perf_counter() - began), 1),
                },
            )
            _trace_id.reset(token)
