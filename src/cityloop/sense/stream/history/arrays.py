"""Columns as PostgreSQL's binary arrays, packed by numpy: a list would cost a Python call an element."""

import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from psycopg.adapt import AdaptersMap, Dumper
from psycopg.pq import Format

POSTGRES_EPOCH_US = 946_684_800_000_000
"""2000-01-01 UTC, where PostgreSQL's binary timestamps begin, microseconds since the Unix epoch."""


@dataclass(frozen=True, slots=True)
class PackedArray:
    """The bytes of an array; the subclasses name its type."""

    data: bytes


class Int8Array(PackedArray):
    """`bigint[]`."""


class Float8Array(PackedArray):
    """`double precision[]`."""


class TimestampArray(PackedArray):
    """`timestamptz[]`."""


def int8_array(column: npt.ArrayLike) -> Int8Array:
    """Return a column of whole numbers, shape (n,), as `bigint[]`."""
    return Int8Array(_packed(np.asarray(column, dtype=np.int64), element="i8", oid=20))


def float8_array(column: npt.ArrayLike) -> Float8Array:
    """Return a column of numbers, shape (n,), as `double precision[]`."""
    return Float8Array(_packed(np.asarray(column, dtype=np.float64), element="f8", oid=701))


def timestamp_array(column_us: npt.ArrayLike) -> TimestampArray:
    """Return a column of microseconds since the Unix epoch, shape (n,), as `timestamptz[]`."""
    column = np.asarray(column_us, dtype=np.int64) - POSTGRES_EPOCH_US
    return TimestampArray(_packed(column, element="i8", oid=1184))


def _packed(column: npt.NDArray[np.generic], *, element: str, oid: int) -> bytes:
    if not len(column):
        return struct.pack("!iii", 0, 0, oid)
    body = np.empty(len(column), dtype=[("length", ">i4"), ("value", f">{element}")])
    body["length"] = 8
    body["value"] = column
    return struct.pack("!iiiii", 1, 0, oid, len(column), 1) + body.tobytes()


class _PackedDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: PackedArray) -> bytes:
        return obj.data


class _Int8Dumper(_PackedDumper):
    oid = 1016


class _Float8Dumper(_PackedDumper):
    oid = 1022


class _TimestampDumper(_PackedDumper):
    oid = 1185


def register_arrays(adapters: AdaptersMap) -> None:
    """Teach a connection to send packed arrays."""
    adapters.register_dumper(Int8Array, _Int8Dumper)
    adapters.register_dumper(Float8Array, _Float8Dumper)
    adapters.register_dumper(TimestampArray, _TimestampDumper)
