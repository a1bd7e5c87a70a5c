"""Forecasts never look ahead, bands follow what was missed, and the better of two forecasts is shown."""

import sys
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloop.decide.rules.forecasting import trees
from cityloop.decide.rules.forecasting.bands import COVERAGE, all_sides, covered, sides_after
from cityloop.decide.rules.forecasting.blend import averaged, learn, members, rehearse, shares_of
from cityloop.decide.rules.forecasting.calendar import marks_of
from cityloop.decide.rules.forecasting.fallback import naive_is_better
from cityloop.decide.rules.forecasting.features import DAYS_MIN, pairs_of, restlessness, rows_of
from cityloop.decide.rules.forecasting.grid import DAYS_AHEAD, HOURS, Float64s, Past, day_grid, nan_mean, nan_median
from cityloop.decide.rules.forecasting.naive import Naive, naive_forecast
from cityloop.decide.rules.forecasting.ridge import ridge_forecast
from cityloop.decide.rules.forecasting.trees import Effort

QUICK = Effort(rows_max=1500, rounds=20, shared_rows_max=600, shared_rounds=20, leaves=7)


def weekday(day: date) -> bool:
    return day.weekday() < 5


def past_of(days: int, *, seed: int = 0, size: float = 100.0, weather: bool = True) -> Past:
    """A city's demand: a day's shape, less on Sundays, more in heat, a little noise."""
    random = np.random.default_rng(seed)
    shape = 1 + 0.4 * np.sin(2 * np.pi * (np.arange(HOURS) - 7) / HOURS)
    warmth = (
        15
        + 10 * np.sin(2 * np.pi * np.arange(days + DAYS_AHEAD) / 60)[:, None]
        + random.normal(0, 1, (days + DAYS_AHEAD, 1))
    )
    heat = warmth + 3 * np.sin(2 * np.pi * (np.arange(HOURS) - 9) / HOURS)
    marks = marks_of(date(2025, 1, 6), days + DAYS_AHEAD, is_workday=weekday)
    level = (1 - 0.2 * marks.off[:days])[:, None] * (1 + 0.01 * heat[:days])
    values = size * shape * level * (1 + random.normal(0, 0.02, (days, HOURS)))
    return Past(values, marks, heat[:, :, None] if weather else None)


def later_changed(past: Past, day: int) -> Past:
    values = past.values.copy()
    values[day:] = values[day:] * 7 + 1000
    return replace(past, values=values)


def mean_error(forecast: Float64s, came: Float64s) -> float:
    return float(np.nanmean(np.abs(forecast - came)))


@pytest.mark.parametrize("day", [40, 90, 119])
def test_what_comes_later_changes_nothing_that_is_seen_of_a_day(day: int) -> None:
    past = past_of(120)
    origin, ahead = pairs_of(120)
    before = origin <= day
    rows = rows_of(past, origin[before], ahead[before], scale=1.0)
    changed = rows_of(later_changed(past, day), origin[before], ahead[before], scale=1.0)
    np.testing.assert_array_equal(rows.seen, changed.seen)
    np.testing.assert_array_equal(rows.profile, changed.profile)


def test_weather_that_is_not_given_ahead_is_that_of_the_day_before() -> None:
    past = replace(past_of(60), weather_ahead=False)
    assert past.weather is not None
    weather = past.weather.copy()
    weather[60:] += 50
    other = replace(past, weather=weather)
    np.testing.assert_array_equal(ridge_forecast(past, ahead=0), ridge_forecast(other, ahead=0))
    rows = [rows_of(one, np.full(7, 60), np.arange(7), scale=1.0).seen for one in (past, other)]
    np.testing.assert_array_equal(*rows)
    given = [replace(one, weather_ahead=True) for one in (past, other)]
    assert (ridge_forecast(given[0], ahead=0) != ridge_forecast(given[1], ahead=0)).all()


