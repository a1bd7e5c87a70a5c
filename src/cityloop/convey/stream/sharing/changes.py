"""What has come into the history behind a position: each visible reading once, none left out.

A read looks at the youngest ids only, for that is cheap; where it meets a lane of which it has not seen the moments
before, it looks again, further back. Now and then, at every sweep, it looks as far back as a batch can possibly lie
between its receipt and its commit; what lies behind that is settled.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from cityloop.convey.rules.feed_position import FeedPosition, lane_of
from cityloop.convey.stream.sharing.asking import Condition
from cityloop.kernel.observation_ids import id_range
from cityloop.kernel.quality import Quality
from cityloop.sense.stream.archive.asking import both
from cityloop.sense.stream.archive.recalling import asked

NEAR_US = 60_000_000
"""How far back a read looks in lanes that have been silent, microseconds."""

SETTLED_US = 900_000_000
"""No batch commits longer than this after its receipt, microseconds: queues and waits are bounded."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading as a subscriber is told it.

    Attributes:
        observation_id: its id.
        datastream_id: its stream.
        dataset: the data set the stream is in.
        thing_id: the device or site.
        phenomenon_time: when it was so.
        phenomenon_end: end of its interval, None for an instant.
        result: the result, any JSON.
        quality: its flag.
        result_time: resultTime, None where the device gave none.
    """

    observation_id: int
    datastream_id: int
    dataset: str
    thing_id: int
    phenomenon_time: datetime
    phenomenon_end: datetime | None
    result: Any
    quality: Quality
    result_time: datetime | None

    def told(self) -> dict[str, Any]:
        """Return it as JSON values, by the names of SensorThings."""
        time = _iso(self.phenomenon_time)
        return {
            "@iot.id": self.observation_id,
            "phenomenonTime": f"{time}/{_iso(self.phenomenon_end)}" if self.phenomenon_end else time,
            "resultTime": _iso(self.result_time) if self.result_time else None,
            "result": self.result,
            "quality": self.quality.name.lower(),
            "datastream": self.datastream_id,
            "thing": self.thing_id,
            "dataset": self.dataset,
        }


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


_COLUMNS = """
    SELECT o.id, o.datastream_id, d.dataset, d.thing_id, o.phenomenon_time, o.phenomenon_end, o.result, o.result_json,
      o.quality, o.result_time
    FROM {readings} AS o JOIN sense_datastream AS d ON d.id = o.datastream_id
"""
_HOT = _COLUMNS.format(readings="sense_observation")
_BEHIND = """
    WHERE o.id > %(low)s AND o.id > coalesce((%(lanes)s::jsonb ->> ((o.id >> 11) & 2047)::text)::bigint, %(base)s)
