"""Quality flags of single readings."""

from collections.abc import Iterable
from datetime import datetime

from django.db import connection

from cityloop.kernel.quality import Quality

_LATE = """
    SELECT o.id FROM sense_observation o
    JOIN unnest(%s::bigint[], %s::timestamptz[], %s::bigint[]) AS k (datastream_id, phenomenon_time, id)
        USING (datastream_id, phenomenon_time, id)
    WHERE o.quality = %s
"""


def late_among(readings: Iterable[tuple[int, datetime, int]]) -> set[int]:
    """Return the ids of those readings that came late: held back by a cut cable, not by their device.

    Args:
        readings: datastream, phenomenon time and id of each.
    """
    rows = list(readings)
    if not rows:
        return set()
    streams, times, ids = zip(*rows, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_LATE, [list(streams), list(times), list(ids), int(Quality.LATE)])
        return {row[0] for row in cursor.fetchall()}
