"""The screen and the one machine on a real database: from readings to alarms."""

import asyncio
import threading

import pytest
from django.db import connection

from cityloop.decide import facade
from cityloop.decide.models import Alarm, Candidate, Machine, Pending, ScreenRow
from cityloop.decide.services import machine
from cityloop.decide.tests.conftest import HOLDING, NOON, QUICK, RATE, City, Mouth, at
from cityloop.kernel.facts import Ref
from cityloop.kernel.facts.decided import (
    AlarmCleared,
    AlarmClosed,
    AlarmLevelChanged,
    AlarmRaised,
    AlarmRepeated,
    AlarmUnshelved,
)
from cityloop.kernel.levels import Level
from cityloop.kernel.quality import Quality


def only_alarm() -> facade.AlarmView:
    (row,) = Alarm.objects.all()
    return facade.alarm(row.pk)


def test_normal_traffic_leaves_nothing_behind(city: City) -> None:
    city.watch_by(QUICK, HOLDING)
    assert city.read((0, 0.35), (5, 0.34), (10, 0.36)) == 0
    assert not ScreenRow.objects.exists()
    assert not Candidate.objects.exists()
    assert facade.run_machine(at(10)) == 0


def test_a_trip_shorter_than_the_hold_raises_nothing(city: City) -> None:
    city.watch_by(HOLDING)
    city.read((0, 0.05))
    facade.run_machine(at(1))
    assert Pending.objects.count() == 2
    facade.run_machine(at(58))
    city.read((59, 0.35))
    facade.run_machine(at(200))
    assert not Alarm.objects.exists()
    assert not Pending.objects.exists()


def test_a_reading_that_stays_raises_one_alarm_with_its_reading_as_cause(city: City) -> None:
    city.watch_by(HOLDING)
    city.read((0, 0.15))
    for second in (1, 30, 59):
        facade.run_machine(at(second))
        assert not Alarm.objects.exists()
    for second in (60, 61, 90):
        facade.run_machine(at(second))
    alarm = only_alarm()
    assert (alarm.level, alarm.value, alarm.threshold, alarm.unit) == (Level.ORANGE, 0.15, 0.2, "MPa")
    assert alarm.first_at == at(0)
    assert alarm.area == "110105"
    (fact,) = city.facts(AlarmRaised)
    assert isinstance(fact, AlarmRaised)
    assert fact.causes == (Ref.observation(alarm.observation_id),)
    assert (fact.alarm_id, fact.area, fact.case_kind) == (alarm.alarm_id, "110105", "water-loss")
    assert fact.actor == "watch:held"


def test_the_return_clears_it_and_names_what_it_followed_from(city: City) -> None:
    city.watch_by(QUICK)
    city.read((0, 0.15))
    facade.run_machine(at(0))
    city.read((10, 0.21))
    facade.run_machine(at(10))
    assert only_alarm().stands
    city.read((20, 0.30))
    facade.run_machine(at(20))
    alarm = only_alarm()
    assert alarm.state is facade.AlarmState.CLEARED
    assert (alarm.cleared_at, alarm.clear_value) == (at(20), 0.30)
    (fact,) = city.facts(AlarmCleared)
    assert Ref.fact(alarm.raised_fact) in fact.causes


def test_a_return_after_the_hold_raises_and_clears_in_one_run(city: City) -> None:
    city.watch_by(HOLDING)
    city.read((0, 0.15), (70, 0.35), received_s=70)
    facade.run_machine(at(71))
    alarm = only_alarm()
    assert (alarm.first_at, alarm.cleared_at) == (at(0), at(70))
    assert len(city.facts(AlarmRaised)) == len(city.facts(AlarmCleared)) == 1


def test_levels_move_one_alarm(city: City) -> None:
    city.watch_by(QUICK)
    for second, value in ((0, 0.15), (10, 0.05), (20, 0.15)):
        city.read((second, value))
        facade.run_machine(at(second))
    alarm = only_alarm()
    assert (alarm.level, alarm.level_worst, alarm.count) == (Level.BLUE, Level.ORANGE, 1)
    assert [(fact.level_before, fact.level) for fact in city.facts(AlarmLevelChanged)] == [
        (Level.BLUE, Level.ORANGE),
        (Level.ORANGE, Level.BLUE),
    ]


def test_repeats_merge_into_one_alarm(city: City) -> None:
    city.watch_by(QUICK)
    for second, value in ((0, 0.15), (10, 0.35), (20, 0.15), (30, 0.35), (40, 0.15)):
        city.read((second, value))
        facade.run_machine(at(second))
    alarm = only_alarm()
    assert (alarm.count, alarm.stands, alarm.last_at) == (3, True, at(40))
    assert len(city.facts(AlarmRaised)) == 1
    assert [fact.count for fact in city.facts(AlarmRepeated)] == [2, 3]


