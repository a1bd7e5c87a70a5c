"""The day of a line as the leaders read it, made of its numbers."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode

import numpy as np

from cityloop.decide.facade import Variant
from cityloop.kernel.declarations import Origin
from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text
from cityloop.projects.lifelines.rules import balance, thresholds
from cityloop.projects.lifelines.rules.days import Figure, Line, LineDay, Reason, Remembered
from cityloop.projects.lifelines.rules.effects import Share
from cityloop.projects.lifelines.rules.lines import Told
from cityloop.projects.lifelines.rules.reasons import ReasonKind
from cityloop.projects.lifelines.selectors.estimates import DayExpected, today_expected
from cityloop.projects.lifelines.selectors.history import LIVE_DAYS, local_day, midnight_of
from cityloop.projects.lifelines.selectors.numbers import DAY, Numbers, Top, numbers

HOUR = timedelta(hours=1)
UNREAD = Text("近3小时无管存读数", "no line-pack was read in the last 3 hours")
UNTOLD_MINIMUM = Text("未填报管存下限", "no minimum was told")
LINEPACK_FRESH = timedelta(hours=3)
"""A line-pack read longer ago tells nothing of now."""

VARIANT_TITLES: dict[Variant, Text] = {
    Variant.DATE: Text("去年同日期", "same date last year"),
    Variant.WEEKDAY: Text("去年同周同日", "same weekday last year"),
    Variant.LUNAR: Text("去年同农历日", "same lunar day last year"),
    Variant.HEATING: Text("上一供暖季同日", "same day of last heating season"),
}
_NO_READINGS = Text("今日尚无读数", "no readings have come today")
_NOT_TOLD = Text("当日未填报", "not told for this day")
_UNTOLD = Text("未填报", "not told")
_INCOMPLETE = Text("该日读数不完整", "readings of that day are incomplete")
_ORIGINS = {
    Origin.REPLAYED: Text("真实数据回放", "replayed real data"),
    Origin.SIMULATED: Text("模拟数据", "simulated"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Whether a line holds, in numbers; None where one cannot be told.

    Attributes:
        supply: what is there in a day, in the day's unit, with what those upstream have granted.
        missing_told: what of it was not told, so that the supply cannot be.
        gap: estimate minus what cuts take from it, minus supply.
        uses: the last days' use of the stock, by day.
        cover_days: days the stock lasts.
        linepack, minimum, outflow, inflow: of the newest hour.
        linepack_age_h: how long ago that hour ended.
        linepack_hours: hours until the minimum, from now on.
        linepack_why: why they cannot be told.
        levels: how grave gap, cover and line-pack are, by the kind of threshold.
    """

    supply: float | None
    missing_told: tuple[Told, ...]
    gap: float | None
    uses: tuple[tuple[date, float], ...]
    cover_days: float | None
    linepack: float | None
    minimum: float | None
    outflow: float | None
    inflow: float | None
    linepack_age_h: float
    linepack_hours: float | None
    linepack_why: Text | None
    levels: dict[str, Level | None]

    @property
    def is_known(self) -> bool:
        """Return whether enough was told and read to say that a line holds."""
        return self.gap is not None and self.linepack_why is not UNREAD


def trace_of(line: Line, name: str, at: datetime) -> str:
    """Return the address of the page that opens a number of the sheet."""
    return f"/projects/lifelines/sheet/{line}/{name}/?{urlencode({'at': at.astimezone(UTC).isoformat()})}"


def used_of(found: Numbers) -> float | None:
    """Return what the hours that are over have brought, in the day's unit; None where none is known."""
    known = np.isfinite(found.today)
    return float(found.today[known].sum()) * found.make.day_factor if known.any() else None


def counterpart_of(found: Numbers) -> tuple[Variant, date, float | None]:
    """Return the same day last year: the variant that suits the day, else the first whose total is known."""
    for variant, day in found.variants:
        if (total := found.total_of(day)) is not None:
            return variant, day, total
    return (*found.variants[0], None)


def top_of(found: Numbers, kept: Top | None, *, since: date | None) -> Top | None:
    """Return the largest day before today from a day on, among the kept days and those that were read."""
    days = {found.day - number * DAY for number in range(1, LIVE_DAYS + 1)} | set(found.past)
    totals = (
        (total, -day.toordinal())
        for day in days
        if day < found.day and (since is None or day >= since) and (total := found.total_of(day)) is not None
    )
    best = max(totals, default=None)
    read = (best[0], date.fromordinal(-best[1])) if best is not None else None
    return max((one for one in (kept, read) if one is not None), key=lambda one: one[0], default=None)


