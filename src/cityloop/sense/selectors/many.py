"""Readings of many streams at once, each kept apart: a page that shows dozens of them asks the history once."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from cityloop.kernel.quality import Quality
from cityloop.sense.selectors.history import ASKED, UNFIT, rows_of

Int64s = npt.NDArray[np.int64]
Float64s = npt.NDArray[np.float64]

_HOURS = f"""
    SELECT datastream_id, floor(extract(epoch FROM phenomenon_time) / 3600)::bigint AS hour,
           avg(result) FILTER (WHERE quality <> ALL(%s)), count(DISTINCT phenomenon_time)
    FROM {ASKED} o
    WHERE datastream_id = ANY(%s) AND phenomenon_time >= %s AND phenomenon_time < %s
    GROUP BY datastream_id, hour
"""
_GIVEN = f"""
    SELECT datastream_id, phenomenon_time, id, result, quality FROM {ASKED} o
    WHERE datastream_id = ANY(%s) AND phenomenon_time >= %s AND phenomenon_time <= %s
      AND result IS NOT NULL AND quality <> ALL(%s)
    ORDER BY phenomenon_time, id
"""


@dataclass(frozen=True, slots=True)
class Hours:
    """Hourly means of streams, a row a stream and hour, shape (n,) each column.

    Attributes:
        datastream_id: the stream.
        hour: whole hours since the Unix epoch.
        mean: mean of what is fit to be shown, NaN where nothing is.
        count: instants that were read, fit or not.
    """

    datastream_id: Int64s
    hour: Int64s
    mean: Float64s
    count: Int64s


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A reading among those of many streams.

    Attributes:
        datastream_id: the stream.
        observation_id: the reading.
        at: when it was so.
        value: the number.
        quality: its flag.
    """

    datastream_id: int
    observation_id: int
    at: datetime
    value: float
    quality: Quality


def hours_of_many(datastream_ids: Iterable[int], *, since: datetime, until: datetime) -> Hours:
    """Return the hourly means of streams from `since` on and before `until`, in no order."""
    asked = [list(datastream_ids), since, until]
    rows = rows_of(_HOURS, [UNFIT, *asked, *asked])
    stream, hour, mean, count = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Hours(
        np.array(stream, dtype=np.int64),
        np.array(hour, dtype=np.int64),
        np.array(mean, dtype=np.float64),
        np.array(count, dtype=np.int64),
    )


def given_of_many(datastream_ids: Iterable[int], *, since: datetime, until: datetime) -> list[Given]:
    """Return the numbers of streams from `since` to `until`, both included, oldest first.

    Of several readings of the same instant all are returned, in the order in which they came: the last one corrects
    those before it. Meant for streams of few readings, such as what is told once a day.
    """
    asked = [list(datastream_ids), since, until]
    return [
        Given(datastream_id=stream, at=at, observation_id=number, value=value, quality=Quality(quality))
        for stream, at, number, value, quality in rows_of(_GIVEN, [*asked, *asked, UNFIT])
    ]


__all__ = ["Given", "Hours", "given_of_many", "hours_of_many"]
