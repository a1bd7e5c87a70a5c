"""What a scan is told of many streams at once is what each would tell alone."""

from datetime import timedelta

from django.db import connection

from cityloop.decide.tests.conftest import City, at
from cityloop.kernel.instants import to_us
from cityloop.sense import facade as sense


def test_fresh_readings_are_those_of_each_stream_alone(city: City) -> None:
    readings = [(0.0, 0.1), (1.0, 0.2), (1.0, 0.9), (2.0, 0.3), (2.0, None), (3.0, None)]
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO sense_observation (datastream_id, phenomenon_time, id, result, feature_id)"
            " VALUES (%s, %s, %s, %s, 1)",
            [
                (stream, at(second), 100 * stream + number, value)
                for stream in (city.first, city.second)
                for number, (second, value) in enumerate(readings)
            ],
        )
    since = {city.first: at(1), city.second: at(2), 999_999: at(0)}
    found = sense.fresh_tracks({stream: to_us(moment) for stream, moment in since.items()})
    assert sorted(found) == [city.first, city.second]
    for stream, track in found.items():
        alone = sense.track(stream, since=since[stream], until=at(9), readings_max=100)
        assert track.at_us.tolist() == alone.at_us.tolist()
        assert track.value.tolist() == alone.value.tolist()
        assert track.observation_id.tolist() == alone.observation_id.tolist()
    assert found[city.first].value.tolist() == [0.2, 0.3]
    assert sense.fresh_tracks({}) == {}
    assert sense.fresh_tracks({city.first: to_us(at(4))}) == {}
    assert timedelta(0) < sense.FRESH < timedelta(days=1)
