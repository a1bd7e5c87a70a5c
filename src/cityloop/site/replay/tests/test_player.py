"""The player sends everything once, the newest first, and goes on where it stopped."""

import threading
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloop.site.replay.device import StoppedError
from cityloop.site.replay.mapping import Shift
from cityloop.site.replay.player import DAY_US, Clock, Player, Wishes
from cityloop.site.replay.position import HOUR_US, Position, keep, loaded, spans
from cityloop.site.replay.rows import Recording, events_of
from cityloop.site.replay.shift import WEEK_US
from cityloop.site.replay.tracks import RecordedTrack, latest_each

NOW_US = 1_763_800_000_000_000 // HOUR_US * HOUR_US + 1_000_000


@dataclass
class RecordingPublisher:
    """Keeps what it is given; dies after so many readings where told to."""

    dies_after: int | None = None
    taken: list[tuple[int, int, float]] = field(default_factory=list)
    acknowledged: list[tuple[int, int, float]] = field(default_factory=list)

    def publish(self, datastream_id: int, time_us: int, value: float) -> None:
        if self.dies_after is not None and len(self.taken) >= self.dies_after:
            raise StoppedError
        self.taken.append((datastream_id, time_us, value))

    def drain(self) -> None:
        self.acknowledged = list(self.taken)


class SteppingClock:
    """A present that moves only when somebody waits."""

    def __init__(self, *, leap: float = 1.0) -> None:
        self.at_us, self.leap = NOW_US, leap

    def clock(self) -> Clock:
        return Clock(lambda: self.at_us, self.wait)

    def wait(self, seconds: float) -> None:
        self.at_us += max(1, int(seconds * self.leap * 1e6))