@pytest.mark.skipif(not trees.can_grow(), reason="trees need the system's OpenMP: apt-get install libgomp1")
def test_a_model_forecasts_better_than_last_week_and_than_yesterday() -> None:
    streams = [past_of(160, seed=seed, size=10.0**seed) for seed in (1, 2, 3)]
    known = [past.until(150) for past in streams]
    for past, whole, model in zip(known, streams, learn(known, effort=QUICK), strict=True):
        parts = members(model, past)
        assert set(parts) == {"own", "shared", "ridge"}
        forecast = averaged(parts, shares=(0.5, 0.5))
        came = whole.values[150:157]
        for kind in Naive:
            assert mean_error(forecast, came) < mean_error(naive_forecast(past.values, kind=kind, days_ahead=7), came)


def test_a_forecast_is_the_same_each_time_and_scales_with_the_stream() -> None:
    past = past_of(100)
    (first,), (again,) = learn([past], effort=QUICK), learn([past], effort=QUICK)
    for name, part in members(first, past).items():
        np.testing.assert_array_equal(part, members(again, past)[name])
    thousandfold = replace(past, values=past.values * 1024.0)
    (scaled,) = learn([thousandfold], effort=QUICK)
    for name, part in members(scaled, thousandfold).items():
        np.testing.assert_allclose(part, 1024.0 * members(first, past)[name], rtol=1e-6)


def test_without_trees_the_regression_forecasts_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    assert not trees.can_grow()
    past, other = past_of(120), past_of(120, seed=1)
    parts = members(learn([past, other], effort=QUICK)[0], past)
    assert set(parts) == {"ridge"}
    np.testing.assert_array_equal(averaged(parts, shares=(0.5, 0.5)), parts["ridge"])
    (rehearsal,) = rehearse([past], effort=QUICK)
    assert rehearsal is not None
    assert shares_of(rehearsal.parts, rehearsal.came) == (0.5, pytest.approx(1 / 3))


@pytest.mark.parametrize("days", [0, 5, DAYS_MIN, DAYS_MIN + 20])
def test_a_short_history_is_no_error(days: int) -> None:
    past = past_of(days) if days else replace(past_of(1), values=np.empty((0, HOURS)))
    (model,) = learn([past], effort=QUICK)
    parts = members(model, past)
    assert parts["ridge"].shape == (DAYS_AHEAD, HOURS)
    assert averaged(parts, shares=(0.5, 0.5)).shape == (DAYS_AHEAD, HOURS)
    assert rehearse([past], effort=QUICK) == [None]


def test_gaps_are_borne_and_an_empty_stream_yields_nothing() -> None:
    past = past_of(120)
    values = past.values.copy()
    values[np.random.default_rng(5).random(values.shape) < 0.3] = np.nan
    values[100:110] = np.nan
    holed = replace(past, values=values)
    (model,) = learn([holed], effort=QUICK)
    forecast = averaged(members(model, holed), shares=(0.5, 0.5))
    assert mean_error(forecast[0], past_of(121).values[120]) < 0.2 * past.values.mean()
    nothing = replace(past, values=np.full_like(values, np.nan))
    (model,) = learn([nothing], effort=QUICK)
    assert np.isnan(averaged(members(model, nothing), shares=(0.5, 0.5))).all()


def test_a_rehearsal_is_of_models_that_had_not_seen_its_days() -> None:
    past = past_of(120)
    (rehearsal,) = rehearse([past], effort=QUICK, days=14)
    (model,) = learn([past.until(106)], effort=QUICK)
    assert rehearsal is not None
    first = members(model, past.until(106))
    for name, part in rehearsal.parts.items():
        np.testing.assert_allclose(part[0], first[name], rtol=1e-9)
    np.testing.assert_array_equal(rehearsal.came[0], past.values[106:113])
    np.testing.assert_array_equal(rehearsal.last_week[0], past.values[99:106])
    assert np.isnan(rehearsal.came[-1, 1:]).all()


def test_the_share_of_the_regression_is_the_usual_one_until_another_is_clearly_better() -> None:
    came = np.full((20, 7, HOURS), 10.0)
    same = {"own": came + 1, "ridge": came + 1}
    assert shares_of(same, came) == (0.5, pytest.approx(1 / 3))
    better = {"own": came + 1, "ridge": came + 0.1}
    assert shares_of(better, came) == (1.0, 1.0)
    unknown = {"own": came + 1, "ridge": came + 0.1}
    assert shares_of(unknown, np.full_like(came, np.nan)) == (0.5, pytest.approx(1 / 3))


