"""A few plain readings go the short way; it leaves exactly what the general way leaves."""

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityloop.sense.stream.history import few
from cityloop.sense.stream.history.exchange import Exchange
from cityloop.sense.stream.history.few import FEW_ROWS_MAX, Few, few_of, keep_few
from cityloop.sense.stream.history.writers import open_writer
from cityloop.sense.stream.readings import NO_TIME, OtherParts, Outcome, Readings
from cityloop.site.pipeline import few as short_way
from cityloop.site.pipeline import open_pipeline

from .conftest import NOWHERE, STREAMS, RecordingJudge, Store, now_us, readings

pytestmark = pytest.mark.django_db

SECOND_US, DAY_US, YEAR_US = 1_000_000, 86_400_000_000, 365 * 86_400_000_000
HALF = len(STREAMS) // 2


class WatchesTheFirstHalf(RecordingJudge):
    """Watches streams 1 to 5."""

    def watches(self, datastream_id: Any) -> bool:
        """Return whether one of them is there."""
        return bool((datastream_id <= HALF).any())


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Return whether each attempt at the short way kept its batch."""
    kept: list[bool] = []

    async def noted(exchange: Exchange, batch: Few, *, ids: list[int]) -> bool:
        kept.append(await keep_few(exchange, batch, ids=ids))
        return kept[-1]

    monkeypatch.setattr(short_way, "keep_few", noted)
    return kept


TICKS = (0, 1, 2, 3, -YEAR_US // SECOND_US, YEAR_US // SECOND_US)
READING = st.tuples(st.integers(1, 3), st.sampled_from(TICKS), st.sampled_from((NO_TIME, -5, 7)))
CALL = st.tuples(st.booleans(), st.lists(READING, min_size=1, max_size=5))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calls=st.lists(CALL, min_size=1, max_size=6))
def test_the_short_way_leaves_what_the_general_way_leaves(
    store: Store, short: list[bool], calls: list[tuple[bool, list[tuple[int, int, int]]]]
) -> None:
    store.run("TRUNCATE sense_observation")
    nothing = "id phenomenon_time result quality received_at first_time last_time first_result_time last_result_time"
    store.run(f"UPDATE sense_latest SET {', '.join(f'{name} = NULL' for name in nothing.split())}")
    asyncio.run(_warm_and_keep(store, calls))
    assert _left(store, since=1) == _left(store, since=1 + HALF)
    assert any(short)


async def _warm_and_keep(store: Store, calls: list[tuple[bool, list[tuple[int, int, int]]]]) -> None:
    pipeline = await open_pipeline(store.dsn, node=0, process="web", judge=WatchesTheFirstHalf())
    base = now_us() // DAY_US * DAY_US
    await pipeline.keep(_batch(range(1, 2 * HALF + 1), base - DAY_US), idempotent=False)
    for idempotent, rows in calls:
        given = []
        for first in (0, HALF):
            batch = readings([(first + s, base + tick * SECOND_US, float(n)) for n, (s, tick, _) in enumerate(rows)])
            for n, (_, _, result) in enumerate(rows):
                batch.result_us[n] = result if result == NO_TIME else base + result
            batch.received_us = base + 10 * SECOND_US
            given.append((await pipeline.keep(batch, idempotent=idempotent)).outcome.tolist())
        assert given[0] == given[1]
    await pipeline.close()


def _batch(streams: range, at: int) -> Readings:
    return readings([(stream, at, 0.5) for stream in streams])


def _left(store: Store, *, since: int) -> list[tuple[Any, ...]]:
    chosen = f"BETWEEN {since} AND {since + HALF - 1}"
    rank = f"datastream_id - {since}, phenomenon_time, rank() OVER (PARTITION BY datastream_id ORDER BY id)"
    stored = store.rows(
        f"SELECT {rank}, result, quality, feature_id, result_time FROM sense_observation "
        f"WHERE datastream_id {chosen} ORDER BY 1, 3"
    )
    latest = store.rows(
        f"SELECT l.datastream_id - {since}, l.phenomenon_time, l.result, l.result_json, l.quality, l.received_at, "
        "l.first_time, l.last_time, l.first_result_time, l.last_result_time, o.result "
        "FROM sense_latest l LEFT JOIN sense_observation o USING (datastream_id, phenomenon_time, id) "
        f"WHERE l.datastream_id {chosen} ORDER BY 1"
    )
    return stored + latest


@pytest.fixture
async def keep(store: Store) -> Callable[..., Awaitable[list[int]]]:
    """Return what keeps a batch in a pipeline of its own, on streams that have their features."""

    async def kept(batch: Readings, *, idempotent: bool = False) -> list[int]:
        pipeline = await open_pipeline(store.dsn, node=0, process="web", judge=RecordingJudge(watching=False))
        await pipeline.keep(_batch(range(1, 4), now_us() - SECOND_US), idempotent=False)
        answer = await pipeline.keep(batch, idempotent=idempotent)
        await pipeline.close()
        outcome: list[int] = answer.outcome.tolist()
        return outcome

    return kept


async def test_plain_readings_of_known_streams_take_one_round_trip(
    keep: Callable[..., Awaitable[list[int]]], short: list[bool], store: Store
) -> None:
    assert await keep(readings([(1, now_us(), 1.0), (2, now_us(), 2.0)])) == [Outcome.KEPT] * 2
    assert short == [False, True]  # the first batch had features to make
    assert store.count() == 5


async def test_a_stream_that_is_not_there_sends_its_batch_the_general_way(
    keep: Callable[..., Awaitable[list[int]]], short: list[bool]
) -> None:
    at = now_us()
    outcome = await keep(readings([(1, at, 1.0), (777, at, 1.0), (NOWHERE, at, 1.0)]))
    assert outcome == [Outcome.KEPT, Outcome.UNKNOWN_DATASTREAM, Outcome.NO_LOCATION]
    assert short == [False, False]


async def test_a_device_that_sends_again_is_looked_up(
    keep: Callable[..., Awaitable[list[int]]], short: list[bool], store: Store
) -> None:
    at = now_us()
    assert await keep(readings([(1, at, 1.0)]), idempotent=True) == [Outcome.KEPT]
    assert await keep(readings([(1, at, 1.0)]), idempotent=True) == [Outcome.DUPLICATE]
    assert short == [False, True, True, False]
    assert store.rows("SELECT count(*) FROM sense_observation WHERE datastream_id = 1") == [(3,)]


@pytest.mark.parametrize(
    "batch",
    [
        readings([(1, 0, 1.0)], others={0: OtherParts(parameters_json=b"{}")}),
        readings([(1, 0, 1.0)], feature=lambda _: 4),
        readings([(1, 0, float("nan"))]),
        readings([(1, 0, float("inf"))]),
        readings([(1, 2**62, 1.0)]),
        readings([(1, 0, 1.0)], result_us=2**62),
        readings([(1, 0, 1.0)] * (FEW_ROWS_MAX + 1)),
        readings([(1, 0, 1.0), (2, 0, 1.0), (1, 0, 2.0)]),
    ],
    ids=["parts", "feature", "no number", "infinite", "no time", "no result time", "many", "twice in the batch"],
)
def test_what_is_not_plain_goes_the_general_way(batch: Readings) -> None:
    assert few_of(batch, idempotent=[True] * len(batch)) is None


async def test_an_answer_that_was_lost_is_found_again(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def lost(exchange: Exchange, batch: Few, *, ids: list[int]) -> bool:
        monkeypatch.setattr(short_way, "keep_few", keep_few)
        await keep_few(exchange, batch, ids=ids)
        raise psycopg.OperationalError

    pipeline = await open_pipeline(store.dsn, node=0, process="web", judge=RecordingJudge(watching=False))
    await pipeline.keep(_batch(range(1, 4), now_us() - SECOND_US), idempotent=False)
    monkeypatch.setattr(short_way, "keep_few", lost)
    kept = await pipeline.keep(readings([(1, now_us(), 1.0), (2, now_us(), 2.0)]), idempotent=False)
    await pipeline.close()
    assert "trying again" in caplog.text
    assert store.rows("SELECT id FROM sense_observation ORDER BY id DESC LIMIT 2") == [
        (number,) for number in reversed(kept.observation_id.tolist())
    ]
    assert store.count() == 5


async def test_an_exchange_fails_as_a_cursor_does(store: Store) -> None:
    writer = await open_writer(store.dsn, node=0, process="test")
    with pytest.raises(psycopg.errors.DivisionByZero):
        await writer.exchange.ask("SELECT 1 / $1::bigint", [bytes(8)])
    assert (await writer.exchange.ask("SELECT $1::text", [b"x" * 10**7])).get_value(0, 0) == b"x" * 10**7
    await writer.connection.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError):
        await writer.exchange.ask("SELECT 1", [])
    await writer.connection.rollback()
    store.run("SELECT pg_terminate_backend(%s)", writer.connection.info.backend_pid)
    with pytest.raises(psycopg.OperationalError):
        await writer.exchange.ask("SELECT 1", [])
    await writer.connection.close()


@pytest.mark.parametrize("count", [1, 2, 50])
def test_packed_columns_are_postgresqls_arrays(count: int) -> None:
    from cityloop.sense.stream.history import arrays  # noqa: PLC0415  beside what it is compared with

    column = [n * 10**6 for n in range(count)]
    assert few._whole(column) == arrays.int8_array(column).data
    assert few._numbers([float(n) for n in column]) == arrays.float8_array(column).data
    assert few._instants(column) == arrays.timestamp_array(column).data


async def test_a_statement_in_a_lost_session_never_comes_back(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    pipeline = await open_pipeline(store.dsn, node=0, process="web", judge=RecordingJudge(watching=False))
    await pipeline.keep(_batch(range(1, 4), now_us() - SECOND_US), idempotent=False)
    await pipeline.keep(_batch(range(1, 4), now_us() - SECOND_US + 1), idempotent=False)
    connection = pipeline._writer.connection  # type: ignore[union-attr]
    pid = connection.info.backend_pid
    os.kill(pid, signal.SIGSTOP)  # the server has not read the statement when the cable breaks
    try:
        keeping = asyncio.create_task(pipeline.keep(readings([(1, now_us(), 1.0)]), idempotent=False))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        with socket.socket(fileno=os.dup(connection.fileno())) as cable:
            cable.shutdown(socket.SHUT_RDWR)
        await _first(store, "SELECT 1 FROM pg_stat_activity WHERE strpos(query, 'SELECT pg_terminate_backend') = 1")
    finally:
        os.kill(pid, signal.SIGCONT)
    kept = await keeping
    await pipeline.close()
    assert "trying again" in caplog.text
    assert store.rows("SELECT id FROM sense_observation WHERE datastream_id = 1 AND result = 1.0") == [
        (int(kept.observation_id[0]),)
    ]


async def _first(store: Store, question: str) -> tuple[Any, ...]:
    async with asyncio.timeout(30):
        while not (rows := await asyncio.to_thread(store.rows, question)):  # noqa: ASYNC110  polled
            await asyncio.sleep(0.01)
    return rows[0]
