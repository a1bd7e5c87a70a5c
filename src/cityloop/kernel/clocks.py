"""Limits and the three clocks they run on: natural hours, working hours, working days."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from cityloop.kernel.errors import CityloopError

CITY_ZONE = ZoneInfo("Asia/Shanghai")
"""The zone people read; inside, times are UTC."""

IsWorkday = Callable[[date], bool | None]


class CalendarEndsError(CityloopError):
    """A limit would run beyond the days the loaded calendar knows."""

    key = "The working-day calendar is not loaded beyond %(day)s: load it before promising a date."
    status = 409


class Clock(StrEnum):
    """What a limit counts."""

    NATURAL = "natural"
    WORKING_HOUR = "working_hour"
    WORKING_DAY = "working_day"


@dataclass(frozen=True, slots=True)
class Limit:
    """A span on a clock: natural and working hours in hours, working days in days.

    Raises:
        ValueError: if the amount is not positive.
    """

    amount: float
    clock: Clock

    def __post_init__(self) -> None:
        """Refuse a limit that leaves no time."""
        if self.amount <= 0:
            message = f"a limit must be positive: {self.amount}"
            raise ValueError(message)


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """The hours of a working day, local time, as (from, until) pairs in order, not overlapping."""

    spans: tuple[tuple[time, time], ...] = ((time(9), time(12)), (time(13), time(18)))


def deadline_of(
    start: datetime,
    limit: Limit,
    *,
    is_workday: IsWorkday,
    hours: WorkingHours = WorkingHours(),
) -> datetime:
    """Return the instant at which a limit that starts now is over.

    Args:
        start: aware; a working clock that starts outside working hours begins at the next working moment.
        limit: how long.
        is_workday: tells of a local date whether it is worked, None where the calendar does not know; make-up
            working days count as worked.
        hours: the worked hours of a day.

    Returns:
        The aware deadline in UTC. Working days end at the end of the last worked span of the n-th working day
        after the day of the start.

    Raises:
        CalendarEndsError: if the calendar ends before the limit does.

    Source:
        Domain practice: natural time, working hour, working day (GB/T 30428, city handbooks).
    """
    utc = ZoneInfo("UTC")
    if limit.clock is Clock.NATURAL:
        return (start + timedelta(hours=limit.amount)).astimezone(utc)
    local = start.astimezone(CITY_ZONE)
    if limit.clock is Clock.WORKING_DAY:
        return _after_working_days(local.date(), limit.amount, is_workday, hours).astimezone(utc)
    return _after_working_hours(local, timedelta(hours=limit.amount), is_workday, hours).astimezone(utc)


def _worked(day: date, is_workday: IsWorkday) -> bool:
    answer = is_workday(day)
    if answer is None:
        raise CalendarEndsError(day=day.isoformat())
    return answer


def _at(day: date, moment: time) -> datetime:
    return datetime.combine(day, moment, tzinfo=CITY_ZONE)


def _after_working_days(day: date, days: float, is_workday: IsWorkday, hours: WorkingHours) -> datetime:
    left = days
    while left > 0:
        day += timedelta(days=1)
        if _worked(day, is_workday):
            left -= 1
    return _at(day, hours.spans[-1][1])


def _after_working_hours(start: datetime, left: timedelta, is_workday: IsWorkday, hours: WorkingHours) -> datetime:
    day = start.date()
    while True:
        if _worked(day, is_workday):
            for begins, ends in hours.spans:
                first = max(start, _at(day, begins))
                open_for = _at(day, ends) - first
                if open_for <= timedelta(0):
                    continue
                if left <= open_for:
                    return first + left
                left -= open_for
        day += timedelta(days=1)
