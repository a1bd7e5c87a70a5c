"""A line's curve drawn with lines and letters alone, so that it prints well without colour."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from django.utils.translation import gettext as _

from cityloop.kernel.clocks import CITY_ZONE
from cityloop.projects.lifelines.rules.days import HourPoint, LineCurve
from cityloop.projects.lifelines.selectors.paper.sheet import FONT, GREY, MARGIN_MM, SMALL_PT, WIDTH_MM, Sheet

HEIGHT_MM = 52.0
_LEFT_MM, _LEGEND_MM, _BELOW_MM = 13.0, 5.0, 5.0
_GRID_LINES = 4
GRID = 190
"""Shade of the grid, 0 black to 255 white."""
_HOURS_BETWEEN_LABELS = 6


@dataclass(frozen=True, slots=True)
class _Pen:
    """How a curve is drawn: what it is called, how wide in mm, dash and gap in mm (0 for a whole line)."""

    title: str
    width: float
    dash: float = 0.0
    gap: float = 0.0


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where values and hours lie on the paper, mm."""

    left: float
    top: float
    width: float
    height: float
    low: float
    high: float
    hours: int

    def x(self, hour: float) -> float:
        return self.left + self.width * hour / max(self.hours, 1)

    def y(self, value: float) -> float:
        return self.top + self.height * (1 - (value - self.low) / (self.high - self.low))


def draw_curve(sheet: Sheet, curve: LineCurve) -> None:
    """Draw yesterday, today and the day ahead with band, supply and capacity, and a legend."""
    if not curve.hours or not _values(curve):
        sheet.say(_("There is no curve to draw: nothing was read and nothing is expected."))
        return
    if sheet.will_page_break(HEIGHT_MM + _LEGEND_MM + _BELOW_MM):
        sheet.add_page()
    frame = _frame_of(sheet, curve)
    _grid(sheet, frame, curve)
    _band(sheet, frame, curve.hours)
    for pen, points in _drawn(curve):
        _trace(sheet, frame, pen, points)
    _levels(sheet, frame, curve)
    _now(sheet, frame, curve)
    sheet.set_xy(MARGIN_MM, frame.top + frame.height + _BELOW_MM)
    _legend(sheet, curve)


def _values(curve: LineCurve) -> list[float]:
    across = [curve.capacity_an_hour, curve.supply_an_hour]
    found = (value for hour in curve.hours for value in (hour.used, hour.expected, hour.low, hour.high, hour.last_year))
    return [value for value in (*across, *found) if value is not None]


def _frame_of(sheet: Sheet, curve: LineCurve) -> _Frame:
    values = _values(curve)
    low, high = min(values), max(values)
    room = (high - low) * 0.06 or 1.0
    return _Frame(
        MARGIN_MM + _LEFT_MM, sheet.get_y() + 4.0, WIDTH_MM - _LEFT_MM - 2.0, HEIGHT_MM - 4.0, low - room, high + room,
        len(curve.hours),
    )  # fmt: skip


def _grid(sheet: Sheet, frame: _Frame, curve: LineCurve) -> None:
    sheet.set_font(FONT, size=SMALL_PT - 1)
    sheet.set_line_width(0.1)
    sheet.set_draw_color(GRID)
    step = (frame.high - frame.low) / _GRID_LINES
    decimals = 0 if step >= 1 else 2
    for number in range(_GRID_LINES + 1):
        value = frame.low + number * step
        sheet.line(frame.left, frame.y(value), frame.left + frame.width, frame.y(value))
        label = f"{value:,.{decimals}f}"
        sheet.text(frame.left - 1.0 - sheet.get_string_width(label), frame.y(value) + 0.8, label)
    sheet.text(MARGIN_MM, frame.top - 1.5, curve.unit)
    for number, hour in enumerate(curve.hours):
        begins = hour.begins_at.astimezone(CITY_ZONE)
        if begins.hour % _HOURS_BETWEEN_LABELS:
            continue
        sheet.line(frame.x(number), frame.top, frame.x(number), frame.top + frame.height)
        sheet.text(frame.x(number) - 2.0, frame.top + frame.height + 3.0, _hour_label(begins))
    sheet.set_draw_color(0)


