"""Model cards: by which method a stream is forecast, and how right its kept forecasts were."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
from django.db.models import Avg, Count, Q

from cityloop.decide.models import Forecast, ForecastStream
from cityloop.decide.rules.forecasting.blend import averaged
from cityloop.decide.rules.forecasting.cleaning import clean
from cityloop.decide.rules.forecasting.fallback import FALLBACK_DAYS, HOURS_MIN
from cityloop.decide.rules.forecasting.grid import DAYS_AHEAD, HOURS, Float64s
from cityloop.decide.selectors.forecasts import ForecastRecord, ForecastView, forecast_of, forecast_record
from cityloop.decide.selectors.hours import hours_of, midnight_of
from cityloop.sense import facade as sense
from cityloop.sense.facade import StreamView

SHORT_DAYS, LONG_DAYS = FALLBACK_DAYS, 60
"""Over so many days a card tells the error: those that decide on the fall-back, and a season."""

CLEANED_DAYS = 28
"""What came is cleaned together with so many days before, as it is before a model learns."""


@dataclass(frozen=True, slots=True)
class Contest:
    """The model beside both naive forecasts, over the first days of the last two weeks.

    Attributes:
        hours: how many hours all three can be compared in.
        model: mean absolute error of the model, in the stream's unit.
        yesterday: of the day before.
        last_week: of the same weekday one week before.
    """

    hours: int
    model: float
    yesterday: float
    last_week: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CardRow:
    """A line of the list of model cards.

    Attributes:
        stream: the stream that is forecast.
        method: of the newest forecast: `model`, `yesterday` or `last_week`; empty before the first.
        fell_back: whether it is naive because that was better.
        issued_at: when the newest forecast was made, None before the first.
        record: how right the last two weeks were, None where none was judged.
    """

    stream: StreamView
    method: str
    fell_back: bool
    issued_at: datetime | None
    record: ForecastRecord | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What is known of the model of a stream.

    Attributes:
        stream: the stream that is forecast.
        forecast: the forecast looked at, None before the first.
        short, long: how right forecasts were in the 14 and the 60 days before it.
        contest: why it fell back or did not, None where too few forecasts are kept with their parts.
        weather: the stream of the temperature it uses, None for none.
        weather_ahead: whether that stream holds the temperature of the days ahead.
        came: what came from a day before the forecast on: start of the hour and its mean.
        earlier, later: first days of the kept forecasts before and after it, None for none.
    """

    stream: StreamView
    forecast: ForecastView | None
    short: ForecastRecord
    long: ForecastRecord
    contest: Contest | None
    weather: StreamView | None
    weather_ahead: bool
    came: tuple[tuple[datetime, float], ...]
    earlier: date | None
    later: date | None


def forecast_stream_ids() -> tuple[int, ...]:
    """Return the streams that are forecast, by project."""
    return tuple(ForecastStream.objects.order_by("project", "datastream_id").values_list("datastream_id", flat=True))


def is_forecast(datastream_id: int) -> bool:
    """Return whether a stream is forecast."""
    return ForecastStream.objects.filter(datastream_id=datastream_id).exists()


def model_card_rows(datastream_ids: Iterable[int], *, day: date) -> list[CardRow]:
    """Return the list's lines of some streams, in the order given; streams that are gone are passed over.

    Args:
        datastream_ids: the streams.
        day: the city's day; what began before it counts.
    """
    ids = list(datastream_ids)
    views, records = sense.stream_views(ids), _records(ids, since=day - timedelta(days=SHORT_DAYS), until=day)
    newest = Forecast.objects.filter(datastream_id__in=ids, starts_on__lte=day).order_by("datastream_id", "-starts_on")
    fields = newest.distinct("datastream_id").values_list("datastream_id", "method", "fell_back", "issued_at")
    last = {stream: (method, fell_back, issued_at) for stream, method, fell_back, issued_at in fields}
    rows = []
    for stream in ids:
        if stream in views:
            method, fell_back, issued_at = last.get(stream, ("", False, None))
            rows.append(
                CardRow(stream=views[stream], method=method, fell_back=fell_back, issued_at=issued_at,
                        record=records.get(stream))
            )  # fmt: skip
    return rows


