"""Counts, slopes and permitted hours, each against a plain loop; cut into pieces or at once, they say the same."""

import math
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloop.decide.rules import Ladder, LimitsError, ScheduleError, TermsError, check_terms, stored_terms, terms_of
from cityloop.decide.rules.nearing import MINUTES_MAX, minutes_to
from cityloop.decide.rules.schedule import hours_between, is_permitted, spans_of
from cityloop.decide.stream import NO_TIME, Known, Past, judged_back, remembered, replayed
from cityloop.kernel.clocks import CITY_ZONE
from cityloop.kernel.declarations import WatchKind
from cityloop.kernel.instants import to_us
from cityloop.kernel.levels import Level
from cityloop.kernel.terms import Rise, Terms

S = 1_000_000
COUNT = Terms(span_s=100.0, limit=10.0)
MINUTES = Terms(limit=50.0, readings=5)
NIGHT = Terms(permitted=("all 06:00-22:00",))
TRACKS = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 20)), min_size=1, max_size=40)


def past_of(steps: list[tuple[int, int]], *, until_s: float | None = None) -> Past:
    at_s = np.cumsum([gap for gap, _ in steps])
    end_s = float(at_s[-1]) if until_s is None else until_s
    values = np.array([float(value) for _, value in steps])
    return Past(at_s.astype(np.int64) * S, values, np.arange(1, len(steps) + 1), round(end_s * S))


def judged(kind: WatchKind, terms: Terms, past: Past) -> Past:
    fresh = np.ones(len(past), dtype=bool)
    return judged_back(kind, terms, past, fresh=fresh, clock_us=NO_TIME, worked={})


@given(TRACKS)
def test_a_count_is_how_many_events_lie_in_the_window(steps: list[tuple[int, int]]) -> None:
    past = past_of(steps, until_s=5000)
    found = judged(WatchKind.COUNT, COUNT, past)
    events = [at for at, value in zip(past.at_us.tolist(), past.value.tolist(), strict=True) if value >= 10]
    for at_us, value in zip(found.at_us.tolist(), found.value.tolist(), strict=True):
        assert value == sum(at_us - 100 * S < event <= at_us for event in events)
    assert set(found.at_us.tolist()) == {*events, *(event + 100 * S for event in events), 5000 * S}
    assert found.value[-1] == 0


@given(TRACKS, st.integers(1, 39), st.sampled_from([(WatchKind.COUNT, COUNT), (WatchKind.MINUTES, MINUTES)]))
def test_what_is_remembered_judges_on_as_if_nothing_had_been_cut(
    steps: list[tuple[int, int]], cut: int, of: tuple[WatchKind, Terms]
) -> None:
    kind, terms = of
    cut = min(cut, len(steps))
    whole = judged(kind, terms, past_of(steps))
    first = past_of(steps[:cut])
    early = judged(kind, terms, first)
    kept, all_of = remembered(kind, terms, first), past_of(steps)
    columns = ("at_us", "value", "observation_id")
    joined = Past(*(np.append(getattr(kept, name), getattr(all_of, name)[cut:]) for name in columns), all_of.until_us)
    fresh = joined.at_us > first.until_us
    late = judged_back(kind, terms, joined, fresh=fresh, clock_us=first.until_us, worked={})
    pieces = {}
    for piece in (early, late):
        pieces |= dict(zip(piece.at_us.tolist(), piece.value.tolist(), strict=True))
    for at_us, value in zip(whole.at_us.tolist(), whole.value.tolist(), strict=True):
        assert pieces[at_us] == value or (math.isnan(value) and math.isnan(pieces[at_us]))


@given(TRACKS, st.booleans())
def test_minutes_follow_the_median_of_all_slopes(steps: list[tuple[int, int]], is_below: bool) -> None:  # noqa: FBT001
    past = past_of(steps)
    found = minutes_to(past.at_us, past.value, limit=15.0, is_below=is_below, readings=5)
    for row, minutes in enumerate(found.tolist()):
        if row < 4:
            assert math.isnan(minutes)
            continue
        points = list(
            zip((past.at_us[row - 4 : row + 1] / S / 60).tolist(), past.value[row - 4 : row + 1], strict=True)
        )
        slope = median((w - v) / (u - t) for (t, v), (u, w) in combinations(points, 2))
        level = median(v + slope * (points[-1][0] - t) for t, v in points)
        gap, pace = (level - 15.0, -slope) if is_below else (15.0 - level, slope)
        wanted = 0.0 if gap <= 1e-9 else min(gap / pace, MINUTES_MAX) if pace > 1e-12 else MINUTES_MAX
        assert minutes == pytest.approx(wanted, abs=1e-6)


