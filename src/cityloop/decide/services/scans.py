"""What depends on time alone: streams that say nothing, and streams that always say the same.

It costs readings nothing: a scan every few seconds reads the newest reading of each stream under such a watch, compares
the age of the silence (or of the value) with the limits in arrays, and hands changes of band to the alarm machine like
any other. Since when a value has stood is kept by the scan itself; a value that came and went between two scans is
found in the history before an alarm is raised for it.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import numpy as np
from django.db import connection, transaction

from cityloop.decide.models import Candidate, Machine, ScreenRow, Stillness, WatchStream
from cityloop.decide.selectors.streams import Newest, has_changed, newest_of
from cityloop.decide.selectors.watches import in_use, ladder_of
from cityloop.decide.services.machine import hold_lock
from cityloop.decide.stream import CANDIDATES_CHANNEL, Compiled, WatchOnStream
from cityloop.kernel.declarations import WatchKind

ABSENCE_MAX = timedelta(seconds=60)
"""If no scan ran for longer than this, it was we who were away: silence is then counted from our return."""


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
    bindings = _bindings()
    newest = newest_of({bound.datastream_id for bound in bindings})
    silences = _silences(bindings, newest, listening_since, now)
    handed = _judge(WatchKind.SILENT, bindings, newest, silences, now)
    stillnesses = _stillnesses(bindings, newest)
    handed += _judge(WatchKind.STUCK, bindings, newest, stillnesses, now)
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


def _bindings() -> list[WatchStream]:
    rows = WatchStream.objects.filter(watch__in=in_use(), watch__kind__in=[WatchKind.SILENT, WatchKind.STUCK])
    return list(rows.select_related("watch"))


def _silences(
    bindings: Iterable[WatchStream], newest: Mapping[int, Newest], listening_since: datetime, now: datetime
) -> dict[int, tuple[float, float]]:
    """Return for each stream the silence we can vouch for and the one that may be, in seconds."""
    ages = {}
    for bound in bindings:
        if bound.watch.kind == WatchKind.SILENT:
            known = newest.get(bound.datastream_id)
            last = known.received_at if known is not None else bound.bound_at
            ages[bound.datastream_id] = (
                (now - max(last, listening_since)).total_seconds(),
                (now - last).total_seconds(),
            )
    return ages


def _stillnesses(bindings: Iterable[WatchStream], newest: Mapping[int, Newest]) -> dict[int, tuple[float, float]]:
    """Remember since when each value has stood, and return for how long, in seconds of the stream's own clock."""
    streams = {bound.datastream_id for bound in bindings if bound.watch.kind == WatchKind.STUCK}
    known = {row.datastream_id: row for row in Stillness.objects.filter(datastream_id__in=streams)}
    moved, ages = [], {}
    for stream in streams:
        reading = newest.get(stream)
        if reading is None or reading.value is None:
            continue
        row = known.get(stream)
        if row is None or row.value != reading.value or row.since > reading.at:
            row = Stillness(
                datastream_id=stream, value=reading.value, since=reading.at, observation_id=reading.observation_id
            )
            moved.append(row)
        age_s = (reading.at - row.since).total_seconds()
        ages[stream] = (age_s, age_s)
    Stillness.objects.bulk_create(
        moved,
        update_conflicts=True,
        unique_fields=["datastream_id"],
        update_fields=["value", "since", "observation_id"],
    )
    return ages


def _compiled(kind: WatchKind, bindings: Iterable[WatchStream]) -> Compiled:
    entries = []
    for bound in bindings:
        ladder = ladder_of(bound.watch, period_s=bound.period_s) if bound.watch.kind == kind else None
        if ladder is not None:
            entries.append(WatchOnStream(bound.watch_id, bound.datastream_id, ladder))
    return Compiled(entries)


def _judge(
    kind: WatchKind,
    bindings: Iterable[WatchStream],
    newest: Mapping[int, Newest],
    ages: Mapping[int, tuple[float, float]],
    now: datetime,
) -> int:
    compiled = _compiled(kind, bindings)
    streams = np.array([stream for stream in compiled.streams.tolist() if stream in ages], dtype=np.int64)
    if not len(streams):
        return 0
    vouched = compiled.judge(streams, streams, np.array([ages[stream][0] for stream in streams.tolist()]))
    possible = compiled.judge(streams, streams, np.array([ages[stream][1] for stream in streams.tolist()]))
    known = np.zeros(len(compiled), dtype=np.int64)
    for row in ScreenRow.objects.filter(watch_id__in=set(compiled.watch_id.tolist())):
        if (entry := compiled.entry_of(row.datastream_id, row.watch_id)) is not None:
            known[entry] = row.band
    # Between the two we do not know: what stood before stands on.
    before_all = known[vouched.entry]
    unsure = vouched.band < before_all
    band = np.where(unsure, np.minimum(possible.band, before_all), vouched.band)
    age = np.where(unsure, possible.value, vouched.value)
    changed = np.flatnonzero(band != before_all).tolist()
    handed = []
    for number in changed:
        entry, age_s = int(vouched.entry[number]), float(age[number])
        stream, before = int(compiled.datastream_id[entry]), int(known[entry])
        if kind is WatchKind.STUCK and band[number] > before and _moved_meanwhile(stream, newest[stream]):
            continue
        handed.append(_candidate(compiled, entry, newest.get(stream), now, age_s, before, int(band[number])))
    Candidate.objects.bulk_create(handed)
    _keep_bands(handed)
    return len(handed)


def _moved_meanwhile(datastream_id: int, reading: Newest) -> bool:
    """Return whether the history knows another value since the value began to stand; then it begins anew."""
    row = Stillness.objects.get(datastream_id=datastream_id)
    if not has_changed(datastream_id, since=row.since, until=reading.at, value=row.value):
        return False
    Stillness.objects.filter(datastream_id=datastream_id).update(
        since=reading.at, observation_id=reading.observation_id
    )
    return True


def _candidate(  # noqa: PLR0913, PLR0917  each says one thing
    compiled: Compiled, entry: int, reading: Newest | None, now: datetime, age_s: float, before: int, band: int
) -> Candidate:
    return Candidate(
        watch_id=int(compiled.watch_id[entry]),
        datastream_id=int(compiled.datastream_id[entry]),
        observation_id=reading.observation_id if reading is not None else 0,
        phenomenon_time=now,
        received_at=now,
        value=age_s,
        band_before=before,
        band=band,
    )


def _keep_bands(handed: Iterable[Candidate]) -> None:
    ScreenRow.objects.bulk_create(
        [
            ScreenRow(datastream_id=row.datastream_id, watch_id=row.watch_id, band=row.band, since=row.phenomenon_time)
            for row in sorted(handed, key=lambda row: (row.datastream_id, row.watch_id))
        ],
        update_conflicts=True,
        unique_fields=["datastream_id", "watch_id"],
        update_fields=["band", "since"],
    )
