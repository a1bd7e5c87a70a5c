"""The audit, tokens and login failures."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from cityloop.kernel.areas import AreaCode
from cityloop.kernel.text import Text
from cityloop.registry.models import ApiToken, AuditEntry, LoginFailure
from cityloop.registry.rules.guessing import LOCK_OUT, Failure
from cityloop.registry.rules.outcomes import outcome_in_words, right_in_words

AUDIT_PAGE_ROWS = 100
"""How many entries a page of the audit shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditView:
    """One entry of the audit: who reached for what, and whether it was given."""

    entry_id: int
    at: datetime
    actor: str
    right: str
    what: str
    area: str
    outcome: str
    address: str

    @property
    def right_name(self) -> Text:
        """Return what was asked for, in words."""
        return right_in_words(self.right)

    @property
    def outcome_name(self) -> Text:
        """Return how it ended, in words."""
        return outcome_in_words(self.outcome)


def audit_entries(
    *, actor: str = "", outcome: str = "", before_id: int | None = None, limit: int = AUDIT_PAGE_ROWS
) -> list[AuditView]:
    """Return entries of the audit, newest first.

    Args:
        actor: only this actor's.
        outcome: only of this outcome.
        before_id: only older ones than this entry, for paging.
        limit: how many at the most.
    """
    rows = AuditEntry.objects.order_by("-pk")
    if actor:
        rows = rows.filter(actor=actor)
    if outcome:
        rows = rows.filter(outcome=outcome)
    if before_id is not None:
        rows = rows.filter(pk__lt=before_id)
    return [_entry(row) for row in rows[:limit]]


def _entry(row: AuditEntry) -> AuditView:
    return AuditView(
        entry_id=row.pk,
        at=row.at,
        actor=row.actor,
        right=row.right,
        what=row.what,
        area=row.area,
        outcome=row.outcome,
        address=row.address,
    )


def recent_failures(account: str, address: str, *, now: datetime) -> list[Failure]:
    """Return the failed logins of an account and of an address that still count."""
    since = now - timedelta(seconds=LOCK_OUT.window_s)
    rows = LoginFailure.objects.filter(Q(account=account) | Q(address=address), at__gt=since)
    return [Failure(row.account, row.address, row.at) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenView:
    """A machine's token, without the token."""

    token_id: int
    name: str
    may_read: bool
    may_write: bool
    area: AreaCode
    issued_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    organisation: str = ""
    thing_id: int | None = None
    may_task: bool = False


def tokens_of_thing(thing_id: int) -> list[TokenView]:
    """Return the keys of a device, newest first."""
    return [_token(row) for row in ApiToken.objects.filter(thing_id=thing_id).order_by("-pk")]


def tokens(*, organisation: str | None = None) -> list[TokenView]:
    """Return the tokens of all machines but devices, or those of an organisation's machines, newest first."""
    rows = ApiToken.objects.filter(thing_id=None).order_by("-pk")
    if organisation is not None:
        rows = rows.filter(organisation=organisation, thing_id=None)
    return [_token(row) for row in rows]


def _token(row: ApiToken) -> TokenView:
    return TokenView(
        token_id=row.pk,
        name=row.name,
        may_read=row.may_read,
        may_write=row.may_write,
        area=AreaCode(row.area_id),
        issued_at=row.issued_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        organisation=row.organisation,
        thing_id=row.thing_id,
        may_task=row.may_task,
    )
