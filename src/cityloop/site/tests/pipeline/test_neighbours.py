"""Markers lower the quality before readings are kept; the announcer is told afterwards."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest

from cityloop.kernel.quality import Quality
from cityloop.sense.stream.history import append
from cityloop.sense.stream.readings import Kept, Outcome, Readings
from cityloop.site.pipeline import Pipeline, open_pipeline

from .conftest import RecordingJudge, Store, now_us, readings

pytestmark = pytest.mark.django_db


class SuspectsStreamTwo:
    """A marker that knows something against one stream."""

    def __init__(self) -> None:
        """Begin without batches."""
        self.batches: list[int] = []

    def mark(self, readings: Readings) -> None:
        """Flag the stream's readings."""
        self.batches.append(len(readings))
        readings.quality[readings.datastream_id == 2] = Quality.SUSPECT


class Broken:
    """A neighbour that fails."""

    def mark(self, readings: Readings) -> None:
        """Fail."""
        raise ValueError(len(readings))

    def announce(self, readings: Readings, kept: Kept) -> None:
        """Fail."""
        raise ValueError(len(readings), len(kept.outcome))


class RecordingAnnouncer:
    """Remembers the news."""

    def __init__(self, store: Store) -> None:
        """Begin empty."""
        self._store = store
        self.news: list[tuple[int, float, int]] = []
        self.stored: list[int] = []
        self.outcomes: list[list[int]] = []

    def announce(self, readings: Readings, kept: Kept) -> None:
        """Remember stream, value and id of what was kept, and how much another connection sees."""
        self.outcomes.append(kept.outcome.tolist())
        self.stored.append(self._store.count())
        rows = kept.outcome == Outcome.KEPT
        columns = (readings.datastream_id, readings.result, kept.observation_id)
        self.news += zip(*(column[rows].tolist() for column in columns), strict=True)


@pytest.fixture
def marker() -> SuspectsStreamTwo:
    """Return a marker."""
    return SuspectsStreamTwo()


@pytest.fixture
def announcer(store: Store) -> RecordingAnnouncer:
    """Return an announcer that remembers."""
    return RecordingAnnouncer(store)


@pytest.fixture
async def accompanied(
    store: Store, judge: RecordingJudge, marker: SuspectsStreamTwo, announcer: RecordingAnnouncer
) -> AsyncIterator[Pipeline]:
    """Yield a pipeline with both neighbours."""
    pipeline = await open_pipeline(store.dsn, node=0, process="web", judge=judge, markers=[marker], announcer=announcer)
    yield pipeline
    await pipeline.close()


async def test_marks_are_kept_with_the_readings_and_the_senders_columns_stay(
    accompanied: Pipeline, store: Store
) -> None:
    batch = readings([(1, now_us(), 1.0), (2, now_us(), 2.0)])
    await accompanied.keep(batch, idempotent=False)
    marks = store.rows("SELECT datastream_id, quality FROM sense_observation ORDER BY 1")
    assert marks == [(1, Quality.GOOD), (2, Quality.SUSPECT)]
    assert store.rows("SELECT quality FROM sense_latest WHERE datastream_id = 2") == [(Quality.SUSPECT,)]
    assert batch.quality.tolist() == [Quality.GOOD, Quality.GOOD]


async def test_a_batch_that_is_tried_again_is_marked_once(
    accompanied: Pipeline, marker: SuspectsStreamTwo, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []
    reserve = append.ObservationIds.reserve

    def failing_first(self: append.ObservationIds, count: int, *, now_us: int) -> list[tuple[int, int]]:
        tries.append(count)
        if len(tries) == 1:
            raise psycopg.errors.SerializationFailure
        return reserve(self, count, now_us=now_us)

    monkeypatch.setattr(append.ObservationIds, "reserve", failing_first)
    await accompanied.keep(readings([(2, now_us(), 1.0)]), idempotent=False)
    assert len(tries) > 1
    assert marker.batches == [1]


async def test_the_announcer_hears_what_is_durable_and_nothing_twice(
    accompanied: Pipeline, announcer: RecordingAnnouncer
) -> None:
    at = now_us()
    first = await accompanied.keep(readings([(1, at, 1.0), (777, at, 2.0), (2, at, 3.0)]), idempotent=True)
    await accompanied.keep(readings([(1, at, 9.0), (1, at + 1, 4.0)]), idempotent=True)
    await accompanied.close()
    one, _, two = first.observation_id.tolist()
    assert announcer.news[:2] == [(1, 1.0, one), (2, 3.0, two)]
    assert [value for _, value, _ in announcer.news] == [1.0, 3.0, 4.0]
    assert announcer.outcomes[0] == [Outcome.KEPT, Outcome.UNKNOWN_DATASTREAM, Outcome.KEPT]
    assert announcer.stored == [2, 3]


async def test_a_batch_sent_again_under_its_key_is_no_news(
    accompanied: Pipeline, announcer: RecordingAnnouncer
) -> None:
    batch = readings([(1, now_us(), 1.0)])
    for _ in range(2):
        await accompanied.keep(batch, idempotent=False, retry_key="a key")
    await accompanied.close()
    assert len(announcer.news) == 1
    assert announcer.outcomes == [[Outcome.KEPT], [Outcome.DUPLICATE]]


async def test_neighbours_that_fail_stop_nothing(
    store: Store, judge: RecordingJudge, marker: SuspectsStreamTwo, caplog: pytest.LogCaptureFixture
) -> None:
    broken = Broken()
    pipeline = await open_pipeline(
        store.dsn, node=0, process="web", judge=judge, markers=[broken, marker], announcer=broken
    )
    answers = await asyncio.gather(
        *(pipeline.keep(readings([(2, now_us() + n, 1.0)]), idempotent=False) for n in range(3))
    )
    await pipeline.close()
    assert [answer.outcome.tolist() for answer in answers] == [[Outcome.KEPT]] * 3
    assert store.rows("SELECT DISTINCT quality FROM sense_observation") == [(Quality.SUSPECT,)]
    assert "A marker failed" in caplog.text
    assert "The announcer failed" in caplog.text
