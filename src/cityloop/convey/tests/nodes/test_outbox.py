"""The outbox is read in the order of commits; nodes are registered, stand as they are heard, and are removed."""

import asyncio
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st
from psycopg import AsyncConnection

from cityloop.convey.facade import nodes
from cityloop.convey.rules.nodes import SILENT_AFTER, NodeState, state_of
from cityloop.convey.stream.nodes.outbox import backlog, drop, waiting
from cityloop.kernel.areas import AreaCode
from cityloop.kernel.errors import NotFoundError
from cityloop.kernel.text import Text

CHAOYANG = AreaCode("110105")
NOW = datetime(2026, 11, 22, tzinfo=UTC)
PUT = "INSERT INTO convey_outbox (target, topic, payload, readings) VALUES (0, %s, 'x', 1)"


def dsn() -> str:
    told = connection.settings_dict
    return psycopg.conninfo.make_conninfo(
        host=told["HOST"], port=told["PORT"], dbname=told["NAME"], user=told["USER"], password=told["PASSWORD"]
    )


@pytest.mark.django_db(transaction=True)
def test_rows_travel_in_the_order_of_commits_and_none_is_passed_over() -> None:
    async def topics(reader: AsyncConnection, after: int) -> list[tuple[int, str]]:
        return [(row.number, row.topic) for row in await waiting(reader, 0, after=after)]

    async def scene() -> None:
        reader = await AsyncConnection.connect(dsn(), autocommit=True)
        slow, quick = [await AsyncConnection.connect(dsn()) for _ in range(2)]
        async with reader, slow, quick:
            await slow.execute(PUT, ("first begun",))
            await quick.execute(PUT, ("second begun",))
            await quick.commit()
            assert await topics(reader, 0) == []  # an older transaction runs: its rows would be passed over
            await slow.commit()
            assert await topics(reader, 0) == [(1, "first begun"), (2, "second begun")]
            assert (await backlog(reader, 0)).rows == 2
            await drop(reader, 0, 1)
            await quick.execute(PUT, ("third",))
            await quick.commit()
            assert await topics(reader, 1) == [(2, "second begun"), (3, "third")]
            await drop(reader, 0, 3)
            assert (await backlog(reader, 0)).rows == 0
            await quick.execute(PUT, ("fourth",))
            await quick.commit()
            assert await topics(reader, 3) == [(4, "fourth")]

    asyncio.run(scene())


@pytest.mark.django_db
def test_a_node_is_registered_once_and_may_come_back() -> None:
    title = Text("朝阳区节点", "Chaoyang node")
    first = nodes.register_node(5, kind=nodes.NodeKind.DISTRICT, title=title, area=CHAOYANG)
    with pytest.raises(nodes.NodeNumberError):
        nodes.register_node(5, kind=nodes.NodeKind.DISTRICT, title=title, area=CHAOYANG)
    for number in (0, 64, -1):
        with pytest.raises(nodes.NodeNumberError):
            nodes.register_node(number, kind=nodes.NodeKind.KEY_FIELD, title=title, area=CHAOYANG)
    nodes.remove_node(5)
    assert nodes.registered_numbers() == []
    with pytest.raises(NotFoundError):
        nodes.remove_node(5)
    assert nodes.register_node(5, kind=nodes.NodeKind.DISTRICT, title=title, area=CHAOYANG) != first
    assert [node.state for node in nodes.nodes(NOW)] == [NodeState.WAITED_FOR]


@pytest.mark.django_db
def test_an_envelope_is_applied_once() -> None:
    applied: list[int] = []
    for after, through in ((0, 3), (0, 3), (3, 4)):
        nodes.apply_envelope(
            5, {"x": 1}, apply=lambda number, _: applied.append(number), stream="node:5@a", after=after, through=through
        )
    assert applied == [5, 5]


@pytest.mark.django_db
def test_the_word_of_a_removed_node_is_not_noted() -> None:
    said = {"incarnation": "a", "version": "1", "clock_ahead_s": 0.0, "waiting_rows": 0, "waiting_readings": 0}
    assert nodes.note_status(5, **said, oldest_at=None, taken=0, late=0, gaps=0) is False
    nodes.register_node(5, kind=nodes.NodeKind.DISTRICT, title=Text("朝阳", "Chaoyang"), area=CHAOYANG)
    assert nodes.note_status(5, **said, oldest_at=None, taken=7, late=2, gaps=0) is True
    (node,) = nodes.nodes(datetime.now(UTC))
    assert (node.state, node.taken_readings, node.late_readings) == (NodeState.CONNECTED, 7, 2)


@given(st.none() | st.integers(0, 300), st.none() | st.integers(0, 300), st.booleans())
def test_a_node_stands_as_it_was_last_heard(
    heard_s: int | None,
    oldest_s: int | None,
    removed: bool,  # noqa: FBT001  drawn
) -> None:
    heard = None if heard_s is None else NOW - timedelta(seconds=heard_s)
    oldest = None if heard is None or oldest_s is None else heard - timedelta(seconds=oldest_s)
    state = state_of(heard_at=heard, oldest_at=oldest, removed=removed, now=NOW)
    if removed:
        assert state is NodeState.REMOVED
    elif heard is None:
        assert state is NodeState.WAITED_FOR
    elif NOW - heard > SILENT_AFTER:
        assert state is NodeState.CUT_OFF
    else:
        behind = oldest is not None and heard - oldest > SILENT_AFTER
        assert state is (NodeState.CATCHING_UP if behind else NodeState.CONNECTED)
