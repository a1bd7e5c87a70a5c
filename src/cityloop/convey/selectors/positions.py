"""Reads of the transport's tables."""

from dataclasses import dataclass
from datetime import datetime

from cityloop.convey.models.positions import StreamPosition


@dataclass(frozen=True, slots=True)
class PositionView:
    """How far a stream has been taken over.

    Attributes:
        stream: name of the stream and of its incarnation.
        sequence: number of the last message whose readings are in the history.
        moved_at: when the transport received that message.
    """

    stream: str
    sequence: int
    moved_at: datetime


def stream_positions() -> list[PositionView]:
    """Return how far each stream has been taken over, the last moved first."""
    rows = StreamPosition.objects.order_by("-moved_at")
    return [PositionView(row.stream, row.sequence, row.moved_at) for row in rows]
