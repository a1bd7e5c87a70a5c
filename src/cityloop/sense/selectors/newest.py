"""The newest readings of many streams as columns, for whoever looks at all of them every few seconds."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from django.db import connection

from cityloop.kernel.observation_ids import ingested_at_us
from cityloop.kernel.quality import Quality

Int64s = npt.NDArray[np.int64]
Float64s = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_NEWEST = """
    SELECT datastream_id, id, (extract(epoch FROM phenomenon_time) * 1000000)::bigint,
      coalesce((extract(epoch FROM received_at) * 1000000)::bigint, 0), coalesce(quality, 0),
      coalesce(result, 'NaN'::float8)
    FROM sense_latest WHERE datastream_id = ANY(%s) AND id IS NOT NULL AND phenomenon_time IS NOT NULL
    ORDER BY datastream_id
"""

_ENTERED_AHEAD = """
    SELECT l.datastream_id, o.id
    FROM sense_latest l, LATERAL (
      SELECT max(r.id) AS id FROM sense_observation r
      WHERE r.datastream_id = l.datastream_id AND r.phenomenon_time > coalesce(l.phenomenon_time, '-infinity')
        AND r.phenomenon_time <= l.last_time AND r.quality = %s
    ) o
    WHERE l.datastream_id = ANY(%s) AND l.last_time > coalesce(l.phenomenon_time, '-infinity') AND o.id IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class NewestReadings:
    """The newest reading of each stream that has one, sorted by stream, shape (n,).

    Attributes:
        datastream_id: the stream.
        observation_id: the reading.
        phenomenon_us: when it was so, microseconds since the Unix epoch.
        received_us: when it reached us, the same way.
        value: the number, NaN where the result is none.
        is_late: whether it was held back on its way.
    """

    datastream_id: Int64s
    observation_id: Int64s
    phenomenon_us: Int64s
    received_us: Int64s
    value: Float64s
    is_late: Bools

    def __len__(self) -> int:
        """Return how many streams have one."""
        return len(self.datastream_id)

    def rows_of(self, datastream_id: Int64s) -> Int64s:
        """Return the row of each stream, -1 where it has no reading, shape as given."""
        if not len(self):
            return np.full(len(datastream_id), -1, dtype=np.int64)
        row = np.minimum(np.searchsorted(self.datastream_id, datastream_id), len(self) - 1)
        return np.where(self.datastream_id[row] == datastream_id, row, -1)


def newest_readings(datastream_ids: Iterable[int]) -> NewestReadings:
    """Return the newest readings of streams."""
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, [list(datastream_ids)])
        rows = cursor.fetchall()
    whole = np.array([row[:5] for row in rows], dtype=np.int64).reshape(-1, 5)
    stream, number, at_us, received_us, quality = whole.T
    if (unknown := np.flatnonzero(received_us == 0)).size:
        received_us[unknown] = [ingested_at_us(one) for one in number[unknown].tolist()]
    value = np.array([row[5] for row in rows], dtype=np.float64)
    return NewestReadings(stream, number, at_us, received_us, value, quality == int(Quality.LATE))


def entered_ahead_us(datastream_ids: Iterable[int]) -> dict[int, int]:
    """Return when a person last gave a stream a reading of a time ahead, which is no newest reading of its own.

    Args:
        datastream_ids: the streams.

    Returns:
        By stream, of those that were given one after their newest reading's time: when it reached us, microseconds
        since the Unix epoch.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ENTERED_AHEAD, [int(Quality.MANUAL), list(datastream_ids)])
        return {stream: ingested_at_us(number) for stream, number in cursor.fetchall()}
