"""Watches of the distance from the kept forecast: live, on the past, and where no forecast is in force."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloop.decide import facade
from cityloop.decide.facade import StreamsUnfitError, Trial, WatchDraft, WatchEdit
from cityloop.decide.models import Alarm, Compilation, Forecast, ForecastStream
from cityloop.decide.rules import Ladder
from cityloop.decide.selectors.forecasts import packed
from cityloop.decide.selectors.hours import midnight_of
from cityloop.decide.services import forecasts
from cityloop.decide.stream import Compiled, Issued, WatchOnStream, deviations, outlook_of
from cityloop.decide.tests.conftest import NOON, City, at, watch
from cityloop.decide.tests.test_forecasts import QUICK, fill
from cityloop.kernel.declarations import WatchKind
from cityloop.kernel.instants import to_us
from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text

TODAY = date(2026, 11, 22)
FAR = watch("far", WatchKind.FORECAST, {Level.BLUE: 2.0, Level.ORANGE: 4.0}, unit="q80", hysteresis=0.5)
HOUR_US = 3_600_000_000


def keep(stream: int, day: date, *, value: float, below: float = 0.05, above: float = 0.1) -> Forecast:
    """Keep a forecast of one value a week long, issued twenty minutes after its midnight."""
    curve = np.full(168, value)
    start = midnight_of(day)
    return Forecast.objects.create(
        datastream_id=stream, starts_on=day, starts_at=start, issued_at=start + timedelta(minutes=20), method="model",
        share_first=0.5, share_later=0.5, learnt_days=60, learnt_rows=1000, curve=packed(curve),
        low=packed(curve - below), high=packed(curve + above),
    )  # fmt: skip


def test_a_reading_is_judged_in_halves_of_the_band_on_its_side(city: City) -> None:
    keep(city.first, TODAY, value=1.0)
    city.watch_by(FAR)
    city.read((0, 1.15), (5, 0.95), (10, 1.19))
    facade.run_machine(at(10))
    assert not Alarm.objects.exists()
    city.read((15, 1.3))
    facade.run_machine(at(15))
    alarm = Alarm.objects.get()
    assert (alarm.level, alarm.unit, alarm.threshold) == (Level.BLUE, "q80", 2.0)
    assert alarm.value == pytest.approx(3.0, abs=1e-5)
    city.read((20, 0.7))
    facade.run_machine(at(20))
    alarm.refresh_from_db()
    assert (alarm.level, alarm.value) == (Level.ORANGE, pytest.approx(-6.0, abs=1e-5))
    city.read((25, 1.14))
    facade.run_machine(at(25))
    alarm.refresh_from_db()
    assert alarm.cleared_at == at(25)


def test_nothing_is_judged_where_no_forecast_is_in_force(city: City) -> None:
    keep(city.first, TODAY - timedelta(days=7), value=1.0)
    keep(city.first, TODAY + timedelta(days=1), value=1.0)
    Forecast.objects.filter(starts_on__gt=TODAY).update(curve=None)
    city.watch_by(FAR)
    assert city.read((0, 100.0), (5, 0.0)) == 0
    assert city.read((0, 100.0), stream=city.second) == 0


def test_a_new_forecast_makes_screens_load_again(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecasts, "FULL", QUICK)
    monkeypatch.setattr(forecasts, "HISTORY_DAYS", 120)
    fill(city.first, range(1, 101))
    city.watch_by(FAR)
    ForecastStream.objects.create(datastream_id=city.first, project="specimen")
    assert city.read((0, 100_000.0)) == 0
    before = Compilation.objects.get().version
    facade.issue_forecasts(midnight_of(TODAY) + timedelta(minutes=20), seconds_max=60)
    assert Compilation.objects.get().version == before + 1
    assert city.read((5, 100_000.0)) == 1


def test_a_backtest_judges_by_the_forecasts_that_were_known_then(city: City, keep_history: object) -> None:
    for back in (3, 2, 1):
        keep(city.first, TODAY - timedelta(days=back), value=float(back))
    first = midnight_of(TODAY - timedelta(days=3))
    moments = [first + timedelta(minutes=30 + 60 * hour) for hour in range(72)]
    values = [float(3 - hour // 24) for hour in range(72)]
    values[30] = 2.35
    keep_history(city.first, list(zip(moments, values, strict=True)))  # type: ignore[operator]
    trial = Trial(
        kind=WatchKind.FORECAST, limits=FAR.limits, hysteresis=0.5, hold_s=0.0, off_delay_s=0.0,
        datastream_ids=(city.first,),
    )  # fmt: skip
    found = facade.backtest(trial, until=NOON)
    (past,) = found.streams
    assert [(firing.raised_us, firing.level) for firing in past.firings] == [(to_us(moments[30]), Level.BLUE)]
    assert len(past.curve) == 72


def test_a_person_cannot_watch_a_forecast_that_nobody_makes(city: City) -> None:
    draft = WatchDraft(title=Text("偏离", "Off"), kind=WatchKind.FORECAST, streams=("specimen/point-*",))
    edit = WatchEdit(
        limits={Level.BLUE: 2.0}, hysteresis=0.0, hold_s=0.0, basis=Text("依据", "basis"), confirmed=False,
        enabled=True, note="why",
    )  # fmt: skip
    operator = city.people["operator"].person_id
    with pytest.raises(StreamsUnfitError):
        facade.make_watch(person_id=operator, draft=draft, edit=edit, now=NOON)
    ForecastStream.objects.create(datastream_id=city.first, project="specimen")
    assert facade.make_watch(person_id=operator, draft=draft, edit=edit, now=NOON).unit == "q80"


def issued(starts_h: int, value: float, *, delay_us: int = 0) -> Issued:
    curve = np.full(168, value)
    return Issued(starts_h * HOUR_US, starts_h * HOUR_US + delay_us, curve, curve - 1.0, curve + 2.0)


@given(st.lists(st.tuples(st.integers(24, 24 * 9 - 1), st.floats(-50, 50)), min_size=1, max_size=20))
def test_the_screen_and_the_backtest_say_the_same(readings: list[tuple[int, float]]) -> None:
    known = [issued(0, 10.0), issued(24, 12.0)]
    ladder = Ladder.of(WatchKind.FORECAST, limits={Level.BLUE: 1.0}, hysteresis=0.0, hold_s=0.0)
    hours = sorted(dict(readings).items())
    at_us = np.array([hour * HOUR_US + 1 for hour, _ in hours], dtype=np.int64)
    value = np.array([value for _, value in hours])
    compiled = Compiled([WatchOnStream(1, 1, ladder, outlook=outlook_of(known))])
    judged = compiled.judge(np.ones(len(hours), dtype=np.int64), at_us, value)
    off = deviations(at_us, value, known)
    assert judged.row.tolist() == np.flatnonzero(~np.isnan(off)).tolist()
    assert judged.value == pytest.approx(off[~np.isnan(off)])


def test_what_was_not_issued_yet_judges_nothing() -> None:
    at_us = np.array([0, 10, HOUR_US], dtype=np.int64)
    off = deviations(at_us, np.array([13.0, 13.0, 8.0]), [issued(0, 10.0, delay_us=10)])
    assert np.isnan(off[0])
    assert off[1:].tolist() == [1.5, -2.0]
