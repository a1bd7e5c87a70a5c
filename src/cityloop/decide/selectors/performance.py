"""How the alarms of a time served those who answer them: the standard's measures, and the alarms behind each."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Min, QuerySet

from cityloop.decide.models import Activation, Alarm
from cityloop.decide.rules import WINDOW_US, AlarmState, FloodSpan, chattering, counts_by_window, floods_of
from cityloop.decide.selectors.alarms import ALARMS_MAX, AlarmView, alarm_view
from cityloop.decide.selectors.measures import measures
from cityloop.kernel.areas import CITY, AreaCode
from cityloop.kernel.instants import from_us, to_us
from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text

TOP = 10
"""How many of the most frequent alarms are named."""

ACTIVATIONS_MAX = 200_000
"""How many activations one look reads at the most, the newest ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frequent:
    """An alarm that comes often.

    Attributes:
        title: what it is.
        thing: the device or site.
        watch_code: its watch.
        datastream_id: its stream.
        count: how often it came; of a chattering one how often in clusters.
        share: of all alarms, percent.
    """

    title: Text
    thing: Text
    watch_code: str
    datastream_id: int
    count: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """The alarms of a time in the standard's measures.

    Attributes:
        since, until: the time.
        is_cut: whether there were more alarms than one look reads, so that the oldest are missing.
        values: the thresholds in force, by code.
        told: alarms that called somebody.
        average: of them, for each operator and 10 minutes.
        peak: most in one interval of 10 minutes, for each operator.
        peak_at: beginning of that interval, None without alarms.
        busy_share: intervals with more than the greatest number allowed, percent.
        floods: times of flood.
        flood_share: share of the time in flood, percent.
        by_level: alarms of each level, all four.
        top: the most frequent alarms.
        top_share: their share of all, percent.
        chattering: alarms that came again and again within the span.
        standing: alarms that have stood for longer than allowed, oldest first.
        shelved, suppressed: alarms that call nobody now.
        untold: activations that called nobody: repeats within one look, shelved, suppressed.
    """

    since: datetime
    until: datetime
    is_cut: bool
    values: Mapping[str, float]
    told: int
    average: float
    peak: float
    peak_at: datetime | None
    busy_share: float
    floods: tuple[FloodSpan, ...]
    flood_share: float
    by_level: Mapping[Level, int]
    top: tuple[Frequent, ...]
    top_share: float
    chattering: tuple[Frequent, ...]
    standing: tuple[AlarmView, ...]
    shelved: int
    suppressed: int
    untold: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationView:
    """A condition that began to stand.

    Attributes:
        alarm: its alarm.
        level: the level it came with.
        at: phenomenon time.
        told_at: when it was told.
        told: whether somebody was called.
    """

    alarm: AlarmView
    level: Level
    at: datetime
    told_at: datetime
    told: bool


def _within(area: AreaCode | None) -> dict[str, str]:
    return {} if area is None or area == CITY else {"area__startswith": area}


def performance(*, since: datetime, until: datetime, area: AreaCode | None = None) -> Performance:
    """Return the alarms of a time in the standard's measures.

    Args:
        since: beginning, aware, inclusive.
        until: end, aware, exclusive.
        area: of that area and below, None for the city.
    """
    values = {one.spec.code: one.value for one in measures()}
    columns = ("told_at", "at", "level", "watch_code", "datastream_id", "told")
    rows = Activation.objects.filter(told_at__gte=since, told_at__lt=until, **_within(area)).order_by("-told_at", "-pk")
    read = list(rows.values_list(*columns)[: ACTIVATIONS_MAX + 1])
    is_cut = len(read) > ACTIVATIONS_MAX
    read = read[:ACTIVATIONS_MAX][::-1]
    told = [row for row in read if row[5]]
    times = [to_us(row[0]) for row in told]
    span = (to_us(since), to_us(until))
    windows = [count / values["operators"] for count in counts_by_window(times, since_us=span[0], until_us=span[1])]
    floods = _floods(times, values, span)
    lasted = sum((flood.ended_us or span[1]) - flood.began_us for flood in floods)
    top = _named(Counter((row[3], row[4]) for row in told).most_common(TOP), len(told))
    peak = max(windows)
    return Performance(
        since=since,
        until=until,
        is_cut=is_cut,
        values=values,
        told=len(told),
        average=len(told) / values["operators"] / ((span[1] - span[0]) / WINDOW_US),
        peak=peak,
        peak_at=from_us(span[0] + windows.index(peak) * WINDOW_US) if told else None,
        busy_share=sum(count > values["peak-max"] for count in windows) / len(windows) * 100,
        floods=tuple(floods),
        flood_share=lasted / (span[1] - span[0]) * 100,
        by_level={level: sum(row[2] == level for row in told) for level in Level},
        top=top,
        top_share=sum(one.share for one in top),
        chattering=_chattering(read, values),
        standing=_standing(until - timedelta(hours=values["standing-after"]), area),
        shelved=Alarm.objects.filter(state=AlarmState.SHELVED, **_within(area)).count(),
        suppressed=Alarm.objects.filter(state=AlarmState.SUPPRESSED, **_within(area)).count(),
        untold=len(read) - len(told),
    )