def _records(ids: list[int], *, since: date, until: date) -> dict[int, ForecastRecord]:
    judged = Forecast.objects.filter(
        datastream_id__in=ids, starts_on__gte=since, starts_on__lt=until, judged_hours__gt=0
    )
    sums = judged.values("datastream_id").annotate(
        days=Count("id"), e=Avg("error"), naive=Avg("naive_error"), b=Avg("bias"), m=Avg("mean"), i=Avg("inside"),
        back=Count("id", filter=Q(fell_back=True)),
    )  # fmt: skip
    return {
        one["datastream_id"]: ForecastRecord(
            days=one["days"], error=one["e"], naive_error=one["naive"], bias=one["b"],
            wape=one["e"] / abs(one["m"]) if one["m"] else None, inside=one["i"], fell_back=one["back"],
        )
        for one in sums
    }  # fmt: skip


def model_card(datastream_id: int, *, today: date, day: date | None = None) -> ModelCard | None:
    """Return the card of a stream's model; None where the stream is not forecast.

    Args:
        datastream_id: the stream.
        today: the city's day.
        day: first day of the forecast looked at; the newest up to today where it is not given, or has none.

    Raises:
        NotFoundError: if the stream is gone.
    """
    bound = ForecastStream.objects.filter(datastream_id=datastream_id).first()
    if bound is None:
        return None
    starts = Forecast.objects.filter(datastream_id=datastream_id, starts_on__lte=today).exclude(curve=None)
    days = sorted(starts.values_list("starts_on", flat=True))
    chosen = day if day in days else (days[-1] if days else None)
    until = chosen or today
    weather = sense.stream_views([bound.weather_id]) if bound.weather_id is not None else {}
    return ModelCard(
        stream=sense.stream_view(datastream_id),
        forecast=forecast_of(datastream_id, day=chosen) if chosen is not None else None,
        short=forecast_record(datastream_id, since=until - timedelta(days=SHORT_DAYS), until=until),
        long=forecast_record(datastream_id, since=until - timedelta(days=LONG_DAYS), until=until),
        contest=contest_of(datastream_id, until),
        weather=next(iter(weather.values()), None),
        weather_ahead=bound.weather_ahead,
        came=_came(datastream_id, chosen) if chosen is not None else (),
        earlier=max((one for one in days if one < until), default=None),
        later=min((one for one in days if one > until), default=None),
    )


def _came(datastream_id: int, day: date) -> tuple[tuple[datetime, float], ...]:
    first = day - timedelta(days=1)
    values = hours_of(datastream_id, first=first, days=DAYS_AHEAD + 1).reshape(-1)
    begins = midnight_of(first)
    return tuple(
        (begins + timedelta(hours=number), float(value)) for number, value in enumerate(values) if np.isfinite(value)
    )


def contest_of(datastream_id: int, day: date) -> Contest | None:
    """Return the model's error beside the naive ones, over the first days of the 14 days before one.

    The model counts on every one of these days, also where a naive forecast was shown in its place.

    Returns:
        The errors; None where fewer hours than a decision needs can be compared.
    """
    rows = Forecast.objects.filter(
        datastream_id=datastream_id, starts_on__gte=day - timedelta(days=FALLBACK_DAYS), starts_on__lt=day
    ).exclude(parts=None)
    days = CLEANED_DAYS + FALLBACK_DAYS
    model = np.full((FALLBACK_DAYS, HOURS), np.nan)
    for row in rows:
        model[(row.starts_on - day).days] = _said(row)
    if np.isfinite(model).sum() < HOURS_MIN:
        return None
    came = clean(hours_of(datastream_id, first=day - timedelta(days=days), days=days))
    lately, yesterday = came[-FALLBACK_DAYS:], came[-FALLBACK_DAYS - 1 : -1]
    last_week = came[-FALLBACK_DAYS - 7 : -7]
    known = np.isfinite(lately) & np.isfinite(model) & np.isfinite(yesterday) & np.isfinite(last_week)
    if known.sum() < HOURS_MIN:
        return None
    errors = [float(np.abs(one - lately)[known].mean()) for one in (model, yesterday, last_week)]
    return Contest(int(known.sum()), *errors)


def _said(row: Forecast) -> Float64s:
    """Return what the model said of its first day, shape (24,)."""
    curves = np.frombuffer(bytes(row.parts or b""), dtype="<f4").astype(np.float64).reshape(-1, DAYS_AHEAD, HOURS)
    parts = dict(zip(row.part_names.split(","), curves, strict=True))
    first: Float64s = averaged(parts, shares=(row.share_first, row.share_later))[0]
    return first
