"""Forecasts: what projects declare, what is issued every night, what came of it."""

import logging
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta

import numpy as np
from django.db import transaction

from cityloop.decide.models import Forecast, ForecastStream
from cityloop.decide.rules.forecasting.cleaning import clean
from cityloop.decide.rules.forecasting.grid import DAYS_AHEAD, Float64s, Past
from cityloop.decide.rules.forecasting.naive import usual_of
from cityloop.decide.rules.forecasting.nightly import REHEARSAL_DAYS, Issued, issue
from cityloop.decide.rules.forecasting.trees import FULL, LIGHT
from cityloop.decide.selectors.forecasts import forecast_streams_waiting, kept_parts, packed, unpacked
from cityloop.decide.selectors.hours import hours_of, local_day, marks_between, midnight_of
from cityloop.decide.selectors.watches import in_use
from cityloop.decide.services.watches import announce
from cityloop.kernel.declarations import Project, WatchKind, matches_any
from cityloop.kernel.errors import NotFoundError
from cityloop.sense import facade as sense

LOG = logging.getLogger("cityloop.decide.forecasts")

HISTORY_DAYS = 730
HISTORY_DAYS_LIGHT = 400
"""What a model learns from: two years, or where there are thousands of streams a year and a month."""

BLOCK_STREAMS = 20
"""Streams that learn together; some 15 MB each."""

FULL_STREAMS_MAX = 200
"""Up to so many streams the models take their full time, about five seconds a stream."""

SETTLES = timedelta(minutes=10)
"""Nothing is issued before the last hour of the day before has had so long to come in."""

JUDGED_BACK_DAYS = 14
"""Forecasts are judged for so long; readings that come later change no figure."""

KEEP_PARTS = timedelta(days=REHEARSAL_DAYS + 7)
KEEP_CURVES = timedelta(days=120)
KEEP_FIGURES = timedelta(days=800)
"""Parts serve the shares and bands of four weeks, curves are shown for a season, figures for two years."""

HOURS_MIN = 12
"""A day with fewer readings is not judged."""


@transaction.atomic
def declare_forecasts(project: Project) -> int:
    """Make the forecast streams of a project stand as declared; idempotent.

    Returns:
        How many streams it has forecast.
    """
    views = {view.code.removeprefix(f"{project.code}/"): view for view in sense.streams_of_project(project.code)}
    bound: dict[int, ForecastStream] = {}
    for spec in project.forecasts:
        weather = views.get(spec.weather)
        if spec.weather and weather is None:
            raise NotFoundError(what=spec.weather)
        for code, view in views.items():
            if matches_any(code, spec.streams):
                bound[view.datastream_id] = ForecastStream(
                    datastream_id=view.datastream_id,
                    project=project.code,
                    weather_id=weather.datastream_id if weather is not None else None,
                    weather_ahead=spec.weather_ahead,
                )
    ForecastStream.objects.filter(project=project.code).exclude(datastream_id__in=bound).delete()
    ForecastStream.objects.bulk_create(
        bound.values(),
        update_conflicts=True,
        unique_fields=["datastream_id"],
        update_fields=["project", "weather_id", "weather_ahead"],
    )
    return len(bound)


def issue_forecasts(
    now: datetime, *, seconds_max: float, clock: Callable[[], float] = time.monotonic
) -> tuple[int, int]:
    """Issue the forecasts of the day that have not been issued, block by block, until the time is over.

    Each block is kept as soon as it is made, so whoever is stopped goes on where it was; a block that cannot be
    computed is logged and passed over.

    Args:
        now: the wall clock, aware; forecasts begin at the city's last midnight, ten minutes after it.
        seconds_max: no block is begun after so long.
        clock: seconds that pass.

    Returns:
        How many streams were forecast, and how many wait.
    """
    begun, day = clock(), local_day(now - SETTLES)
    waiting = forecast_streams_waiting(day)
    is_light = ForecastStream.objects.count() > FULL_STREAMS_MAX
    done = 0
    for first in range(0, len(waiting), BLOCK_STREAMS):
        if clock() - begun > seconds_max:
            break
        block = waiting[first : first + BLOCK_STREAMS]
        for part in _alike(block):
            try:
                done += _issue_block(part, day, now, is_light=is_light)
            except (ArithmeticError, ValueError, np.linalg.LinAlgError):
                LOG.exception("no forecast of the streams %s", [one.datastream_id for one in part])
    if done and in_use().filter(kind=WatchKind.FORECAST).exists():
        announce()
    return done, len(waiting) - done


def _alike(block: list[ForecastStream]) -> list[list[ForecastStream]]:
    """Return the streams of a block with the same weather together."""
    kinds: dict[tuple[int | None, bool], list[ForecastStream]] = {}
    for stream in block:
        kinds.setdefault((stream.weather_id, stream.weather_ahead), []).append(stream)
    return list(kinds.values())


