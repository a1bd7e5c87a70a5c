"""The alarm machine of one watch over one stream: samples in, events out, nothing else.

It does not matter how samples are cut into batches: the outcome depends on their order and times only. Hold is measured
on the stream's own clock between two samples; `matured` moves the clock on where no sample comes.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from cityloop.decide.rules.ladder import Ladder
from cityloop.kernel.levels import Level


@dataclass(frozen=True, slots=True)
class Sample:
    """A judged value at the moment its band changed.

    Attributes:
        at_us: phenomenon time, microseconds since the Unix epoch.
        received_us: when it reached us.
        value: the judged value, in the watch's unit.
        observation_id: the reading, 0 where there is none.
        is_late: whether it was held back on its way to us.
    """

    at_us: int
    received_us: int
    value: float
    observation_id: int
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """What the machine remembers.

    Attributes:
        standing: the level that stands, None while none does.
        onsets: levels graver than that which are reached but not yet held long enough, mildest first, each with the
            sample that reached it.
    """

    standing: Level | None = None
    onsets: tuple[tuple[Level, Sample], ...] = ()


class EventKind(StrEnum):
    """What may happen to a condition."""

    RAISED = "raised"
    LEVEL = "level"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a condition.

    Attributes:
        kind: what.
        at_us: when, on the stream's clock; a rise happens when its hold is over.
        level: the level that stands from now on; for `cleared` the one that stood.
        level_before: the level that stood before, None for `raised`.
        sample: the sample that caused it; for a rise the onset.
    """

    kind: EventKind
    at_us: int
    level: Level
    level_before: Level | None
    sample: Sample


def matured(condition: Condition, ladder: Ladder, *, until_us: int) -> tuple[Condition, list[Event]]:
    """Return the condition when the stream's clock has reached a moment, and what rose on the way.

    Args:
        condition: as it was.
        ladder: the limits in force.
        until_us: the moment, inclusive; levels whose hold is over by then rise.
    """
    events: list[Event] = []
    while due := [(s.at_us + ladder.hold_us, level, s) for level, s in condition.onsets if _rises(s, ladder, until_us)]:
        at_us, level, sample = min(due, key=lambda item: (item[0], item[1]))
        kind = EventKind.RAISED if condition.standing is None else EventKind.LEVEL
        events.append(Event(kind, at_us, level, condition.standing, sample))
        condition = Condition(level, tuple(onset for onset in condition.onsets if onset[0] < level))
    return condition, events


def _rises(onset: Sample, ladder: Ladder, until_us: int) -> bool:
    return onset.at_us + ladder.hold_us <= until_us


def step(condition: Condition, ladder: Ladder, sample: Sample) -> tuple[Condition, list[Event]]:
    """Return the condition after a sample, and what happened, in order.

    A level that was reached for the hold or longer when the sample leaves it has risen: its rise is told before its
    return.
    """
    condition, events = matured(condition, ladder, until_us=sample.at_us)
    if condition.standing is not None:
        after = ladder.held(sample.value, standing=condition.standing)
        if after is None:
            events.append(Event(EventKind.CLEARED, sample.at_us, condition.standing, condition.standing, sample))
        elif after is not condition.standing:
            events.append(Event(EventKind.LEVEL, sample.at_us, after, condition.standing, sample))
        condition = replace(condition, standing=after)
    known = dict(condition.onsets)
    reached = [level for level in ladder.reached(sample.value) if level.is_graver_than(condition.standing)]
    condition = replace(condition, onsets=tuple((level, known.get(level, sample)) for level in reached))
    condition, risen = matured(condition, ladder, until_us=sample.at_us)
    return condition, events + risen
