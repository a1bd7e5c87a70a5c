"""Limits on the three clocks of the city."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloop.kernel.clocks import CITY_ZONE, CalendarEndsError, Clock, Limit, WorkingHours, deadline_of

MAKE_UP_SATURDAY, HOLIDAY_MONDAY, LAST_KNOWN = date(2026, 11, 28), date(2026, 11, 30), date(2027, 12, 31)
STARTS = st.datetimes(
    min_value=datetime(2026, 1, 1),  # noqa: DTZ001  hypothesis wants naive bounds
    max_value=datetime(2026, 12, 31),  # noqa: DTZ001  hypothesis wants naive bounds
    timezones=st.just(UTC),
)
AMOUNTS = st.floats(0.25, 80)
DAYS = st.integers(1, 30)


def is_workday(day: date) -> bool | None:
    if day > LAST_KNOWN:
        return None
    if day in {MAKE_UP_SATURDAY, HOLIDAY_MONDAY}:
        return day == MAKE_UP_SATURDAY
    return day.weekday() < 5


def local(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=CITY_ZONE)


def due(start: datetime, amount: float, clock: Clock) -> datetime:
    return deadline_of(start, Limit(amount, clock), is_workday=is_workday)


@given(STARTS, AMOUNTS)
def test_natural_hours_run_day_and_night(start: datetime, hours: float) -> None:
    assert due(start, hours, Clock.NATURAL) == start + timedelta(hours=hours)


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        (local(20, 10), 1, local(20, 11)),
        (local(20, 11), 2, local(20, 14)),  # over lunch
        (local(20, 9), 3, local(20, 12)),  # to the last minute before lunch
        (local(20, 6), 1, local(20, 10)),  # before the day begins
        (local(20, 12, 30), 1, local(20, 14)),  # at lunch
        (local(20, 17), 2, local(23, 10)),  # a Friday evening to Monday morning
        (local(21, 15), 1, local(23, 10)),  # from a Saturday
        (local(27, 17), 2, local(28, 10)),  # to a Saturday that is worked instead
        (local(28, 17), 2, local(1, 10, month=12)),  # over a Sunday and a Monday off
        (local(20, 9), 16, local(23, 18)),  # two whole days
    ],
)
def test_working_hours_run_in_working_hours_only(start: datetime, hours: float, end: datetime) -> None:
    assert due(start, hours, Clock.WORKING_HOUR) == end


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        (local(19, 10), 1, local(20, 18)),
        (local(20, 10), 1, local(23, 18)),
        (local(20, 23), 5, local(27, 18)),
        (local(27, 9), 1, local(28, 18)),
        (local(27, 9), 2, local(1, 18, month=12)),
        (local(19, 10), 1.5, local(23, 18)),  # a begun day counts whole
    ],
)
def test_working_days_end_with_the_last_working_hour(start: datetime, days: float, end: datetime) -> None:
    assert due(start, days, Clock.WORKING_DAY) == end


@given(STARTS, AMOUNTS)
def test_a_working_limit_ends_in_working_hours_and_never_before_its_natural_length(
    start: datetime, hours: float
) -> None:
    end = due(start, hours, Clock.WORKING_HOUR)
    here = end.astimezone(CITY_ZONE)
    assert end >= start + timedelta(hours=hours) - timedelta(microseconds=1)
    assert is_workday(here.date())
    assert any(begins <= here.time() <= ends for begins, ends in WorkingHours().spans)


@given(STARTS, AMOUNTS, AMOUNTS)
def test_working_hours_add_up(start: datetime, first: float, second: float) -> None:
    whole = due(start, first + second, Clock.WORKING_HOUR)
    parts = due(due(start, first, Clock.WORKING_HOUR), second, Clock.WORKING_HOUR)
    gap = abs(whole - parts)
    assert gap < timedelta(milliseconds=1) or gap > timedelta(minutes=59)  # 18:00 and the next 9:00 are one moment


@given(STARTS, st.floats(0, 100), AMOUNTS, st.sampled_from(Clock))
def test_a_later_start_never_ends_earlier(start: datetime, later_h: float, amount: float, clock: Clock) -> None:
    assert due(start + timedelta(hours=later_h), amount, clock) >= due(start, amount, clock)


@given(STARTS, DAYS)
def test_as_many_working_days_lie_between_as_were_given(start: datetime, days: int) -> None:
    first, last = start.astimezone(CITY_ZONE).date(), due(start, days, Clock.WORKING_DAY).astimezone(CITY_ZONE).date()
    between = [first + timedelta(days=n) for n in range(1, (last - first).days + 1)]
    assert sum(bool(is_workday(day)) for day in between) == days
    assert is_workday(last)


@pytest.mark.parametrize(("amount", "clock"), [(5, Clock.WORKING_DAY), (40, Clock.WORKING_HOUR)])
def test_no_date_is_promised_beyond_the_calendar(amount: float, clock: Clock) -> None:
    start = datetime(2027, 12, 30, 4, tzinfo=UTC)
    with pytest.raises(CalendarEndsError) as caught:
        due(start, amount, clock)
    assert caught.value.parameters["day"] == "2028-01-01"
    assert due(start, 500, Clock.NATURAL) > start


@pytest.mark.parametrize("amount", [0, -1])
def test_a_limit_leaves_some_time(amount: float) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        Limit(amount, Clock.NATURAL)


@given(STARTS, AMOUNTS, st.sampled_from(Clock))
def test_deadlines_are_told_in_utc(start: datetime, amount: float, clock: Clock) -> None:
    assert due(start, amount, clock).utcoffset() == timedelta(0)
