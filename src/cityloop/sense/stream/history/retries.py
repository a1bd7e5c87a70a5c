"""Idempotency keys: a batch that was sent again gets the answer of the first time.

A retry key may end with what the request contained, after a full stop: the same key with other contents is an error,
for a reading that is answered with the id of another would be lost.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from psycopg import AsyncCursor

from cityloop.kernel.errors import CityloopError
from cityloop.sense.stream.readings import Kept

_KNOWN = "SELECT retry_key, content, observation_ids, outcomes FROM sense_idempotency WHERE retry_key = ANY(%s)"
_REMEMBER = "INSERT INTO sense_idempotency (retry_key, content, observation_ids, outcomes) VALUES (%s, %s, %s, %s)"


class RetryKeyReusedError(CityloopError):
    """The key belongs to another batch."""

    key = "This Idempotency-Key was used for another request. Send each request with a key of its own."
    status = 422


def name_of(retry_key: str) -> str:
    """Return a key without what the request contained."""
    return retry_key.partition(".")[0]


async def ask_answers(cursor: AsyncCursor[Any], keys: Iterable[str]) -> None:
    """Ask for the answers given to retry keys."""
    await cursor.execute(_KNOWN, ([name_of(key) for key in keys],))


async def answers(cursor: AsyncCursor[Any], keys: Sequence[str]) -> dict[str, Kept | RetryKeyReusedError]:
    """Return the answers `ask_answers` asked for, by key; an unknown key is absent.

    A key that was used for other contents has an error; what was kept without its contents is taken for the same.
    """
    asked = {name_of(key): key for key in keys}
    found: dict[str, Kept | RetryKeyReusedError] = {}
    for name, content, ids, outcomes in await cursor.fetchall():
        other = content and content != asked[name].partition(".")[2]
        kept = Kept(np.array(ids, dtype=np.int64), np.array(outcomes, dtype=np.uint8))
        found[asked[name]] = RetryKeyReusedError() if other else kept
    return found


async def remember_answers(cursor: AsyncCursor[Any], given: dict[str, Kept]) -> None:
    """Keep answers under their keys, in the order of the keys so that writers never lock each other out."""
    rows = [
        (name_of(key), key.partition(".")[2], given[key].observation_id.tolist(), given[key].outcome.tolist())
        for key in sorted(given)
    ]
    if rows:
        await cursor.executemany(_REMEMBER, rows)
