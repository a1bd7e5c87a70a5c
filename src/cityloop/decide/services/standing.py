"""Watches that judge the alarms of others: n of m points make a level, a condition stops a thing.

A scan every few seconds looks at what stands; the level that a table makes of it goes to the alarm machine like any
other judged value, so that delays, shelving and cases are those of every alarm.
"""

from collections.abc import Mapping
from datetime import datetime

import numpy as np
from django.db import connection, transaction

from cityloop.decide.models import Alarm, Candidate, Watch
from cityloop.decide.rules import Ladder, terms_of
from cityloop.decide.rules.points import grade, made_of
from cityloop.decide.selectors.standing import Point, points_of, stored_points
from cityloop.decide.selectors.watches import in_use, ladder_of
from cityloop.decide.services.bands import keep_bands, known_bands
from cityloop.decide.services.machine import hold_lock
from cityloop.decide.stream import CANDIDATES_CHANNEL, Bindings, Compiled
from cityloop.kernel.declarations import JUDGING_ALARMS

Key = tuple[int, int]
"""A version of a watch and a stream."""


@transaction.atomic
def scan_standing(now: datetime) -> int:
    """Judge what stands for groups of points and for what must stop.

    Args:
        now: the wall clock, aware.

    Returns:
        How many changes of level were handed to the alarm machine.
    """
    if not in_use().filter(kind__in=JUDGING_ALARMS).exists():
        return 0
    hold_lock()
    watches = {row.pk: row for row in in_use().filter(kind__in=JUDGING_ALARMS).prefetch_related("streams")}
    points: dict[Key, list[Point]] = {}
    for row in watches.values():
        bound = {one.datastream_id: one.period_s for one in row.streams.all()}
        points |= {(row.pk, stream): found for stream, found in points_of(row, bound, now=now).items()}
    compiled = _compiled(watches, points)
    keys = list(zip(compiled.watch_id.tolist(), compiled.datastream_id.tolist(), strict=True))
    made = [made_of((one.level for one in points[key]), terms_of(watches[key[0]].terms).table) for key in keys]
    rows = np.arange(len(keys), dtype=np.int64)
    bands = compiled.banded(rows, rows, np.array([grade(level) for level in made]))
    changed, before = bands.changes(known_bands(compiled))
    handed = [
        Candidate(
            watch_id=keys[row][0],
            datastream_id=keys[row][1],
            observation_id=points[keys[row]][0].observation_id if points[keys[row]] else 0,
            phenomenon_time=now,
            received_at=now,
            value=float(bands.value[row]),
            band_before=int(before[row]),
            band=int(bands.band[row]),
        )
        for row in np.flatnonzero(changed).tolist()
    ]
    _name_points({(watches[watch_id].code, stream): found for (watch_id, stream), found in points.items()})
    Candidate.objects.bulk_create(handed)
    keep_bands(handed)
    if handed:
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {CANDIDATES_CHANNEL}")
    return len(handed)


def _compiled(watches: Mapping[int, Watch], points: Mapping[Key, list[Point]]) -> Compiled:
    ladders: dict[Ladder, int] = {}
    rows = []
    for watch_id, stream in points:
        ladder = ladder_of(watches[watch_id])
        if ladder is not None:
            rows.append((watch_id, stream, ladders.setdefault(ladder, len(ladders))))
    watch, streams, number = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return Compiled(Bindings(watch, streams, number, list(ladders)))


def _name_points(points: Mapping[tuple[str, int], list[Point]]) -> None:
    """Let standing alarms name the points that stand now; what an alarm named when it cleared stays."""
    codes = {code for code, _ in points}
    for alarm in Alarm.objects.filter(watch_code__in=codes, closed_at=None, cleared_at=None):
        named = stored_points(points.get((alarm.watch_code, alarm.datastream_id), []))
        if named and named != alarm.points:
            Alarm.objects.filter(pk=alarm.pk).update(points=named)
