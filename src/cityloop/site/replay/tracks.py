"""What can be played: a recording brought to today, or anything else that yields readings of a span of time."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from cityloop.site.replay.mapping import Shift
from cityloop.site.replay.rows import Events, Recording
from cityloop.site.replay.shift import shift_us


class Track(Protocol):
    """Readings over time; `streams` names what `Events.stream` points into."""

    @property
    def streams(self) -> tuple[str, ...]:
        """Return the stream codes."""

    def between(self, after_us: int, until_us: int, *, shift: int) -> Events:
        """Return the readings of (after, until], in order of time."""

    def next_after(self, instant_us: int, *, shift: int) -> int | None:
        """Return when the next reading after an instant is due, None where there is none."""

    def shift_for(self, now_us: int) -> int:
        """Return the shift that brings the readings to now, microseconds."""


@dataclass(frozen=True, slots=True)
class RecordedTrack:
    """A recording, shifted."""

    recording: Recording
    how: Shift

    @property
    def streams(self) -> tuple[str, ...]:
        """Return the stream codes."""
        return self.recording.streams

    def between(self, after_us: int, until_us: int, *, shift: int) -> Events:
        """Return the readings of (after, until], in order of time."""
        events = self.recording.events
        first, last = np.searchsorted(events.time_us, (after_us - shift, until_us - shift), side="right")
        part = events.part(slice(int(first), int(last)))
        return Events(part.time_us + shift, part.stream, part.value)

    def next_after(self, instant_us: int, *, shift: int) -> int | None:
        """Return when the next reading after an instant is due, None at the end of the recording."""
        times = self.recording.events.time_us
        row = int(np.searchsorted(times, instant_us - shift, side="right"))
        return int(times[row]) + shift if row < len(times) else None

    def shift_for(self, now_us: int) -> int:
        """Return the shift that brings the recording to now, microseconds."""
        times = self.recording.events.time_us
        return shift_us(self.how, first_us=int(times[0]), last_us=int(times[-1]), now_us=now_us)


def latest_each(events: Events) -> Events:
    """Return the last reading of every stream, in order of time."""
    _, last_from_end = np.unique(events.stream[::-1], return_index=True)
    return events.part(np.sort(len(events) - 1 - last_from_end))
