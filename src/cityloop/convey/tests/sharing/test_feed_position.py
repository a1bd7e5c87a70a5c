"""Positions of feeds: whatever order batches commit in, every reading is passed once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloop.convey.rules.feed_position import LANES_MAX, FeedPosition, PositionUnreadableError, lane_of
from cityloop.kernel.observation_ids import ObservationIds

START_US = 1_795_000_000_000_000
moves = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 5), st.integers(0, 400)), max_size=30)


@given(moves, st.lists(st.integers(0, 3), max_size=40))
def test_lanes_that_commit_in_any_order_between_them_lose_and_double_nothing(
    batches: list[tuple[int, int, int]], commits: list[int]
) -> None:
    writers = [ObservationIds(node=0, writer=number) for number in range(4)]
    waiting: dict[int, list[list[int]]] = {number: [] for number in range(4)}
    for lane, count, delay in batches:
        runs = writers[lane].reserve(count, now_us=START_US + delay * 1_000)
        waiting[lane].append([first + n for first, length in runs for n in range(length)])
    position, visible, told = FeedPosition(0), [], []
    for lane in [*commits, *(n for n in range(4) for _ in waiting[n])]:
        if waiting[lane]:
            visible += waiting[lane].pop(0)
        fresh = sorted(one for one in visible if not position.has_told(one))[:3]
        told += fresh
        position = position.after(*fresh)
    while fresh := sorted(one for one in visible if not position.has_told(one))[:3]:
        told += fresh
        position = position.after(*fresh)
    assert sorted(told) == sorted(visible)


@given(st.integers(0, 2**62), st.dictionaries(st.integers(0, LANES_MAX - 1), st.integers(0, 2**63 - 1), max_size=8))
def test_a_position_survives_being_written(base: int, lanes: dict[int, int]) -> None:
    position = FeedPosition(base, lanes)
    assert FeedPosition.read(position.written()) == position


@given(st.text(max_size=40))
def test_any_text_is_a_position_or_refused(text: str) -> None:
    try:
        FeedPosition.read(text)
    except PositionUnreadableError:
        return


@pytest.mark.parametrize("text", ["", "x", "-1", "1.2048-3", "1.3", "1..", "9223372036854775808", "1." * 40_000, "١"])
def test_what_is_no_position_is_refused(text: str) -> None:
    with pytest.raises(PositionUnreadableError):
        FeedPosition.read(text)


def test_a_raised_base_forgets_lanes_that_lie_behind_it_and_never_sinks() -> None:
    position = FeedPosition(10, {1: 20, 2: 30}).raised(25)
    assert position == FeedPosition(25, {2: 30})
    assert position.raised(5) is position


def test_the_lane_of_an_id_is_its_writer() -> None:
    ((first, _),) = ObservationIds(node=3, writer=7).reserve(1, now_us=START_US)
    assert lane_of(first) == 3 * 32 + 7
