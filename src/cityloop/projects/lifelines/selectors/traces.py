"""What a number of the sheet was made of: its formula with its numbers, and the readings and streams behind them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from cityloop.kernel.errors import NotFoundError
from cityloop.kernel.quality import Quality
from cityloop.kernel.text import Text
from cityloop.projects.lifelines.rules import thresholds
from cityloop.projects.lifelines.rules.days import Line, LineDay
from cityloop.projects.lifelines.rules.effects import Share
from cityloop.projects.lifelines.rules.lines import Told
from cityloop.projects.lifelines.selectors.days import VARIANT_TITLES, balance_of, counterpart_of, day_of
from cityloop.projects.lifelines.selectors.estimates import today_expected
from cityloop.projects.lifelines.selectors.history import SIMILAR_DAYS
from cityloop.projects.lifelines.selectors.numbers import DAY, Numbers, numbers

NAMES: dict[str, Text] = {
    "planned": Text("当日计划", "Planned today"),
    "used": Text("今日已用", "Used so far today"),
    "estimate": Text("全日预计", "Full-day estimate"),
    "yesterday": Text("昨日", "Yesterday"),
    "last-year": Text("去年同日", "Same day last year"),
    "change": Text("较去年同日变化", "Change on last year"),
    "season-peak": Text("本季最高", "Season peak"),
    "record": Text("历史最高", "Record"),
    "capacity": Text("日供应能力", "Capacity"),
    "supply": Text("供应合计", "Supply"),
    "gap": Text("供需缺口", "Gap"),
    "cover": Text("库存可用天数", "Days of cover"),
    "linepack": Text("距管存下限", "To minimum line-pack"),
    "temperature": Text("气温", "Temperature"),
    "arrived": Text("到报率", "Arrival rate"),
}
"""The numbers of a row that can be opened, in the order of the sheet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A number that another was made of.

    Attributes:
        title: what it is.
        value: None where it is not known.
        unit: unit symbol.
        decimals: digits shown after the point.
        link: where it opens, empty where it opens nothing.
        told: how and when it was told or read, None where that says nothing.
        at: when it was so, None where that says nothing.
    """

    title: Text
    value: float | None
    unit: str
    decimals: int
    link: str = ""
    told: Text | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberTrace:
    """A number of the sheet, opened.

    Attributes:
        name: which number.
        title: its name.
        row: the row it stands in.
        formula: how it is made, in words.
        parts: the numbers it is made of.
        hours: begin and value of the hours it adds up, in `hour_unit`; taken as usual where a stream was silent.
        filled: how many readings of streams were taken as usual in these hours.
        hour_unit: unit symbol.
    """

    name: str
    title: Text
    row: LineDay
    formula: Text
    parts: tuple[Part, ...]
    hours: tuple[tuple[int, float | None], ...]
    filled: int
    hour_unit: str


Opened = tuple[Text, list[Part]]


def number_trace(line: Line, name: str, at: datetime) -> NumberTrace:
    """Return what a number of a line's row was made of, as of an instant.

    Raises:
        NotFoundError: if the row has no such number.
    """
    if name not in NAMES:
        raise NotFoundError(what=name)
    found = numbers(at, (line,))[line]
    opener = _Opener(found)
    formula, parts = opener.opened(name)
    shows = name in {"used", "estimate"}
    today = found.recent.values[-1]
    return NumberTrace(
        name=name,
        title=NAMES[name],
        row=opener.row,
        formula=formula,
        parts=tuple(parts),
        hours=tuple((hour, _known(today[hour])) for hour in range(found.hours)) if shows else (),
        filled=int(found.recent.filled[-1][: found.hours].sum()) if shows else 0,
        hour_unit=found.make.hour_unit,
    )  # fmt: skip


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


class _Opener:
    """Opens the numbers of one row."""

    def __init__(self, found: Numbers) -> None:
        self._found, self._make, self.row = found, found.make, day_of(found)

    def opened(self, name: str) -> Opened:
        """Return the formula and the parts of a number."""
        ways: dict[str, Callable[[], Opened]] = {
            "planned": lambda: self._told(Told.PLAN),
            "capacity": lambda: self._told(Told.CAPACITY),
            "used": self._used,
            "estimate": self._estimate,
            "yesterday": lambda: self._day(self._found.day - DAY),
            "last-year": self._last_year,
            "change": self._change,
            "season-peak": lambda: self._top(self.row.season_peak.day),
            "record": lambda: self._top(self.row.record.day),
            "supply": self._supply,
            "gap": self._gap,
            "cover": self._cover,
            "linepack": self._linepack,
            "temperature": self._temperature,
            "arrived": self._arrived,
        }
        return ways[name]()

    def _of_day(self, title: Text, value: float | None, link: str = "") -> Part:
        return Part(title=title, value=value, unit=self._make.unit, decimals=self._make.decimals, link=link)

    def _streams(self) -> list[Part]:
        return [
            Part(
                title=one.title, value=None, unit=one.unit_symbol, decimals=one.decimals,
                link=f"/trace/stream/{one.datastream_id}/",
            )
            for one in self._found.streams
        ]  # fmt: skip

    def _given(self, kind: Told) -> Part:
        given, view = self._found.told.get(kind), self._found.told_streams.get(kind)
        title, unit = self._make.title_of(kind), self._make.unit_of(kind)
        if given is None:
            link = f"/trace/stream/{view.datastream_id}/" if view is not None else ""
            return Part(title=title, value=None, unit=unit, decimals=self._make.decimals, link=link)
        told = given.quality.title if given.quality is Quality.MANUAL else None
        return Part(
            title=title, value=given.value, unit=unit, decimals=self._make.decimals, told=told, at=given.at,
            link=f"/trace/observation/{given.observation_id}/",
        )  # fmt: skip

    def _told(self, kind: Told) -> Opened:
        words = Text(
            "由企业调度填报的当日数值，取最新一次填报",
            "Told by the group's dispatcher for this day; the newest figure counts",
        )
        return words, [self._given(kind)]

    def _used(self) -> Opened:
        factor = self._make.hour_factor * self._make.day_factor
        words = Text(
            f"{self._found.hours}个已过小时、{len(self._found.streams)}个测点的小时均值之和，乘以{factor:g}换算为{self._make.unit}",
            f"Sum of the hourly means of {len(self._found.streams)} streams over the {self._found.hours} hours that "
            f"are over, times {factor:g} to be {self._make.unit}",
        )
        return words, self._streams()

    def _estimate(self) -> Opened:
        expected, row = today_expected(self._found), self.row
        used = self._of_day(NAMES["used"], row.used.value, row.used.trace)
        if expected.estimate is None:
            return expected.method, [used]
        if expected.estimate.share is None:
            return self._by_forecast(used)
        share = expected.estimate.share
        words = Text(
            "已用量 ÷ 相似日同时段用量占全天的平均比例；区间取该比例的10%与90%分位",
            "Used so far / mean share of the day that similar days had used by now; "
            "the band from the 10th to the 90th percentile of that share",
        )
        parts = [used, Part(title=Text("平均占比", "mean share"), value=share * 100, unit="%", decimals=2)]
        for day in reversed(expected.similar):
            title = Text(f"相似日 {day:%Y-%m-%d}", f"similar day {day:%Y-%m-%d}")
            parts.append(self._of_day(title, self._found.total_of(day)))
        return words, [*parts, *self._streams()]

    def _by_forecast(self, used: Part) -> Opened:
        words = Text(
            f"已用量，加上当日零点预测的剩余时段，按近{SIMILAR_DAYS}日同类偏差的延续程度修正；区间按近期误差自适应，覆盖约80%",
            "Used so far, plus what was forecast at midnight for the hours left, moved as past days that began so went "
            f"on (last {SIMILAR_DAYS} days); the band follows recent errors and holds about 80 %",
        )
        forecast = self._found.forecasts[self._found.day][0][0]
        total = float(forecast.sum()) * self._make.day_factor
        left = float(forecast[self._found.hours :].sum()) * self._make.day_factor
        return words, [
            used,
            self._of_day(Text("零点预测全天", "whole day as forecast at midnight"), total),
            self._of_day(Text("其中剩余时段", "of which hours left"), left),
            *self._streams(),
        ]

    def _day(self, day: date | None) -> Opened:
        words = (
            Text(f"{day:%Y-%m-%d} 全天24小时之和", f"Sum of the 24 hours of {day:%Y-%m-%d}")
            if day
            else Text("未知", "not known")
        )
        parts = [self._of_day(Text(f"{day:%Y-%m-%d}", f"{day:%Y-%m-%d}"), self._found.total_of(day))] if day else []
        return words, [*parts, *self._streams()]

    def _top(self, day: date | None) -> Opened:
        words = Text(
            "所存完整历史日（24小时齐全）日用量的最大值，不含今日",
            "The largest total among the past days on record with all 24 hours, today not among them",
        )
        return words, self._day(day)[1]

    def _last_year(self) -> Opened:
        used, _, _ = counterpart_of(self._found)
        words = Text(
            f"采用口径：{VARIANT_TITLES[used].zh}。四种口径如下，首选口径缺数据时依次取下一种",
            f"Held against the {VARIANT_TITLES[used].en}. All four variants are below; "
            "where the first has no readings the next one is taken",
        )
        return words, [
            self._of_day(
                Text(f"{VARIANT_TITLES[variant].zh} {day:%Y-%m-%d}", f"{VARIANT_TITLES[variant].en}, {day:%Y-%m-%d}"),
                self._found.total_of(day),
            )
            for variant, day in self._found.variants
        ]

    def _change(self) -> Opened:
        limit = self._found.values[thresholds.DEVIATION]
        words = Text(
            f"（全日预计 − 去年同日）÷ 去年同日 × 100；超过±{limit:g}%须填写原因",
            f"(full-day estimate - same day last year) / same day last year * 100; beyond {limit:g} % either way a "
            "reason is needed",
        )
        row = self.row
        return words, [
            self._of_day(NAMES["estimate"], row.estimate.value, row.estimate.trace),
            self._of_day(row.last_year.words, row.last_year.figure.value, row.last_year.figure.trace),
        ]

    def _supply(self) -> Opened:
        titles = [self._make.title_of(kind) for kind in self._make.supply]
        if self._found.granted:
            titles.append(Text("上游增供", "what those upstream have granted"))
        return Text(" + ".join(one.zh for one in titles), " + ".join(one.en for one in titles)), [
            *(self._given(kind) for kind in self._make.supply),
            *self._shares(self._found.granted, Text("上游增供", "granted upstream")),
        ]

    def _shares(self, shares: Iterable[Share], what: Text) -> list[Part]:
        return [
            self._of_day(Text(f"{what.zh} {one.number}", f"{what.en}, {one.number}"), one.quantity, one.page)
            for one in shares
        ]

    def _gap(self) -> Opened:
        words = Text(
            "全日预计 − 当日剩余时段的需求侧压减 − 供应合计；为负表示有余量。级别按缺口占需求的比例",
            "Full-day estimate - cuts of demand in the rest of the day - supply; below zero there is room. The level "
            "goes by the share of the demand",
        )
        row = self.row
        parts = [
            self._of_day(NAMES["estimate"], row.estimate.value, row.estimate.trace),
            self._of_day(NAMES["supply"], row.supply.value, row.supply.trace),
            *self._shares(self._found.reduced, Text("需求侧压减", "cut of demand")),
        ]
        if row.gap.value is not None and row.estimate.value:
            share = row.gap.value / row.estimate.value * 100
            parts.append(Part(title=Text("占需求", "of the demand"), value=share, unit="%", decimals=1))
        return words, [*parts, *self._supply()[1], *self._limits(thresholds.GAP, "%")]

    def _limits(self, kind: str, unit: str) -> list[Part]:
        limits = thresholds.limits_of(kind, self._found.values)
        return [
            Part(
                title=Text(f"{level.colour.zh}色阈值", f"limit of level {level.colour.en}"), value=value, unit=unit,
                decimals=1, link=f"/projects/lifelines/thresholds/{thresholds.code_of(kind, level)}/",
            )
            for level, value in sorted(limits.items(), reverse=True)
        ]  # fmt: skip

    def _cover(self) -> Opened:
        words = Text("库存 ÷ 近7日平均日耗", "Stock / mean use of the last 7 days")
        parts = [self._given(Told.STOCK)] if Told.STOCK in self._make.told else []
        unit = self._make.unit_of(Told.STOCK_USE) if Told.STOCK_USE in self._make.told else self._make.unit
        for day, use in balance_of(self._found, None).uses:
            title = Text(f"{day:%Y-%m-%d} 日耗", f"use on {day:%Y-%m-%d}")
            parts.append(Part(title=title, value=use, unit=unit, decimals=self._make.decimals))
        return words, [*parts, *self._limits(thresholds.COVER, "d")]

    def _linepack(self) -> Opened:
        words = Text(
            "（管存 − 管存下限）÷（流出 − 流入），取最近一个齐全的小时，再减去该小时结束至今的时间",
            "(line-pack - minimum) / (outflow - inflow), of the newest hour in which all are known, minus the time "
            "since that hour ended",
        )
        now = balance_of(self._found, None)
        if not self._make.linepack:
            return Text("该线无管存", "This line has no line-pack"), []
        unit, hourly = self._make.unit, self._make.hour_unit
        return words, [
            Part(title=Text("管存", "line-pack"), value=now.linepack, unit=unit, decimals=0),
            self._given(Told.LINEPACK_MIN),
            Part(title=Text("流出", "outflow"), value=now.outflow, unit=hourly, decimals=1),
            Part(title=Text("流入", "inflow"), value=now.inflow, unit=hourly, decimals=1),
            Part(title=Text("该小时结束至今", "since that hour ended"), value=now.linepack_age_h, unit="h", decimals=1),
            *self._streams(),
            *self._limits(thresholds.LINEPACK, "h"),
        ]

    def _temperature(self) -> Opened:
        weather, row = self._found.weather, self.row
        ahead = Text(
            "平台按历史推算，非气象部门预报",
            "worked out by the platform from the past, not a weather service's",
        )
        if weather.ahead is not None:
            ahead = Text("气象部门预报", "as the weather service told it")
        words = Text(
            f"各气象站小时均值的平均：今日已过时段、去年同日；次日为{ahead.zh}",
            f"Mean of the stations' hourly means: today so far, and the day of last year; the day ahead is {ahead.en}",
        )
        return words, [
            Part(title=Text("今日", "today"), value=row.temperature.value, unit="°C", decimals=1),
            Part(title=Text("次日", "day ahead"), value=row.temperature_ahead.value, unit="°C", decimals=1),
            Part(title=row.last_year.words, value=row.temperature_last_year.value, unit="°C", decimals=1),
        ]

    def _arrived(self) -> Opened:
        words = Text(
            "今日已过整点时段到达的读数 ÷ 按周期应到的读数",
            "Readings of the hours that are over / those expected",
        )
        return words, [
            Part(title=Text("到达", "arrived"), value=self._found.arrived, unit="", decimals=0),
            Part(title=Text("应到", "expected"), value=self._found.expected_readings, unit="", decimals=0),
            *self._streams(),
        ]


__all__ = ["NAMES", "NumberTrace", "Part", "number_trace"]
