"""What a watch would have done: events turned into firings, and how often and how long each level stood."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cityloop.decide.rules.machine import Event, EventKind
from cityloop.kernel.levels import Level


@dataclass(frozen=True, slots=True)
class Firing:
    """A condition from its rise to its end.

    Attributes:
        since_us: when its first limit was reached, microseconds since the Unix epoch.
        raised_us: when it was an alarm, the on-delay being over.
        cleared_us: when it ended, None where it still stood at the end.
        level: gravest level it reached.
        value: the judged value that reached that level first.
        observation_id: that reading, 0 where there is none.
    """

    since_us: int
    raised_us: int
    cleared_us: int | None
    level: Level
    value: float
    observation_id: int

    def stood_us(self, until_us: int) -> int:
        """Return how long it was an alarm, microseconds; one that still stands is counted until a moment."""
        return (until_us if self.cleared_us is None else self.cleared_us) - self.raised_us


@dataclass(frozen=True, slots=True)
class LevelTally:
    """What one level did.

    Attributes:
        entered: how often it came to stand.
        stood_us: how long it stood altogether, microseconds.
    """

    entered: int
    stood_us: int


def firings_of(events: Iterable[Event]) -> list[Firing]:
    """Return the firings that events amount to, oldest first."""
    found: list[Firing] = []
    for event in events:
        sample = event.sample
        if event.kind is EventKind.RAISED:
            found.append(Firing(sample.at_us, event.at_us, None, event.level, sample.value, sample.observation_id))
            continue
        last = found[-1]
        if event.kind is EventKind.CLEARED:
            found[-1] = Firing(last.since_us, last.raised_us, event.at_us, last.level, last.value, last.observation_id)
        elif event.level < last.level:
            found[-1] = Firing(last.since_us, last.raised_us, None, event.level, sample.value, sample.observation_id)
    return found


def tallies_of(events: Sequence[Event], *, until_us: int) -> dict[Level, LevelTally]:
    """Return what each level did, all four; one that still stands is counted until a moment."""
    entered, stood = dict.fromkeys(Level, 0), dict.fromkeys(Level, 0)
    standing: Level | None = None
    since_us = 0
    for event in events:
        if standing is not None:
            stood[standing] += event.at_us - since_us
        standing = None if event.kind is EventKind.CLEARED else event.level
        since_us = event.at_us
        if standing is not None:
            entered[standing] += 1
    if standing is not None:
        stood[standing] += until_us - since_us
    return {level: LevelTally(entered[level], stood[level]) for level in Level}
