"""Things and datastreams of another node, kept here as copies: how they are told, and how they are taken in."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from cityloop.kernel.errors import CityloopError
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

COPY_PREFIX = "node:"
"""Begins the codes of copies; a copy is not told on."""

THINGS_AT_ONCE = 200
"""Things of one message between nodes."""

_THING = ("name", "description", "properties", "owner", "project")
_LOCATION = ("name", "description", "encoding_type", "location", "properties", "west", "south", "east", "north")
_SENSOR = ("name", "description", "encoding_type", "metadata", "properties")
_PROPERTY = ("name", "definition", "description", "properties")
_STREAM = (
    "name",
    "description",
    "observation_type",
    "unit_name",
    "unit_symbol",
    "unit_definition",
    "properties",
    "project",
    "period_s",
    "decimals",
    "origin",
    "area",
    "longitude",
    "latitude",
    "owner",
    "dataset",
    "retention",
)


class CopyUnreadableError(CityloopError):
    """What another node told of its things cannot be understood."""

    key = "What the node tells of its things cannot be read: %(reason)s"
    status = 400


def told_things() -> Iterator[list[dict[str, Any]]]:
    """Yield this node's own things with their places, sensors and datastreams, as JSON values, some at a time."""
    own = Thing.objects.exclude(code__startswith=COPY_PREFIX).order_by("pk") | Thing.objects.filter(code=None)
    ids = list(own.values_list("pk", flat=True).distinct().order_by("pk"))
    for start in range(0, len(ids), THINGS_AT_ONCE):
        part = ids[start : start + THINGS_AT_ONCE]
        yield [_told(thing) for thing in Thing.objects.filter(pk__in=part).order_by("pk")]


def _told(thing: Thing) -> dict[str, Any]:
    places = Location.objects.filter(pk__in=ThingLocation.objects.filter(thing=thing).values("location_id"))
    streams = Datastream.objects.filter(thing=thing).select_related("sensor", "observed_property").order_by("pk")
    return {
        "id": thing.pk,
        **_members(thing, _THING),
        "locations": [{"id": place.pk, **_members(place, _LOCATION)} for place in places.order_by("pk")],
        "streams": [
            {
                "id": stream.pk,
                **_members(stream, _STREAM),
                "sensor": {"id": stream.sensor_id, **_members(stream.sensor, _SENSOR)},
                "observed_property": {
                    "id": stream.observed_property_id,
                    **_members(stream.observed_property, _PROPERTY),
                },
            }
            for stream in streams
        ],
    }


def _members(row: Any, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


@transaction.atomic
def take_in_things(told: Sequence[Mapping[str, Any]], *, node: int) -> dict[int, int]:
    """Make or renew copies of another node's things; return our datastream of each of its datastreams.

    Args:
        told: what `told_things` gave there.
        node: its number; the codes of the copies begin with `node:<number>/`.

    Raises:
        CopyUnreadableError: if something is missing or of another kind; nothing is changed.
    """
    mine: dict[int, int] = {}
    try:
        for one in told:
            thing, is_new = _kept(Thing, one, _THING, code=f"{COPY_PREFIX}{node}/thing/{int(one['id'])}")
            _keep_places(thing, one["locations"], node=node, is_new=is_new)
            for stream in one["streams"]:
                mine[int(stream["id"])] = _keep_stream(thing, stream, node=node)
    except (KeyError, TypeError, ValueError) as error:
        raise CopyUnreadableError(reason=repr(error)) from error
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO sense_latest (datastream_id) SELECT unnest(%s::bigint[]) ON CONFLICT DO NOTHING",
            [list(mine.values())],
        )
        cursor.execute("NOTIFY cityloop_datastreams")
    return mine


def _kept(model: Any, told: Mapping[str, Any], names: Sequence[str], *, code: str, **more: Any) -> tuple[Any, bool]:
    values = {name: told[name] for name in names} | more
    row, is_new = model.objects.update_or_create(code=code, defaults=values)
    return row, is_new


def _keep_places(thing: Thing, told: Sequence[Mapping[str, Any]], *, node: int, is_new: bool) -> None:
    places = [_kept(Location, one, _LOCATION, code=f"{COPY_PREFIX}{node}/location/{int(one['id'])}")[0] for one in told]
    now = set(ThingLocation.objects.filter(thing=thing).values_list("location_id", flat=True))
    if not is_new and now == {place.pk for place in places}:
        return
    ThingLocation.objects.filter(thing=thing).delete()
    ThingLocation.objects.bulk_create(ThingLocation(thing=thing, location=place) for place in places)
    entry = HistoricalLocation.objects.create(thing=thing, time=timezone.now())
    HistoricalPlace.objects.bulk_create(HistoricalPlace(historical=entry, location=place) for place in places)


def _keep_stream(thing: Thing, told: Mapping[str, Any], *, node: int) -> int:
    sensor_told, property_told = told["sensor"], told["observed_property"]
    sensor, _ = _kept(Sensor, sensor_told, _SENSOR, code=f"{COPY_PREFIX}{node}/sensor/{int(sensor_told['id'])}")
    observed, _ = _kept(
        ObservedProperty, property_told, _PROPERTY, code=f"{COPY_PREFIX}{node}/property/{int(property_told['id'])}"
    )
    stream, _ = _kept(
        Datastream,
        told,
        _STREAM,
        code=f"{COPY_PREFIX}{node}/stream/{int(told['id'])}",
        thing=thing,
        sensor=sensor,
        observed_property=observed,
    )
    return int(stream.pk)
