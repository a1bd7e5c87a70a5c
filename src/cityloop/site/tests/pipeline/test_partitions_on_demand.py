"""Days get their partition when they need it; hostile times get none."""

from datetime import UTC, datetime

import pytest

from cityloop.kernel.instants import to_us
from cityloop.sense.stream.history.partitions import NEW_DAYS_MAX, partition_of
from cityloop.sense.stream.readings import Outcome
from cityloop.site.pipeline import Pipeline, open_pipeline

from .conftest import RecordingJudge, Store, now_us, readings

pytestmark = pytest.mark.django_db

DAY_US = 86_400_000_000
PLACES = "SELECT tableoid::regclass::text, count(*) FROM sense_observation GROUP BY 1 ORDER BY 1"
PARTITIONS = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'sense_observation'::regclass"


async def test_today_and_the_next_days_have_theirs_from_the_first_reading_on(pipeline: Pipeline, store: Store) -> None:
    at = now_us()
    await pipeline.keep(readings([(1, at, 1.0)]), idempotent=True)
    assert store.rows(PLACES) == [(partition_of(at // DAY_US), 1)]
    assert store.rows(PARTITIONS) == [(4,)]


async def test_a_late_day_gets_its_partition(pipeline: Pipeline, store: Store) -> None:
    old = now_us() - 19 * 365 * DAY_US
    await pipeline.keep(readings([(1, old, 1.0), (1, old + DAY_US, 1.0)]), idempotent=True)
    assert {name for name, _ in store.rows(PLACES)} == {partition_of(old // DAY_US), partition_of(old // DAY_US + 1)}


async def test_days_far_off_lie_in_the_default_partition(pipeline: Pipeline, store: Store) -> None:
    times = [to_us(datetime(year, 1, 1, tzinfo=UTC)) for year in (1, 1066, 1969, 2999, 9999)]
    kept = await pipeline.keep(readings([(1, at, 1.0) for at in times]), idempotent=True)
    assert set(kept.outcome.tolist()) == {Outcome.KEPT}
    assert store.rows(PLACES) == [("sense_observation_other", 5)]
    again = await pipeline.keep(readings([(1, at, 1.0) for at in times]), idempotent=True)
    assert set(again.outcome.tolist()) == {Outcome.DUPLICATE}


async def test_too_many_new_days_at_once_make_no_tables(pipeline: Pipeline, store: Store) -> None:
    start = now_us() - 10 * 365 * DAY_US
    days = [(1, start + day * DAY_US, 1.0) for day in range(NEW_DAYS_MAX + 1)]
    await pipeline.keep(readings(days), idempotent=True)
    assert store.rows(PLACES) == [("sense_observation_other", NEW_DAYS_MAX + 1)]
    again = await pipeline.keep(readings(days), idempotent=True)
    assert set(again.outcome.tolist()) == {Outcome.DUPLICATE}


async def test_a_day_that_began_in_the_default_partition_stays_there(store: Store, judge: RecordingJudge) -> None:
    old = now_us() - 400 * DAY_US
    store.run(
        "INSERT INTO sense_observation (datastream_id, phenomenon_time, id, result, feature_id) "
        "VALUES (1, to_timestamp(%s), 1, 1, 1)",
        old // 1_000_000,
    )
    pipeline = await open_pipeline(store.dsn, node=0, process="web", judge=judge)
    await pipeline.keep(readings([(1, old + 1_000_000, 1.0)]), idempotent=True)
    await pipeline.close()
    assert store.rows(PLACES) == [("sense_observation_other", 2)]


async def test_two_processes_that_need_the_same_day_both_find_it(store: Store, judge: RecordingJudge) -> None:
    old = now_us() - 500 * DAY_US
    both = [await open_pipeline(store.dsn, node=0, process="web", judge=judge) for _ in range(2)]
    for number, pipeline in enumerate(both):
        await pipeline.keep(readings([(1, old + number, 1.0)]), idempotent=True)
        await pipeline.close()
    assert store.rows(PLACES) == [(partition_of(old // DAY_US), 2)]
