"""Watches as arrays: which band each reading lies in, for every watch on its stream."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from cityloop.decide.rules import FALLING, HOURS_OF_WEEK, SIZED, Ladder, hour_of_week
from cityloop.decide.stream.outlook import OUTLOOK_HOURS, Outlook, half_bands_off
from cityloop.kernel.declarations import WatchKind
from cityloop.kernel.levels import Level

Int64s = npt.NDArray[np.int64]
Float64s = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

NO_TIME = int(np.iinfo(np.int64).min)
"""Stands for an absent instant in a column of microseconds."""

EDGES_MAX = 2 * len(Level)
"""A limit and a clear limit a level."""

_US_PER_MINUTE = 60_000_000.0
_US_PER_HOUR = 3_600_000_000
_KINDS = tuple(WatchKind)
_RATE, _BASELINE, _FORECAST = (_KINDS.index(kind) for kind in (WatchKind.RATE, WatchKind.BASELINE, WatchKind.FORECAST))


@dataclass(frozen=True, slots=True)
class WatchOnStream:
    """One version of a watch on one stream.

    Attributes:
        watch_id: the version's row.
        datastream_id: the stream.
        ladder: the limits.
        mean: of a baseline watch, the mean of each hour of the week, shape (168,), NaN where it is not known.
        deviation: of a baseline watch, the standard deviation of each hour, shape (168,), > 0 or NaN.
        outlook: of a forecast watch, what is forecast; None where nothing is.
    """

    watch_id: int
    datastream_id: int
    ladder: Ladder
    mean: Float64s | None = None
    deviation: Float64s | None = None
    outlook: Outlook | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of judging readings: one row a reading and watch on its stream, by watch and then in time.

    Attributes:
        entry: which watch on which stream, a row of `Compiled`.
        row: which reading.
        value: the judged value: the reading, its change a minute, its distance from the baseline in deviations or
            from the forecast in half bands.
        band: how many edges the score has reached.
    """

    entry: Int64s
    row: Int64s
    value: Float64s
    band: Int64s

    def __len__(self) -> int:
        """Return how many judgements there are."""
        return len(self.entry)

    def changes(self, known: Int64s) -> tuple[Bools, Int64s]:
        """Return which judgements change the band, and the band before each.

        Args:
            known: the band every entry of `Compiled` was in before.
        """
        first = np.ones(len(self), dtype=bool)
        first[1:] = self.entry[1:] != self.entry[:-1]
        before = np.empty_like(self.band)
        before[1:] = self.band[:-1]
        before[first] = known[self.entry[first]]
        return before != self.band, before


@dataclass(frozen=True, slots=True)
class Bindings:
    """Watches on streams as columns, shape (n,): a million of them are a few arrays, not a million objects.

    Attributes:
        watch_id: the version's row.
        datastream_id: the stream.
        ladder: which of `ladders` holds its limits.
        ladders: the limits; watches and streams share them.
        baselines: by row, of baseline watches, mean and deviation of each hour of the week, shape (168,) each.
        outlooks: by row, of forecast watches, what is forecast.
    """

    watch_id: Int64s
    datastream_id: Int64s
    ladder: Int64s
    ladders: Sequence[Ladder]
    baselines: Mapping[int, tuple[Float64s, Float64s]] = field(default_factory=dict)
    outlooks: Mapping[int, Outlook] = field(default_factory=dict)

    @classmethod
    def of(cls, entries: Sequence[WatchOnStream]) -> "Bindings":
        """Return watches on streams as columns."""
        numbers: dict[Ladder, int] = {}
        return cls(
            np.array([entry.watch_id for entry in entries], dtype=np.int64),
            np.array([entry.datastream_id for entry in entries], dtype=np.int64),
            np.array([numbers.setdefault(entry.ladder, len(numbers)) for entry in entries], dtype=np.int64),
            list(numbers),
            {
                row: (entry.mean, entry.deviation)
                for row, entry in enumerate(entries)
                if entry.mean is not None and entry.deviation is not None
            },
            {row: entry.outlook for row, entry in enumerate(entries) if entry.outlook is not None},
        )