def _floods(times: list[int], values: Mapping[str, float], span: tuple[int, int]) -> list[FloodSpan]:
    begins, ends = values["flood-begins"] * values["operators"], values["flood-ends"] * values["operators"]
    return floods_of(times, begins=begins, ends=ends, until_us=span[1])


def _chattering(
    read: list[tuple[datetime, datetime, int, str, int, bool]], values: Mapping[str, float]
) -> tuple[Frequent, ...]:
    by_alarm: dict[tuple[str, int], list[int]] = defaultdict(list)
    for row in read:
        by_alarm[row[3], row[4]].append(to_us(row[1]))
    count, span_us = round(values["chatter-count"]), round(values["chatter-span"] * 1_000_000)
    caught = {key: chattering(sorted(times), count=count, span_us=span_us) for key, times in by_alarm.items()}
    found = Counter({key: number for key, number in caught.items() if number}).most_common(TOP)
    return _named(found, len(read))


def _named(counted: list[tuple[tuple[str, int], int]], total: int) -> tuple[Frequent, ...]:
    alarms = Alarm.objects.filter(
        watch_code__in={code for (code, _), _ in counted}, datastream_id__in={stream for (_, stream), _ in counted}
    ).order_by("pk")
    known = {(row.watch_code, row.datastream_id): row for row in alarms}
    return tuple(
        Frequent(
            title=Text(known[key].title_zh, known[key].title_en),
            thing=Text(known[key].thing_zh, known[key].thing_en),
            watch_code=key[0],
            datastream_id=key[1],
            count=count,
            share=count / total * 100,
        )
        for key, count in counted
        if key in known
    )


def _standing(before: datetime, area: AreaCode | None) -> tuple[AlarmView, ...]:
    rows = Alarm.objects.filter(closed_at=None, cleared_at=None, first_at__lte=before, **_within(area))
    return tuple(alarm_view(row) for row in rows.order_by("first_at", "pk")[:ALARMS_MAX])


def _chosen(  # noqa: PLR0913  each says one thing
    *,
    since: datetime,
    until: datetime,
    area: AreaCode | None,
    level: Level | None,
    watch_code: str,
    datastream_id: int | None,
) -> QuerySet[Activation]:
    rows = Activation.objects.filter(told_at__gte=since, told_at__lt=until, told=True, **_within(area))
    if level is not None:
        rows = rows.filter(level=level)
    if watch_code:
        rows = rows.filter(watch_code=watch_code)
    return rows if datastream_id is None else rows.filter(datastream_id=datastream_id)


def activations(  # noqa: PLR0913  each says one thing
    *,
    since: datetime,
    until: datetime,
    area: AreaCode | None = None,
    level: Level | None = None,
    watch_code: str = "",
    datastream_id: int | None = None,
    after: int = 0,
    limit: int = 50,
) -> tuple[int, list[ActivationView]]:
    """Return how many alarms called somebody in a time, and a page of them, newest first.

    Args:
        since: beginning, aware, inclusive.
        until: end, aware, exclusive.
        area: of that area and below, None for the city.
        level: that came with this level, None for all.
        watch_code: of one watch, empty for all.
        datastream_id: of one stream, None for all.
        after: how many to pass over.
        limit: how many at the most.
    """
    rows = _chosen(since=since, until=until, area=area, level=level, watch_code=watch_code, datastream_id=datastream_id)
    page = rows.select_related("alarm").order_by("-told_at", "-pk")[after : after + min(limit, ALARMS_MAX)]
    views = [
        ActivationView(
            alarm=alarm_view(row.alarm), level=Level(row.level), at=row.at, told_at=row.told_at, told=row.told
        )
        for row in page
    ]
    return rows.count(), views


def counted_since(*, area: AreaCode | None = None) -> datetime | None:
    """Return since when alarms are counted, None where none was."""
    first: datetime | None = Activation.objects.filter(**_within(area)).aggregate(first=Min("told_at"))["first"]
    return first
