"""Writes readings into a file, day by day and some streams at a time, so that memory stays bounded."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow carries no types
from psycopg import Connection

from cityloop.kernel.instants import from_us, to_us
from cityloop.kernel.quality import Quality
from cityloop.sense.stream.archive.asking import both
from cityloop.sense.stream.archive.columns import DayColumns, Jsons
from cityloop.sense.stream.archive.exact import columns_from
from cityloop.sense.stream.archive.recalling import asked_here
from cityloop.sense.stream.bulk.files import SCHEMA, TIMES, writer_of
from cityloop.sense.stream.history.partitions import DAY_US
from cityloop.sense.stream.readings import NO_TIME, Int64s

STREAMS_TOGETHER = 200
"""Streams of a day read at once; a stream of one reading a second has 86,400 a day."""

_STREAMS = """
    SELECT id, coalesce(code, ''), coalesce(unit_symbol, '') FROM sense_datastream
    WHERE (%(ids)s::bigint[] IS NULL OR id = ANY(%(ids)s)) AND (%(codes)s::text[] IS NULL OR code = ANY(%(codes)s))
      AND (%(project)s = '' OR project = %(project)s) AND (%(dataset)s = '' OR dataset = %(dataset)s)
    ORDER BY id
"""
_EXTENT = "SELECT min(first_time), max(last_time) FROM sense_latest WHERE datastream_id = ANY(%s)"
_QUALITIES = np.array([quality.name.lower() for quality in Quality])
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which readings are wanted.

    Attributes:
        ids: datastream ids, None for any.
        codes: datastream codes, None for any.
        project: code of a project, empty for any.
        dataset: code of a data set of the catalogue, empty for any.
        since: no reading before, None from the beginning on.
        until: no reading from here on, None to the end.
    """

    ids: Sequence[int] | None = None
    codes: Sequence[str] | None = None
    project: str = ""
    dataset: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(slots=True)
class Exported:
    """How far an export is.

    Attributes:
        streams: datastreams chosen.
        readings: readings written.
        days: days of the span.
        days_done: of those, written.
    """

    streams: int
    readings: int = 0
    days: int = 0
    days_done: int = 0


def export(dsn: str, choice: Choice, path: Path, *, on_progress: Callable[[Exported], None]) -> Exported:
    """Write the chosen readings to a file, by day, stream and time.

    Nothing stands at `path` until all is written.

    Args:
        dsn: of the database.
        choice: which readings.
        path: a .parquet or .csv file.
        on_progress: told after each day.

    Raises:
        FileKindError: if the name ends otherwise.
    """
    unfinished = path.with_name(f"{path.name}.part")
    with psycopg.connect(dsn, application_name="cityloop export") as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        streams = connection.execute(_STREAMS, _asked(choice)).fetchall()
        first, beyond = _span(connection, choice, [row[0] for row in streams])
        done = Exported(len(streams), days=max(0, beyond - first))
        writer = writer_of(unfinished, kind=path.suffix)
        try:
            for day in range(first, beyond):
                for at in range(0, len(streams), STREAMS_TOGETHER):
                    some = streams[at : at + STREAMS_TOGETHER]
                    columns = _read(connection, choice, day, [row[0] for row in some])
                    if len(columns):
                        writer.write_table(_table(columns, some, kind=path.suffix))
                        done.readings += len(columns)
                connection.commit()
                done.days_done += 1
                on_progress(done)
        finally:
            writer.close()
    unfinished.replace(path)
    return done


def _asked(choice: Choice) -> dict[str, Any]:
    ids, codes = choice.ids, choice.codes
    return {
        "ids": None if ids is None else list(ids),
        "codes": None if codes is None else list(codes),
        "project": choice.project,
        "dataset": choice.dataset,
    }


def _span(connection: Connection[Any], choice: Choice, streams: list[int]) -> tuple[int, int]:
    row = connection.execute(_EXTENT, (streams,)).fetchone() or (None, None)
    if row[0] is None or row[1] is None:
        return 0, 0
    first, last = max(choice.since or row[0], row[0]), min(choice.until or row[1], row[1])
    return to_us(first) // DAY_US, to_us(last) // DAY_US + 1


def _read(connection: Connection[Any], choice: Choice, day: int, streams: list[int]) -> DayColumns:
    start, end = from_us(day * DAY_US), from_us((day + 1) * DAY_US)
    start, end = max(start, choice.since or start), min(end, choice.until or end)
    wanted = f"'{{{','.join(map(str, streams))}}}'::bigint[]"
    rows = both(f"p.datastream_id = ANY({wanted}) AND p.day = '{_EPOCH + timedelta(days=day)}'")
    chosen = (
        f"SELECT o.* FROM {rows} o WHERE o.datastream_id = ANY({wanted}) "
        f"AND o.phenomenon_time >= '{_literal(start)}' AND o.phenomenon_time < '{_literal(end)}'"
    )
    return asked_here(connection, lambda: columns_from(connection, chosen))


def _literal(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat()


def _table(columns: DayColumns, streams: list[tuple[int, str, str]], *, kind: str) -> pa.Table:
    ids = np.array([row[0] for row in streams], dtype=np.int64)
    places = np.searchsorted(ids, columns.datastream_id)
    codes, units = np.array([row[1] for row in streams]), np.array([row[2] for row in streams])
    absent = np.isnan(columns.result)
    parts: dict[str, Any] = {
        "datastream_id": columns.datastream_id,
        "datastream_code": codes[places],
        "observation_id": columns.id,
        "phenomenon_time": _instants(columns.time_us, kind),
        "phenomenon_end": _instants(columns.end_us, kind),
        "result": pa.array(columns.result, pa.float64(), mask=absent),
        "result_json": _texts(columns.result_json, len(columns)),
        "unit": units[places],
        "quality": _QUALITIES[columns.quality],
        "result_time": _instants(columns.result_us, kind),
        "valid_from": _instants(columns.valid_from_us, kind),
        "valid_until": _instants(columns.valid_until_us, kind),
        "result_quality": _texts(columns.result_quality, len(columns)),
        "parameters": _texts(columns.parameters, len(columns)),
        "feature_id": columns.feature_id,
    }
    schema = SCHEMA
    if kind == ".csv":
        schema = pa.schema([(name, pa.string() if name in TIMES else SCHEMA.field(name).type) for name in SCHEMA.names])
    return pa.table(parts, schema=schema)


def _instants(column_us: Int64s, kind: str) -> pa.Array:
    absent = column_us == NO_TIME
    if kind != ".csv":
        return pa.array(column_us, pa.timestamp("us", tz="UTC"), mask=absent)
    texts = np.datetime_as_string(np.where(absent, 0, column_us).astype("datetime64[us]"), unit="us")
    return pa.array(np.char.add(texts, "Z"), pa.string(), mask=absent)


def _texts(texts: Jsons, count: int) -> pa.Array:
    if texts is None:
        return pa.nulls(count, pa.string())
    return pa.array([None if text is None else text.decode() for text in texts], pa.string())
