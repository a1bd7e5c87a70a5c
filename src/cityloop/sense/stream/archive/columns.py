"""The readings of a stream and day as columns, and their rows in PostgreSQL's binary COPY format."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cityloop.sense.stream.history.arrays import POSTGRES_EPOCH_US
from cityloop.sense.stream.readings import NO_TIME, Float64s, Int64s

Jsons = Sequence[bytes | None] | None
"""JSON texts, None where a reading has none; None altogether where no reading has one."""

_INFINITE_US = -(1 << 63)
"""PostgreSQL's `-infinity` stands for an absent instant in `EXPORT`."""

_TIMES = ("result_time", "phenomenon_end", "valid_from", "valid_until")
_HAS_JSON = "(result_json IS NOT NULL OR result_quality IS NOT NULL OR parameters IS NOT NULL)::int::smallint"
EXPORTED = (
    "datastream_id, phenomenon_time, id, coalesce(result, 'NaN'), quality, feature_id, "
    + ", ".join(f"coalesce({name}, '-infinity')" for name in _TIMES)
    + f", {_HAS_JSON}"
)
"""What is read of every reading, all of fixed width; texts are read apart."""

_FIELDS = (
    ("datastream_id", ">i8"), ("phenomenon_time", ">i8"), ("id", ">i8"), ("result", ">f8"), ("quality", ">i2"),
    ("feature_id", ">i8"), *((name, ">i8") for name in _TIMES), ("has_json", ">i2"),
)  # fmt: skip
_HEADER_BYTES, _TRAILER_BYTES = 19, 2


def _record() -> np.dtype[np.void]:
    fields = [("count", ">i2")]
    for name, kind in _FIELDS:
        fields += [(f"{name}_length", ">i4"), (name, kind)]
    return np.dtype(fields)


_RECORD = _record()


@dataclass(slots=True, kw_only=True)
class DayColumns:
    """Readings in the order of stream, phenomenon time and id, shape (n,) each column.

    Attributes:
        datastream_id: the stream.
        time_us: phenomenon time, or its start, microseconds since the Unix epoch.
        id: observation ids.
        result: the number, NaN where it is none.
        quality: the flag.
        feature_id: the feature of interest.
        result_us: result time, `NO_TIME` where absent.
        end_us: end of the phenomenon time, `NO_TIME` where it is an instant.
        valid_from_us: start of the valid time, `NO_TIME` where absent.
        valid_until_us: end of the valid time, `NO_TIME` where absent.
        result_json: the result where it is no number.
        result_quality: result quality.
        parameters: parameters.
    """

    datastream_id: Int64s
    time_us: Int64s
    id: Int64s
    result: Float64s
    quality: npt.NDArray[np.int16]
    feature_id: Int64s
    result_us: Int64s
    end_us: Int64s
    valid_from_us: Int64s
    valid_until_us: Int64s
    result_json: Jsons = None
    result_quality: Jsons = None
    parameters: Jsons = None

    def __len__(self) -> int:
        """Return how many readings there are."""
        return len(self.id)

    def part(self, first: int, beyond: int) -> "DayColumns":
        """Return the readings of some places."""
        parts: dict[str, Any] = {}
        for name in self.__dataclass_fields__:
            column = getattr(self, name)
            parts[name] = None if column is None else column[first:beyond]
        return DayColumns(**parts)

    def streams(self) -> list["DayColumns"]:
        """Return the readings of each stream apart."""
        edges = np.flatnonzero(np.diff(self.datastream_id)) + 1
        starts = [0, *edges.tolist()]
        return [self.part(first, beyond) for first, beyond in zip(starts, [*starts[1:], len(self)], strict=True)]


def columns_of(copied: bytes) -> tuple[DayColumns, Int64s]:
    """Return what `COPY (SELECT EXPORTED …) TO STDOUT (FORMAT binary)` gave, and the places of rows with texts."""
    rows = np.frombuffer(copied[_HEADER_BYTES : len(copied) - _TRAILER_BYTES], dtype=_RECORD)
    columns = DayColumns(
        datastream_id=rows["datastream_id"].astype(np.int64),
        time_us=rows["phenomenon_time"].astype(np.int64) + POSTGRES_EPOCH_US,
        id=rows["id"].astype(np.int64),
        result=rows["result"].astype(np.float64),
        quality=rows["quality"].astype(np.int16),
        feature_id=rows["feature_id"].astype(np.int64),
        result_us=_instants(rows["result_time"]),
        end_us=_instants(rows["phenomenon_end"]),
        valid_from_us=_instants(rows["valid_from"]),
        valid_until_us=_instants(rows["valid_until"]),
    )
    return columns, np.flatnonzero(rows["has_json"])


def _instants(column: npt.NDArray[np.generic]) -> Int64s:
    instants = column.astype(np.int64)
    absent = instants == _INFINITE_US
    return np.where(absent, NO_TIME, instants + np.where(absent, 0, POSTGRES_EPOCH_US))
