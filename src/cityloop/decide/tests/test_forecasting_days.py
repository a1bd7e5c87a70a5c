"""Dirty series, the calendar, the whole day from its beginning, the same day last year."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloop.decide.rules.forecasting.calendar import (
    day_of_lunar,
    days_from_festival,
    lunar_of,
    marks_of,
    spring_festival,
)
from cityloop.decide.rules.forecasting.cleaning import clean, hours_of_counter, spikes, stuck
from cityloop.decide.rules.forecasting.fullday import by_share, full_day
from cityloop.decide.rules.forecasting.grid import HOURS
from cityloop.decide.rules.forecasting.lastyear import (
    Variant,
    compared,
    same_day_last_year,
    usual_variant,
)

DAYS = st.dates(date(2005, 1, 1), date(2040, 12, 31))


def test_fault_values_stuck_values_and_spikes_are_taken_out_and_nothing_else() -> None:
    random = np.random.default_rng(1)
    values = 50 + 10 * np.sin(np.arange(HOURS) / 4) + random.normal(0, 1, (60, HOURS))
    dirty = values.copy()
    dirty[40, 3] = -39.9
    dirty[50, 5] = 5000.0
    dirty[52] = 61.25
    found = clean(dirty)
    assert np.isnan(found[40, 3])
    assert np.isnan(found[50, 5])
    assert np.isnan(found[52]).all()
    assert np.isnan(found).sum() == HOURS + 2
    np.testing.assert_array_equal(clean(values), values)


def test_nothing_flowing_at_night_is_no_fault() -> None:
    values = np.zeros((30, HOURS))
    values[:, 8:10] = [5.0, 6.0]
    assert not stuck(values).any()
    assert not spikes(values).any()
    assert not np.isnan(clean(np.full((2, HOURS), np.nan)) == 0).any()


def test_a_counter_is_read_by_the_hour_over_resets_jumps_and_silence() -> None:
    at_s = np.arange(0, 48 * 3600, 900, dtype=np.int64)
    total = at_s / 3600 * 2.0 + 100
    hours, added = hours_of_counter(at_s, total, rate_max=10.0)
    np.testing.assert_allclose(added[:-1], 2.0)
    assert np.isnan(added[-1])
    assert hours[0] == 0
    reset = np.where(at_s >= 20 * 3600, total - total[80], total)
    _, added = hours_of_counter(at_s, reset, rate_max=10.0)
    assert np.isnan(added[19])
    np.testing.assert_allclose(np.delete(added, [19, 47]), 2.0)
    jump = total.copy()
    jump[41] = 9e9
    _, added = hours_of_counter(at_s, jump, rate_max=10.0)
    assert np.flatnonzero(np.isnan(added)).tolist() == [10, 47]
    silent = (at_s < 10 * 3600) | (at_s >= 15 * 3600)
    _, added = hours_of_counter(at_s[silent], total[silent], rate_max=10.0)
    assert np.flatnonzero(np.isnan(added)).tolist() == [9, 10, 11, 12, 13, 14, 47]
    assert len(hours_of_counter(at_s[:1], total[:1], rate_max=1.0)[0]) == 0


@settings(max_examples=40, deadline=None)
@given(DAYS)
def test_a_lunar_date_leads_back_to_its_day(day: date) -> None:
    year, month, number = lunar_of(day)
    if month > 0:
        assert day_of_lunar(year, month, number) == day


def test_spring_festival_is_where_the_calendars_put_it() -> None:
    known = {2008: (2, 7), 2010: (2, 14), 2013: (2, 10), 2017: (1, 28), 2026: (2, 17)}
    assert {year: (spring_festival(year).month, spring_festival(year).day) for year in known} == known
    assert [days_from_festival(date(2026, 2, 17) + timedelta(days=n)) for n in (-40, -3, 0, 5, 60)] == [
        -21,
        -3,
        0,
        5,
        21,
    ]


def test_marks_tell_holidays_from_weekends_and_worked_saturdays() -> None:
    worked = {date(2026, 2, 14): True, date(2026, 2, 17): False}
    marks = marks_of(date(2026, 2, 13), 8, is_workday=worked.get)
    assert marks.off.tolist() == [0, 0, 1, 0, 1, 0, 0, 0]
    assert marks.holiday.tolist() == [0, 0, 0, 0, 1, 0, 0, 0]
    assert marks.makeup.tolist() == [0, 1, 0, 0, 0, 0, 0, 0]
    assert marks.heating.tolist() == [1] * 8
    assert marks.festival.tolist() == [-4, -3, -2, -1, 0, 1, 2, 3]
    assert (
        marks_of(date(2026, 2, 13), 3, is_workday=worked.get, lunar=False, heating=False).festival.tolist() == [21] * 3
    )


def past_days(seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    usual = np.tile(10 + np.sin(np.arange(HOURS)), (60, 1))
    level = random.normal(1, 0.1, (60, 1))
    return usual * level * random.normal(1, 0.03, (60, HOURS)), usual


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31))
def test_the_estimate_is_the_total_at_the_days_end_and_its_band_is_in_order(seed: int) -> None:
    past, expected = past_days(seed)
    today = past[-1]
    for hours in range(HOURS + 1):
        found = full_day(today[:hours], expected=expected[0], past=past[:-1], past_expected=expected[:-1])
        assert found.low <= found.total <= found.high
        assert found.used == pytest.approx(today[:hours].sum())
    assert found.total == found.low == found.high == pytest.approx(today.sum())


def test_a_day_that_begins_high_goes_on_high_and_the_band_narrows() -> None:
    past, expected = past_days(7)
    high = expected[0] * 1.2
    widths, errors = [], []
    for hours in range(1, HOURS):
        found = full_day(high[:hours], expected=expected[0], past=past, past_expected=expected)
        widths.append(found.high - found.low)
        errors.append(abs(found.total - high.sum()))
    assert errors[11] < 0.25 * abs(expected[0].sum() - high.sum())
    assert widths[22] < 0.2 * widths[5] < widths[0]
    assert by_share(high[:12], past) == pytest.approx(high.sum(), rel=0.03)


def test_without_enough_past_days_there_is_no_band_and_a_gap_is_taken_as_expected() -> None:
    past, expected = past_days(7)
    so_far = expected[0, :10].copy()
    so_far[4] = np.nan
    found = full_day(so_far, expected=expected[0], past=past[:5], past_expected=expected[:5])
    assert found.total == pytest.approx(expected[0].sum())
    assert np.isnan(found.low)


def test_the_four_variants_of_the_same_day_last_year() -> None:
    day = date(2026, 2, 17)
    found = {variant: same_day_last_year(day, variant) for variant in Variant}
    assert found == {
        Variant.DATE: date(2025, 2, 17),
        Variant.WEEKDAY: date(2025, 2, 18),
        Variant.LUNAR: date(2025, 1, 29),
        Variant.HEATING: date(2025, 2, 17),
    }
    assert same_day_last_year(date(2024, 2, 29), Variant.DATE) == date(2023, 2, 28)
    assert same_day_last_year(date(2025, 3, 1), Variant.HEATING) == date(2024, 2, 29)
    assert same_day_last_year(date(2026, 7, 1), Variant.HEATING) is None


@settings(max_examples=40, deadline=None)
@given(DAYS)
def test_a_counterpart_lies_about_a_year_back(day: date) -> None:
    for variant in Variant:
        counterpart = same_day_last_year(day, variant)
        assert counterpart is None or 330 <= (day - counterpart).days <= 400
    weekday = same_day_last_year(day, Variant.WEEKDAY)
    assert weekday is not None
    assert weekday.weekday() == day.weekday()


def test_a_comparison_names_its_variant_and_says_where_nothing_is_known() -> None:
    day = date(2026, 7, 1)
    found = compared(day, 110.0, variant=Variant.WEEKDAY, totals={date(2025, 7, 2): 100.0})
    assert found is not None
    assert (found.variant, found.then, found.change) == (Variant.WEEKDAY, 100.0, pytest.approx(0.1))
    unknown = compared(day, 110.0, variant=Variant.DATE, totals={})
    assert unknown is not None
    assert (unknown.then, unknown.change) == (None, None)
    assert compared(day, 110.0, variant=Variant.HEATING, totals={}) is None


def test_the_variant_that_suits_a_day_is_chosen() -> None:
    assert usual_variant(date(2026, 2, 20)) is Variant.LUNAR
    assert usual_variant(date(2026, 12, 20)) is Variant.HEATING
    assert usual_variant(date(2026, 7, 1)) is Variant.WEEKDAY
