"""What a gateway has seen of each protocol since it started; nothing it drops is silent."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Counts:
    """Counts of one protocol.

    Attributes:
        connections: open now.
        opened: connections ever opened.
        closed: by why they ended.
        bytes_in: read.
        parcels: frames that carried measurements.
        readings: made durable, duplicates included.
        refused: by reason.
    """

    connections: int = 0
    opened: int = 0
    closed: Counter[str] = field(default_factory=Counter)
    bytes_in: int = 0
    parcels: int = 0
    readings: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    def line(self) -> str:
        """Return it for the log."""
        return (
            f"{self.connections} connections ({self.opened} ever, closed {dict(self.closed)}), {self.parcels} frames, "
            f"{self.readings} readings, refused {dict(self.refused)}"
        )