def test_a_flood_of_changes_is_no_flood_of_facts(city: City) -> None:
    city.watch_by(QUICK)
    city.read(*((n / 2, 0.15 if n % 2 else 0.35) for n in range(1, 400)))
    facade.run_machine(at(200))
    alarm = only_alarm()
    assert alarm.count == 200
    assert len(city.facts(AlarmRaised, AlarmRepeated, AlarmCleared)) == 2
    assert Machine.objects.get().consumed == 399


def test_cutting_the_same_readings_into_other_batches_changes_nothing(city: City) -> None:
    city.watch_by(QUICK, HOLDING)
    track = [
        (float(20 * n), value) for n, value in enumerate([0.3, 0.15, 0.14, 0.05, 0.15, 0.05, 0.04, 0.05, 0.3, 0.1])
    ]
    city.read(*track, stream=city.first, received_s=180)
    for second, value in track:
        city.read((second, value), stream=city.second)
        facade.run_machine(at(second))
    facade.run_machine(at(181))
    fields = ("watch_code", "level", "level_worst", "count", "first_at", "last_at", "cleared_at", "value")
    first, second = (
        list(Alarm.objects.filter(datastream_id=stream).order_by("watch_code", "pk").values_list(*fields))
        for stream in (city.first, city.second)
    )
    assert first == second
    assert len(first) == 2


def test_readings_through_two_mouths_at_once_make_one_alarm(city: City) -> None:
    city.watch_by(QUICK)

    async def both() -> None:
        low = [(float(second), 0.15) for second in range(0, 20, 2)]
        also = [(float(second), 0.15) for second in range(1, 20, 2)]
        await asyncio.gather(*(Mouth(city).take(city.first, [one]) for one in low + also))

    asyncio.run(both())
    facade.run_machine(at(30))
    assert only_alarm().count == 1
    assert Machine.objects.get().consumed == 1


def test_a_clock_a_year_ahead_judges_nothing(city: City) -> None:
    city.watch_by(QUICK, HOLDING)
    year_s = 365 * 86_400
    city.read((year_s, 0.01), received_s=5)
    facade.run_machine(at(6))
    assert not Alarm.objects.exists()
    assert Machine.objects.get().ignored == 2


def test_a_condition_that_ended_before_its_readings_arrived_is_history_only(city: City) -> None:
    city.watch_by(QUICK)
    city.read((0, 0.15), received_s=7200)
    facade.run_machine(at(7200))
    assert not Alarm.objects.exists()
    city.read((600, 0.35), received_s=7201)
    facade.run_machine(at(7201))
    city.read((7202, 0.35))
    facade.run_machine(at(7202))
    alarm = only_alarm()
    assert (alarm.late, alarm.state, alarm.first_at, alarm.cleared_at) == (
        True,
        facade.AlarmState.CLOSED,
        at(0),
        at(600),
    )
    assert city.facts(AlarmRaised, AlarmCleared, AlarmClosed) == []


def test_a_late_flood_is_one_entry_of_history(city: City) -> None:
    city.watch_by(QUICK)
    city.read(*((n / 2, 0.15 if n % 2 else 0.35) for n in range(1, 401)), received_s=7200)
    facade.run_machine(at(7300))
    alarm = only_alarm()
    assert (alarm.late, alarm.count, alarm.is_open) == (True, 200, False)


def test_a_late_condition_that_still_stands_is_an_alarm(city: City) -> None:
    city.watch_by(QUICK)
    city.read((0, 0.15), received_s=7200)
    city.read((7201, 0.15))
    facade.run_machine(at(7202))
    assert only_alarm().stands
    city.read((10, 0.05), stream=city.second, received_s=7300)
    facade.run_machine(at(7301))
    assert Alarm.objects.count() == 1
    facade.run_machine(at(7361))
    assert Alarm.objects.count() == 2


def test_a_condition_that_came_and_went_behind_a_cut_cable_is_history_only(city: City) -> None:
    city.watch_by(QUICK)
    city.read((0, 0.15), received_s=40, quality=Quality.LATE)
    facade.run_machine(at(40))
    assert not Alarm.objects.exists()
    city.read((20, 0.35), received_s=41, quality=Quality.LATE)
    city.read((41, 0.35))
    facade.run_machine(at(42))
    alarm = only_alarm()
    assert (alarm.late, alarm.state, alarm.cleared_at) == (True, facade.AlarmState.CLOSED, at(20))
    assert city.facts(AlarmRaised, AlarmCleared, AlarmClosed) == []


