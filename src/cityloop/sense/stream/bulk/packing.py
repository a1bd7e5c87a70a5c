"""Closed days go straight into packed rows where the day holds nothing of the stream yet."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from psycopg import AsyncConnection

from cityloop.kernel.instants import from_us
from cityloop.sense.stream.archive import fields
from cityloop.sense.stream.archive.columns import DayColumns, Jsons
from cityloop.sense.stream.archive.packing import COPY_PACKED, packed_row
from cityloop.sense.stream.bulk.rows import Rows
from cityloop.sense.stream.features import make_features
from cityloop.sense.stream.history.latest import LatestRows, ask_lock, locked
from cityloop.sense.stream.history.partitions import DAY_US
from cityloop.sense.stream.history.writers import Writer
from cityloop.sense.stream.readings import NO_TIME, Int64s

GROUPS_TOGETHER = 200
"""Days of streams written in one transaction: their streams' live readings wait for it, some 10 ms."""

READINGS_TOGETHER = 100_000
"""Readings written in one transaction, unless one day of a stream has more."""

_OPEN = """
    INSERT INTO sense_closedday (day, first_id, last_id) SELECT DISTINCT day, 9223372036854775807, 0
    FROM unnest(%s::date[]) AS d (day) ON CONFLICT DO NOTHING
"""
_TAKEN = """
    SELECT g.number - 1 FROM unnest(%s::bigint[], %s::date[]) WITH ORDINALITY AS g (stream, day, number)
    WHERE EXISTS (SELECT 1 FROM sense_packedday p WHERE p.datastream_id = g.stream AND p.day = g.day)
    OR EXISTS (SELECT 1 FROM sense_observation o WHERE o.datastream_id = g.stream
               AND o.phenomenon_time >= g.day::timestamp AT TIME ZONE 'UTC'
               AND o.phenomenon_time < (g.day + 1)::timestamp AT TIME ZONE 'UTC')
"""
_FEATURES = "SELECT id FROM sense_feature WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE"
_EXTENTS = """
    UPDATE sense_latest l SET
      first_time = least(l.first_time, v.first_time), last_time = greatest(l.last_time, v.last_time),
      first_result_time = least(l.first_result_time, v.first_result),
      last_result_time = greatest(l.last_result_time, v.last_result)
    FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[])
      AS v (stream, first_time, last_time, first_result, last_result)
    WHERE l.datastream_id = v.stream
"""
_NEWEST = """
    UPDATE sense_latest l SET
      id = v.id, phenomenon_time = v.time, result = v.result, result_json = v.other::jsonb, quality = v.quality,
      received_at = now()
    FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[], %s::float8[], %s::text[], %s::smallint[])
      AS v (stream, id, time, result, other, quality)
    WHERE l.datastream_id = v.stream AND (l.phenomenon_time IS NULL OR l.phenomenon_time < v.time)
"""
_TOTALS = """
    UPDATE sense_closedday c SET readings = t.readings, streams = t.streams, closed_at = now()
    FROM (SELECT day, sum(n) AS readings, count(*) AS streams FROM sense_packedday WHERE day = ANY(%s) GROUP BY day) t
    WHERE c.day = t.day
"""
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Packed:
    """What became of rows that were to be packed.

    Attributes:
        kept: readings kept.
        folded: rows that said again what another row of the file said.
        left: places of rows that must go through the pipeline: their day holds readings of the stream already.
        days: the UTC days written, counted from 1970-01-01.
    """

    kept: int
    folded: int
    left: list[Int64s]
    days: set[int]


def parts_of(rows: Rows, places: Int64s) -> Iterator[list[Int64s]]:
    """Return days of streams in parts that fit one transaction each; no day of a stream is cut in two.

    Args:
        rows: of a file.
        places: which of them, sorted by stream and time.
    """
    part: list[Int64s] = []
    count = 0
    for group in _groups(rows, places):
        if part and (len(part) == GROUPS_TOGETHER or count + len(group) > READINGS_TOGETHER):
            yield part
            part, count = [], 0
        part.append(group)
        count += len(group)
    if part:
        yield part


