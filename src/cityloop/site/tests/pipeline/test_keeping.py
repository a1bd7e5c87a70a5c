"""What the pipeline keeps, how often, and what it answers."""

import asyncio

import pytest

from cityloop.kernel.instants import from_us
from cityloop.kernel.quality import Quality
from cityloop.sense.stream.history.retries import RetryKeyReusedError
from cityloop.sense.stream.readings import OtherParts, Outcome
from cityloop.site.pipeline import Pipeline

from .conftest import NOWHERE, RecordingJudge, Store, now_us, readings

pytestmark = pytest.mark.django_db

SECOND_US, DAY_US = 1_000_000, 86_400_000_000
LATEST = "SELECT id, phenomenon_time, result, result_json FROM sense_latest WHERE datastream_id = 1"


async def test_a_kept_reading_is_in_the_history_and_is_the_latest(pipeline: Pipeline, store: Store) -> None:
    at = now_us()
    kept = await pipeline.keep(readings([(1, at, 4.5)], result_us=at), idempotent=False)
    assert kept.outcome.tolist() == [Outcome.KEPT]
    row = store.rows("SELECT datastream_id, phenomenon_time, id, result, quality, result_time FROM sense_observation")
    number = int(kept.observation_id[0])
    assert row == [(1, from_us(at), number, 4.5, 0, from_us(at))]
    assert store.rows(LATEST) == [(number, from_us(at), 4.5, None)]
    extents = (
        "SELECT first_time, last_time, first_result_time, last_result_time FROM sense_latest WHERE datastream_id = 1"
    )
    assert store.rows(extents) == [(from_us(at),) * 4]


async def test_a_reading_without_result_time_leaves_that_extent_empty(pipeline: Pipeline, store: Store) -> None:
    await pipeline.keep(readings([(1, now_us(), 1.0)]), idempotent=False)
    assert store.rows("SELECT first_result_time, last_result_time FROM sense_latest WHERE datastream_id = 1") == [
        (None, None)
    ]


async def test_the_feature_is_made_once_from_the_things_location(pipeline: Pipeline, store: Store) -> None:
    at = now_us()
    await pipeline.keep(readings([(1, at, 1.0), (2, at, 1.0)]), idempotent=False)
    await pipeline.keep(readings([(3, at, 1.0)]), idempotent=False)
    assert store.count("sense_feature") == 1
    assert store.rows("SELECT DISTINCT feature_id FROM sense_observation") == store.rows("SELECT id FROM sense_feature")


async def test_each_refusal_names_its_reason_and_spares_its_neighbours(pipeline: Pipeline, store: Store) -> None:
    at = now_us()
    batch = readings(
        [(1, at, 1.0), (777, at, 1.0), (NOWHERE, at, 1.0), (2, at, 1.0), (3, 2**62, 1.0), (4, at, float("inf"))],
        feature=lambda row: 4711 if row == 3 else 0,
    )
    kept = await pipeline.keep(batch, idempotent=False)
    assert kept.outcome.tolist() == [
        Outcome.KEPT,
        Outcome.UNKNOWN_DATASTREAM,
        Outcome.NO_LOCATION,
        Outcome.UNKNOWN_FEATURE,
        Outcome.NOT_STORABLE,
        Outcome.NOT_STORABLE,
    ]
    assert [row[0] for row in store.observations()] == [1]


@pytest.mark.parametrize(
    "text",
    [b'"\\u0000"', b'{"a": ["x\\u0000"]}', b"{", b'"\\ud800"', b"[" * 60_000 + b"]" * 60_000, b"1e200000", b"\xff"],
)
async def test_json_that_no_table_holds_is_refused_alone(pipeline: Pipeline, store: Store, text: bytes) -> None:
    at = now_us()
    nan = float("nan")
    poison = pipeline.keep(
        readings(
            [(1, at, nan), (2, at, nan)], others={0: OtherParts(result_json=text), 1: OtherParts(result_json=b'"on"')}
        ),
        idempotent=False,
    )
    answers = await asyncio.gather(poison, pipeline.keep(readings([(3, at, 1.0)]), idempotent=False))
    assert [answer.outcome.tolist() for answer in answers] == [[Outcome.NOT_STORABLE, Outcome.KEPT], [Outcome.KEPT]]
    assert [row[0] for row in store.observations()] == [2, 3]


