"""The scoring of the Numenta Anomaly Benchmark after its published rules, written anew.

Each labelled window counts once, by its earliest detection; a detection outside counts against, the more the farther it
lies behind the window before it. The probation at the beginning of a file is not scored. One threshold serves the whole
corpus; it is the one with the best score, as the benchmark's own optimiser finds it.

Source:
    Lavin and Ahmad: Evaluating real-time anomaly detection algorithms, the Numenta Anomaly Benchmark (2015).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

PROBATION_SHARE, PROBATION_OF_MAX = 0.15, 5000
"""The first 15 % of a file, at the most of 5,000 rows, are not scored."""

STEEPNESS = 5.0
BEYOND = 3.0
"""So many window lengths behind a window a detection is simply wrong."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What right and wrong are worth: the application profile.

    Attributes:
        hit: an early detection of a window.
        false_alarm: a detection far from any window.
        miss: a window without a detection.
    """

    hit: float
    false_alarm: float
    miss: float


STANDARD = Profile(1.0, 0.11, 1.0)


@dataclass(frozen=True, slots=True)
class Judged:
    """A file as it was judged.

    Attributes:
        score: anomaly score of each row, shape (n,).
        windows: first and last row of each labelled window, inclusive, in order.
    """

    score: npt.NDArray[np.float64]
    windows: Sequence[tuple[int, int]]


def probation_of(rows: int) -> int:
    """Return how many rows at the beginning of a file are not scored."""
    return int(min(PROBATION_SHARE * rows, PROBATION_SHARE * PROBATION_OF_MAX))


def worth(position: float) -> float:
    """Return what a detection is worth by its place, before weights.

    Args:
        position: in window lengths; -1 at the window's beginning, 0 at its end, beyond that behind it.
    """
    if position > BEYOND:
        return -1.0
    return 2.0 / (1.0 + math.exp(STEEPNESS * position)) - 1.0


def worths_of(judged: Judged, profile: Profile) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Return what a detection at each row would be worth, and the window it lies in, -1 for none, shape (n,) each."""
    rows = len(judged.score)
    value, window = np.full(rows, -profile.false_alarm), np.full(rows, -1, dtype=np.int64)
    for number, (first, last) in enumerate(judged.windows):
        length = last - first + 1
        following = judged.windows[number + 1][0] if number + 1 < len(judged.windows) else rows
        for row in range(first, last + 1):
            value[row] = worth(-(last - row + 1) / length) * profile.hit / worth(-1.0)
            window[row] = number
        for row in range(last + 1, following):
            value[row] = worth((row - last) / max(1, length - 1)) * profile.false_alarm
    return value, window


def score_at(files: Sequence[Judged], threshold: float, profile: Profile) -> float:
    """Return the sum of a corpus with one threshold, before it is put on the scale of 100."""
    return sum(_sum_of(one, threshold, profile) for one in files)


def _sum_of(judged: Judged, threshold: float, profile: Profile) -> float:
    value, window = worths_of(judged, profile)
    detected = np.flatnonzero(judged.score >= threshold)
    detected = detected[detected >= probation_of(len(judged.score))]
    inside = window[detected]
    best = {int(number): float(value[detected[inside == number]].max()) for number in np.unique(inside) if number >= 0}
    missed = len(judged.windows) - len(best)
    return sum(best.values()) + float(value[detected[inside < 0]].sum()) - profile.miss * missed


@dataclass(frozen=True, slots=True)
class Result:
    """The score of a corpus.

    Attributes:
        threshold: the one that serves it best.
        score: 100 for a perfect detector, 0 for one that says nothing.
        hits: windows that were detected.
        windows: how many there are.
        false_alarms: detections outside.
    """

    threshold: float
    score: float
    hits: int
    windows: int
    false_alarms: int


def scored(files: Sequence[Judged], profile: Profile = STANDARD) -> Result:
    """Return the score of a corpus with the threshold that serves it best.

    Rows are gone through from the highest score down, so that every threshold is tried.
    """
    windows = sum(len(one.windows) for one in files)
    value, place, score = [], [], []
    for number, one in enumerate(files):
        worths, window = worths_of(one, profile)
        fit = np.arange(len(one.score)) >= probation_of(len(one.score))
        value.append(worths[fit])
        place.append(np.where(window[fit] >= 0, number * 1000 + window[fit], -1))
        score.append(one.score[fit])
    worths, places, scores = np.concatenate(value), np.concatenate(place), np.concatenate(score)
    order = np.argsort(-scores, kind="stable")
    best: dict[int, float] = {}
    total = top = -profile.miss * windows
    threshold, hits, false_alarms, wrong = math.inf, 0, 0, 0
    for index, row in enumerate(order.tolist()):
        where, worth_of_it = int(places[row]), float(worths[row])
        if where < 0:
            total, wrong = total + worth_of_it, wrong + 1
        elif where not in best:
            total, best[where] = total + worth_of_it + profile.miss, worth_of_it
        elif worth_of_it > best[where]:
            total, best[where] = total + worth_of_it - best[where], worth_of_it
        is_last = index + 1 == len(order) or scores[order[index + 1]] < scores[row]
        if is_last and total > top:
            top, threshold, hits, false_alarms = total, float(scores[row]), len(best), wrong
    perfect, nothing = profile.hit * windows, -profile.miss * windows
    return Result(threshold, 100 * (top - nothing) / (perfect - nothing), hits, windows, false_alarms)
