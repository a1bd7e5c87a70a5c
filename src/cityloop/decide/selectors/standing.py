"""What stands, for watches that judge the alarms of others: points of a group, conditions that stop a thing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cityloop.decide.models import Alarm, Watch
from cityloop.decide.rules import terms_of
from cityloop.kernel.areas import AreaCode, district_of
from cityloop.kernel.declarations import WatchKind
from cityloop.kernel.instants import to_us
from cityloop.kernel.levels import Level
from cityloop.sense import facade as sense

QUIET_PERIODS = 3
"""A point that has not reported for so many of its periods does not stand, whatever its last alarm says (domain
reference, section 2: no data)."""

POINTS_KEPT_MAX = 200
"""How many points an alarm names, the gravest ones."""

_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Point:
    """A standing point.

    Attributes:
        alarm_id: its alarm.
        datastream_id: its stream.
        observation_id: the reading that its level comes from, 0 where there is none.
        level: how grave it is.
        area: where it is.
        fact: the fact that raised it, empty where nobody was called.
    """

    alarm_id: int
    datastream_id: int
    observation_id: int
    level: Level
    area: AreaCode
    fact: str

    def stored(self) -> dict[str, Any]:
        """Return it as an alarm keeps it."""
        return {"alarm": self.alarm_id, "stream": self.datastream_id, "level": int(self.level), "fact": self.fact}


def points_of(watch: Watch, bound: Mapping[int, float | None], *, now: datetime) -> dict[int, list[Point]]:
    """Return the standing points of each stream that alarms of a watch are about, gravest first.

    Args:
        watch: a `group` watch, whose alarm is about the first of its streams, or a `stop` watch, which has an alarm
            about each.
        bound: its streams and their reporting periods, seconds.
        now: the wall clock, aware.
    """
    terms = terms_of(watch.terms)
    rows = Alarm.objects.filter(watch_code__in=terms.watches, closed_at=None, cleared_at=None)
    if watch.kind == WatchKind.GROUP:
        rows = rows.filter(datastream_id__in=_heard(bound, now))
        return {min(bound): _gravest_of_each(_points(rows))} if bound else {}
    points = _points(rows)
    if terms.within != "district":
        return dict.fromkeys(bound, points)
    views = sense.stream_views(bound)
    return {stream: _in_district(points, views[stream].area) for stream in bound if stream in views}


def _points(rows: Iterable[Alarm]) -> list[Point]:
    found = [
        Point(
            row.pk, row.datastream_id, row.observation_id, Level(row.level), AreaCode(row.area),
            str(row.raised_fact or ""),
        )
        for row in rows
    ]  # fmt: skip
    return sorted(found, key=lambda point: (point.level, point.datastream_id, point.alarm_id))


def _gravest_of_each(points: Sequence[Point]) -> list[Point]:
    """Return one point a stream: several alarms of a stream are one point."""
    gravest: dict[int, Point] = {}
    for point in points:
        gravest.setdefault(point.datastream_id, point)
    return list(gravest.values())


def _heard(bound: Mapping[int, float | None], now: datetime) -> list[int]:
    """Return the streams that are not quiet; one that promises no period never is."""
    newest = sense.newest_readings(bound)
    received_us = dict(zip(newest.datastream_id.tolist(), newest.received_us.tolist(), strict=True))
    now_us = to_us(now)
    return [
        stream
        for stream, period_s in bound.items()
        if not period_s or now_us - received_us.get(stream, 0) <= QUIET_PERIODS * period_s * _US
    ]


def _in_district(points: Sequence[Point], area: AreaCode) -> list[Point]:
    return [point for point in points if district_of(point.area) == district_of(area)]


def stored_points(points: Sequence[Point]) -> list[dict[str, Any]]:
    """Return points as an alarm keeps them, the gravest ones."""
    return [point.stored() for point in points[:POINTS_KEPT_MAX]]
