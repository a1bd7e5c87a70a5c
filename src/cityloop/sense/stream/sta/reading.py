"""Answers GET: runs the composed statement and lays its one value between the brackets."""

import logging
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from weakref import WeakSet

import msgspec
import psycopg
from psycopg import AsyncConnection
from psycopg.raw_cursor import AsyncRawCursor
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from cityloop.kernel.errors import CityloopError
from cityloop.kernel.instants import from_us
from cityloop.kernel.observation_ids import ingested_at_us
from cityloop.sense.stream.archive.asking import Ways, ways_of
from cityloop.sense.stream.archive.recalling import asked
from cityloop.sense.stream.sta.closed import Window, instant_of, never_closed_from
from cityloop.sense.stream.sta.errors import BusyError, SyntaxFault, UnknownPathError
from cityloop.sense.stream.sta.formats import (
    CONTENT_TYPES,
    CSV,
    GEOJSON,
    check_format,
    columns_of,
    csv_of,
    feature_of,
    with_geometry,
)
from cityloop.sense.stream.sta.geometry import answer
from cityloop.sense.stream.sta.options import read_options
from cityloop.sense.stream.sta.paths import Resource, read_path
from cityloop.sense.stream.sta.query import Composer, Plan, next_query
from cityloop.sense.stream.sta.showing import BASE
from cityloop.sense.stream.sta.sight import Sight

PLANS_MAX = 1024
"""Most composed statements kept for the next request that asks alike."""

HINTS_MAX = 4096
"""Most addresses of which is kept how far back their page reaches."""

STATEMENT_MS_MAX = 10_000
"""Longest time a read may take in the database, milliseconds."""

ID_WINDOW_US = 36 * 3_600_000_000
"""An observation is first sought in the days around its ingest: devices send what has just happened."""

EVER = ("-infinity", "infinity")
_DAYS_BACK = (1, 10)
"""How far back the newest of all observations are sought in packed days before all of them are, days."""

Hint = tuple[str, str, Sight | None]
"""Path, query and sight of a page."""

_PLACE = """
    SELECT d.datastream_id, d.day, d.first_time::text, d.last_time::text FROM sense_packed_place($1) p
    JOIN sense_packedday d ON d.datastream_id = p.datastream_id AND d.day = p.day LIMIT 1
"""
_log = logging.getLogger(__name__)


class ValueRangeError(CityloopError):
    """A number, text or time leaves what the database can calculate."""

    key = "A value is outside the possible range."


class CombinationError(CityloopError):
    """The expression puts together what the database cannot."""

    key = "These values cannot be combined so."


@dataclass(frozen=True, slots=True)
class Row:
    """The one row of a composed statement."""

    found: bool
    total: int | None
    rows: int
    body: str | None
    edge: Any
    closed: Any = None


@dataclass(frozen=True, slots=True)
class Shown:
    """What answers a read.

    Attributes:
        status: 200, or 204 where a property is absent.
        content_type: of the body.
        body: the answer.
        rows: entities of the answer.
        next_link: address of the next page where the body itself cannot name it, else empty.
    """

    status: int
    content_type: str
    body: bytes
    rows: int = 1
    next_link: str = ""


@lru_cache(maxsize=PLANS_MAX)
def plan_of(path: str, query: str, page_size: int, page_max: int, sight: Sight | None = None) -> tuple[Resource, Plan]:
    """Return what an address names and the statement that reads what is seen of it.

    Raises:
        CityloopError: if the path is unknown or an option cannot be read.
    """
    resource = read_path(path)
    options = read_options(query, page_size=page_size, page_max=page_max)
    check_format(resource, options)
    asked = options
    if options.result_format == GEOJSON:
        options = with_geometry(resource.last.entity, options)
    composer = Composer(sight)
    if resource.member is not None:
        return resource, composer.property(resource, options)
    make = composer.collection if resource.last.is_collection else composer.entity
    plan = make(resource, options)
    plan.asked = asked
    return resource, plan


