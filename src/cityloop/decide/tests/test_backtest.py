"""A backtest does to the past what the live machine does to the present."""

import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloop.decide import facade
from cityloop.decide.facade import LimitsError, Trial
from cityloop.decide.models import Activation, Alarm
from cityloop.decide.rules import (
    Condition,
    Event,
    Ladder,
    Sample,
    Step,
    change_per_minute,
    firings_of,
    matured,
    step,
    tallies_of,
)
from cityloop.decide.selectors import backtests
from cityloop.decide.stream import Learning, Past, envelope, replayed
from cityloop.decide.stream.backtest import distances
from cityloop.decide.tests.conftest import City, at, watch
from cityloop.kernel.declarations import WatchKind
from cityloop.kernel.instants import to_us
from cityloop.kernel.levels import Level
from cityloop.sense import facade as sense

S = 1_000_000
HOUR_US = 3600 * S
LIMITS = {Level.BLUE: 10.0, Level.YELLOW: 20.0, Level.RED: 40.0}
LOW_LIMITS = {Level.BLUE: 40.0, Level.YELLOW: 30.0, Level.RED: 10.0}
DELAYS = st.none() | st.floats(0, 600)
STEPS = st.dictionaries(
    st.sampled_from(sorted(LIMITS)),
    st.builds(Step, hysteresis=st.none() | st.floats(0, 20), hold_s=DELAYS, off_delay_s=DELAYS),
)
TRACKS = st.lists(st.tuples(st.integers(1, 400), st.floats(0, 50)), min_size=1, max_size=60)


def past_of(readings: Sequence[tuple[float, float]], *, until_s: float | None = None) -> Past:
    times = [second for second, _ in readings]
    end_s = times[-1] if until_s is None else until_s
    return Past(
        np.array([round(second * S) for second in times], dtype=np.int64),
        np.array([value for _, value in readings]),
        np.arange(1, len(readings) + 1),
        round(end_s * S),
    )


def one_by_one(ladder: Ladder, past: Past) -> list[Event]:
    """What the machine makes of every single reading, without any screen."""
    condition, events, before = Condition(), [], None
    for at_us, value, number in zip(
        past.at_us.tolist(), past.value.tolist(), past.observation_id.tolist(), strict=True
    ):
        judged = value
        if ladder.kind is WatchKind.RATE:
            judged = change_per_minute(value, at_us, previous=before[1], previous_us=before[0]) if before else None
        before = (at_us, value)
        if judged is not None:
            condition, happened = step(condition, ladder, Sample(at_us, at_us, judged, number))
            events += happened
    return events + matured(condition, ladder, until_us=past.until_us)[1]


def track_of(steps: list[tuple[int, float]]) -> list[tuple[float, float]]:
    times = np.cumsum([gap for gap, _ in steps]).tolist()
    return [(float(second), value) for second, (_, value) in zip(times, steps, strict=True)]


@given(
    TRACKS, st.sampled_from([WatchKind.HIGH, WatchKind.LOW, WatchKind.RATE]), STEPS,
    st.floats(0, 5), st.floats(0, 600), st.floats(0, 600),
)  # fmt: skip
def test_arrays_and_single_steps_agree(  # noqa: PLR0913, PLR0917  one an argument of the rule
    steps: list[tuple[int, float]], kind: WatchKind, own: dict[Level, Step], dead: float, on_s: float, off_s: float
) -> None:
    limits = LOW_LIMITS if kind is WatchKind.LOW else LIMITS
    ladder = Ladder.of(kind, limits=limits, hysteresis=dead, hold_s=on_s, off_delay_s=off_s, steps=own)
    track = track_of(steps)
    past = past_of(track, until_s=track[-1][0] + 1000)
    assert list(replayed(ladder, past).events) == one_by_one(ladder, past)


@given(TRACKS, st.integers(1, 60))
def test_what_comes_later_changes_nothing_that_happened_before(steps: list[tuple[int, float]], cut: int) -> None:
    ladder = Ladder.of(WatchKind.HIGH, limits=LIMITS, hysteresis=2.0, hold_s=60.0, off_delay_s=60.0)
    track = track_of(steps)
    whole, part = replayed(ladder, past_of(track)).events, replayed(ladder, past_of(track[:cut])).events
    assert whole[: len(part)] == part


