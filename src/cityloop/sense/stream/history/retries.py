"""Idempotency keys: a batch that was sent again gets the answer of the first time."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from psycopg import AsyncCursor

from cityloop.kernel.errors import CityloopError
from cityloop.sense.stream.readings import Kept

_KNOWN = "SELECT retry_key, observation_ids, outcomes FROM sense_idempotency WHERE retry_key = ANY(%s)"
_REMEMBER = "INSERT INTO sense_idempotency (retry_key, observation_ids, outcomes) VALUES (%s, %s, %s)"


class RetryKeyReusedError(CityloopError):
    """The key belongs to another batch."""

    key = "This Idempotency-Key was used for a batch of another size."
    status = 422


async def ask_answers(cursor: AsyncCursor[Any], keys: Sequence[str]) -> None:
    """Ask for the answers given to retry keys."""
    await cursor.execute(_KNOWN, (list(keys),))


async def answers(cursor: AsyncCursor[Any]) -> dict[str, Kept]:
    """Return the answers `ask_answers` asked for, by key; an unknown key is absent."""
    return {
        key: Kept(np.array(ids, dtype=np.int64), np.array(outcomes, dtype=np.uint8))
        for key, ids, outcomes in await cursor.fetchall()
    }


async def remember_answers(cursor: AsyncCursor[Any], given: dict[str, Kept]) -> None:
    """Keep answers under their keys, in the order of the keys so that writers never lock each other out."""
    rows = [(key, given[key].observation_id.tolist(), given[key].outcome.tolist()) for key in sorted(given)]
    if rows:
        await cursor.executemany(_REMEMBER, rows)
