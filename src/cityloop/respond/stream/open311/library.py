"""The item library as the public sees it, with the names of bodies and districts, held in memory."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from cityloop.kernel.areas import CITY, AreaCode
from cityloop.kernel.clocks import Clock, Limit
from cityloop.kernel.text import Text
from cityloop.registry.stream import Districts
from cityloop.respond.rules.publicity import limit_in_words

LIBRARY_S_MAX = 5.0
"""How long a new version of the library may stay unseen, seconds."""

SLIVER_DEGREES = 0.003
"""The outlines of districts leave slivers between them, some 300 m wide; such a point is of a district beside it."""

_KINDS = """
    SELECT id, code, title_zh, title_en, group_zh, group_en, about_zh, about_en, keywords, questions, limit_amount,
      limit_clock, same_as, merge_distance_m, merge_span_h, is_current AND is_public, valid_from
    FROM respond_kind WHERE is_public ORDER BY group_zh, id
"""
_BODIES = "SELECT code, name_zh, name_en FROM registry_organisation"
_AREAS = "SELECT code, name_zh, name_en FROM registry_area WHERE level <= 1 ORDER BY code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A kind of case that is, or was, open to the public.

    Attributes:
        kind_id: its row, one version.
        code: its code, shared by its versions.
        title, group, about: in both languages.
        keywords: comma separated.
        questions: what reporters are asked, as kept.
        notice: what they may expect.
        same_type: kinds with the same word are one type.
        reach_m: how far apart two signals of one matter may lie, metres.
        span_h: how far apart in time, hours.
        is_offered: whether it can be reported now.
        since: when this version began.
    """

    kind_id: int
    code: str
    title: Text
    group: Text
    about: Text
    keywords: str
    questions: list[dict[str, Any]]
    notice: Text
    same_type: str
    reach_m: float
    span_h: float
    is_offered: bool
    since: datetime


@dataclass(slots=True)
class Shelf:
    """What was read at one time.

    Attributes:
        by_id: every public kind, by row.
        offered: those that can be reported, by code, in the order they are listed.
        bodies: names of organisations, by code.
        areas: names of the city and its districts, by code.
        districts: finds the district of a point.
    """

    by_id: dict[int, Service] = field(default_factory=dict)
    offered: dict[str, Service] = field(default_factory=dict)
    bodies: dict[str, Text] = field(default_factory=dict)
    areas: dict[AreaCode, Text] = field(default_factory=dict)
    districts: Districts = field(default_factory=Districts)

    def area_at(self, longitude: float, latitude: float) -> AreaCode | None:
        """Return the district of a point, None outside the city."""
        around = ((0, 0), (0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (1, -1), (-1, -1), (-1, 1))
        for east, north in around:
            point = longitude + east * SLIVER_DEGREES, latitude + north * SLIVER_DEGREES
            (code,) = self.districts.locate([point[0]], [point[1]])
            if code != CITY:
                return AreaCode(str(code))
        return None

    def area_named_in(self, address: str) -> AreaCode | None:
        """Return the district whose name stands in an address, None where none does."""
        return next((code for code, name in self.areas.items() if code != CITY and name.zh in address), None)


class Library:
    """Keeps the shelf fresh.

    Args:
        pool: gives connections.
        monotonic: tells spans, seconds.
    """

    def __init__(self, pool: AsyncConnectionPool[Any], monotonic: Callable[[], float] = time.monotonic) -> None:
        """Know nothing yet."""
        self._pool, self._monotonic = pool, monotonic
        self._shelf = Shelf()
        self._fresh_until = 0.0
        self._reading = asyncio.Lock()

    async def shelf(self) -> Shelf:
        """Return what the library holds, read within the last `LIBRARY_S_MAX`."""
        if self._monotonic() >= self._fresh_until:
            async with self._reading:
                if self._monotonic() >= self._fresh_until:
                    await self._read()
        return self._shelf

    async def _read(self) -> None:
        async with self._pool.connection() as connection:
            services = [_service(row) for row in await _rows(connection, _KINDS)]
            shelf = Shelf(
                by_id={one.kind_id: one for one in services},
                offered={one.code: one for one in services if one.is_offered},
                bodies={code: Text(zh, en) for code, zh, en in await _rows(connection, _BODIES)},
                areas={AreaCode(code): Text(zh, en) for code, zh, en in await _rows(connection, _AREAS)},
                districts=self._shelf.districts,
            )
            if not len(shelf.districts):
                shelf.districts = await Districts().load(connection)
        self._shelf, self._fresh_until = shelf, self._monotonic() + LIBRARY_S_MAX


async def _rows(connection: AsyncConnection[Any], statement: str) -> list[tuple[Any, ...]]:
    return await (await connection.execute(statement)).fetchall()


def _service(row: tuple[Any, ...]) -> Service:
    kind_id, code, title_zh, title_en, group_zh, group_en, about_zh, about_en, keywords, questions, *rest = row
    amount, clock, same_as, reach_m, span_h, is_offered, since = rest
    return Service(
        kind_id=kind_id,
        code=code,
        title=Text(title_zh, title_en),
        group=Text(group_zh, group_en),
        about=Text(about_zh, about_en),
        keywords=keywords,
        questions=questions,
        notice=limit_in_words(Limit(amount, Clock(clock))),
        same_type=same_as or code,
        reach_m=reach_m or 0.0,
        span_h=span_h or 0.0,
        is_offered=is_offered,
        since=since,
    )
