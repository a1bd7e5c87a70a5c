"""Floods, chattering and counts by ten minutes."""

from bisect import bisect_right

from hypothesis import given
from hypothesis import strategies as st

from cityloop.decide.rules import MEASURES, WINDOW_US, chattering, counts_by_window, floods_of
from cityloop.kernel.levels import Level

S = 1_000_000
TIMES = st.lists(st.integers(0, 7200 * S), max_size=80).map(sorted)


def flood(times_s: list[float], *, until_s: float = 100_000) -> list[tuple[float, float | None, int]]:
    found = floods_of([int(t * S) for t in times_s], begins=10, ends=5, until_us=int(until_s * S))
    return [(one.began_us / S, one.ended_us and one.ended_us / S, one.peak) for one in found]


def test_ten_alarms_in_ten_minutes_begin_a_flood_and_fewer_than_five_end_it() -> None:
    assert flood([60.0 * n for n in range(9)]) == []
    assert flood([60.0 * n for n in range(10)]) == [(540, 900, 10)]
    assert flood([0.0] * 12) == [(0, 600, 12)]


def test_a_flood_goes_on_while_five_or_more_lie_in_the_last_ten_minutes() -> None:
    times = [*range(10), *range(100, 1500, 100)]
    ((began, ended, peak),) = flood([float(t) for t in times])
    assert (began, peak) == (9, 15)
    assert ended == 1600  # of 1000 ... 1400 the first leaves its ten minutes, four are left


def test_a_flood_that_lasts_has_no_end() -> None:
    assert flood([float(n) for n in range(10)], until_s=300) == [(9, None, 10)]
    assert flood([float(n) for n in range(10)], until_s=8) == []


def counted(times: list[int], at: int) -> int:
    """Count the last ten minutes the slow way."""
    return bisect_right(times, at) - bisect_right(times, at - WINDOW_US)


@given(TIMES)
def test_floods_begin_and_end_where_the_count_says_so(times: list[int]) -> None:
    found = floods_of(times, begins=10, ends=5, until_us=20_000 * S)
    for one in found:
        assert counted(times, one.began_us) >= 10
        assert one.ended_us is not None
        assert counted(times, one.ended_us) < 5
        inside = [at for at in times if one.began_us <= at < one.ended_us]
        assert one.peak == max(counted(times, at) for at in inside)
        assert all(counted(times, at) >= 5 for at in inside)
    outside = [at for at in times if not any(one.began_us <= at < (one.ended_us or 0) for one in found)]
    assert all(counted(times, at) < 10 for at in outside)


@given(TIMES, st.integers(0, 3600), st.integers(1, 7200))
def test_counts_by_window_lose_none_within(times: list[int], since_s: int, span_s: int) -> None:
    since, until = since_s * S, (since_s + span_s) * S
    counts = counts_by_window(times, since_us=since, until_us=until)
    assert sum(counts) == sum(since <= at < until for at in times)
    assert len(counts) == -(-span_s // 600)


def test_a_cluster_within_the_span_chatters() -> None:
    times = [0, 20, 60, 500, 560, 621, 900]
    assert chattering([t * S for t in times], count=3, span_us=60 * S) == 3
    assert chattering([t * S for t in (0, 30, 60, 90)], count=3, span_us=60 * S) == 4
    assert chattering([], count=3, span_us=60 * S) == 0


def test_every_threshold_has_words_a_basis_and_bounds() -> None:
    assert len({one.code for one in MEASURES}) == len(MEASURES)
    for one in MEASURES:
        assert one.title.zh
        assert one.basis.zh
        assert one.least <= one.value <= one.most
    assert {f"share-{int(level)}" for level in Level} <= {one.code for one in MEASURES}
