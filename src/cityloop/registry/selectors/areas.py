"""Areas, their names and outlines, and the working calendar."""

from dataclasses import dataclass
from datetime import date
from threading import Lock
from typing import Any

from cityloop.kernel.areas import CITY, AreaCode, AreaLevel
from cityloop.kernel.errors import NotFoundError
from cityloop.kernel.text import Text
from cityloop.registry.models import Area, AreaShape, CalendarDay
from cityloop.registry.stream import Districts, Outline


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaView:
    """An area.

    Attributes:
        code: national place code.
        name_zh: Chinese name.
        name_en: English name.
        level: how far down it lies.
        kind: what sort of street or community it is, Chinese, empty where that says nothing.
        romanised: whether the English name was made from the Chinese reading by a machine.
        longitude: a point inside, WGS 84 degrees, None where not known.
        latitude: a point inside, WGS 84 degrees, None where not known.
    """

    code: AreaCode
    name_zh: str
    name_en: str
    level: AreaLevel
    kind: str
    romanised: bool
    longitude: float | None
    latitude: float | None

    @property
    def name(self) -> Text:
        """Return the name in both languages."""
        return Text(self.name_zh, self.name_en)


def _view(row: Area) -> AreaView:
    return AreaView(
        code=AreaCode(row.code),
        name_zh=row.name_zh,
        name_en=row.name_en,
        level=AreaLevel(row.level),
        kind=row.kind,
        romanised=row.romanised,
        longitude=row.longitude,
        latitude=row.latitude,
    )


def area(code: AreaCode) -> AreaView:
    """Return an area.

    Raises:
        NotFoundError: if the register does not hold it.
    """
    row = Area.objects.filter(code=code).first()
    if row is None:
        raise NotFoundError(what=code)
    return _view(row)


def area_name(code: AreaCode) -> Text:
    """Return an area's name, its code where the register does not hold it."""
    row = Area.objects.filter(code=code).values_list("name_zh", "name_en").first()
    return Text(*row) if row else Text(code or "?", code or "?")


def area_names(codes: set[AreaCode]) -> dict[AreaCode, Text]:
    """Return the names of the areas the register holds of those asked for."""
    rows = Area.objects.filter(code__in=codes).values_list("code", "name_zh", "name_en")
    return {AreaCode(code): Text(zh, en) for code, zh, en in rows}


def districts() -> list[AreaView]:
    """Return the districts of the city, by code."""
    return areas_below(CITY)


def areas_below(code: AreaCode) -> list[AreaView]:
    """Return the areas one level below an area, by code."""
    return [_view(row) for row in Area.objects.filter(parent=code).order_by("code")]


class _KnownOutlines:
    """The districts' outlines of this process, read once; outlines change with a release only."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._found: tuple[Districts, dict[str, Any]] | None = None

    def get(self) -> tuple[Districts, dict[str, Any]]:
        with self._lock:
            if self._found is None:
                rows = list(AreaShape.objects.select_related("area").order_by("area"))
                found = Districts(Outline(AreaCode(row.area.code), row.geometry) for row in rows), _collection(rows)
                if not rows:
                    return found
                self._found = found
            return self._found

    def forget(self) -> None:
        with self._lock:
            self._found = None


_outlines = _KnownOutlines()


def forget_outlines() -> None:
    """Read the outlines anew at the next question, after they were written."""
    _outlines.forget()


def _collection(rows: list[AreaShape]) -> dict[str, Any]:
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": int(row.area.code),
                "properties": {
                    "code": row.area.code,
                    "name": row.area.name_zh,
                    "name_zh": row.area.name_zh,
                    "name_en": row.area.name_en,
                    "area_km2": row.area_km2,
                    "label_point": [row.area.longitude, row.area.latitude],
                },
                "geometry": row.geometry,
            }
            for row in rows
        ],
    }


def district_at(longitude: float, latitude: float) -> AreaCode | None:
    """Return the district a point lies in, None outside the city.

    Args:
        longitude: WGS 84 degrees.
        latitude: WGS 84 degrees.
    """
    (code,) = _outlines.get()[0].locate([longitude], [latitude])
    return None if code == CITY else AreaCode(str(code))


def district_shapes() -> dict[str, Any]:
    """Return the districts' outlines as a GeoJSON FeatureCollection, WGS 84.

    Each feature has the properties `code, name, name_zh, name_en, area_km2, label_point`. Not to be changed by the
    caller: one object serves the process.
    """
    return _outlines.get()[1]


def is_workday(day: date) -> bool | None:
    """Return whether a day is worked, None where the calendar does not reach it."""
    return CalendarDay.objects.filter(day=day).values_list("is_workday", flat=True).first()


def workdays(since: date, until: date) -> dict[date, bool]:
    """Return of the days the calendar knows, from `since` on and before `until`, whether they are worked."""
    return dict(CalendarDay.objects.filter(day__gte=since, day__lt=until).values_list("day", "is_workday"))


def calendar_span() -> tuple[date, date] | None:
    """Return the first and the last day the working calendar knows, None where it is empty."""
    first = CalendarDay.objects.order_by("day").values_list("day", flat=True).first()
    last = CalendarDay.objects.order_by("-day").values_list("day", flat=True).first()
    return (first, last) if first and last else None
