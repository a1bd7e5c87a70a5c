"""Feeds of data sets: server-sent events from a position on, and readings of a span as CSV.

    GET /feeds/datasets/<code>/               text/event-stream; Last-Event-ID resumes
    GET /feeds/datasets/<code>/readings.csv   ?from=&until=&after=

Every look at the history asks for the rights anew, so a feed ends by itself when the contract does, and says so.
"""

import asyncio
import csv
import io
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import psycopg
from psycopg_pool import AsyncConnectionPool

from cityloop.convey.rules.feed_position import FeedPosition
from cityloop.convey.stream.sharing.asking import Asker, Condition, RightsBook, TokenNeededError, asker_of
from cityloop.convey.stream.sharing.changes import Reading, changes_after, position_now, readings_between
from cityloop.convey.stream.sharing.http import (
    Answer,
    PathUnknownError,
    QueryError,
    Receive,
    Request,
    Send,
    send_answer,
)
from cityloop.convey.stream.sharing.readlog import Read, ReadKind, write_read
from cityloop.kernel.errors import CityloopError
from cityloop.kernel.instants import to_us

LOOK_S = 1.0
"""Between two looks at the history, seconds."""

SWEEP_S = 60.0
"""Between two looks as far back as anything can still come in, seconds."""

BEAT_S = 15.0
"""After so much silence a comment is sent, seconds: proxies and readers know that the feed lives."""

LIFE_S = 3600.0
"""A feed ends by itself and its reader opens the next, seconds."""

FEEDS_MAX, FEEDS_OF_ONE_MAX = 64, 8
"""Most feeds of a process, and of one token in it."""

EVENT_ROWS_MAX = 200
"""Most readings of one event."""

CSV_ROWS_MAX = 50_000
"""Most readings of one CSV document; a Link header leads to the next."""

CSV_SPAN = timedelta(days=31)
"""Longest span of one CSV document."""

_FEED = re.compile(r"/feeds/datasets/([A-Za-z0-9._-]{1,80})/(readings\.csv)?")


class FeedsFullError(CityloopError):
    """No more feeds can be opened here."""

    key = "As many feeds are open as may be; close one, or come again later."
    status = 429


@dataclass(frozen=True, slots=True)
class Offer:
    """A data set as its reader sees it."""

    code: str
    owner: str


_OFFER = "SELECT s.code, s.owner FROM convey_dataset AS s WHERE s.code = %(code)s AND "


async def visible_set(connection: psycopg.AsyncConnection[Any], asker: Asker, code: str) -> Offer | None:
    """Return a data set the asker may read, None where it may not or there is none."""
    where = asker.datasets()
    cursor = await connection.execute(_OFFER + where.sql, {"code": code, **where.parameters})
    row = await cursor.fetchone()
    return Offer(*row) if row else None


def streams_of(asker: Asker, code: str) -> Condition:
    """Return which datastreams of a data set an asker sees."""
    seen = asker.streams()
    return Condition(f"d.dataset = %(dataset)s AND {seen.sql}", {"dataset": code, **seen.parameters})


