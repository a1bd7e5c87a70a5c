"""Kinds of watches that need more of the past than a reading and the one before it.

The same functions judge the present, a few fresh readings after those that are remembered, and the past of a year.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from cityloop.decide.rules.counting import EVENTS_MAX, counts, is_event, moments
from cityloop.decide.rules.nearing import minutes_to
from cityloop.decide.rules.schedule import hours_between, is_permitted, spans_of, turns
from cityloop.decide.stream.past import Past
from cityloop.kernel.clocks import CITY_ZONE
from cityloop.kernel.declarations import WatchKind
from cityloop.kernel.terms import Terms

Int64s = npt.NDArray[np.int64]
Float64s = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

LOOKING_BACK: Final = (WatchKind.COUNT, WatchKind.MINUTES, WatchKind.SCHEDULE)

HELD_US_MAX = 86_400_000_000
"""A value stands for so long after its reading when permitted hours begin or end: microseconds (house default)."""

_SLACK = 3
"""A slope is looked for in the readings of so many times its span, or gaps would leave too few of them."""

_USUAL_PERIOD_S = 300.0
"""How often a stream reports that promises no period, seconds; only tells how far back to look at first."""


def judged_back(  # noqa: PLR0913  each says one thing
    kind: WatchKind,
    terms: Terms,
    past: Past,
    *,
    fresh: Bools,
    clock_us: int,
    worked: Mapping[date, bool],
) -> Past:
    """Return judged values at the moments something may change, rising; NaN where nothing can be said.

    Args:
        kind: how the watch judges.
        terms: what it needs beside its limits.
        past: the stream's readings up to its end.
        fresh: which of them nobody has judged, shape (n,); the newest ones.
        clock_us: up to when what time alone changes was judged, microseconds since the Unix epoch.
        worked: which days are worked after the calendar.
    """
    if kind is WatchKind.COUNT:
        return _counted(terms, past, fresh, clock_us)
    if kind is WatchKind.MINUTES:
        minutes = minutes_to(
            past.at_us, past.value, limit=terms.limit or 0.0, is_below=terms.is_below, readings=terms.readings,
            span_s=terms.span_s,
        )  # fmt: skip
        return Past(past.at_us[fresh], minutes[fresh], past.observation_id[fresh], past.until_us)
    return _scheduled(terms, past, fresh, clock_us, worked)


def _counted(terms: Terms, past: Past, fresh: Bools, clock_us: int) -> Past:
    counted = np.ones(len(past), dtype=bool)
    if not terms.watches:
        counted = is_event(past.value, limit=terms.limit or 0.0, is_below=terms.is_below)
    event_us, span_us = past.at_us[counted], round(terms.span_s * 1e6)
    at_us = moments(event_us, fresh=fresh[counted], clock_us=clock_us, until_us=past.until_us, span_us=span_us)
    last = np.searchsorted(event_us, at_us, "right")
    numbers = np.append(0, past.observation_id[counted])
    return Past(at_us, counts(event_us, at_us, span_us=span_us).astype(np.float64), numbers[last], past.until_us)


def _scheduled(terms: Terms, past: Past, fresh: Bools, clock_us: int, worked: Mapping[date, bool]) -> Past:
    if not len(past):
        return past
    begin_us = int(past.at_us[fresh][0]) if fresh.any() else clock_us
    begin_us = max(min(begin_us, clock_us) if clock_us > 0 else begin_us, int(past.at_us[0]))
    hours = hours_between(spans_of(terms.permitted), _day(begin_us), _day(past.until_us), worked=worked)
    turning = turns(hours, since_us=begin_us, until_us=past.until_us)
    if terms.any_reading:
        turning = turning[is_permitted(turning, hours)]
        at_us = np.concatenate([past.at_us[fresh], turning])
        outside = np.append(np.ones(int(fresh.sum())), np.zeros(len(turning)))
        number = np.append(past.observation_id[fresh], np.zeros(len(turning), dtype=np.int64))
    else:
        at_us = np.concatenate([past.at_us[fresh], turning, np.array([past.until_us], dtype=np.int64)])
        held = np.maximum(np.searchsorted(past.at_us, at_us, "right") - 1, 0)
        outside = np.where(at_us - past.at_us[held] <= HELD_US_MAX, past.value[held], 0.0)
        number = past.observation_id[held]
    value = np.where(is_permitted(at_us, hours), 0.0, outside)
    order = np.argsort(at_us, kind="stable")
    return Past(at_us[order], value[order], number[order], past.until_us)


def _day(at_us: int) -> date:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)).astimezone(CITY_ZONE).date()


def remembered(kind: WatchKind, terms: Terms, past: Past) -> Past:
    """Return those readings that the next ones are judged by."""
    if kind is WatchKind.COUNT:
        counted = is_event(past.value, limit=terms.limit or 0.0, is_below=terms.is_below)
        place = np.flatnonzero(counted & (past.at_us > past.until_us - round(terms.span_s * 1e6)))[-EVENTS_MAX:]
    else:
        place = np.arange(len(past))[-(terms.readings or 1) :]
    return Past(past.at_us[place], past.value[place], past.observation_id[place], past.until_us)


def reach_s(kind: WatchKind, terms: Terms, *, period_s: float | None) -> float:
    """Return how far before the newest reading a watch looks that has remembered nothing yet, seconds."""
    if kind is WatchKind.COUNT:
        return terms.span_s
    if kind is WatchKind.MINUTES:
        return terms.span_s or _SLACK * terms.readings * (period_s or _USUAL_PERIOD_S)
    return 0.0
