"""A ladder of limits: which levels a judged value has reached, and which it has left on its way back."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from cityloop.kernel.declarations import WatchKind
from cityloop.kernel.errors import CityloopError
from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text

_US_PER_MINUTE = 60_000_000

SIZED = frozenset({WatchKind.RATE, WatchKind.BASELINE, WatchKind.FORECAST})
"""Kinds that judge the size of what they see, to either side."""

FALLING = frozenset({WatchKind.LOW, WatchKind.MINUTES})
"""Kinds to which less is worse."""

DELAY_S_MAX = 7 * 86_400.0
"""Longest on-delay or off-delay, seconds (house default: what may take longer is no alarm)."""


class LimitsError(CityloopError):
    """Limits that cannot be watched by."""

    key = "These limits cannot be used: %(reason)s"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one level has of its own; None takes the watch's.

    Attributes:
        hysteresis: dead band, in the watch's unit, >= 0.
        hold_s: on-delay, seconds, >= 0.
        off_delay_s: off-delay, seconds, >= 0.
    """

    hysteresis: float | None = None
    hold_s: float | None = None
    off_delay_s: float | None = None


@dataclass(frozen=True, slots=True)
class Rung:
    """One level of a ladder.

    Attributes:
        level: severity.
        limit: the score at which it is reached.
        dead_band: how far the score must fall below the limit before the level is left, >= 0.
        on_us: how long it must be reached before it counts (on-delay), microseconds, >= 0.
        off_us: how long it must be left before it no longer counts (off-delay), microseconds, >= 0.
    """

    level: Level
    limit: float
    dead_band: float
    on_us: int
    off_us: int

    @property
    def clear(self) -> float:
        """Return the score below which the level is left."""
        return self.limit - self.dead_band


@dataclass(frozen=True, slots=True)
class Ladder:
    """The limits of a watch, turned so that a higher score is always worse.

    The score of a value is its negative for `low` and `minutes`, its size for `rate`, `baseline` and `forecast`, the
    value itself for all others. A level is reached at its limit (score >= limit) and left below its clear limit
    (score < limit - dead band).

    Attributes:
        kind: how the watch judges.
        rungs: its levels, mildest first.

    Source:
        Dead band, on-delay and off-delay of each alarm: ISA-18.2 / IEC 62682, alarm design.
    """

    kind: WatchKind
    rungs: tuple[Rung, ...]

    @classmethod
    def of(  # noqa: PLR0913  each says one thing
        cls,
        kind: WatchKind,
        *,
        limits: Mapping[Level, float],
        hysteresis: float,
        hold_s: float,
        off_delay_s: float = 0.0,
        steps: Mapping[Level, Step] | None = None,
    ) -> "Ladder":
        """Return the ladder of a watch's limits.

        Args:
            kind: how it judges.
            limits: the limit of each level, in the watch's unit; at least one.
            hysteresis: dead band, in the watch's unit.
            hold_s: on-delay, seconds.
            off_delay_s: off-delay, seconds.
            steps: what single levels have of their own.

        Raises:
            LimitsError: if there is no limit, a number is not finite, a dead band or delay is negative, or a graver
                level lies on the milder side of another.
        """
        sign = -1.0 if kind in FALLING else 1.0
        shared = Step(hysteresis=hysteresis, hold_s=hold_s, off_delay_s=off_delay_s)
        own = {level: _filled((steps or {}).get(level, shared), shared) for level in limits}
        _check_numbers(kind, limits, [(hysteresis, hold_s, off_delay_s), *own.values()])
        rungs = tuple(
            Rung(level, sign * limits[level], own[level][0], _us(own[level][1]), _us(own[level][2]))
            for level in sorted(limits, reverse=True)
        )
        if any(graver.limit < milder.limit for milder, graver in pairwise(rungs)):
            raise LimitsError(reason=Text("级别越高，限值须越严。", "a graver level must lie beyond the milder ones."))
        return cls(kind, rungs)

    @classmethod
    def stored(  # noqa: PLR0913  one a column
        cls,
        kind: str,
        *,
        limits: Mapping[str, float],
        hysteresis: float,
        hold_s: float,
        off_delay_s: float,
        steps: Mapping[str, Mapping[str, float]],
    ) -> "Ladder | None":
        """Return the ladder of a watch as it is stored, levels as text; None where it cannot be used."""
        by_level = {Level(int(level)): limit for level, limit in limits.items()}
        own = {Level(int(level)): Step(**step) for level, step in steps.items()}
        try:
            return cls.of(
                WatchKind(kind),
                limits=by_level,
                hysteresis=hysteresis,
                hold_s=hold_s,
                off_delay_s=off_delay_s,
                steps=own,
            )
        except LimitsError:
            return None

    @property
    def levels(self) -> tuple[Level, ...]:
        """Return the levels that have a limit, mildest first."""
        return tuple(rung.level for rung in self.rungs)

    def score(self, value: float) -> float:
        """Return how bad a judged value is; NaN stays NaN."""
        if self.kind in FALLING:
            return -value
        return abs(value) if self.kind in SIZED else value

    def edges(self) -> tuple[float, ...]:
        """Return every score at which something may change, rising, each once: limits and clear limits."""
        return tuple(sorted({rung.limit for rung in self.rungs} | {rung.clear for rung in self.rungs}))

    def reached(self, value: float) -> tuple[Level, ...]:
        """Return the levels whose limit a judged value has reached, mildest first."""
        score = self.score(value)
        return tuple(rung.level for rung in self.rungs if score >= rung.limit)

    def rung(self, level: Level) -> Rung:
        """Return a level's rung; the mildest where this level has none."""
        return next((rung for rung in self.rungs if rung.level is level), self.rungs[0])

    def under(self, standing: Level) -> tuple[Rung, ...]:
        """Return the rungs that may still stand where a level stood, gravest first: its own and the milder ones.

        Where the limits know neither (they were changed meanwhile), the mildest rung there is.
        """
        return tuple(rung for rung in reversed(self.rungs) if rung.level >= standing) or self.rungs[:1]

    def left(self, value: float, *, standing: Level) -> tuple[Level, ...]:
        """Return the levels that do not stand any more at a value, of those that may; one without a rung is left."""
        score, rungs = self.score(value), self.under(standing)
        gone = tuple(rung.level for rung in rungs if score < rung.clear)
        return gone if any(rung.level is standing for rung in rungs) else (standing, *gone)

    def on_us(self, level: Level) -> int:
        """Return a level's on-delay, microseconds."""
        return self.rung(level).on_us

    def off_us(self, level: Level) -> int:
        """Return a level's off-delay, microseconds; 0 where the level has no rung."""
        return next((rung.off_us for rung in self.rungs if rung.level is level), 0)

    def limit_of(self, level: Level) -> float:
        """Return the limit of a level in the watch's unit; of the mildest level where this one has none."""
        score = self.rung(level).limit
        return -score if self.kind in FALLING else score