class Compiled:
    """Watches on streams, compiled.

    Args:
        entries: in any order; kept by stream and watch.
    """

    def __init__(self, entries: Sequence[WatchOnStream] | Bindings) -> None:
        """Lay the arrays out."""
        bindings = entries if isinstance(entries, Bindings) else Bindings.of(entries)
        order = np.lexsort((bindings.watch_id, bindings.datastream_id))
        self.watch_id: Int64s = bindings.watch_id[order]
        self.datastream_id: Int64s = bindings.datastream_id[order]
        self.streams, first, count = np.unique(self.datastream_id, return_index=True, return_counts=True)
        self._first: Int64s = first.astype(np.int64)
        self._count: Int64s = count.astype(np.int64)
        self._watches, rank = np.unique(self.watch_id, return_inverse=True)
        self._key: Int64s = np.repeat(np.arange(len(self.streams)), count) * len(self._watches) + rank
        self._ladder = bindings.ladder[order].astype(np.int32)
        self._kind = np.array([_KINDS.index(ladder.kind) for ladder in bindings.ladders], dtype=np.int8)
        self._is_low = np.array([ladder.kind in FALLING for ladder in bindings.ladders], dtype=bool)
        self._is_sized = np.array([ladder.kind in SIZED for ladder in bindings.ladders], dtype=bool)
        self._edges = np.full((len(bindings.ladders), EDGES_MAX), np.inf)
        for number, ladder in enumerate(bindings.ladders):
            edges = ladder.edges()
            self._edges[number, : len(edges)] = edges
        based = np.flatnonzero(np.isin(order, list(bindings.baselines)))
        self._baseline_of = np.full(len(order), -1, dtype=np.int32)
        self._baseline_of[based] = np.arange(len(based))
        unknown = np.full(HOURS_OF_WEEK, np.nan)
        learnt = [bindings.baselines[row] for row in order[based].tolist()] or [(unknown, unknown)]
        self._mean, self._deviation = np.array([mean for mean, _ in learnt]), np.array([spread for _, spread in learnt])
        self._lay_out_forecasts(bindings.outlooks, order)

    def _lay_out_forecasts(self, outlooks: Mapping[int, Outlook], order: Int64s) -> None:
        ahead = np.flatnonzero(np.isin(order, list(outlooks)))
        self._outlook_of = np.full(len(order), -1, dtype=np.int32)
        self._outlook_of[ahead] = np.arange(len(ahead))
        unknown = np.full(OUTLOOK_HOURS, np.nan)
        known = [outlooks[row] for row in order[ahead].tolist()] or [Outlook(0, unknown, unknown, unknown)]
        self._first_us = np.array([one.first_us for one in known], dtype=np.int64)
        self._expected = np.array([one.value for one in known])
        self._below, self._above = np.array([one.below for one in known]), np.array([one.above for one in known])

    def __len__(self) -> int:
        """Return how many watches on streams there are."""
        return len(self.watch_id)

    def entry_of(self, datastream_id: int, watch_id: int) -> int | None:
        """Return the row of a watch on a stream, None where there is none."""
        one = np.array([datastream_id], dtype=np.int64), np.array([watch_id], dtype=np.int64)
        entry = int(self.entries_of(*one)[0])
        return None if entry < 0 else entry

    def entries_of(self, datastream_id: Int64s, watch_id: Int64s) -> Int64s:
        """Return the rows of watches on streams, -1 where there is none, shape (n,)."""
        if not len(self):
            return np.full(len(datastream_id), -1, dtype=np.int64)
        stream = np.minimum(np.searchsorted(self.streams, datastream_id), len(self.streams) - 1)
        watch = np.minimum(np.searchsorted(self._watches, watch_id), len(self._watches) - 1)
        entry = np.minimum(np.searchsorted(self._key, stream * len(self._watches) + watch), len(self) - 1)
        there = (self.datastream_id[entry] == datastream_id) & (self.watch_id[entry] == watch_id)
        return np.where(there, entry, -1)

    def watched(self, datastream_id: Int64s) -> Bools:
        """Return which readings' streams are watched at all."""
        if not len(self.streams):
            return np.zeros(len(datastream_id), dtype=bool)
        place = np.minimum(np.searchsorted(self.streams, datastream_id), len(self.streams) - 1)
        return np.asarray(self.streams[place] == datastream_id)

    def judge(
        self,
        datastream_id: Int64s,
        phenomenon_us: Int64s,
        value: Float64s,
        *,
        previous_us: Int64s | None = None,
        previous_value: Float64s | None = None,
    ) -> Judged:
        """Return the bands of readings of watched streams; what cannot be judged is left out.

        Args:
            datastream_id: shape (n,), sorted, watched streams only.
            phenomenon_us: shape (n,), rising within a stream.
            value: shape (n,); NaN is not judged.
            previous_us: shape (n,), when the stream's reading before this batch was; read where a stream begins.
            previous_value: shape (n,), that reading, NaN where there is none.
        """
        place = np.searchsorted(self.streams, datastream_id)
        count = self._count[place]
        row = np.repeat(np.arange(len(datastream_id)), count)
        within = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
        entry = np.repeat(self._first[place], count) + within
        order = np.argsort(entry, kind="stable")
        entry, row = entry[order], row[order]
        judged = value[row].copy()
        kind = self._kind[self._ladder[entry]]
        if (rates := kind == _RATE).any():
            change = _changes(datastream_id, phenomenon_us, value, previous_us, previous_value)
            judged[rates] = change[row[rates]]
        if (based := kind == _BASELINE).any():
            judged[based] = self._distance(entry[based], phenomenon_us[row[based]], judged[based])
        if (ahead := kind == _FORECAST).any():
            judged[ahead] = self._half_bands_off(entry[ahead], phenomenon_us[row[ahead]], judged[ahead])
        return self.banded(entry, row, judged)

    def banded(self, entry: Int64s, row: Int64s, judged: Float64s) -> Judged:
        """Return the bands of values that are judged already; NaN is left out.

        Args:
            entry: which watch on which stream, shape (n,).
            row: which reading, shape (n,).
            judged: in the watch's unit, shape (n,).
        """
        known = ~np.isnan(judged)
        entry, row, judged = entry[known], row[known], judged[known]
        ladder = self._ladder[entry]
        score = np.where(self._is_low[ladder], -judged, np.where(self._is_sized[ladder], abs(judged), judged))
        band = (self._edges[ladder] <= score[:, None]).sum(axis=1, dtype=np.int64)
        return Judged(entry, row, judged, band)

    def _distance(self, entry: Int64s, instant_us: Int64s, value: Float64s) -> Float64s:
        baseline, hour = self._baseline_of[entry], hour_of_week(instant_us)
        distance = (value - self._mean[baseline, hour]) / self._deviation[baseline, hour]
        return np.where(baseline >= 0, distance, np.nan)

    def _half_bands_off(self, entry: Int64s, instant_us: Int64s, value: Float64s) -> Float64s:
        outlook = self._outlook_of[entry]
        hour = (instant_us - self._first_us[outlook]) // _US_PER_HOUR
        covered = (outlook >= 0) & (hour >= 0) & (hour < OUTLOOK_HOURS)
        hour = np.where(covered, hour, 0)
        off = half_bands_off(
            value, self._expected[outlook, hour], self._below[outlook, hour], self._above[outlook, hour]
        )
        return np.where(covered, off, np.nan)


def _changes(
    datastream_id: Int64s,
    phenomenon_us: Int64s,
    value: Float64s,
    previous_us: Int64s | None,
    previous_value: Float64s | None,
) -> Float64s:
    """Return the change a minute of each reading against the one before it; NaN where there is none."""
    before_us, before = np.empty_like(phenomenon_us), np.empty_like(value)
    before_us[1:], before[1:] = phenomenon_us[:-1], value[:-1]
    first = np.ones(len(value), dtype=bool)
    first[1:] = datastream_id[1:] != datastream_id[:-1]
    before_us[first] = NO_TIME if previous_us is None else previous_us[first]
    before[first] = np.nan if previous_value is None else previous_value[first]
    known = (before_us != NO_TIME) & (before_us < phenomenon_us)
    change = np.full(len(value), np.nan)
    span_min = (phenomenon_us[known] - before_us[known]) / _US_PER_MINUTE
    change[known] = (value[known] - before[known]) / span_min
    return change
