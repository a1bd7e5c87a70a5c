"""Loads a file of readings: bounded pieces, each reading once, what is wrong told, and resumable.

Days that are closed go straight into packed rows; what belongs to a day that holds readings of its stream already, or
to a day that is not closed yet, goes through the pipeline, which keeps each reading once.
"""

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from psycopg import AsyncConnection

from cityloop.sense.stream.bulk.files import Piece, pieces_of
from cityloop.sense.stream.bulk.pace import Pace
from cityloop.sense.stream.bulk.packing import keep_packed, note_totals, parts_of
from cityloop.sense.stream.bulk.rows import Refused, RowReader, Rows
from cityloop.sense.stream.history.partitions import DAY_US
from cityloop.sense.stream.history.refusals import storable
from cityloop.sense.stream.history.writers import Writer
from cityloop.sense.stream.readings import Ingest, Int64s, OtherParts, Outcome, OverloadedError, Readings

BUFFER_ROWS = 1_000_000
"""Rows held until their days are complete; a file sorted by time or by stream then splits hardly any day."""

BATCH_ROWS = 20_000
"""Rows given to the pipeline at once."""

FINGERPRINT_BYTES = 1 << 20
"""Bytes of either end of a file that tell it from others."""

_BEGIN = """
    INSERT INTO sense_load (fingerprint, file) VALUES (%s, %s)
    ON CONFLICT (fingerprint) DO UPDATE SET finished_at = NULL
    RETURNING rows_done, kept, duplicates, refused
"""
_MOVE = """
    UPDATE sense_load SET rows_done = %s, kept = %s, duplicates = %s, refused = %s,
      finished_at = CASE WHEN %s THEN now() END WHERE fingerprint = %s
"""
_FOUND = "id, coalesce(unit_symbol, '') FROM sense_datastream"
_STREAMS = {
    "datastream_id": f"SELECT id::text, {_FOUND} WHERE id = ANY(%s::bigint[])",
    "datastream_code": f"SELECT code, {_FOUND} WHERE code = ANY(%s)",
}
NOT_STORABLE = "the value cannot be stored"
NO_LOCATION = "the thing has no location"
GONE = "there is no such datastream"
_OUTCOMES = {
    Outcome.UNKNOWN_DATASTREAM: GONE,
    Outcome.NO_LOCATION: NO_LOCATION,
    Outcome.NOT_STORABLE: NOT_STORABLE,
    Outcome.UNKNOWN_FEATURE: "there is no such feature of interest",
}


@dataclass(slots=True)
class Progress:
    """How far a load is.

    Attributes:
        rows_done: rows of the file that are done with.
        kept: readings kept.
        duplicates: rows that said what was known.
        refused: rows that are no readings.
        share: of the file that is read, 0 to 1.
        packed: of the kept readings, those written straight into packed rows.
        resumed_at: rows that an earlier run had done.
    """

    rows_done: int = 0
    kept: int = 0
    duplicates: int = 0
    refused: int = 0
    share: float = 0.0
    packed: int = 0
    resumed_at: int = 0


@dataclass(slots=True, kw_only=True)
class Means:
    """What a load works with.

    Attributes:
        writer: writes packed rows, with a lane of ids of its own.
        ingest: the pipeline.
        pace: tells when to give way.
        reader: reads rows.
        hot_from_us: start of the first day that is not closed, microseconds since the Unix epoch.
        now_us: the present.
        on_progress: told after each step.
        on_refused: told of rows that are no readings.
        rest: waits when the pipeline is full.
        buffer_rows: rows held until their days are complete.
    """

    writer: Writer
    ingest: Ingest
    pace: Pace
    reader: RowReader
    hot_from_us: int
    now_us: Callable[[], int]
    on_progress: Callable[[Progress], None]
    on_refused: Callable[[list[Refused]], None]
    rest: Callable[[float], Any] = asyncio.sleep
    buffer_rows: int = BUFFER_ROWS