"""
_TAIL = "ORDER BY o.id LIMIT %(limit)s"


@dataclass(frozen=True, slots=True)
class Changes:
    """What was found.

    Attributes:
        readings: in the order of their ids.
        position: behind them.
        is_cut: whether there is more at once.
    """

    readings: list[Reading]
    position: FeedPosition
    is_cut: bool


def position_now(now_us: int) -> FeedPosition:
    """Return the position of whoever begins now."""
    return FeedPosition(id_range(from_us=now_us, until_us=now_us)[0])


async def changes_after(  # noqa: PLR0913  what bounds a read
    connection: AsyncConnection[Any],
    position: FeedPosition,
    *,
    where: Condition,
    now_us: int,
    limit: int,
    sweeps: bool,
) -> Changes:
    """Return the visible readings behind a position.

    Args:
        connection: of the database.
        position: how far the subscriber has been told.
        where: which datastreams, named `d`, are meant.
        now_us: the present, microseconds since the Unix epoch.
        limit: how many at the most.
        sweeps: whether to look as far back as anything can still come in; to be done every minute or so, and first.
    """
    settled, _ = id_range(from_us=now_us - SETTLED_US, until_us=now_us)
    low = position.base if sweeps else _near(position, now_us)
    found = await _behind(connection, position, where=where, low=low, limit=limit)
    if not sweeps and any(position.of(lane_of(one.observation_id)) < low for one in found):
        low = position.base
        found = await _behind(connection, position, where=where, low=low, limit=limit)
    is_cut = len(found) == limit
    after = position.after(*(one.observation_id for one in found))
    if low == position.base and not is_cut:
        after = after.raised(settled)
    return Changes(found, after, is_cut)


def _near(position: FeedPosition, now_us: int) -> int:
    edge, _ = id_range(from_us=now_us - NEAR_US, until_us=now_us)
    lively = [last for last in position.lanes.values() if last > edge]
    return max(position.base, min(lively, default=edge))


async def _behind(
    connection: AsyncConnection[Any], position: FeedPosition, *, where: Condition, low: int, limit: int
) -> list[Reading]:
    lanes = "{" + ",".join(f'"{lane}":{last}' for lane, last in position.lanes.items()) + "}"
    named = {"low": low, "lanes": lanes, "base": position.base, "limit": limit}
    statement = f"{_HOT} {_BEHIND} AND {where.sql} {_TAIL}"
    return await _readings(connection, statement, {**named, **where.parameters})


async def readings_with_ids(
    connection: AsyncConnection[Any], observation_ids: list[int], *, where: Condition
) -> list[Reading]:
    """Return those of some readings that exist and are visible, in the order of their ids."""
    if not observation_ids:
        return []
    near = "p.first_id <= %(last)s AND p.last_id >= %(first)s"
    statement = (
        f"{_closed_too(near, where)} WHERE o.id >= %(first)s AND o.id <= %(last)s AND o.id = ANY(%(ids)s)"
        f" AND {where.sql} ORDER BY o.id"
    )
    named = {"first": min(observation_ids), "last": max(observation_ids), "ids": observation_ids}
    return await _readings(connection, statement, {**named, **where.parameters})


async def readings_between(  # noqa: PLR0913  what bounds a read
    connection: AsyncConnection[Any],
    *,
    where: Condition,
    since: datetime,
    until: datetime,
    after: tuple[datetime, int],
    limit: int,
) -> list[Reading]:
    """Return visible readings of a span by phenomenon time and id, page by page.

    Args:
        connection: of the database.
        where: which datastreams, named `d`, are meant.
        since: beginning, inclusive.
        until: end, exclusive.
        after: phenomenon time and id of the last one of the page before.
        limit: how many at the most.
    """
    near = "p.last_time >= %(after)s AND p.first_time < %(until)s"
    statement = (
        f"{_closed_too(near, where)} WHERE o.phenomenon_time >= %(since)s AND o.phenomenon_time < %(until)s"
        " AND o.phenomenon_time >= %(after)s AND (o.phenomenon_time, o.id) > (%(after)s, %(after_id)s)"
        f" AND {where.sql} ORDER BY o.phenomenon_time, o.id LIMIT %(limit)s"
    )
    named = {"since": since, "until": until, "after": after[0], "after_id": after[1], "limit": limit}
    return await _readings(connection, statement, {**named, **where.parameters})


def _closed_too(near: str, where: Condition) -> str:
    """Return what reads single rows and packed days; of those the ones that can matter."""
    own = f"p.datastream_id IN (SELECT d.id FROM sense_datastream AS d WHERE {where.sql})"
    return _COLUMNS.format(readings=both(f"{near} AND {own}"))


async def _readings(connection: AsyncConnection[Any], statement: str, named: dict[str, Any]) -> list[Reading]:
    rows = await asked(connection, lambda: _fetched(connection, statement, named))
    return [
        Reading(
            number,
            stream,
            dataset,
            thing,
            start,
            end,
            value if value is not None else other,
            Quality(quality),
            result_at,
        )
        for number, stream, dataset, thing, start, end, value, other, quality, result_at in rows
    ]


async def _fetched(connection: AsyncConnection[Any], statement: str, named: dict[str, Any]) -> list[tuple[Any, ...]]:
    return await (await connection.execute(statement, named)).fetchall()
