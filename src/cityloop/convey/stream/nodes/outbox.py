"""The outbox: what is to be carried to other nodes is written in the transaction that causes it, read in commit order.

Numbers are not in commit order, so a reader looks only at rows of transactions older than the oldest running one, and
numbers them by (transaction, id): so they travel.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from psycopg import AsyncConnection

from cityloop.convey.stream.nodes.envelope import READINGS_TOPIC, packed
from cityloop.sense.stream.readings import Int64s, Readings

READ_ROWS_MAX = 500
"""Rows read at once."""

_PUT = "INSERT INTO convey_outbox (target, topic, payload, readings) VALUES (%s, %s, %s, %s)"
_LANE = """
    INSERT INTO convey_outboxlane (target, last_number) VALUES (%(target)s, 0)
    ON CONFLICT (target) DO UPDATE SET target = excluded.target RETURNING last_number
"""
_NUMBER = """
    WITH fresh AS (
        SELECT id, row_number() OVER (ORDER BY transaction, id) AS place FROM convey_outbox
        WHERE target = %(target)s AND number IS NULL
            AND transaction < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
        ORDER BY transaction, id LIMIT %(limit)s
    ), numbered AS (
        UPDATE convey_outbox o SET number = %(last)s + fresh.place FROM fresh WHERE o.id = fresh.id RETURNING o.number
    )
    UPDATE convey_outboxlane SET last_number = greatest(last_number, (SELECT max(number) FROM numbered))
    WHERE target = %(target)s AND EXISTS (SELECT FROM numbered)
"""
_WAITING = """
    SELECT number, topic, payload, readings, made_at FROM convey_outbox
    WHERE target = %s AND number > %s ORDER BY number LIMIT %s
"""
_DROP = "DELETE FROM convey_outbox WHERE target = %s AND number <= %s"
_BACKLOG = "SELECT count(*), coalesce(sum(readings), 0), min(made_at) FROM convey_outbox WHERE target = %s"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A row of the outbox, with the number it travels under."""

    number: int
    topic: str
    payload: bytes
    readings: int
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits for a node: rows, readings in them, and since when the oldest."""

    rows: int
    readings: int
    oldest_at: datetime | None


class Outbox:
    """Puts kept readings aside for the node above, in the pipeline's own transaction.

    Args:
        target: number of the node they are for.
    """

    def __init__(self, target: int) -> None:
        """Know the target."""
        self._target = target

    async def put(self, connection: AsyncConnection[Any], readings: Readings, rows: Int64s) -> None:
        """Write rows of a batch down, within its transaction.

        Args:
            connection: within the transaction that keeps them.
            readings: the batch.
            rows: those that are new.
        """
        for count, payload in packed(readings, np.asarray(rows, dtype=np.int64)):
            await connection.execute(_PUT, (self._target, READINGS_TOPIC, payload, count))


async def waiting(
    connection: AsyncConnection[Any], target: int, *, after: int, limit: int = READ_ROWS_MAX
) -> list[Waiting]:
    """Return what waits for a node behind a number, in commit order; rows are numbered when they are first seen.

    Args:
        connection: outside a transaction, committing by itself.
        target: number of the node.
        after: number of the last row that is known to be there.
        limit: how many rows at most.
    """
    async with connection.transaction():
        row = await (await connection.execute(_LANE, {"target": target})).fetchone()
        last = int(row[0]) if row else 0
        await connection.execute(_NUMBER, {"target": target, "last": last, "limit": limit})
    cursor = await connection.execute(_WAITING, (target, after, limit))
    return [Waiting(*row) for row in await cursor.fetchall()]


async def drop(connection: AsyncConnection[Any], target: int, through: int) -> None:
    """Forget the rows up to a number: the node has them."""
    await connection.execute(_DROP, (target, through))


async def backlog(connection: AsyncConnection[Any], target: int) -> Backlog:
    """Return how much waits for a node."""
    row = await (await connection.execute(_BACKLOG, (target,))).fetchone()
    return Backlog(int(row[0]), int(row[1]), row[2]) if row else Backlog(0, 0, None)
