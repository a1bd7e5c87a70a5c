"""The register's first content: areas, outlines, calendar, bodies. Safe to repeat; writes only what differs."""

import csv
import gzip
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from django.db import transaction

from cityloop.kernel.areas import CITY, AreaCode, AreaLevel, level_of, parent_of
from cityloop.kernel.errors import CityloopError
from cityloop.kernel.text import Text
from cityloop.registry.models import Area, AreaShape, CalendarDay, Organisation
from cityloop.registry.rules.bodies import CITY_BODIES, Body, bodies_of_district
from cityloop.registry.selectors.areas import forget_outlines

_DATA = Path(__file__).parent.parent / "data"


class CalendarUnreadableError(CityloopError):
    """A working calendar cannot be read."""

    key = "The calendar cannot be read at line %(line)s: it needs the columns date (ISO) and is_workday (0 or 1)."


@dataclass(frozen=True, slots=True)
class Seeded:
    """How many rows were written because they were new or differed."""

    areas: int
    outlines: int
    days: int
    organisations: int


def seed() -> Seeded:
    """Bring areas, outlines, calendar days and organisations to what this release ships.

    Days and organisations that are there already are left as an administrator may have set them.
    """
    with transaction.atomic():
        areas = _write_changed(Area, _areas(), key="code")
        outlines = _write_changed(AreaShape, _shapes(), key="area_id")
        days = _write_new_days()
        organisations = _write_new_bodies()
    if outlines:
        forget_outlines()
    return Seeded(areas, outlines, days, organisations)


def _rows_of(name: str) -> Iterator[dict[str, str]]:
    with gzip.open(_DATA / name, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _areas() -> Iterator[dict[str, Any]]:
    for row in _rows_of("areas.csv.gz"):
        code = AreaCode(row["code"])
        yield {
            "code": code,
            "level": int(level_of(code)),
            "parent_id": parent_of(code),
            "name_zh": row["name_zh"],
            "name_en": row["name_en"],
            "romanised": level_of(code) > AreaLevel.DISTRICT,
            "kind": row["kind"],
            "longitude": float(row["longitude"]) if row["longitude"] else None,
            "latitude": float(row["latitude"]) if row["latitude"] else None,
        }


def _shapes() -> Iterator[dict[str, Any]]:
    with gzip.open(_DATA / "districts.geojson.gz", "rt", encoding="utf-8") as file:
        for feature in json.load(file)["features"]:
            properties = feature["properties"]
            yield {
                "area_id": properties["code"],
                "geometry": feature["geometry"],
                "area_km2": properties["area_km2"],
            }


def _write_changed(model: type[Area | AreaShape], wanted: Iterable[dict[str, Any]], *, key: str) -> int:
    rows = list(wanted)
    columns = list(rows[0])
    known = {row[key]: row for row in model.objects.values(*columns)}
    changed = [model(**row) for row in rows if known.get(row[key]) != row]
    model.objects.bulk_create(
        changed,
        update_conflicts=True,
        unique_fields=[key],
        update_fields=[column for column in columns if column != key],
    )
    return len(changed)


def _write_new_days() -> int:
    known = set(CalendarDay.objects.values_list("day", flat=True))
    days = [day for day in map(_day, _rows_of("days.csv.gz")) if day.day not in known]
    CalendarDay.objects.bulk_create(days)
    return len(days)


def _day(row: dict[str, str]) -> CalendarDay:
    return CalendarDay(
        day=date.fromisoformat(row["date"]),
        is_workday=row["is_workday"] == "1",
        holiday=row.get("holiday") or "",
        in_lieu=row.get("in_lieu") == "1",
    )


def _bodies() -> Iterator[Body]:
    yield from CITY_BODIES
    for code, zh, en in Area.objects.filter(parent=CITY).values_list("code", "name_zh", "name_en"):
        yield from bodies_of_district(AreaCode(code), Text(zh, en))


def _write_new_bodies() -> int:
    known = set(Organisation.objects.values_list("code", flat=True))
    bodies = [body for body in _bodies() if body.code not in known]
    Organisation.objects.bulk_create(
        Organisation(
            code=body.code,
            name_zh=body.name.zh,
            name_en=body.name.en,
            kind=body.kind,
            area_id=body.area,
            parent_id=body.parent or None,
        )
        for body in bodies
    )
    return len(bodies)


@transaction.atomic
def load_calendar(text: str) -> int:
    """Load days of the working calendar, new ones or in place of known ones, and return how many.

    Args:
        text: CSV with the columns `date` (ISO), `is_workday` (0 or 1), and optionally `holiday` and `in_lieu`.

    Raises:
        CalendarUnreadableError: if a column is missing or a line cannot be read; nothing is loaded then.
    """
    reader = csv.DictReader(io.StringIO(text))
    if not {"date", "is_workday"} <= set(reader.fieldnames or ()):
        raise CalendarUnreadableError(line=1)
    days = {}
    for row in reader:
        try:
            day = _day(row)
        except (TypeError, ValueError) as error:
            raise CalendarUnreadableError(line=reader.line_num) from error
        if row["is_workday"] not in {"0", "1"}:
            raise CalendarUnreadableError(line=reader.line_num)
        days[day.day] = day
    CalendarDay.objects.bulk_create(
        days.values(),
        update_conflicts=True,
        unique_fields=["day"],
        update_fields=["is_workday", "holiday", "in_lieu"],
    )
    return len(days)
