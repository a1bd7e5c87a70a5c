"""What depends on time alone: streams that say nothing, and streams that always say the same.

It costs readings nothing: a scan every few seconds reads the newest reading of each stream under such a watch, compares
the age of the silence (or of the value) with the limits in arrays, and hands changes of band to the alarm machine like
any other. Since when a value has stood is kept by the scan itself; a value that came and went between two scans is
found in the history before an alarm is raised for it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction

from cityloop.decide.models import Candidate, Machine, Stillness
from cityloop.decide.rules import Ladder
from cityloop.decide.selectors.streams import has_changed
from cityloop.decide.selectors.watches import in_use, ladder_of
from cityloop.decide.services.bands import keep_bands, known_bands
from cityloop.decide.services.machine import hold_lock
from cityloop.decide.stream import CANDIDATES_CHANNEL, Bindings, Compiled
from cityloop.kernel.declarations import WatchKind
from cityloop.kernel.instants import from_us, to_us
from cityloop.sense import facade as sense

Int64s = npt.NDArray[np.int64]
Float64s = npt.NDArray[np.float64]

ABSENCE_MAX = timedelta(seconds=60)
"""If no scan ran for longer than this, it was we who were away: silence is then counted from our return."""

_US = 1e6


@dataclass(frozen=True, slots=True)
class _Scanned:
    """Watches of one kind on streams.

    Attributes:
        compiled: their limits.
        bound_us: by stream of `compiled.streams`, since when the youngest of its watches looks at it.
    """

    compiled: Compiled
    bound_us: Int64s


@dataclass(frozen=True, slots=True)
class _Ages:
    """How long streams have been silent or unchanged, shape (n,), seconds.

    Attributes:
        streams: sorted.
        vouched: what we can vouch for.
        possible: what may be.
    """

    streams: Int64s
    vouched: Float64s
    possible: Float64s


@transaction.atomic
def scan_silence(now: datetime) -> int:
    """Judge how long streams have been silent or unchanged.

    Args:
        now: the wall clock, aware.

    Returns:
        How many changes of band were handed to the alarm machine.
    """
    hold_lock()
    listening_since = _listening_since(now)
    silent, stuck = _scanned(WatchKind.SILENT), _scanned(WatchKind.STUCK)
    newest = sense.newest_readings(np.union1d(silent.compiled.streams, stuck.compiled.streams).tolist())
    silences = _silences(silent, newest, listening_since, now)
    handed = _judge(WatchKind.SILENT, silent.compiled, newest, silences, now)
    handed += _judge(WatchKind.STUCK, stuck.compiled, newest, _stillnesses(stuck.compiled.streams, newest), now)
    if handed:
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {CANDIDATES_CHANNEL}")
    return handed


def _listening_since(now: datetime) -> datetime:
    machine, _ = Machine.objects.get_or_create(pk=1)
    if machine.scanned_at is None or machine.listening_since is None or now - machine.scanned_at > ABSENCE_MAX:
        machine.listening_since = now
    Machine.objects.filter(pk=1).update(scanned_at=now, listening_since=machine.listening_since)
    return machine.listening_since


def _scanned(kind: WatchKind) -> _Scanned:
    ladders: dict[Ladder, int] = {}
    rows: list[tuple[int, int, int, int]] = []
    for watch in in_use().filter(kind=kind):
        known: dict[float | None, int] = {}
        for stream, period_s, bound_at in watch.streams.values_list("datastream_id", "period_s", "bound_at"):
            if period_s not in known:
                ladder = ladder_of(watch, period_s=period_s)
                known[period_s] = -1 if ladder is None else ladders.setdefault(ladder, len(ladders))
            if known[period_s] >= 0:
                rows.append((watch.pk, stream, known[period_s], to_us(bound_at)))
    watch_id, stream, ladder, bound_us = np.array(rows, dtype=np.int64).reshape(-1, 4).T
    compiled = Compiled(Bindings(watch_id, stream, ladder, list(ladders)))
    youngest = np.full(len(compiled.streams), np.iinfo(np.int64).min)
    np.maximum.at(youngest, np.searchsorted(compiled.streams, stream), bound_us)
    return _Scanned(compiled, youngest)


def _silences(scanned: _Scanned, newest: sense.NewestReadings, listening_since: datetime, now: datetime) -> _Ages:
    streams = scanned.compiled.streams
    row = newest.rows_of(streams)
    last_us = scanned.bound_us.copy()
    last_us[row >= 0] = newest.received_us[row[row >= 0]]
    for stream, entered_us in sense.entered_ahead_us(streams.tolist()).items():  # who tells tomorrow is not silent
        place = np.searchsorted(streams, stream)
        last_us[place] = max(last_us[place], entered_us)
    now_us = to_us(now)
    return _Ages(streams, (now_us - np.maximum(last_us, to_us(listening_since))) / _US, (now_us - last_us) / _US)


def _stillnesses(streams: Int64s, newest: sense.NewestReadings) -> _Ages:
    """Remember since when each value has stood, and return for how long, in seconds of the stream's own clock."""
    row = newest.rows_of(streams)
    row = row[row >= 0]
    row = row[~np.isnan(newest.value[row])]
    streams = newest.datastream_id[row]
    value, at_us = newest.value[row], newest.phenomenon_us[row]
    since_us, stood = _stood_since(streams)
    moved = np.isnan(stood) | (stood != value) | (since_us > at_us)
    since_us = np.where(moved, at_us, since_us)
    Stillness.objects.bulk_create(
        [
            Stillness(
                datastream_id=int(streams[place]),
                value=float(value[place]),
                since=from_us(int(at_us[place])),
                observation_id=int(newest.observation_id[row[place]]),
            )
            for place in np.flatnonzero(moved).tolist()
        ],
        update_conflicts=True,
        unique_fields=["datastream_id"],
        update_fields=["value", "since", "observation_id"],
    )
    age = (at_us - since_us) / _US
    return _Ages(streams, age, age)


