"""Lays the morning brief out: the sheet, the gaps, the lines in trouble, the requests, the origins."""

from datetime import date, datetime

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from cityloop.kernel.clocks import CITY_ZONE
from cityloop.kernel.text import Text
from cityloop.projects.lifelines.rules.brief import DASH, AskedFor, Brief, in_trouble, written
from cityloop.projects.lifelines.rules.days import Figure, LineDay, Remembered
from cityloop.projects.lifelines.selectors.paper.curve import draw_curve
from cityloop.projects.lifelines.selectors.paper.sheet import MARGIN_MM, Column, Sheet

_SHAPE_MM = 3.4


def brief_pdf(brief: Brief) -> bytes:
    """Return the brief as a PDF document in the active language."""
    title = _("Morning brief on the city's lifelines")
    foot = f"{title} · {_instant(brief.at)} · {_('made by %(name)s') % {'name': brief.made_by}}"
    sheet = Sheet(
        title=f"{title} {_instant(brief.at)}", language="zh-Hans" if _is_chinese() else "en", made_by=brief.made_by,
        made_at=brief.made_at, footer=foot,
    )  # fmt: skip
    sheet.write_title(title, _beneath(brief))
    _write_days(sheet, brief.days)
    _write_gaps(sheet, brief.days)
    _write_weather(sheet, brief.days)
    _write_trouble(sheet, brief)
    _write_requests(sheet, brief.requests)
    _write_origins(sheet, brief)
    return bytes(sheet.output())


def _beneath(brief: Brief) -> str:
    places = {"day": _day(brief.at.astimezone(CITY_ZONE).date()), "at": _instant(brief.at),
              "made_at": _instant(brief.made_at), "name": brief.made_by}  # fmt: skip
    return _("Day: %(day)s. As of %(at)s, Beijing time: only what was read up to then is in it. "
             "Made at %(made_at)s by %(name)s.") % places  # fmt: skip


def _write_days(sheet: Sheet, days: tuple[LineDay, ...]) -> None:
    sheet.write_heading(_("The daily sheet"))
    columns = (
        Column(_("Line"), 2.1, "L"), Column(_("Planned"), 1.5), Column(_("Used so far"), 1.6),
        Column(_("Full-day estimate, 80 % band"), 2.3), Column(_("Yesterday"), 1.5),
        Column(_("Same day last year"), 2.5), Column(_("On the year, %"), 1.2), Column(_("Season peak"), 1.9),
        Column(_("Record"), 1.9), Column(_("Arrived, %"), 1.2),
    )  # fmt: skip
    sheet.write_table(columns, [_day_row(day) for day in days])


def _day_row(day: LineDay) -> tuple[str, ...]:
    band = (
        f"\n({written(day.estimate_low)} ~ {written(day.estimate_high)})" if day.estimate_low.value is not None else ""
    )
    return (
        f"{_said(day.title)}\n{day.estimate.unit}", written(day.planned), written(day.used),
        written(day.estimate) + band, written(day.yesterday), _remembered(day.last_year, with_words=True),
        written(day.change_percent), _remembered(day.season_peak), _remembered(day.record),
        written(day.arrived_percent),
    )  # fmt: skip


def _write_gaps(sheet: Sheet, days: tuple[LineDay, ...]) -> None:
    sheet.write_heading(_("Gap and cover"))
    columns = (
        Column(_("Line"), 1.6, "L"), Column(_("Supply"), 1.6), Column(_("Capacity"), 1.6),
        Column(_("Gap (above 0: short)"), 1.8), Column(_("Days of cover"), 1.4),
        Column(_("Hours to minimum line-pack"), 1.8), Column(_("Level"), 2.4, "L"),
    )  # fmt: skip
    sheet.write_table(columns, [_gap_row(day) for day in days])


def _gap_row(day: LineDay) -> tuple[str, ...]:
    return (
        _said(day.title), _with_unit(day.supply), _with_unit(day.capacity), _with_unit(day.gap),
        _with_unit(day.cover_days), _with_unit(day.linepack_hours), level_words(day),
    )  # fmt: skip


def _write_weather(sheet: Sheet, days: tuple[LineDay, ...]) -> None:
    known = next((day for day in days if day.temperature.value is not None), days[0] if days else None)
    if known is None:
        return
    sheet.write_heading(_("Temperature, °C"), room_mm=16.0)
    columns = (Column(_("Today so far"), 1, "C"), Column(_("The day ahead"), 1, "C"),
               Column(_("Same day last year"), 1, "C"))  # fmt: skip
    row = [written(one) for one in (known.temperature, known.temperature_ahead, known.temperature_last_year)]
    sheet.write_table(columns, [row])


