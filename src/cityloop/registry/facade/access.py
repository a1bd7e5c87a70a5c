"""Audited access: may somebody do something, and the record of who could not."""

from cityloop.kernel.areas import AreaCode
from cityloop.kernel.errors import NotAllowedError
from cityloop.registry.rules.access import allows, widest_area
from cityloop.registry.rules.outcomes import Outcome
from cityloop.registry.rules.roles import ROLES, Right
from cityloop.registry.selectors.people import PersonView
from cityloop.registry.services.audit import Record, is_written, write_audit


class AccessDeniedError(NotAllowedError):
    """A person has no right to something; the refusal is in the audit.

    Attributes:
        right: the right that is missing.
        record: what the audit says of it.
        entry_id: its entry in the audit; lost if the surrounding transaction fails, then `keep_denial` writes it again.
    """

    def __init__(self, right: Right, record: Record) -> None:
        """Write the refusal into the audit."""
        self.right = right
        self.record = record
        self.entry_id = write_audit(record)
        super().__init__(what=right.words)


def keep_denial(error: AccessDeniedError) -> None:
    """Write a refusal again if the transaction it happened in has taken its audit entry away."""
    if not is_written(error.entry_id):
        error.entry_id = write_audit(error.record)


def may(person: PersonView, right: Right, *, area: AreaCode | None = None, organisation: str | None = None) -> bool:
    """Return whether a person may do something; nothing is audited.

    Args:
        person: who asks.
        right: what is asked for.
        area: where the matter lies; None asks whether the right is held anywhere.
        organisation: whose matter it is, None where that does not count.
    """
    return allows(person.posts, right, area=area, organisation=organisation)


def reach_of(person: PersonView, right: Right) -> AreaCode:
    """Return the widest area in which a person holds a right, the widest of all posts where none gives it.

    `PersonView.area` counts posts that do not give the right; a list or a feed is to be limited by this area.
    """
    return widest_area((post for post in person.posts if right in ROLES[post.role].rights), default=person.area)


def require(
    person: PersonView,
    right: Right,
    *,
    area: AreaCode | None = None,
    organisation: str | None = None,
    what: str = "",
) -> None:
    """Refuse, and write into the audit, what a person may not do.

    Args:
        person: who asks.
        right: what is asked for.
        area: where the matter lies; None asks whether the right is held anywhere.
        organisation: whose matter it is, None where that does not count.
        what: the thing reached for, such as `case 17`.

    Raises:
        AccessDeniedError: if no post gives the right there; a `kernel.errors.NotAllowedError`.
    """
    if not may(person, right, area=area, organisation=organisation):
        raise AccessDeniedError(right, _record(person, right, what or right, Outcome.DENIED, area))


def note_read(person: PersonView, right: Right, *, what: str, area: AreaCode | None = None) -> None:
    """Write into the audit that a person has read something sensitive."""
    write_audit(_record(person, right, what, Outcome.READ, area))


def note_change(person: PersonView, right: Right, *, what: str, area: AreaCode | None = None) -> None:
    """Write into the audit that a person has changed something that others must be able to look up."""
    write_audit(_record(person, right, what, Outcome.CHANGED, area))


def note_operation(right: Right, *, what: str) -> None:
    """Write into the audit what whoever runs the machine has changed through the command line."""
    write_audit(Record(actor="system:cli", right=right, what=what, outcome=Outcome.CHANGED, area="", address=""))


def _record(person: PersonView, right: Right, what: str, outcome: Outcome, area: AreaCode | None) -> Record:
    return Record(actor=person.actor, right=right, what=what, outcome=outcome, area=area or "", address=person.address)
