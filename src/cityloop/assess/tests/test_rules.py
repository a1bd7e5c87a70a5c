"""Months, shares, shortfalls, ranks."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloop.assess.rules import (
    INDICATORS,
    ON_TIME_CLOSING,
    Counts,
    is_short,
    period_before,
    period_of,
    ranks,
    share,
    span_of,
)
from cityloop.kernel.areas import AreaCode

INSTANTS = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001  hypothesis wants naive bounds
    max_value=datetime(2090, 1, 1),  # noqa: DTZ001  hypothesis wants naive bounds
    timezones=st.just(UTC),
)
COUNTS = st.integers(0, 1000)


@given(INSTANTS)
def test_every_instant_lies_in_its_month_and_months_leave_no_gap(instant: datetime) -> None:
    period = period_of(instant)
    first, after = span_of(period)
    assert first <= instant < after
    assert period_of(first - timedelta(microseconds=1)) == period_before(period)
    assert span_of(period_before(period))[1] == first


def test_a_month_begins_at_midnight_of_the_city() -> None:
    assert period_of(datetime(2026, 11, 30, 15, 59, 59, tzinfo=UTC)) == "2026-11"
    assert period_of(datetime(2026, 11, 30, 16, tzinfo=UTC)) == "2026-12"
    with pytest.raises(ValueError, match="unconverted"):
        span_of("2026-13-1")


def test_a_share_of_nothing_is_none() -> None:
    assert share(0, 0) is None
    assert share(3, 4) == 75.0


@given(COUNTS, COUNTS)
def test_a_share_lies_between_none_and_all(part: int, rest: int) -> None:
    value = share(part, part + rest)
    assert value is None if part + rest == 0 else value is not None and 0 <= value <= 100


@pytest.mark.parametrize(
    ("value", "denominator", "short"),
    [(94.9, 5, True), (95.0, 5, False), (10.0, 4, False), (None, 0, False)],
)
def test_too_few_cases_prove_no_shortfall(value: float | None, denominator: int, *, short: bool) -> None:
    assert is_short(value, denominator=denominator, spec=ON_TIME_CLOSING) is short


def test_equals_share_a_rank_and_too_few_cases_have_none() -> None:
    values = {
        "110101": (90.0, 10),
        "110102": (100.0, 6),
        "110105": (90.0, 5),
        "110106": (100.0, 4),
        "110107": (None, 9),
    }
    found = ranks({AreaCode(area): value for area, value in values.items()}, spec=ON_TIME_CLOSING)
    assert found == {"110102": 1, "110101": 2, "110105": 2}


@given(COUNTS, COUNTS)
def test_counts_of_areas_add_up(one: int, other: int) -> None:
    whole = Counts(should_close=one, closed=other).plus(Counts(should_close=other, closed=one))
    assert whole.should_close == whole.closed == one + other


def test_a_target_nobody_has_confirmed_says_so() -> None:
    assert all("默认" in spec.basis.zh and not spec.confirmed for spec in INDICATORS)
