"""Closed days in ClickHouse: in this process (`chdb:///folder`) or in a cluster of one's own, by the same client."""

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow carries no types

from cityloop.kernel.observation_ids import NODE_BITS, SEQUENCE_BITS, WRITER_BITS
from cityloop.sense.stream.archive.columns import DayColumns, Jsons
from cityloop.sense.stream.archive.store import (
    StoreAwayError,
    StoredDay,
    StoreLibraryMissingError,
    StoreOfAnotherCityError,
)
from cityloop.sense.stream.history.partitions import DAY_US
from cityloop.sense.stream.readings import NO_TIME, Int64s

TABLE = "cityloop_reading"

DAYS_TOGETHER = 500
"""Stream-days named in one statement; its text stays far below ClickHouse's 256 KB."""

CONNECT_S_MAX, ANSWER_S_MAX = 5, 120
"""How long a cluster may take to be reached and to answer, seconds."""

_LANE_BITS = NODE_BITS + WRITER_BITS + SEQUENCE_BITS
_LANE_MASK = (1 << _LANE_BITS) - 1
_MILLISECOND_US = 1000

_MAKE = f"""
    CREATE TABLE IF NOT EXISTS {TABLE} (
        datastream_id Int64 CODEC(Delta, ZSTD), day Int32 CODEC(Delta, ZSTD), version Int64 CODEC(Delta, ZSTD),
        phenomenon_us Int64 CODEC(GCD, Delta, ZSTD),
        ingest_lag_ms Int64 CODEC(T64, ZSTD), lane Int64 CODEC(T64, ZSTD),
        result Nullable(Float64) CODEC(Gorilla, ZSTD), quality Int16 CODEC(ZSTD), feature_id Int64 CODEC(ZSTD),
        result_lag_us Nullable(Int64) CODEC(ZSTD), end_lag_us Nullable(Int64) CODEC(ZSTD),
        valid_from_us Nullable(Int64) CODEC(Delta, ZSTD), valid_until_us Nullable(Int64) CODEC(Delta, ZSTD),
        result_json Nullable(String) CODEC(ZSTD), result_quality Nullable(String) CODEC(ZSTD),
        parameters Nullable(String) CODEC(ZSTD),
        id Int64 ALIAS bitOr(bitShiftLeft(
            intDiv(phenomenon_us - positiveModulo(phenomenon_us, 1000), 1000) + ingest_lag_ms, {_LANE_BITS}), lane),
        phenomenon_time DateTime64(6, 'UTC') ALIAS fromUnixTimestamp64Micro(phenomenon_us),
        result_time Nullable(DateTime64(6, 'UTC')) ALIAS fromUnixTimestamp64Micro(phenomenon_us + result_lag_us)
    ) ENGINE = MergeTree PARTITION BY toYYYYMM(toDate32(day))
    ORDER BY (datastream_id, phenomenon_us, ingest_lag_ms, lane)
    SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
"""
"""An id is its moment of ingest and its lane: kept apart, the one beside the phenomenon time, both are small."""

_MAKE_CITY = "CREATE TABLE IF NOT EXISTS cityloop_city (city String) ENGINE = MergeTree ORDER BY city"
_INT64S = (
    "datastream_id", "phenomenon_us", "ingest_lag_ms", "lane", "quality", "feature_id",
    "result_lag_us", "end_lag_us", "valid_from_us", "valid_until_us",
)  # fmt: skip
_TEXTS = ("result_json", "result_quality", "parameters")
_READ = f"""
    SELECT {", ".join(_INT64S)}, result, {", ".join(_TEXTS)} FROM {TABLE}
    WHERE datastream_id IN ({{streams}}) AND day >= {{first}} AND day <= {{last}}
      AND phenomenon_us >= {{since}} AND phenomenon_us < {{until}} AND (datastream_id, day, version) IN ({{days}})
    ORDER BY datastream_id, phenomenon_us, ingest_lag_ms, lane
"""
_REMOVE = f"""
    ALTER TABLE {TABLE} DELETE WHERE datastream_id IN ({{streams}}) AND day >= {{first}} AND day <= {{last}}
      AND (datastream_id, day, version) IN ({{days}}) SETTINGS mutations_sync = 2
"""
_SIZE = f"""
    SELECT sum(rows), sum(bytes_on_disk) FROM system.parts
    WHERE active AND table = '{TABLE}' AND database = currentDatabase()
"""


class ClickHouse:
    """The store, opened.

    Args:
        client: of the library.
    """

    def __init__(self, client: Any) -> None:
        """Take the client."""
        self._client = client

    def append(self, columns: DayColumns, *, version: int) -> None:
        """Keep readings of one day durably under a version."""
        with _answers():
            self._client.insert_arrow(TABLE, _table(columns, version))

    def read(self, days: Sequence[StoredDay]) -> DayColumns:
        """Return the readings of some days in the order of stream, phenomenon time and id."""
        with _answers():
            tables = [self._client.query_arrow(_about(_READ, part)) for part in _parts(days)]
        return _columns(pa.concat_tables(tables) if len(tables) != 1 else tables[0])

    def remove(self, days: Sequence[StoredDay]) -> None:
        """Remove days."""
        with _answers():
            for part in _parts(days):
                self._client.command(_about(_REMOVE, part))

    def size(self) -> tuple[int, int]:
        """Return how many readings it holds, and their bytes on its disk."""
        with _answers():
            ((readings, octets),) = self._client.query(_SIZE).result_rows
        return int(readings or 0), int(octets or 0)

    def close(self) -> None:
        """Let go of it."""
        self._client.close()


