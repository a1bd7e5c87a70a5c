"""Readings as the pipeline carries them: columns, one row a reading."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from cityloop.kernel.errors import CityloopError

Int64s = npt.NDArray[np.int64]
Float64s = npt.NDArray[np.float64]
UInt8s = npt.NDArray[np.uint8]

NO_TIME = int(np.iinfo(np.int64).min)
"""Stands for an absent instant in a column of microseconds."""


@dataclass(slots=True)
class OtherParts:
    """What few readings carry; absent parts are None.

    Attributes:
        result_json: the result as JSON text where it is no finite float64 (a string, an object, null, a big integer).
        phenomenon_end_us: end of the phenomenon's interval, microseconds since the Unix epoch.
        valid_from_us: start of the valid time.
        valid_until_us: end of the valid time.
        result_quality_json: resultQuality as JSON text.
        parameters_json: parameters as JSON text.
    """

    result_json: bytes | None = None
    phenomenon_end_us: int | None = None
    valid_from_us: int | None = None
    valid_until_us: int | None = None
    result_quality_json: bytes | None = None
    parameters_json: bytes | None = None


@dataclass(slots=True)
class Readings:
    """A batch of readings, shape (n,) each column.

    Attributes:
        datastream_id: the stream of each reading.
        phenomenon_us: instant, or start of the interval, microseconds since the Unix epoch, UTC.
        result: the number; NaN where `others` holds the result.
        quality: flags of `kernel.quality.Quality`.
        result_us: resultTime, `NO_TIME` where absent.
        feature_id: FeatureOfInterest, 0 for the one made from the thing's location.
        received_us: when the batch reached us.
        others: by row number, what few readings carry.
    """

    datastream_id: Int64s
    phenomenon_us: Int64s
    result: Float64s
    quality: UInt8s
    result_us: Int64s
    feature_id: Int64s
    received_us: int
    others: dict[int, OtherParts] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return how many readings there are."""
        return len(self.datastream_id)


COLUMNS = ("datastream_id", "phenomenon_us", "result", "quality", "result_us", "feature_id")
"""The columns of `Readings`."""


class Outcome(IntEnum):
    """What became of a reading."""

    KEPT = 0
    DUPLICATE = 1
    UNKNOWN_DATASTREAM = 2
    UNKNOWN_FEATURE = 3
    NO_LOCATION = 4
    NOT_STORABLE = 5


class OverloadedError(CityloopError):
    """More readings wait than may wait; nothing of this batch was kept, the sender still has it.

    Attributes:
        retry_after_s: when to send again, seconds.
    """

    key = "Too many readings wait to be stored. Send them again in %(seconds)s seconds."
    status = 503
    retry_after_s = 1

    def __init__(self) -> None:
        """Say when to come again."""
        super().__init__(seconds=self.retry_after_s)


class HistoryAwayError(OverloadedError):
    """The history cannot be reached just now; a retry with the same Idempotency-Key is kept once."""

    key = "The history cannot be reached. Send the readings again in %(seconds)s seconds."
    retry_after_s = 5


@dataclass(slots=True)
class Kept:
    """The answer to a batch, shape (n,) each column, in the batch's order.

    Attributes:
        observation_id: the id each reading has, also for duplicates where it is known; 0 where refused.
        outcome: values of `Outcome`.
    """

    observation_id: Int64s
    outcome: UInt8s


class Ingest(Protocol):
    """The pipeline as a mouth sees it."""

    async def keep(self, readings: Readings, *, idempotent: bool, retry_key: str = "") -> Kept:
        """Make readings durable and judged; return when they are.

        Args:
            readings: the batch.
            idempotent: whether a reading of the same stream and phenomenon time is the same reading (devices, imports);
                otherwise a second one is a second entity (HTTP POST).
            retry_key: an Idempotency-Key of the sender; a batch whose key is known is not kept again, its first answer
                is given instead.

        Raises:
            OverloadedError: if the bounded queue is full; nothing was kept.
        """
        ...


class Marker(Protocol):
    """Lowers the quality of readings before they are kept: calibration overdue, maintenance, out of range."""

    def mark(self, readings: Readings) -> None:
        """Change the column `quality` in place where something is known against a reading; costs nothing elsewhere."""
        ...


class Announcer(Protocol):
    """Is told what has just become durable; it never waits and never raises."""

    def announce(self, readings: Readings, kept: Kept) -> None:
        """Take note of a committed batch, in this process, within microseconds."""
        ...


def concatenated(batches: Sequence[Readings]) -> Readings:
    """Return several batches as one, in order; `received_us` is the newest."""
    if len(batches) == 1:
        return batches[0]
    columns: dict[str, Any] = {name: np.concatenate([getattr(batch, name) for batch in batches]) for name in COLUMNS}
    others, offset = {}, 0
    for batch in batches:
        others.update({offset + row: parts for row, parts in batch.others.items()})
        offset += len(batch)
    return Readings(**columns, received_us=max(batch.received_us for batch in batches), others=others)
