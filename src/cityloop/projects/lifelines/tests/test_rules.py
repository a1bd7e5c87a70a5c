"""The rules hold for all numbers, not only for those somebody thought of."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloop.kernel.levels import Level
from cityloop.projects.lifelines.rules import balance, thresholds
from cityloop.projects.lifelines.rules.balance import State
from cityloop.projects.lifelines.rules.estimate import Estimate, by_shares, may_be_shown, similar_days
from cityloop.projects.lifelines.rules.lines import MAKES, SUPPLY
from cityloop.projects.lifelines.rules.summing import sum_of_streams

VALUES = {spec.code: spec.value for spec in thresholds.SPECS}
GAP, COVER, LINEPACK = (
    thresholds.limits_of(kind, VALUES) for kind in (thresholds.GAP, thresholds.COVER, thresholds.LINEPACK)
)
AMOUNTS = st.floats(0.01, 1e6)


def _gravity(level: Level | None) -> int:
    return 5 if level is None else int(level)


@given(demand=AMOUNTS, supply=st.lists(st.floats(0, 1e6), max_size=3), more=AMOUNTS)
def test_more_supply_never_makes_a_gap_graver(demand: float, supply: list[float], more: float) -> None:
    before, after = balance.gap(demand, supply), balance.gap(demand, [*supply, more])
    assert after <= before
    levels = [balance.gap_level(missing, demand, GAP) for missing in (before, after)]
    assert _gravity(levels[0]) <= _gravity(levels[1])


@pytest.mark.parametrize(
    ("missing", "level"),
    [
        *((-1.0, None), (0.0, None), (0.1, Level.BLUE), (3.0, Level.BLUE)),
        *((3.1, Level.YELLOW), (8.1, Level.ORANGE), (15.1, Level.RED)),
    ],
)
def test_the_gap_levels_are_those_of_the_domain(missing: float, level: Level | None) -> None:
    assert balance.gap_level(missing, 100.0, GAP) is level


def test_january_2010_was_orange() -> None:
    """57 million m3 estimated, 49 there: 8 missing, 14 % of the demand."""
    assert balance.gap_level(balance.gap(57.0, [49.0]), 57.0, GAP) is Level.ORANGE


@given(pack=AMOUNTS, minimum=AMOUNTS, outflow=AMOUNTS, inflow=AMOUNTS)
def test_after_the_hours_told_the_linepack_is_at_its_minimum(
    pack: float, minimum: float, outflow: float, inflow: float
) -> None:
    hours = balance.hours_to_minimum(pack, minimum, outflow=outflow, inflow=inflow)
    if pack <= minimum:
        assert hours == 0.0
    elif outflow <= inflow:
        assert hours is None
    else:
        assert hours is not None
        assert pack - hours * (outflow - inflow) == pytest.approx(minimum, rel=1e-6, abs=1e-3)


@pytest.mark.parametrize(
    ("hours", "level"), [(24.0, None), (23.9, Level.YELLOW), (11.9, Level.ORANGE), (0.0, Level.RED)]
)
def test_the_hours_to_the_minimum_have_three_levels(hours: float, level: Level | None) -> None:
    assert balance.low_level(hours, LINEPACK) is level


@given(stock=st.floats(0, 1e6), uses=st.lists(AMOUNTS, min_size=1, max_size=7))
def test_a_stock_lasts_as_long_as_the_mean_use_says(stock: float, uses: list[float]) -> None:
    days = balance.days_of_cover(stock, uses)
    assert days is not None
    assert days * sum(uses) / len(uses) == pytest.approx(stock, rel=1e-9, abs=1e-9)
    assert balance.days_of_cover(stock, []) is None


@pytest.mark.parametrize(
    ("days", "level"),
    [(15.0, None), (14.9, Level.BLUE), (9.9, Level.YELLOW), (6.9, Level.ORANGE), (2.9, Level.RED), (None, None)],
)
def test_the_days_of_cover_have_four_levels(days: float | None, level: Level | None) -> None:
    assert balance.low_level(days, COVER) is level


def test_the_state_is_that_of_the_gravest() -> None:
    assert balance.state_of(balance.worst([None, None])) is State.NORMAL
    assert balance.state_of(balance.worst([Level.BLUE, None, Level.ORANGE])) is State.SHORT
    assert [balance.state_of(level) for level in Level] == [State.EMERGENCY, State.SHORT, State.TIGHT, State.ATTENTION]


@pytest.mark.parametrize(
    ("change", "needed"), [(None, False), (10.0, False), (-10.0, False), (10.1, True), (-10.1, True)]
)
def test_a_large_change_either_way_needs_a_reason(change: float | None, *, needed: bool) -> None:
    assert balance.needs_reason(change, VALUES[thresholds.DEVIATION]) is needed


def test_thresholds_stand_in_order_and_say_what_does_not() -> None:
    assert thresholds.out_of_order(VALUES) is None
    assert thresholds.out_of_order(VALUES | {"gap-2": 2.0}) == "gap-2"
    assert thresholds.out_of_order(VALUES | {"cover-1": 8.0}) == "cover-1"
    assert len(VALUES) == 4 + 4 + 3 + 1


SHAPES = st.lists(st.lists(st.floats(0.1, 100), min_size=24, max_size=24), min_size=1, max_size=12)


@given(days=SHAPES, hours=st.integers(1, 24), scale=st.floats(0.5, 2))
def test_a_day_like_all_others_is_estimated_as_their_share_says(
    days: list[list[float]], hours: int, scale: float
) -> None:
    similar = np.array(days)
    so_far = similar[0][:hours] * scale
    found = by_shares(so_far, similar)
    assert found is not None
    assert found.total >= so_far.sum() - 1e-6
    if found.low is not None and found.high is not None:
        assert found.low <= found.total <= found.high
    if len(days) == 1:
        assert found.total == pytest.approx(similar[0].sum() * scale)
    if hours == 24:
        assert found.total == pytest.approx(so_far.sum())


def test_without_similar_days_nothing_is_estimated() -> None:
    assert by_shares(np.ones(3), np.empty((0, 24))) is None
    assert by_shares(np.ones(3), np.zeros((4, 24))) is None
    before = by_shares(np.empty(0), np.ones((6, 24)))
    assert before == Estimate(24.0, 24.0, 24.0, 6)


def test_before_three_an_estimate_needs_its_band() -> None:
    assert not may_be_shown(Estimate(1.0, None, None, 1), hours=2)
    assert may_be_shown(Estimate(1.0, 0.5, 2.0, 1), hours=0)
    assert may_be_shown(Estimate(1.0, None, None, 1), hours=3)


def test_the_net_for_similar_days_is_cast_wider_where_too_few_are_caught() -> None:
    known, off = np.ones(30, dtype=bool), np.arange(30) % 7 >= 5
    warm = np.where(np.arange(30) < 15, 0.0, 20.0)
    near = similar_days(known, off, warm, off_today=False, today_c=1.0)
    assert {int(day) for day in near} == {day for day in range(15) if day % 7 < 5}
    assert len(similar_days(known, off, warm, off_today=False, today_c=-30.0)) == 22
    assert len(similar_days(known, off, warm, off_today=True, today_c=None)) == 30


@given(st.lists(st.lists(st.one_of(st.none(), st.floats(0, 100)), min_size=24, max_size=24), min_size=1, max_size=5))
def test_a_sum_is_known_only_where_enough_streams_speak(streams: list[list[float | None]]) -> None:
    values = np.array([[[np.nan if one is None else one for one in hours]] for hours in streams])
    total, filled = sum_of_streams(values)
    speaking = np.isfinite(values).sum(axis=0)
    assert not np.isfinite(total[speaking == 0]).any()
    whole = speaking == len(streams)
    assert total[whole] == pytest.approx(values.sum(axis=0)[whole])
    assert (filled[whole] == 0).all()


def test_what_a_line_is_judged_by_is_declared_in_its_own_unit() -> None:
    for make in MAKES.values():
        assert make.supply, make.line
        assert all(make.unit_of(kind) == make.unit for kind in SUPPLY)
        assert make.title.zh != make.title.en