class Feeds:
    """Answers for the feeds.

    Args:
        pool: autocommitting connections.
        rights: knows the tokens.
        look_s: between two looks at the history, seconds.
    """

    def __init__(self, pool: AsyncConnectionPool[Any], rights: RightsBook, *, look_s: float = LOOK_S) -> None:
        """Begin with no feed open."""
        self._pool, self._rights, self._look_s = pool, rights, look_s
        self._open: dict[int, int] = {}

    async def __call__(self, request: Request, receive: Receive, send: Send) -> None:
        """Answer one request.

        Raises:
            CityloopError: if it cannot be answered.
        """
        found = _FEED.fullmatch(request.path)
        if found is None:
            raise PathUnknownError
        asker = asker_of(self._rights, request.headers)
        async with self._pool.connection() as connection:
            offer = await visible_set(connection, asker, found[1])
        if offer is None:
            raise TokenNeededError if asker.rights is None else PathUnknownError
        if found[2]:
            await send_answer(await self._csv(request, asker, offer), send, head=request.method == "HEAD")
            return
        await self._stream(request, asker, offer, receive, send)

    async def _stream(self, request: Request, asker: Asker, offer: Offer, receive: Receive, send: Send) -> None:
        position = _resumed(request)
        reader = asker.rights.token_id if asker.rights else 0
        if sum(self._open.values()) >= FEEDS_MAX or self._open.get(reader, 0) >= FEEDS_OF_ONE_MAX:
            raise FeedsFullError
        self._open[reader] = self._open.get(reader, 0) + 1
        gone = asyncio.create_task(_until_gone(receive))
        try:
            headers = [
                (b"content-type", b"text/event-stream; charset=utf-8"),
                (b"cache-control", b"no-store"),
                (b"x-accel-buffering", b"no"),
            ]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            if request.method == "GET":
                async for frame in self._frames(request, offer, position, gone):
                    await send({"type": "http.response.body", "body": frame, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()
            self._open[reader] -= 1
            if not self._open[reader]:
                del self._open[reader]

    async def _frames(
        self, request: Request, offer: Offer, position: FeedPosition, gone: asyncio.Task[None]
    ) -> AsyncIterator[bytes]:
        ends_at = time.monotonic() + LIFE_S
        swept_at, said_at = float("-inf"), time.monotonic()
        yield f"retry: 2000\nid: {position.written()}\n\n".encode()
        while not gone.done() and (moment := time.monotonic()) < ends_at:
            sweeps = moment - swept_at >= SWEEP_S
            try:
                found = await self._look(request, offer, position, sweeps=sweeps)
            except CityloopError as error:
                yield _ended(error)
                return
            except (psycopg.OperationalError, psycopg.InterfaceError):
                yield b"event: away\ndata: {}\n\n"
                return
            swept_at = moment if sweeps and not found.is_cut else swept_at
            position = found.position
            if found.readings:
                yield _event(found.readings, position)
                said_at = moment
            elif moment - said_at >= BEAT_S:
                yield b": beat\n\n"
                said_at = moment
            if not found.is_cut:
                await asyncio.wait([gone], timeout=self._look_s)

    async def _look(self, request: Request, offer: Offer, position: FeedPosition, *, sweeps: bool) -> Any:
        """Look at the history once, with the rights of this moment, and log what will be told.

        Raises:
            CityloopError: if the rights have ended.
        """
        asker = asker_of(self._rights, request.headers)
        async with self._pool.connection() as connection:
            if await visible_set(connection, asker, offer.code) is None:
                raise FeedEndedError
            found = await changes_after(
                connection,
                position,
                where=streams_of(asker, offer.code),
                now_us=to_us(datetime.now(UTC)),
                limit=EVENT_ROWS_MAX,
                sweeps=sweeps,
            )
            if found.readings and asker.is_limited:
                await write_read(connection, asker, _read(ReadKind.FEED, request, offer, len(found.readings)))
        return found

    async def _csv(self, request: Request, asker: Asker, offer: Offer) -> Answer:
        since, until, after = _span(request)
        async with self._pool.connection() as connection:
            readings = await readings_between(
                connection,
                where=streams_of(asker, offer.code),
                since=since,
                until=until,
                after=after,
                limit=CSV_ROWS_MAX,
            )
            if asker.is_limited:
                await write_read(connection, asker, _read(ReadKind.EXPORT, request, offer, len(readings)))
        answer = Answer(_csv_of(readings), "text/csv; charset=utf-8")
        answer.headers["content-disposition"] = f'attachment; filename="{offer.code}.csv"'
        if len(readings) == CSV_ROWS_MAX:
            last = readings[-1]
            page = f"after={_written(last.phenomenon_time)}_{last.observation_id}"
            path = f"{request.base}{request.path}?from={_written(since)}&until={_written(until)}&{page}"
            answer.headers["link"] = f'<{path}>; rel="next"'
        return answer


class FeedEndedError(CityloopError):
    """The right to a feed has ended while it was open."""

    key = "The right to this data set has ended; nothing more is sent."
    status = 403


def _read(kind: ReadKind, request: Request, offer: Offer, rows: int) -> Read:
    return Read(kind=kind, path=request.path, rows=rows, datasets=(offer.code,), owners=(offer.owner,))


def _resumed(request: Request) -> FeedPosition:
    named = request.headers.get(b"last-event-id", b"").decode("latin-1")
    return FeedPosition.read(named) if named else position_now(to_us(datetime.now(UTC)))


def _event(readings: list[Reading], position: FeedPosition) -> bytes:
    told = msgspec.json.encode([one.told() for one in readings]).decode()
    return f"id: {position.written()}\nevent: readings\ndata: {told}\n\n".encode()


def _ended(error: CityloopError) -> bytes:
    told = msgspec.json.encode({"reason": error.sentence()}).decode()
    return f"event: ended\ndata: {told}\n\n".encode()


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _span(request: Request) -> tuple[datetime, datetime, tuple[datetime, int]]:
    unknown = set(request.query) - {"from", "until", "after"}
    if unknown:
        raise QueryError(min(unknown))
    until = _instant(request, "until") or datetime.now(UTC)
    since = _instant(request, "from") or until - timedelta(days=1)
    if not timedelta(0) < until - since <= CSV_SPAN:
        name = "from"
        raise QueryError(name)
    at, _, number = request.query.get("after", "").partition("_")
    if not at:
        return since, until, (since, 0)
    if not (number.isascii() and number.isdecimal() and int(number) < 2**63):
        name = "after"
        raise QueryError(name)
    return since, until, (_parsed("after", at), int(number))


def _instant(request: Request, name: str) -> datetime | None:
    return _parsed(name, request.query[name]) if name in request.query else None


def _parsed(name: str, text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise QueryError(name) from error
    if at.tzinfo is None or not 1 < at.year < 9999:  # noqa: PLR2004  years whose zones can be taken off
        raise QueryError(name)
    return at.astimezone(UTC)


def _written(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


_CSV_COLUMNS = ("id", "datastream", "thing", "phenomenonTime", "resultTime", "result", "quality")


def _csv_of(readings: list[Reading]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(_CSV_COLUMNS)
    for one in readings:
        told = one.told()
        result = one.result if isinstance(one.result, int | float) else msgspec.json.encode(one.result).decode()
        writer.writerow(
            (one.observation_id, one.datastream_id, one.thing_id, told["phenomenonTime"], told["resultTime"], result,
             told["quality"])
        )  # fmt: skip
    return text.getvalue().encode()


__all__ = ["Feeds", "FeedsFullError", "Offer", "streams_of", "visible_set"]
