"""Past days of the lines are kept hour by hour, so that sixty days and last year cost the sheet one small question."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

import numpy as np

from cityloop.projects.lifelines.models import PastDay
from cityloop.projects.lifelines.rules.lines import MAKES
from cityloop.projects.lifelines.rules.summing import Float64s
from cityloop.projects.lifelines.selectors.history import TEMPERATURE, blocks, local_day, midnight_of, sources

KEEP_DAYS = 800
"""So many days are kept: two years and the weeks before them."""

ANEW_DAYS = 40
"""So many days are made anew once a day: readings may still have come."""

LOOKED_AGAIN = timedelta(hours=1)
"""A day of which an hour is missing is made anew so often: history may be brought in late."""

CHUNK_DAYS = 40
_DAY = timedelta(days=1)


def keep_days(now: datetime) -> int:
    """Make the kept days that are missing, once a day the recent ones anew, and once an hour those with gaps.

    Args:
        now: the wall clock, aware.

    Returns:
        How many rows were written.
    """
    today = local_day(now)
    days = [today - number * _DAY for number in range(KEEP_DAYS, 0, -1)]
    fresh_after = {day: midnight_of(today) for day in days[-ANEW_DAYS:]}
    made = dict(PastDay.objects.filter(line=TEMPERATURE, day__gte=days[0]).values_list("day", "made_at"))
    gaps = set(PastDay.objects.filter(day__gte=days[0], total=None).values_list("day", flat=True))
    fresh_after |= {day: max(fresh_after.get(day, now - LOOKED_AGAIN), now - LOOKED_AGAIN) for day in gaps}
    wanted = {day for day in days if day not in made or made[day] < fresh_after.get(day, made[day])}
    return sum(_made(chunk, now) for chunk in _chunks(days, wanted))


def _chunks(days: list[date], wanted: set[date]) -> Iterable[list[date]]:
    for first in range(0, len(days), CHUNK_DAYS):
        chunk = days[first : first + CHUNK_DAYS]
        if wanted.intersection(chunk):
            yield chunk


def _made(chunk: list[date], now: datetime) -> int:
    """Write the days of a chunk: every line's where any has a reading; the temperature's row says a day was made."""
    lines = [*(str(line) for line in MAKES), TEMPERATURE]
    found = blocks(sources(), lines, first=chunk[0], days=len(chunk))
    told = np.array(
        [any(np.isfinite(block.values[row]).any() for block in found.values()) for row in range(len(chunk))]
    )
    rows = [
        _row(line, day, found[line].values[row], now)
        for row, day in enumerate(chunk)
        for line in (lines if told[row] else [TEMPERATURE])
    ]
    PastDay.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["line", "day"], update_fields=["hours", "total", "made_at"]
    )
    return len(rows)


def _row(line: str, day: date, hours: Float64s, now: datetime) -> PastDay:
    total = None
    if np.isfinite(hours).all():
        total = float(hours.mean()) if line == TEMPERATURE else float(hours.sum()) * _DAY_FACTORS[line]
    return PastDay(
        line=line, day=day, hours=[float(one) if np.isfinite(one) else None for one in hours], total=total, made_at=now
    )


_DAY_FACTORS = {str(make.line): make.day_factor for make in MAKES.values()}

__all__ = ["keep_days"]
