"""Watches that look back over more than one reading: counted, extrapolated, held against permitted hours.

Readings pay nothing for them: a scan every few seconds takes what is newer than what it judged last, puts it after what
it remembers, and hands changes of band to the alarm machine in order. What it remembers stands in the database, so it
may be killed at any moment; a watch that remembers nothing yet looks at the history first.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction

from cityloop.decide.models import Activation, Candidate, Lookback, Watch, WatchStream
from cityloop.decide.rules import Ladder, terms_of
from cityloop.decide.selectors.watches import in_use, ladder_of
from cityloop.decide.services.bands import keep_bands, known_bands
from cityloop.decide.services.machine import hold_lock
from cityloop.decide.stream import (
    CANDIDATES_CHANNEL,
    LOOKING_BACK,
    Bindings,
    Compiled,
    Past,
    judged_back,
    reach_s,
    remembered,
)
from cityloop.kernel.declarations import WatchKind
from cityloop.kernel.instants import from_us, to_us
from cityloop.kernel.terms import Terms
from cityloop.registry import facade as registry
from cityloop.sense import facade as sense

Int64s = npt.NDArray[np.int64]
Float64s = npt.NDArray[np.float64]

BLOCK = 200
"""Watches on streams that one transaction looks at; keeps it under a second."""

FIRST_BLOCK = 20
"""So many of those that remember nothing yet: each brings its history, which is read before the machine's lock."""

READINGS_MAX = 20_000
"""How many readings of one stream are looked at together, the newest ones."""

CALENDAR_DAYS = 60
"""How far back the working calendar is read, days; readings that are held up longer are judged by weekdays."""

_Key = tuple[int, int]
"""A version and a stream."""

_US = 1_000_000
_NOTHING = Past(np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64), 0)


@dataclass(slots=True)
class _Block:
    """Watches on streams that are looked at together, and what came of it.

    Attributes:
        now: the wall clock.
        watches: the versions in use, by row.
        compiled: their limits.
        bound: of each (version, stream) its reporting period, seconds, and since when it is looked at, microseconds.
        newest: the streams' newest readings.
        kept: what is remembered.
        worked: the working calendar.
        fresh: what has come in the last minutes to streams that are looked at already.
        ahead: the history of those that remember nothing, up to a moment before the lock.
        rows: what is to be remembered.
    """

    now: datetime
    watches: Mapping[int, Watch]
    compiled: Compiled
    bound: Mapping[tuple[int, int], tuple[float | None, int]]
    newest: sense.NewestReadings
    kept: Mapping[tuple[int, int], Lookback]
    worked: Mapping[date, bool]
    fresh: Mapping[int, sense.Track]
    ahead: Mapping[_Key, sense.Track]
    rows: list[Lookback] = field(default_factory=list)


def scan_lookback(now: datetime) -> int:
    """Judge what is new to the watches that look back, and what time alone has changed.

    Args:
        now: the wall clock, aware.

    Returns:
        How many changes of band were handed to the alarm machine.
    """
    bound = WatchStream.objects.filter(watch__in=in_use().filter(kind__in=LOOKING_BACK))
    pairs = list(bound.select_related("watch").order_by("watch_id", "datastream_id"))
    if not pairs:
        return 0
    today = now.astimezone(UTC).date()
    worked = registry.workdays(today - timedelta(days=CALENDAR_DAYS), today + timedelta(days=2))
    handed = 0
    for block, ahead in _blocks(pairs):
        with transaction.atomic():
            hold_lock()
            handed += _scan(block, ahead, worked, now)
    return handed


def _blocks(pairs: Sequence[WatchStream]) -> Iterator[tuple[Sequence[WatchStream], dict[_Key, sense.Track]]]:
    """Yield what is looked at together; those that remember nothing yet come last, with their history."""
    known = set(Lookback.objects.values_list("watch_id", "datastream_id"))
    unknown = [one for one in pairs if _key(one) not in known and not one.watch.terms.get("watches")]
    newest = sense.newest_readings({one.datastream_id for one in unknown})
    newest_us = dict(zip(newest.datastream_id.tolist(), newest.phenomenon_us.tolist(), strict=True))
    first_seen = {_key(one): one for one in unknown if one.datastream_id in newest_us}
    old, new = [one for one in pairs if _key(one) not in first_seen], list(first_seen.values())
    for first in range(0, len(old), BLOCK):
        yield old[first : first + BLOCK], {}
    for first in range(0, len(new), FIRST_BLOCK):
        block = new[first : first + FIRST_BLOCK]
        yield block, {_key(one): _history(one, newest_us[one.datastream_id]) for one in block}


def _key(one: WatchStream) -> _Key:
    return one.watch_id, one.datastream_id


