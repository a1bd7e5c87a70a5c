"""Forecasts issued from the history, kept, and held against what came."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import pytest
from django.db import connection

from cityloop.decide import facade
from cityloop.decide.models import Forecast, ForecastStream
from cityloop.decide.rules.forecasting.trees import Effort
from cityloop.decide.selectors.hours import hours_of, midnight_of
from cityloop.decide.services import forecasts
from cityloop.decide.tests.conftest import PROJECT, City
from cityloop.kernel.declarations import ForecastSpec
from cityloop.kernel.errors import NotFoundError

TODAY = date(2026, 11, 22)
NIGHT = midnight_of(TODAY) + timedelta(minutes=20)
QUICK = Effort(rows_max=1500, rounds=15, shared_rows_max=600, shared_rounds=15, leaves=7)
LATER = timedelta(days=1)


def demand(day: int, hour: int, *, size: float) -> float:
    """Return a day's shape, lower at the week's end, that grows slowly."""
    weekday = (TODAY - timedelta(days=day)).weekday()
    wobble = 0.02 * ((day * 7 + hour * 3) % 5 - 2)
    return size * (1 + 0.4 * np.sin(2 * np.pi * (hour - 7) / 24)) * (0.8 if weekday > 4 else 1.0) * (1 + wobble)


def fill(stream: int, days: range, *, size: float = 100.0, first_id: int = 1) -> None:
    """Write hourly readings of the days so many days ago."""
    rows = [
        (
            stream,
            midnight_of(TODAY - timedelta(days=day)) + timedelta(hours=hour, minutes=30),
            demand(day, hour, size=size),
        )
        for day in days
        for hour in range(24)
    ]
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO sense_observation (datastream_id, phenomenon_time, id, result, feature_id)"
            " VALUES (%s, %s, %s, %s, 1)",
            [(stream, at, number, value) for number, (stream, at, value) in enumerate(rows, first_id)],
        )


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let models learn for a moment only, and from four months."""
    monkeypatch.setattr(forecasts, "FULL", QUICK)
    monkeypatch.setattr(forecasts, "HISTORY_DAYS", 120)


@pytest.fixture
def forecast_city(city: City) -> Iterator[City]:
    """Two streams of which one has a history of a hundred days."""
    fill(city.first, range(1, 101))
    facade.declare(replace(PROJECT, forecasts=(ForecastSpec(streams=("point-*",)),)), now=NIGHT)
    return city