async def test_everything_sensorthings_says_of_an_observation_is_kept(pipeline: Pipeline, store: Store) -> None:
    at = now_us() - 60 * SECOND_US
    parts = OtherParts(
        result_json=b'{"state": "open"}',
        phenomenon_end_us=at + SECOND_US,
        valid_from_us=at + 2 * SECOND_US,
        valid_until_us=at + 3 * SECOND_US,
        result_quality_json=b'{"code": "ok"}',
        parameters_json=b'{"depth": 3}',
    )
    kept = await pipeline.keep(readings([(1, at, float("nan"))], others={0: parts}), idempotent=False)
    columns = "result, result_json, phenomenon_end, valid_from, valid_until, result_quality, parameters"
    assert store.rows(f"SELECT {columns} FROM sense_observation") == [
        (
            None,
            {"state": "open"},
            from_us(at + SECOND_US),
            from_us(at + 2 * SECOND_US),
            from_us(at + 3 * SECOND_US),
            {"code": "ok"},
            {"depth": 3},
        )
    ]
    assert store.rows(LATEST) == [(int(kept.observation_id[0]), from_us(at), None, {"state": "open"})]
    assert store.rows("SELECT last_time FROM sense_latest WHERE datastream_id = 1") == [(from_us(at + SECOND_US),)]


async def test_a_number_with_parameters_keeps_its_number(pipeline: Pipeline, store: Store) -> None:
    batch = readings([(1, now_us(), 2.5)], others={0: OtherParts(parameters_json=b'{"depth": 3}')})
    await pipeline.keep(batch, idempotent=False)
    assert store.rows("SELECT result, result_json, parameters FROM sense_observation") == [(2.5, None, {"depth": 3})]


async def test_a_number_after_a_text_replaces_it_in_the_latest_row(pipeline: Pipeline, store: Store) -> None:
    at = now_us()
    text = {0: OtherParts(result_json=b'"on"')}
    await pipeline.keep(readings([(1, at, float("nan"))], others=text), idempotent=False)
    await pipeline.keep(readings([(1, at + 1, 3.0)]), idempotent=False)
    assert store.rows(LATEST)[0][2:] == (3.0, None)


async def test_a_device_that_sends_again_is_kept_once_and_learns_the_first_id(pipeline: Pipeline, store: Store) -> None:
    at = now_us()
    first = await pipeline.keep(readings([(1, at, 1.0), (1, at, 1.0), (2, at, 2.0)]), idempotent=True)
    again = await pipeline.keep(readings([(2, at, 2.0), (1, at, 1.0), (1, at + 1, 3.0)]), idempotent=True)
    assert first.outcome.tolist() == [Outcome.KEPT, Outcome.DUPLICATE, Outcome.KEPT]
    assert first.observation_id[0] == first.observation_id[1]
    assert again.outcome.tolist() == [Outcome.DUPLICATE, Outcome.DUPLICATE, Outcome.KEPT]
    assert again.observation_id[:2].tolist() == [first.observation_id[2], first.observation_id[0]]
    assert store.count() == 3


async def test_a_second_post_of_the_same_instant_is_a_second_observation(pipeline: Pipeline, store: Store) -> None:
    at = now_us()
    for value in (1.0, 2.0):
        kept = await pipeline.keep(readings([(1, at, value)]), idempotent=False)
    assert store.count() == 2
    assert store.rows(LATEST)[0][:3] == (int(kept.observation_id[0]), from_us(at), 2.0)


async def test_a_retry_with_its_key_gets_the_first_answer(pipeline: Pipeline, store: Store) -> None:
    batch = [(1, now_us(), 1.0), (777, now_us(), 1.0)]
    both = (pipeline.keep(readings(batch), idempotent=False, retry_key="k") for _ in range(2))
    answers = [*await asyncio.gather(*both), await pipeline.keep(readings(batch), idempotent=False, retry_key="k")]
    assert {tuple(answer.outcome.tolist()) for answer in answers} == {(Outcome.KEPT, Outcome.UNKNOWN_DATASTREAM)}
    assert len({tuple(answer.observation_id.tolist()) for answer in answers}) == 1
    assert store.count() == 1