async def note_totals(writer: Writer, days: set[int]) -> None:
    """Count anew what closed days hold."""
    async with writer.connection.transaction():
        await writer.connection.execute(_TOTALS, ([_date(day) for day in sorted(days)],))


def _groups(rows: Rows, places: Int64s) -> list[Int64s]:
    stream, day = rows.datastream_id[places], rows.time_us[places] // DAY_US
    edges = np.flatnonzero((stream[1:] != stream[:-1]) | (day[1:] != day[:-1])) + 1
    return [group for group in np.split(places, edges) if len(group)]


async def keep_packed(writer: Writer, rows: Rows, groups: list[Int64s], *, now_us: int) -> Packed:
    """Write some days of streams in one transaction.

    Args:
        writer: its connection is outside a transaction.
        rows: of a file.
        groups: places of the rows of each day of a stream, sorted by stream and time.
        now_us: the present, for the ids.
    """
    connection = writer.connection
    streams = np.array([rows.datastream_id[group[0]] for group in groups], dtype=np.int64)
    async with connection.transaction():
        latest = await _hold(connection, np.unique(streams))
        own = await _features(connection, latest)
        known = await _known_features(connection, rows, groups)
    packed, left, folded = [], [], 0
    for stream, group in zip(streams.tolist(), groups, strict=True):
        if not own.get(stream):
            left.append(group)
            continue
        single = group[np.r_[True, np.diff(rows.time_us[group]) != 0]]
        columns = _columns(writer, rows, single, own[stream], known, now_us=now_us)
        packed.append(_Group(group, columns, packed_row(columns, is_run=True)))
        folded += len(group) - len(single)
    kept, busy = await _write(connection, packed, own)
    left += [group.places for group in busy]
    folded -= sum(len(group.places) - len(group.columns) for group in busy)
    days = {int(group.columns.time_us[0] // DAY_US) for group in kept}
    return Packed(sum(len(group.columns) for group in kept), folded, left, days)


async def _write(
    connection: AsyncConnection[Any], packed: list["_Group"], own: dict[int, int]
) -> tuple[list["_Group"], list["_Group"]]:
    """Write packed rows while their streams are held; return those written and those whose day was not empty."""
    if not packed:
        return [], []
    streams = [int(group.columns.datastream_id[0]) for group in packed]
    days = [_date(int(group.columns.time_us[0] // DAY_US)) for group in packed]
    async with connection.transaction():
        latest = await _hold(connection, np.unique(np.array(streams, dtype=np.int64)))
        now = dict(zip(latest.datastream_id.tolist(), latest.feature_id.tolist(), strict=True))
        await connection.execute(_OPEN, (days,))
        found = await connection.execute(_TAKEN, (streams, days))
        taken = {number for (number,) in await found.fetchall()}
        taken |= {number for number, stream in enumerate(streams) if now.get(stream) != own[stream]}
        kept = [group for number, group in enumerate(packed) if number not in taken]
        if kept:
            async with connection.cursor().copy(COPY_PACKED) as copy:
                await copy.write(b"".join([fields.HEADER, *(group.row for group in kept), fields.TRAILER]))
            await _renew(connection, [group.columns for group in kept])
    return kept, [packed[number] for number in sorted(taken)]


@dataclass(frozen=True, slots=True)
class _Group:
    places: Int64s
    columns: DayColumns
    row: bytes


async def _renew(connection: AsyncConnection[Any], fresh: list[DayColumns]) -> None:
    """Bring extents and latest values of streams up to date; `fresh` is sorted by stream and day."""
    spans: dict[int, list[int | None]] = {}
    newest: dict[int, DayColumns] = {}
    for day in fresh:
        stream, known = int(day.datastream_id[0]), day.result_us[day.result_us != NO_TIME]
        span = [int(day.time_us[0]), int(max(day.time_us[-1], day.end_us.max()))]
        results = [int(known.min()), int(known.max())] if len(known) else [None, None]
        before = spans.get(stream, [None] * 4)
        pairs = zip(before, [*span, *results], (min, max, min, max), strict=True)
        spans[stream] = [b if a is None else a if b is None else choose(a, b) for a, b, choose in pairs]
        newest[stream] = day
    instants = [[None if us is None else from_us(us) for us in column] for column in zip(*spans.values(), strict=True)]
    await connection.execute(_EXTENTS, (list(spans), *instants))
    rows = [_last(day) for day in newest.values()]
    await connection.execute(_NEWEST, (list(newest), *map(list, zip(*rows, strict=True))))


def _last(day: DayColumns) -> tuple[Any, ...]:
    value, other = float(day.result[-1]), None if day.result_json is None else day.result_json[-1]
    number = None if other is not None or np.isnan(value) else value
    text = None if other is None else other.decode()
    return int(day.id[-1]), from_us(int(day.time_us[-1])), number, text, int(day.quality[-1])


async def _hold(connection: AsyncConnection[Any], streams: Int64s) -> LatestRows:
    async with connection.cursor() as cursor:
        await ask_lock(cursor, streams)
        return await locked(cursor)


async def _features(connection: AsyncConnection[Any], latest: LatestRows) -> dict[int, int]:
    own = dict(zip(latest.datastream_id.tolist(), latest.feature_id.tolist(), strict=True))
    missing = [stream for stream, feature in own.items() if not feature]
    if missing:
        own.update(await make_features(connection, missing))
    return own


async def _known_features(connection: AsyncConnection[Any], rows: Rows, groups: list[Int64s]) -> Int64s:
    named = np.unique(np.concatenate([rows.feature_id[group] for group in groups]))
    named = named[named > 0]
    if not len(named):
        return named
    found = await connection.execute(_FEATURES, (named.tolist(),))
    return np.array([key for (key,) in await found.fetchall()], dtype=np.int64)


def _columns(  # noqa: PLR0913  the parts of one day
    writer: Writer, rows: Rows, places: Int64s, own: int, known: Int64s, *, now_us: int
) -> DayColumns:
    runs = writer.ids.reserve(len(places), now_us=now_us)
    ids = np.concatenate([np.arange(first, first + length, dtype=np.int64) for first, length in runs])
    columns = DayColumns(
        datastream_id=rows.datastream_id[places],
        time_us=rows.time_us[places],
        id=ids,
        result=rows.result[places],
        quality=rows.quality[places].astype(np.int16),
        feature_id=np.where(np.isin(rows.feature_id[places], known), rows.feature_id[places], own),
        result_us=rows.result_us[places],
        end_us=_absent(places),
        valid_from_us=_absent(places),
        valid_until_us=_absent(places),
    )
    if rows.others:
        _add_others(columns, rows, places)
    return columns


def _absent(places: Int64s) -> Int64s:
    return np.full(len(places), NO_TIME, dtype=np.int64)


def _add_others(columns: DayColumns, rows: Rows, places: Int64s) -> None:
    others = [rows.others.get(place) for place in places.tolist()]
    instants = (
        ("end_us", "phenomenon_end_us"),
        ("valid_from_us", "valid_from_us"),
        ("valid_until_us", "valid_until_us"),
    )
    for name, part in instants:
        for at, parts in enumerate(others):
            if parts is not None and getattr(parts, part) is not None:
                getattr(columns, name)[at] = getattr(parts, part)
    texts = (
        ("result_json", "result_json"),
        ("result_quality", "result_quality_json"),
        ("parameters", "parameters_json"),
    )
    for name, part in texts:
        found: Jsons = [None if parts is None else getattr(parts, part) for parts in others]
        setattr(columns, name, found)


def _date(day: int) -> date:
    return _EPOCH + timedelta(days=day)