def _write_trouble(sheet: Sheet, brief: Brief) -> None:
    sheet.write_heading(_("Lines that need attention"), room_mm=85.0 if brief.curves else 20.0)
    troubled = [day for day in brief.days if in_trouble(day)]
    if not troubled:
        sheet.say(_("None: no gap, cover and line-pack in order on every line."))
    curves = {curve.line: curve for curve in brief.curves}
    for day in troubled:
        _write_troubled_line(sheet, day)
        if day.line in curves:
            draw_curve(sheet, curves[day.line])


def _write_troubled_line(sheet: Sheet, day: LineDay) -> None:
    if day.level is None:
        return
    sheet.ln(1.0)
    top = sheet.get_y()
    sheet.draw_level(day.level, MARGIN_MM + _SHAPE_MM, top + _SHAPE_MM, _SHAPE_MM)
    sheet.set_left_margin(MARGIN_MM + 3 * _SHAPE_MM)
    sheet.set_xy(MARGIN_MM + 3 * _SHAPE_MM, top)
    sheet.say(f"{_said(day.title)}: {level_words(day)}")
    places = {"estimate": _with_unit(day.estimate), "planned": _with_unit(day.planned),
              "supply": _with_unit(day.supply), "gap": _with_unit(day.gap)}  # fmt: skip
    sheet.say(_("Full-day estimate %(estimate)s, planned %(planned)s, supply %(supply)s, gap %(gap)s.") % places)
    sheet.set_left_margin(MARGIN_MM)
    sheet.set_xy(MARGIN_MM, max(sheet.get_y(), top + 2 * _SHAPE_MM) + 1.0)


def _write_requests(sheet: Sheet, requests: tuple[AskedFor, ...] | None) -> None:
    sheet.write_heading(_("Open coordination requests"), room_mm=20.0)
    if not requests:
        sheet.say(_("Not shown: the reader may not see them.") if requests is None else _("No request is open."))
        return
    columns = (
        Column(_("Request number"), 1.6, "L"), Column(_("Line"), 1.0, "L"), Column(_("Quantity asked for"), 1.6),
        Column(_("Who is asked"), 2.2, "L"), Column(_("State"), 1.4, "L"), Column(_("Answer due"), 1.7, "L"),
    )  # fmt: skip
    sheet.write_table(columns, [_request_row(one) for one in requests])


def _request_row(asked: AskedFor) -> tuple[str, ...]:
    due = DASH if asked.due_at is None else _instant(asked.due_at)
    return (asked.number, _said(asked.line), _with_unit(asked.quantity), asked.to_whom, _said(asked.state), due)


def _write_origins(sheet: Sheet, brief: Brief) -> None:
    sheet.write_heading(_("Where the readings come from"), room_mm=16.0)
    if not brief.origins:
        sheet.say(_("All readings are live."))
    for origin in brief.origins:
        sheet.say(f"· {_said(origin)}")
    sheet.say(_("Levels and limits are defaults of the platform, to be confirmed by the authority."))


def level_words(day: LineDay) -> str:
    """Return a line's level in words: colour, grade in Roman numerals, its name; or that it is normal, or not known."""
    if day.level is None:
        return _said(day.state.words)
    return f"{_said(day.level.colour)} · {day.level.roman} · {_said(day.level.grade)}"


def _remembered(one: Remembered, *, with_words: bool = False) -> str:
    lines = [written(one.figure)]
    if one.figure.value is not None:
        lines += [one.day.isoformat()] if one.day else []
        lines += [_said(one.words)] if with_words else []
    return "\n".join(lines)


def _with_unit(figure: Figure) -> str:
    return written(figure) if figure.value is None or not figure.unit else f"{written(figure)} {figure.unit}"


def _is_chinese() -> bool:
    return (get_language() or "zh-hans").startswith("zh")


def _said(text: Text) -> str:
    return text.in_language("zh" if _is_chinese() else "en")


def _instant(at: datetime) -> str:
    return at.astimezone(CITY_ZONE).strftime("%Y-%m-%d %H:%M")


def _day(day: date) -> str:
    return f"{day:%Y-%m-%d}"
