"""The directory of packed readings: which stream and day hold an id.

A packed day is found by stream and time; an id tells neither, only when it was given. So the ids of a closed day are
written once more, in their own order, in blocks that take two or three bytes a reading. An entry whose reading is no
longer there does no harm: the reading itself is always asked for.
"""

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
from psycopg import Connection

from cityloop.sense.stream.archive import fields
from cityloop.sense.stream.archive.planes import series_of
from cityloop.sense.stream.readings import Int64s

BLOCK_IDS = 2048
"""Ids of a block: found in about a millisecond."""

BLOCKS_TOGETHER = 64
"""Blocks written in one transaction."""

FIND = "SELECT datastream_id, day FROM sense_packed_place(%s)"
"""What asks where an id lies; more than one row may come, for a day that was packed again is named again."""

_IDS = """
    SELECT id, datastream_id FROM sense_observation
    WHERE phenomenon_time >= '{since}' AND phenomenon_time < '{until}'{but}
    UNION ALL
    SELECT o.id, o.datastream_id FROM sense_packedday p CROSS JOIN LATERAL sense_unpacked(p) o
    WHERE p.day = '{day}' AND p.is_run AND NOT p.away AND EXISTS (
        SELECT 1 FROM sense_observation h WHERE h.datastream_id = p.datastream_id
        AND h.phenomenon_time >= '{since}' AND h.phenomenon_time < '{until}'
    )
    ORDER BY id
"""
"""With what is merged a run ends to be one: its ids are entered too."""

_COPY = """
    COPY sense_packedid (
        day, generation, first_id, last_id, n, id_step, id_unit, id_base, id_0, id_1, id_2, id_3,
        stream_base, stream_0, stream_1, stream_2, stream_3
    ) FROM STDIN (FORMAT binary)
"""
_OPEN = """
    INSERT INTO sense_closedday (day, generations, first_id, last_id) VALUES (%s, 1, %s, %s)
    ON CONFLICT (day) DO UPDATE SET generations = sense_closedday.generations + 1,
      first_id = least(sense_closedday.first_id, excluded.first_id)
    RETURNING generations
"""
_REACH = "UPDATE sense_closedday SET last_id = greatest(last_id, %s) WHERE day = %s"
_DAYS_TO_2000 = 10_957


def enter(  # noqa: PLR0913  what is entered
    reader: Connection[Any], writer: Connection[Any], *, day: int, since: str, until: str, apart: Collection[int] = ()
) -> int:
    """Enter the ids of a day's readings that are not packed; return how many there are.

    Args:
        reader: within a transaction whose snapshot tells which readings will be packed.
        writer: autocommitting.
        day: counted from 1970-01-01 UTC.
        since: start of the day.
        until: start of the next day.
        apart: streams that are not packed this time.
    """
    but = f" AND datastream_id <> ALL('{{{','.join(map(str, apart))}}}'::bigint[])" if apart else ""
    if not _is_needed(reader, since=since, until=until, but=but):
        return 0
    total, blocks, generation, last = 0, [], 0, 0
    for ids, streams in _batches(reader, _IDS.format(since=since, until=until, day=since[:10], but=but)):
        generation = generation or _opened(writer, since[:10], int(ids[0]))
        total, last = total + len(ids), int(ids[-1])
        blocks.append(_block(day, generation, ids, streams))
        if len(blocks) == BLOCKS_TOGETHER:
            _write(writer, blocks)
            blocks = []
    _write(writer, blocks)
    writer.execute(_REACH, (last, since[:10]))
    return total


def _is_needed(reader: Connection[Any], *, since: str, until: str, but: str) -> bool:
    bounds = f"phenomenon_time >= '{since}' AND phenomenon_time < '{until}'{but}"
    return reader.execute(f"SELECT 1 FROM sense_observation WHERE {bounds} LIMIT 1").fetchone() is not None


def _opened(writer: Connection[Any], day: str, first: int) -> int:
    row = writer.execute(_OPEN, (day, first, first)).fetchone()
    return int(row[0]) if row else 1


def _write(writer: Connection[Any], blocks: list[bytes]) -> None:
    if blocks:
        with writer.transaction(), writer.cursor().copy(_COPY) as copy:
            copy.write(b"".join([fields.HEADER, *blocks, fields.TRAILER]))


def _batches(reader: Connection[Any], statement: str) -> Iterator[tuple[Int64s, Int64s]]:
    """Return ids and streams in blocks, by a cursor: a day may hold hundreds of millions."""
    with reader.cursor(name="directory", binary=True) as cursor:
        cursor.itersize = BLOCK_IDS
        cursor.execute(statement)
        while rows := cursor.fetchmany(BLOCK_IDS):
            table = np.array(rows, dtype=np.int64)
            yield table[:, 0], table[:, 1]


def _block(day: int, generation: int, ids: Int64s, streams: Int64s) -> bytes:
    numbers = series_of(ids, planes=4)
    holders = series_of(streams, planes=4, with_step=False, with_unit=False)
    if numbers is None or holders is None:
        raise ValueError(day)
    return fields.row([
        fields.integer(day - _DAYS_TO_2000),
        fields.integer(generation),
        fields.bigint(int(ids[0])),
        fields.bigint(int(ids[-1])),
        fields.integer(len(ids)),
        fields.bigint(numbers.step),
        fields.bigint(numbers.unit),
        fields.bigint(numbers.base),
        *map(fields.smallints, numbers.planes),
        fields.bigint(holders.base),
        *map(fields.smallints, holders.planes),
    ])  # fmt: skip
