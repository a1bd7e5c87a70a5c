"""The live feed: what is posted reaches every watcher, once, in order, and a slow one is dropped."""

import asyncio
import os
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import connection

from cityloop.command import stream
from cityloop.command.stream import Hub, Message, Watcher, place_of

PATIENCE_S = 20


@pytest.fixture
def dsn(transactional_db: None) -> str:  # noqa: ARG001  asked for what it does
    """Return the address of the test's database."""
    of = connection.settings_dict
    return psycopg.conninfo.make_conninfo(os.environ["CITYLOOP_POSTGRES_DSN"], dbname=of["NAME"])


async def _numbers() -> dict[str, Any]:
    return {"n": 1}


async def _post(dsn: str, number: int) -> None:
    async with await psycopg.AsyncConnection.connect(dsn) as link:
        await link.execute(
            "INSERT INTO journal_fact (fact_id, kind, happened_at, actor, area, body)"
            " VALUES (%s, 'decided.AlarmClosed', now(), 'system:test', '110000',"
            " jsonb_build_object('alarm_id', %s::int))",
            (uuid4(), number),
        )
        await link.execute("NOTIFY cityloop_journal")


async def _facts(watcher: Watcher, count: int) -> list[Message]:
    found: list[Message] = []
    async with asyncio.timeout(PATIENCE_S):
        while len(found) < count:
            message = await watcher.next()
            assert message is not None
            if message.event == "fact":
                found.append(message)
    return found


async def test_every_watcher_hears_every_fact_once_and_in_order(dsn: str) -> None:
    hub = Hub(dsn, numbers=_numbers)
    async with hub.watch() as one, hub.watch() as other:
        for number in range(5):
            await _post(dsn, number)
        for watcher in (one, other):
            assert [message.data["alarm_id"] for message in await _facts(watcher, 5)] == [0, 1, 2, 3, 4]
    assert hub.watching == 0


async def test_a_watcher_that_comes_back_gets_what_it_missed_before_what_is_new(dsn: str) -> None:
    hub = Hub(dsn, numbers=_numbers)
    async with hub.watch() as first:
        await _post(dsn, 1)
        (seen,) = await _facts(first, 1)
    await _post(dsn, 2)
    await _post(dsn, 3)
    async with hub.watch(since=seen.place) as again:
        await _post(dsn, 4)
        assert [message.data["alarm_id"] for message in await _facts(again, 3)] == [2, 3, 4]


async def test_a_watcher_that_missed_too_much_is_told_to_read_all_again(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "RESUME_MAX", 2)
    for number in range(3):
        await _post(dsn, number)
    hub = Hub(dsn, numbers=_numbers)
    async with hub.watch(since=(0, 1)) as watcher:
        message = await watcher.next()
    assert message is not None
    assert message.event == "reload"


async def test_a_watcher_that_does_not_read_is_dropped_and_counted_and_others_go_on(dsn: str) -> None:
    hub = Hub(dsn, numbers=_numbers)
    async with hub.watch() as slow, hub.watch() as quick:
        while not slow.queue.full():
            slow.queue.put_nowait(Message("beat", {}))
        await _post(dsn, 7)
        assert [message.data["alarm_id"] for message in await _facts(quick, 1)] == [7]
        assert (hub.dropped, slow.dropped, hub.watching) == (1, True, 1)
        left = [await slow.next() for _ in range(stream.QUEUE_MAX)]
        assert None not in left
        assert await slow.next() is None


async def test_numbers_come_while_somebody_watches_and_their_failure_is_told(dsn: str) -> None:
    async def broken() -> dict[str, Any]:
        raise LookupError

    async with asyncio.timeout(PATIENCE_S), Hub(dsn, numbers=_numbers).watch() as watcher:
        message = await watcher.next()
        assert message is not None
        assert (message.event, message.data) == ("numbers", {"n": 1})
    async with asyncio.timeout(PATIENCE_S), Hub(dsn, numbers=broken).watch() as watcher:
        message = await watcher.next()
        assert message is not None
        assert (message.event, message.data) == ("beat", {"numbers": "LookupError"})


async def test_the_hub_comes_back_after_its_connection_is_cut(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "REST_S", 0.01)
    hub = Hub(dsn, numbers=_numbers)
    async with hub.watch() as watcher:
        await _post(dsn, 1)
        await _facts(watcher, 1)
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as link:
            await link.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%journal_fact%'"
            )
        await _post(dsn, 2)
        assert [message.data["alarm_id"] for message in await _facts(watcher, 1)] == [2]
    assert hub.failures >= 1


def test_a_frame_is_written_as_server_sent_events_want_it() -> None:
    assert Message("fact", {"a": 1}, (7, 9)).frame() == b'id: 7:9\nevent: fact\ndata: {"a":1}\n\n'
    assert Message("beat", {}).frame() == b"event: beat\ndata: {}\n\n"


@pytest.mark.parametrize(("text", "place"), [("7:9", (7, 9)), ("", None), ("7", None), ("a:b", None)])
def test_a_last_event_id_is_read_or_ignored(text: str, place: tuple[int, int] | None) -> None:
    assert place_of(text) == place
