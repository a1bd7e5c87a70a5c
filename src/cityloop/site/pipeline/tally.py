"""What a process has kept since it last told the journal."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from cityloop.kernel.areas import CITY
from cityloop.kernel.facts.base import new_fact_id
from cityloop.kernel.facts.sensed import ReadingsKept
from cityloop.sense.stream.readings import Kept, Outcome

TELL_S = 1.0
"""A process tells the journal at most this often, seconds."""


@dataclass(slots=True)
class Tally:
    """Counts of one or more batches."""

    readings: int = 0
    duplicates: int = 0
    rejected: int = 0
    first_id: int = 0
    last_id: int = 0

    def plus(self, other: "Tally") -> "Tally":
        """Return both together."""
        firsts = [tally.first_id for tally in (self, other) if tally.first_id]
        return Tally(
            self.readings + other.readings,
            self.duplicates + other.duplicates,
            self.rejected + other.rejected,
            min(firsts, default=0),
            max(self.last_id, other.last_id),
        )

    def __bool__(self) -> bool:
        """Return whether there is anything to tell."""
        return bool(self.readings or self.duplicates or self.rejected)

    def fact(self, *, actor: str, now: datetime) -> ReadingsKept:
        """Return it as a fact."""
        return ReadingsKept(
            fact_id=new_fact_id(),
            happened_at=now,
            actor=actor,
            area=CITY,
            readings=self.readings,
            duplicates=self.duplicates,
            rejected=self.rejected,
            first_observation_id=self.first_id,
            last_observation_id=self.last_id,
        )


def tally_of(kept: Kept, *, rejected: int = 0) -> Tally:
    """Return the counts of an answer; `rejected` counts what never became a reading."""
    new = kept.observation_id[kept.outcome == Outcome.KEPT]
    duplicates = int(np.count_nonzero(kept.outcome == Outcome.DUPLICATE))
    refused = len(kept.outcome) - len(new) - duplicates
    span = (int(new.min()), int(new.max())) if len(new) else (0, 0)
    return Tally(len(new), duplicates, refused + rejected, *span)


class Teller:
    """Decides when the journal is told."""

    def __init__(self, *, actor: str, elapsed_s: Callable[[], float] = time.monotonic) -> None:
        """Tell with the first batch."""
        self.actor = actor
        self.untold = Tally()
        self._elapsed_s = elapsed_s
        self._told_at = -TELL_S

    def is_due(self) -> bool:
        """Return whether a second has passed since the journal was told."""
        return self._elapsed_s() - self._told_at >= TELL_S

    def kept(self, tally: Tally) -> None:
        """Note a batch that is committed and not told."""
        self.untold = self.untold.plus(tally)

    def told(self) -> None:
        """Note that what was untold has been told, together with the batch that told it."""
        self.untold = Tally()
        self._told_at = self._elapsed_s()
