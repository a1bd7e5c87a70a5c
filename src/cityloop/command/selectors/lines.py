"""The lines of the wall: what a project's streams add up to now, today and on the day it is held against."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from cityloop.command.models import WallLine
from cityloop.command.rules.days import same_day_last_week, same_day_last_year
from cityloop.command.rules.lines import (
    Point,
    change_in_words,
    change_percent,
    curve_of,
    greatest_of,
    last_known,
    share_percent,
    value_at,
)
from cityloop.command.selectors.standings import standing_of
from cityloop.kernel.clocks import CITY_ZONE
from cityloop.kernel.declarations import LineStanding
from cityloop.kernel.text import Text
from cityloop.sense import facade as sense

FRESH_S = 15
"""How long today's curve is kept before it is read again, seconds."""
PAST_FRESH_S = 600
"""The same for the curve of an earlier day: late readings may still come."""
KEPT_MAX = 256
"""Curves kept by a process."""
WEATHER = "weather"
"""The line of this code is not a tile: it stands in the top bar."""

_AGO = {"same day last week": "a week ago", "same weekday last year": "a year ago"}
"""English short for a tile: the full words stand beside the curve."""
_LAST_WEEK = Text("上周同日", "same day last week")
_LAST_YEAR = Text("去年同周同日", "same weekday last year")


@dataclass(frozen=True, slots=True)
class Compared:
    """A value held against an earlier one.

    Attributes:
        words: that it is held against it, short: "vs a week ago".
        day: which earlier day.
        value: the line's value at the same hour of that day.
        percent: by how many per cent today lies above it, None where that tells nothing.
        change: how much more or less it is, as screens write it; None where one of both is not known.
        curve: that day, its hours moved onto today.
    """

    words: Text
    day: Text
    value: float | None
    percent: float | None
    change: Text | None
    curve: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    """A line as it stands.

    Attributes:
        code: the project's and the line's: `lifelines/water`.
        title: its name.
        unit: unit symbol.
        decimals: digits after the point.
        value: mean of the newest hour with readings, None where there are none today.
        at: start of that hour.
        today: the curve since midnight in the city.
        compared: held against earlier days; empty where there is no history.
        arrived_percent: share of today's expected readings that arrived.
        origins: where its readings come from, without doubles.
        streams: the streams it is made of.
        standing: how it stands by its project's reckoning, None where the project tells nothing.
    """

    code: str
    title: Text
    unit: str
    decimals: int
    value: float | None
    at: datetime | None
    today: tuple[Point, ...]
    compared: tuple[Compared, ...]
    arrived_percent: float | None
    origins: tuple[str, ...]
    streams: tuple[int, ...]
    standing: LineStanding | None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=CITY_ZONE)


@dataclass(frozen=True, slots=True)
class _Recipe:
    """How a line is made of its streams."""

    streams: tuple[int, ...]
    combine: str
    factor: float


@lru_cache(maxsize=KEPT_MAX)
def _curve(recipe: _Recipe, since: datetime, until: datetime, turn: int) -> tuple[Point, ...]:  # noqa: ARG001  ages what is kept
    rows = [(at, mean) for stream in recipe.streams for at, mean in sense.hourly(stream, since=since, until=until)]
    return curve_of(rows, streams=len(recipe.streams), how=recipe.combine, factor=recipe.factor)


@lru_cache(maxsize=KEPT_MAX)
def _arrived(streams: tuple[int, ...], since: datetime, until: datetime) -> float | None:
    return share_percent(*sense.arrivals(streams, since=since, until=until))


def _recipe(line: WallLine) -> _Recipe:
    return _Recipe(tuple(line.streams), line.combine, line.factor)


def _floored(now: datetime, step_s: int) -> datetime:
    return datetime.fromtimestamp(now.timestamp() // step_s * step_s, CITY_ZONE)


def _compared(
    line: WallLine, held: tuple[Text, date], *, today: date, newest: Point | None, turn: int
) -> Compared | None:
    name, day = held
    shift = timedelta(days=(today - day).days)
    curve = _curve(_recipe(line), _midnight(day), _midnight(day) + timedelta(days=1), turn)
    if last_known(curve) is None:
        return None
    moved = tuple(Point(point.at + shift, point.value) for point in curve)
    before = value_at(moved, newest.at) if newest else None
    now = newest.value if newest else None
    percent, change = change_percent(now, before, greatest=greatest_of(curve)), None
    if now is not None and before is not None:
        change = change_in_words(now - before, percent, unit=line.unit, decimals=line.decimals)
    return Compared(Text(f"较{name.zh}", f"vs {_AGO[name.en]}"), name, before, percent, change, moved)


def _view(line: WallLine, now: datetime) -> LineView:
    today, recipe, until = now.astimezone(CITY_ZONE).date(), _recipe(line), _floored(now, FRESH_S)
    midnight, turn = _midnight(today), int(now.timestamp() // PAST_FRESH_S)
    curve = _curve(recipe, midnight, until, 0) if until > midnight else ()
    newest = last_known(curve)
    days = ((_LAST_WEEK, same_day_last_week(today)), (_LAST_YEAR, same_day_last_year(today)))
    compared = (_compared(line, held, today=today, newest=newest, turn=turn) for held in days)
    return LineView(
        code=f"{line.project_id}/{line.code}",  # type: ignore[attr-defined]  # Django adds it
        title=Text(line.title_zh, line.title_en),
        unit=line.unit,
        decimals=line.decimals,
        value=newest.value if newest else None,
        at=newest.at if newest else None,
        today=curve,
        compared=tuple(one for one in compared if one is not None),
        arrived_percent=_arrived(recipe.streams, midnight, until),
        origins=_origins(recipe.streams),
        streams=recipe.streams,
        standing=standing_of(line.project_id, line.code, now),  # type: ignore[attr-defined]  # Django adds it
    )


def _origins(streams: Iterable[int]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(view.origin) for view in sense.stream_views(streams).values()))


def lines(now: datetime) -> list[LineView]:
    """Return every line of every project, in the order the projects name them."""
    rows = WallLine.objects.order_by("project__number", "project", "position")
    return [_view(row, now) for row in rows]


def line(code: str, now: datetime) -> LineView | None:
    """Return one line by `project/line`, None where there is none."""
    project, _, name = code.partition("/")
    row = WallLine.objects.filter(project=project, code=name).first()
    return _view(row, now) if row else None


def forget_curves() -> None:
    """Forget what is kept: for tests, whose readings change within a turn."""
    _curve.cache_clear()
    _arrived.cache_clear()