def balance_of(found: Numbers, demand: float | None) -> Balance:
    """Return whether a line holds, as of the numbers' instant.

    Args:
        found: its numbers.
        demand: the estimate of the day, in the day's unit.
    """
    missing = tuple(kind for kind in found.make.supply if kind not in found.told)
    supply = None if missing else sum(found.told[kind].value for kind in found.make.supply) + _sum(found.granted)
    gap = balance.gap(demand - _sum(found.reduced), [supply]) if demand is not None and supply is not None else None
    uses, stock = uses_of(found), found.told.get(Told.STOCK)
    cover = balance.days_of_cover(stock.value, [use for _, use in uses]) if stock is not None else None
    pack, minimum, outflow, inflow, age_h, why = _linepack(found)
    hours = None
    if pack is not None and minimum is not None and outflow is not None and inflow is not None:
        hours = balance.hours_to_minimum(pack, minimum, outflow=outflow, inflow=inflow)
        why = Text("管存未下降", "the line-pack is not falling") if hours is None else None
        hours = max(hours - age_h, 0.0) if hours is not None else None
    limits = {
        kind: thresholds.limits_of(kind, found.values)
        for kind in (thresholds.GAP, thresholds.COVER, thresholds.LINEPACK)
    }
    levels = {
        thresholds.GAP: balance.gap_level(gap, demand or 0.0, limits[thresholds.GAP]) if gap is not None else None,
        thresholds.COVER: balance.low_level(cover, limits[thresholds.COVER]),
        thresholds.LINEPACK: balance.low_level(hours, limits[thresholds.LINEPACK]),
    }
    return Balance(
        supply=supply, missing_told=missing, gap=gap, uses=uses, cover_days=cover, linepack=pack, minimum=minimum,
        outflow=outflow, inflow=inflow, linepack_age_h=age_h, linepack_hours=hours, linepack_why=why, levels=levels,
    )  # fmt: skip


def _sum(shares: Iterable[Share]) -> float:
    return sum(one.quantity for one in shares)


def uses_of(found: Numbers) -> tuple[tuple[date, float], ...]:
    """Return the use of the stock on each of the last seven days that is known: as told, else the line's own."""
    if Told.STOCK not in found.make.told:
        return ()
    if Told.STOCK_USE in found.make.told:
        return tuple((local_day(given.at), given.value) for given in found.uses)
    days = (found.day - number * DAY for number in range(LIVE_DAYS, 0, -1))
    return tuple((day, total) for day in days if (total := found.total_of(day)) is not None)


