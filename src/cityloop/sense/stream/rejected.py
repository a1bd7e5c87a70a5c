"""What a mouth could not accept is set aside with the reason, and counted; never silent, never without bound."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg import AsyncConnection

from cityloop.kernel.instants import from_us

PAYLOAD_BYTES_MAX = 64 * 1024
"""How much of a payload is kept for inspection, bytes."""

KEPT_MAX = 200
"""How many of one batch are kept for inspection; all are counted."""

_KEEP = """
    INSERT INTO sense_rejected (received_at, mouth, reason, detail, source, payload) VALUES (%s, %s, %s, %s, %s, %s)
"""
_COUNT = """
    INSERT INTO sense_rejectedcount (mouth, reason, day, count) VALUES (%s, %s, %s, %s)
    ON CONFLICT (mouth, reason, day) DO UPDATE SET count = sense_rejectedcount.count + excluded.count
"""
_DETAIL_CHARACTERS, _SOURCE_CHARACTERS = 1000, 200


@dataclass(frozen=True, slots=True)
class Rejected:
    """One refused message or reading.

    Attributes:
        mouth: where it came in: `mqtt`, `http`, `import`.
        reason: a short code, such as `malformed`.
        detail: what exactly, for a person.
        source: topic or path.
        payload: what came.
        received_us: when, microseconds since the Unix epoch.
    """

    mouth: str
    reason: str
    detail: str
    source: str
    payload: bytes
    received_us: int


async def keep_rejected(connection: AsyncConnection[Any], items: Sequence[Rejected]) -> None:
    """Set refused items aside and count them, in the caller's transaction.

    Args:
        connection: within a transaction.
        items: what was refused; may be empty.
    """
    if not items:
        return
    counts = Counter((item.mouth, item.reason, from_us(item.received_us).date()) for item in items)
    async with connection.cursor() as cursor:
        await cursor.executemany(_KEEP, [_row(item) for item in items[:KEPT_MAX]])
    await count_rejected(connection, counts)


async def count_rejected(connection: AsyncConnection[Any], counts: Mapping[tuple[str, str, date], int]) -> None:
    """Count what was refused, in the caller's transaction.

    Args:
        connection: within a transaction.
        counts: how many, by mouth, reason and day; may be empty.
    """
    if not counts:
        return
    async with connection.cursor() as cursor:
        await cursor.executemany(_COUNT, [(*key, counts[key]) for key in sorted(counts)])


def _row(item: Rejected) -> tuple[Any, ...]:
    return (
        from_us(item.received_us),
        item.mouth,
        item.reason,
        _plain(item.detail)[:_DETAIL_CHARACTERS],
        _plain(item.source)[:_SOURCE_CHARACTERS],
        item.payload[:PAYLOAD_BYTES_MAX],
    )


def _plain(text: str) -> str:
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
