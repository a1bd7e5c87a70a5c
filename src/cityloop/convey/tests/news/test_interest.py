"""Who listens: what is listed, what has just been subscribed to, and what that asks of the other processes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloop.convey.stream.news import interest as module
from cityloop.convey.stream.news.batches import (
    NOTHING_WANTED,
    EntityNews,
    NewsUnreadableError,
    ReadingNews,
    Wanted,
    packed_entity,
    read_entity,
    read_readings,
    read_wanted,
)
from cityloop.convey.stream.news.interest import HINT_S, Interest
from cityloop.convey.stream.news.rendering import Changes
from cityloop.convey.stream.news.watching import subscribed

STREAM = "v1//1.Datastreams(5).Observations"
INT64 = st.integers(-(2**63), 2**63 - 1)


def who(*numbers: int) -> frozenset[int]:
    return frozenset(numbers)


def test_a_subscription_is_told_once_by_the_session_and_not_again_by_the_list() -> None:
    interest = Interest()
    assert interest.has_subscribed("a", [STREAM, "$MQTT.x", "other"], now_s=0) == {STREAM}
    assert interest.has_subscribed("a", [STREAM], now_s=0) == set()
    assert interest.heard.streams.keys() == {5}
    assert interest.list_is({STREAM: who(1)}, now_s=1) == set()
    assert interest.list_is({STREAM: who(1)}, now_s=2) == set()


def test_a_second_listener_is_fresh_and_one_that_comes_back_too() -> None:
    interest = Interest()
    assert interest.list_is({STREAM: who(1)}, now_s=0) == {STREAM}
    assert interest.has_subscribed("b", [STREAM], now_s=1) == {STREAM}
    assert interest.list_is({STREAM: who(1, 2)}, now_s=2) == set()
    assert interest.list_is({STREAM: who(1, 3)}, now_s=3) == {STREAM}
    assert interest.has_subscribed("b", [], now_s=4) == set()
    assert interest.has_subscribed("b", [STREAM], now_s=5) == {STREAM}


def test_what_was_subscribed_and_never_listed_is_forgotten() -> None:
    interest = Interest()
    interest.has_subscribed("a", [STREAM], now_s=0)
    interest.list_is({}, now_s=HINT_S / 2)
    assert interest.heard
    interest.list_is({}, now_s=HINT_S + 1)
    assert not interest.heard


def test_topics_are_ordered_by_how_their_news_are_found() -> None:
    interest = Interest()
    patterns = ["v1//1.Things", STREAM, "v1//1.Things(1).name", "v1//1.Datastreams(7).>", "v1//1.Nothing"]
    interest.list_is({subject: who(1) for subject in patterns}, now_s=0)
    heard = interest.heard
    assert (set(heard.sets), set(heard.streams), set(heard.looked_up)) == ({"Thing"}, {5}, {"Thing"})
    assert heard.wildcards == ["v1//1.Datastreams(7).>"]
    assert heard.is_covered("v1//1.Datastreams(7).Observations")
    assert list(interest.ignored) == ["v1//1.Nothing"]


def test_topics_beyond_the_bound_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOKED_UP_MAX", 2)
    interest = Interest()
    interest.list_is({f"v1//1.Things({number})": who(1) for number in range(5)}, now_s=0)
    assert (len(interest.heard.looked_up["Thing"]), interest.dropped) == (2, 3)


@pytest.mark.parametrize(
    ("subjects", "everything", "streams"),
    [
        ([], False, []),
        (["v1//1.Things"], False, []),
        ([STREAM, "v1//1.Datastreams(9).Observations?$select=result"], False, [5, 9]),
        (["v1//1.Observations"], True, []),
        (["v1//1.Observations?$select=result"], True, []),
        ([STREAM, "v1//1.>"], True, []),
    ],
)
def test_only_readings_that_somebody_listens_to_are_wanted(
    subjects: list[str],
    everything: bool,  # noqa: FBT001  a case
    streams: list[int],
) -> None:
    interest = Interest()
    interest.list_is({subject: who(1) for subject in subjects}, now_s=0)
    wanted = interest.heard.wanted()
    assert (wanted.everything, wanted.streams.tolist()) == (everything, streams)


@given(st.lists(st.integers(1, 50), unique=True).map(sorted), st.lists(st.integers(1, 50)))
def test_wanted_streams_find_their_rows(streams: list[int], column: list[int]) -> None:
    wanted = read_wanted(Wanted(False, np.array(streams, dtype=np.int64)).packed())  # noqa: FBT003  a field
    rows = wanted.rows(np.array(column, dtype=np.int64))
    assert rows.tolist() == [row for row, stream in enumerate(column) if stream in streams]
    assert read_wanted(b"*").rows(np.array(column, dtype=np.int64)).tolist() == list(range(len(column)))
    assert not len(NOTHING_WANTED.rows(np.array(column, dtype=np.int64)))


@given(st.lists(st.tuples(INT64, INT64, INT64)))
def test_batches_come_back_as_they_were(rows: list[tuple[int, int, int]]) -> None:
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    news = read_readings(ReadingNews(*columns).packed())
    assert np.stack([news.datastream_id, news.phenomenon_us, news.observation_id]).tolist() == columns.tolist()


@given(st.text(), INT64, st.none() | st.lists(st.text()).map(tuple))
def test_entities_come_back_as_they_were(name: str, key: int, members: tuple[str, ...] | None) -> None:
    assert read_entity(packed_entity(EntityNews(name, key, members))) == EntityNews(name, key, members)


@given(st.binary(max_size=100))
def test_what_is_no_news_is_refused(message: bytes) -> None:
    if len(message) % 24:
        with pytest.raises(NewsUnreadableError):
            read_readings(message)
    with pytest.raises(NewsUnreadableError):
        read_entity(b"\xc1" + message)
    assert read_wanted(message) is not None
    assert isinstance(subscribed(message), list)


def test_several_changes_of_one_entity_are_told_once_and_last() -> None:
    changes = Changes()
    for key, members in ((1, ("a",)), (2, None), (1, ("b",)), (2, ("c",))):
        changes.add_entity(EntityNews("Things", key, members))
    assert {key: members and set(members) for key, members in changes.entities["Things"].items()} == {
        1: {"a", "b"},
        2: None,
    }
    assert list(changes.entities["Things"]) == [1, 2]
