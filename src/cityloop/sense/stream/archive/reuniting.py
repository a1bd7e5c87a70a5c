"""Readings that came late for a day that lies in the second store: the day is recalled before it is packed anew.

The pipeline does not wait for the second store: of an idempotent mouth it keeps what may be there already and notes it
(`sense_unsure`). Here, with the day at hand, what was known is dropped again.
"""

import logging
from datetime import date
from typing import Any

from psycopg import Connection

from cityloop.sense.stream.archive.recalling import DAYS_MAX, HistoryAwayError, recall_here

log = logging.getLogger(__name__)

_AWAY = """
    SELECT p.datastream_id FROM sense_packedday p WHERE p.day = %(day)s AND p.away AND EXISTS (
        SELECT 1 FROM sense_observation h WHERE h.datastream_id = p.datastream_id
        AND h.phenomenon_time >= %(since)s::timestamptz AND h.phenomenon_time < %(until)s::timestamptz
    ) ORDER BY p.datastream_id
"""
_UNSURE = """
    SELECT datastream_id, phenomenon_time, floor_id FROM sense_unsure u
    WHERE phenomenon_time >= %(since)s::timestamptz AND phenomenon_time < %(until)s::timestamptz
    AND NOT EXISTS (
        SELECT 1 FROM sense_packedday p WHERE p.datastream_id = u.datastream_id AND p.day = %(day)s AND p.away
    )
"""
_DROP = f"""
    WITH unsure AS MATERIALIZED ({_UNSURE}), known AS (
        SELECT o.datastream_id, o.phenomenon_time, o.id, u.floor_id, TRUE AS is_single FROM unsure u
        JOIN sense_observation o ON o.datastream_id = u.datastream_id AND o.phenomenon_time = u.phenomenon_time
        WHERE o.phenomenon_time >= %(since)s::timestamptz AND o.phenomenon_time < %(until)s::timestamptz
        UNION ALL
        SELECT o.datastream_id, o.phenomenon_time, o.id, u.floor_id, FALSE
        FROM (SELECT DISTINCT datastream_id FROM unsure) w
        JOIN sense_packedday p ON p.datastream_id = w.datastream_id AND p.day = %(day)s
        CROSS JOIN LATERAL sense_unpacked(p) o
        JOIN unsure u ON u.datastream_id = o.datastream_id AND u.phenomenon_time = o.phenomenon_time
    ), twice AS (
        SELECT datastream_id, phenomenon_time, min(id) FILTER (WHERE is_single AND id >= floor_id) AS again,
        min(id) AS first FROM known GROUP BY 1, 2
    ), settled AS (
        DELETE FROM sense_unsure s USING unsure u
        WHERE s.datastream_id = u.datastream_id AND s.phenomenon_time = u.phenomenon_time
    )
    DELETE FROM sense_observation o USING twice t
    WHERE o.datastream_id = t.datastream_id AND o.phenomenon_time = t.phenomenon_time AND o.id = t.again
    AND t.first < t.again
    AND o.phenomenon_time >= %(since)s::timestamptz AND o.phenomenon_time < %(until)s::timestamptz
"""
"""Of the readings of one stream and time the first stays; the one that was not sure to be new goes."""


def reunite(writer: Connection[Any], *, day: str, since: str, until: str) -> set[int]:
    """Recall what late readings of a day belong to; return the streams for which that is not possible now.

    Args:
        writer: autocommitting.
        day: UTC.
        since: start of the day.
        until: start of the next day.
    """
    asked = {"day": day, "since": since, "until": until}
    streams = _away(writer, asked)
    for at in range(0, len(streams), DAYS_MAX):
        try:
            recall_here(writer, [(stream, date.fromisoformat(day)) for stream in streams[at : at + DAYS_MAX]])
        except HistoryAwayError as error:
            log.warning("Late readings of %s wait: %s", day, error)
            break
    writer.execute(_DROP, asked)
    return set(_away(writer, asked)) if streams else set()


def _away(writer: Connection[Any], asked: dict[str, str]) -> list[int]:
    return [int(stream) for (stream,) in writer.execute(_AWAY, asked).fetchall()]
