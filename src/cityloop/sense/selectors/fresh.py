"""What has come to many streams in the last minutes, asked at once."""

from collections.abc import Mapping
from datetime import timedelta

import numpy as np
from django.db import connection

from cityloop.kernel.instants import from_us
from cityloop.sense.selectors.history import Track

FRESH = timedelta(minutes=10)
"""How far back readings are fresh: no day that is packed lies in it."""

_FRESH = """
    SELECT o.datastream_id, (extract(epoch FROM o.phenomenon_time) * 1000000)::bigint, o.result, o.id
    FROM unnest(%s::bigint[], %s::timestamptz[]) AS a (stream, since),
      LATERAL (SELECT r.datastream_id, r.phenomenon_time, r.result, r.id FROM sense_observation r
        WHERE r.datastream_id = a.stream AND r.phenomenon_time >= a.since AND r.result IS NOT NULL) o
    ORDER BY o.datastream_id, o.phenomenon_time, o.id
"""


def fresh_tracks(since_us: Mapping[int, int]) -> dict[int, Track]:
    """Return the readings of streams that are no older than a moment each, of streams that have any.

    Args:
        since_us: by stream the moment, inclusive, microseconds since the Unix epoch; not further back than `FRESH`, or
            readings of packed days are missing.

    Returns:
        Tracks, each instant once; only what is a number.
    """
    if not since_us:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_FRESH, [list(since_us), [from_us(moment) for moment in since_us.values()]])
        rows = cursor.fetchall()
    if not rows:
        return {}
    stream, at_us, number = np.array([(row[0], row[1], row[3]) for row in rows], dtype=np.int64).reshape(-1, 3).T
    value = np.array([row[2] for row in rows], dtype=np.float64)
    first = np.ones(len(rows), dtype=bool)
    first[1:] = (stream[1:] != stream[:-1]) | (at_us[1:] != at_us[:-1])
    stream, at_us, number, value = stream[first], at_us[first], number[first], value[first]
    begin = np.flatnonzero(np.append(True, stream[1:] != stream[:-1]))
    ends = np.append(begin[1:], len(stream))
    return {
        int(stream[one]): Track(
            at_us[one:end], value[one:end], number[one:end], from_us(since_us[int(stream[one])])
        )
        for one, end in zip(begin.tolist(), ends.tolist(), strict=True)
    }  # fmt: skip
