"""What this room asks the sense room about streams."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from cityloop.kernel.areas import CITY, AreaCode
from cityloop.kernel.errors import NotFoundError
from cityloop.kernel.instants import to_us
from cityloop.kernel.quality import Quality
from cityloop.kernel.text import Text
from cityloop.sense import facade as sense

Int64s = npt.NDArray[np.int64]
Float64s = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Newest:
    """A stream's newest reading.

    Attributes:
        observation_id: the reading.
        at: its phenomenon time.
        received_at: when it reached us.
        value: the number, None where the result is none.
        is_late: whether it was held back on its way, so that newer ones may be coming.
    """

    observation_id: int
    at: datetime
    received_at: datetime
    value: float | None
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stream's thing is, and its name."""

    area: AreaCode = CITY
    longitude: float | None = None
    latitude: float | None = None
    thing: Text = Text("未知设备", "unknown device")  # noqa: RUF009  frozen


def newest_of(datastream_ids: Iterable[int]) -> dict[int, Newest]:
    """Return the newest reading of those streams that have one."""
    ids = list(datastream_ids)
    if not ids:
        return {}
    return {
        number: Newest(
            latest.observation_id,
            latest.phenomenon_time,
            latest.received_at,
            latest.value,
            latest.quality is Quality.LATE,
        )
        for number, latest in sense.latest_of(ids).items()
        if latest.observation_id is not None and latest.phenomenon_time is not None and latest.received_at is not None
    }


def place_of(datastream_id: int) -> Place:
    """Return where a stream is; the city without a place where the stream is gone."""
    try:
        view = sense.stream_view(datastream_id)
    except NotFoundError:
        return Place()
    return Place(view.area, view.longitude, view.latitude, view.thing_name)


def samples_of(datastream_id: int, *, since: datetime, until: datetime, bucket_s: float) -> tuple[Int64s, Float64s]:
    """Return the means of a stream's history over spans of equal length.

    Args:
        datastream_id: the stream.
        since: beginning, aware, inclusive.
        until: end, aware, exclusive.
        bucket_s: length of a span, seconds.

    Returns:
        Beginnings of the spans that hold readings, microseconds since the Unix epoch, and their means.
    """
    columns = sense.series([datastream_id], since=since, until=until, bucket_s=bucket_s)
    at_us = np.array([to_us(at) for at in columns.time], dtype=np.int64)
    return at_us, np.array(columns.mean, dtype=np.float64)


STILL_BUCKETS_MAX = 500
"""How finely the history of a stuck value is looked at, spans."""


def has_changed(datastream_id: int, *, since: datetime, until: datetime, value: float) -> bool:
    """Return whether a stream has shown any other value in a span, as far as the means of its parts tell."""
    bucket_s = max(1.0, (until - since).total_seconds() / STILL_BUCKETS_MAX)
    _, means = samples_of(datastream_id, since=since, until=until, bucket_s=bucket_s)
    return bool(len(means)) and not np.allclose(means, value, rtol=1e-9, atol=1e-12)