async def test_a_key_of_another_batch_is_an_error_of_that_request_alone(pipeline: Pipeline, store: Store) -> None:
    await pipeline.keep(readings([(1, now_us(), 1.0)]), idempotent=False, retry_key="k")
    wrong = pipeline.keep(readings([(1, now_us(), 1.0)] * 2), idempotent=False, retry_key="k")
    right = pipeline.keep(readings([(2, now_us(), 1.0)]), idempotent=False)
    answers = await asyncio.gather(wrong, right, return_exceptions=True)
    assert isinstance(answers[0], RetryKeyReusedError)
    assert store.count() == 2


async def test_a_clock_a_year_ahead_freezes_nothing(pipeline: Pipeline, store: Store, judge: RecordingJudge) -> None:
    at = now_us()
    wrong = at + 365 * DAY_US
    await pipeline.keep(readings([(1, at, 1.0), (1, wrong, 99.0)]), idempotent=True)
    await pipeline.keep(readings([(1, at + SECOND_US, 2.0), (1, wrong, 99.0)]), idempotent=True)
    assert store.rows(LATEST)[0][1:3] == (from_us(at + SECOND_US), 2.0)
    assert judge.judged == [(1, at, 1.0), (1, at + SECOND_US, 2.0)] * judge.watching
    assert store.rows("SELECT result, quality FROM sense_observation ORDER BY phenomenon_time") == [
        (1.0, Quality.GOOD),
        (2.0, Quality.GOOD),
        (99.0, Quality.SUSPECT),
    ]
    assert store.rows("SELECT last_time FROM sense_latest WHERE datastream_id = 1") == [(from_us(wrong),)]


async def test_a_late_reading_is_kept_but_neither_latest_nor_judged(
    pipeline: Pipeline, store: Store, judge: RecordingJudge
) -> None:
    at = now_us()
    await pipeline.keep(readings([(1, at, 1.0)]), idempotent=True)
    await pipeline.keep(readings([(1, at - 3 * DAY_US, 5.0), (1, at - 3 * DAY_US, 5.0)]), idempotent=True)
    assert store.count() == 2
    assert store.rows(LATEST)[0][1:3] == (from_us(at), 1.0)
    assert judge.judged == [(1, at, 1.0)] * judge.watching
    assert store.rows("SELECT first_time FROM sense_latest WHERE datastream_id = 1") == [(from_us(at - 3 * DAY_US),)]


async def test_a_batch_is_judged_in_the_order_of_the_phenomena(pipeline: Pipeline, judge: RecordingJudge) -> None:
    at = now_us()
    await pipeline.keep(readings([(2, at, 1.0), (1, at + 1, 2.0), (1, at, 3.0)]), idempotent=True)
    assert judge.judged == [(1, at, 3.0), (1, at + 1, 2.0), (2, at, 1.0)] * judge.watching


async def test_the_journal_is_told_how_many_at_most_once_a_second(pipeline: Pipeline, store: Store) -> None:
    for second in range(20):
        await pipeline.keep(readings([(1, now_us() + second, 1.0)]), idempotent=False)
    await pipeline.close()
    bodies = [body for (body,) in store.rows("SELECT body FROM journal_fact ORDER BY sequence")]
    assert sum(body["readings"] for body in bodies) == 20
    assert len(bodies) <= 3
    assert store.rows("SELECT DISTINCT kind, actor FROM journal_fact") == [("sensed.ReadingsKept", "system:web")]


async def test_ids_rise_with_the_ingest(pipeline: Pipeline) -> None:
    at = now_us()
    batches = [await pipeline.keep(readings([(1, at + n, 1.0)] * 3000), idempotent=False) for n in range(3)]
    ids = [number for kept in batches for number in kept.observation_id.tolist()]
    assert ids == sorted(set(ids))