def _history(one: WatchStream, newest_us: int) -> sense.Track:
    kind, terms = WatchKind(one.watch.kind), terms_of(one.watch.terms)
    _, since_us = _begin(kind, terms, period_s=one.period_s, bound_us=to_us(one.bound_at), newest_us=newest_us)
    return _read(one.datastream_id, since_us=since_us, newest_us=newest_us)


def _begin(kind: WatchKind, terms: Terms, *, period_s: float | None, bound_us: int, newest_us: int) -> tuple[int, int]:
    """Return up to when a watch that remembers nothing takes a stream as judged, and since when it looks at it."""
    position_us = min(newest_us - 1, bound_us)
    return position_us, position_us + 1 - round(reach_s(kind, terms, period_s=period_s) * _US)


def _scan(
    pairs: Sequence[WatchStream], ahead: Mapping[_Key, sense.Track], worked: Mapping[date, bool], now: datetime
) -> int:
    watches = {row.pk: row for row in in_use().filter(pk__in={one.watch_id for one in pairs})}
    bound = {
        (one.watch_id, one.datastream_id): (one.period_s, to_us(one.bound_at))
        for one in pairs
        if one.watch_id in watches
    }
    newest = sense.newest_readings({stream for _, stream in bound})
    kept = {(row.watch_id, row.datastream_id): row for row in Lookback.objects.filter(watch_id__in=watches)}
    kept = {key: row for key, row in kept.items() if key in bound}
    fresh = _fresh(kept.values(), newest, now)
    block = _Block(now, watches, _compiled(watches, bound), bound, newest, kept, worked, fresh, ahead)
    known = known_bands(block.compiled)
    found = [(entry, judged) for entry, judged in _judged(block, known) if len(judged)]
    _remember(block.rows)
    if not found:
        return 0
    entry = np.repeat([number for number, _ in found], [len(judged) for _, judged in found]).astype(np.int64)
    at_us, value, observation_id = (
        np.concatenate([getattr(judged, name) for _, judged in found]) for name in ("at_us", "value", "observation_id")
    )
    bands = block.compiled.banded(entry, np.arange(len(entry)), value)
    changed, before = bands.changes(known)
    handed = []
    for number in np.flatnonzero(changed).tolist():
        row = int(bands.row[number])
        handed.append(
            Candidate(
                watch_id=int(block.compiled.watch_id[entry[row]]),
                datastream_id=int(block.compiled.datastream_id[entry[row]]),
                observation_id=int(observation_id[row]),
                phenomenon_time=from_us(int(at_us[row])),
                received_at=now,
                value=float(value[row]),
                band_before=int(before[number]),
                band=int(bands.band[number]),
            )
        )
    return _hand_over(handed)


def _fresh(kept: Iterable[Lookback], newest: sense.NewestReadings, now: datetime) -> dict[int, sense.Track]:
    """Return what has come since streams were judged, of those that were judged a moment ago, in one question."""
    newest_us = dict(zip(newest.datastream_id.tolist(), newest.phenomenon_us.tolist(), strict=True))
    oldest_us, since_us = to_us(now - sense.FRESH), dict[int, int]()
    for row in kept:
        if oldest_us <= row.position_us < newest_us.get(row.datastream_id, 0):
            since_us[row.datastream_id] = min(row.position_us + 1, since_us.get(row.datastream_id, row.position_us + 1))
    return sense.fresh_tracks(since_us)


def _track(block: _Block, key: _Key, *, since_us: int, newest_us: int) -> sense.Track:
    found = block.fresh.get(key[1])
    if key in block.ahead and key not in block.kept:
        found = _continued(block.ahead[key], key[1], newest_us)
    elif found is None or to_us(found.since) > since_us:
        return _read(key[1], since_us=since_us, newest_us=newest_us)
    part = (found.at_us >= since_us) & (found.at_us <= newest_us)
    return sense.Track(found.at_us[part], found.value[part], found.observation_id[part], from_us(since_us))


def _continued(history: sense.Track, stream: int, newest_us: int) -> sense.Track:
    """Return a history with what has come while the lock was waited for."""
    since_us = int(history.at_us[-1]) + 1 if len(history.at_us) else to_us(history.since)
    if newest_us < since_us:
        return history
    later = _read(stream, since_us=since_us, newest_us=newest_us)
    at_us, number = (
        np.concatenate([getattr(part, name) for part in (history, later)]) for name in ("at_us", "observation_id")
    )
    return sense.Track(at_us, np.concatenate([history.value, later.value]), number, history.since)


def _read(stream: int, *, since_us: int, newest_us: int) -> sense.Track:
    return sense.track(stream, since=from_us(since_us), until=from_us(newest_us + 1), readings_max=READINGS_MAX)


