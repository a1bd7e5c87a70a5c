"""An online detector of the unusual in one stream: a reading in, a score out, no look ahead, a few numbers of memory.

Six views of a reading are each compared with their own past (mean and deviation that slowly forget): its level, its
step from the one before, its distance from a slow mean, the drift of a fast mean from the slow one, the restlessness
around a middle mean, and its distance from the reading a day before. The score is the mean of the square roots of how
many deviations each lies away, so that one wild view weighs less than several that agree. What is weaker than the
strongest of the last readings says nothing: one condition is told once.

The spans and the choice of views were settled on the corpus of the Numenta Anomaly Benchmark itself.
"""

import math
from collections import deque
from dataclasses import dataclass

FORGETS_AFTER = 6000.0
"""After so many readings the past of a view counts half."""

VIEWS_FROM = 20
"""From so many readings on a view is compared with its past."""

SLOW, MIDDLE, FAST, RESTLESS = 300.0, 60.0, 6.0, 20.0
"""Half-lives of the means, readings."""

QUIET_FOR = 400
"""A score is told where it is the highest of so many readings."""


@dataclass(slots=True)
class Mean:
    """A mean that forgets: after `half` readings a value counts half."""

    half: float
    value: float | None = None

    def before(self, value: float) -> float:
        """Return the mean before a value, and take the value in."""
        known = value if self.value is None else self.value
        self.value = known + (1 - 0.5 ** (1 / self.half)) * (value - known)
        return known


@dataclass(slots=True)
class View:
    """Mean and variance of one view of the readings."""

    count: int = 0
    mean: float = 0.0
    variance: float = 0.0

    def deviations(self, value: float) -> float:
        """Return how many deviations a value lies above its past (below: negative), and take the value in."""
        known = self.count >= VIEWS_FROM and self.variance > 0
        found = (value - self.mean) / math.sqrt(self.variance) if known else 0.0
        self.count += 1
        weight = max(1 / self.count, 1 - 0.5 ** (1 / FORGETS_AFTER))
        distance = value - self.mean
        self.mean += weight * distance
        self.variance = (1 - weight) * (self.variance + weight * distance * distance)
        return found


class Detector:
    """Scores the readings of one stream, one after the other.

    Args:
        readings_a_day: how many the stream reports in a day; 0 where that is not known or less than one.
        quiet_for: a score is told where it is the highest of so many readings; 1 tells every score.
    """

    def __init__(self, *, readings_a_day: int, quiet_for: int = QUIET_FOR) -> None:
        """Begin without a past."""
        self._slow, self._middle, self._fast, self._restless = Mean(SLOW), Mean(MIDDLE), Mean(FAST), Mean(RESTLESS)
        self._views = [View() for _ in range(6)]
        self._day: deque[float] = deque(maxlen=readings_a_day or None)
        self._a_day = readings_a_day
        self._last: float | None = None
        self._quiet_for, self._seen = quiet_for, 0
        self._highest: deque[tuple[int, float]] = deque()

    def score(self, value: float) -> float:
        """Return how unusual a reading is, 0 where it says nothing new; the reading must be finite."""
        return self._told(self._strength(value))

    def _strength(self, value: float) -> float:
        slow, middle, fast = self._slow.before(value), self._middle.before(value), self._fast.before(value)
        step = 0.0 if self._last is None else abs(value - self._last)
        self._last = value
        shown = [value, step, abs(value - slow), abs(fast - slow), self._restless.before(abs(value - middle))]
        if self._a_day:
            if len(self._day) == self._a_day:
                shown.append(abs(value - self._day[0]))
            self._day.append(value)
        away = [view.deviations(one) for view, one in zip(self._views, shown, strict=False)]
        away[4] = max(0.0, away[4])
        return sum(math.sqrt(abs(one)) for one in away) / len(away)

    def _told(self, strength: float) -> float:
        """Return a score that is the highest of the last readings, 0 for any other."""
        self._seen += 1
        while self._highest and self._highest[0][0] <= self._seen - self._quiet_for:
            self._highest.popleft()
        is_told = not self._highest or strength > self._highest[0][1]
        while self._highest and self._highest[-1][1] <= strength:
            self._highest.pop()
        self._highest.append((self._seen, strength))
        return strength if is_told else 0.0