class Reader:
    """Reads what addresses name.

    Args:
        pool: autocommitting connections, for this application alone.
        page_size: entities of a page where none is asked for.
        page_max: greatest page.
    """

    def __init__(self, pool: AsyncConnectionPool[Any], *, page_size: int, page_max: int) -> None:
        """Begin with no connection prepared and no hints."""
        self._pool, self._page_size, self._page_max = pool, page_size, page_max
        self._bound: AsyncConnection[Any] | None = None
        self._ready: WeakSet[AsyncConnection[Any]] = WeakSet()
        self._hints: OrderedDict[Hint, str] = OrderedDict()
        self._closed_until: datetime | None = None

    def bound_to(self, connection: AsyncConnection[Any]) -> "Reader":
        """Return a reader that reads on one connection, and so sees what its transaction has written."""
        bound = Reader(self._pool, page_size=self._page_size, page_max=self._page_max)
        bound._bound = connection
        return bound

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[Any]]:
        """Give a connection of the pool, with the bounds of a read set.

        Raises:
            BusyError: if none is free in time, or the statement takes too long.
            CityloopError: if the values asked for cannot be calculated with.
        """
        try:
            if self._bound is not None:
                yield self._bound
                return
            async with self._pool.connection() as connection:
                if connection not in self._ready:
                    await self._prepare(connection)
                yield connection
        except (psycopg.errors.QueryCanceled, PoolTimeout) as error:
            raise BusyError from error
        except (psycopg.DataError, psycopg.errors.ProgramLimitExceeded) as error:
            raise ValueRangeError from error
        except (psycopg.errors.UndefinedFunction, psycopg.errors.DatatypeMismatch) as error:
            _log.warning("a filter compiled to SQL that PostgreSQL refuses: %s", error)
            raise CombinationError from error

    async def _prepare(self, connection: AsyncConnection[Any]) -> None:
        await connection.set_autocommit(True)
        await connection.execute(f"SET statement_timeout = {STATEMENT_MS_MAX}")
        await connection.execute("SET max_parallel_workers_per_gather = 0")
        await connection.execute("SET timezone = 'UTC'")
        await connection.execute("SET jit = off")
        self._ready.add(connection)

    async def read(self, path: str, query: str, *, base: str, sight: Sight | None = None) -> Shown:
        """Return what an address names.

        Args:
            path: below the service root, as it stands in the address.
            query: as it stands in the address.
            base: address of the service root.
            sight: whose data are seen, None for everything.

        Raises:
            CityloopError: if it does not exist, is not seen, or cannot be read.
        """
        resource, plan = plan_of(path, query, self._page_size, self._page_max, sight)
        async with self.connection() as connection:
            row = await self._row(connection, plan, (path, query, sight))
        if row is None or not row.found:
            raise UnknownPathError(path[:200])
        if resource.member is not None:
            return _property(resource, row)
        if plan.options.result_format in (CSV, GEOJSON):
            return _formatted(resource, plan, row, path, base)
        body, rows = row.body or "", 1
        if resource.last.is_collection:
            body, rows = _collection(plan, row, path), min(row.rows, plan.options.top or 0)
        return Shown(200, "application/json", body.replace(BASE, base).encode(), rows)

    async def _row(self, connection: AsyncConnection[Any], plan: Plan, key: Hint) -> Row | None:
        values = list(plan.statement.parameters.values)
        for task in plan.statement.tasks:
            values[task.ids - 1], numbers = await answer(connection, task)
            if task.numbers:
                values[task.numbers - 1] = numbers
        if plan.newest_first:
            for window in plan.windows:
                await _set_place(connection, window, values)
            return await self._newest(connection, plan, values, key)
        if plan.windows:
            return await _within_windows(connection, plan, values)
        return await self._asked(connection, plan, values, floor=EVER[0])

    async def _newest(self, connection: AsyncConnection[Any], plan: Plan, values: list[Any], key: Hint) -> Row | None:
        """Read the newest observations: first only as far back as the page reached last time."""
        since, row = self._hints.get(key) or await _recent(connection, plan.stream), None
        wanted = (plan.options.top or 0) + 1
        for floor in self._floors(since, plan):
            values[plan.newest_first - 1] = floor
            row = await self._asked(connection, plan, values, floor=floor)
            if row is not None and row.rows >= wanted:
                break
        full = row is not None and row.rows >= wanted and row.edge is not None
        self._hints[key] = row.edge.isoformat() if full and row is not None else EVER[0]
        self._hints.move_to_end(key)
        if len(self._hints) > HINTS_MAX:
            self._hints.popitem(last=False)
        return row

    def _floors(self, since: str, plan: Plan) -> list[str]:
        """Return how far back newest observations are sought in turn; packed days of all streams are dear to open."""
        if since == EVER[0]:
            return [since]
        between = []
        if self._closed_until is not None and not plan.stream:
            between = [(instant_of(since) - timedelta(days=days)).isoformat() for days in _DAYS_BACK]
        return [since, *between, EVER[0]]

    async def _asked(
        self, connection: AsyncConnection[Any], plan: Plan, values: list[Any], *, floor: str
    ) -> Row | None:
        """Ask the hot table alone where it can answer alone, else the closed days too."""
        ways = ways_of(plan.sql)
        if not ways.loose or _answers_alone(plan, ways, never_closed_from(), floor):
            return await _run(connection, plan.sql, values)
        if self._closed_until is None or _answers_alone(plan, ways, self._closed_until, floor):
            row = await _run(connection, ways.hot, values)
            self._closed_until = row.closed if row is not None else None
            if row is None or row.closed is None or _answers_alone(plan, ways, row.closed, floor):
                return row
            if row.edge is not None and row.edge >= row.closed and ways.loose == 1 and _is_full(plan, row):
                return row
        return await _run_whole(connection, ways, values)


def _is_full(plan: Plan, row: Row) -> bool:
    return bool(plan.newest_first) and row.rows > (plan.options.top or 0)


def _answers_alone(plan: Plan, ways: Ways, closed_until: datetime, floor: str) -> bool:
    """Return whether nothing that is asked for can lie in closed days."""
    if ways.loose == 1 and instant_of(floor) >= closed_until:
        return True
    pages = 2 if plan.options.count else 1
    return plan.since_us is not None and from_us(plan.since_us) >= closed_until and ways.loose <= pages