def test_one_wild_reading_does_not_foretell_a_flood() -> None:
    at_us = np.arange(9, dtype=np.int64) * 60 * S
    value = np.array([10.0, 10.1, 10.2, 10.3, 49.0, 10.5, 10.6, 10.7, 10.8])
    found = minutes_to(at_us, value, limit=12.0, is_below=False, readings=9)
    assert found[-1] == pytest.approx(12.0)
    wide = minutes_to(at_us, value, limit=12.0, is_below=False, readings=9, span_s=479.0)
    assert np.isnan(wide).all()


def test_a_value_that_nears_its_limit_does_not_chatter() -> None:
    ladder = Ladder.of(
        WatchKind.MINUTES, limits={Level.YELLOW: 60.0, Level.RED: 10.0}, hysteresis=30.0, hold_s=0.0
    )  # fmt: skip
    generator = np.random.default_rng(3)
    count = 200
    value = np.arange(count) * 0.2 + generator.normal(0, 0.15, count)
    past = Past(np.arange(count, dtype=np.int64) * 60 * S, value, np.arange(1, count + 1), count * 60 * S)
    known = Known(terms=Terms(limit=40.0, readings=20))
    events = replayed(ladder, past, known=known).events
    assert [(event.kind.value, event.level) for event in events] == [("raised", Level.YELLOW), ("level", Level.RED)]
    raised_min = events[0].at_us / S / 60
    assert raised_min == pytest.approx(200 - 60, abs=25)


def test_a_pump_at_night_is_told_when_the_hours_end_though_it_says_nothing_more() -> None:
    evening = to_us(datetime(2026, 11, 23, 21, 30, tzinfo=CITY_ZONE))
    hour_us = 3600 * S
    past = Past(np.array([evening]), np.array([1.0]), np.array([7]), evening + 9 * hour_us)
    found = judged(WatchKind.SCHEDULE, NIGHT, past)
    told = list(zip(((found.at_us - evening) / hour_us).tolist(), found.value.tolist(), strict=True))
    assert told == [(0.0, 0.0), (0.5, 1.0), (8.5, 0.0), (9.0, 0.0)]
    assert found.observation_id.tolist() == [7, 7, 7, 7]
    any_reading = Terms(permitted=("all 06:00-22:00",), any_reading=True)
    late = Past(past.at_us + hour_us, np.array([0.0]), past.observation_id, past.until_us)
    found = judged(WatchKind.SCHEDULE, any_reading, late)
    assert [(at / hour_us, value) for at, value in zip(found.at_us - evening, found.value, strict=True)] == [
        (1.0, 1.0),
        (8.5, 0.0),
    ]


@pytest.mark.parametrize(
    ("lines", "local", "permitted"),
    [
        (("1-5 06:00-22:00",), "2026-11-23 06:00", True),
        (("1-5 06:00-22:00",), "2026-11-23 22:00", False),
        (("1-5 06:00-22:00",), "2026-11-22 12:00", False),
        (("1,7 06:00-22:00",), "2026-11-22 12:00", True),
        (("all 22:00-06:00",), "2026-11-23 05:59", True),
        (("7 22:00-06:00",), "2026-11-23 05:59", True),
        (("1 22:00-06:00",), "2026-11-23 05:59", False),
        (("5-1 22:00-06:00",), "2026-11-27 23:00", True),
        (("5-1 22:00-06:00",), "2026-11-29 23:00", True),
        (("5-1 22:00-06:00",), "2026-12-01 05:59", True),
        (("5-1 22:00-06:00",), "2026-12-01 23:00", False),
        (("5-1 22:00-06:00",), "2026-11-26 23:00", False),
        (("7-1,3-3 06:00-22:00",), "2026-11-25 12:00", True),
        (("work 08:00-18:00",), "2026-10-01 09:00", False),
        (("rest 08:00-18:00",), "2026-10-01 09:00", True),
        (("work 08:00-18:00",), "2026-10-10 09:00", True),
        (("work 08:00-18:00",), "2026-10-08 09:00", True),
        (("12-20..02-15 all 00:00-24:00",), "2027-01-05 23:59", True),
        (("12-20..02-15 all 00:00-24:00",), "2026-12-19 12:00", False),
        (("12-20..02-15 all 00:00-24:00",), "2027-02-15 12:00", True),
        (("1-5 06:00-12:00", "1-5 12:00-22:00"), "2026-11-23 12:00", True),
    ],
)
def test_permitted_hours_are_the_citys(lines: tuple[str, ...], local: str, permitted: bool) -> None:  # noqa: FBT001
    moment = datetime.fromisoformat(local).replace(tzinfo=CITY_ZONE)
    worked = {date(2026, 10, 1): False, date(2026, 10, 10): True}
    day = moment.date()
    hours = hours_between(spans_of(lines), day - timedelta(days=2), day + timedelta(days=2), worked=worked)
    assert is_permitted(np.array([to_us(moment.astimezone(UTC))]), hours).tolist() == [permitted]


