"""Makes many things at once, each with its place, its sensor and its datastreams: what a list of devices asks for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import connection, transaction
from django.utils import timezone

from cityloop.kernel.areas import AreaCode
from cityloop.kernel.text import Text
from cityloop.sense.models import (
    Datastream,
    HistoricalLocation,
    HistoricalPlace,
    Location,
    ObservedProperty,
    Sensor,
    Thing,
    ThingLocation,
)
from cityloop.sense.services.declaring import GEOJSON, MEASUREMENT

ROWS_AT_ONCE = 1000
"""Rows of one statement; more would only make it longer."""

OWN_DEFINITIONS = "urn:cityloop:property:"
"""Begins the URI of an observed property that nobody has defined elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOrder:
    """A datastream to be made.

    Attributes:
        name: what is read, such as the channel's name.
        property_code: observed property, made where there is none of this code.
        unit_symbol, unit_name, unit_definition: its unit.
        period_s: span between two readings, seconds, None where none is promised.
    """

    name: str
    property_code: str
    unit_symbol: str
    unit_name: str
    unit_definition: str
    period_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ThingOrder:
    """A thing to be made.

    Attributes:
        code: unique over all things.
        title: its name.
        description: what it is.
        owner: organisation that owns it.
        project: application project it belongs to, empty where none.
        longitude: WGS 84 degrees.
        latitude: WGS 84 degrees.
        area: where that is.
        sensor: vendor and model, empty where not known.
        streams: what it reads.
    """

    code: str
    title: Text
    description: Text
    owner: str
    project: str
    longitude: float
    latitude: float
    area: AreaCode
    sensor: str
    streams: tuple[StreamOrder, ...]


@dataclass(frozen=True, slots=True)
class ThingMade:
    """What was made of an order: ids of the thing and of its streams, in the order's order."""

    thing_id: int
    datastream_ids: tuple[int, ...]


@transaction.atomic
def make_things(orders: Sequence[ThingOrder]) -> list[ThingMade]:
    """Make things with their places, sensors and streams, all or none; return what was made, in order.

    Args:
        orders: their codes are new.
    """
    things = Thing.objects.bulk_create(map(_thing, orders), batch_size=ROWS_AT_ONCE)
    _place(orders, things)
    sensors = _sensors({order.sensor for order in orders})
    properties = _properties({stream.property_code for order in orders for stream in order.streams})
    streams = [
        _stream(order, stream, thing=thing, sensor=sensors[order.sensor], observed=properties[stream.property_code])
        for order, thing in zip(orders, things, strict=True)
        for stream in order.streams
    ]
    Datastream.objects.bulk_create(streams, batch_size=ROWS_AT_ONCE)
    _begin([stream.pk for stream in streams])
    ids = iter(stream.pk for stream in streams)
    return [
        ThingMade(thing.pk, tuple(next(ids) for _ in order.streams))
        for order, thing in zip(orders, things, strict=True)
    ]


def _thing(order: ThingOrder) -> Thing:
    titles = {"title_zh": order.title.zh, "title_en": order.title.en, "description_en": order.description.en}
    return Thing(
        name=order.title.zh,
        description=order.description.zh,
        properties=titles | {"owner": order.owner},
        code=order.code,
        project=order.project,
        owner=order.owner,
    )


def _place(orders: Sequence[ThingOrder], things: Sequence[Thing]) -> None:
    locations = Location.objects.bulk_create(map(_location, orders), batch_size=ROWS_AT_ONCE)
    pairs = list(zip(things, locations, strict=True))
    ThingLocation.objects.bulk_create(
        (ThingLocation(thing=thing, location=location) for thing, location in pairs), batch_size=ROWS_AT_ONCE
    )
    now = timezone.now()
    entries = HistoricalLocation.objects.bulk_create(
        (HistoricalLocation(thing=thing, time=now) for thing in things), batch_size=ROWS_AT_ONCE
    )
    HistoricalPlace.objects.bulk_create(
        (
            HistoricalPlace(historical=entry, location=location)
            for entry, (_thing, location) in zip(entries, pairs, strict=True)
        ),
        batch_size=ROWS_AT_ONCE,
    )


def _location(order: ThingOrder) -> Location:
    return Location(
        code=order.code,
        name=order.title.zh,
        description=order.description.zh,
        encoding_type=GEOJSON,
        location={"type": "Point", "coordinates": [order.longitude, order.latitude]},
        properties={"title_zh": order.title.zh, "title_en": order.title.en},
        west=order.longitude,
        east=order.longitude,
        south=order.latitude,
        north=order.latitude,
    )


def _sensors(names: Iterable[str]) -> dict[str, Sensor]:
    return {
        name: Sensor.objects.get_or_create(
            code=f"device/{name}"[:160],
            defaults={
                "name": name or "–",
                "description": name or "–",
                "encoding_type": "text/plain",
                "metadata": name or "–",
            },
        )[0]
        for name in sorted(names)
    }


def _properties(codes: Iterable[str]) -> dict[str, ObservedProperty]:
    return {
        code: ObservedProperty.objects.get_or_create(
            code=code,
            defaults={"name": code, "definition": f"{OWN_DEFINITIONS}{code}", "description": code},
        )[0]
        for code in sorted(codes)
    }


def _stream(
    order: ThingOrder, stream: StreamOrder, *, thing: Thing, sensor: Sensor, observed: ObservedProperty
) -> Datastream:
    titles = observed.properties if isinstance(observed.properties, dict) else {}
    zh, en = titles.get("title_zh", observed.name), titles.get("title_en", observed.name)
    return Datastream(
        name=f"{order.title.zh} {zh}",
        description=stream.name,
        observation_type=MEASUREMENT,
        unit_name=stream.unit_name,
        unit_symbol=stream.unit_symbol,
        unit_definition=stream.unit_definition,
        properties={"title_zh": f"{order.title.zh} {zh}", "title_en": f"{order.title.en} {en}"},
        thing=thing,
        sensor=sensor,
        observed_property=observed,
        code=f"{order.code}/{stream.name}"[:160],
        project=order.project,
        period_s=stream.period_s,
        area=order.area,
        longitude=order.longitude,
        latitude=order.latitude,
        owner=order.owner,
    )


def _begin(streams: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO sense_latest (datastream_id) SELECT unnest(%s::bigint[])", [streams])
        cursor.execute("NOTIFY cityloop_datastreams")