def _compiled(watches: Mapping[int, Watch], bound: Iterable[tuple[int, int]]) -> Compiled:
    ladders: dict[Ladder, int] = {}
    rows: list[tuple[int, int, int]] = []
    for watch_id, stream in bound:
        ladder = ladder_of(watches[watch_id])
        if ladder is not None:
            rows.append((watch_id, stream, ladders.setdefault(ladder, len(ladders))))
    watch, streams, number = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return Compiled(Bindings(watch, streams, number, list(ladders)))


def _judged(block: _Block, known: Int64s) -> Iterator[tuple[int, Past]]:
    """Yield what is judged of each watch on a stream, by its row in the block's `compiled`."""
    pairs = zip(block.compiled.watch_id.tolist(), block.compiled.datastream_id.tolist(), strict=True)
    newest = block.newest.rows_of(block.compiled.datastream_id)
    for entry, (watch_id, stream) in enumerate(pairs):
        watch = block.watches[watch_id]
        kind, terms = WatchKind(watch.kind), terms_of(watch.terms)
        if terms.watches:
            yield entry, _alarms_counted(terms, stream, block.now)
        elif newest[entry] >= 0:
            newest_us = int(block.newest.phenomenon_us[newest[entry]])
            forgotten = bool(known[entry] < 0)
            yield entry, _one(block, kind, terms, key=(watch_id, stream), newest_us=newest_us, forgotten=forgotten)


def _one(  # noqa: PLR0913  each says one thing
    block: _Block, kind: WatchKind, terms: Terms, *, key: tuple[int, int], newest_us: int, forgotten: bool
) -> Past:
    row, now_us = block.kept.get(key), to_us(block.now)
    known = _NOTHING if row is None else _kept(row)
    if row is None:
        period_s, bound_us = block.bound[key]
        clock_us = bound_us
        position_us, since_us = _begin(kind, terms, period_s=period_s, bound_us=bound_us, newest_us=newest_us)
    else:
        position_us, clock_us, since_us = row.position_us, row.clock_us, row.position_us + 1
    is_fresh = newest_us > position_us
    if is_fresh:
        track = _track(block, key, since_us=since_us, newest_us=newest_us)
        columns = zip((known.at_us, known.value, known.observation_id),
                      (track.at_us, track.value, track.observation_id), strict=True)  # fmt: skip
        known = Past(*(np.concatenate(pair) for pair in columns), 0)  # type: ignore[arg-type]  # three columns
    if not (is_fresh or forgotten) and kind is WatchKind.MINUTES:
        return _NOTHING
    past = Past(known.at_us, known.value, known.observation_id, max(now_us, newest_us))
    fresh = past.at_us > position_us
    fresh[-1:] |= forgotten
    judged = judged_back(kind, terms, past, fresh=fresh, clock_us=clock_us, worked=block.worked)
    if is_fresh or len(judged) > 1:
        block.rows.append(_row(key, remembered(kind, terms, past), max(newest_us, position_us)))
    return judged


def _alarms_counted(terms: Terms, stream: int, now: datetime) -> Past:
    """Return how many alarms of a stream began to stand in the window that ends now."""
    since = now - timedelta(seconds=terms.span_s)
    rows = Activation.objects.filter(
        watch_code__in=terms.watches, datastream_id=stream, told_at__gt=since, at__gt=since, at__lte=now
    )
    number, reading = rows.count(), rows.order_by("at").values_list("alarm__observation_id", flat=True).last()
    columns = np.array([to_us(now)]), np.array([float(number)]), np.array([reading or 0], dtype=np.int64)
    return Past(*columns, to_us(now))


def _kept(row: Lookback) -> Past:
    at_us, number = (np.frombuffer(bytes(column), dtype="<i8") for column in (row.at_us, row.observation_id))
    value = np.frombuffer(bytes(row.value), dtype="<f8")
    return Past(at_us.astype(np.int64), value.astype(np.float64), number.astype(np.int64), 0)


def _row(key: tuple[int, int], past: Past, position_us: int) -> Lookback:
    return Lookback(
        watch_id=key[0],
        datastream_id=key[1],
        at_us=past.at_us.astype("<i8").tobytes(),
        value=past.value.astype("<f8").tobytes(),
        observation_id=past.observation_id.astype("<i8").tobytes(),
        position_us=position_us,
        clock_us=past.until_us,
    )


def _remember(rows: Sequence[Lookback]) -> None:
    Lookback.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["watch_id", "datastream_id"],
        update_fields=["at_us", "value", "observation_id", "position_us", "clock_us"],
    )


def _hand_over(handed: list[Candidate]) -> int:
    """Hand changes to the machine in the order of their times, and keep the band each ends in."""
    if not handed:
        return 0
    last = {(row.watch_id, row.datastream_id): row for row in handed}
    Candidate.objects.bulk_create(sorted(handed, key=lambda row: row.phenomenon_time))
    keep_bands(list(last.values()))
    with connection.cursor() as cursor:
        cursor.execute(f"NOTIFY {CANDIDATES_CHANNEL}")
    return len(handed)
