"""The frozen curve as the chart script reads it, and as the rows of a table that say the same."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from cityloop.projects.lifelines.facade import HourPoint, Picture, SupplyPoint


def chart_of(picture: Picture, supply: Sequence[SupplyPoint] = ()) -> dict[str, Any]:
    """Return chart and table of a picture, with the supply before and after what was granted.

    Args:
        picture: the frozen picture.
        supply: hour by hour; the second curve is left out where nothing is added.
    """
    columns = _columns(picture, supply)
    begins = [hour.begins_at for hour in picture.curve.hours]
    series = [{"name": name, "area": False, "points": _points(begins, values)} for name, values in columns]
    decimals = 0 if _is_large(picture) else 1
    rows = [
        (f"{localtime(at):%m-%d %H:%M}", *(_written(values[number], decimals) for _name, values in columns))
        for number, at in enumerate(begins)
    ]
    return {
        "chart": {"unit": picture.curve.unit, "decimals": decimals, "series": series},
        "columns": [_("Hour from"), *(name for name, _values in columns)],
        "rows": rows,
    }


def _points(begins: Sequence[datetime], values: Sequence[float | None]) -> list[list[Any]]:
    return [[at.isoformat(), value] for at, value in zip(begins, values, strict=True)]


def _written(value: float | None, decimals: int) -> str:
    return "–" if value is None else f"{value:,.{decimals}f}"


def _columns(picture: Picture, supply: Sequence[SupplyPoint]) -> list[tuple[str, list[float | None]]]:
    hours = picture.curve.hours
    columns = [
        (_("Used"), [hour.used for hour in hours]),
        (_("Expected"), [hour.expected for hour in hours]),
        (_("Supply before"), _before(hours, supply, picture.curve.supply_an_hour)),
    ]
    if any(point.after != point.before for point in supply):
        columns.append((_("Supply with what was granted"), [point.after for point in supply]))
    columns.append((_("Last year"), [hour.last_year for hour in hours]))
    return [(name, values) for name, values in columns if any(value is not None for value in values)]


def _before(
    hours: Sequence[HourPoint], supply: Sequence[SupplyPoint], supply_an_hour: float | None
) -> list[float | None]:
    return [point.before for point in supply] if supply else [supply_an_hour] * len(hours)


def _is_large(picture: Picture) -> bool:
    return any((hour.used or 0.0) >= 1000 for hour in picture.curve.hours)  # noqa: PLR2004  four digits need no more


def figures_of(picture: Picture) -> list[dict[str, Any]]:
    """Return the row of the sheet as title and figure, in the order in which leaders read it."""
    day = picture.day
    named = (
        (_("Planned today"), day.planned),
        (_("Used so far today"), day.used),
        (_("Full-day estimate"), day.estimate),
        (_("Yesterday"), day.yesterday),
        (_("Same day last year"), day.last_year.figure),
        (_("Capacity"), day.capacity),
        (_("Supply"), day.supply),
        (_("Gap"), day.gap),
        (_("Hours to minimum line-pack"), day.linepack_hours),
        (_("Days of cover"), day.cover_days),
        (_("Temperature"), day.temperature),
    )
    return [{"title": title, "figure": figure} for title, figure in named]
