"""What coordination does to a line's supply: quantities granted or taken back, while they run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from cityloop.kernel.clocks import CITY_ZONE
from cityloop.projects.lifelines.rules.days import LineCurve

HOUR = timedelta(hours=1)
HOURS_OF_DAY = 24
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """A quantity that runs for a time.

    Attributes:
        begins_at, ends_at: from when to when, aware, `begins_at < ends_at`.
        quantity: how much in the unit of the line's day, as long as it runs.
    """

    begins_at: datetime
    ends_at: datetime
    quantity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What those upstream have granted.

    Attributes:
        runs: what was granted, from when to when.
        answered_at: when it was granted.
        finished_at: when delivery was over, None while it is not.
        delivered: what came on a day, in the unit of the line's day, where it was noted.
    """

    runs: Portion
    answered_at: datetime
    finished_at: datetime | None = None
    delivered: Mapping[date, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Share:
    """What one request or one cut brings over a time, on the mean; `page` is its address."""

    number: str
    page: str
    quantity: float


@dataclass(frozen=True, slots=True)
class SupplyPoint:
    """The supply of an hour before and after what was granted, in the unit of the curve."""

    begins_at: datetime
    before: float
    after: float


def portions_of(
    grant: Grant, begins_at: datetime, ends_at: datetime, *, at: datetime, nominated_at: Mapping[date, datetime]
) -> list[Portion]:
    """Return what a grant brings in a time: what came on days that are over and noted, else what was granted.

    Args:
        grant: the grant.
        begins_at: start of the time, aware.
        ends_at: its end.
        at: as of when; a day that ends later is not over.
        nominated_at: when the nominated supply of a day was told: what was told after the answer holds the grant.

    Returns:
        Portions in order; what came on a day is spread over the whole of it. A grant ends when its delivery is over.
    """
    first, last = max(begins_at, grant.runs.begins_at), min(ends_at, grant.runs.ends_at)
    found, midnight = [], datetime.combine(first.astimezone(CITY_ZONE).date(), time(), CITY_ZONE)
    while midnight < last:
        morning, midnight = midnight, midnight + _DAY
        told_at = nominated_at.get(morning.date())
        if told_at is not None and told_at > grant.answered_at:
            continue
        came = grant.delivered.get(morning.date()) if midnight <= at else None
        if came is not None:
            found.append(Portion(begins_at=morning, ends_at=midnight, quantity=came))
            continue
        start, end = max(first, morning), min(last, midnight, grant.finished_at or last)
        if start < end:
            found.append(Portion(begins_at=start, ends_at=end, quantity=grant.runs.quantity))
    return found


def mean_over(portions: Iterable[Portion], *, begins_at: datetime, ends_at: datetime) -> float:
    """Return what portions bring over a time on the mean, each weighed by how long it runs in it.

    Args:
        portions: what runs.
        begins_at: start of the time, aware.
        ends_at: its end, later than the start.

    Returns:
        The mean in the portions' unit; over a whole day it is what the day gains.
    """
    span = ends_at - begins_at
    return sum(one.quantity * (_overlap(one, begins_at, ends_at) / span) for one in portions)


def _overlap(one: Portion, begins_at: datetime, ends_at: datetime) -> timedelta:
    return max(timedelta(0), min(one.ends_at, ends_at) - max(one.begins_at, begins_at))


def running_at(portions: Iterable[Portion], at: datetime) -> float:
    """Return what runs at an instant, in the portions' unit."""
    return sum(one.quantity for one in portions if one.begins_at <= at < one.ends_at)


def supply_with(curve: LineCurve, portions: Iterable[Portion], *, day_factor: float) -> tuple[SupplyPoint, ...]:
    """Return a curve's supply hour by hour, before and after some portions; empty where the supply is not known.

    Args:
        curve: the curve; its `supply_an_hour` must not hold the portions yet.
        portions: quantities in the day's unit; an hour gains a 24th while they run.
        day_factor: makes the day's unit of the sum of the hours, > 0.
    """
    before = curve.supply_an_hour
    if before is None:
        return ()
    kept = tuple(portions)
    return tuple(
        SupplyPoint(hour.begins_at, before, before + _an_hour(kept, hour.begins_at) / day_factor)
        for hour in curve.hours
    )


def _an_hour(portions: tuple[Portion, ...], begins_at: datetime) -> float:
    return mean_over(portions, begins_at=begins_at, ends_at=begins_at + HOUR) / HOURS_OF_DAY
