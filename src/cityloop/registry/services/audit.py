"""Writes of the audit."""

from dataclasses import dataclass
from enum import StrEnum

from cityloop.kernel.text import Text
from cityloop.registry.models import AuditEntry

WHAT_MAX = 200
"""How much is kept of what was reached for, characters."""


class Outcome(StrEnum):
    """How a reach for something ended."""

    DENIED = "denied"
    READ = "read"
    CHANGED = "changed"
    LOGGED_IN = "logged_in"
    LOGGED_OUT = "logged_out"
    LOGIN_FAILED = "login_failed"
    LOCKED_OUT = "locked_out"

    @property
    def words(self) -> Text:
        """Return the outcome in words."""
        return _OUTCOME_WORDS[self]


_OUTCOME_WORDS = {
    Outcome.DENIED: Text("已拒绝", "denied"),
    Outcome.READ: Text("已读取", "read"),
    Outcome.CHANGED: Text("已更改", "changed"),
    Outcome.LOGGED_IN: Text("已登录", "logged in"),
    Outcome.LOGGED_OUT: Text("已退出", "logged out"),
    Outcome.LOGIN_FAILED: Text("登录失败", "login failed"),
    Outcome.LOCKED_OUT: Text("已锁定", "locked out"),
}


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
