"""The alarm machine of one watch over one stream: a trip shorter than the hold raises nothing."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloop.decide.rules import (
    Condition,
    Event,
    EventKind,
    Ladder,
    LimitsError,
    Sample,
    Step,
    change_per_minute,
    matured,
    step,
)
from cityloop.kernel.declarations import WatchKind
from cityloop.kernel.levels import Level

S = 1_000_000
HOLD_S = 60


def high(
    *, hysteresis: float = 2.0, hold_s: float = HOLD_S, off_delay_s: float = 0.0, steps: dict[Level, Step] | None = None
) -> Ladder:
    limits = {Level.BLUE: 10.0, Level.YELLOW: 20.0, Level.ORANGE: 30.0, Level.RED: 40.0}
    return Ladder.of(
        WatchKind.HIGH, limits=limits, hysteresis=hysteresis, hold_s=hold_s, off_delay_s=off_delay_s, steps=steps
    )


def sample(at_s: float, value: float) -> Sample:
    return Sample(int(at_s * S), int(at_s * S), value, int(at_s) + 1)


def run(ladder: Ladder, readings: list[tuple[float, float]], *, until_s: float | None = None) -> list[Event]:
    condition, events = Condition(), []
    for at_s, value in readings:
        condition, happened = step(condition, ladder, sample(at_s, value))
        events += happened
    if until_s is not None:
        condition, happened = matured(condition, ladder, until_us=int(until_s * S))
        events += happened
    return events


def told(events: list[Event]) -> list[tuple[str, Level]]:
    return [(event.kind.value, event.level) for event in events]


def test_a_reading_over_the_limit_for_less_than_the_hold_raises_nothing() -> None:
    assert run(high(), [(0, 15), (59.9, 5)], until_s=1000) == []


def test_a_reading_that_stays_raises_exactly_one() -> None:
    events = run(high(), [(0, 15), (30, 16), (61, 17), (100, 15)], until_s=1000)
    assert told(events) == [("raised", Level.BLUE)]
    assert events[0].at_us == 60 * S
    assert events[0].sample.observation_id == 1


def test_the_return_clears_it() -> None:
    events = run(high(), [(0, 15), (70, 15), (80, 5)])
    assert told(events) == [("raised", Level.BLUE), ("cleared", Level.BLUE)]


def test_a_return_after_the_hold_tells_both_even_when_nothing_came_between() -> None:
    assert told(run(high(), [(0, 15), (60, 5)])) == [("raised", Level.BLUE), ("cleared", Level.BLUE)]


def test_without_hold_the_first_reading_raises_the_gravest_level_it_reaches() -> None:
    assert told(run(high(hold_s=0), [(0, 35)])) == [("raised", Level.ORANGE)]


def test_a_value_between_the_limit_and_its_clear_limit_holds_an_alarm_but_raises_none() -> None:
    assert told(run(high(hold_s=0), [(0, 9)])) == []
    assert told(run(high(hold_s=0), [(0, 10), (1, 8.1), (2, 10), (3, 8.5)])) == [("raised", Level.BLUE)]


def test_falling_below_the_limit_interrupts_the_hold() -> None:
    assert run(high(), [(0, 11), (50, 9), (55, 11), (100, 9)], until_s=1000) == []


def test_levels_rise_and_fall_one_alarm() -> None:
    events = run(high(hold_s=0), [(0, 12), (1, 33), (2, 29), (3, 27), (4, 19), (5, 7)])
    assert told(events) == [
        ("raised", Level.BLUE),
        ("level", Level.ORANGE),
        ("level", Level.YELLOW),
        ("cleared", Level.YELLOW),
    ]


def test_a_graver_level_needs_its_own_hold() -> None:
    events = run(high(), [(0, 15), (70, 45), (100, 15)], until_s=1000)
    assert told(events) == [("raised", Level.BLUE)]


def test_a_low_limit_is_the_mirror_of_a_high_one() -> None:
    ladder = Ladder.of(WatchKind.LOW, limits={Level.ORANGE: 0.10, Level.RED: 0.05}, hysteresis=0.02, hold_s=0)
    events = run(ladder, [(0, 0.3), (1, 0.10), (2, 0.11), (3, 0.04), (4, 0.06), (5, 0.13)])
    assert told(events) == [
        ("raised", Level.ORANGE),
        ("level", Level.RED),
        ("cleared", Level.RED),
    ]
    assert ladder.limit_of(Level.ORANGE) == 0.10


def test_a_return_shorter_than_the_off_delay_clears_nothing() -> None:
    ladder = high(hold_s=0, off_delay_s=30)
    assert told(run(ladder, [(0, 15), (10, 5), (39, 15), (50, 15)], until_s=1000)) == [("raised", Level.BLUE)]


def test_an_alarm_clears_when_its_off_delay_is_over_though_nothing_comes() -> None:
    events = run(high(hold_s=0, off_delay_s=30), [(0, 15), (10, 5)], until_s=40)
    assert told(events) == [("raised", Level.BLUE), ("cleared", Level.BLUE)]
    assert (events[1].at_us, events[1].sample.at_us) == (40 * S, 10 * S)
    assert told(run(high(hold_s=0, off_delay_s=30), [(0, 15), (10, 5)], until_s=39.9)) == [("raised", Level.BLUE)]


def test_each_level_has_its_own_dead_band_and_delays() -> None:
    steps = {Level.BLUE: Step(hold_s=60.0, off_delay_s=300.0), Level.RED: Step(hysteresis=15.0, off_delay_s=60.0)}
    ladder = high(hold_s=0, steps=steps)
    events = run(ladder, [(0, 45), (10, 26), (20, 5)], until_s=1000)
    assert [(event.kind.value, event.level, event.at_us // S) for event in events] == [
        ("raised", Level.RED, 0),
        ("level", Level.BLUE, 80),  # red's dead band ends at 25, its off-delay 60 s after it was left
        ("cleared", Level.BLUE, 320),
    ]
    assert told(run(ladder, [(0, 15), (59, 5)], until_s=1000)) == []
    assert told(run(ladder, [(0, 25)])) == [("raised", Level.YELLOW)]


def test_a_level_reached_again_within_its_off_delay_stands_on() -> None:
    events = run(high(hold_s=0, off_delay_s=60), [(0, 45), (10, 15), (40, 45), (90, 45)], until_s=1000)
    assert told(events) == [("raised", Level.RED)]


def test_rate_and_baseline_judge_the_size_of_what_they_see() -> None:
    for kind in (WatchKind.RATE, WatchKind.BASELINE):
        ladder = Ladder.of(kind, limits={Level.BLUE: 3.0}, hysteresis=1.0, hold_s=0)
        assert told(run(ladder, [(0, -3.5), (1, -2.5), (2, -1.9)])) == [
            ("raised", Level.BLUE),
            ("cleared", Level.BLUE),
        ]


def test_the_change_a_minute_needs_time_to_pass() -> None:
    assert change_per_minute(13.0, 120 * S, previous=10.0, previous_us=60 * S) == 3.0
    assert math.isnan(change_per_minute(13.0, 60 * S, previous=10.0, previous_us=60 * S))


@pytest.mark.parametrize(
    ("kind", "limits", "hysteresis", "hold_s"),
    [
        (WatchKind.HIGH, {}, 0, 0),
        (WatchKind.HIGH, {Level.BLUE: 5.0, Level.RED: 4.0}, 0, 0),
        (WatchKind.LOW, {Level.BLUE: 4.0, Level.RED: 5.0}, 0, 0),
        (WatchKind.HIGH, {Level.BLUE: math.nan}, 0, 0),
        (WatchKind.HIGH, {Level.BLUE: 1.0}, -1, 0),
        (WatchKind.HIGH, {Level.BLUE: 1.0}, 0, -1),
        (WatchKind.HIGH, {Level.BLUE: 1.0}, 0, 8 * 86_400),
        (WatchKind.SILENT, {Level.BLUE: 0.0}, 0, 0),
    ],
)
def test_limits_that_cannot_be_watched_by_are_refused(
    kind: WatchKind, limits: dict[Level, float], hysteresis: float, hold_s: float
) -> None:
    with pytest.raises(LimitsError):
        Ladder.of(kind, limits=limits, hysteresis=hysteresis, hold_s=hold_s)


def test_a_standing_level_that_the_limits_know_no_more_falls_to_the_nearest_milder_one() -> None:
    ladder = Ladder.of(WatchKind.HIGH, limits={Level.BLUE: 10.0, Level.ORANGE: 30.0}, hysteresis=2.0, hold_s=0)
    condition, events = step(Condition(Level.YELLOW), ladder, sample(0, 15))
    assert condition.standing is Level.BLUE
    assert told(events) == [("level", Level.BLUE)]
    only_red = Ladder.of(WatchKind.HIGH, limits={Level.RED: 40.0}, hysteresis=2.0, hold_s=0)
    condition, _ = step(Condition(Level.BLUE), only_red, sample(0, 15))
    assert condition.standing is None


VALUES = st.floats(0, 50, allow_nan=False)
GAPS = st.integers(1, 200)
TRACKS = st.lists(st.tuples(GAPS, VALUES), max_size=40)


def track_of(steps: list[tuple[int, float]]) -> list[tuple[float, float]]:
    at_s, track = 0, []
    for gap, value in steps:
        at_s += gap
        track.append((float(at_s), value))
    return track


def only_changes(ladder: Ladder, track: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """What the screen lets through: readings whose band differs from the one before."""
    band, kept = 0, []
    for at_s, value in track:
        now = sum(edge <= ladder.score(value) for edge in ladder.edges())
        if now != band:
            kept.append((at_s, value))
        band = now
    return kept


DELAYS = st.none() | st.floats(0, 300)
LADDERS = st.builds(
    high,
    hysteresis=st.floats(0, 5),
    hold_s=st.integers(0, 300),
    off_delay_s=st.integers(0, 300),
    steps=st.dictionaries(
        st.sampled_from(Level),
        st.builds(Step, hysteresis=st.none() | st.floats(0, 20), hold_s=DELAYS, off_delay_s=DELAYS),
    ),
)
"""Ladders of every sort: shared dead bands and delays, and levels that have their own."""


@given(TRACKS, LADDERS)
def test_the_screen_loses_nothing_that_the_machine_needs(steps: list[tuple[int, float]], ladder: Ladder) -> None:
    track = track_of(steps)
    end_s = (track[-1][0] if track else 0) + 1000
    every = run(ladder, track, until_s=end_s)
    screened = run(ladder, only_changes(ladder, track), until_s=end_s)
    assert [(e.kind, e.at_us, e.level) for e in every] == [(e.kind, e.at_us, e.level) for e in screened]


@given(TRACKS, st.lists(st.integers(0, 40), max_size=5), LADDERS)
def test_moving_the_clock_between_samples_changes_nothing(
    steps: list[tuple[int, float]], pauses: list[int], ladder: Ladder
) -> None:
    track = track_of(steps)
    condition, events = Condition(), []
    for number, (at_s, value) in enumerate(track):
        condition, happened = step(condition, ladder, sample(at_s, value))
        events += happened
        if number in pauses and number + 1 < len(track):
            between_us = int((at_s + track[number + 1][0]) / 2 * S)
            condition, happened = matured(condition, ladder, until_us=between_us)
            events += happened
    assert told(events) == told(run(ladder, track))


@given(TRACKS, LADDERS)
def test_every_rise_was_held_and_rises_and_returns_take_turns(steps: list[tuple[int, float]], ladder: Ladder) -> None:
    track = track_of(steps)
    standing = None
    for event in run(ladder, track):
        if event.kind is EventKind.RAISED:
            assert standing is None
            assert event.at_us - event.sample.at_us == ladder.on_us(event.level)
        else:
            assert standing is event.level_before
        if event.kind is EventKind.CLEARED:
            under = [v for at, v in track if event.sample.at_us <= at * S < event.at_us]
            assert event.at_us - event.sample.at_us == ladder.off_us(event.level)
            assert all(ladder.score(value) < ladder.rung(event.level).clear for value in under)
        over = [v for at, v in track if event.sample.at_us <= at * S < event.at_us]
        if event.kind is EventKind.RAISED:
            assert all(ladder.score(value) >= ladder.limit_of(event.level) for value in over)
        standing = None if event.kind is EventKind.CLEARED else event.level


@given(st.lists(st.floats(8.0, 9.99), min_size=1, max_size=50))
def test_hysteresis_never_chatters(values: list[float]) -> None:
    track = [(0.0, 10.0), *((float(at + 1), value) for at, value in enumerate(values))]
    assert told(run(high(hold_s=0), track)) == [("raised", Level.BLUE)]