@dataclass(slots=True)
class _Held:
    rows: list[Rows] = field(default_factory=list)

    def __len__(self) -> int:
        return sum(len(rows) for rows in self.rows)


async def load(path: Path, means: Means) -> Progress:
    """Load a file and return what became of its rows.

    A load that was killed goes on where it stood: the same file is known by its size and both of its ends. Nothing is
    doubled, for what was already kept is known by stream and time.

    Args:
        path: a .parquet or .csv file.
        means: what to work with.

    Raises:
        CityloopError: if the file cannot be read.
    """
    key, connection = fingerprint(path), means.writer.connection
    progress = await _begun(connection, key, path)
    await means.pace.begin()
    held, days = _Held(), set[int]()
    pieces = pieces_of(path)
    while (piece := await asyncio.to_thread(_next, pieces)) is not None:
        if piece.first + len(piece) + len(piece.broken) - 1 <= progress.resumed_at:
            continue
        rows = await asyncio.to_thread(means.reader.read, piece)
        progress.share = piece.done
        _refuse(means, progress, rows.refused)
        held.rows.append(rows)
        if len(held) >= means.buffer_rows:
            held, done = await _flushed(means, held, progress, days, is_last=False)
            await _moved(connection, key, progress, done)
    _, done = await _flushed(means, held, progress, days, is_last=True)
    if days:
        await note_totals(means.writer, days)
    await _moved(connection, key, progress, None)
    means.on_progress(progress)
    return progress


def _next(pieces: Iterator[Piece]) -> Piece | None:
    return next(pieces, None)


def fingerprint(path: Path) -> str:
    """Return what tells a file from others: its size and both of its ends."""
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        digest.update(file.read(FINGERPRINT_BYTES))
        file.seek(max(0, size - FINGERPRINT_BYTES))
        digest.update(file.read(FINGERPRINT_BYTES))
    return digest.hexdigest()


async def _begun(connection: AsyncConnection[Any], key: str, path: Path) -> Progress:
    async with connection.transaction():
        row = await (await connection.execute(_BEGIN, (key, str(path)))).fetchone()
    done, kept, duplicates, refused = row or (0, 0, 0, 0)
    return Progress(done, kept, duplicates, refused, resumed_at=done)


async def _moved(connection: AsyncConnection[Any], key: str, progress: Progress, done: int | None) -> None:
    if done is not None:
        progress.rows_done = max(progress.rows_done, done)
    counts = (progress.rows_done, progress.kept, progress.duplicates, progress.refused)
    async with connection.transaction():
        await connection.execute(_MOVE, (*counts, done is None, key))


async def _flushed(
    means: Means, held: _Held, progress: Progress, days: set[int], *, is_last: bool
) -> tuple[_Held, int]:
    """Keep what is held, save the days that may go on in the next piece; return those and how far all is done."""
    rows = _joined(held.rows)
    if not len(rows):
        return _Held(), progress.rows_done
    good = storable(_readings(rows, np.arange(len(rows)), 0))
    lost = np.flatnonzero(~good).tolist()
    _refuse(means, progress, [Refused(int(rows.row[place]), NOT_STORABLE, "") for place in lost])
    day = rows.time_us // DAY_US
    waits = np.zeros(len(rows), dtype=np.bool_) if is_last else (day == day[-1]) & good
    if waits[good].all() and len(held) >= 2 * means.buffer_rows:
        waits[:] = False
    closed = rows.time_us < means.hot_from_us
    await _keep_closed(means, rows, np.flatnonzero(good & closed & ~waits), progress, days)
    await _keep_live(means, rows, np.flatnonzero(good & ~closed & ~waits), progress)
    done = int(rows.row[-1]) if not waits.any() else int(rows.row[waits].min()) - 1
    progress.rows_done = max(progress.rows_done, done)
    means.on_progress(progress)
    return _Held([_part(rows, np.flatnonzero(waits))] if waits.any() else []), done


