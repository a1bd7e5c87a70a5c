"""The body of a packed row: what is emptied while its readings lie in the second store, and put back for who asks."""

from typing import Any

from psycopg import Connection

from cityloop.sense.stream.archive import fields
from cityloop.sense.stream.archive.columns import DayColumns
from cityloop.sense.stream.archive.packing import COPY_PACKED, packed_row

_HEAVY = (
    "time_0", "time_1", "time_2", "tick_0", "tick_1", "tick_2", "lane_0", "lane_1", "value_0", "value_1", "result",
    "quality", "result_time", "phenomenon_end", "valid_from", "valid_until", "result_json", "result_quality",
    "parameters",
)  # fmt: skip
COLUMNS = (
    *_HEAVY, "feature_id", "time_base_us", "time_step_us", "time_unit_us", "tick_base", "tick_follows", "lane_base",
    "lane_step", "value_base", "value_scale", "quality_all", "feature_all", "result_lag_us", "end_lag_us",
)  # fmt: skip
"""All columns of the code; the others say what the row holds."""

EMPTIED = (
    "away = TRUE, recalled_at = NULL, "
    "feature_id = (SELECT array_agg(DISTINCT f) FROM unnest(p.feature_id) AS f), "
    + ", ".join(f"{name} = NULL" for name in _HEAVY)
)
"""What empties a row `p`. Which features it names stays: what is seen, and deleted, by its feature is asked of it."""

_MAKE = """
    CREATE TEMPORARY TABLE IF NOT EXISTS returned (LIKE sense_packedday INCLUDING DEFAULTS) ON COMMIT DELETE ROWS
"""
_PUT_BACK = f"""
    UPDATE sense_packedday p SET {", ".join(f"{name} = r.{name}" for name in COLUMNS)},
    away = FALSE, recalled_at = now()
    FROM returned r WHERE p.datastream_id = r.datastream_id AND p.day = r.day AND p.away
"""


def put_back(connection: Connection[Any], days: list[tuple[DayColumns, bool]]) -> None:
    """Fill the bodies of rows that are away.

    Args:
        connection: within a transaction.
        days: the readings of each stream's day, and whether its ids are one run.
    """
    connection.execute(_MAKE)
    rows = [packed_row(columns, is_run=is_run) for columns, is_run in days]
    with connection.cursor().copy(COPY_PACKED.replace("sense_packedday", "returned")) as copy:
        copy.write(b"".join([fields.HEADER, *rows, fields.TRAILER]))
    connection.execute(_PUT_BACK)
