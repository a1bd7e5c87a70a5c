"""Once the night's forecast is there, the day rests on it, and says so."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from cityloop.decide import facade as decide
from cityloop.kernel.declarations import ForecastSpec
from cityloop.projects.lifelines import facade
from cityloop.projects.lifelines.facade import Line
from cityloop.projects.lifelines.project import PROJECT
from cityloop.projects.lifelines.selectors.history import midnight_of
from cityloop.projects.lifelines.tests.conftest import DAY, SHAPE, TEN, Lines

NIGHT = midnight_of(DAY) + timedelta(minutes=15)


def _load(day: date, hour: int) -> float:
    return 6000.0 * SHAPE[hour] * (0.9 if day.weekday() >= 5 else 1.0) * (1 + 0.01 * (day.toordinal() % 5 - 2))


def test_the_estimate_and_the_day_ahead_come_from_the_nights_forecast(lines: Lines) -> None:
    lines.hours("power.grid.load", _load, since=DAY - timedelta(days=60), until=TEN)
    decide.declare_forecasts(replace(PROJECT, forecasts=(ForecastSpec(streams=("power.grid.load",)),)))
    assert decide.issue_forecasts(NIGHT, seconds_max=600.0) == (1, 0)

    row = facade.line_day(Line.POWER, TEN)
    came = sum(_load(DAY, hour) for hour in range(24)) * 0.1
    assert row.method is not None
    assert "forecast" in row.method.en
    assert row.estimate.value == pytest.approx(came, rel=0.03)
    assert row.estimate_low.value is not None
    assert row.estimate_high.value is not None
    assert row.estimate_low.value <= row.estimate.value <= row.estimate_high.value

    curve = facade.line_curve(Line.POWER, TEN)
    assert [point.low is not None for point in curve.hours[24:]] == [True] * 48
    ahead = sum(point.expected or 0.0 for point in curve.hours[48:])
    assert ahead == pytest.approx(sum(_load(DAY + timedelta(days=1), hour) for hour in range(24)), rel=0.05)
    trace = facade.number_trace(Line.POWER, "estimate", TEN)
    assert any("midnight" in part.title.en for part in trace.parts)

    before = facade.line_day(Line.POWER, NIGHT - timedelta(minutes=5))
    assert before.method is not None
    assert "similar days" in before.method.en, "a forecast that was not issued yet is not used"
