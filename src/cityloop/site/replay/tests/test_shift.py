"""Old readings come to today with their weekday, hour and season."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cityloop.kernel.clocks import CITY_ZONE
from cityloop.kernel.instants import from_us, to_us
from cityloop.site.replay.mapping import Shift
from cityloop.site.replay.shift import DAY_US, WEEK_US, shift_us, whole_years_us

# Not before 2005: a set of eleven years would begin before 1992, when the city's clocks still changed in summer.
INSTANTS = st.integers(to_us(datetime(2005, 1, 1, tzinfo=UTC)), to_us(datetime(2060, 1, 1, tzinfo=UTC)))
NOW = to_us(datetime(2026, 11, 22, 12, tzinfo=UTC))


@given(first=INSTANTS, days=st.integers(70, 4000), now=INSTANTS, by=st.sampled_from(["weeks", "years"]))
def test_a_shift_is_whole_weeks_so_that_weekday_and_hour_stay(first: int, days: int, now: int, by: str) -> None:
    shift = shift_us(Shift(by=by), first_us=first, last_us=first + days * DAY_US, now_us=now)
    assert shift % WEEK_US == 0
    before, after = (from_us(instant).astimezone(CITY_ZONE) for instant in (first, first + shift))
    assert (before.weekday(), before.time()) == (after.weekday(), after.time())


@given(first=INSTANTS, days=st.integers(70, 4000), ago=st.integers(0, 9000), by=st.sampled_from(["weeks", "years"]))
def test_a_set_longer_than_what_must_lie_ahead_covers_now(first: int, days: int, ago: int, by: str) -> None:
    last = first + days * DAY_US
    now = last + ago * DAY_US
    shift = shift_us(Shift(by=by), first_us=first, last_us=last, now_us=now)
    assert first + shift <= now <= last + shift - 28 * DAY_US


@given(years=st.integers(0, 60))
def test_whole_years_keep_the_season_within_half_a_week(years: int) -> None:
    assert abs(whole_years_us(years) - years * 365.25 * DAY_US) <= 3.5 * DAY_US


def test_the_season_stays_where_the_set_is_long_enough() -> None:
    first, last = (to_us(datetime(*day, tzinfo=UTC)) for day in ((2021, 1, 1), (2022, 10, 30)))
    shift = shift_us(Shift(by="years"), first_us=first, last_us=last, now_us=NOW)
    assert from_us(NOW - shift).date().isoformat() == "2021-11-21"
    assert shift == timedelta(days=1827) // timedelta(microseconds=1)


def test_a_set_of_one_season_is_moved_by_weeks_when_the_season_is_another() -> None:
    first, last = (to_us(datetime(*day, tzinfo=UTC)) for day in ((2024, 12, 1), (2025, 3, 1)))
    july = to_us(datetime(2027, 7, 5, tzinfo=UTC))
    shift = shift_us(Shift(by="years"), first_us=first, last_us=last, now_us=july)
    assert first + shift <= july <= last + shift - 28 * DAY_US


def test_times_stay_where_no_shift_is_asked() -> None:
    assert shift_us(Shift(), first_us=0, last_us=DAY_US, now_us=NOW) == 0
    assert shift_us(Shift(by="weeks"), first_us=NOW - WEEK_US, last_us=NOW + 60 * DAY_US, now_us=NOW) == 0
