"""Datastreams and their newest readings."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from cityloop.kernel.areas import AreaCode
from cityloop.kernel.declarations import Origin
from cityloop.kernel.errors import NotFoundError
from cityloop.kernel.instants import from_us
from cityloop.kernel.observation_ids import ingested_at_us
from cityloop.kernel.quality import Quality
from cityloop.kernel.text import Text
from cityloop.sense.models import Datastream, Latest

_ID_DIGITS_MAX = 18
"""Longest number that is looked for among the ids, digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamView:
    """A datastream as other rooms see it.

    Attributes:
        datastream_id: its id.
        code: `<project>/<stream code>`, empty where nobody declared it.
        title: its name.
        unit_symbol: unit of its numbers.
        property_title: name of what is observed.
        thing_id: the device or site.
        thing_name: its name.
        area: where the thing is.
        longitude: WGS 84 degrees, None where the place is not known.
        latitude: WGS 84 degrees, None where the place is not known.
        period_s: span between two readings, None where none is promised.
        decimals: digits shown after the point.
        origin: where its readings come from.
        source: what the readings are where they are not the thing's own, else None.
        project: code of the project, empty where none.
    """

    datastream_id: int
    code: str
    title: Text
    unit_symbol: str
    property_title: Text
    thing_id: int
    thing_name: Text
    area: AreaCode
    longitude: float | None
    latitude: float | None
    period_s: float | None
    decimals: int
    origin: Origin
    source: Text | None
    project: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LatestView:
    """The newest reading of a datastream that judges.

    Attributes:
        datastream_id: the stream.
        observation_id: the reading.
        phenomenon_time: when it was so.
        received_at: when it reached us.
        value: the number, None where the result is none.
        result: the result, whatever it is.
        quality: its flag.
    """

    datastream_id: int
    observation_id: int
    phenomenon_time: datetime
    received_at: datetime
    value: float | None
    result: Any
    quality: Quality


def text_of(properties: dict[str, Any] | None, name: str, default: str) -> Text:
    """Return a declared text of the properties, or the entity's own name in both languages.

    Args:
        properties: of the entity.
        name: `title` or `source`: the members `<name>_zh` and `<name>_en` hold it.
        default: the entity's name.
    """
    known = properties if isinstance(properties, dict) else {}
    zh, en = known.get(f"{name}_zh"), known.get(f"{name}_en")
    if isinstance(zh, str) and isinstance(en, str) and zh.strip() and en.strip():
        return Text(zh, en)
    return Text(default or "—", default or "—")


def view_of(row: Datastream) -> StreamView:
    """Return a datastream's row, read with its thing and observed property, as other rooms see it."""
    has_source = isinstance(row.properties, dict) and "source_zh" in row.properties
    return StreamView(
        datastream_id=row.pk,
        code=row.code or "",
        title=text_of(row.properties, "title", row.name),
        unit_symbol=row.unit_symbol or "",
        property_title=text_of(row.observed_property.properties, "title", row.observed_property.name),
        thing_id=row.thing_id,
        thing_name=text_of(row.thing.properties, "title", row.thing.name),
        area=AreaCode(row.area),
        longitude=row.longitude,
        latitude=row.latitude,
        period_s=row.period_s,
        decimals=row.decimals,
        origin=Origin(row.origin),
        source=text_of(row.properties, "source", "") if has_source else None,
        project=row.project,
    )


def streams_of_project(project: str) -> list[StreamView]:
    """Return the datastreams of a project, by code."""
    rows = Datastream.objects.filter(project=project).select_related("thing", "observed_property")
    return [view_of(row) for row in rows.order_by("code", "pk")]


def streams_named(names: Iterable[str], *, streams_max: int) -> list[StreamView]:
    """Return the datastreams that codes, `prefix*` patterns and `#id` numbers name, by code.

    Args:
        names: such as `lifelines/water.point-*` or `#17`.
        streams_max: how many at the most.
    """
    asked = Q(pk__in=[])
    for name in names:
        number = name.removeprefix("#")
        if name.endswith("*"):
            asked |= Q(code__startswith=name[:-1])
        elif name != number and number.isascii() and number.isdigit() and len(number) <= _ID_DIGITS_MAX:
            asked |= Q(pk=int(number))
        else:
            asked |= Q(code=name)
    rows = Datastream.objects.filter(asked).select_related("thing", "observed_property").order_by("code", "pk")
    return [view_of(row) for row in rows[:streams_max]]


def stream_views(datastream_ids: Iterable[int]) -> dict[int, StreamView]:
    """Return those of some datastreams that exist, by id."""
    rows = Datastream.objects.filter(pk__in=list(datastream_ids)).select_related("thing", "observed_property")
    return {row.pk: view_of(row) for row in rows}


def stream_view(datastream_id: int) -> StreamView:
    """Return one datastream.

    Raises:
        NotFoundError: if there is none.
    """
    found = stream_views([datastream_id])
    if datastream_id not in found:
        raise NotFoundError(what=f"Datastream {datastream_id}")
    return found[datastream_id]


def latest_of(datastream_ids: Iterable[int]) -> dict[int, LatestView]:
    """Return the newest reading of those datastreams that have one, by stream."""
    rows = Latest.objects.filter(pk__in=list(datastream_ids), id__isnull=False)
    return {row.datastream_id: _latest(row) for row in rows}


def _latest(row: Latest) -> LatestView:
    return LatestView(
        datastream_id=row.datastream_id,
        observation_id=row.id,
        phenomenon_time=row.phenomenon_time,
        received_at=row.received_at or from_us(ingested_at_us(row.id)),
        value=row.result,
        result=row.result if row.result is not None else row.result_json,
        quality=Quality(row.quality or 0),
    )


__all__ = [
    "LatestView",
    "StreamView",
    "latest_of",
    "stream_view",
    "stream_views",
    "streams_named",
    "streams_of_project",
    "text_of",
]
