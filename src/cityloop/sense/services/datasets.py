"""Which datastreams are in a data set of the catalogue; a stream is in one at the most."""

from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import QuerySet

from cityloop.kernel.areas import AreaCode, AreaLevel, level_of
from cityloop.sense.models import Datastream


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamChoice:
    """Which of an owner's datastreams are meant: all that meet every condition given.

    Attributes:
        project: code of the project, empty for any.
        property_ids: ids of observed properties, empty for any.
        area: area they lie in, empty for any.
        datastream_ids: single streams, empty for any.
    """

    project: str = ""
    property_ids: tuple[int, ...] = ()
    area: str = ""
    datastream_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """What came of it.

    Attributes:
        streams: how many streams the data set has now.
        elsewhere: how many were meant too, but are in another data set and stay there.
    """

    streams: int
    elsewhere: int


@transaction.atomic
def assign_dataset(dataset: str, *, owner: str, choice: StreamChoice) -> Assigned:
    """Let exactly the chosen streams of an owner be in a data set; those it had before and are not chosen leave it.

    Args:
        dataset: code of the data set, not empty.
        owner: only streams of this organisation are taken, not empty.
        choice: which of them.
    """
    meant = _chosen(Datastream.objects.filter(owner=owner).exclude(owner=""), choice)
    free = list(meant.filter(dataset__in=["", dataset]).order_by("pk").select_for_update().values_list("pk", flat=True))
    elsewhere = meant.exclude(dataset__in=["", dataset]).count()
    Datastream.objects.filter(dataset=dataset).exclude(pk__in=free).update(dataset="")
    Datastream.objects.filter(pk__in=free).update(dataset=dataset)
    with connection.cursor() as cursor:
        cursor.execute("NOTIFY cityloop_datastreams")
    return Assigned(streams=len(free), elsewhere=elsewhere)


def _chosen(rows: QuerySet[Datastream], choice: StreamChoice) -> QuerySet[Datastream]:
    if choice.project:
        rows = rows.filter(project=choice.project)
    if choice.property_ids:
        rows = rows.filter(observed_property__in=choice.property_ids)
    if choice.datastream_ids:
        rows = rows.filter(pk__in=choice.datastream_ids)
    if choice.area:
        is_city = level_of(AreaCode(choice.area)) is AreaLevel.CITY
        rows = rows.filter(area__startswith=choice.area[:2] if is_city else choice.area)
    return rows
