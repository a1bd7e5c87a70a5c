"""A ladder of limits: which levels a judged value has reached, and which it still holds on its way back."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from cityloop.kernel.declarations import WatchKind
from cityloop.kernel.errors import CityloopError
from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text

_US_PER_MINUTE = 60_000_000


class LimitsError(CityloopError):
    """Limits that cannot be watched by."""

    key = "These limits cannot be used: %(reason)s"
    status = 422


@dataclass(frozen=True, slots=True)
class Ladder:
    """The limits of a watch, turned so that a higher score is always worse.

    The score of a value is the value itself for `high, stuck, silent`, its negative for `low`, its size for `rate` and
    `baseline`. A level is reached at its limit (score >= limit) and left below its clear limit
    (score < limit - hysteresis).

    Attributes:
        kind: how the watch judges.
        limits: levels with the scores at which they are reached, mildest first.
        hysteresis: how far the score must fall below a limit before the level is left, >= 0.
        hold_us: how long a level must be reached before it counts, microseconds, >= 0.
    """

    kind: WatchKind
    limits: tuple[tuple[Level, float], ...]
    hysteresis: float
    hold_us: int

    @classmethod
    def of(cls, kind: WatchKind, *, limits: Mapping[Level, float], hysteresis: float, hold_s: float) -> "Ladder":
        """Return the ladder of a watch's limits.

        Args:
            kind: how it judges.
            limits: the limit of each level, in the watch's unit; at least one.
            hysteresis: in the watch's unit.
            hold_s: seconds.

        Raises:
            LimitsError: if there is no limit, a number is not finite, hysteresis or hold is negative, or a graver
                level lies on the milder side of another.
        """
        numbers = [*limits.values(), hysteresis, hold_s]
        if not limits:
            raise LimitsError(reason=Text("至少一个级别要有限值。", "at least one level needs a limit."))
        if not all(math.isfinite(number) for number in numbers):
            raise LimitsError(reason=Text("数值须为有限数。", "a number is not finite."))
        if hysteresis < 0 or hold_s < 0:
            raise LimitsError(reason=Text("回差和持续时间不能为负。", "hysteresis and hold cannot be negative."))
        if kind not in (WatchKind.HIGH, WatchKind.LOW) and min(limits.values()) <= 0:
            raise LimitsError(
                reason=Text("此类规则的限值须大于零。", "limits of this kind of watch must be above zero.")
            )
        sign = -1.0 if kind is WatchKind.LOW else 1.0
        rungs = tuple((level, sign * limits[level]) for level in sorted(limits, reverse=True))
        scores = [score for _, score in rungs]
        if any(graver < milder for milder, graver in pairwise(scores)):
            raise LimitsError(reason=Text("级别越高，限值须越严。", "a graver level must lie beyond the milder ones."))
        return cls(kind, rungs, hysteresis, round(hold_s * 1_000_000))

    @property
    def levels(self) -> tuple[Level, ...]:
        """Return the levels that have a limit, mildest first."""
        return tuple(level for level, _ in self.limits)

    def score(self, value: float) -> float:
        """Return how bad a judged value is; NaN stays NaN."""
        if self.kind is WatchKind.LOW:
            return -value
        return abs(value) if self.kind in (WatchKind.RATE, WatchKind.BASELINE) else value

    def edges(self) -> tuple[float, ...]:
        """Return every score at which something may change, rising, each once: limits and clear limits."""
        found = {limit for _, limit in self.limits} | {limit - self.hysteresis for _, limit in self.limits}
        return tuple(sorted(found))

    def reached(self, value: float) -> tuple[Level, ...]:
        """Return the levels whose limit a judged value has reached, mildest first."""
        score = self.score(value)
        return tuple(level for level, limit in self.limits if score >= limit)

    def held(self, value: float, *, standing: Level) -> Level | None:
        """Return the level that still stands at a value, None where the condition has ended.

        Args:
            value: the judged value.
            standing: the level that stood before; levels graver than it are not considered.
        """
        score = self.score(value)
        rungs = [(level, limit) for level, limit in self.limits if level >= standing] or self.limits[:1]
        return next((level for level, limit in reversed(rungs) if score >= limit - self.hysteresis), None)

    def limit_of(self, level: Level) -> float:
        """Return the limit of a level in the watch's unit; of the mildest level where this one has none."""
        score = dict(self.limits).get(level, self.limits[0][1])
        return -score if self.kind is WatchKind.LOW else score


def change_per_minute(value: float, at_us: int, *, previous: float, previous_us: int) -> float:
    """Return the change of a value in its unit a minute; NaN where time did not pass."""
    if at_us <= previous_us:
        return math.nan
    return (value - previous) / ((at_us - previous_us) / _US_PER_MINUTE)
