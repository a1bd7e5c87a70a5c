"""Bounds, concurrency, and a database that goes away."""

import asyncio

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityloop.sense.stream.history import writers
from cityloop.sense.stream.history.writers import open_writer
from cityloop.sense.stream.readings import HistoryAwayError, Outcome, OverloadedError
from cityloop.site.pipeline import open_pipeline
from cityloop.site.pipeline.requests import WAITING_READINGS_MAX

from .conftest import STREAMS, RecordingJudge, Store, now_us, readings

pytestmark = pytest.mark.django_db


async def test_what_comes_together_is_committed_together(store: Store, judge: RecordingJudge) -> None:
    pipeline = await open_pipeline(store.dsn, node=0, process="web", judge=judge)
    at = now_us()
    await pipeline.keep(readings([(1, at, 1.0)]), idempotent=False)
    await asyncio.gather(*(pipeline.keep(readings([(2, at + n, 1.0)]), idempotent=False) for n in range(200)))
    await pipeline.close()
    assert store.rows("SELECT count(DISTINCT xmin::text) <= 3, count(*) FROM sense_observation") == [(True, 201)]


async def test_a_full_queue_refuses_and_keeps_nothing_of_what_it_refused(store: Store, judge: RecordingJudge) -> None:
    pipeline = await open_pipeline(store.dsn, node=0, process="web", judge=judge)
    at, size = now_us() - 10**10, 10_000
    many = WAITING_READINGS_MAX // size + 5
    calls = (
        pipeline.keep(readings([(1, at + n * size + k, 1.0) for k in range(size)]), idempotent=False)
        for n in range(many)
    )
    answers = await asyncio.gather(*calls, return_exceptions=True)
    await pipeline.close()
    refused = [answer for answer in answers if isinstance(answer, OverloadedError)]
    assert refused
    assert store.count() == (many - len(refused)) * size


async def test_two_processes_on_the_same_streams_never_lock_each_other_out(store: Store, judge: RecordingJudge) -> None:
    both = [await open_pipeline(store.dsn, node=0, process=name, judge=judge) for name in ("web", "wire")]
    at, dice = now_us() - 10**9, np.random.default_rng(7)
    calls = [
        pipeline.keep(readings([(int(dice.integers(1, 11)), at + n * 20 + k, 1.0) for k in range(20)]), idempotent=True)
        for n in range(100)
        for pipeline in both
    ]
    kept = await asyncio.gather(*calls)
    for pipeline in both:
        await pipeline.close()
    new = sum(int((answer.outcome == Outcome.KEPT).sum()) for answer in kept)
    pairs = store.rows("SELECT count(DISTINCT (datastream_id, phenomenon_time)), count(*) FROM sense_observation")
    assert pairs == [(new, new)]


async def test_every_writer_has_a_lane_of_its_own_and_leaves_it_when_it_dies(store: Store) -> None:
    first, second = [await open_writer(store.dsn, node=0, process="test") for _ in range(2)]
    assert {first.lane, second.lane} == {0, 1}
    await first.connection.close()
    third = await open_writer(store.dsn, node=0, process="test")
    assert third.lane == 0
    await second.connection.close()
    await third.connection.close()


async def test_a_cut_connection_costs_no_reading_and_doubles_none(store: Store, judge: RecordingJudge) -> None:
    pipeline = await open_pipeline(store.dsn, node=0, process="web", judge=judge)
    at = now_us() - 10**9

    async def send() -> None:
        for n in range(150):
            kept = await pipeline.keep(readings([(STREAMS[n % 10], at + n, 1.0)]), idempotent=False)
            assert kept.outcome.tolist() == [Outcome.KEPT]

    async def cut() -> None:
        async with await psycopg.AsyncConnection.connect(store.dsn, autocommit=True) as connection:
            for _ in range(8):
                await connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cityloop web'"
                )
                await connection.execute("SELECT pg_sleep(0.02)")

    await asyncio.gather(send(), cut())
    await pipeline.close()
    assert store.count() == 150


READING = st.tuples(st.integers(1, 3), st.integers(0, 6), st.booleans())
CALL = st.tuples(st.booleans(), st.lists(READING, min_size=1, max_size=6))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calls=st.lists(CALL, min_size=1, max_size=6), together=st.booleans())
def test_the_history_is_what_a_plain_model_says(
    store: Store, calls: list[tuple[bool, list[tuple[int, int, bool]]]], *, together: bool
) -> None:
    store.run("TRUNCATE sense_observation")
    store.run("UPDATE sense_latest SET phenomenon_time = NULL, id = NULL, first_time = NULL, last_time = NULL")
    base, year_us = now_us() - 10**7, 365 * 86_400_000_000
    batches = [
        (
            idempotent,
            [
                (stream, base + tick + (year_us if ahead else 0), float(n))
                for n, (stream, tick, ahead) in enumerate(rows)
            ],
        )
        for idempotent, rows in calls
    ]
    asyncio.run(_keep_all(store, batches, together=together))
    expected, newest = _model(batches, until=base + year_us // 2)
    rows = store.rows("SELECT datastream_id, phenomenon_time, result FROM sense_observation ORDER BY id")
    assert [(stream, result) for stream, _, result in rows] == [(stream, value) for stream, _, value in expected]
    latest = store.rows("SELECT datastream_id, result FROM sense_latest WHERE id IS NOT NULL")
    assert dict(latest) == {stream: value for stream, (_, value) in newest.items()}


async def _keep_all(store: Store, batches: list[tuple[bool, list[tuple[int, int, float]]]], *, together: bool) -> None:
    pipeline = await open_pipeline(store.dsn, node=0, process="web", judge=RecordingJudge())
    calls = [pipeline.keep(readings(rows), idempotent=idempotent) for idempotent, rows in batches]
    if together:
        await asyncio.gather(*calls)
    else:
        for call in calls:
            await call
    await pipeline.close()


def _model(
    batches: list[tuple[bool, list[tuple[int, int, float]]]], *, until: int
) -> tuple[list[tuple[int, int, float]], dict[int, tuple[int, float]]]:
    kept: list[tuple[int, int, float]] = []
    newest: dict[int, tuple[int, float]] = {}
    for idempotent, rows in batches:
        for stream, time, value in rows:
            if idempotent and any(row[:2] == (stream, time) for row in kept):
                continue
            kept.append((stream, time, value))
            if time < until and time >= newest.get(stream, (0, 0.0))[0]:
                newest[stream] = (time, value)
    return kept, newest


async def test_a_stream_that_stays_locked_sends_its_batch_back_and_nothing_else(
    store: Store, judge: RecordingJudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writers, "LOCK_S_MAX", 1)
    pipeline = await open_pipeline(store.dsn, node=0, process="web", judge=judge)
    async with await psycopg.AsyncConnection.connect(store.dsn) as holder:
        await holder.execute("SELECT 1 FROM sense_latest WHERE datastream_id = 1 FOR UPDATE")
        with pytest.raises(HistoryAwayError):
            await pipeline.keep(readings([(1, now_us(), 1.0)]), idempotent=False)
        await pipeline.keep(readings([(2, now_us(), 1.0)]), idempotent=False)
    await pipeline.close()
    assert store.count() == 1