def test_a_condition_behind_a_cut_cable_that_still_stands_is_raised_once_the_stream_is_present(city: City) -> None:
    city.watch_by(QUICK)
    city.read((0, 0.15), received_s=40, quality=Quality.LATE)
    facade.run_machine(at(40))
    assert not Alarm.objects.exists()
    city.read((41, 0.15))
    facade.run_machine(at(42))
    assert only_alarm().stands


def test_a_stream_that_catches_up_slowly_is_waited_for(city: City) -> None:
    city.watch_by(QUICK)
    city.read((0, 0.15), received_s=600, quality=Quality.LATE)
    city.read((500, 0.15), received_s=690, quality=Quality.LATE)
    facade.run_machine(at(700))
    assert not Alarm.objects.exists()
    city.read((550, 0.35), received_s=701, quality=Quality.LATE)
    city.read((702, 0.35))
    facade.run_machine(at(703))
    assert only_alarm().late


def test_the_machine_restarts_in_mid_hold(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    city.watch_by(HOLDING)
    city.read((0, 0.15))
    facade.run_machine(at(1))

    def killed(*_facts: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(machine, "post", killed)
        with pytest.raises(KeyboardInterrupt):
            facade.run_machine(at(61))
    assert not Alarm.objects.exists()
    facade.run_machine(at(62))
    facade.run_machine(at(63))
    assert only_alarm().count == 1
    assert len(city.facts(AlarmRaised)) == 1


def test_a_second_machine_waits_for_the_first(city: City) -> None:
    city.watch_by(QUICK)
    city.read((0, 0.15))
    failures: list[BaseException] = []

    def one() -> None:
        try:
            facade.run_machine(at(1))
        except BaseException as error:  # noqa: BLE001  told to the test
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert only_alarm().count == 1
    assert len(city.facts(AlarmRaised)) == 1


def test_a_run_is_bounded_and_the_rest_follows(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "CANDIDATES_PER_RUN_MAX", 3)
    city.watch_by(QUICK, HOLDING)
    city.read(*((float(second), 0.15 if second % 2 else 0.35) for second in range(1, 12)))
    facade.run_machine(at(12))
    assert not Candidate.objects.exists()
    assert Machine.objects.get().cut_short > 0
    assert Alarm.objects.get().count == 6


def test_the_rate_of_change_is_judged_across_batches(city: City) -> None:
    city.watch_by(RATE)
    city.read((0, 0.35))
    city.read((10, 0.05))
    facade.run_machine(at(10))
    alarm = only_alarm()
    assert alarm.value == pytest.approx(-1.8)
    assert alarm.unit == "MPa/min"


def test_shelved_alarms_come_back_when_their_time_is_over(city: City) -> None:
    city.watch_by(QUICK)
    city.read((0, 0.15))
    facade.run_machine(at(0))
    alarm = only_alarm()
    duty = city.people["duty1"].person_id
    facade.shelve(alarm.alarm_id, person_id=duty, reason="检修", until=at(3600), now=at(10))
    city.read((20, 0.35))
    city.read((30, 0.15))
    facade.run_machine(at(30))
    assert only_alarm().state is facade.AlarmState.SHELVED
    assert facade.open_alarms() == []
    facade.run_machine(at(3600))
    assert only_alarm().state is facade.AlarmState.RAISED
    (fact,) = city.facts(AlarmUnshelved)
    assert fact.reason == "time"


def test_a_graver_level_takes_a_shelved_alarm_back(city: City) -> None:
    city.watch_by(QUICK)
    city.read((0, 0.15))
    facade.run_machine(at(0))
    duty = city.people["duty1"].person_id
    facade.shelve(only_alarm().alarm_id, person_id=duty, reason="检修", until=at(3600), now=at(10))
    city.read((20, 0.05))
    facade.run_machine(at(20))
    assert only_alarm().state is facade.AlarmState.RAISED
    assert [fact.reason for fact in city.facts(AlarmUnshelved)] == ["graver"]


def test_counts_tell_what_is_open(city: City) -> None:
    city.watch_by(QUICK)
    city.read((0, 0.15))
    city.read((0, 0.05), stream=city.second)
    facade.run_machine(NOON)
    counts = facade.alarm_counts()
    assert (counts.open, counts.unacknowledged, counts.waiting) == (2, 2, 0)
    assert counts.by_level == {Level.RED: 0, Level.ORANGE: 1, Level.YELLOW: 0, Level.BLUE: 1}
    district = facade.open_alarms_by_district()["110105"]
    assert (district.open, district.gravest) == (2, Level.ORANGE)
    assert [alarm.level for alarm in facade.open_alarms(area="110105")] == [Level.ORANGE, Level.BLUE]
    assert facade.open_alarms(area="110101") == []
    assert facade.machine_state().consumed == 2
