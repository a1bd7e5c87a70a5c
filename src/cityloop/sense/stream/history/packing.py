"""Rows of the history in PostgreSQL's binary COPY format, packed by numpy a shape at a time."""

import struct

import numpy as np
import numpy.typing as npt

from cityloop.sense.stream.history.arrays import POSTGRES_EPOCH_US
from cityloop.sense.stream.readings import NO_TIME, Int64s, OtherParts, Readings

COLUMNS = ("datastream_id", "phenomenon_time", "id", "result", "quality", "feature_id", "result_time")
"""What every reading carries, in the order of COPY."""

OTHER_COLUMNS = ("phenomenon_end", "result_json", "valid_from", "valid_until", "result_quality", "parameters")
"""What few readings carry, after `COLUMNS`."""

COPY_PLAIN = f"COPY sense_observation ({', '.join(COLUMNS)}) FROM STDIN (FORMAT binary)"
COPY_FULL = f"COPY sense_observation ({', '.join(COLUMNS + OTHER_COLUMNS)}) FROM STDIN (FORMAT binary)"

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_JSONB_VERSION = b"\x01"


def _row_type(*, with_result_time: bool) -> np.dtype[np.void]:
    kinds = [">i8", ">i8", ">i8", ">f8", ">i2", ">i8"] + ([">i8"] if with_result_time else [])
    fields = [("count", ">i2")]
    for name, kind in zip(COLUMNS, kinds, strict=False):
        fields += [(f"{name}_length", ">i4"), (name, kind)]
    return np.dtype(fields if with_result_time else [*fields, ("result_time_length", ">i4")])


_WITH_RESULT_TIME = _row_type(with_result_time=True)
_WITHOUT_RESULT_TIME = _row_type(with_result_time=False)


def packed_plain(readings: Readings, *, rows: Int64s, ids: Int64s, features: Int64s) -> bytes:
    """Return rows without other parts as the body of `COPY_PLAIN`.

    Args:
        readings: the batch.
        rows: which of its rows, in the order to be written.
        ids: observation ids of the whole batch, shape (n,).
        features: features of interest of the whole batch, shape (n,).
    """
    timed = readings.result_us[rows] != NO_TIME
    parts = [_HEADER]
    for chosen, row_type in ((rows[timed], _WITH_RESULT_TIME), (rows[~timed], _WITHOUT_RESULT_TIME)):
        if len(chosen):
            parts.append(_packed_shape(readings, chosen, row_type, ids, features))
    return b"".join([*parts, _TRAILER])


def _packed_shape(
    readings: Readings, rows: Int64s, row_type: np.dtype[np.void], ids: Int64s, features: Int64s
) -> bytes:
    table: npt.NDArray[np.void] = np.empty(len(rows), dtype=row_type)
    table["count"] = len(COLUMNS)
    for name in COLUMNS:
        table[f"{name}_length"] = row_type[name].itemsize if name in (row_type.names or ()) else -1
    table["datastream_id"] = readings.datastream_id[rows]
    table["phenomenon_time"] = readings.phenomenon_us[rows] - POSTGRES_EPOCH_US
    table["id"] = ids[rows]
    table["result"] = readings.result[rows]
    table["quality"] = readings.quality[rows]
    table["feature_id"] = features[rows]
    if row_type is _WITH_RESULT_TIME:
        table["result_time"] = readings.result_us[rows] - POSTGRES_EPOCH_US
    return table.tobytes()


def packed_full(readings: Readings, *, rows: Int64s, ids: Int64s, features: Int64s) -> bytes:
    """Return rows with other parts, or without a number, as the body of `COPY_FULL`; arguments as `packed_plain`."""
    parts = [_HEADER]
    for row in rows.tolist():
        others = readings.others.get(row) or OtherParts()
        result = float(readings.result[row])
        parts += [
            struct.pack("!h", len(COLUMNS) + len(OTHER_COLUMNS)),
            _integer(int(readings.datastream_id[row])),
            _instant(int(readings.phenomenon_us[row])),
            _integer(int(ids[row])),
            _NULL if result != result or others.result_json is not None else struct.pack("!id", 8, result),  # noqa: PLR0124  NaN
            struct.pack("!ih", 2, int(readings.quality[row])),
            _integer(int(features[row])),
            _instant(int(readings.result_us[row])),
            _instant(others.phenomenon_end_us),
            _json(others.result_json),
            _instant(others.valid_from_us),
            _instant(others.valid_until_us),
            _json(others.result_quality_json),
            _json(others.parameters_json),
        ]
    return b"".join([*parts, _TRAILER])


def _integer(value: int) -> bytes:
    return struct.pack("!iq", 8, value)


def _instant(value_us: int | None) -> bytes:
    return _NULL if value_us is None or value_us == NO_TIME else _integer(value_us - POSTGRES_EPOCH_US)


def _json(text: bytes | None) -> bytes:
    return _NULL if text is None else struct.pack("!i", len(text) + 1) + _JSONB_VERSION + text
