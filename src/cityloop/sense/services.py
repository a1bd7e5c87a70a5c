"""Writes of sense for people and for other rooms; readings themselves are the pipeline's."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from cityloop.kernel.areas import CITY
from cityloop.kernel.declarations import Origin, Project, StreamSpec, ThingSpec
from cityloop.registry import facade as registry
from cityloop.sense.models import (
    Datastream,
    HistoricalLocation,
    HistoricalPlace,
    Idempotency,
    Location,
    ObservedProperty,
    Rejected,
    Sensor,
    Thing,
    ThingLocation,
)
from cityloop.sense.stream.history.partitions import BEGIN, DAYS_AHEAD, DayPartition

REJECTED_ROWS_MAX = 100_000
"""How many refused messages are kept for inspection; the counts stay."""

REJECTED_DAYS_MAX = 30
"""How long refused messages are kept, days."""

RETRY_KEY_HOURS_MAX = 24
"""How long an Idempotency-Key is remembered, hours."""

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


def make_partitions(today: date) -> int:
    """Make the day partitions of today and the next days where they are missing; return how many were made.

    A day whose readings already lie in the default partition stays there.
    """
    return sum(_make_partition(today + timedelta(days=ahead)) for ahead in range(DAYS_AHEAD + 1))


def _make_partition(day: date) -> bool:
    partition = DayPartition.of((day - date(1970, 1, 1)).days)
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in BEGIN:
            cursor.execute(statement)
        for question in (partition.is_attached, partition.is_elsewhere):
            cursor.execute(question)
            if cursor.fetchone()[0]:
                return False
        for statement in partition.make:
            cursor.execute(statement)
    return True


def trim_rejected() -> int:
    """Forget refused messages beyond their bounds; return how many. Their counts stay."""
    oldest = timezone.now() - timedelta(days=REJECTED_DAYS_MAX)
    beyond = Rejected.objects.order_by("-pk").values_list("pk", flat=True)[REJECTED_ROWS_MAX : REJECTED_ROWS_MAX + 1]
    edge = next(iter(beyond), 0)
    return int(Rejected.objects.filter(Q(received_at__lt=oldest) | Q(pk__lte=edge)).delete()[0])


def trim_retry_keys() -> int:
    """Forget Idempotency-Keys older than a day; return how many."""
    oldest = timezone.now() - timedelta(hours=RETRY_KEY_HOURS_MAX)
    return int(Idempotency.objects.filter(kept_at__lt=oldest).delete()[0])