@pytest.mark.parametrize(
    "line",
    ["", "1-5", "06:00-22:00", "8 06:00-22:00", "1-5 6:00-22:00", "all 06:00-25:00", "all 06:60-22:00",
     "all 06:00-06:00", "13-01..02-01 all 06:00-22:00", "02-30..03-01 all 06:00-22:00", "now 06:00-22:00",
     "1-5 06:00-22:00 x"],
)  # fmt: skip
def test_lines_that_say_no_hours_are_refused(line: str) -> None:
    with pytest.raises(ScheduleError):
        spans_of((line,))


def test_no_line_and_too_many_are_refused() -> None:
    for lines in ((), ("all 06:00-22:00",) * 51):
        with pytest.raises(ScheduleError):
            spans_of(lines)


@pytest.mark.parametrize(
    ("kind", "terms", "limits", "dead", "error"),
    [
        (WatchKind.COUNT, Terms(limit=1.0), 3, 0, TermsError),
        (WatchKind.COUNT, Terms(span_s=60.0), 3, 0, TermsError),
        (WatchKind.COUNT, Terms(span_s=60.0, limit=1.0, watches=("a",)), 3, 0, TermsError),
        (WatchKind.COUNT, Terms(span_s=math.inf, limit=1.0), 3, 0, TermsError),
        (WatchKind.COUNT, Terms(span_s=1e9, limit=1.0), 3, 0, TermsError),
        (WatchKind.COUNT, Terms(span_s=60.0, limit=1.0), 1001, 0, LimitsError),
        (WatchKind.COUNT, Terms(span_s=60.0, limit=1.0), 3, 3, LimitsError),
        (WatchKind.MINUTES, Terms(readings=5), 10, 1, TermsError),
        (WatchKind.MINUTES, Terms(limit=1.0, readings=2), 10, 1, TermsError),
        (WatchKind.MINUTES, Terms(limit=1.0, readings=31), 10, 1, TermsError),
        (WatchKind.MINUTES, Terms(limit=1.0, readings=5), 10, 0, LimitsError),
        (WatchKind.MINUTES, Terms(limit=1.0, readings=5), 10_079, 1, LimitsError),
        (WatchKind.SCHEDULE, Terms(), 1, 0, ScheduleError),
        (WatchKind.SCHEDULE, Terms(permitted=("all 06:00-22:00",), any_reading=True), 2, 0, LimitsError),
        (WatchKind.SCHEDULE, Terms(permitted=("all 06:00-22:00",)), 1, 1, LimitsError),
    ],
)
def test_terms_that_cannot_be_used_are_refused(
    kind: WatchKind, terms: Terms, limits: float, dead: float, error: type[Exception]
) -> None:
    with pytest.raises(error):
        check_terms(kind, terms, limits={Level.RED: limits}, hysteresis=dead)


def test_terms_are_stored_and_read_again() -> None:
    whole = Terms(
        span_s=60.0, limit=0.0, is_below=True, readings=5, permitted=("all 06:00-22:00",), any_reading=True,
        watches=("a", "b"), table=(Rise(4, Level.BLUE, Level.YELLOW),), within="district",
    )  # fmt: skip
    assert terms_of(stored_terms(whole)) == whole
    assert stored_terms(Terms()) == {}
    assert terms_of({}) == Terms()
