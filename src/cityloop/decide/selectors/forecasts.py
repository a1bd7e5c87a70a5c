"""Forecasts as they were issued, and how right they were."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import Avg, Count, Q, Sum

from cityloop.decide.models import Forecast, ForecastStream
from cityloop.decide.rules.forecasting.blend import Parts
from cityloop.decide.rules.forecasting.fullday import full_day
from cityloop.decide.rules.forecasting.grid import DAYS_AHEAD, HOURS, Float64s
from cityloop.decide.rules.forecasting.lastyear import Comparison, Variant, compared, same_day_last_year, usual_variant
from cityloop.decide.rules.forecasting.naive import usual_of
from cityloop.decide.selectors.hours import hours_of, local_day, midnight_of, totals_of

SIMILAR_DAYS = 60
"""An estimate of the day looks at the errors of so many days before."""


@dataclass(frozen=True, slots=True)
class ForecastPoint:
    """An hour of a forecast.

    Attributes:
        at: beginning of the hour, UTC.
        value: mean of the hour, in the stream's unit.
        low: lower end of the 80 % band, None where no errors are known yet.
        high: upper end of the band.
    """

    at: datetime
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastView:
    """A forecast of a stream.

    Attributes:
        datastream_id: the stream.
        starts_on: its first day, in the city.
        issued_at: when it was made, UTC.
        method: `model`, `yesterday` or `last_week`.
        fell_back: whether the naive forecast is shown because it was better than the model over 14 days.
        learnt_days: days of history it was made of.
        learnt_rows: hours the stream's own trees learnt from, 0 where it has none.
        points: the hours ahead; empty once the curve is too old, or where nothing could be forecast.
    """

    datastream_id: int
    starts_on: date
    issued_at: datetime
    method: str
    fell_back: bool
    learnt_days: int
    learnt_rows: int
    points: tuple[ForecastPoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastRecord:
    """How right the forecasts of a stream were, over their first days.

    Attributes:
        days: how many were judged.
        error: mean absolute error, in the stream's unit, None where none was judged.
        naive_error: of the same hours one week before.
        bias: mean of forecast minus what came.
        wape: the error as a share of the mean of what came.
        inside: share of hours inside the band, None where there was no band.
        fell_back: how many of them were naive.
    """

    days: int
    error: float | None
    naive_error: float | None
    bias: float | None
    wape: float | None
    inside: float | None
    fell_back: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FullDayView:
    """The estimate of a stream's whole day.

    Attributes:
        day: the day, in the city.
        hours: hours that are over.
        used: sum of their means, in the stream's unit times hours.
        total: the estimate of the day's.
        low: lower end of the 80 % band, None where too few days are known.
        high: upper end.
        from_forecast: whether the rest is taken from the day's forecast, else from the usual day.
    """

    day: date
    hours: int
    used: float
    total: float
    low: float | None
    high: float | None
    from_forecast: bool


def packed(curve: Float64s) -> bytes:
    """Return numbers as a column keeps them: four bytes each, little-endian."""
    return curve.astype("<f4").tobytes()


def unpacked(column: bytes | memoryview | None) -> Float64s | None:
    """Return a kept curve, shape (7, 24), or several, shape (n, 7, 24)."""
    if column is None:
        return None
    numbers = np.frombuffer(bytes(column), dtype="<f4").astype(np.float64)
    shape = (-1, DAYS_AHEAD, HOURS)
    curves = numbers.reshape(shape)
    return curves[0] if len(curves) == 1 else curves


def forecast_streams_waiting(day: date) -> list[ForecastStream]:
    """Return the streams that have no forecast from a day on yet, in the order of their blocks."""
    done = Forecast.objects.filter(starts_on=day).values("datastream_id")
    return list(
        ForecastStream.objects.exclude(datastream_id__in=done).order_by("weather_id", "project", "datastream_id")
    )


def kept_parts(datastream_ids: Iterable[int], *, day: date, days: int) -> dict[int, Parts]:
    """Return the parts of the forecasts of the days before one, of streams that have one on each of them.

    Shape (days, 7, 24) each; a part that was missing on a day is NaN there.
    """
    rows = Forecast.objects.filter(
        datastream_id__in=list(datastream_ids), starts_on__gte=day - timedelta(days=days), starts_on__lt=day
    ).exclude(parts=None)
    found: dict[int, dict[date, Parts]] = {}
    for row in rows:
        curves = np.frombuffer(bytes(row.parts), dtype="<f4").astype(np.float64).reshape(-1, DAYS_AHEAD, HOURS)
        found.setdefault(row.datastream_id, {})[row.starts_on] = dict(
            zip(row.part_names.split(","), curves, strict=True)
        )
    return {stream: _stacked(by_day, day, days) for stream, by_day in found.items() if len(by_day) == days}


def _stacked(by_day: dict[date, Parts], day: date, days: int) -> Parts:
    names = {name for parts in by_day.values() for name in parts} | {"ridge"}
    unknown = np.full((DAYS_AHEAD, HOURS), np.nan)
    order = [by_day[day - timedelta(days=back)] for back in range(days, 0, -1)]
    return {name: np.stack([parts.get(name, unknown) for parts in order]) for name in names}


def forecast_of(datastream_id: int, *, day: date | None = None) -> ForecastView | None:
    """Return the newest forecast of a stream, or the one from a day on; None where there is none."""
    rows = Forecast.objects.filter(datastream_id=datastream_id)
    row = rows.filter(starts_on=day).first() if day is not None else rows.order_by("-starts_on").first()
    if row is None:
        return None
    return ForecastView(
        datastream_id=datastream_id,
        starts_on=row.starts_on,
        issued_at=row.issued_at,
        method=row.method,
        fell_back=row.fell_back,
        learnt_days=row.learnt_days,
        learnt_rows=row.learnt_rows,
        points=_points(row),
    )


def _points(row: Forecast) -> tuple[ForecastPoint, ...]:
    curve, low, high = (unpacked(column) for column in (row.curve, row.low, row.high))
    if curve is None or low is None or high is None:
        return ()
    hours = zip(curve.reshape(-1), low.reshape(-1), high.reshape(-1), strict=True)
    return tuple(
        ForecastPoint(row.starts_at + timedelta(hours=number), float(value), _known(below), _known(above))
        for number, (value, below, above) in enumerate(hours)
        if np.isfinite(value)
    )


def _known(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def forecast_record(datastream_id: int, *, since: date, until: date) -> ForecastRecord:
    """Return how right the forecasts of a stream were that began from one day to before another."""
    rows = Forecast.objects.filter(
        datastream_id=datastream_id, starts_on__gte=since, starts_on__lt=until, judged_hours__gt=0
    )
    sums = rows.aggregate(
        days=Count("id"), error=Avg("error"), naive=Avg("naive_error"), bias=Avg("bias"), mean=Avg("mean"),
        inside=Avg("inside"), back=Count("id", filter=Q(fell_back=True)), hours=Sum("judged_hours"),
    )  # fmt: skip
    return ForecastRecord(
        days=sums["days"],
        error=sums["error"],
        naive_error=sums["naive"],
        bias=sums["bias"],
        wape=sums["error"] / abs(sums["mean"]) if sums["mean"] else None,
        inside=sums["inside"],
        fell_back=sums["back"],
    )


def full_day_of(datastream_id: int, *, now: datetime) -> FullDayView | None:
    """Return the estimate of a stream's present day; None where neither a forecast nor a history is known."""
    day = local_day(now)
    hours = int((now - midnight_of(day)).total_seconds() // 3600)
    values = hours_of(datastream_id, first=day - timedelta(days=SIMILAR_DAYS), days=SIMILAR_DAYS + 1)
    past, today = values[:-1], values[-1]
    curves = _first_days(datastream_id, day)
    expected = curves.get(day, usual_of(past))
    if not np.isfinite(expected).all():
        return None
    past_expected = np.stack([curves.get(day - timedelta(days=back), expected) for back in range(SIMILAR_DAYS, 0, -1)])
    found = full_day(today[:hours], expected=expected, past=past, past_expected=past_expected)
    return FullDayView(
        day=day,
        hours=hours,
        used=found.used,
        total=found.total,
        low=_known(found.low),
        high=_known(found.high),
        from_forecast=day in curves,
    )


def forecasts_between(
    datastream_ids: Iterable[int], *, since: date, until: date, issued_by: datetime
) -> dict[tuple[int, date], tuple[Float64s, Float64s, Float64s]]:
    """Return the kept forecasts of streams that begin from one day on and before another.

    Args:
        datastream_ids: the streams.
        since: first day, inclusive.
        until: last day, exclusive.
        issued_by: what was issued later is left out.

    Returns:
        By stream and first day: curve, lower and upper end of the band, shape (7, 24) each, NaN where not known.
    """
    rows = Forecast.objects.filter(
        datastream_id__in=list(datastream_ids), starts_on__gte=since, starts_on__lt=until, issued_at__lte=issued_by
    ).exclude(curve=None)
    found = {}
    for stream, day, *columns in rows.values_list("datastream_id", "starts_on", "curve", "low", "high"):
        curve, low, high = (unpacked(column) for column in columns)
        if curve is not None and low is not None and high is not None:
            found[stream, day] = (curve, low, high)
    return found


def _first_days(datastream_id: int, day: date) -> dict[date, Float64s]:
    rows = Forecast.objects.filter(datastream_id=datastream_id, starts_on__gte=day - timedelta(days=SIMILAR_DAYS))
    found = {}
    for row in rows.filter(starts_on__lte=day).exclude(curve=None):
        curve = unpacked(row.curve)
        if curve is not None and np.isfinite(curve[0]).all():
            found[row.starts_on] = curve[0]
    return found


def against_last_year(
    datastream_id: int, day: date, *, value: float, variant: Variant | None = None
) -> Comparison | None:
    """Return a day's total held against the same day last year, and which variant of it was used.

    Args:
        datastream_id: the stream.
        day: the day.
        value: its total, in the stream's unit times hours.
        variant: which counterpart; the one that suits the day where none is given.

    Returns:
        The comparison; None where the day has no such counterpart (outside of the heating season).
    """
    used = variant or usual_variant(day)
    counterpart = same_day_last_year(day, used)
    totals = totals_of(datastream_id, [counterpart]) if counterpart is not None else {}
    return compared(day, value, variant=used, totals=totals)
