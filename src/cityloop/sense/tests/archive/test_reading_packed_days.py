"""What is asked of the past has the same answer before and after its days are packed."""

import asyncio
import dataclasses
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from psycopg import AsyncConnection

from cityloop.kernel.instants import from_us, to_us
from cityloop.kernel.observation_ids import ObservationIds
from cityloop.sense import facade
from cityloop.sense.models import Datastream, Retention, Sensor, Thing
from cityloop.sense.models import ObservedProperty as Property
from cityloop.sense.stream.history.arrays import register_arrays
from cityloop.sense.stream.history.duplicates import known_ids
from cityloop.sense.stream.history.partitions import DAY_US
from cityloop.sense.tests.archive.conftest import START_US, Store

pytestmark = pytest.mark.django_db(transaction=True)
TODAY = date(2026, 9, 10)
NOON = from_us(START_US + DAY_US // 2)
_FILL = """
    INSERT INTO sense_observation (datastream_id, phenomenon_time, id, result, quality, feature_id)
    SELECT s, t, %s + row_number() OVER (ORDER BY t, s), CASE WHEN s < 3 THEN extract(minute FROM t) / 4 END, s %% 3, 1
    FROM generate_series(%s::timestamptz, %s, interval '10 minutes') t, generate_series(1, 3) s
"""


@pytest.fixture
def filled(store: Store) -> Store:
    """Three days of three streams, a reading every ten minutes."""
    ((key, _),) = ObservationIds(node=0, writer=0).reserve(1, now_us=START_US + DAY_US)
    store.run(_FILL, key, from_us(START_US - DAY_US), from_us(START_US + 2 * DAY_US - 1))
    store.run(
        "INSERT INTO sense_latest (datastream_id, first_time, last_time) SELECT s, %s, %s FROM generate_series(1, 3) s",
        from_us(START_US - DAY_US),
        NOON,
    )
    return store


def _streams() -> None:
    thing = Thing.objects.create(name="t", description="")
    sensor = Sensor.objects.create(name="s", description="", encoding_type="text/plain", metadata="")
    observed = Property.objects.create(name="p", definition="http://p", description="")
    for number in (1, 2, 3):
        Datastream.objects.create(
            id=number, name="d", description="", observation_type="x", thing=thing, sensor=sensor,
            observed_property=observed, period_s=600, retention="short" if number == 1 else "",
        )  # fmt: skip


def _hours(since: datetime, until: datetime) -> list[tuple[int, int, str, int]]:
    found = facade.hours_of_many([1, 2, 3], since=since, until=until)
    columns = (found.datastream_id.tolist(), found.hour.tolist(), map(str, found.mean.tolist()), found.count.tolist())
    return sorted(zip(*columns, strict=True))


def _answers(store: Store) -> dict[str, Any]:
    keys = [key for (key,) in store.rows("SELECT id FROM sense_reading ORDER BY id")]
    day = {"since": NOON - timedelta(days=1), "until": NOON}
    return {
        "all": store.readings(),
        "by id": [facade.observation(key) for key in keys[::37]],
        "series": facade.series([1, 2], bucket_s=7200, **day),
        "hourly": facade.hourly(2, **day),
        "track": _told(facade.track(2, since=NOON - timedelta(days=400), until=NOON, readings_max=10_000)),
        "cut track": _told(facade.track(2, readings_max=50, **day)),
        "no numbers": _told(facade.track(3, readings_max=50, **day)),
        "arrivals": facade.arrivals([1, 2, 3], **day),
        "recent": [facade.recent_observations(3, since=NOON - timedelta(days=n), limit=200) for n in (0, 1, 2)],
        "hours of many": _hours(**day),
        "given of many": facade.given_of_many([1, 2, 3], **day),
        "few": facade.recent_observations(1, since=NOON - timedelta(days=30), limit=5),
    }


def _told(track: facade.Track) -> tuple[Any, ...]:
    return track.at_us.tolist(), track.value.tolist(), track.observation_id.tolist(), track.since, len(track)


def test_a_track_holds_each_instant_once_and_says_from_when_on_it_is_whole(filled: Store) -> None:
    _streams()
    _late(filled, 2, START_US, 99.0)
    since, until = NOON - timedelta(days=1), NOON
    whole = facade.track(2, since=since, until=until, readings_max=1000)
    assert (len(whole), whole.since) == (144, since)
    assert (np.diff(whole.at_us) == 600_000_000).all()
    assert whole.value[whole.at_us == START_US].tolist() == [0.0]
    newest = facade.track(2, since=since, until=until, readings_max=10)
    assert newest.at_us.tolist() == whole.at_us[-10:].tolist()
    assert newest.since == from_us(int(whole.at_us[-10]))
    assert len(facade.track(3, since=since, until=until, readings_max=10)) == 0


def test_every_selector_answers_as_before_when_its_days_are_packed(filled: Store) -> None:
    _streams()
    before = _answers(filled)
    assert facade.close_days(TODAY, hot_days=3) == 3 * 432
    assert filled.count("sense_observation") == 0
    assert _answers(filled) == before


def test_selectors_see_late_readings_beside_packed_days_and_after_they_are_merged(filled: Store) -> None:
    _streams()
    facade.close_days(TODAY, hot_days=3)
    _late(filled, 2, START_US + 5_000_000, 77.5)
    before = _answers(filled)
    assert filled.count("sense_observation") == 1
    assert facade.close_days(TODAY, hot_days=3) == 1
    assert (filled.count("sense_observation"), filled.count("sense_packedday")) == (0, 9)
    assert _answers(filled) == before
    assert filled.rows("SELECT readings, streams FROM sense_closedday ORDER BY day") == [(432, 3), (433, 3), (432, 3)]


def _late(store: Store, stream: int, time_us: int, value: float) -> int:
    ((key, _),) = ObservationIds(node=0, writer=5).reserve(1, now_us=START_US + 5 * DAY_US)
    _row(store, stream, from_us(time_us), key, value)
    return key


def test_days_that_are_not_old_enough_stay_as_they_are(filled: Store) -> None:
    assert facade.close_days(date(2026, 9, 6), hot_days=2) == 432
    assert filled.count("sense_observation") == 2 * 432
    assert facade.close_days(date(2026, 9, 6), hot_days=2) == 0


def test_one_reading_is_found_by_its_id_over_four_hundred_days_late_ones_too(store: Store) -> None:
    ids = ObservationIds(node=0, writer=0)
    keys = {}
    for back in range(400):
        received = START_US - back * DAY_US + 3_600_000_000
        ((key, _),) = ids.reserve(1, now_us=received)
        keys[key] = (back % 3 + 1, from_us(received - 7_000_000), float(back))
        ids = ObservationIds(node=0, writer=back % 30)
        if back % 10 == 0:
            ((late, _),) = ObservationIds(node=1, writer=1).reserve(1, now_us=received + 9 * DAY_US)
            keys[late] = (1, from_us(received), back + 0.5)
    for key, (stream, at, value) in keys.items():
        _row(store, stream, at, key, value)
    while facade.close_days(TODAY, hot_days=3):
        pass
    assert (store.count("sense_observation"), store.count("sense_closedday")) == (0, 400)
    found = {key: facade.observation(key) for key in keys}
    assert {key: (one.datastream_id, one.phenomenon_time, one.value) for key, one in found.items() if one} == keys
    assert facade.observation(max(keys) + 1) is None


_KEEP = """
    INSERT INTO sense_observation (datastream_id, phenomenon_time, id, result, feature_id) VALUES (%s, %s, %s, %s, 1)
"""


def _row(store: Store, stream: int, at: datetime, key: int, value: float) -> None:
    store.run(_KEEP, stream, at, key, value)


async def _known(dsn: str, streams: list[int], times: list[int]) -> list[int]:
    async with await AsyncConnection.connect(dsn, options="-c TimeZone=UTC") as connection:
        register_arrays(connection.adapters)
        columns = np.array(streams, dtype=np.int64), np.array(times, dtype=np.int64)
        found = await known_ids(connection, datastream_id=columns[0], phenomenon_us=columns[1])
        return [int(key) for key in found]


def test_a_reading_sent_again_is_recognised_in_a_packed_day(filled: Store) -> None:
    times = [START_US + minute * 60_000_000 for minute in (0, 10, 11, 1430)]
    asked = [(stream, time) for stream in (1, 3, 9) for time in times]
    question = filled.dsn, [stream for stream, _ in asked], [time for _, time in asked]
    before = asyncio.run(_known(*question))
    facade.close_days(TODAY, hot_days=3)
    assert [key > 0 for key in before] == [True, True, False, True] * 2 + [False] * 4
    assert asyncio.run(_known(*question)) == before


def test_retention_removes_whole_days_of_its_class_and_says_so(filled: Store) -> None:
    _streams()
    Retention.objects.all().delete()
    for code, days in (("", None), ("short", 8)):
        Retention.objects.create(code=code, title_zh="甲", title_en="A", keep_days=days, basis="x", confirmed=True)
    oldest = filled.rows("SELECT min(id) FROM sense_reading WHERE datastream_id = 1")[0][0]
    facade.close_days(TODAY, hot_days=3)
    assert facade.enforce_retention(date(2026, 9, 13)) == 2 * 144
    assert facade.enforce_retention(date(2026, 9, 13)) == 0
    assert filled.rows("SELECT datastream_id, count(*) FROM sense_reading GROUP BY 1 ORDER BY 1") == [
        (1, 144), (2, 432), (3, 432),
    ]  # fmt: skip
    (removal,) = facade.removals()
    assert (removal.retention, removal.readings, removal.before_day) == ("short", 288, date(2026, 9, 5))
    assert facade.observation(oldest) is None
    extent = filled.rows("SELECT first_time FROM sense_latest ORDER BY datastream_id")
    assert extent == [(from_us(START_US + DAY_US),), *[(from_us(START_US - DAY_US),)] * 2]
    assert [(row.code, row.streams) for row in facade.retention_classes()] == [("", 2), ("short", 1)]


def test_nothing_is_removed_under_a_time_that_nobody_has_confirmed(filled: Store) -> None:
    _streams()
    Retention.objects.all().delete()
    Retention.objects.create(code="", title_zh="甲", title_en="A", keep_days=8, basis="x")
    assert facade.enforce_retention(date(2028, 1, 1)) == 0
    assert filled.count("sense_reading") == 3 * 432


def test_retention_of_all_classes_forgets_the_day_altogether(filled: Store) -> None:
    _streams()
    Retention.objects.all().delete()
    Retention.objects.create(code="", title_zh="甲", title_en="A", keep_days=8, basis="x", confirmed=True)
    facade.close_days(TODAY, hot_days=3)
    oldest = filled.rows("SELECT min(id) FROM sense_reading")[0][0]
    assert facade.enforce_retention(date(2026, 12, 1)) == 3 * 432
    assert [filled.count(f"sense_{name}") for name in ("closedday", "packedid", "packedday")] == [0, 0, 0]
    gone = facade.removal_of(oldest)
    assert gone is not None
    assert gone.readings == 3 * 432
    ((fresh, _),) = ObservationIds(node=0, writer=0).reserve(1, now_us=to_us(datetime(2027, 1, 1, tzinfo=UTC)))
    assert facade.removal_of(fresh) is None
    assert filled.rows("SELECT DISTINCT first_time, phenomenon_time FROM sense_latest") == [(None, None)]


@pytest.mark.usefixtures("filled")
def test_a_class_is_changed_within_bounds_and_streams_are_put_into_it() -> None:
    _streams()
    Retention.objects.get_or_create(code="long", defaults={"title_zh": "甲", "title_en": "A", "basis": "x"})
    facade.change_retention("long", keep_days=20, confirmed=True, basis=" 市局文 ")
    (view,) = [row for row in facade.retention_classes() if row.code == "long"]
    assert (view.keep_days, view.confirmed, view.basis) == (20, True, "市局文")
    assert facade.assign_retention("long", [2, 3]) == 2
    with pytest.raises(facade.RetentionTooShortError):
        facade.change_retention("long", keep_days=1, confirmed=True, basis="x")
    for refused in (lambda: facade.assign_retention("none", [1]), lambda: _change("none")):
        with pytest.raises(facade.UnknownRetentionError):
            refused()


def _change(code: str) -> None:
    facade.change_retention(code, keep_days=20, confirmed=False, basis="x")


@pytest.mark.usefixtures("filled")
def test_the_extent_of_the_history_is_told() -> None:
    facade.close_days(TODAY, hot_days=3)
    extent = facade.history_extent()
    assert dataclasses.replace(extent, packed_bytes=0, hot_bytes=0) == facade.HistoryExtent(
        closed_days=3, packed=1296, packed_bytes=0, hot_bytes=0, newest_closed=date(2026, 9, 5)
    )
    assert extent.packed_bytes > 0


def test_many_streams_asked_at_once_answer_as_each_does_alone(filled: Store) -> None:  # noqa: ARG001  its readings
    day = {"since": NOON - timedelta(days=1), "until": NOON}
    hours = {
        stream: [(hour, mean, count) for one, hour, mean, count in _hours(**day) if one == stream]
        for stream in (1, 2, 3)
    }
    alone = [(round(at.timestamp()) // 3600, str(mean)) for at, mean in facade.hourly(1, **day)]
    assert [(hour, mean) for hour, mean, _ in hours[1]] == alone
    assert {count for _, _, count in hours[1]} == {6}
    assert {mean for _, mean, _ in hours[2]} == {"nan"}, "what is bad counts as arrived, but makes no mean"
    given = facade.given_of_many([1, 2, 3], **day)
    assert {one.datastream_id for one in given} == {1}
    assert [one.at for one in given] == sorted(one.at for one in given)
    assert given[-1].at == NOON
    assert facade.hours_of_many([], **day).hour.size == 0
