"""Watches that look back, live: counted, extrapolated, held against permitted hours; killed and begun anew."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from cityloop.decide import facade
from cityloop.decide.facade import Trial
from cityloop.decide.models import Alarm, Candidate, Lookback
from cityloop.decide.tests.conftest import NOON, QUICK, City, at, watch
from cityloop.kernel.declarations import WatchKind, WatchSpec
from cityloop.kernel.instants import to_us
from cityloop.kernel.levels import Level
from cityloop.kernel.terms import Terms
from cityloop.sense import facade as sense

Keep = Callable[[int, Sequence[tuple[datetime, float]]], None]
OFTEN = watch(
    "often", WatchKind.COUNT, {Level.BLUE: 2.0, Level.ORANGE: 3.0}, unit="×", hysteresis=0.0,
    terms=Terms(span_s=60.0, limit=0.5),
)  # fmt: skip
NEAR = watch(
    "near", WatchKind.MINUTES, {Level.YELLOW: 30.0, Level.RED: 5.0}, unit="min", hysteresis=10.0,
    terms=Terms(limit=10.0, readings=5),
)  # fmt: skip
DAYTIME = watch(
    "daytime", WatchKind.SCHEDULE, {Level.YELLOW: 0.5}, hysteresis=0.0, terms=Terms(permitted=("all 06:00-13:00",))
)
HOUR = 3600.0


def scan(*seconds: float) -> None:
    for second in seconds:
        facade.scan_lookback(at(second))
        facade.run_machine(at(second))


def only() -> Alarm:
    return Alarm.objects.get()


def test_events_in_a_window_raise_and_leave_it_again(city: City) -> None:
    city.watch_by(OFTEN)
    city.read((0, 0.6), (10, 0.2), (20, 0.7))
    scan(21)
    assert (only().level, only().value, only().threshold) == (Level.BLUE, 2.0, 2.0)
    assert only().first_at == at(20)
    city.read((30, 0.9))
    scan(31)
    assert only().level == Level.ORANGE
    scan(61)
    assert (only().level, only().cleared_at) == (Level.BLUE, None)
    scan(100)
    assert only().cleared_at == at(80)
    scan(105, 200)
    assert not Candidate.objects.exists()
    assert only().count == 1


@pytest.mark.parametrize("cuts", [(1, 2, 3, 4), (4,), (2, 4)])
def test_it_does_not_matter_how_often_it_is_looked(city: City, cuts: tuple[int, ...]) -> None:
    city.watch_by(OFTEN)
    readings = [(0.0, 0.6), (20.0, 0.7), (95.0, 0.8), (96.0, 0.9)]
    begin = 0
    for cut in cuts:
        city.read(*readings[begin:cut])
        scan(readings[cut - 1][0] + 1)
        begin = cut
    scan(300)
    alarm = only()
    assert (alarm.count, alarm.level_worst, alarm.cleared_at) == (2, Level.BLUE, at(155))


def test_a_watch_that_is_new_counts_what_came_before_it(city: City) -> None:
    city.read((0, 0.6), (10, 0.8), (20, 0.7))
    city.watch_by(OFTEN, now=at(21))
    scan(25)
    assert (only().level, only().value) == (Level.ORANGE, 3.0)
    scan(200)
    assert only().cleared_at is not None


def test_the_history_is_read_before_the_lock_and_what_comes_meanwhile_counts(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    city.read((0, 0.6), (10, 0.8))
    city.watch_by(OFTEN, now=at(11))
    track, locked = sense.track, []

    def read_slowly(stream: int, **asked: Any) -> sense.Track:
        found = track(stream, **asked)
        if not locked:
            city.read((20, 0.7))
        locked.append(connection.in_atomic_block)
        return found

    monkeypatch.setattr(sense, "track", read_slowly)
    scan(25)
    assert locked == [False, True]
    assert (only().level, only().value) == (Level.ORANGE, 3.0)
    city.read((90, 0.1))
    scan(91)
    assert only().cleared_at is not None


def test_streams_that_are_new_are_looked_at_in_small_blocks(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cityloop.decide.services.lookback.FIRST_BLOCK", 1)
    city.watch_by(OFTEN)
    for stream in (city.first, city.second):
        city.read((0, 0.6), (10, 0.8), stream=stream)
    scan(11)
    assert {alarm.datastream_id for alarm in Alarm.objects.all()} == {city.first, city.second}
    assert Lookback.objects.count() == 2


def test_a_changed_watch_judges_at_once_and_forgets_the_old_memory(city: City) -> None:
    city.watch_by(OFTEN)
    city.read((0, 0.6), (10, 0.8))
    scan(11)
    assert only().level == Level.BLUE
    stricter = watch(
        "often", WatchKind.COUNT, {Level.RED: 2.0}, unit="×", hysteresis=0.0, terms=Terms(span_s=60.0, limit=0.5)
    )
    city.watch_by(stricter, now=at(12))
    scan(13)
    assert (only().level, only().cleared_at) == (Level.RED, None)
    assert Lookback.objects.count() == 1
    city.watch_by(now=at(14))
    assert not Lookback.objects.exists()


def test_alarms_of_a_stream_are_counted(city: City) -> None:
    restless = watch(
        "restless", WatchKind.COUNT, {Level.ORANGE: 3.0}, unit="×", hysteresis=0.0,
        terms=Terms(span_s=600.0, watches=("quick",)),
    )  # fmt: skip
    city.watch_by(QUICK, restless)
    for number in range(3):
        assert not Alarm.objects.filter(watch_code="restless").exists()
        city.read((10 * number, 0.15), (10 * number + 5, 0.3))
        scan(10 * number + 5, 10 * number + 6)
    alarm = Alarm.objects.get(watch_code="restless")
    assert (alarm.value, alarm.level, alarm.datastream_id) == (3.0, Level.ORANGE, city.first)
    scan(700, 701)
    alarm.refresh_from_db()
    assert alarm.cleared_at == at(700)
    trial = trial_of(restless, city)
    found = facade.backtest(trial, until=at(1000))
    assert [firing.value for firing in found.streams[0].firings] == [3.0]


def trial_of(spec: WatchSpec, city: City) -> Trial:
    return Trial(
        kind=spec.kind, limits=spec.limits, hysteresis=spec.hysteresis, hold_s=spec.hold_s,
        off_delay_s=spec.off_delay_s, datastream_ids=(city.first,), terms=spec.terms,
    )  # fmt: skip


def test_minutes_to_a_limit_grow_graver_as_they_grow_fewer(city: City) -> None:
    city.watch_by(NEAR)
    city.read(*((60.0 * n, 5.0 + 0.1 * n) for n in range(5)))
    scan(241)
    assert not Alarm.objects.exists()
    city.read(*((60.0 * n, 5.0 + 0.1 * n) for n in range(5, 21)))
    scan(1201)
    alarm = only()
    assert (alarm.level, alarm.unit, alarm.threshold) == (Level.YELLOW, "min", 30.0)
    assert alarm.value == pytest.approx(30.0)
    city.read(*((60.0 * n, 5.0 + 0.1 * n) for n in range(21, 47)))
    scan(2761)
    assert only().level == Level.RED
    city.read(*((60.0 * n, 9.6) for n in range(47, 52)))
    scan(3061)
    assert only().cleared_at is not None
    assert not Candidate.objects.exists()


def test_a_pump_that_runs_on_after_hours_is_an_alarm_until_morning(city: City) -> None:
    city.watch_by(DAYTIME)
    city.read((0, 0.8))
    scan(1, 3599)
    assert not Alarm.objects.exists()
    scan(HOUR + 1)
    assert (only().first_at, only().value) == (at(HOUR), 0.8)
    city.read((2 * HOUR, 0.1))
    scan(2 * HOUR + 1)
    assert only().cleared_at == at(2 * HOUR)
    city.read((3 * HOUR, 0.9))
    scan(3 * HOUR + 1)
    assert (only().count, only().cleared_at) == (2, None)
    scan(18 * HOUR + 1)
    assert only().cleared_at == at(18 * HOUR)


def test_it_may_be_killed_and_goes_on_where_it_was(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    city.watch_by(OFTEN)
    city.read((0, 0.6))
    scan(1)
    city.read((20, 0.7))
    with monkeypatch.context() as patched:
        patched.setattr("cityloop.decide.services.lookback.keep_bands", _stop)
        with pytest.raises(KeyboardInterrupt):
            facade.scan_lookback(at(21))
    assert Lookback.objects.get().position_us == to_us(at(0))
    scan(30)
    assert (only().value, only().first_at) == (2.0, at(20))


def _stop(_rows: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(("spec", "fired"), [(OFTEN, 1), (NEAR, 1), (DAYTIME, 2)])
def test_the_past_is_judged_as_the_present(city: City, keep_history: Keep, spec: WatchSpec, fired: int) -> None:
    readings = [(60.0 * n, 5.0 + 0.1 * n) for n in range(60)] + [(3601.0, 0.4), (3610.0, 0.6), (3611.0, 0.4)]
    if spec is OFTEN:
        readings = [(0.0, 0.6), (20.0, 0.7), (30.0, 0.2)]
    keep_history(city.first, [(at(second), value) for second, value in readings])
    found = facade.backtest(trial_of(spec, city), until=NOON + timedelta(hours=12))
    assert found.firings == fired
    city.watch_by(spec)
    for second, value in readings:
        city.read((second, value), stream=city.second)
        facade.scan_lookback(at(second))
        facade.run_machine(at(second))
    scan(12 * HOUR)
    alarm = only()
    past = found.streams[0].firings
    assert (alarm.count, alarm.first_at) == (fired, past[0].since_us and datetime.fromtimestamp(
        past[0].since_us / 1e6, tz=alarm.first_at.tzinfo))  # fmt: skip
    assert to_us(alarm.cleared_at) == past[-1].cleared_us
