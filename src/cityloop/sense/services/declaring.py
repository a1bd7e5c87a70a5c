"""Makes the things and streams that a project declares."""

from dataclasses import replace
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from cityloop.kernel.areas import CITY
from cityloop.kernel.declarations import Origin, Project, StreamSpec, ThingSpec
from cityloop.registry import facade as registry
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

GEOJSON = "application/geo+json"
MEASUREMENT = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"


@transaction.atomic
def declare(project: Project, origin: Origin = Origin.LIVE) -> None:
    """Make the things and streams a project declares; what stands keeps its id and takes the declared words.

    Args:
        project: what it declares.
        origin: where the readings of those streams come from that name no origin of their own.
    """
    places = {thing.code: thing for thing in project.things}
    things = {code: _declare_thing(project, thing) for code, thing in places.items()}
    sensor, _ = Sensor.objects.update_or_create(
        code=f"{project.code}/sensor",
        defaults={
            "name": project.title.zh,
            "description": project.summary.zh,
            "encoding_type": "text/plain",
            "metadata": project.plan_source.zh,
            "properties": {"title_zh": project.title.zh, "title_en": project.title.en},
        },
    )
    for stream in project.streams:
        named = stream if stream.origin is not Origin.LIVE else replace(stream, origin=origin)
        _declare_stream(project, named, place=places[stream.thing], thing=things[stream.thing], sensor=sensor)
    with connection.cursor() as cursor:
        cursor.execute("NOTIFY cityloop_datastreams")


def _declare_thing(project: Project, spec: ThingSpec) -> Thing:
    titles = {"title_zh": spec.title.zh, "title_en": spec.title.en}
    thing, _ = Thing.objects.update_or_create(
        code=f"{project.code}/{spec.code}",
        defaults={
            "name": spec.title.zh,
            "description": spec.description.zh,
            "properties": {**titles, "description_en": spec.description.en, "owner": spec.owner},
            "project": project.code,
            "owner": spec.owner,
        },
    )
    point = {"type": "Point", "coordinates": [spec.longitude, spec.latitude]}
    location, is_new = Location.objects.update_or_create(
        code=f"{project.code}/{spec.code}",
        defaults={
            "name": spec.title.zh,
            "description": spec.description.zh,
            "encoding_type": GEOJSON,
            "location": point,
            "properties": titles,
            "west": spec.longitude,
            "east": spec.longitude,
            "south": spec.latitude,
            "north": spec.latitude,
        },
    )
    if is_new:
        ThingLocation.objects.create(thing=thing, location=location)
        entry = HistoricalLocation.objects.create(thing=thing, time=timezone.now())
        HistoricalPlace.objects.create(historical=entry, location=location)
    return thing


def _declare_stream(project: Project, spec: StreamSpec, *, place: ThingSpec, thing: Thing, sensor: Sensor) -> None:
    observed, _ = ObservedProperty.objects.update_or_create(
        code=f"{project.code}/{spec.property_code}",
        defaults={
            "name": spec.property_title.zh,
            "definition": spec.property_definition,
            "description": spec.property_title.zh,
            "properties": {"title_zh": spec.property_title.zh, "title_en": spec.property_title.en},
        },
    )
    stream, is_new = Datastream.objects.update_or_create(
        code=f"{project.code}/{spec.code}",
        defaults={
            "name": spec.title.zh,
            "description": spec.title.zh,
            "observation_type": MEASUREMENT,
            "unit_name": spec.unit_name,
            "unit_symbol": spec.unit_symbol,
            "unit_definition": spec.unit_definition,
            "properties": _properties_of(spec),
            "thing": thing,
            "sensor": sensor,
            "observed_property": observed,
            "project": project.code,
            "period_s": spec.period_s,
            "decimals": spec.decimals,
            "origin": spec.origin,
            "area": registry.district_at(place.longitude, place.latitude) or CITY,
            "longitude": place.longitude,
            "latitude": place.latitude,
            "owner": place.owner,
        },
    )
    if is_new:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO sense_latest (datastream_id) VALUES (%s)", [stream.pk])


def _properties_of(spec: StreamSpec) -> dict[str, Any]:
    properties = {"title_zh": spec.title.zh, "title_en": spec.title.en}
    if spec.source is not None:
        properties |= {"source_zh": spec.source.zh, "source_en": spec.source.en}
    return properties
