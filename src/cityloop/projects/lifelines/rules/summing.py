"""A line is the sum of its streams; one that is silent for an hour must not make the city look thriftier."""

import numpy as np
import numpy.typing as npt

Float64s = npt.NDArray[np.float64]
Int64s = npt.NDArray[np.int64]

SPEAKING_SHARE_MIN = 1 / 3
"""With fewer of its streams an hour of a line is not known (house default)."""


def sum_of_streams(streams: Float64s) -> tuple[Float64s, Int64s]:
    """Return the sum of streams by the hour, with the silent ones taken as usual.

    Where at least a third of the streams have a reading, each of the others counts with the mean of its own known
    values of that hour of the day; where it has none, or fewer streams speak, the sum is not known.

    Args:
        streams: hourly means, shape (streams, days, 24), NaN where there is none.

    Returns:
        The sum, shape (days, 24), NaN where not known; and how many streams were taken as usual, the same shape.
    """
    if not len(streams):
        nothing = np.full(streams.shape[1:], np.nan)
        return nothing, np.zeros(streams.shape[1:], dtype=np.int64)
    known = np.isfinite(streams)
    speaking = known.sum(axis=0)
    usual = mean_of_known(streams.transpose(1, 0, 2))[:, None, :]
    filled = np.where(known, streams, usual)
    total = filled.sum(axis=0)
    is_told = (speaking >= SPEAKING_SHARE_MIN * len(streams)) & (speaking > 0)
    total = np.where(is_told, total, np.nan)
    return total, np.where(np.isfinite(total), (~known).sum(axis=0), 0)


def mean_of_known(values: Float64s) -> Float64s:
    """Return the mean over the first axis of what is known, NaN where nothing is."""
    known = np.isfinite(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.where(count > 0, count, 1), np.nan)


__all__ = ["mean_of_known", "sum_of_streams"]
