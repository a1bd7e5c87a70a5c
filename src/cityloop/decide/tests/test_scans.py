"""Silence and stuck values, found by time alone."""

from django.db import connection

from cityloop.decide import facade
from cityloop.decide.models import Alarm
from cityloop.decide.tests.conftest import SILENT, STUCK, City, at
from cityloop.kernel.facts import Ref
from cityloop.kernel.facts.decided import AlarmCleared, AlarmRaised
from cityloop.kernel.instants import to_us
from cityloop.kernel.levels import Level
from cityloop.kernel.observation_ids import id_range
from cityloop.kernel.quality import Quality


def scan(*seconds: float) -> None:
    for second in seconds:
        facade.scan_silence(at(second))
        facade.run_machine(at(second))


def test_three_periods_without_a_reading_are_silence_and_the_next_reading_ends_it(city: City) -> None:
    city.watch_by(SILENT)
    scan(0)
    city.read((0, 0.3))
    city.read((1, 0.3), stream=city.second)
    scan(5, 10, 14.9)
    assert not Alarm.objects.exists()
    city.read((15, 0.3), stream=city.second)
    scan(15, 20)
    (alarm,) = facade.open_alarms()
    assert (alarm.datastream_id, alarm.level, alarm.value, alarm.threshold) == (city.first, Level.BLUE, 15.0, 15.0)
    (fact,) = city.facts(AlarmRaised)
    assert fact.causes == (Ref.observation(alarm.observation_id),)
    city.read((22, 0.3))
    scan(23)
    assert len(city.facts(AlarmCleared)) == 1


def test_a_stream_that_never_spoke_is_silent_too(city: City) -> None:
    city.watch_by(SILENT)
    scan(0, 14)
    assert not Alarm.objects.exists()
    scan(16)
    assert Alarm.objects.count() == 2
    assert all(not fact.causes for fact in city.facts(AlarmRaised))


def test_who_always_tells_the_day_ahead_is_not_silent(city: City) -> None:
    city.watch_by(SILENT)
    city.read((0, 0.3))
    city.read((0, 0.3), stream=city.second)
    scan(1)
    for told, quality in ((10, Quality.MANUAL), (20, Quality.GOOD)):
        _tell_ahead(city.first, told_at=told, quality=quality)
        _tell_ahead(city.second, told_at=told, quality=Quality.GOOD)
    scan(16, 24)
    assert {alarm.datastream_id for alarm in facade.open_alarms()} == {city.second}
    scan(26)
    assert {alarm.datastream_id for alarm in facade.open_alarms()} == {city.first, city.second}


def _tell_ahead(stream: int, *, told_at: float, quality: Quality) -> None:
    """Keep a reading of the next day, as the pipeline does: it extends the extent alone."""
    number, _ = id_range(from_us=to_us(at(told_at)), until_us=to_us(at(told_at)))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO sense_observation (datastream_id, phenomenon_time, id, result, quality, feature_id)"
            " VALUES (%s, %s, %s, 1.0, %s, 1)",
            [stream, at(86_400 + told_at), number, int(quality)],
        )
        cursor.execute(
            "UPDATE sense_latest SET last_time = %s WHERE datastream_id = %s", [at(86_400 + told_at), stream]
        )


def test_our_own_absence_is_not_the_silence_of_streams(city: City) -> None:
    city.watch_by(SILENT)
    city.read((0, 0.3))
    city.read((0, 0.3), stream=city.second)
    scan(1)
    scan(3600, 3605, 3610)
    assert not Alarm.objects.exists()
    scan(3616)
    assert Alarm.objects.count() == 2
    scan(7200, 7210)
    assert Alarm.objects.filter(cleared_at=None).count() == 2
    assert city.facts(AlarmCleared) == []


def test_a_value_that_does_not_move_is_stuck(city: City) -> None:
    city.watch_by(STUCK)
    for second in (0, 1800, 3599):
        city.read((second, 0.3))
        scan(second)
    assert not Alarm.objects.exists()
    city.read((3600, 0.3))
    scan(3601)
    (alarm,) = facade.open_alarms()
    assert (alarm.value, alarm.threshold, alarm.unit) == (3600.0, 3600.0, "s")
    city.read((3700, 0.31))
    scan(3701)
    assert facade.alarm(alarm.alarm_id).state is facade.AlarmState.CLEARED


def test_a_value_that_came_and_went_between_two_scans_is_not_stuck(city: City, keep_history) -> None:  # noqa: ANN001
    city.watch_by(STUCK)
    city.read((0, 0.3))
    scan(1)
    keep_history(city.first, [(at(0), 0.3), (at(1000), 0.7), (at(2000), 0.3), (at(3600), 0.3)])
    city.read((3600, 0.3))
    scan(3601)
    assert not Alarm.objects.exists()
    city.read((7199, 0.3))
    scan(7200)
    assert not Alarm.objects.exists()
    city.read((7200, 0.3))
    scan(7201)
    assert Alarm.objects.count() == 1


def test_a_stream_that_is_silent_is_not_stuck(city: City) -> None:
    city.watch_by(STUCK)
    city.read((0, 0.3))
    scan(1, 4000, 8000)
    assert not Alarm.objects.exists()
