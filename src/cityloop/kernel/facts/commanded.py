"""Facts of the duty room."""

from dataclasses import dataclass

from cityloop.kernel.facts.base import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftHandedOver(Fact):
    """One duty officer has handed the shift to the next.

    Attributes:
        handover_id: the record of it.
        to: the officer who takes over, an actor code.
        open_alarms: how many alarms stood open.
        open_cases: how many cases stood open.
        note: what the leaving officer wrote.
    """

    handover_id: int
    to: str
    open_alarms: int
    open_cases: int
    note: str
