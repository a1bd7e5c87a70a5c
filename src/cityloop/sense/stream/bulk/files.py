"""Files of readings: Parquet and CSV with the same columns, read and written in pieces of bounded size."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow carries no types
import pyarrow.csv as pa_csv  # type: ignore[import-untyped]  # pyarrow carries no types
import pyarrow.parquet as pa_parquet  # type: ignore[import-untyped]  # pyarrow carries no types

from cityloop.kernel.errors import CityloopError

SCHEMA = pa.schema([
    ("datastream_id", pa.int64()), ("datastream_code", pa.string()), ("observation_id", pa.int64()),
    ("phenomenon_time", pa.timestamp("us", tz="UTC")), ("phenomenon_end", pa.timestamp("us", tz="UTC")),
    ("result", pa.float64()), ("result_json", pa.string()), ("unit", pa.string()), ("quality", pa.string()),
    ("result_time", pa.timestamp("us", tz="UTC")), ("valid_from", pa.timestamp("us", tz="UTC")),
    ("valid_until", pa.timestamp("us", tz="UTC")), ("result_quality", pa.string()), ("parameters", pa.string()),
    ("feature_id", pa.int64()),
])  # fmt: skip
"""The columns of a file, in order; a file that is loaded needs a datastream, a phenomenon time and a result."""

NAMES = tuple(SCHEMA.names)
TIMES = ("phenomenon_time", "phenomenon_end", "result_time", "valid_from", "valid_until")
PIECE_ROWS = 200_000
"""Rows read at once."""

CSV_BLOCK_BYTES = 16 << 20
"""Bytes of a CSV file read at once."""


class FileKindError(CityloopError):
    """The file is neither Parquet nor CSV."""

    key = "%(file)s is neither a .parquet nor a .csv file."
    status = 400


class ColumnsMissingError(CityloopError):
    """The file lacks what every reading needs."""

    key = "%(file)s has no column %(columns)s."
    status = 400


@dataclass(slots=True)
class Piece:
    """Some rows of a file.

    Attributes:
        first: number of the first row, from 1; the header of a CSV file is not counted.
        table: the rows, with those of the known columns that the file has.
        done: share of the file that is read with it, 0 to 1.
        broken: rows with too many or too few values: number and text.
    """

    first: int
    table: pa.Table
    done: float
    broken: list[tuple[int, str]] = field(default_factory=list)

    def __len__(self) -> int:
        """Return how many rows there are, the broken ones not counted."""
        return int(self.table.num_rows)


class Writer(Protocol):
    """Writes tables to a file."""

    def write_table(self, table: pa.Table) -> None:
        """Append rows."""
        ...

    def close(self) -> None:
        """Finish the file."""
        ...


def writer_of(path: Path, *, kind: str) -> Writer:
    """Return a writer of a file.

    Args:
        path: where it is written.
        kind: `.parquet` or `.csv`.

    Raises:
        FileKindError: if it is neither.
    """
    if kind == ".parquet":
        writer: Writer = pa_parquet.ParquetWriter(path, SCHEMA, compression="zstd")
        return writer
    if kind == ".csv":
        schema = pa.schema([(name, pa.string() if name in TIMES else SCHEMA.field(name).type) for name in NAMES])
        text: Writer = pa_csv.CSVWriter(path, schema, write_options=pa_csv.WriteOptions(quoting_style="needed"))
        return text
    raise FileKindError(file=path.name)


def pieces_of(path: Path) -> Iterator[Piece]:
    """Return a file's rows in pieces.

    Raises:
        FileKindError: if it is neither Parquet nor CSV.
        ColumnsMissingError: if a column every reading needs is absent.
    """
    readers: dict[str, Callable[[Path], Iterator[Piece]]] = {".parquet": _parquet, ".csv": _csv}
    if path.suffix not in readers:
        raise FileKindError(file=path.name)
    return readers[path.suffix](path)


def _check(path: Path, names: Any) -> list[str]:
    known = [name for name in NAMES if name in names]
    for needed in (("phenomenon_time",), ("datastream_id", "datastream_code"), ("result", "result_json")):
        if not set(needed) & set(known):
            raise ColumnsMissingError(file=path.name, columns=" / ".join(needed))
    return known


def _parquet(path: Path) -> Iterator[Piece]:
    with pa_parquet.ParquetFile(path) as file:
        names, total, first = _check(path, file.schema_arrow.names), max(1, file.metadata.num_rows), 1
        for batch in file.iter_batches(PIECE_ROWS, columns=names):
            table = pa.Table.from_batches([batch])
            yield Piece(first, table, min(1.0, (first - 1 + len(table)) / total))
            first += len(table)


def _csv(path: Path) -> Iterator[Piece]:
    with path.open(encoding="utf-8-sig") as header:
        names = [name.strip() for name in next(csv.reader(header), [])]
    known, size, first, read = _check(path, names), max(1, path.stat().st_size), 1, 0
    broken: list[tuple[int, str]] = []

    def refuse(row: Any) -> str:
        broken.append((int(row.number or 0) - 1, str(row.text)[:500]))
        return "skip"

    options = {
        "read_options": pa_csv.ReadOptions(
            use_threads=False, block_size=CSV_BLOCK_BYTES, column_names=names, skip_rows=1
        ),
        "parse_options": pa_csv.ParseOptions(invalid_row_handler=refuse),
        "convert_options": pa_csv.ConvertOptions(
            include_columns=known, column_types=dict.fromkeys(known, pa.string()), strings_can_be_null=False
        ),
    }
    with pa_csv.open_csv(path, **options) as reader:
        for batch in reader:
            read += batch.nbytes
            table = pa.Table.from_batches([batch])
            yield Piece(first, table, min(1.0, read / size), list(broken))
            first += len(table) + len(broken)
            broken.clear()
    if broken:
        yield Piece(first, pa.table({name: pa.array([], pa.string()) for name in known}), 1.0, list(broken))
