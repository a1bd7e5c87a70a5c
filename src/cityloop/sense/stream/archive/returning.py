"""Packed readings come back as single rows where somebody wants to change or delete them."""

from datetime import date
from typing import Any

from psycopg import AsyncConnection

from cityloop.sense.stream.archive.directory import FIND
from cityloop.sense.stream.archive.recalling import HistoryAwayError, recall

_AWAY = "SELECT away FROM sense_packedday WHERE datastream_id = %s AND day = %s"
_HOLD = f"{_AWAY} FOR UPDATE"
_ROWS = """
    INSERT INTO sense_observation
    SELECT o.* FROM sense_packedday p CROSS JOIN LATERAL sense_unpacked(p) o WHERE p.datastream_id = %s AND p.day = %s
"""
_MIXED = """
    SELECT datastream_id, day FROM sense_packedday
    WHERE feature_all IS NULL AND feature_id @> ARRAY[%s]::bigint[]
"""
_GONE = "DELETE FROM sense_packedday WHERE datastream_id = %s AND day = %s"


async def bring_back(connection: AsyncConnection[Any], observation_id: int) -> None:
    """Unpack the stream and day of a reading, if it is packed; it is packed again when the day is closed next.

    Args:
        connection: within a transaction.
        observation_id: of the reading.
    """
    for stream, day in await (await connection.execute(FIND, (observation_id,))).fetchall():
        await unpack(connection, stream, day)


async def unpack(connection: AsyncConnection[Any], stream: int, day: date) -> None:
    """Unpack a stream and day, if it is packed.

    Args:
        connection: within a transaction.
        stream: the datastream.
        day: the UTC day.

    Raises:
        HistoryAwayError: if it lies in the second store, which does not answer.
    """
    row = await (await connection.execute(_AWAY, (stream, day))).fetchone()
    if row is not None and row[0]:
        await recall(connection, [(stream, day)])
    held = await (await connection.execute(_HOLD, (stream, day))).fetchone()
    if held is not None:
        if held[0]:
            raise HistoryAwayError
        await connection.execute(_ROWS, (stream, day))
        await connection.execute(_GONE, (stream, day))


async def delete_feature(connection: AsyncConnection[Any], feature: int) -> list[int]:
    """Unpack every day that holds readings of a feature among others, delete those that hold its readings alone.

    Args:
        connection: within a transaction.
        feature: of interest.

    Returns:
        The streams that had such days.
    """
    removed = await connection.execute(
        "DELETE FROM sense_packedday WHERE feature_all = %s RETURNING datastream_id", (feature,)
    )
    streams = {stream for (stream,) in await removed.fetchall()}
    mixed = await connection.execute(_MIXED, (feature,))
    for stream, day in await mixed.fetchall():
        await unpack(connection, stream, day)
        streams.add(stream)
    return sorted(streams)
