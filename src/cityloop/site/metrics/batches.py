"""Figures of a pipeline: how many readings, how large the batches, how long they take."""

import time

import numpy as np
import numpy.typing as npt

from cityloop.sense.stream.readings import Outcome
from cityloop.site.metrics.instruments import BATCH_READINGS, BATCH_S, READINGS


class BatchMeter:
    """Counts the batches of one process.

    Args:
        process: name of the process.
    """

    def __init__(self, process: str) -> None:
        """Count nothing yet."""
        self._seconds = BATCH_S.labels(process)
        self._sizes = BATCH_READINGS.labels(process)
        self._readings = {outcome: READINGS.labels(process, outcome.name.lower()) for outcome in Outcome}

    def committed(self, outcome: npt.NDArray[np.uint8], *, began: float) -> None:
        """Count a batch that is durable.

        Args:
            outcome: what became of each reading, values of `Outcome`; others are passed over.
            began: when it was taken, `time.perf_counter()`.
        """
        self._seconds.observe(time.perf_counter() - began)
        self._sizes.observe(len(outcome))
        if not outcome.any():
            self._readings[Outcome.KEPT].inc(len(outcome))
            return
        for number, count in enumerate(np.bincount(outcome, minlength=len(Outcome)).tolist()[: len(Outcome)]):
            if count:
                self._readings[Outcome(number)].inc(count)
