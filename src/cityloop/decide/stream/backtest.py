"""What a watch would have done to a stream's past: the bands of the screen and the steps of the machine, at once.

Nothing is decided here that is not decided alike for a reading that arrives: bands come from `Compiled.judge`, events
from `rules.step`. Only a change of band is shown to the machine, as the live screen does, so that a year of readings is
a few array operations and a loop over what changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from cityloop.decide.rules import (
    HOURS_OF_WEEK,
    Condition,
    Event,
    Ladder,
    Moments,
    Sample,
    clipped,
    faded,
    hour_of_week,
    matured,
    merged,
    moments_of,
    step,
)
from cityloop.decide.stream.compiled import NO_TIME, Compiled, Float64s, Int64s, WatchOnStream
from cityloop.decide.stream.lookback import LOOKING_BACK, judged_back
from cityloop.decide.stream.outlook import Issued, deviations
from cityloop.decide.stream.past import Past
from cityloop.decide.stream.spread import centre_and_spread
from cityloop.kernel.declarations import WatchKind
from cityloop.kernel.terms import NO_TERMS, Terms

_US_PER_S = 1_000_000
_US_PER_HOUR = 3600 * _US_PER_S


@dataclass(frozen=True, slots=True)
class Learning:
    """How a baseline is learnt while the past goes by.

    Attributes:
        sample_s: a sample is the mean of so many seconds.
        samples_max: an hour of the week remembers so many samples.
        known_min: from so many samples on, outliers are told by what is known.
    """

    sample_s: float
    samples_max: float
    known_min: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What else was known of the past.

    Attributes:
        issued: of a forecast watch, the stream's forecasts, rising in time.
        terms: what a kind needs beside its limits.
        worked: of a schedule watch, which days are worked after the calendar.
    """

    issued: Sequence[Issued] = ()
    terms: Terms = NO_TERMS
    worked: Mapping[date, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Replay:
    """What a watch would have done to a stream.

    Attributes:
        events: what would have happened, in order.
        at_us: when each value was judged, rising, shape (n,).
        value: the judged values, in the watch's unit, shape (n,).
    """

    events: tuple[Event, ...]
    at_us: Int64s
    value: Float64s


def replayed(ladder: Ladder, past: Past, *, learning: Learning | None = None, known: Known = Known()) -> Replay:
    """Return what a watch would have done to a stream.

    Args:
        ladder: the limits.
        past: the stream's readings.
        learning: of a baseline watch; each hour is judged by what was known before it began.
        known: what other kinds need.
    """
    if not len(past):
        return Replay((), np.empty(0, np.int64), np.empty(0))
    judged = _judged(ladder, past, learning, known)
    one = np.ones(len(judged), dtype=np.int64)
    compiled = Compiled([WatchOnStream(1, 1, ladder)])
    if ladder.kind is WatchKind.RATE:
        bands = compiled.judge(one, judged.at_us, judged.value)
    else:
        bands = compiled.banded(one - 1, np.arange(len(judged)), judged.value)
    changed, _ = bands.changes(np.zeros(1, dtype=np.int64))
    row = bands.row[changed]
    events = _events(ladder, judged.at_us[row], bands.value[changed], judged.observation_id[row], past.until_us)
    return Replay(tuple(events), judged.at_us[bands.row], bands.value)


def _events(ladder: Ladder, at_us: Int64s, value: Float64s, observation_id: Int64s, until_us: int) -> list[Event]:
    condition, events = Condition(), list[Event]()
    columns = zip(at_us.tolist(), value.tolist(), observation_id.tolist(), strict=True)
    for at, judged, number in columns:
        condition, happened = step(condition, ladder, Sample(at, at, judged, number))
        events += happened
    return events + matured(condition, ladder, until_us=until_us)[1]


def _judged(ladder: Ladder, past: Past, learning: Learning | None, known: Known) -> Past:
    """Return the past as the screen is shown it: readings, or ages and distances in their place."""
    if ladder.kind is WatchKind.SILENT:
        return _silences(ladder.edges(), past)
    if ladder.kind is WatchKind.STUCK:
        return Past(past.at_us, _stillness_s(past), past.observation_id, past.until_us)
    if ladder.kind is WatchKind.BASELINE and learning is not None:
        return Past(past.at_us, distances(past.at_us, past.value, learning), past.observation_id, past.until_us)
    if ladder.kind is WatchKind.FORECAST:
        return Past(past.at_us, deviations(past.at_us, past.value, known.issued), past.observation_id, past.until_us)
    if ladder.kind in LOOKING_BACK:
        fresh = np.ones(len(past), dtype=bool)
        return judged_back(ladder.kind, known.terms, past, fresh=fresh, clock_us=NO_TIME, worked=known.worked)
    return past


def _stillness_s(past: Past) -> Float64s:
    """Return for how long the value of each reading had stood, seconds of the stream's own clock."""
    moved = np.append(True, past.value[1:] != past.value[:-1])
    since_us = past.at_us[np.maximum.accumulate(np.where(moved, np.arange(len(past)), 0))]
    return (past.at_us - since_us) / _US_PER_S


def _silences(edges: Sequence[float], past: Past) -> Past:
    """Return the age of each silence at the moments it reaches an edge, and 0 at the readings that end one."""
    gap_us = np.diff(np.append(past.at_us, past.until_us))
    at_us, age_s, number = [past.at_us], [np.zeros(len(past))], [past.observation_id]
    for edge_s in (edge for edge in edges if edge > 0):
        edge_us = round(edge_s * _US_PER_S)
        long = np.flatnonzero(gap_us > edge_us)
        at_us.append(past.at_us[long] + edge_us)
        age_s.append(np.full(len(long), edge_s))
        number.append(past.observation_id[long])
    when = np.concatenate(at_us)
    order = np.argsort(when, kind="stable")
    return Past(when[order], np.concatenate(age_s)[order], np.concatenate(number)[order], past.until_us)


def distances(at_us: Int64s, value: Float64s, learning: Learning) -> Float64s:
    """Return how many deviations each reading lay from what was known of its hour of the week before that hour began.

    Args:
        at_us: rising, shape (n,).
        value: shape (n,).
        learning: how the hours are learnt.

    Returns:
        Shape (n,); NaN where too little was known. A later reading never changes an earlier distance.
    """
    hour = at_us // _US_PER_HOUR
    hours, first = np.unique(hour, return_index=True)
    bounds = np.append(first, len(at_us))
    known = [Moments()] * HOURS_OF_WEEK
    found = np.full(len(value), np.nan)
    places = hour_of_week(hours * _US_PER_HOUR).tolist()
    for place, start, end in zip(places, bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        centre, spread = centre_and_spread(known[place])
        found[start:end] = (value[start:end] - centre) / spread
        samples = _means(at_us[start:end], value[start:end], learning.sample_s)
        kept = clipped(samples, known=known[place], known_min=learning.known_min)
        known[place] = faded(merged(known[place], moments_of(kept)), n_max=learning.samples_max)
    return found


def _means(at_us: Int64s, value: Float64s, sample_s: float) -> Float64s:
    """Return the means of equal spans that hold readings."""
    fit = ~np.isnan(value)
    span = at_us[fit] // round(sample_s * _US_PER_S)
    if not len(span):
        return np.empty(0)
    first = np.flatnonzero(np.append(True, span[1:] != span[:-1]))
    return np.asarray(np.add.reduceat(value[fit], first) / np.diff(np.append(first, len(span))))


def envelope(at_us: Int64s, value: Float64s, *, parts: int) -> tuple[Int64s, Float64s]:
    """Return the least and the greatest value of each of so many equal parts, so that no peak is lost in a picture.

    Args:
        at_us: rising, shape (n,).
        value: shape (n,).
        parts: how many; two points come of each that holds values.

    Returns:
        Instants, rising, and values, shape (m,), m <= 2 * parts; all of them where there are no more than that.
    """
    if len(at_us) <= 2 * parts:
        return at_us, value
    length_us = (int(at_us[-1]) - int(at_us[0])) // parts + 1
    part = (at_us - at_us[0]) // length_us
    first = np.flatnonzero(np.append(True, part[1:] != part[:-1]))
    begin = at_us[0] + part[first] * length_us
    when = np.column_stack([begin, begin + length_us // 2]).ravel()
    return when, np.column_stack([np.minimum.reduceat(value, first), np.maximum.reduceat(value, first)]).ravel()