def _stood_since(streams: Int64s) -> tuple[Int64s, Float64s]:
    """Return since when, and which value, streams were seen to stand at; NaN where they were not seen yet."""
    since_us, stood = np.zeros(len(streams), dtype=np.int64), np.full(len(streams), np.nan)
    known = Stillness.objects.filter(datastream_id__in=streams.tolist()).values_list("datastream_id", "since", "value")
    for stream, since, value in known:
        place = np.searchsorted(streams, stream)
        since_us[place], stood[place] = to_us(since), value
    return since_us, stood


def _judge(kind: WatchKind, compiled: Compiled, newest: sense.NewestReadings, ages: _Ages, now: datetime) -> int:
    if not len(ages.streams):
        return 0
    vouched = compiled.judge(ages.streams, ages.streams, ages.vouched)
    possible = compiled.judge(ages.streams, ages.streams, ages.possible)
    known = known_bands(compiled)
    # Between the two we do not know: what stood before stands on.
    before_all = known[vouched.entry]
    unsure = vouched.band < before_all
    band = np.where(unsure, np.minimum(possible.band, before_all), vouched.band)
    age = np.where(unsure, possible.value, vouched.value)
    handed = []
    for number in np.flatnonzero(band != before_all).tolist():
        entry, before, after = int(vouched.entry[number]), int(before_all[number]), int(band[number])
        row = int(newest.rows_of(compiled.datastream_id[entry : entry + 1])[0])
        if kind is WatchKind.STUCK and after > before and _moved_meanwhile(newest, row):
            continue
        handed.append(
            Candidate(
                watch_id=int(compiled.watch_id[entry]),
                datastream_id=int(compiled.datastream_id[entry]),
                observation_id=int(newest.observation_id[row]) if row >= 0 else 0,
                phenomenon_time=now,
                received_at=now,
                value=float(age[number]),
                band_before=before,
                band=after,
            )
        )
    Candidate.objects.bulk_create(handed)
    keep_bands(handed)
    return len(handed)


def _moved_meanwhile(newest: sense.NewestReadings, row: int) -> bool:
    """Return whether the history knows another value since the value began to stand; then it begins anew."""
    stream, at = int(newest.datastream_id[row]), from_us(int(newest.phenomenon_us[row]))
    stands = Stillness.objects.get(datastream_id=stream)
    if not has_changed(stream, since=stands.since, until=at, value=stands.value):
        return False
    Stillness.objects.filter(datastream_id=stream).update(since=at, observation_id=int(newest.observation_id[row]))
    return True
