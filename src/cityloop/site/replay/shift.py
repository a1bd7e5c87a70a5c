"""How far old readings are moved to become today's; pure."""

from cityloop.site.replay.mapping import Shift

DAY_US = 86_400_000_000
WEEK_US = 7 * DAY_US
YEAR_DAYS = 365.25
"""Mean length of a year, days; the season stays within half a week over any span of years."""


def whole_years_us(years: int) -> int:
    """Return the whole weeks nearest to so many years, microseconds: weekday and hour stay, and so does the season."""
    return round(years * YEAR_DAYS / 7) * WEEK_US


def shift_us(shift: Shift, *, first_us: int, last_us: int, now_us: int) -> int:
    """Return what to add to the times of a set so that it covers now.

    Args:
        shift: how to move it.
        first_us: its oldest reading, microseconds since the epoch, of the city's clock.
        last_us: its newest reading, >= first_us.
        now_us: the present.

    Returns:
        A whole number of weeks in microseconds (0 for `none`). With `years` the smallest span that leaves
        `keep_ahead_days` ahead; where the set does not reach the present's season so, or with `weeks`, the smallest
        number of weeks that leaves them ahead, or, of a set shorter than that, all of it.
    """
    if shift.by == "none":
        return 0
    newest_us = max(last_us - int(shift.keep_ahead_days * DAY_US), first_us)
    if shift.by == "years":
        years = max(0, int((now_us - newest_us) / (YEAR_DAYS * DAY_US)) - 1)
        while now_us - whole_years_us(years) > newest_us:
            years += 1
        if now_us - whole_years_us(years) >= first_us:
            return whole_years_us(years)
    weeks = -((newest_us - now_us) // WEEK_US)
    return weeks * WEEK_US if weeks > 0 or first_us > now_us else 0