def hourly_track(days: int = 60, by: str = "weeks") -> RecordedTrack:
    hours = np.arange(days * 24)
    times = np.repeat(NOW_US // HOUR_US * HOUR_US - 400 * DAY_US + hours * HOUR_US, 2)
    streams = np.tile([0, 1], len(hours))
    events = events_of(times.tolist(), streams.tolist(), np.arange(len(times)).tolist())
    return RecordedTrack(Recording(("a", "b"), events, {}), Shift(by=by))


def player_of(folder: Path, publisher: RecordingPublisher, clock: SteppingClock, **wishes: object) -> Player:
    return Player(
        track=hourly_track(),
        publisher=publisher,
        datastream_ids=(11, 12),
        position_file=folder / "replay" / "a.json",
        clock=clock.clock(),
        wishes=Wishes(**wishes),
        stop=threading.Event(),
    )


def test_the_latest_reading_of_every_stream_comes_first_then_the_past_newest_first(tmp_path: Path) -> None:
    publisher = RecordingPublisher()
    player_of(tmp_path, publisher, SteppingClock(), past=((3 * 86_400.0, 0.0),), once=True).run()
    times = [time_us for _, time_us, _ in publisher.taken]
    assert {stream for stream, _, _ in publisher.taken[:2]} == {11, 12}
    assert times[0] == times[1] == max(times)
    assert sorted(times[2:], reverse=True) == times[2:]
    assert len({(stream, time) for stream, time, _ in publisher.taken}) == 2 * 72


def test_new_readings_are_sent_when_they_are_due(tmp_path: Path) -> None:
    publisher, clock = RecordingPublisher(), SteppingClock()
    player_of(tmp_path, publisher, clock, until_us=NOW_US + 3 * HOUR_US).run()
    assert [time_us for _, time_us, _ in publisher.taken[::2]] == [NOW_US - 1_000_000 + n * HOUR_US for n in (1, 2, 3)]
    assert NOW_US + 3 * HOUR_US <= clock.at_us <= NOW_US + 3 * HOUR_US + 2_000_000


@pytest.mark.parametrize("dies_after", [0, 1, 2, 7, 100, 143])
def test_a_replay_that_died_goes_on_and_loses_nothing(tmp_path: Path, dies_after: int) -> None:
    first, second, clock = RecordingPublisher(dies_after=dies_after), RecordingPublisher(), SteppingClock()
    player_of(tmp_path, first, clock, past=((3 * 86_400.0, 0.0),), once=True).run()
    clock.wait(2 * 3600)
    player_of(tmp_path, second, clock, past=((3 * 86_400.0, 0.0),), once=True).run()
    sent = {(stream, time) for stream, time, _ in (*first.taken, *second.taken)}
    assert len(sent) == 2 * (72 + 2)
    assert len(second.taken) <= 2 * (72 + 2) + 2


def test_a_long_absence_is_filled_newest_first(tmp_path: Path) -> None:
    clock = SteppingClock()
    player_of(tmp_path, RecordingPublisher(), clock, past=((3600.0, 0.0),), once=True).run()
    clock.wait(10 * 3600)
    publisher = RecordingPublisher()
    player_of(tmp_path, publisher, clock, once=True).run()
    times = [time_us for _, time_us, _ in publisher.taken]
    assert times[0] == max(times)
    assert len(set(publisher.taken)) == 2 * 10


def test_with_a_speed_readings_come_in_order_from_the_oldest(tmp_path: Path) -> None:
    publisher, clock = RecordingPublisher(), SteppingClock()
    player_of(tmp_path, publisher, clock, past=((86_400.0, 0.0),), speed=3600.0, until_us=NOW_US).run()
    times = [time_us for _, time_us, _ in publisher.taken]
    assert times == sorted(times)
    assert len(times) == 2 * 24
    assert 22e6 <= clock.at_us - NOW_US <= 26e6


def test_as_fast_as_acknowledged_waits_for_nothing(tmp_path: Path) -> None:
    publisher, clock = RecordingPublisher(), SteppingClock()
    player_of(tmp_path, publisher, clock, past=((86_400.0, 0.0),), speed=0.0, once=True).run()
    assert len(publisher.taken) == 2 * 24
    assert clock.at_us == NOW_US


def test_a_recording_that_ends_begins_anew_in_today(tmp_path: Path) -> None:
    publisher, clock = RecordingPublisher(), SteppingClock(leap=600.0)
    player = player_of(tmp_path, publisher, clock, until_us=NOW_US + 40 * DAY_US)
    shift_us = player.position.shift_us
    player.run()
    assert player.position.shift_us > shift_us
    assert (player.position.shift_us - shift_us) % WEEK_US == 0
    assert len({time_us for _, time_us, _ in publisher.taken}) == 40 * 24


def test_a_recording_left_in_its_own_time_ends(tmp_path: Path) -> None:
    publisher = RecordingPublisher()
    player = player_of(tmp_path, publisher, SteppingClock(), past=((500 * 86_400.0, 0.0),))
    player.track = hourly_track(by="none")
    player.position = Position(0, NOW_US, spans(NOW_US - 500 * DAY_US, NOW_US, step_us=DAY_US))
    player.run()
    assert len(publisher.taken) == 2 * 60 * 24


def test_streams_nobody_knows_are_left_out(tmp_path: Path) -> None:
    publisher = RecordingPublisher()
    player = player_of(tmp_path, publisher, SteppingClock(), past=((86_400.0, 0.0),), once=True)
    player.datastream_ids = (11, None)
    player.run()
    assert {stream for stream, _, _ in publisher.taken} == {11}
    assert player.position.sent == 24 + 1


@given(since=st.integers(0, 10**13), length=st.integers(0, 10**12), step=st.integers(10**9, 10**12))
@settings(max_examples=60)
def test_portions_cover_a_span_without_gap_or_overlap(since: int, length: int, step: int) -> None:
    portions = spans(since, since + length, step_us=step)
    assert sum(until - after for after, until in portions) == length
    assert all(before[1] == after[0] for before, after in pairwise(portions))
    if portions:
        assert (portions[0][0], portions[-1][1]) == (since, since + length)


def test_a_position_is_kept_whole(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "water.json"
    assert loaded(file) is None
    position = Position(7, 9, [(1, 2), (2, 3)], 4)
    keep(position, file)
    assert loaded(file) == position
    file.write_text("{half", encoding="utf-8")
    assert loaded(file) is None


def test_the_latest_reading_of_each_stream_is_found() -> None:
    events = latest_each(events_of([1, 2, 3, 4], [0, 1, 0, 2], [5.0, 6.0, 7.0, 8.0]))
    assert list(zip(events.time_us.tolist(), events.stream.tolist(), strict=True)) == [(2, 1), (3, 0), (4, 2)]