def _filled(own: Step, shared: Step) -> tuple[float, float, float]:
    """Return dead band, on-delay and off-delay, the watch's where the level has none of its own."""
    given = (own.hysteresis, shared.hysteresis), (own.hold_s, shared.hold_s), (own.off_delay_s, shared.off_delay_s)
    dead_band, on_s, off_s = (float(theirs or 0.0) if mine is None else mine for mine, theirs in given)
    return dead_band, on_s, off_s


def _check_numbers(kind: WatchKind, limits: Mapping[Level, float], spans: Sequence[tuple[float, float, float]]) -> None:
    if not limits:
        raise LimitsError(reason=Text("至少一个级别要有限值。", "at least one level needs a limit."))
    numbers = [number for span in spans for number in span]
    if not all(math.isfinite(number) for number in [*limits.values(), *numbers]):
        raise LimitsError(reason=Text("数值须为有限数。", "a number is not finite."))
    if min(numbers) < 0:
        raise LimitsError(reason=Text("回差和延时不能为负。", "dead bands and delays cannot be negative."))
    if max(span[1] for span in spans) > DELAY_S_MAX or max(span[2] for span in spans) > DELAY_S_MAX:
        raise LimitsError(reason=Text("延时不能超过七天。", "a delay cannot be longer than seven days."))
    if kind not in (WatchKind.HIGH, WatchKind.LOW) and min(limits.values()) <= 0:
        raise LimitsError(reason=Text("此类规则的限值须大于零。", "limits of this kind of watch must be above zero."))


def _us(span_s: float) -> int:
    return round(span_s * 1_000_000)


def change_per_minute(value: float, at_us: int, *, previous: float, previous_us: int) -> float:
    """Return the change of a value in its unit a minute; NaN where time did not pass."""
    if at_us <= previous_us:
        return math.nan
    return (value - previous) / ((at_us - previous_us) / _US_PER_MINUTE)
