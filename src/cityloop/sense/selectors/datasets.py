"""Which datastreams belong to which owner and data set of the catalogue."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Q

from cityloop.kernel.text import Text
from cityloop.sense.models import Datastream
from cityloop.sense.selectors.streams import StreamView, text_of, view_of


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerTally:
    """How many streams an owner has, and how many of them are in some data set."""

    streams: int
    in_datasets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedProperty:
    """A quantity an owner observes.

    Attributes:
        property_id: the ObservedProperty.
        title: its name.
        unit_symbol: unit of the first of its streams.
        streams: how many streams observe it.
    """

    property_id: int
    title: Text
    unit_symbol: str
    streams: int


def streams_of_dataset(dataset: str, *, limit: int | None = None) -> list[StreamView]:
    """Return the datastreams of a data set by code, `limit` at the most."""
    rows = Datastream.objects.filter(dataset=dataset).exclude(dataset="").select_related("thing", "observed_property")
    return [view_of(row) for row in rows.order_by("code", "pk")[:limit]]


def dataset_stream_counts() -> dict[str, int]:
    """Return how many datastreams each data set has."""
    rows = Datastream.objects.exclude(dataset="").values("dataset").annotate(number=Count("pk"))
    return {row["dataset"]: row["number"] for row in rows.order_by("dataset")}


def owner_tallies() -> dict[str, OwnerTally]:
    """Return how many streams each owner has, and how many of them are in data sets."""
    rows = Datastream.objects.exclude(owner="").values("owner")
    counted = rows.annotate(number=Count("pk"), given=Count("pk", filter=~Q(dataset=""))).order_by("owner")
    return {row["owner"]: OwnerTally(streams=row["number"], in_datasets=row["given"]) for row in counted}


def properties_of_owner(owner: str) -> list[OwnedProperty]:
    """Return the quantities an owner observes, the most observed first."""
    return _properties(Q(owner=owner))


def properties_of_dataset(dataset: str) -> list[OwnedProperty]:
    """Return the quantities a data set holds, the most observed first: its fields."""
    return _properties(Q(dataset=dataset)) if dataset else []


def _properties(where: Q) -> list[OwnedProperty]:
    named = ("observed_property", "observed_property__name", "observed_property__properties")
    rows = Datastream.objects.filter(where).values(*named).annotate(number=Count("pk"))
    symbols = dict(Datastream.objects.filter(where).order_by("-pk").values_list("observed_property", "unit_symbol"))
    return [
        OwnedProperty(
            property_id=row["observed_property"],
            title=text_of(row["observed_property__properties"], "title", row["observed_property__name"]),
            unit_symbol=symbols.get(row["observed_property"]) or "",
            streams=row["number"],
        )
        for row in rows.order_by("-number", "observed_property")
    ]


def projects_of_owner(owner: str) -> list[str]:
    """Return the codes of the projects an owner's streams belong to."""
    rows = Datastream.objects.filter(owner=owner).exclude(project="").values_list("project", flat=True)
    return sorted(rows.distinct().order_by())


def datasets_of_streams(datastream_ids: Iterable[int]) -> dict[int, tuple[str, str]]:
    """Return owner and data set of those of some datastreams that exist, by id."""
    rows = Datastream.objects.filter(pk__in=list(datastream_ids)).values_list("pk", "owner", "dataset")
    return {pk: (owner, dataset) for pk, owner, dataset in rows}
