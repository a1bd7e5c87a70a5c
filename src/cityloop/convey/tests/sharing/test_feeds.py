"""Feeds: each reading once and in order, resumed where they were left, ended by themselves, each read in the log."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool

from cityloop.convey.facade import sharing
from cityloop.convey.stream.sharing import feeds
from cityloop.convey.stream.sharing.asking import Condition
from cityloop.convey.stream.sharing.changes import changes_after, position_now, readings_with_ids
from cityloop.convey.stream.sharing.readlog import ReadLog
from cityloop.convey.tests.sharing.conftest import Api, SharedCity, aside
from cityloop.convey.tests.sharing.sse import Feed, open_feed
from cityloop.kernel.instants import to_us
from cityloop.sense.stream.archive.closing import close_day

WATER = "/feeds/datasets/water/"
ALL = Condition("TRUE")


async def results(feed: Feed, count: int) -> list[float]:
    found: list[float] = []
    while len(found) < count:
        kind, _, data = await feed.next()
        assert kind == "readings"
        found += [one["result"] for one in data]
    return found


async def with_contract(shared: SharedCity, api: Api) -> tuple[str, sharing.ContractView]:
    contract = await aside(shared.contract, "water")
    token = await aside(shared.token, "environment-bureau")
    await api.reload()
    return token, contract


async def test_a_feed_tells_each_reading_once_in_order_and_resumes_where_it_was_left(
    shared: SharedCity, api: Api
) -> None:
    token, _ = await with_contract(shared, api)
    async with open_feed(api.application, WATER, token=token) as feed:
        await shared.keep("water-a", 1, 2, 3)
        assert await results(feed, 3) == [1, 2, 3]
        left_at = feed.last_id
    await shared.keep("water-b", 4, 5)
    async with open_feed(api.application, WATER, token=token, last_id=left_at) as feed:
        assert await results(feed, 2) == [4, 5]
        await shared.keep("heat-a", 99)
        await shared.keep("water-a", 6)
        assert await results(feed, 1) == [6]
        assert feed.events.empty()


async def test_a_feed_ends_by_itself_when_the_contract_ends_and_says_so(shared: SharedCity, api: Api) -> None:
    token, contract = await with_contract(shared, api)
    async with open_feed(api.application, WATER, token=token) as feed:
        await shared.keep("water-a", 1)
        assert await results(feed, 1) == [1]
        await aside(sharing.end_own_contract, shared.people["water.data"], contract.contract_id, note="停用")
        await api.reload()
        kind, _, data = await feed.next()
        assert (kind, "has ended" in data["reason"]) == ("ended", True)
        assert feed.over.is_set()
    await api.get(WATER, token=token, status=404)


async def test_a_feed_whose_token_is_revoked_ends(shared: SharedCity, api: Api) -> None:
    token, contract = await with_contract(shared, api)
    async with open_feed(api.application, WATER, token=token) as feed:
        number = api.rights.of_token(token).token_id
        await aside(sharing.revoke_own_token, shared.people["air.data"], contract.contract_id, number)
        await api.reload()
        kind, _, _ = await feed.next()
        assert kind == "ended"


async def test_an_open_data_set_is_told_to_everybody_and_a_wrong_token_to_nobody(shared: SharedCity, api: Api) -> None:
    async with open_feed(api.application, "/feeds/datasets/air/") as feed:
        assert feed.status == 200
        await shared.keep("air-a", 7)
        assert await results(feed, 1) == [7]
    for path, token in ((WATER, ""), ("/feeds/datasets/air/", "wrong"), (WATER, "wrong")):
        await api.get(path, token=token, status=401)
    await api.get("/feeds/datasets/none/", status=401)
    await api.get("/feeds/else/", status=404)


async def test_no_more_feeds_are_opened_than_may(shared: SharedCity, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "FEEDS_OF_ONE_MAX", 1)
    token, _ = await with_contract(shared, api)
    async with open_feed(api.application, WATER, token=token):
        await api.get(WATER, token=token, status=429)
    async with open_feed(api.application, WATER, token=token) as feed:
        assert feed.status == 200


async def test_each_event_is_in_the_owners_log_before_it_is_told(shared: SharedCity, api: Api) -> None:
    token, contract = await with_contract(shared, api)
    async with open_feed(api.application, WATER, token=token) as feed:
        await shared.keep("water-a", 1, 2)
        await results(feed, 2)
    told = await aside(sharing.reads, sharing.ReadFilter(owners=("water-group",)))
    assert [(one.kind, one.datasets, one.contracts, one.organisation) for one in told] == [
        ("feed", ("water",), (contract.contract_id,), "environment-bureau")
    ] * len(told)
    assert sum(one.rows for one in told) == 2
    assert await aside(sharing.reads, sharing.ReadFilter(owners=("heat-group",))) == []


async def test_readings_of_a_span_come_as_csv_page_by_page(
    shared: SharedCity, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "CSV_ROWS_MAX", 2)
    token, _ = await with_contract(shared, api)
    at = datetime.now(UTC) - timedelta(hours=1)
    await shared.keep("water-a", 1, 2, 3, at=at)
    await shared.keep("heat-a", 99, at=at)
    answer = await api.get(f"{WATER}readings.csv", token=token)
    values = []
    while True:
        values += [line.split(",")[5] for line in answer.text.splitlines()[1:]]
        following = answer.headers.get("link")
        if not following:
            break
        answer = await api.get(following[1 : following.index(">")], token=token)
    assert values == ["1.0", "2.0", "3.0"]
    told = await aside(sharing.reads, sharing.ReadFilter(owners=("water-group",), kind="export"))
    assert [one.rows for one in told] == [1, 2]


@pytest.mark.parametrize(
    "query",
    [
        {"from": "x"},
        {"from": "2026-01-01"},
        {"until": "2026-11-01T00:00:00Z", "from": "2026-01-01T00:00:00Z"},
        {"after": "2026-01-01T00:00:00Z_x"},
        {"x": "1"},
    ],
)
async def test_a_span_that_cannot_be_read_is_refused(shared: SharedCity, api: Api, query: dict[str, str]) -> None:
    assert shared.streams
    answer = await api.get("/feeds/datasets/air/readings.csv", status=400, **query)
    assert answer.json()["field"] in query


async def test_readings_of_closed_days_come_as_csv_too(shared: SharedCity, api: Api) -> None:
    token, _ = await with_contract(shared, api)
    at = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=3)
    numbers = await shared.keep("water-a", 1, 2, 3, at=at)
    day = (at.date() - date(1970, 1, 1)).days
    closed = await asyncio.to_thread(close_day, shared.dsn, day)
    assert closed.packed == 3
    since, until = (at - timedelta(hours=1)).isoformat(), (at + timedelta(hours=1)).isoformat()
    answer = await api.get(f"{WATER}readings.csv", token=token, **{"from": since, "until": until})
    assert [int(line.split(",")[0]) for line in answer.text.splitlines()[1:]] == numbers
    async with await psycopg.AsyncConnection.connect(shared.dsn, autocommit=True) as link:
        again = await readings_with_ids(link, numbers[1:], where=ALL)
        await link.execute("TRUNCATE sense_closedday, sense_packedday, sense_packedid")
    assert [one.result for one in again] == [2, 3]


async def test_batches_that_commit_out_of_their_ids_order_are_all_told(shared: SharedCity) -> None:
    """A slow writer's ids are smaller than those of a quick one that commits first."""
    now = datetime.now(UTC)
    position = position_now(to_us(now - timedelta(minutes=5)))
    base = position.base
    slow, quick = base + (1 << 11), base + (1_000 << 22) + (2 << 11)
    told: list[int] = []
    async with await psycopg.AsyncConnection.connect(shared.dsn, autocommit=True) as link:
        for number in (quick, slow, quick + 1, slow + 1):
            await link.execute(
                "INSERT INTO sense_observation (datastream_id, phenomenon_time, id, result, feature_id)"
                " VALUES (%s, %s, %s, 1, 0)",
                (shared.streams["water-a"], now + timedelta(microseconds=number % 1000), number),
            )
            found = await changes_after(link, position, where=ALL, now_us=to_us(now), limit=10, sweeps=True)
            told += [one.observation_id for one in found.readings]
            position = found.position
    assert told == [quick, slow, quick + 1, slow + 1]