@given(st.lists(st.floats(-50, 50), min_size=200, max_size=900), st.integers(1, 899))
def test_a_distance_from_the_usual_never_looks_ahead(values: list[float], cut: int) -> None:
    times = (np.arange(len(values)) * HOUR_US).astype(np.int64)
    learning = Learning(sample_s=3600.0, samples_max=8.0, known_min=1.0)
    whole = distances(times, np.array(values), learning)
    part = distances(times[:cut], np.array(values[:cut]), learning)
    np.testing.assert_array_equal(whole[:cut], part)


def test_a_strange_hour_is_told_from_its_usual_hour_of_the_week() -> None:
    weeks, hours = 12, 168
    usual = 10 + 5 * np.sin(np.arange(weeks * hours) * 2 * np.pi / 24)
    values = usual + np.random.default_rng(3).normal(0, 0.1, len(usual))
    values[11 * hours + 50] += 5
    ladder = Ladder.of(WatchKind.BASELINE, limits={Level.BLUE: 15.0}, hysteresis=5.0, hold_s=0)
    past = past_of([(3600.0 * n, value) for n, value in enumerate(values)])
    events = replayed(ladder, past, learning=Learning(3600.0, 8.0, 4.0)).events
    (firing,) = firings_of(events)
    assert firing.raised_us == (11 * hours + 50) * HOUR_US
    assert firing.cleared_us == firing.raised_us + HOUR_US