def _linepack(found: Numbers) -> tuple[float | None, float | None, float | None, float | None, float, Text | None]:
    if found.linepack is None or found.inflow is None:
        return None, None, None, None, 0.0, None
    last = (LIVE_DAYS + 1) * 24 - (24 - found.hours) - 1
    newest = range(last, last - int(LINEPACK_FRESH.total_seconds() // 3600), -1)
    columns = [block.values.reshape(-1) for block in (found.linepack, found.recent, found.inflow)]
    hour = next((one for one in newest if all(np.isfinite(column[one]) for column in columns)), None)
    minimum = found.told.get(Told.LINEPACK_MIN)
    least = minimum.value if minimum is not None else None
    if hour is None:
        return None, least, None, None, 0.0, UNREAD
    pack, outflow, inflow = (float(column[hour]) for column in columns)
    age_h = last - hour + (found.at - midnight_of(found.day)) / HOUR - found.hours
    return pack, least, outflow, inflow, age_h, None if least is not None else UNTOLD_MINIMUM


def line_days(at: datetime) -> tuple[LineDay, ...]:
    """Return the rows of the daily sheet, as of an instant."""
    return tuple(day_of(found) for found in numbers(at).values())


def line_day(line: Line, at: datetime) -> LineDay:
    """Return a line's row of the daily sheet, as of an instant."""
    return day_of(numbers(at, (line,))[line])


def day_of(found: Numbers) -> LineDay:
    """Return the row that numbers make."""
    return _Row(found).day()


class _Row:
    """Makes a row: every figure in the line's unit, with the address that opens it."""

    def __init__(self, found: Numbers) -> None:
        self._found, self._make = found, found.make
        self._expected: DayExpected = today_expected(found)
        estimate = self._expected.estimate
        self._estimate = estimate.total * self._make.day_factor if estimate is not None else None
        self._balance = balance_of(found, self._estimate)
        self._variant, self._other, self._then = counterpart_of(found)

    def _figure(self, name: str, value: float | None, *, why: Text | None = None) -> Figure:
        return self._in(self._make.unit, self._make.decimals, name, value, why=why)

    def _in(self, unit: str, decimals: int, name: str, value: float | None, *, why: Text | None = None) -> Figure:
        if value is not None and round(value, decimals) == 0:
            value = abs(value)  # nobody reads -0.0
        return Figure(
            value=value, unit=unit, decimals=decimals, trace=trace_of(self._make.line, name, self._found.at),
            why_none=why if value is None else None,
        )  # fmt: skip

    def _told(self, kind: Told, name: str) -> Figure:
        given = self._found.told.get(kind)
        return self._figure(name, given.value if given is not None else None, why=_NOT_TOLD)

    def _scaled(self, value: float | None) -> float | None:
        return None if value is None else value * self._make.day_factor

    def _remembered(self, name: str, top: Top | None, words: Text) -> Remembered:
        value, day = top if top is not None else (None, None)
        return Remembered(figure=self._figure(name, value, why=_INCOMPLETE), day=day, words=words)

    def _change(self) -> float | None:
        if self._estimate is None or not self._then:
            return None
        return (self._estimate - self._then) / abs(self._then) * 100

    def _reason(self) -> Reason | None:
        row = self._found.reason
        if row is None:
            return None
        return Reason(kind=ReasonKind(row.kind).words, text=row.text, given_by=row.given_by, given_at=row.given_at)

    def day(self) -> LineDay:
        """Return the row."""
        found, make, estimate, change = self._found, self._make, self._expected.estimate, self._change()
        level = balance.worst(self._balance.levels.values())
        yesterday = found.total_of(found.day - DAY)
        season = top_of(found, found.season_top, since=found.season_from)
        record = top_of(found, found.record_top, since=None)
        share = found.arrived / found.expected_readings * 100 if found.expected_readings else None
        return LineDay(
            line=make.line,
            title=make.title,
            at=found.at,
            day=found.day,
            planned=self._told(Told.PLAN, "planned"),
            used=self._figure("used", used_of(found), why=_NO_READINGS),
            estimate=self._figure("estimate", self._estimate, why=self._expected.method),
            estimate_low=self._figure("estimate", self._scaled(estimate.low if estimate else None)),
            estimate_high=self._figure("estimate", self._scaled(estimate.high if estimate else None)),
            method=self._expected.method if estimate is not None else None,
            yesterday=self._figure("yesterday", yesterday, why=_INCOMPLETE),
            last_year=Remembered(
                figure=self._figure("last-year", self._then, why=_INCOMPLETE),
                day=self._other,
                words=VARIANT_TITLES[self._variant],
            ),
            change_percent=self._in("%", 1, "change", change),
            season_peak=self._remembered("season-peak", season, _since(found.season_from)),
            record=self._remembered("record", record, Text("有记录以来", "on record")),
            capacity=self._told(Told.CAPACITY, "capacity"),
            supply=self._figure("supply", self._balance.supply, why=self._untold()),
            gap=self._figure("gap", self._balance.gap, why=self._untold()),
            level=level,
            state=balance.state_of(level, is_known=self._balance.is_known),
            needs_reason=balance.needs_reason(change, found.values[thresholds.DEVIATION]),
            reason=self._reason(),
            cover_days=self._in("d", 1, "cover", self._balance.cover_days, why=self._no_cover()),
            linepack_hours=self._in("h", 1, "linepack", self._balance.linepack_hours, why=self._balance.linepack_why),
            temperature=self._celsius("temperature", found.weather.mean_of(found.day)),
            temperature_ahead=self._celsius("temperature", self._ahead()),
            temperature_last_year=self._celsius("temperature", found.weather.mean_of(self._other)),
            arrived_percent=self._in("%", 1, "arrived", share),
            origins=self._origins(),
        )

    def _origins(self) -> tuple[Text, ...]:
        """Return what is to be said of the readings and of what was told, where either is not live."""
        told = (view for kind, view in self._found.told_streams.items() if kind in self._found.told)
        origins = dict.fromkeys(view.origin for view in (*self._found.streams, *told))
        return tuple(_ORIGINS[origin] for origin in origins if origin in _ORIGINS)

    def _untold(self) -> Text | None:
        missing = [self._make.title_of(kind) for kind in self._balance.missing_told]
        if not missing:
            return None
        zh, en = "、".join(one.zh for one in missing), ", ".join(one.en for one in missing)
        return Text(f"{_NOT_TOLD.zh}：{zh}", f"{_NOT_TOLD.en}: {en}")

    def _no_cover(self) -> Text | None:
        if Told.STOCK not in self._make.told:
            return Text("该线无库存", "this line has no stock")
        return (
            _UNTOLD if Told.STOCK not in self._found.told else Text("近7日耗用未知", "use of the last 7 days unknown")
        )

    def _ahead(self) -> float | None:
        weather = self._found.weather
        if weather.ahead is not None:
            return weather.ahead.value
        hours = weather.ahead_hours
        return float(np.nanmean(hours)) if hours is not None and np.isfinite(hours).any() else None

    def _celsius(self, name: str, value: float | None) -> Figure:
        return self._in("°C", 1, name, value)


def _since(day: date) -> Text:
    return Text(f"自{day:%Y-%m-%d}本季以来", f"of the season since {day:%Y-%m-%d}")


__all__ = [
    "VARIANT_TITLES",
    "Balance",
    "balance_of",
    "counterpart_of",
    "day_of",
    "line_day",
    "line_days",
    "top_of",
    "trace_of",
    "used_of",
    "uses_of",
]
