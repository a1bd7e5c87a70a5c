"""Tells what a topic says of entities that have just changed, in the words in which GET would say it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from psycopg.raw_cursor import AsyncRawCursor

from cityloop.kernel.instants import from_us
from cityloop.kernel.observation_ids import ingested_at_us
from cityloop.sense.stream.sta.geometry import answer
from cityloop.sense.stream.sta.names import OBSERVATION
from cityloop.sense.stream.sta.paths import Resource
from cityloop.sense.stream.sta.query import Composer, property_json
from cityloop.sense.stream.sta.reading import ID_WINDOW_US, Reader
from cityloop.sense.stream.sta.showing import BASE, entity_text
from cityloop.sense.stream.sta.syntax import Options

ENTITIES_MAX = 5_000
"""Bound of the entities one statement tells of; more are told in parts."""

Observed = tuple[int, int, int]
"""Datastream, phenomenon time in microseconds since the Unix epoch, and id of an observation."""


class Teller:
    """Shows changed entities as far as they lie on a topic's path and pass its filter.

    Args:
        reader: gives connections.
        base: address of the service root in what is told.
    """

    def __init__(self, reader: Reader, *, base: str) -> None:
        """Take both."""
        self._reader, self._base = reader, base

    async def entities(self, resource: Resource, options: Options, ids: Sequence[int]) -> list[tuple[int, bytes]]:
        """Return id and JSON of those of some entities that a topic tells of, in the order of their ids.

        Args:
            resource: what the topic names; its last step is the type of the entities, or a property of it.
            options: the topic's.
            ids: what has changed, at most `ENTITIES_MAX`.

        Raises:
            CityloopError: if the filter cannot be answered.
        """
        composer = Composer()
        entity, row = resource.last.entity, composer.statement.alias()
        keys = composer.statement.parameters.add(list(ids), "bigint[]")
        source = composer.statement.rows(entity)
        return await self._told(
            composer, resource, options, f"{source} {row}", row=row, condition=f"{row}.id = ANY({keys})"
        )

    async def observations(
        self, resource: Resource, options: Options, news: Sequence[Observed]
    ) -> list[tuple[int, bytes]]:
        """Return id and JSON of those of some observations that a topic tells of.

        Args:
            resource: what the topic names: observations.
            options: the topic's.
            news: what is new, at most `ENTITIES_MAX`.

        Raises:
            CityloopError: if the filter cannot be answered.
        """
        composer = Composer()
        row, given = composer.statement.alias(), composer.statement.alias()
        add = composer.statement.parameters.add
        columns = (
            add([stream for stream, _, _ in news], "bigint[]"),
            add([from_us(at_us).isoformat() for _, at_us, _ in news], "timestamptz[]"),
            add([key for _, _, key in news], "bigint[]"),
        )
        same = f"o.datastream_id = {given}.stream AND o.phenomenon_time = {given}.at AND o.id = {given}.key"
        source = (
            f"unnest({', '.join(columns)}) {given} (stream, at, key) "
            f"CROSS JOIN LATERAL (SELECT o.* FROM {composer.statement.rows(OBSERVATION)} o WHERE {same}) {row}"
        )
        return await self._told(composer, resource, options, source, row=row, condition="TRUE")

    async def _told(  # noqa: PLR0913  the parts of a statement
        self, composer: Composer, resource: Resource, options: Options, source: str, *, row: str, condition: str
    ) -> list[tuple[int, bytes]]:
        entity, statement = resource.last.entity, composer.statement
        scope, passes, _ = composer.filtered(entity, row, replace(options, orderby=()))
        joins, pieces = composer.expanded(entity, row, options)
        if resource.member is None:
            text = entity_text(entity, row, select=options.select, expanded=pieces)
        else:
            name = resource.inside[-1] if resource.inside else resource.member.name
            text = f"concat('{{', to_json({statement.parameters.add(name, 'text')})::text, ':', "
            text += f"coalesce({property_json(statement, resource, row)}, 'null'), '}}')"
        sql = (
            f"SELECT {row}.id, {text} FROM {source} {scope.join_sql()} {joins} "
            f"WHERE {condition} AND {composer.on_path(resource.steps, row)} AND {passes} ORDER BY {row}.id"
        )
        async with self._reader.connection() as connection:
            values = list(statement.parameters.values)
            for task in statement.tasks:
                values[task.ids - 1], numbers = await answer(connection, task)
                if task.numbers:
                    values[task.numbers - 1] = numbers
            cursor = await AsyncRawCursor(connection).execute(statement.parameters.declared(sql), values)
            rows = await cursor.fetchall()
        return [(key, body.replace(BASE, self._base).encode()) for key, body in rows]

    async def observed(self, ids: Sequence[int]) -> list[Observed]:
        """Return datastream and time of observations known by id only: those that were changed."""
        found: list[Observed] = []
        async with self._reader.connection() as connection:
            for key in ids:
                row = await _found(connection, key)
                if row is not None:
                    found.append((*row, key))
        return found


_FOUND = f"""
    SELECT o.datastream_id, (extract(epoch FROM o.phenomenon_time) * 1000000)::bigint
    FROM {OBSERVATION.source} o
    WHERE o.id = $1 AND o.phenomenon_time >= $2::timestamptz AND o.phenomenon_time <= $3::timestamptz
"""


async def _found(connection: Any, key: int) -> tuple[int, int] | None:
    ingested_us = ingested_at_us(key)
    near = (from_us(ingested_us - ID_WINDOW_US).isoformat(), from_us(ingested_us + ID_WINDOW_US).isoformat())
    for since, until in (near, ("-infinity", "infinity")):
        cursor = await AsyncRawCursor(connection).execute(_FOUND, [key, since, until])
        row = await cursor.fetchone()
        if row is not None:
            return int(row[0]), int(row[1])
    return None
