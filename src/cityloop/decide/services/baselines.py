"""Learning baselines: full hours of history, each learnt once, merged into the hour of the week they belong to."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import numpy as np
from django.db import transaction

from cityloop.decide.models import Baseline, BaselinePosition, Machine, WatchStream
from cityloop.decide.rules import (
    HOURS_OF_WEEK,
    KNOWN_MIN,
    MEMORY,
    Moments,
    clipped,
    faded,
    hour_of_week,
    merged,
    moments_of,
    sample_s_of,
    samples_max_of,
)
from cityloop.decide.selectors.streams import samples_of
from cityloop.decide.selectors.watches import in_use
from cityloop.decide.services.watches import announce
from cityloop.kernel.declarations import WatchKind
from cityloop.kernel.facts.sensed import ReadingsKept

SETTLES = timedelta(minutes=10)
"""An hour is learnt this long after its end, so that most late readings are in."""

REFRESH_EVERY = timedelta(minutes=1)
STREAMS_PER_REFRESH_MAX = 20
"""How many streams one refresh in the loop learns; the periodic task learns the others."""


@transaction.atomic
def refresh_baselines(fact: ReadingsKept) -> None:
    """Learn the hours that have become full, at most once a minute and only a few streams at a time; idempotent."""
    machine, _ = Machine.objects.select_for_update().get_or_create(pk=1)
    if machine.learnt_at is not None and fact.happened_at - machine.learnt_at < REFRESH_EVERY:
        return
    Machine.objects.filter(pk=1).update(learnt_at=fact.happened_at)
    learn_baselines(fact.happened_at, streams_max=STREAMS_PER_REFRESH_MAX)


def learn_baselines(now: datetime, *, streams_max: int | None = None) -> int:
    """Learn the full hours that have not been learnt yet, of all streams under a baseline watch.

    Args:
        now: the wall clock, aware.
        streams_max: how many streams at the most, None for all.

    Returns:
        How many streams have learnt something.
    """
    until = _full_hour(now - SETTLES)
    periods = _periods()
    known = dict(BaselinePosition.objects.values_list("datastream_id", "learnt_until"))
    behind = [stream for stream in sorted(periods) if known.get(stream, until - MEMORY) < until]
    learnt = sum(_learn(stream, periods[stream], until) for stream in behind[:streams_max])
    if learnt:
        announce()
    return learnt


def relearn_baselines(now: datetime) -> int:
    """Learn everything anew from the history, so that what was imported late or corrected counts too.

    Returns:
        How many streams have a baseline now.
    """
    until, learnt = _full_hour(now - SETTLES), 0
    for stream, period_s in _periods().items():
        with transaction.atomic():
            BaselinePosition.objects.filter(datastream_id=stream).delete()
            Baseline.objects.filter(datastream_id=stream).delete()
            learnt += _learn(stream, period_s, until)
    announce()
    return learnt


def _full_hour(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _periods() -> dict[int, float | None]:
    rows = WatchStream.objects.filter(watch__in=in_use(), watch__kind=WatchKind.BASELINE)
    return dict(rows.order_by("datastream_id").values_list("datastream_id", "period_s"))


@transaction.atomic
def _learn(datastream_id: int, period_s: float | None, until: datetime) -> bool:
    position = BaselinePosition.objects.select_for_update().filter(datastream_id=datastream_id).first()
    since = position.learnt_until if position is not None else until - MEMORY
    if since >= until:
        return False
    sample_s = sample_s_of(period_s)
    at_us, means = samples_of(datastream_id, since=since, until=until, bucket_s=sample_s)
    if position is None and not len(means):
        return False
    learnt_from = position.learnt_from if position is not None else since
    BaselinePosition.objects.update_or_create(
        datastream_id=datastream_id, defaults={"learnt_from": learnt_from, "learnt_until": until}
    )
    if not len(means):
        return False
    _merge(datastream_id, hour_of_week(at_us), means, samples_max_of(sample_s))
    return True


def _merge(datastream_id: int, hours: np.ndarray, means: np.ndarray, n_max: float) -> None:
    known = {
        row.hour_of_week: Moments(row.n, row.mean, row.m2)
        for row in Baseline.objects.filter(datastream_id=datastream_id)
    }
    fresh = {hour: means[hours == hour] for hour in range(HOURS_OF_WEEK) if (hours == hour).any()}
    rows = []
    for hour, samples in fresh.items():
        before = known.get(hour, Moments())
        kept = clipped(samples, known=before, known_min=KNOWN_MIN)
        rows.append(_row(datastream_id, hour, faded(merged(before, moments_of(kept)), n_max=n_max)))
    _keep(rows)


def _row(datastream_id: int, hour: int, moments: Moments) -> Baseline:
    return Baseline(datastream_id=datastream_id, hour_of_week=hour, n=moments.n, mean=moments.mean, m2=moments.m2)


def _keep(rows: Iterable[Baseline]) -> None:
    Baseline.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["datastream_id", "hour_of_week"],
        update_fields=["n", "mean", "m2"],
    )