def _hour_label(begins: datetime) -> str:
    return f"{begins:%m-%d}" if begins.hour == 0 else f"{begins:%H}:00"


def _band(sheet: Sheet, frame: _Frame, hours: Sequence[HourPoint]) -> None:
    sheet.set_fill_color(GREY)
    known = [(number, hour.low, hour.high) for number, hour in enumerate(hours)]
    for (one, low, high), (_next, next_low, next_high) in pairwise(known):
        if None not in {low, high, next_low, next_high}:
            corners = ((one, low), (one, high), (one + 1, next_high), (one + 1, next_low))
            sheet.polygon([(frame.x(x + 0.5), frame.y(y)) for x, y in corners if y is not None], style="F")


def _drawn(curve: LineCurve) -> Iterable[tuple[_Pen, list[float | None]]]:
    take: tuple[tuple[_Pen, Callable[[HourPoint], float | None]], ...] = (
        (_Pen(_("last year"), 0.2, 0.4, 0.8), lambda hour: hour.last_year),
        (_Pen(_("expected"), 0.3, 1.6, 1.0), lambda hour: hour.expected),
        (_Pen(_("used"), 0.6), lambda hour: hour.used),
    )
    return [(pen, [value(hour) for hour in curve.hours]) for pen, value in take]


def _trace(sheet: Sheet, frame: _Frame, pen: _Pen, values: Sequence[float | None]) -> None:
    with sheet.local_context():
        _take(sheet, pen)
        part: list[tuple[float, float]] = []
        for number, value in enumerate((*values, None)):
            if value is not None:
                part.append((frame.x(number + 0.5), frame.y(value)))
                continue
            if len(part) > 1:
                sheet.polyline(part)
            part = []


def _take(sheet: Sheet, pen: _Pen) -> None:
    sheet.set_line_width(pen.width)
    if pen.dash:
        sheet.set_dash_pattern(dash=pen.dash, gap=pen.gap)
    else:
        sheet.set_dash_pattern()


def _across(curve: LineCurve) -> list[tuple[_Pen, float]]:
    found = (
        (_Pen(_("supply"), 0.45, 3.0, 0.8), curve.supply_an_hour),
        (_Pen(_("capacity"), 0.25, 0.8, 0.5), curve.capacity_an_hour),
    )
    return [(pen, value) for pen, value in found if value is not None]


def _levels(sheet: Sheet, frame: _Frame, curve: LineCurve) -> None:
    for pen, value in _across(curve):
        with sheet.local_context():
            _take(sheet, pen)
            sheet.line(frame.left, frame.y(value), frame.left + frame.width, frame.y(value))
        sheet.set_font(FONT, size=SMALL_PT - 1)
        sheet.text(frame.left + frame.width - sheet.get_string_width(pen.title), frame.y(value) - 0.6, pen.title)


def _now(sheet: Sheet, frame: _Frame, curve: LineCurve) -> None:
    hours = (curve.at - curve.hours[0].begins_at).total_seconds() / 3600
    if 0 <= hours <= frame.hours:
        sheet.set_line_width(0.35)
        sheet.line(frame.x(hours), frame.top, frame.x(hours), frame.top + frame.height)
        sheet.set_font(FONT, size=SMALL_PT - 1)
        sheet.text(frame.x(hours) + 0.5, frame.top + 2.2, f"{curve.at.astimezone(CITY_ZONE):%H:%M}")


def _legend(sheet: Sheet, curve: LineCurve) -> None:
    x, y = MARGIN_MM + _LEFT_MM, sheet.get_y()
    sheet.set_font(FONT, size=SMALL_PT)
    for pen in (*(pen for pen, _points in _drawn(curve)), *(pen for pen, _value in _across(curve))):
        with sheet.local_context():
            _take(sheet, pen)
            sheet.line(x, y + 1.5, x + 9.0, y + 1.5)
        sheet.text(x + 10.0, y + 2.4, pen.title)
        x += 14.0 + sheet.get_string_width(pen.title)
    sheet.set_fill_color(GREY)
    sheet.rect(x, y, 9.0, 3.0, style="F")
    sheet.text(x + 10.0, y + 2.4, _("80 % band"))
    sheet.set_xy(MARGIN_MM, y + _LEGEND_MM)
