"""Baselines learnt from the history, and alarms against them."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest

from cityloop.decide import facade
from cityloop.decide.models import Baseline, BaselinePosition, Machine
from cityloop.decide.tests.conftest import BASED, NOON, City, at
from cityloop.kernel.areas import CITY
from cityloop.kernel.facts.sensed import ReadingsKept

WEEK = timedelta(weeks=1)
HOUR = timedelta(hours=1)


def kept(second: float) -> ReadingsKept:
    return ReadingsKept(
        fact_id=uuid4(), happened_at=at(second), actor="system:wire", area=CITY, readings=1, duplicates=0, rejected=0,
        first_observation_id=1, last_observation_id=1,
    )  # fmt: skip


@pytest.fixture
def weeks(city: City, keep_history: Callable[..., None]) -> City:
    """Six weeks in which the noon hour of the city's Sunday holds about 0.30, the hour before 0.50."""
    rows = []
    for week in range(1, 7):
        rows += [(NOON - week * WEEK + timedelta(minutes=m), 0.30 + 0.001 * ((m + week) % 5)) for m in range(0, 60, 5)]
        rows += [(NOON - week * WEEK - HOUR + timedelta(minutes=m), 0.50) for m in range(0, 60, 5)]
    keep_history(city.first, rows)
    city.watch_by(BASED)
    return city


def test_history_is_learnt_once_by_hour_of_the_week(weeks: City) -> None:
    facade.refresh_baselines(kept(0))
    learnt = {row.hour_of_week: (row.n, row.mean) for row in Baseline.objects.filter(datastream_id=weeks.first)}
    assert learnt[6 * 24 + 12] == (pytest.approx(72), pytest.approx(0.302, abs=0.001))
    assert learnt[6 * 24 + 11] == (pytest.approx(72), pytest.approx(0.5))
    assert len(learnt) == 2
    position = BaselinePosition.objects.get(datastream_id=weeks.first)
    assert position.learnt_until == NOON - HOUR
    facade.refresh_baselines(kept(1))
    facade.refresh_baselines(kept(120))
    assert facade.learn_baselines(at(180)) == 0
    assert Baseline.objects.get(hour_of_week=6 * 24 + 12).n == pytest.approx(72)


@pytest.mark.usefixtures("weeks")
def test_it_is_refreshed_at_most_once_a_minute() -> None:
    facade.refresh_baselines(kept(0))
    facade.refresh_baselines(kept(59))
    assert Machine.objects.get().learnt_at == at(0)
    facade.refresh_baselines(kept(60))
    assert Machine.objects.get().learnt_at == at(60)


def test_new_hours_are_added_and_everything_can_be_learnt_anew(weeks: City, keep_history: Callable[..., None]) -> None:
    facade.learn_baselines(NOON)
    keep_history(weeks.second, [(at(60), 0.4)])
    before = Baseline.objects.get(datastream_id=weeks.first, hour_of_week=6 * 24 + 12)
    keep_history(weeks.first, [(NOON + timedelta(minutes=m, seconds=1), 99.0) for m in range(0, 60, 5)])
    facade.learn_baselines(NOON + timedelta(hours=1, minutes=10))
    after = Baseline.objects.get(datastream_id=weeks.first, hour_of_week=6 * 24 + 12)
    assert after.n == before.n + 12
    assert after.mean < 0.32
    assert facade.relearn_baselines(NOON + timedelta(hours=1, minutes=10)) == 2
    assert Baseline.objects.get(datastream_id=weeks.first, hour_of_week=6 * 24 + 12).n == pytest.approx(84)


def test_a_reading_far_from_the_hours_baseline_is_an_alarm_in_deviations(weeks: City) -> None:
    facade.learn_baselines(NOON)
    weeks.read((60, 0.304))
    facade.run_machine(at(60))
    assert facade.open_alarms() == []
    weeks.read((120, 0.5))
    facade.run_machine(at(120))
    (alarm,) = facade.open_alarms()
    assert alarm.unit == "σ"
    assert alarm.value > 6
    weeks.read((180, 0.302))
    facade.run_machine(at(180))
    assert facade.alarm(alarm.alarm_id).state is facade.AlarmState.CLEARED


def test_without_a_baseline_nothing_is_judged(city: City) -> None:
    city.watch_by(BASED)
    assert city.read((0, 0.3), (5, 900.0)) == 0
