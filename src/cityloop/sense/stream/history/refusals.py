"""Readings that no table can hold are refused alone, before they can fail their neighbours."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from psycopg import AsyncConnection, DataError

from cityloop.kernel.instants import to_us
from cityloop.sense.stream.readings import NO_TIME, OtherParts, Readings

TIME_US_MIN = to_us(datetime.min.replace(tzinfo=UTC))
"""Oldest instant an ISO 8601 calendar date of four digits can say, microseconds since the Unix epoch."""

TIME_US_MAX = to_us(datetime.max.replace(tzinfo=UTC))
"""Newest such instant."""

Bools = npt.NDArray[np.bool_]


def storable(readings: Readings) -> Bools:
    """Return which readings a row can hold, shape (n,).

    Refused are instants outside the years 1 to 9999, infinite numbers, and JSON that is none or holds a zero character.
    """
    good: Bools = (
        (readings.phenomenon_us >= TIME_US_MIN)
        & (readings.phenomenon_us <= TIME_US_MAX)
        & (
            (readings.result_us == NO_TIME)
            | ((readings.result_us >= TIME_US_MIN) & (readings.result_us <= TIME_US_MAX))
        )
        & ~np.isinf(readings.result)
        & (readings.feature_id >= 0)
    )
    for row, others in readings.others.items():
        if good[row] and not _parts_storable(others):
            good[row] = False
    return good


def _parts_storable(others: OtherParts) -> bool:
    instants = (others.phenomenon_end_us, others.valid_from_us, others.valid_until_us)
    texts = (others.result_json, others.result_quality_json, others.parameters_json)
    return all(_instant_storable(instant) for instant in instants) and all(_json_storable(text) for text in texts)


def _instant_storable(instant_us: int | None) -> bool:
    return instant_us is None or TIME_US_MIN <= instant_us <= TIME_US_MAX


def _json_storable(text: bytes | None) -> bool:
    if text is None:
        return True
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return False
    return b"\\u" not in text or not _holds_zero(value)


def _holds_zero(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any("\0" in name or _holds_zero(part) for name, part in value.items())
    return isinstance(value, list) and any(_holds_zero(part) for part in value)


async def refuse_unreadable(connection: AsyncConnection[Any], readings: Readings) -> list[int]:
    """Return the rows whose JSON PostgreSQL itself cannot read, asked one by one.

    The last resort after a batch has failed: what `storable` lets through and PostgreSQL does not, such as a number
    with a hundred thousand digits.

    Args:
        connection: outside a transaction.
        readings: the batch that failed.
    """
    refused = []
    for row, others in readings.others.items():
        for text in (others.result_json, others.result_quality_json, others.parameters_json):
            if text is not None and not await _readable(connection, text):
                refused.append(row)
                break
    return refused


async def _readable(connection: AsyncConnection[Any], text: bytes) -> bool:
    try:
        await connection.execute("SELECT convert_from(%s, 'UTF8')::jsonb IS NULL", (text,))
    except DataError:
        return False
    finally:
        await connection.rollback()
    return True