async def _keep_closed(means: Means, rows: Rows, places: Int64s, progress: Progress, days: set[int]) -> None:
    ordered = places[np.lexsort((rows.row[places], rows.time_us[places], rows.datastream_id[places]))]
    for groups in parts_of(rows, ordered):
        await means.pace.give_way()
        done = await keep_packed(means.writer, rows, groups, now_us=means.now_us())
        progress.kept += done.kept
        progress.packed += done.kept
        progress.duplicates += done.folded
        days |= done.days
        if done.left:
            await _keep_live(means, rows, np.concatenate(done.left), progress)
        means.on_progress(progress)


async def _keep_live(means: Means, rows: Rows, places: Int64s, progress: Progress) -> None:
    for at in range(0, len(places), BATCH_ROWS):
        part = places[at : at + BATCH_ROWS]
        outcome = await _kept(means, _readings(rows, part, means.now_us()))
        progress.kept += int((outcome == Outcome.KEPT).sum())
        progress.duplicates += int((outcome == Outcome.DUPLICATE).sum())
        wrong = np.flatnonzero(outcome > Outcome.DUPLICATE).tolist()
        reasons = [_OUTCOMES.get(Outcome(int(outcome[place])), NOT_STORABLE) for place in wrong]
        numbers = [int(rows.row[part[place]]) for place in wrong]
        _refuse(means, progress, [Refused(row, why, "") for row, why in zip(numbers, reasons, strict=True)])
        await means.pace.give_way()


async def _kept(means: Means, readings: Readings) -> Any:
    while True:
        try:
            return (await means.ingest.keep(readings, idempotent=True)).outcome
        except OverloadedError as error:
            await means.rest(error.retry_after_s)


def _refuse(means: Means, progress: Progress, refused: list[Refused]) -> None:
    fresh = sorted((one for one in refused if one.row > progress.resumed_at), key=lambda one: one.row)
    if fresh:
        progress.refused += len(fresh)
        means.on_refused(fresh)


def _readings(rows: Rows, places: Int64s, now_us: int) -> Readings:
    others: dict[int, OtherParts] = {}
    if rows.others:
        others = {at: rows.others[place] for at, place in enumerate(places.tolist()) if place in rows.others}
    return Readings(
        datastream_id=rows.datastream_id[places],
        phenomenon_us=rows.time_us[places],
        result=rows.result[places],
        quality=rows.quality[places],
        result_us=rows.result_us[places],
        feature_id=np.zeros(len(places), dtype=np.int64),
        received_us=now_us,
        others=others,
    )


_COLUMNS = ("row", "datastream_id", "time_us", "result", "quality", "result_us", "feature_id")


def _part(rows: Rows, places: Int64s) -> Rows:
    others = {at: rows.others[place] for at, place in enumerate(places.tolist()) if place in rows.others}
    return Rows(**{name: getattr(rows, name)[places] for name in _COLUMNS}, others=others)


def _joined(parts: list[Rows]) -> Rows:
    if len(parts) == 1:
        return parts[0]
    kinds = {"result": np.float64, "quality": np.uint8}
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts])
        if parts
        else np.zeros(0, dtype=kinds.get(name, np.int64))
        for name in _COLUMNS
    }
    others, offset = {}, 0
    for part in parts:
        others.update({offset + place: found for place, found in part.others.items()})
        offset += len(part)
    return Rows(**columns, others=others)


class StreamBook:
    """Finds streams by id or code, and remembers them.

    Args:
        find: runs a query.
    """

    def __init__(self, find: Callable[[str, list[str]], list[tuple[str, int, str]]]) -> None:
        """Know none."""
        self._find = find
        self._known: dict[tuple[str, str], tuple[int, str]] = {}

    def __call__(self, texts: Any, by: str) -> dict[str, tuple[int, str]]:
        """Return id and unit by text; an unknown stream is absent."""
        asked = [text for text in texts if (by, text) not in self._known and (by != "datastream_id" or text.isdigit())]
        if asked:
            for text, key, unit in self._find(_STREAMS[by], asked):
                self._known[by, text] = key, unit
        return {text: self._known[by, text] for text in texts if (by, text) in self._known}
