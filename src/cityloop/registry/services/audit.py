"""Writes of the audit."""

from dataclasses import dataclass

from cityloop.registry.models import AuditEntry
from cityloop.registry.rules.outcomes import Outcome

WHAT_MAX = 200
"""How much is kept of what was reached for, characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What one entry of the audit says.

    Attributes:
        actor: who, an actor code.
        right: the right that was asked for, or a word such as `login`.
        what: what was reached for.
        outcome: how it ended.
        area: where it lies, empty where nowhere in particular.
        address: network address it came from, empty where not known.
    """

    actor: str
    right: str
    what: str
    outcome: Outcome
    area: str = ""
    address: str = ""


def write_audit(record: Record) -> int:
    """Write one entry of the audit and return its id; what is too long for its column is cut."""
    row = AuditEntry.objects.create(
        actor=record.actor[:120],
        right=record.right[:40],
        what=record.what[:WHAT_MAX],
        area=record.area[:15],
        outcome=record.outcome,
        address=record.address[:45],
    )
    return row.pk


def is_written(entry_id: int) -> bool:
    """Return whether an entry stands; one written in a transaction that failed does not."""
    return AuditEntry.objects.filter(pk=entry_id).exists()
