"""The alarm machine of one watch over one stream: samples in, events out, nothing else.

It does not matter how samples are cut into batches: the outcome depends on their order and times only. On-delay (hold)
and off-delay are measured on the stream's own clock between two samples; `matured` moves the clock on where no sample
comes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from cityloop.decide.rules.ladder import Ladder, Rung
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
        leavings: that level and milder ones that are left but not yet for their off-delay, gravest first, each with
            the sample that left it.
    """

    standing: Level | None = None
    onsets: tuple[tuple[Level, Sample], ...] = ()
    leavings: tuple[tuple[Level, Sample], ...] = ()


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
        at_us: when, on the stream's clock; a rise happens when its on-delay is over, a fall when its off-delay is.
        level: the level that stands from now on; for `cleared` the one that stood.
        level_before: the level that stood before, None for `raised`.
        sample: the sample that caused it: the onset of a rise, the first sample below of a fall.
    """

    kind: EventKind
    at_us: int
    level: Level
    level_before: Level | None
    sample: Sample


def matured(condition: Condition, ladder: Ladder, *, until_us: int) -> tuple[Condition, list[Event]]:
    """Return the condition when the stream's clock has reached a moment, and what rose and fell on the way.

    Args:
        condition: as it was.
        ladder: the limits in force.
        until_us: the moment, inclusive; levels whose on-delay is over by then rise, those whose off-delay is over fall.
    """
    events: list[Event] = []
    if not condition.onsets and not condition.leavings:
        return condition, events
    while (happened := _next(condition, ladder)) is not None and happened[0].at_us <= until_us:
        events.append(happened[0])
        condition = happened[1]
    return condition, events


def _next(condition: Condition, ladder: Ladder) -> tuple[Event, Condition] | None:
    """Return what happens next if no sample comes, and the condition then; None where nothing will.

    A value that has reached a level has left none that is milder, so rises and falls never wait at once.
    """
    if condition.onsets:
        waiting = [(sample.at_us + ladder.on_us(level), level, sample) for level, sample in condition.onsets]
        at_us, level, sample = min(waiting, key=lambda item: (item[0], item[1]))
        kind = EventKind.RAISED if condition.standing is None else EventKind.LEVEL
        graver = tuple(onset for onset in condition.onsets if onset[0] < level)
        return Event(kind, at_us, level, condition.standing, sample), Condition(level, graver)
    left = dict(condition.leavings)
    if condition.standing is None or condition.standing not in left:
        return None
    sample = left[condition.standing]
    at_us = sample.at_us + ladder.off_us(condition.standing)
    after = next((rung.level for rung in ladder.under(condition.standing) if not _is_over(rung, left, at_us)), None)
    kind = EventKind.CLEARED if after is None else EventKind.LEVEL
    milder = tuple(one for one in condition.leavings if after is not None and one[0] >= after)
    event = Event(kind, at_us, after or condition.standing, condition.standing, sample)
    return event, Condition(after, (), milder)


def _is_over(rung: Rung, left: Mapping[Level, Sample], at_us: int) -> bool:
    return rung.level in left and left[rung.level].at_us + rung.off_us <= at_us


def step(condition: Condition, ladder: Ladder, sample: Sample) -> tuple[Condition, list[Event]]:
    """Return the condition after a sample, and what happened, in order.

    A level that was reached for its on-delay or longer when the sample leaves it has risen: its rise is told before
    its return. A level that was left for its off-delay or longer when the sample reaches it again has fallen.
    """
    condition, events = matured(condition, ladder, until_us=sample.at_us)
    onsets, left = dict(condition.onsets), dict(condition.leavings)
    if condition.standing is not None:
        gone = ladder.left(sample.value, standing=condition.standing)
        condition = Condition(condition.standing, (), tuple((level, left.get(level, sample)) for level in gone))
        condition, fallen = matured(condition, ladder, until_us=sample.at_us)
        events += fallen
    reached = [level for level in ladder.reached(sample.value) if level.is_graver_than(condition.standing)]
    waiting = tuple((level, onsets.get(level, sample)) for level in reached)
    condition = Condition(condition.standing, waiting, condition.leavings)
    condition, risen = matured(condition, ladder, until_us=sample.at_us)
    return condition, events + risen
