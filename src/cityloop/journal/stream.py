"""The journal's door for the data plane: facts posted on an asynchronous connection, without Django."""

from collections.abc import Sequence
from typing import Any

import msgspec
from psycopg import AsyncConnection

from cityloop.journal.rules import body_of, fact_kind
from cityloop.kernel.facts import Fact

_INSERT_FACT = """
    INSERT INTO journal_fact (fact_id, kind, happened_at, actor, area, body)
    VALUES (%s, %s, %s, %s, %s, %s::jsonb) ON CONFLICT (fact_id) DO NOTHING
"""
_INSERT_CAUSE = """
    INSERT INTO journal_cause (effect, position, kind, key, parameters, as_of)
    VALUES (%s, %s, %s, %s, %s::jsonb, %s) ON CONFLICT (effect, position) DO NOTHING
"""


async def post_facts(connection: AsyncConnection[Any], facts: Sequence[Fact]) -> None:
    """Enter facts in the journal, in the caller's transaction.

    Args:
        connection: within a transaction.
        facts: what happened; may be empty.
    """
    if not facts:
        return
    async with connection.cursor() as cursor:
        await cursor.executemany(
            _INSERT_FACT,
            [
                (
                    f.fact_id,
                    fact_kind(type(f)),
                    f.happened_at,
                    f.actor,
                    f.area,
                    msgspec.json.encode(body_of(f)).decode(),
                )
                for f in facts
            ],
        )
        causes = [
            (f.fact_id, number, c.kind, c.key, msgspec.json.encode(c.parameters).decode(), c.as_of)
            for f in facts
            for number, c in enumerate(f.causes)
        ]
        if causes:
            await cursor.executemany(_INSERT_CAUSE, causes)
        await cursor.execute("NOTIFY cityloop_journal")
