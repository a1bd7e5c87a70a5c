"""Facts of the first stage: readings have come in and are kept."""

from dataclasses import dataclass

from cityloop.kernel.facts.base import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingsKept(Fact):
    """Readings are durable; at most one such fact a second and process.

    Attributes:
        readings: how many were kept since the process's last such fact.
        duplicates: how many were known already and were not kept again.
        rejected: how many were refused and set aside for inspection.
        first_observation_id: smallest id among them, 0 where none was kept.
        last_observation_id: greatest id among them, 0 where none was kept.
    """

    readings: int
    duplicates: int
    rejected: int
    first_observation_id: int
    last_observation_id: int