async def _recent(connection: AsyncConnection[Any], stream: int) -> str:
    """Return from when on a newest page is first sought: a stream's last day, or the last hour of all."""
    cursor = AsyncRawCursor(connection)
    if stream:
        await cursor.execute(
            "SELECT (phenomenon_time - interval '1 day')::text FROM sense_latest WHERE datastream_id = $1", [stream]
        )
    else:
        await cursor.execute("SELECT (max(phenomenon_time) - interval '1 hour')::text FROM sense_latest")
    row = await cursor.fetchone()
    return (row and row[0]) or EVER[0]


async def _within_windows(connection: AsyncConnection[Any], plan: Plan, values: list[Any]) -> Row | None:
    """Read what is named by an id: near its ingest first, then where the closed days have it, then anywhere."""
    ways = ways_of(plan.sql)
    for window in plan.windows:
        ingested = ingested_at_us(values[window.key - 1])
        values[window.since - 1] = from_us(ingested - ID_WINDOW_US).isoformat()
        values[window.until - 1] = from_us(ingested + ID_WINDOW_US).isoformat()
    row = await _run(connection, ways.hot, values)
    alone = ways.loose <= len(plan.windows) or (row is not None and row.closed is None)
    if row is not None and row.found and alone:
        return row
    if any([await _set_place(connection, window, values) for window in plan.windows]):
        row = await _run_whole(connection, ways, values)
        if row is not None and row.found:
            return row
    for window in plan.windows:
        values[window.since - 1], values[window.until - 1] = EVER
    return await _run_whole(connection, ways, values)


async def _set_place(connection: AsyncConnection[Any], window: Window, values: list[Any]) -> bool:
    """Seek an observation where it is packed; anywhere else, and not packed, where no closed day has it."""
    row = await (await AsyncRawCursor(connection).execute(_PLACE, [values[window.key - 1]])).fetchone()
    values[window.stream - 1], values[window.day - 1] = (None, None) if row is None else row[:2]
    values[window.since - 1], values[window.until - 1] = EVER if row is None else row[2:]
    return row is not None


async def _run_whole(connection: AsyncConnection[Any], ways: Ways, values: list[Any]) -> Row | None:
    return await asked(connection, lambda: _run(connection, ways.whole, values))


async def _run(connection: AsyncConnection[Any], sql: str, values: list[Any]) -> Row | None:
    cursor = await AsyncRawCursor(connection).execute(sql, values)
    row = await cursor.fetchone()
    return None if row is None else Row(*row)


def _next_link(plan: Plan, row: Row, path: str) -> str:
    return f"{BASE}/{path}?{next_query(plan.options)}" if row.rows > (plan.options.top or 0) else ""


def _collection(plan: Plan, row: Row, path: str) -> str:
    count = f'"@iot.count":{row.total},' if plan.options.count else ""
    link = _next_link(plan, row, path)
    link = f'"@iot.nextLink":"{link}",' if link else ""
    return f'{{{count}{link}"value":[{row.body or ""}]}}'


def _formatted(resource: Resource, plan: Plan, row: Row, path: str, base: str) -> Shown:
    """Return a page as CSV or GeoJSON; the page bounds how much JSON is read again for it."""
    kind, entity, is_many = plan.options.result_format, resource.last.entity, resource.last.is_collection
    found = msgspec.json.decode(f"[{row.body or ''}]".replace(BASE, base))
    link = _next_link(plan, row, path).replace(BASE, base) if is_many else ""
    columns = columns_of(entity, plan.asked or plan.options)
    if kind == CSV:
        return Shown(200, CONTENT_TYPES[CSV], csv_of(columns, found), len(found), link)
    features = [feature_of(entity, columns, item) for item in found]
    body: dict[str, Any] = {"type": "FeatureCollection", "features": features}
    if plan.options.count:
        body["@iot.count"] = row.total
    if link:
        body["@iot.nextLink"] = link
    content = msgspec.json.encode(body if is_many else features[0])
    return Shown(200, CONTENT_TYPES[GEOJSON], content, len(found))


def _property(resource: Resource, row: Row) -> Shown:
    found = resource.member
    if found is None:
        raise SyntaxFault(option="path", place=1, reason="the name is unknown")
    if row.body is None:
        if resource.inside:
            raise UnknownPathError("/".join(resource.inside)[:200])
        return Shown(204, "", b"")
    if not resource.raw:
        name = resource.inside[-1] if resource.inside else found.name
        return Shown(200, "application/json", f"{{{_quoted(name)}:{row.body}}}".encode())
    if row.body.startswith('"'):
        return Shown(200, "text/plain; charset=utf-8", _plain(row.body))
    kind = "application/json" if row.body[:1] in "[{" else "text/plain; charset=utf-8"
    return Shown(200, kind, row.body.encode())


def _quoted(name: str) -> str:
    return msgspec.json.encode(name).decode()


def _plain(text: str) -> bytes:
    return str(msgspec.json.decode(text)).encode()