def test_a_value_that_stands_still_is_told_when_its_time_is_over() -> None:
    ladder = Ladder.of(WatchKind.STUCK, limits={Level.BLUE: 300.0, Level.YELLOW: 600.0}, hysteresis=0, hold_s=0)
    values = [1.0, 2.0, *[3.0] * 12, 4.0, 4.0]
    firings = firings_of(replayed(ladder, past_of([(60.0 * n, value) for n, value in enumerate(values)])).events)
    assert [(one.raised_us // S, one.cleared_us // S, one.level) for one in firings] == [(420, 840, Level.YELLOW)]


def test_a_silence_is_told_when_its_time_is_over_though_nothing_comes() -> None:
    ladder = Ladder.of(WatchKind.SILENT, limits={Level.BLUE: 180.0, Level.ORANGE: 600.0}, hysteresis=0, hold_s=0)
    past = past_of([(0, 1), (60, 1), (500, 1), (560, 1), (620, 1)], until_s=2000)
    firings = firings_of(replayed(ladder, past).events)
    assert [(one.raised_us // S, one.cleared_us and one.cleared_us // S, one.level) for one in firings] == [
        (240, 500, Level.BLUE),
        (800, None, Level.ORANGE),
    ]


def test_firings_and_tallies_say_how_often_and_how_long() -> None:
    ladder = Ladder.of(WatchKind.HIGH, limits=LIMITS, hysteresis=0, hold_s=0)
    events = replayed(ladder, past_of([(0, 5), (10, 15), (20, 45), (30, 15), (40, 5), (50, 25)], until_s=100)).events
    first, second = firings_of(events)
    assert (first.level, first.value, first.observation_id, first.stood_us(100 * S) // S) == (Level.RED, 45.0, 3, 30)
    assert (second.cleared_us, second.stood_us(100 * S) // S) == (None, 50)
    tallies = tallies_of(events, until_us=100 * S)
    assert {level: (tally.entered, tally.stood_us // S) for level, tally in tallies.items()} == {
        Level.RED: (1, 10), Level.ORANGE: (0, 0), Level.YELLOW: (1, 50), Level.BLUE: (2, 20),
    }  # fmt: skip


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=500), st.integers(1, 40))
def test_the_picture_loses_no_peak(values: list[float], parts: int) -> None:
    times = np.arange(len(values), dtype=np.int64) * 7 + 1
    when, shown = envelope(times, np.array(values), parts=parts)
    assert len(when) <= 2 * parts or len(values) <= 2 * parts
    assert (shown.min(), shown.max()) == (min(values), max(values))
    assert (np.diff(when) > 0).all()


def wandering(seed: int, count: int = 90) -> list[tuple[float, float]]:
    """A made-up pressure that wanders about the limits of the tests."""
    chance, second, value, readings = random.Random(seed), 0.0, 0.3, []  # noqa: S311  no secret
    for _ in range(count):
        second += chance.choice([5, 10, 30, 60])
        value = min(0.5, max(0.0, value + chance.uniform(-0.12, 0.12)))
        readings.append((second, round(value, 3)))
    return readings


def trial_of(city: City, **more: object) -> Trial:
    values = {"kind": WatchKind.LOW, "limits": {Level.BLUE: 0.25, Level.ORANGE: 0.1}, "hysteresis": 0.02}
    values |= {"hold_s": 0.0, "off_delay_s": 0.0, "datastream_ids": (city.first,)} | more
    return Trial(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("delays", [(0.0, 0.0), (45.0, 0.0), (20.0, 75.0)])
def test_the_backtest_tells_what_the_live_machine_did(city: City, seed: int, delays: tuple[float, float]) -> None:
    on_s, off_s = delays
    limits = {Level.BLUE: 0.25, Level.ORANGE: 0.1}
    city.watch_by(watch("tried", WatchKind.LOW, limits, hold_s=on_s, off_delay_s=off_s))
    readings = wandering(seed)
    for start in range(0, len(readings), 4):
        piece = readings[start : start + 4]  # in less than the five minutes after which readings are late
        city.read(*piece)
        facade.run_machine(at(piece[-1][0]))
    found = facade.backtest(trial_of(city, hold_s=on_s, off_delay_s=off_s), until=at(readings[-1][0] + 0.001))
    (past,) = found.streams
    live = list(Activation.objects.order_by("pk").values_list("at", flat=True))
    assert [to_us(moment) for moment in live] == [one.raised_us for one in past.firings]
    if not past.firings:
        return
    alarm = Alarm.objects.get()
    last = past.firings[-1]
    assert (alarm.count, alarm.level_worst) == (len(past.firings), min(one.level for one in past.firings))
    assert (alarm.cleared_at and to_us(alarm.cleared_at)) == last.cleared_us


def test_a_backtest_reads_packed_days_too_and_links_each_firing_to_its_reading(
    city: City, keep_history: Callable[[int, Sequence[tuple[datetime, float]]], None]
) -> None:
    days = [at(0) - timedelta(days=day) for day in range(300, 0, -1)]
    keep_history(city.first, [(moment, 0.05 if number == 40 else 0.3) for number, moment in enumerate(days)])
    before = facade.backtest(trial_of(city), until=at(0))
    while sense.close_days(at(0).date(), hot_days=7):
        pass
    packed = facade.backtest(trial_of(city), until=at(0))
    assert packed == before
    ((firing,),) = [past.firings for past in packed.streams]
    assert (firing.raised_us, firing.observation_id) == (to_us(days[40]), 41)
    assert (packed.readings, packed.firings, packed.left_out) == (300, 1, 0)
    assert packed.tallies[Level.ORANGE].entered == 1
    (past,) = packed.streams
    assert past.limits == {Level.ORANGE: 0.1, Level.BLUE: 0.25}


def test_a_backtest_is_bounded_and_says_so(
    city: City,
    keep_history: Callable[[int, Sequence[tuple[datetime, float]]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keep_history(city.first, [(at(-60 * n), 0.3) for n in range(1, 101)])
    monkeypatch.setattr(backtests, "READINGS_MAX", 30)
    (past,) = facade.backtest(trial_of(city), until=at(0)).streams
    assert (past.readings, past.since, past.is_cut) == (30, at(-60 * 30), True)
    monkeypatch.setattr(backtests, "READINGS_TOGETHER_MAX", 30)
    found = facade.backtest(trial_of(city, datastream_ids=(city.first, city.second)), until=at(0))
    assert (len(found.streams), found.left_out) == (1, 1)


def test_a_stream_without_history_has_done_nothing(city: City) -> None:
    (past,) = facade.backtest(trial_of(city), until=at(0)).streams
    assert (past.readings, past.firings, past.curve) == (0, (), ())
    assert facade.backtest(trial_of(city, datastream_ids=(10**12,)), until=at(0)).streams == ()


def test_a_silence_watch_without_limits_follows_the_reporting_period(
    city: City, keep_history: Callable[[int, Sequence[tuple[datetime, float]]], None]
) -> None:
    keep_history(city.first, [(at(second), 0.3) for second in (0, 5, 10, 100, 105)])
    trial = trial_of(city, kind=WatchKind.SILENT, limits={}, hysteresis=0.0)
    (past,) = facade.backtest(trial, until=at(106)).streams
    assert [(one.raised_us, one.cleared_us) for one in past.firings] == [(to_us(at(25)), to_us(at(100)))]


def test_limits_that_cannot_be_used_are_refused(city: City) -> None:
    with pytest.raises(LimitsError):
        facade.backtest(trial_of(city, limits={}), until=at(0))
