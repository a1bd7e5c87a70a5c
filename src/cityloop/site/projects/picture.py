"""What the page of a project shows, gathered from the rooms."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.timezone import localtime
from django.utils.translation import gettext

from cityloop.command import facade as command
from cityloop.command.facade import LineView
from cityloop.decide import facade as decide
from cityloop.decide.facade import WatchView
from cityloop.kernel.declarations import Project, WatchKind
from cityloop.kernel.text import Text
from cityloop.registry import facade as registry
from cityloop.registry.facade import PersonView, Right
from cityloop.sense import facade as sense
from cityloop.sense.facade import LatestView, StreamView
from cityloop.site.templatetags.cityloop import said, span_in_words, written


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRow:
    """A stream with its newest reading, None where there is none yet."""

    stream: StreamView
    latest: LatestView | None
    place: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamGroup:
    """The streams of one observed property."""

    title: Text
    rows: tuple[StreamRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A line with its curve as the chart script reads it, and as the rows of a table."""

    line: LineView
    name: str
    trace: str
    chart: dict[str, Any]
    columns: tuple[str, ...]
    table: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchRow:
    """A watch with its limits in words, by level."""

    watch: WatchView
    limits: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectPicture:
    """The page of a project.

    Attributes:
        project: what it declares.
        lead: name of the leading organisation.
        tiles: its lines.
        groups: its streams by observed property.
        sources: what readings are that are not the city's own.
        watches: the rules in force.
        open_alarms: how many of its alarms stand open.
    """

    project: Project
    lead: Text
    tiles: tuple[Tile, ...]
    groups: tuple[StreamGroup, ...]
    sources: tuple[Text, ...]
    watches: tuple[WatchRow, ...]
    open_alarms: int


def picture_of(project: Project, person: PersonView, now: datetime) -> ProjectPicture:
    """Return how a project stands: its lines as the city knows them, streams and alarms where the person may look."""
    streams = [
        stream
        for stream in sense.streams_of_project(project.code)
        if registry.may(person, Right.SEE_PROJECTS, area=stream.area)
    ]
    ids = {stream.datastream_id for stream in streams}
    lines = (command.line(f"{project.code}/{line.code}", now) for line in project.lines)
    return ProjectPicture(
        project=project,
        lead=registry.organisation_name(project.lead),
        tiles=tuple(_tile(line) for line in lines if line is not None),
        groups=tuple(_groups(streams)),
        sources=tuple(dict.fromkeys(stream.source for stream in streams if stream.source is not None)),
        watches=tuple(_watch_row(watch) for watch in decide.watches() if watch.project == project.code),
        open_alarms=sum(alarm.datastream_id in ids for alarm in decide.open_alarms()),
    )


def _groups(streams: Iterable[StreamView]) -> Iterable[StreamGroup]:
    by_property: defaultdict[Text, list[StreamView]] = defaultdict(list)
    for stream in streams:
        by_property[stream.property_title].append(stream)
    latest = sense.latest_of(stream.datastream_id for group in by_property.values() for stream in group)
    for title, group in by_property.items():
        rows = (
            StreamRow(stream=one, latest=latest.get(one.datastream_id), place=registry.area_name(one.area))
            for one in group
        )
        yield StreamGroup(title=title, rows=tuple(rows))


def _tile(line: LineView) -> Tile:
    curves = [(gettext("Today"), line.today), *((said(one.day), one.curve) for one in line.compared)]
    series = [
        {"name": name, "points": [[point.at.isoformat(), point.value] for point in curve]} for name, curve in curves
    ]
    hours = sorted({point.at for _, curve in curves for point in curve})
    by_hour = [{point.at: point.value for point in curve} for _, curve in curves]
    return Tile(
        line=line,
        name=line.code.replace("/", "-"),
        trace=f"/trace/line/{line.code}/",
        chart={"unit": line.unit, "decimals": line.decimals, "series": series},
        columns=(gettext("Hour from"), *(name for name, _ in curves)),
        table=tuple(
            (f"{localtime(at):%m-%d %H:%M}", *(written(values.get(at), line.decimals) for values in by_hour))
            for at in hours
        ),
    )


def _watch_row(watch: WatchView) -> WatchRow:
    return WatchRow(
        watch=watch,
        limits=tuple((int(level), _limit_in_words(watch, limit)) for level, limit in sorted(watch.limits.items())),
    )


def _limit_in_words(watch: WatchView, limit: float) -> str:
    if watch.kind in {WatchKind.SILENT, WatchKind.STUCK}:
        return span_in_words(limit)
    return f"{limit:g} {watch.unit}"