def test_declared_streams_are_forecast_once_a_day(forecast_city: City) -> None:
    assert facade.issue_forecasts(NIGHT, seconds_max=60) == (2, 0)
    assert facade.issue_forecasts(midnight_of(TODAY + LATER) + timedelta(minutes=9), seconds_max=60) == (0, 0)
    assert facade.issue_forecasts(NIGHT + timedelta(hours=3), seconds_max=60) == (0, 0)
    found = facade.forecast_of(forecast_city.first)
    assert found is not None
    assert (found.starts_on, found.method, found.fell_back, found.learnt_days) == (TODAY, "model", False, 100)
    assert len(found.points) == 168
    assert found.points[0].at == midnight_of(TODAY)
    for number, point in enumerate(found.points):
        assert point.low is not None
        assert point.high is not None
        assert point.low <= point.value <= point.high
        assert point.value == pytest.approx(demand(-(number // 24), number % 24, size=100), rel=0.1)
    assert facade.issue_forecasts(NIGHT + LATER, seconds_max=60) == (2, 0)
    assert facade.forecast_of(forecast_city.first, day=TODAY) == found


def test_a_stream_without_a_history_has_a_forecast_without_points(forecast_city: City) -> None:
    facade.issue_forecasts(NIGHT, seconds_max=60)
    found = facade.forecast_of(forecast_city.second)
    assert found is not None
    assert (found.points, found.learnt_days, found.method) == ((), 0, "last_week")
    assert facade.full_day_of(forecast_city.second, now=NIGHT) is None
    assert facade.forecast_of(987654321) is None


def test_whoever_is_stopped_goes_on_where_it_was(forecast_city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecasts, "BLOCK_STREAMS", 1)
    seconds = iter([0.0, 1.0, 11.0])
    assert facade.issue_forecasts(NIGHT, seconds_max=10, clock=lambda: next(seconds)) == (1, 1)
    assert Forecast.objects.count() == 1
    assert facade.issue_forecasts(NIGHT, seconds_max=10) == (1, 0)
    assert set(Forecast.objects.values_list("datastream_id", flat=True)) == {forecast_city.first, forecast_city.second}


def test_a_block_that_cannot_be_computed_does_not_keep_the_others_waiting(
    forecast_city: City, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(forecasts, "BLOCK_STREAMS", 1)
    right = forecasts.hours_of

    def hours(stream: int, *, first: date, days: int) -> np.ndarray:
        if stream == forecast_city.first:
            message = "no such hours"
            raise ValueError(message)
        return right(stream, first=first, days=days)

    monkeypatch.setattr(forecasts, "hours_of", hours)
    assert facade.issue_forecasts(NIGHT, seconds_max=60) == (1, 1)
    assert str(forecast_city.first) in caplog.text


def test_a_forecast_is_held_against_what_came(forecast_city: City) -> None:
    facade.issue_forecasts(NIGHT, seconds_max=60)
    assert facade.judge_forecasts(NIGHT + LATER) == 0
    fill(forecast_city.first, range(1), first_id=90_000)
    assert facade.judge_forecasts(NIGHT + timedelta(hours=9)) == 0
    assert facade.judge_forecasts(NIGHT + LATER) == 1
    assert facade.judge_forecasts(NIGHT + LATER) == 0
    record = facade.forecast_record(forecast_city.first, since=TODAY, until=TODAY + LATER)
    came = hours_of(forecast_city.first, first=TODAY, days=1)[0]
    found = facade.forecast_of(forecast_city.first)
    assert found is not None
    missed = np.array([point.value for point in found.points[:24]]) - came
    assert (record.days, record.fell_back) == (1, 0)
    assert record.error == pytest.approx(np.abs(missed).mean())
    assert record.bias == pytest.approx(missed.mean())
    assert record.wape == pytest.approx(np.abs(missed).mean() / came.mean())
    week_before = hours_of(forecast_city.first, first=TODAY - timedelta(days=7), days=1)[0]
    assert record.naive_error == pytest.approx(np.abs(week_before - came).mean())
    assert record.inside is not None
    assert 0 <= record.inside <= 1
    nothing = facade.forecast_record(forecast_city.first, since=TODAY + LATER, until=TODAY + 2 * LATER)
    assert (nothing.days, nothing.error, nothing.wape) == (0, None, None)


def test_a_day_that_never_came_is_judged_by_no_hour_in_the_end(forecast_city: City) -> None:
    facade.issue_forecasts(NIGHT, seconds_max=60)
    assert facade.judge_forecasts(NIGHT + 13 * LATER) == 0
    assert facade.judge_forecasts(NIGHT + 14 * LATER) == 2
    assert set(Forecast.objects.values_list("judged_hours", flat=True)) == {0}
    assert facade.forecast_record(forecast_city.first, since=TODAY, until=TODAY + LATER).days == 0


def test_kept_forecasts_take_the_place_of_the_rehearsal(forecast_city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecasts, "REHEARSAL_DAYS", 3)
    for back in (3, 2, 1):
        facade.issue_forecasts(NIGHT - back * LATER, seconds_max=60)
    asked: list[list[object]] = []
    right = forecasts.issue

    def issue(pasts: list, kept: list, *, effort: Effort) -> list:
        asked.append(kept)
        return right(pasts, kept, effort=effort)

    monkeypatch.setattr(forecasts, "issue", issue)
    assert facade.issue_forecasts(NIGHT, seconds_max=60)[0] == 2
    (kept,) = asked
    assert kept[0]["ridge"].shape == (3, 7, 24)
    assert np.isfinite(kept[0]["own"]).all()
    found = facade.forecast_of(forecast_city.first)
    assert found is not None
    assert all(point.low is not None for point in found.points)


def test_the_naive_forecast_is_shown_where_it_was_better(forecast_city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecasts, "REHEARSAL_DAYS", 14)
    for back in range(14, 0, -1):
        Forecast.objects.create(
            datastream_id=forecast_city.first, starts_on=TODAY - back * LATER, starts_at=NIGHT, issued_at=NIGHT,
            method="model", share_first=0.5, share_later=0.5, learnt_days=90, learnt_rows=9, part_names="ridge",
            parts=np.full((1, 7, 24), 9e5, dtype="<f4").tobytes(),
        )  # fmt: skip
    facade.issue_forecasts(NIGHT, seconds_max=60)
    found = facade.forecast_of(forecast_city.first)
    assert found is not None
    assert found.fell_back
    assert found.method in {"last_week", "yesterday"}
    source = 7 if found.method == "last_week" else 1
    earlier = hours_of(forecast_city.first, first=TODAY - timedelta(days=source), days=1)[0]
    np.testing.assert_allclose([point.value for point in found.points[:24]], earlier, rtol=1e-6)


def test_the_whole_day_is_estimated_from_its_first_hours(forecast_city: City) -> None:
    facade.issue_forecasts(NIGHT, seconds_max=60)
    whole = sum(demand(0, hour, size=100) for hour in range(24))
    fill(forecast_city.first, range(1), first_id=90_000)
    for hours in (0, 10, 23):
        found = facade.full_day_of(forecast_city.first, now=midnight_of(TODAY) + timedelta(hours=hours, minutes=5))
        assert found is not None
        assert (found.day, found.hours, found.from_forecast) == (TODAY, hours, True)
        assert found.low is not None
        assert found.high is not None
        assert found.low <= found.total <= found.high
        assert found.total == pytest.approx(whole, rel=0.05)
    Forecast.objects.all().delete()
    usual = facade.full_day_of(forecast_city.first, now=midnight_of(TODAY) + timedelta(hours=10))
    assert usual is not None
    assert not usual.from_forecast


def test_a_day_is_held_against_last_year_and_the_variant_is_named(
    city: City, keep_history: Callable[[int, list[tuple[datetime, float]]], None]
) -> None:
    then = date(2025, 11, 22)
    keep_history(city.first, [(midnight_of(then) + timedelta(hours=hour), 4.0) for hour in range(24)])
    found = facade.against_last_year(city.first, TODAY, value=108.0, variant=facade.Variant.DATE)
    assert found == facade.Comparison(facade.Variant.DATE, then, 96.0, pytest.approx(0.125))
    suited = facade.against_last_year(city.first, TODAY, value=108.0)
    assert suited is not None
    assert (suited.variant, suited.day, suited.then) == (facade.Variant.HEATING, then, 96.0)
    assert facade.against_last_year(city.first, date(2026, 7, 1), value=1.0, variant=facade.Variant.HEATING) is None


def test_weather_is_declared_by_the_code_of_its_stream(forecast_city: City) -> None:
    fill(forecast_city.second, range(1, 101), size=20.0, first_id=200_000)
    spec = ForecastSpec(streams=("point-1",), weather="point-2")
    facade.declare(replace(PROJECT, forecasts=(spec,)), now=NIGHT)
    (row,) = ForecastStream.objects.all()
    assert (row.datastream_id, row.weather_id, row.weather_ahead) == (forecast_city.first, forecast_city.second, False)
    assert facade.issue_forecasts(NIGHT, seconds_max=60) == (1, 0)
    found = facade.forecast_of(forecast_city.first)
    assert found is not None
    assert len(found.points) == 168
    with pytest.raises(NotFoundError):
        facade.declare(replace(PROJECT, forecasts=(replace(spec, weather="nowhere"),)), now=NIGHT)
    facade.declare(PROJECT, now=NIGHT)
    assert not ForecastStream.objects.exists()


def test_what_is_old_is_taken_away_in_three_steps(forecast_city: City) -> None:
    facade.issue_forecasts(NIGHT, seconds_max=60)
    rows = Forecast.objects.filter(datastream_id=forecast_city.first)
    assert facade.trim_forecasts(NIGHT + 20 * LATER) == 0
    assert rows.get().parts is not None
    assert facade.trim_forecasts(NIGHT + 40 * LATER) == 0
    assert (rows.get().parts, rows.get().curve is None) == (None, False)
    assert facade.trim_forecasts(NIGHT + 130 * LATER) == 0
    assert rows.get().curve is None
    found = facade.forecast_of(forecast_city.first)
    assert found is not None
    assert found.points == ()
    assert facade.trim_forecasts(NIGHT + 801 * LATER) == 2