MISSED = st.integers(0, 2**31).flatmap(
    lambda seed: st.integers(1, 80).map(lambda days: np.random.default_rng(seed).standard_t(3, (days, HOURS)))
)


@settings(max_examples=40, deadline=None)
@given(MISSED)
def test_a_band_never_turns_inside_out_and_never_knows_the_day_it_is_for(missed: Float64s) -> None:
    sides = all_sides(missed)
    assert len(sides) == len(missed) + 1
    for side in sides:
        assert (side.below >= 0).all()
        assert (side.above >= 0).all()
        assert np.isfinite(side.below).all()
    half = len(missed) // 2
    if half >= 7:
        np.testing.assert_array_equal(sides_after(missed[:half]).above, sides[half].above)


def test_a_band_holds_when_the_season_turns() -> None:
    random = np.random.default_rng(3)
    spread = np.concatenate([np.full(60, 1.0), np.full(60, 4.0), np.full(60, 0.5)])[:, None]
    missed = random.normal(0.3, 1.0, (180, HOURS)) * spread
    sides = all_sides(missed)
    for season in (slice(0, 60), slice(60, 120), slice(120, 180)):
        assert abs(covered(missed[season], sides[season]) - COVERAGE) < 0.1
    fixed = np.quantile(np.abs(missed[:60]), COVERAGE)
    assert (np.abs(missed[60:120]) <= fixed).mean() < 0.5


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.1, 3.0), st.floats(0.1, 3.0))
def test_the_better_of_the_two_is_shown(seed: int, model_error: float, naive_error: float) -> None:
    random = np.random.default_rng(seed)
    came = random.normal(10, 1, (20, HOURS))
    missed = random.normal(0, 1, came.shape)
    chosen = naive_is_better(came + model_error * missed, came + naive_error * missed, came)
    assert chosen == (naive_error < model_error)


def test_only_the_last_fourteen_days_choose_and_too_few_hours_choose_nothing() -> None:
    came = np.full((40, HOURS), 10.0)
    model = np.where(np.arange(40)[:, None] < 26, came, came + 1)
    assert naive_is_better(model, came + 0.5, came)
    assert not naive_is_better(np.where(np.arange(40)[:, None] < 26, came + 9, came), came + 0.5, came)
    assert not naive_is_better(model[-2:], came[-2:], came[-2:])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 71), st.floats(-1e6, 1e6)), max_size=60))
def test_a_grid_holds_the_mean_of_every_hour_and_nothing_else(readings: list[tuple[int, float]]) -> None:
    hour = np.array([at for at, _ in readings], dtype=np.int64)
    value = np.array([one for _, one in readings], dtype=np.float64)
    grid = day_grid(hour, value, first_day=1, days=1)
    for number in range(HOURS):
        inside = value[hour == HOURS + number]
        assert np.isnan(grid[0, number]) if not len(inside) else grid[0, number] == pytest.approx(inside.mean())


def test_means_and_medians_pass_over_what_is_unknown() -> None:
    values = np.array([[1.0, np.nan, 3.0, 8.0], [np.nan] * 4])
    np.testing.assert_array_equal(nan_mean(values, axis=1), [4.0, np.nan])
    np.testing.assert_array_equal(nan_median(values, axis=1), [3.0, np.nan])
    assert restlessness(np.zeros((3, HOURS))) == 1.0
    assert restlessness(np.full((3, HOURS), np.nan)) == 1.0


def test_naive_forecasts_fill_a_gap_from_the_weeks_before() -> None:
    values = np.tile(np.arange(HOURS, dtype=np.float64), (30, 1)) + np.arange(30)[:, None]
    values[29, 4] = np.nan
    yesterday = naive_forecast(values, kind=Naive.YESTERDAY, days_ahead=2)
    assert yesterday[0, 3] == yesterday[1, 3] == 32
    assert yesterday[0, 4] == np.nanmedian(values[2:30, 4])
    np.testing.assert_array_equal(naive_forecast(values, kind=Naive.LAST_WEEK, days_ahead=7)[0], values[23])