def open_store(dsn: str, *, city: str) -> ClickHouse:
    """Open the store and make its table where there is none.

    Args:
        dsn: `chdb:///folder`, which one process at a time may open, or the address of a cluster's database.
        city: the mark of the city, which the store keeps so that no other writes into it.

    Raises:
        StoreLibraryMissingError: if the library is not installed.
        StoreAwayError: if the store does not answer.
        StoreOfAnotherCityError: if another city's readings lie in it.
    """
    try:
        library = importlib.import_module("clickhouse_connect")
        if dsn.startswith("chdb:"):
            importlib.import_module("chdb")
    except ImportError as error:
        raise StoreLibraryMissingError from error
    own = {} if dsn.startswith("chdb:") else {"connect_timeout": CONNECT_S_MAX, "send_receive_timeout": ANSWER_S_MAX}
    with _answers():
        client = library.get_client(dsn=dsn, **own)
        client.command(_MAKE)
        client.command(_MAKE_CITY)
        owners = {row[0] for row in client.query("SELECT city FROM cityloop_city").result_rows}
        if not owners:
            client.insert("cityloop_city", [[city]], column_names=["city"])
    if owners - {city}:
        client.close()
        raise StoreOfAnotherCityError
    return ClickHouse(client)


@contextmanager
def _answers() -> Iterator[None]:
    try:
        yield
    except (StoreAwayError, StoreOfAnotherCityError):
        raise
    except Exception as error:  # the library raises of its own, its transport's and the engine's kinds
        raise StoreAwayError(reason=" ".join(str(error).split())[:300]) from error


def _parts(days: Sequence[StoredDay]) -> Iterator[Sequence[StoredDay]]:
    ordered = sorted(days, key=lambda one: (one.stream, one.day))
    for at in range(0, max(len(ordered), 1), DAYS_TOGETHER):
        yield ordered[at : at + DAYS_TOGETHER]


def _about(template: str, days: Sequence[StoredDay]) -> str:
    numbers = [one.day for one in days] or [0]
    return template.format(
        streams=", ".join(str(stream) for stream in sorted({one.stream for one in days} or {0})),
        days=", ".join(f"({one.stream}, {one.day}, {one.version})" for one in days) or "(0, 0, 0)",
        first=min(numbers),
        last=max(numbers),
        since=min(numbers) * DAY_US,
        until=(max(numbers) + 1) * DAY_US,
    )


def _table(columns: DayColumns, version: int) -> pa.Table:
    count = len(columns)
    return pa.table(
        {
            "datastream_id": columns.datastream_id,
            "day": (columns.time_us // DAY_US).astype(np.int32),
            "version": np.full(count, version, dtype=np.int64),
            "phenomenon_us": columns.time_us,
            "ingest_lag_ms": (columns.id >> _LANE_BITS) - columns.time_us // _MILLISECOND_US,
            "lane": columns.id & _LANE_MASK,
            "result": pa.array(columns.result, pa.float64(), mask=np.isnan(columns.result)),
            "quality": columns.quality,
            "feature_id": columns.feature_id,
            "result_lag_us": _lags(columns.result_us, columns.time_us),
            "end_lag_us": _lags(columns.end_us, columns.time_us),
            "valid_from_us": pa.array(columns.valid_from_us, pa.int64(), mask=columns.valid_from_us == NO_TIME),
            "valid_until_us": pa.array(columns.valid_until_us, pa.int64(), mask=columns.valid_until_us == NO_TIME),
            **{name: _texts(getattr(columns, name), count) for name in _TEXTS},
        }
    )


def _lags(column_us: Int64s, time_us: Int64s) -> pa.Array:
    absent = column_us == NO_TIME
    return pa.array(np.where(absent, 0, column_us - time_us), pa.int64(), mask=absent)


def _texts(texts: Jsons, count: int) -> pa.Array:
    if texts is None:
        return pa.nulls(count, pa.string())
    return pa.array([None if text is None else text.decode() for text in texts], pa.string())


def _columns(table: pa.Table) -> DayColumns:
    found = {name: _int64s(table[name]) for name in _INT64S}
    time_us = found["phenomenon_us"]
    texts = {name: _read_texts(table[name]) for name in _TEXTS}
    return DayColumns(
        datastream_id=found["datastream_id"],
        time_us=time_us,
        id=((time_us // _MILLISECOND_US + found["ingest_lag_ms"]) << _LANE_BITS) | found["lane"],
        result=table["result"].cast(pa.float64()).fill_null(np.nan).to_numpy().copy(),
        quality=found["quality"].astype(np.int16),
        feature_id=found["feature_id"],
        result_us=_after(found["result_lag_us"], time_us),
        end_us=_after(found["end_lag_us"], time_us),
        valid_from_us=found["valid_from_us"],
        valid_until_us=found["valid_until_us"],
        result_json=texts["result_json"],
        result_quality=texts["result_quality"],
        parameters=texts["parameters"],
    )


def _int64s(column: pa.ChunkedArray) -> Int64s:
    numbers: Int64s = column.cast(pa.int64()).fill_null(NO_TIME).to_numpy().copy()
    return numbers


def _after(lag_us: Int64s, time_us: Int64s) -> Int64s:
    return np.where(lag_us == NO_TIME, NO_TIME, time_us + np.where(lag_us == NO_TIME, 0, lag_us))


def _read_texts(column: pa.ChunkedArray) -> Jsons:
    if column.null_count == len(column):
        return None
    return [None if text is None else str(text).encode() for text in column.cast(pa.string()).to_pylist()]
