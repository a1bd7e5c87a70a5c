"""Things with what they read, as the device ledger enters them, and the properties that are observed."""

from dataclasses import dataclass

from django.db import connection

from cityloop.kernel.areas import AreaCode
from cityloop.kernel.declarations import Origin
from cityloop.kernel.text import Text
from cityloop.sense.models import Datastream, ObservedProperty, Rejected
from cityloop.sense.selectors.counters import RejectedView
from cityloop.sense.selectors.streams import text_of

_UNITS = """
    SELECT p.id, array_agg(DISTINCT d.unit_symbol) FILTER (WHERE d.unit_symbol <> '')
    FROM sense_observedproperty p LEFT JOIN sense_datastream d ON d.observed_property_id = p.id
    WHERE p.code IS NOT NULL GROUP BY p.id
"""


@dataclass(frozen=True, slots=True)
class ThingStream:
    """A stream of a thing: its id, its code, the span between two readings in seconds or None."""

    datastream_id: int
    code: str
    period_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredThing:
    """A thing that a project has declared.

    Attributes:
        thing_id: its id.
        code: its code in the project.
        title: its name.
        project: the project.
        owner: whose it is, empty where nobody's.
        area: where it is.
        longitude: WGS 84 degrees, None where not known.
        latitude: WGS 84 degrees, None where not known.
        origin: where its readings come from.
        streams: what it reads.
    """

    thing_id: int
    code: str
    title: Text
    project: str
    owner: str
    area: AreaCode
    longitude: float | None
    latitude: float | None
    origin: Origin
    streams: tuple[ThingStream, ...]


@dataclass(frozen=True, slots=True)
class PropertyView:
    """An observed property: its code, its name, and the units its streams have."""

    code: str
    title: Text
    unit_symbols: frozenset[str]


def things_of_project(project: str) -> list[DeclaredThing]:
    """Return the things of a project that have streams, by code."""
    rows = Datastream.objects.filter(project=project).exclude(thing__code=None).select_related("thing")
    things: dict[int, list[Datastream]] = {}
    for row in rows.order_by("thing__code", "code", "pk"):
        things.setdefault(row.thing_id, []).append(row)
    return [_thing(streams) for streams in things.values()]


def _thing(streams: list[Datastream]) -> DeclaredThing:
    first = streams[0]
    thing = first.thing
    return DeclaredThing(
        thing_id=thing.pk,
        code=str(thing.code).partition("/")[2],
        title=text_of(thing.properties, "title", thing.name),
        project=first.project,
        owner=thing.owner,
        area=AreaCode(first.area),
        longitude=first.longitude,
        latitude=first.latitude,
        origin=Origin(first.origin),
        streams=tuple(
            ThingStream(row.pk, str(row.code or row.pk).partition("/")[2] or str(row.pk), row.period_s)
            for row in streams
        ),
    )


def observed_properties() -> list[PropertyView]:
    """Return the observed properties that have a code, with the units in use."""
    with connection.cursor() as cursor:
        cursor.execute(_UNITS)
        units = dict(cursor.fetchall())
    return [
        PropertyView(str(row.code), text_of(row.properties, "title", row.name), frozenset(units.get(row.pk) or ()))
        for row in ObservedProperty.objects.exclude(code=None)
    ]


def rejected_of(sources: list[str], *, limit: int) -> list[RejectedView]:
    """Return the newest refused messages that came from some sources, newest first.

    Args:
        sources: topics, or `protocol/address`, as they stand beside refused messages.
        limit: at most so many.
    """
    rows = Rejected.objects.filter(source__in=sources).order_by("-pk")[:limit]
    return [RejectedView(r.pk, r.received_at, r.mouth, r.reason, r.detail, r.source, bytes(r.payload)) for r in rows]