def _issue_block(block: list[ForecastStream], day: date, now: datetime, *, is_light: bool) -> int:
    days = HISTORY_DAYS_LIGHT if is_light else HISTORY_DAYS
    first = day - timedelta(days=days)
    marks = marks_between(first, days + DAYS_AHEAD)
    weather = _weather(block[0], first, days)
    pasts = []
    for stream in block:
        values = clean(hours_of(stream.datastream_id, first=first, days=days))
        start = _first_known(values)
        skies = None if weather is None else weather[start:]
        pasts.append(Past(values[start:], marks.since(start), skies, block[0].weather_ahead))
    ids = [stream.datastream_id for stream in block]
    kept = kept_parts(ids, day=day, days=REHEARSAL_DAYS)
    issued = issue(pasts, [kept.get(number) for number in ids], effort=LIGHT if is_light else FULL)
    rows = [_row(*one, day=day, now=now) for one in zip(ids, pasts, issued, strict=True)]
    return len(Forecast.objects.bulk_create(rows, ignore_conflicts=True))


def _first_known(values: Float64s) -> int:
    known = np.flatnonzero(np.isfinite(values).any(axis=1))
    return int(known[0]) if len(known) else len(values)


def _weather(stream: ForecastStream, first: date, days: int) -> Float64s | None:
    if stream.weather_id is None:
        return None
    return clean(hours_of(stream.weather_id, first=first, days=days + DAYS_AHEAD))[:, :, None]


def _row(datastream_id: int, past: Past, issued: Issued, *, day: date, now: datetime) -> Forecast:
    names = list(issued.parts)
    return Forecast(
        datastream_id=datastream_id,
        starts_on=day,
        starts_at=midnight_of(day),
        issued_at=now,
        method=issued.method,
        fell_back=issued.fell_back,
        share_first=issued.shares[0],
        share_later=issued.shares[1],
        learnt_days=past.days,
        learnt_rows=issued.rows,
        curve=packed(issued.curve),
        low=packed(issued.low),
        high=packed(issued.high),
        part_names=",".join(names),
        parts=packed(np.stack([issued.parts[name] for name in names])),
    )


def judge_forecasts(now: datetime) -> int:
    """Hold the first days of forecasts that are over against what came.

    Returns:
        How many were judged.
    """
    today = local_day(now)
    waiting = Forecast.objects.filter(
        judged_hours=None, starts_on__lt=today, starts_on__gte=today - timedelta(days=JUDGED_BACK_DAYS)
    ).exclude(curve=None)
    rows = []  # without their parts, 3 KB each
    for row in waiting.defer("parts").iterator(chunk_size=500):
        values = hours_of(row.datastream_id, first=row.starts_on - timedelta(days=7), days=8)
        if np.isfinite(values[-1]).sum() < HOURS_MIN and today - row.starts_on < timedelta(days=JUDGED_BACK_DAYS):
            continue
        _judge(row, came=values[-1], week_before=values[0], usual=usual_of(values[:-1]))
        rows.append(row)
    Forecast.objects.bulk_update(
        rows, ["judged_hours", "error", "naive_error", "bias", "mean", "inside"], batch_size=500
    )
    return len(rows)


def _judge(row: Forecast, *, came: Float64s, week_before: Float64s, usual: Float64s) -> None:
    curve, low, high = (unpacked(column) for column in (row.curve, row.low, row.high))
    if curve is None or low is None or high is None:
        return
    naive = np.where(np.isfinite(week_before), week_before, usual)
    known = np.isfinite(came) & np.isfinite(curve[0])
    row.judged_hours = int(known.sum())
    if not row.judged_hours:
        return
    row.error = float(np.abs(curve[0] - came)[known].mean())
    row.bias = float((curve[0] - came)[known].mean())
    row.mean = float(came[known].mean())
    both = known & np.isfinite(naive)
    row.naive_error = float(np.abs(naive - came)[both].mean()) if both.any() else None
    banded = known & np.isfinite(low[0]) & np.isfinite(high[0])
    inside = (came >= low[0]) & (came <= high[0])
    row.inside = float(inside[banded].mean()) if banded.any() else None


def trim_forecasts(now: datetime) -> int:
    """Take away what is too old: parts first, then curves, at last the figures.

    Returns:
        How many forecasts were removed.
    """
    today = local_day(now)
    Forecast.objects.filter(starts_on__lt=today - KEEP_PARTS).exclude(parts=None).update(parts=None)
    Forecast.objects.filter(starts_on__lt=today - KEEP_CURVES).exclude(curve=None).update(
        curve=None, low=None, high=None
    )
    removed, _ = Forecast.objects.filter(starts_on__lt=today - KEEP_FIGURES).delete()
    return removed
