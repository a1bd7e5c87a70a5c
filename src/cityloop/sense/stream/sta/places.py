"""Where things are: their locations, the history of them, and what follows from a move."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg import AsyncConnection

from cityloop.kernel.areas import CITY
from cityloop.registry.stream import Districts

_POINT = """
    SELECT (l.west + l.east) / 2, (l.south + l.north) / 2
    FROM sense_thinglocation tl JOIN sense_location l ON l.id = tl.location_id
    WHERE tl.thing_id = %s AND l.west IS NOT NULL ORDER BY l.id LIMIT 1
"""
_FOLLOW = "UPDATE sense_datastream SET area = %s, longitude = %s, latitude = %s WHERE thing_id = %s"
_FORGET_FEATURE = """
    UPDATE sense_latest SET feature_id = NULL WHERE datastream_id IN (
        SELECT datastream_id FROM sense_latest
        WHERE datastream_id IN (SELECT id FROM sense_datastream WHERE thing_id = %s)
        ORDER BY datastream_id FOR UPDATE
    )
"""
_REMEMBER = """
    WITH h AS (INSERT INTO sense_historicallocation (time, thing_id) VALUES (now(), %s) RETURNING id),
    p AS (INSERT INTO sense_historicalplace (historical_id, location_id) SELECT h.id, x FROM h, unnest(%s::bigint[]) x)
    SELECT id FROM h
"""
_PLACE = """
    INSERT INTO sense_thinglocation (thing_id, location_id) SELECT %s, x FROM unnest(%s::bigint[]) x
    ON CONFLICT DO NOTHING
"""
_IS_NEWEST = """
    SELECT NOT EXISTS (
        SELECT 1 FROM sense_historicallocation o JOIN sense_historicallocation h ON h.thing_id = o.thing_id
        WHERE h.id = %(id)s AND o.id <> h.id AND o.time > h.time
    )
"""


@dataclass(slots=True)
class Places:
    """Moves things, and lets their datastreams follow."""

    districts: Districts = field(default_factory=Districts)

    async def move(self, connection: AsyncConnection[Any], thing: int, locations: Sequence[int]) -> int:
        """Give a thing its locations; that is a new entry of its history, whose id is returned, 0 where none is made.

        Args:
            connection: within a transaction.
            thing: its id.
            locations: ids of all its locations from now on.
        """
        await self.place(connection, thing, locations)
        if not locations:
            return 0
        entered = await connection.execute(_REMEMBER, (thing, sorted(set(locations))))
        row = await entered.fetchone()
        return int(row[0]) if row is not None else 0

    async def place(self, connection: AsyncConnection[Any], thing: int, locations: Sequence[int]) -> None:
        """Give a thing its locations without an entry of its history."""
        await connection.execute("DELETE FROM sense_thinglocation WHERE thing_id = %s", (thing,))
        await connection.execute(_PLACE, (thing, sorted(set(locations))))
        await self.follow(connection, thing)

    async def follow(self, connection: AsyncConnection[Any], thing: int) -> None:
        """Let a thing's datastreams take its place: area, coordinates, and a feature of interest still to be made."""
        row = await (await connection.execute(_POINT, (thing,))).fetchone()
        area, longitude, latitude = str(CITY), None, None
        if row is not None:
            longitude, latitude = row
            if not len(self.districts):
                await self.districts.load(connection)
            area = str(self.districts.locate(longitude, latitude)[0])
        await connection.execute(_FOLLOW, (area, longitude, latitude, thing))
        await connection.execute(_FORGET_FEATURE, (thing,))

    async def history_entered(self, connection: AsyncConnection[Any], historical: int, thing: int) -> None:
        """Move the thing of a new entry of its history where no entry is newer."""
        row = await (await connection.execute(_IS_NEWEST, {"id": historical})).fetchone()
        if row is not None and row[0]:
            found = await connection.execute(
                "SELECT location_id FROM sense_historicalplace WHERE historical_id = %s", (historical,)
            )
            await self.place(connection, thing, [location for (location,) in await found.fetchall()])

    async def location_changed(self, connection: AsyncConnection[Any], location: int) -> None:
        """Let the things of a location that has itself changed follow it; a new feature is made at need."""
        await connection.execute("UPDATE sense_location SET feature_id = NULL WHERE id = %s", (location,))
        things = await connection.execute(
            "SELECT thing_id FROM sense_thinglocation WHERE location_id = %s", (location,)
        )
        for (thing,) in await things.fetchall():
            await self.follow(connection, thing)
