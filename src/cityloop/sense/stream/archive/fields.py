"""Fields of a row in PostgreSQL's binary COPY format."""

import struct
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cityloop.sense.stream.history.arrays import POSTGRES_EPOCH_US
from cityloop.sense.stream.readings import NO_TIME, Int64s

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
NULL = b"\xff\xff\xff\xff"
_SMALLINT, _BIGINT, _FLOAT, _TIMESTAMP, _JSONB = 21, 20, 701, 1184, 3802
_NO_INSTANT = -(1 << 63)


def row(fields: Sequence[bytes]) -> bytes:
    """Return a row of fields."""
    return struct.pack("!h", len(fields)) + b"".join(fields)


def bigint(value: int | None) -> bytes:
    """Return a `bigint`."""
    return NULL if value is None else struct.pack("!iq", 8, value)


def integer(value: int) -> bytes:
    """Return an `integer`; a `date` counts days since 2000-01-01."""
    return struct.pack("!ii", 4, value)


def smallint(value: int | None) -> bytes:
    """Return a `smallint`."""
    return NULL if value is None else struct.pack("!ih", 2, value)


def boolean(value: bool) -> bytes:  # noqa: FBT001  a column
    """Return a `boolean`."""
    return struct.pack("!i?", 1, value)


def double(value: float | None) -> bytes:
    """Return a `double precision`."""
    return NULL if value is None else struct.pack("!id", 8, value)


def instant(value_us: int | None) -> bytes:
    """Return a `timestamptz`."""
    return NULL if value_us is None or value_us == NO_TIME else bigint(value_us - POSTGRES_EPOCH_US)


def smallints(column: npt.NDArray[np.int16] | None) -> bytes:
    """Return a `smallint[]`."""
    return NULL if column is None else _array(column, element="i2", oid=_SMALLINT)


def bigints(column: Int64s | None) -> bytes:
    """Return a `bigint[]`."""
    return NULL if column is None else _array(column, element="i8", oid=_BIGINT)


def doubles(column: npt.NDArray[np.float64] | None) -> bytes:
    """Return a `double precision[]`."""
    return NULL if column is None else _array(column, element="f8", oid=_FLOAT)


def instants(column_us: Int64s | None) -> bytes:
    """Return a `timestamptz[]`, `-infinity` where an instant is absent."""
    if column_us is None:
        return NULL
    absent = column_us == NO_TIME
    shifted = np.where(absent, _NO_INSTANT, column_us - np.where(absent, 0, POSTGRES_EPOCH_US))
    return _array(shifted, element="i8", oid=_TIMESTAMP)


def jsons(texts: Sequence[bytes | None] | None) -> bytes:
    """Return a `jsonb[]`."""
    if texts is None:
        return NULL
    parts = [NULL if text is None else struct.pack("!i", len(text) + 1) + b"\x01" + text for text in texts]
    body = struct.pack("!iiiii", 1, 1, _JSONB, len(parts), 1) + b"".join(parts)
    return struct.pack("!i", len(body)) + body


def _array(column: npt.NDArray[np.generic], *, element: str, oid: int) -> bytes:
    kind = np.dtype(f">{element}")
    body = np.empty(len(column), dtype=[("length", ">i4"), ("value", kind)])
    body["length"] = kind.itemsize
    body["value"] = column
    return struct.pack("!iiiiii", 20 + body.nbytes, 1, 0, oid, len(column), 1) + body.tobytes()
