"""Plays a track: the newest readings first, then the past, then in real time, each kept once.

The past is sent newest first, after the latest reading of every stream: so the wall is alive at once, and old readings
are history rather than news, for only a reading newer than its stream's latest is judged.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from cityloop.site.replay.device import Publisher, StoppedError
from cityloop.site.replay.position import HOUR_US, Position, keep, loaded, spans
from cityloop.site.replay.rows import Events
from cityloop.site.replay.tracks import Track, latest_each

SECOND_US = 1_000_000
DAY_US = 24 * HOUR_US
WAIT_S_MAX = 5.0
"""Longest nap of the player, seconds; after it a machine that slept finds the present again."""

GAP_US_MAX = HOUR_US
"""After a longer absence the gap is filled like the past rather than judged like news, microseconds."""

DENSE_US = DAY_US
"""How far back the latest reading of a stream is looked for, microseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What to play.

    Attributes:
        past: spans before now that are sent at first start, as (from, to) in seconds before now.
        speed: 1 sends the past newest first and goes on in real time; any other number starts at the oldest instant of
            `past` and lets so many seconds of the track pass in one second, in order, until it reaches now; 0 is as
            fast as acknowledged.
        until_us: where to stop, None for never.
        once: whether to stop when everything that was due at the start is sent.
    """

    past: tuple[tuple[float, float], ...] = ()
    speed: float = 1.0
    until_us: int | None = None
    once: bool = False


@dataclass(frozen=True, slots=True)
class Clock:
    """The present; tests bring their own."""

    now_us: Callable[[], int]
    wait: Callable[[float], object]


@dataclass(slots=True, kw_only=True)
class Player:
    """Plays one track into one publisher.

    Attributes:
        track: the readings.
        publisher: takes them.
        datastream_ids: one for each of the track's streams, in their order; None for a stream nobody knows.
        position_file: where the position is kept.
        clock: the present.
        wishes: what to play.
        stop: set from outside to end.
        on_sent: told how many readings were acknowledged.
    """

    track: Track
    publisher: Publisher
    datastream_ids: Sequence[int | None]
    position_file: Path
    clock: Clock
    wishes: Wishes
    stop: threading.Event
    on_sent: Callable[[int], None] = lambda _: None
    position: Position = field(init=False)
    _started_us: int = field(init=False)
    _from_us: int = field(init=False)
    _begun: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        """Find where an earlier run stopped, or begin."""
        self._started_us = self.clock.now_us()
        kept = loaded(self.position_file)
        self.position = kept or self._beginning()
        if kept is not None and self.wishes.speed == 1.0:
            self._file_gap()
        keep(self.position, self.position_file)
        self._from_us = self.position.played_until_us

    def run(self) -> None:
        """Play until told to stop, until the wished end, or until nothing is left to play."""
        with suppress(StoppedError):
            while not self.stop.is_set() and not self._ended():
                self.step()
                if not self._ended():
                    self._rest()

    def step(self) -> None:
        """Send what is due, and one portion of the past."""
        if not self._begun:
            self._send_latest()
        horizon_us = self._horizon_us()
        sent = self._send(self.position.played_until_us, horizon_us)
        self.position.played_until_us = max(self.position.played_until_us, horizon_us)
        if portions := bool(self.position.left):
            self._send(*self.position.left[-1])
            self.position.left.pop()
        if sent or portions:
            keep(self.position, self.position_file)
        self._renew()

    def remaining(self) -> int:
        """Return how many readings of the past are still to be sent."""
        return sum(len(self._between(after_us, until_us)) for after_us, until_us in self.position.left)

    def _beginning(self) -> Position:
        shift = self.track.shift_for(self._started_us)
        if self.wishes.speed != 1.0:
            start_s = max((from_s for from_s, _ in self.wishes.past), default=0.0)
            return Position(shift, self._ago_us(start_s))
        left: list[tuple[int, int]] = []
        for from_s, to_s in sorted(self.wishes.past, reverse=True):
            left += spans(self._ago_us(from_s), self._ago_us(to_s))
        return Position(shift, self._started_us, left)

    def _ago_us(self, span_s: float) -> int:
        return self._started_us - int(span_s * SECOND_US)

    def _file_gap(self) -> None:
        if self._started_us - self.position.played_until_us > GAP_US_MAX:
            self.position.left += spans(self.position.played_until_us, self._started_us)
            self.position.played_until_us = self._started_us

    def _send_latest(self) -> None:
        """Send every stream's latest reading before its past, so that the past is not taken for news."""
        if self.position.left:
            self._publish(latest_each(self._between(self._started_us - DENSE_US, self.position.played_until_us)))
        self._begun = True

    def _horizon_us(self) -> int:
        now_us, played_us = self.clock.now_us(), self.position.played_until_us
        if self.wishes.speed == 1.0:
            horizon_us = now_us
        elif self.wishes.speed == 0.0:
            horizon_us = min(now_us, played_us + HOUR_US)
        else:
            passed_us = int((now_us - self._started_us) * self.wishes.speed)
            horizon_us = min(now_us, self._from_us + passed_us, played_us + HOUR_US)
        return horizon_us if self.wishes.until_us is None else min(horizon_us, self.wishes.until_us)

    def _between(self, after_us: int, until_us: int) -> Events:
        return self.track.between(after_us, until_us, shift=self.position.shift_us)

    def _send(self, after_us: int, until_us: int) -> int:
        return self._publish(self._between(after_us, until_us))

    def _publish(self, events: Events) -> int:
        sent = 0
        for time_us, stream, value in zip(
            events.time_us.tolist(), events.stream.tolist(), events.value.tolist(), strict=True
        ):
            if (datastream_id := self.datastream_ids[stream]) is not None:
                self.publisher.publish(datastream_id, time_us, value)
                sent += 1
        self.publisher.drain()
        self.position.sent += sent
        self.on_sent(sent)
        return sent

    def _next_us(self) -> int | None:
        return self.track.next_after(self.position.played_until_us, shift=self.position.shift_us)

    def _renew(self) -> None:
        """Bring the recording to today again when it has ended."""
        if self._next_us() is None and not self.position.left:
            self.position.shift_us = max(self.position.shift_us, self.track.shift_for(self.clock.now_us()))

    def _ended(self) -> bool:
        if self.position.left:
            return False
        played_us = self.position.played_until_us
        if self.wishes.until_us is not None and played_us >= self.wishes.until_us:
            return True
        if self.wishes.once and played_us >= self._started_us:
            return True
        return self._next_us() is None

    def _rest(self) -> None:
        next_us = self._next_us()
        if self.position.left or next_us is None or self.wishes.speed == 0.0:
            return
        due_us = next_us if self.wishes.until_us is None else min(next_us, self.wishes.until_us)
        ahead_s = (due_us - self._horizon_us()) / SECOND_US / max(self.wishes.speed, 1e-9)
        if ahead_s > 0:
            self.clock.wait(min(ahead_s, WAIT_S_MAX))
