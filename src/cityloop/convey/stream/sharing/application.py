"""The machine faces of shared data as one ASGI application: OGC API Features and feeds."""

import logging
from contextlib import AsyncExitStack
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from cityloop.convey.stream.sharing.asking import RightsBook
from cityloop.convey.stream.sharing.features.documents import PREFIX
from cityloop.convey.stream.sharing.features.service import Features
from cityloop.convey.stream.sharing.feeds import LOOK_S, Feeds
from cityloop.convey.stream.sharing.http import (
    Application,
    ComeAgainError,
    PathUnknownError,
    Receive,
    Scope,
    Send,
    language_of,
    refusal,
    request_of,
    send_answer,
)
from cityloop.convey.stream.sharing.readlog import ReadLog
from cityloop.kernel.errors import CityloopError

PREFIXES = ("/ogc/features", "/feeds")
"""Where these faces stand in the web."""

POOL_SIZE_MIN, POOL_SIZE_MAX = 1, 6
"""Connections of these faces and the log of reads in one process."""

POOL_WAIT_S = 5.0
"""How long a read waits for a connection, seconds."""

STATEMENT_MS_MAX = 10_000
"""Longest time a read may take in the database, milliseconds."""

_log = logging.getLogger(__name__)


def is_shared(path: str) -> bool:
    """Return whether a path belongs to these faces."""
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in PREFIXES)


async def open_pool(stack: AsyncExitStack, dsn: str) -> AsyncConnectionPool[Any]:
    """Open the connections of these faces.

    Args:
        stack: closes them again.
        dsn: of the database.
    """
    pool: AsyncConnectionPool[Any] = AsyncConnectionPool(
        dsn,
        min_size=POOL_SIZE_MIN,
        max_size=POOL_SIZE_MAX,
        timeout=POOL_WAIT_S,
        kwargs={"autocommit": True, "options": f"-c statement_timeout={STATEMENT_MS_MAX} -c TimeZone=UTC"},
        open=False,
        name="sharing",
    )
    await stack.enter_async_context(pool)
    return pool


def build_sharing(pool: AsyncConnectionPool[Any], rights: RightsBook, *, look_s: float = LOOK_S) -> Application:
    """Return the application.

    Args:
        pool: from `open_pool`.
        rights: knows the tokens.
        look_s: between two looks of a feed at the history, seconds.
    """
    features, feeds = Features(pool, rights), Feeds(pool, rights, look_s=look_s)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        language = language_of(dict(scope["headers"]))
        try:
            request = request_of(scope)
            if request.path == PREFIX or request.path.startswith(f"{PREFIX}/"):
                await send_answer(await features(request), send, head=request.method == "HEAD")
            elif request.path.startswith("/feeds/"):
                await feeds(request, receive, send)
            else:
                raise PathUnknownError
        except CityloopError as error:
            await send_answer(refusal(error, language=language), send)
        except (TimeoutError, psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout) as error:
            _log.warning("the database does not answer: %s", str(error).partition("\n")[0])
            await send_answer(refusal(ComeAgainError(), language=language), send)

    return answer


__all__ = ["PREFIXES", "ReadLog", "build_sharing", "is_shared", "open_pool"]
