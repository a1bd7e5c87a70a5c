"""What a watch would have done to the history, before anybody switches it on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from cityloop.decide.models import Activation
from cityloop.decide.rules import (
    KNOWN_MIN,
    Firing,
    Ladder,
    LevelTally,
    Step,
    check_terms,
    firings_of,
    sample_s_of,
    samples_max_of,
    tallies_of,
)
from cityloop.decide.selectors.outlooks import issued_between
from cityloop.decide.selectors.watches import usual_limits
from cityloop.decide.stream import Known, Learning, Past, envelope, replayed
from cityloop.kernel.declarations import JUDGING_ALARMS, WatchKind
from cityloop.kernel.instants import from_us, to_us
from cityloop.kernel.levels import Level
from cityloop.kernel.terms import NO_TERMS, Terms
from cityloop.registry import facade as registry
from cityloop.sense import facade as sense

YEAR = timedelta(days=365)
"""How much history a backtest looks at."""

READINGS_MAX = 250_000
"""How many readings of one stream a backtest looks at, the newest ones: a year at five minutes is 105,120."""

STREAMS_MAX = 12
"""How many streams of a watch one backtest looks at."""

READINGS_TOGETHER_MAX = 600_000
"""How many readings one backtest looks at altogether; streams beyond are left out and said to be."""

CURVE_PARTS = 360
"""How finely the picture of a backtest is drawn: least and greatest value of so many parts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A watch as it would be.

    Attributes:
        kind: how it judges.
        limits: the limit of each level, in its unit.
        hysteresis: dead band, in its unit.
        hold_s: on-delay, seconds.
        off_delay_s: off-delay, seconds.
        steps: what single levels have of their own.
        datastream_ids: the streams it would look at.
        terms: what its kind needs beside the limits.
    """

    kind: WatchKind
    limits: Mapping[Level, float]
    hysteresis: float
    hold_s: float
    off_delay_s: float
    datastream_ids: tuple[int, ...]
    steps: Mapping[Level, Step] = field(default_factory=dict)
    terms: Terms = NO_TERMS

    def ladder(self, *, period_s: float | None) -> Ladder:
        """Return its ladder on a stream.

        Args:
            period_s: the stream's reporting period, seconds, which a `silent` watch without limits follows.

        Raises:
            LimitsError: if the limits cannot be used.
        """
        limits = self.limits or usual_limits(self.kind, period_s, self.terms)
        return Ladder.of(
            self.kind, limits=limits, hysteresis=self.hysteresis, hold_s=self.hold_s,
            off_delay_s=self.off_delay_s, steps=self.steps,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPast:
    """What a watch would have done to one stream.

    Attributes:
        stream: the stream.
        since: from when on its history was looked at: its first reading of that time.
        is_cut: whether it holds older readings of that time, too many to look at.
        until: up to when.
        readings: how many readings were judged.
        firings: the alarms there would have been, oldest first; repeats are told one by one.
        tallies: what each level would have done, all four.
        curve: judged values for a picture, rising in time.
        limits: the limits on this stream, in the watch's unit.
    """

    stream: sense.StreamView
    since: datetime
    is_cut: bool
    until: datetime
    readings: int
    firings: tuple[Firing, ...]
    tallies: dict[Level, LevelTally]
    curve: tuple[tuple[datetime, float], ...]
    limits: dict[Level, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """What a watch would have done.

    Attributes:
        since: from when on history was asked for.
        until: up to when.
        streams: stream by stream.
        left_out: how many of its streams were not looked at, so that the answer comes in time.
    """

    since: datetime
    until: datetime
    streams: tuple[StreamPast, ...]
    left_out: int

    @property
    def firings(self) -> int:
        """Return how many alarms there would have been."""
        return sum(len(past.firings) for past in self.streams)

    @property
    def readings(self) -> int:
        """Return how many readings were judged."""
        return sum(past.readings for past in self.streams)

    @property
    def tallies(self) -> dict[Level, LevelTally]:
        """Return what each level would have done on all streams together."""
        every = [past.tallies for past in self.streams]
        return {
            level: LevelTally(sum(one[level].entered for one in every), sum(one[level].stood_us for one in every))
            for level in Level
        }


def backtest(trial: Trial, *, until: datetime, span: timedelta = YEAR) -> Backtest:
    """Return what a watch would have done to the history of its streams.

    Readings are judged in the order of their phenomenon times, as if each had arrived at once; what came late or twice
    in truth is not told apart.

    A watch that judges the alarms of others is not tried: its streams are left out.

    Args:
        trial: the watch.
        until: up to when, aware.
        span: how far back.

    Raises:
        LimitsError: if the limits cannot be used.
        TermsError: if what its kind needs is missing.
        ScheduleError: if its permitted hours cannot be read.
    """
    check_terms(trial.kind, trial.terms, limits=trial.limits, hysteresis=trial.hysteresis)
    first = () if trial.kind in JUDGING_ALARMS else trial.datastream_ids[:STREAMS_MAX]
    views = sense.stream_views(first)
    found: list[StreamPast] = []
    for view in (views[number] for number in first if number in views):
        room = READINGS_TOGETHER_MAX - sum(past.readings for past in found)
        if room <= 0:
            break
        found.append(_past_of(trial, view, until=until, span=span, readings_max=min(room, READINGS_MAX)))
    return Backtest(
        since=until - span, until=until, streams=tuple(found), left_out=len(trial.datastream_ids) - len(found)
    )


def _past_of(
    trial: Trial, view: sense.StreamView, *, until: datetime, span: timedelta, readings_max: int
) -> StreamPast:
    ladder = trial.ladder(period_s=view.period_s)
    if trial.kind is WatchKind.COUNT and trial.terms.watches:
        track = _alarms_of(view.datastream_id, trial.terms.watches, since=until - span, until=until)
    else:
        track = sense.track(view.datastream_id, since=until - span, until=until, readings_max=readings_max)
    past = Past(track.at_us, track.value, track.observation_id, to_us(until))
    known = _known(trial, view, since=until - span, until=until)
    replay = replayed(ladder, past, learning=_learning(view.period_s), known=known)
    when, value = envelope(replay.at_us, replay.value, parts=CURVE_PARTS)
    return StreamPast(
        stream=view,
        since=from_us(int(track.at_us[0])) if len(track) else until,
        is_cut=track.since > until - span,
        until=until,
        readings=len(track),
        firings=tuple(firings_of(replay.events)),
        tallies=tallies_of(replay.events, until_us=past.until_us),
        curve=_points(when.tolist(), value.tolist()),
        limits={level: ladder.limit_of(level) for level in sorted(ladder.levels)},
    )


def _alarms_of(datastream_id: int, watches: Sequence[str], *, since: datetime, until: datetime) -> sense.Track:
    """Return when alarms of a stream began to stand, as a track of the readings that raised them."""
    rows = Activation.objects.filter(
        watch_code__in=watches, datastream_id=datastream_id, at__gte=since, at__lt=until
    ).order_by("at")
    found = list(rows.values_list("at", "alarm__observation_id")[:READINGS_MAX])
    at_us = np.array([to_us(at) for at, _ in found], dtype=np.int64)
    return sense.Track(at_us, np.ones(len(found)), np.array([number for _, number in found], dtype=np.int64), since)


def _known(trial: Trial, view: sense.StreamView, *, since: datetime, until: datetime) -> Known:
    if trial.kind is WatchKind.FORECAST:
        return Known(issued=issued_between(view.datastream_id, since=since, until=until))
    if trial.kind is WatchKind.SCHEDULE:
        return Known(terms=trial.terms, worked=registry.workdays(since.date(), until.date() + timedelta(days=2)))
    return Known(terms=trial.terms)


def _points(when: Sequence[int], value: Sequence[float]) -> tuple[tuple[datetime, float], ...]:
    return tuple((from_us(at_us), number) for at_us, number in zip(when, value, strict=True))


def _learning(period_s: float | None) -> Learning:
    sample_s = sample_s_of(period_s)
    return Learning(sample_s, samples_max_of(sample_s), KNOWN_MIN)
