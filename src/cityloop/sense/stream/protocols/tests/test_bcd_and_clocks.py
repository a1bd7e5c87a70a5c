"""Packed digits and clocks without a zone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloop.sense.stream.protocols.bcd import high_first, low_first, packed_low_first
from cityloop.sense.stream.protocols.local_time import device_clock, device_us
from cityloop.sense.stream.protocols.tests.conversation import NOW_US


@given(st.integers(0, 10**8 - 1))
def test_packed_digits_are_read_back(number: int) -> None:
    assert low_first(packed_low_first(number, 4)) == number
    assert high_first(packed_low_first(number, 4)[::-1]) == number


def test_a_half_byte_that_is_no_digit_is_no_number() -> None:
    assert low_first(b"\x1a") is None
    assert high_first(b"") is None


@pytest.mark.parametrize("number", [-1, 10_000])
def test_a_number_that_does_not_fit_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        packed_low_first(number, 2)


def test_a_clock_without_zone_is_eight_hours_ahead() -> None:
    assert device_us((2026, 11, 18, 19, 6, 40)) == NOW_US
    assert device_clock(NOW_US).isoformat() == "2026-11-18T19:06:40+08:00"
    assert device_us((2026, 2, 30, 0, 0, 0)) is None
    assert device_us((99_999, 1, 1, 0, 0, 0)) is None
