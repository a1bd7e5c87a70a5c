"""Tokens of machines, asked one by one."""

from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from cityloop.kernel.areas import AreaCode
from cityloop.registry.models import ApiToken, Grant
from cityloop.registry.stream import TokenRights, digest_of


def machine_with(bearer_token: str, *, now: datetime | None = None) -> TokenRights | None:
    """Return what a token allows at a moment, the present unless told otherwise; None where it is not valid."""
    now = now or timezone.now()
    in_force = Q(expires_at=None) | Q(expires_at__gt=now)
    row = ApiToken.objects.filter(in_force, digest=digest_of(bearer_token), revoked_at=None).first()
    if row is None:
        return None
    granted = Grant.objects.filter(
        organisation=row.organisation, ended_at=None, valid_from__lte=now, valid_until__gt=now
    ).values_list("dataset", flat=True)
    return TokenRights(
        token_id=row.pk,
        name=row.name,
        may_read=row.may_read,
        may_write=row.may_write,
        area=AreaCode(row.area_id),
        may_task=row.may_task,
        organisation=row.organisation,
        thing_id=row.thing_id,
        datasets=frozenset(granted) if row.organisation else frozenset(),
    )


def may_token_read(bearer_token: str, *, now: datetime) -> bool:
    """Return whether a token, as presented, is valid and one to read with; a device's is not."""
    machine = machine_with(bearer_token, now=now)
    return machine is not None and machine.may_read and machine.thing_id is None
