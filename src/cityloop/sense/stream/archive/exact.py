"""Reads the readings of a statement as columns, every bit of them."""

from typing import Any

from psycopg import Connection

from cityloop.sense.stream.archive.columns import EXPORTED, DayColumns, columns_of

_ORDER = "ORDER BY datastream_id, phenomenon_time, id"
_TEXTS = ("result_json", "result_quality", "parameters")


def columns_from(connection: Connection[Any], rows: str) -> DayColumns:
    """Return readings in the order of stream, phenomenon time and id.

    Args:
        connection: within a transaction on one snapshot where the readings may change meanwhile.
        rows: a statement that yields rows of `sense_observation`.
    """
    with connection.cursor().copy(
        f"COPY (SELECT {EXPORTED} FROM ({rows}) o {_ORDER}) TO STDOUT (FORMAT binary)"
    ) as copy:
        columns, with_texts = columns_of(b"".join(bytes(part) for part in copy))
    if len(with_texts):
        names = ", ".join(f"{name}::text" for name in _TEXTS)
        texts = connection.execute(f"SELECT {names} FROM ({rows}) o {_ORDER}").fetchall()
        for number, name in enumerate(_TEXTS):
            setattr(columns, name, [None if row[number] is None else row[number].encode() for row in texts])
    return columns
