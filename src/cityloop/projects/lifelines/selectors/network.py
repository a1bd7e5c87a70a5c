"""The things of the lines on the map: how each stands by its newest reading and its alarms, as of an instant."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from cityloop.decide import facade as decide
from cityloop.decide.facade import AlarmView
from cityloop.kernel.areas import AreaCode
from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text
from cityloop.projects.lifelines.rules.days import Line
from cityloop.projects.lifelines.rules.dependencies import Edge, Node
from cityloop.projects.lifelines.selectors.history import PROJECT
from cityloop.sense import facade as sense
from cityloop.sense.facade import StreamView

SILENT_PERIODS = 3
"""After so many periods without a reading a thing counts as silent (domain reference, section 4)."""

SILENT_MIN = timedelta(minutes=1)
LOOKED_BACK = timedelta(hours=6)
"""So far back an hour's mean is looked for where the newest reading is later than the instant asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThingReading:
    """The newest reading of a stream.

    Attributes:
        stream: the stream.
        value: the number, None where nothing was read.
        at: when it was so, None where nothing was read.
        trace: address that opens it.
        is_silent: whether it is older than three periods.
    """

    stream: StreamView
    value: float | None
    at: datetime | None
    trace: str
    is_silent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ThingState:
    """A thing of the lines.

    Attributes:
        title: its name.
        area: where it is.
        longitude, latitude: WGS 84 degrees.
        readings: of its streams.
        alarms: that stand, gravest first.
        code: what its streams' codes begin with, such as `heat.l4`.
    """

    title: Text
    area: AreaCode
    longitude: float
    latitude: float
    readings: tuple[ThingReading, ...]
    alarms: tuple[AlarmView, ...]
    code: str

    @property
    def level(self) -> Level | None:
        """Return the gravest level of its alarms."""
        return min((alarm.level for alarm in self.alarms), default=None)

    @property
    def is_silent(self) -> bool:
        """Return whether none of its streams is heard."""
        return all(reading.is_silent for reading in self.readings)


def things_at(at: datetime) -> tuple[ThingState, ...]:
    """Return the things of the lines that have a place, as of an instant, by code."""
    placed: dict[int, list[StreamView]] = {}
    for view in sense.streams_of_project(PROJECT):
        if view.longitude is not None and view.latitude is not None and _is_of_a_line(view.code):
            placed.setdefault(view.thing_id, []).append(view)
    ids = [view.datastream_id for views in placed.values() for view in views]
    readings = _readings((view for views in placed.values() for view in views), at)
    alarms: dict[int, list[AlarmView]] = {}
    for alarm in decide.alarms_standing(ids, at=at):
        alarms.setdefault(alarm.datastream_id, []).append(alarm)
    found = [_thing(views, readings, alarms) for views in placed.values()]
    return tuple(sorted(found, key=lambda one: one.code))


def _is_of_a_line(code: str) -> bool:
    """Return whether a stream is read at a line's thing: not the weather, nor what dispatchers tell."""
    line, place, *_ = (*code.removeprefix(f"{PROJECT}/").split("."), "")
    return line in set(Line) and place != "dispatch"


def _thing(
    views: list[StreamView], readings: Mapping[int, ThingReading], alarms: Mapping[int, list[AlarmView]]
) -> ThingState:
    first = views[0]
    standing = [alarm for view in views for alarm in alarms.get(view.datastream_id, [])]
    return ThingState(
        title=first.thing_name,
        area=first.area,
        longitude=first.longitude or 0.0,
        latitude=first.latitude or 0.0,
        readings=tuple(readings[view.datastream_id] for view in views),
        alarms=tuple(sorted(standing, key=lambda alarm: alarm.level)),
        code=first.code.removeprefix(f"{PROJECT}/").rpartition(".")[0],
    )


def _readings(views: Iterable[StreamView], at: datetime) -> dict[int, ThingReading]:
    streams = {view.datastream_id: view for view in views}
    newest: dict[int, tuple[datetime, float | None, str]] = {}
    for number, latest in sense.latest_of(streams).items():
        if latest.phenomenon_time is not None and latest.phenomenon_time <= at:
            newest[number] = latest.phenomenon_time, latest.value, f"/trace/observation/{latest.observation_id}/"
    for number, (hour, mean) in _hours_before(streams.keys() - newest.keys(), at).items():
        newest[number] = hour, mean, f"/trace/stream/{number}/"
    return {number: _reading(view, newest.get(number), at) for number, view in streams.items()}


def _hours_before(ids: Iterable[int], at: datetime) -> dict[int, tuple[datetime, float]]:
    """Return when the newest hour of streams before an instant ended, and its mean."""
    wanted = sorted(ids)
    if not wanted:
        return {}
    read = sense.hours_of_many(wanted, since=at - LOOKED_BACK, until=at)
    found: dict[int, tuple[datetime, float]] = {}
    for row in np.argsort(read.hour, kind="stable"):
        if np.isfinite(read.mean[row]):
            ends = datetime.fromtimestamp((int(read.hour[row]) + 1) * 3600, UTC)
            found[int(read.datastream_id[row])] = min(ends, at), float(read.mean[row])
    return found


def _reading(view: StreamView, newest: tuple[datetime, float | None, str] | None, at: datetime) -> ThingReading:
    if newest is None:
        trace = f"/trace/stream/{view.datastream_id}/"
        return ThingReading(stream=view, value=None, at=None, trace=trace, is_silent=True)
    when, value, trace = newest
    span = max(SILENT_MIN, timedelta(seconds=SILENT_PERIODS * (view.period_s or 0.0)))
    return ThingReading(stream=view, value=value, at=when, trace=trace, is_silent=at - when > span)


def things_of(node: Node, things: Iterable[ThingState]) -> tuple[ThingState, ...]:
    """Return the things that stand for a node of the dependencies."""
    return tuple(
        thing
        for thing in things
        if any(thing.code.startswith(one[:-1]) if one.endswith("*") else thing.code == one for one in node.things)
    )


def links_of(
    edges: Iterable[Edge], nodes: Iterable[Node], things: tuple[ThingState, ...]
) -> tuple[tuple[Edge, ThingState, ThingState], ...]:
    """Return the dependencies whose both ends have a place, with the things between which they run."""
    by_node = {node.code: things_of(node, things) for node in nodes}
    return tuple(
        (edge, source, target)
        for edge in edges
        for source in by_node[edge.source]
        for target in by_node[edge.target]
        if source.code != target.code
    )


__all__ = ["ThingReading", "ThingState", "links_of", "things_at", "things_of"]
