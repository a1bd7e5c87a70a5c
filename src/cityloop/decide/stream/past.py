"""A stream's readings as columns, as whoever looks back reads them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]
Float64s = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Past:
    """A stream's readings as they came.

    Attributes:
        at_us: phenomenon time, microseconds since the Unix epoch, rising, shape (n,).
        value: the number, shape (n,); NaN is not judged.
        observation_id: the reading, shape (n,).
        until_us: up to which moment the past is known, microseconds since the Unix epoch.
    """

    at_us: Int64s
    value: Float64s
    observation_id: Int64s
    until_us: int

    def __len__(self) -> int:
        """Return how many readings there are."""
        return len(self.at_us)
