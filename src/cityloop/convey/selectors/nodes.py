"""Nodes as they stand."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, Sum

from cityloop.convey.models.nodes import Node, NodeStream, Outbox, OutboxLane
from cityloop.convey.rules.nodes import HUB, NodeKind, NodeState, state_of
from cityloop.kernel.areas import AreaCode
from cityloop.kernel.text import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """A node below this one.

    Attributes:
        number: its number.
        kind: what it is.
        title: its name.
        area: what it serves.
        state: how it stands.
        version: of its product, empty before it was heard.
        heard_at: when it last told of itself.
        clock_ahead_s: how far its clock is ahead of ours, seconds.
        waiting_rows: batches that wait there.
        waiting_readings: readings that wait there.
        oldest_at: since when the oldest of them waits.
        lag_s: age of the oldest at the time of the last word, seconds; 0 where nothing waits.
        taken_readings: readings taken over from it.
        late_readings: those of them that came late.
        gaps: how often rows were missing that it had already forgotten.
        streams: how many of our datastreams are its.
        outgoing_rows: batches that wait here for it.
    """

    number: int
    kind: NodeKind
    title: Text
    area: AreaCode
    state: NodeState
    version: str
    heard_at: datetime | None
    clock_ahead_s: float | None
    waiting_rows: int
    waiting_readings: int
    oldest_at: datetime | None
    lag_s: float
    taken_readings: int
    late_readings: int
    gaps: int
    streams: int
    outgoing_rows: int


@dataclass(frozen=True, slots=True)
class BacklogView:
    """What waits here for a node: batches, readings, since when."""

    rows: int
    readings: int
    oldest_at: datetime | None


def nodes(now: datetime) -> list[NodeView]:
    """Return all nodes below this one, by number."""
    streams = dict(NodeStream.objects.values_list("number").annotate(Count("remote_id")).order_by())
    outgoing = dict(Outbox.objects.values_list("target").annotate(Count("pk")).order_by())
    return [
        _view(row, now, streams=streams.get(row.pk, 0), outgoing=outgoing.get(row.pk, 0))
        for row in Node.objects.order_by("number")
    ]


def _view(row: Node, now: datetime, *, streams: int, outgoing: int) -> NodeView:
    waits = row.heard_at is not None and row.oldest_at is not None
    return NodeView(
        number=row.number,
        kind=NodeKind(row.kind),
        title=Text(row.title_zh, row.title_en),
        area=AreaCode(row.area),
        state=state_of(heard_at=row.heard_at, oldest_at=row.oldest_at, removed=row.removed_at is not None, now=now),
        version=row.version,
        heard_at=row.heard_at,
        clock_ahead_s=row.clock_ahead_s,
        waiting_rows=row.waiting_rows,
        waiting_readings=row.waiting_readings,
        oldest_at=row.oldest_at,
        lag_s=max(0.0, (row.heard_at - row.oldest_at).total_seconds()) if waits else 0.0,
        taken_readings=row.taken_readings,
        late_readings=row.late_readings,
        gaps=row.gaps,
        streams=streams,
        outgoing_rows=outgoing,
    )


def registered_numbers() -> list[int]:
    """Return the numbers of the nodes that may speak."""
    return list(Node.objects.filter(removed_at=None).order_by("number").values_list("number", flat=True))


def streams_of_node(number: int) -> dict[int, int]:
    """Return our datastream of each datastream of a node."""
    return dict(NodeStream.objects.filter(number=number).values_list("remote_id", "datastream_id"))


def has_hub() -> bool:
    """Return whether this node has ever put anything aside for a node above."""
    return OutboxLane.objects.filter(pk=HUB).exists()


def backlog_for(target: int) -> BacklogView:
    """Return what waits here for a node."""
    found = Outbox.objects.filter(target=target).aggregate(
        rows=Count("pk"), readings=Sum("readings"), oldest_at=Min("made_at")
    )
    return BacklogView(found["rows"], found["readings"] or 0, found["oldest_at"])
