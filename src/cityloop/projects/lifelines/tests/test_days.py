"""A line's day is made of readings, and says what it cannot tell."""

from datetime import date, timedelta

import pytest

from cityloop.projects.lifelines import facade
from cityloop.projects.lifelines.facade import Line, State
from cityloop.projects.lifelines.selectors.history import midnight_of
from cityloop.projects.lifelines.tests.conftest import DAY, SHAPE, TEN, Lines

MEAN_MW = 6000.0


def _load(day: date, hour: int) -> float:
    return MEAN_MW * SHAPE[hour] * (1 + 0.01 * (day.toordinal() % 3 - 1))


@pytest.fixture
def power(lines: Lines) -> Lines:
    lines.hours("power.grid.load", _load, since=DAY - timedelta(days=50), until=TEN)
    return lines


def test_a_city_without_readings_says_so(lines: Lines) -> None:  # noqa: ARG001  the streams stand
    rows = facade.line_days(TEN)
    assert [row.line for row in rows] == list(Line)
    for row in rows:
        assert row.used.value is row.estimate.value is row.gap.value is None
        assert row.used.why_none is not None
        assert row.state is State.UNKNOWN
        assert row.arrived_percent.value in {None, 0.0}


def test_what_came_last_counts_whichever_hour_it_names(lines: Lines) -> None:
    lines.tell("gas.dispatch.plan", 4300.0)
    lines.tell("gas.dispatch.plan", 4400.0, at=TEN - timedelta(hours=1))
    assert facade.line_day(Line.GAS, TEN).planned.value == 4400.0
    lines.tell("gas.dispatch.plan", 4500.0)
    assert facade.line_day(Line.GAS, TEN).planned.value == 4500.0


def test_a_line_whose_supply_nobody_has_told_is_not_called_normal(power: Lines) -> None:
    assert facade.line_day(Line.POWER, TEN).state is State.UNKNOWN
    for told in ("nominated", "own"):
        power.tell(f"power.dispatch.{told}", 90_000.0)
    assert facade.line_day(Line.POWER, TEN).state is State.NORMAL


def test_the_full_day_is_what_was_used_over_the_usual_share(power: Lines) -> None:  # noqa: ARG001  its history
    row = facade.line_day(Line.POWER, TEN)
    used = sum(_load(DAY, hour) for hour in range(10)) * 0.1
    assert row.used.value == pytest.approx(used)
    assert row.estimate.value == pytest.approx(used / (SHAPE[:10].sum() / SHAPE.sum()))
    assert row.estimate_low.value is not None
    assert row.estimate_high.value is not None
    assert row.estimate_low.value <= row.estimate.value <= row.estimate_high.value
    assert row.method is not None
    assert "similar days" in row.method.en
    assert row.yesterday.value == pytest.approx(sum(_load(DAY - timedelta(days=1), hour) for hour in range(24)) * 0.1)
    assert row.arrived_percent.value == pytest.approx(100.0)


def test_the_hour_that_is_not_over_counts_for_nothing(power: Lines) -> None:
    power.read("power.grid.load", (TEN, 99_999.0))
    before = facade.line_day(Line.POWER, TEN).used.value
    assert facade.line_day(Line.POWER, TEN + timedelta(minutes=30)).used.value == before


def test_the_curve_goes_on_to_the_estimate(power: Lines) -> None:  # noqa: ARG001  its history
    curve = facade.line_curve(Line.POWER, TEN)
    assert len(curve.hours) == 72
    today = curve.hours[24:48]
    assert today[0].begins_at == midnight_of(DAY)
    assert [point.used is None for point in today] == [False] * 10 + [True] * 14
    ahead = sum(point.expected or 0.0 for point in today[10:])
    used = sum(point.used or 0.0 for point in today)
    estimate = facade.line_day(Line.POWER, TEN).estimate.value
    assert estimate is not None
    assert (used + ahead) * 0.1 == pytest.approx(estimate)
    assert all(point.expected is not None for point in curve.hours[48:])


def test_a_silent_zone_does_not_make_the_city_look_thrifty(lines: Lines) -> None:
    since = DAY - timedelta(days=8)
    for zone in range(1, 11):
        until = TEN if zone > 1 else TEN - timedelta(hours=3)
        lines.hours(f"water.zone-{zone}.inflow", lambda _, hour: 10.0 * SHAPE[hour], since=since, until=until)
    row = facade.line_day(Line.WATER, TEN)
    assert row.used.value == pytest.approx(10 * 10.0 * SHAPE[:10].sum() * 3.6)
    assert row.arrived_percent.value == pytest.approx(97.0)


def test_before_three_nothing_is_estimated_without_a_band(lines: Lines) -> None:
    lines.hours("power.grid.load", _load, since=DAY - timedelta(days=3), until=TEN)
    assert facade.line_day(Line.POWER, midnight_of(DAY) + timedelta(hours=2)).estimate.value is None
    row = facade.line_day(Line.POWER, TEN)
    assert row.estimate.value is not None
    assert row.estimate_low.value is None


def test_the_largest_days_are_named(power: Lines) -> None:
    power.read(
        "power.grid.load",
        *((midnight_of(DAY - timedelta(days=20)) + timedelta(hours=h, minutes=30), 30000.0) for h in range(24)),
    )
    row = facade.line_day(Line.POWER, TEN)
    assert row.record.day == DAY - timedelta(days=20)
    assert row.season_peak.day is not None
    assert row.season_peak.day >= date(2026, 11, 15)
    assert row.record.figure.value is not None
    assert row.season_peak.figure.value is not None
    assert row.record.figure.value > row.season_peak.figure.value


def test_last_year_is_named_with_its_variant(power: Lines) -> None:
    assert facade.line_day(Line.POWER, TEN).last_year.figure.value is None
    weekday = DAY - timedelta(weeks=52)
    power.hours("power.grid.load", lambda *_: 5000.0, since=weekday, until=midnight_of(weekday + timedelta(days=1)))
    row = facade.line_day(Line.POWER, TEN)
    assert row.last_year.day == weekday
    assert "weekday" in row.last_year.words.en
    assert row.last_year.figure.value == pytest.approx(12_000.0)
    assert row.estimate.value is not None
    assert row.change_percent.value == pytest.approx((row.estimate.value / 12_000.0 - 1) * 100)
    assert row.needs_reason
    heating = date(DAY.year - 1, DAY.month, DAY.day)
    power.hours("power.grid.load", lambda *_: 6000.0, since=heating, until=midnight_of(heating + timedelta(days=1)))
    assert "heating season" in facade.line_day(Line.POWER, TEN).last_year.words.en