async def test_a_look_at_the_young_ids_goes_back_where_a_silent_lane_speaks_again(shared: SharedCity) -> None:
    now = datetime.now(UTC)
    position = position_now(to_us(now - timedelta(minutes=5)))
    old, young = position.base + (1 << 22), position_now(to_us(now)).base - (1 << 22)
    async with await psycopg.AsyncConnection.connect(shared.dsn, autocommit=True) as link:
        for number in (old, young):
            await link.execute(
                "INSERT INTO sense_observation (datastream_id, phenomenon_time, id, result, feature_id)"
                " VALUES (%s, now(), %s, 1, 0)",
                (shared.streams["water-a"], number),
            )
        found = await changes_after(link, position, where=ALL, now_us=to_us(now), limit=10, sweeps=False)
        assert [one.observation_id for one in found.readings] == [old, young]
        again = await changes_after(link, found.position, where=ALL, now_us=to_us(now), limit=10, sweeps=True)
        assert again.readings == []


async def test_a_read_over_sensorthings_is_logged_by_what_its_path_names(shared: SharedCity, api: Api) -> None:
    token, contract = await with_contract(shared, api)
    rights = api.rights.of_token(token)
    water, heat = shared.streams["water-a"], shared.streams["heat-a"]
    (number,) = await shared.keep("water-a", 1)
    async with AsyncConnectionPool(shared.dsn, min_size=1, kwargs={"autocommit": True}, open=False) as pool:
        log = ReadLog(pool)
        paths = (
            f"Datastreams({water})/Observations?$top=5",
            f"Observations({number})",
            f"Datastreams({heat})",
            "Things",
            f"Observations({2**63})",
            "Observations(7)",
        )
        for path in paths:
            await log.note(rights, path=path, rows=1)
    told = await aside(sharing.reads, sharing.ReadFilter(organisation="environment-bureau"))
    assert [(one.path, one.datasets, one.is_whole, one.contracts) for one in reversed(told)] == [
        (paths[0], ("water",), False, (contract.contract_id,)),
        (paths[1], ("water",), False, (contract.contract_id,)),
        (paths[2], ("heat",), False, ()),
        (paths[3], ("water",), True, (contract.contract_id,)),
        (paths[4], (), False, ()),
        (paths[5], ("water",), True, (contract.contract_id,)),
    ]
    assert {one.reader for one in told} == {"machine of environment-bureau"}
    assert len(await aside(sharing.reads, sharing.ReadFilter(owners=("water-group",)))) == 4
