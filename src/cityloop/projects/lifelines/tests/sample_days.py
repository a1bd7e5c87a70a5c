"""Rows of the daily sheet, curves and requests for tests of what is made of them; the numbers are nobody's."""

from datetime import date, datetime, timedelta

from cityloop.kernel.clocks import CITY_ZONE
from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text
from cityloop.projects.lifelines.rules.balance import state_of
from cityloop.projects.lifelines.rules.brief import AskedFor, Brief
from cityloop.projects.lifelines.rules.days import Figure, HourPoint, Line, LineCurve, LineDay, Remembered

AT = datetime(2010, 1, 5, 10, tzinfo=CITY_ZONE)
UNIT = "10⁴ m³"
TITLES = {
    Line.WATER: Text("供水", "Water"),
    Line.GAS: Text("燃气", "Gas"),
    Line.HEAT: Text("供热", "Heat"),
    Line.POWER: Text("供电", "Power"),
    Line.DRAINAGE: Text("排水", "Drainage"),
    Line.COAL: Text("煤炭", "Coal"),
}
SIMULATED = Text("模拟数据（样例）", "simulated (sample)")


def figure(value: float | None, unit: str = UNIT, decimals: int = 1) -> Figure:
    return Figure(value=value, unit=unit, decimals=decimals, trace="")


def remembered(value: float | None, day: date | None) -> Remembered:
    return Remembered(figure=figure(value), day=day, words=Text("同日历日", "same calendar date"))


def sample_day(line: Line, *, level: Level | None = None, scale: float = 1.0) -> LineDay:
    return LineDay(
        line=line, title=TITLES[line], at=AT, day=AT.date(), planned=figure(4200.5 * scale),
        used=figure(2101.5 * scale),
        estimate=figure(5701.5 * scale), estimate_low=figure(5602.5 * scale), estimate_high=figure(5803.5 * scale),
        yesterday=figure(5304.5 * scale), last_year=remembered(3905.5 * scale, date(2009, 1, 5)),
        change_percent=figure(46.1, "%"), season_peak=remembered(5306.5 * scale, date(2010, 1, 4)),
        record=remembered(5307.5 * scale, date(2010, 1, 4)), capacity=figure(None), supply=figure(4908.5 * scale),
        gap=figure(793.5 * scale),
        level=level, state=state_of(level),
        needs_reason=False, reason=None, method=None,
        cover_days=figure(None, "d"), linepack_hours=figure(11.25, "h", 2),
        temperature=figure(-9.5, "°C"), temperature_ahead=figure(-12.25, "°C", 2),
        temperature_last_year=figure(-3.5, "°C"), arrived_percent=figure(98.7, "%"), origins=(SIMULATED,),
    )  # fmt: skip


def sample_curve(line: Line) -> LineCurve:
    begins = AT.replace(hour=0) - timedelta(days=1)
    hours = tuple(
        HourPoint(
            begins_at=begins + timedelta(hours=hour), used=200.0 + hour if hour < 34 else None, expected=205.0 + hour,
            low=195.0 + hour, high=215.0 + hour, last_year=160.0 + hour, temperature=-8.0,
        )
        for hour in range(72)
    )  # fmt: skip
    return LineCurve(line=line, at=AT, unit=UNIT, hours=hours, capacity_an_hour=None, supply_an_hour=204.5)


def sample_request() -> AskedFor:
    return AskedFor(
        number="RQ-1", line=TITLES[Line.GAS], quantity=figure(812.5), to_whom="上游供气企业 Upstream supplier",
        state=Text("已发出", "sent"), due_at=AT + timedelta(hours=2),
    )  # fmt: skip


def sample_brief(*, quiet: bool = False) -> Brief:
    levels = {} if quiet else {Line.GAS: Level.ORANGE}
    days = tuple(sample_day(line, level=levels.get(line), scale=1 + place / 7) for place, line in enumerate(Line))
    return Brief(
        at=AT, made_at=AT + timedelta(minutes=5), made_by="李晓梅", days=days,
        curves=tuple(sample_curve(line) for line in levels), requests=() if quiet else (sample_request(),),
    )  # fmt: skip
