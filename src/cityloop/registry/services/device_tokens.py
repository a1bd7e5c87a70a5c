"""Keys of devices: made in bulk, replaced with a time of grace, suspended while a device may not speak."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection, transaction
from django.db.models import Q

from cityloop.kernel.areas import CITY
from cityloop.registry.models import ApiToken
from cityloop.registry.services.tokens import TOKEN_BYTES
from cityloop.registry.stream import RIGHTS_CHANNEL, digest_of

SUSPENDED = datetime(1970, 1, 1, tzinfo=UTC)
"""A key that expired at this moment is suspended: it comes back when its device may speak again."""

KEYS_AT_ONCE = 1000
"""Rows of one statement."""


@dataclass(frozen=True, slots=True)
class DeviceKeyOrder:
    """A key to be made: the device's code, its thing, whose it is."""

    name: str
    thing_id: int
    organisation: str


@transaction.atomic
def issue_device_keys(orders: Sequence[DeviceKeyOrder]) -> list[str]:
    """Make a key for each of many devices and return them in order; they are shown this once."""
    keys = [secrets.token_urlsafe(TOKEN_BYTES) for _ in orders]
    ApiToken.objects.bulk_create(
        (
            ApiToken(
                name=order.name,
                digest=digest_of(key),
                may_read=False,
                may_write=True,
                area_id=CITY,
                organisation=order.organisation,
                thing_id=order.thing_id,
            )
            for order, key in zip(orders, keys, strict=True)
        ),
        batch_size=KEYS_AT_ONCE,
    )
    _tell()
    return keys


@transaction.atomic
def replace_device_key(order: DeviceKeyOrder, *, old_until: datetime) -> str:
    """Make a key for a device and return it; those in force before end at a moment, so that the field can follow."""
    in_force = ApiToken.objects.filter(thing_id=order.thing_id, revoked_at=None)
    in_force.filter(Q(expires_at=None) | Q(expires_at__gt=old_until)).update(expires_at=old_until)
    (key,) = issue_device_keys([order])
    return key


@transaction.atomic
def suspend_device_keys(thing_id: int, *, now: datetime) -> int:
    """Let the keys of a device be invalid until `resume_device_keys`; return how many that were.

    Keys that would end by themselves are ended for good.
    """
    keys = ApiToken.objects.filter(thing_id=thing_id, revoked_at=None)
    keys.exclude(expires_at=None).exclude(expires_at=SUSPENDED).update(revoked_at=now)
    suspended = keys.filter(expires_at=None).update(expires_at=SUSPENDED)
    _tell()
    return suspended


@transaction.atomic
def resume_device_keys(thing_id: int) -> int:
    """Let the suspended keys of a device be valid again; return how many they are."""
    resumed = ApiToken.objects.filter(thing_id=thing_id, revoked_at=None, expires_at=SUSPENDED).update(expires_at=None)
    _tell()
    return resumed


def _tell() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"NOTIFY {RIGHTS_CHANNEL}")
