"""Tokens of machines."""

import secrets
from collections.abc import Iterable
from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone

from cityloop.kernel.areas import CITY, AreaCode
from cityloop.kernel.errors import CityloopError, NotFoundError
from cityloop.kernel.text import Text
from cityloop.registry.models import ApiToken, Grant
from cityloop.registry.stream import RIGHTS_CHANNEL, digest_of

TOKEN_BYTES = 32
"""Entropy of a token, bytes."""

TOKEN_RIGHTS = frozenset({"read", "write", "task"})
"""What a token can be given."""


class TokenRightsError(CityloopError):
    """A token was asked for with rights that no token has, or without any."""

    key = "A token has one or more of the rights read, write and task."


@transaction.atomic
def issue_token(  # noqa: PLR0913  what limits a token
    name: str,
    *,
    rights: Iterable[str],
    area: AreaCode = CITY,
    expires_at: datetime | None = None,
    organisation: str = "",
    thing_id: int | None = None,
) -> str:
    """Make a token for a machine and return it; it is shown this once, only its SHA-256 is kept.

    Args:
        name: what the machine is called.
        rights: `read`, `write`, `task`.
        area: the area it is limited to.
        expires_at: from when it is no longer valid, None for never.
        organisation: whose machine it is; it then reads what that organisation owns and what contracts grant it.
        thing_id: of a device's own key: the thing whose datastreams it may add observations to.

    Raises:
        TokenRightsError: if a right is none of these, or none is given.
    """
    asked = frozenset(rights)
    if not asked or asked - TOKEN_RIGHTS:
        raise TokenRightsError(field="rights")
    token = secrets.token_urlsafe(TOKEN_BYTES)
    ApiToken.objects.create(
        name=name,
        digest=digest_of(token),
        may_read="read" in asked,
        may_write="write" in asked,
        may_task="task" in asked,
        area_id=area,
        expires_at=expires_at,
        organisation=organisation,
        thing_id=thing_id,
    )
    _tell()
    return token


@transaction.atomic
def ensure_token(name: str, token: str, *, rights: Iterable[str], area: AreaCode = CITY) -> None:
    """Let a token that is made elsewhere be valid under a name; older ones of that name are replaced.

    For tokens the product's own processes share through the secrets of the data folder.
    """
    asked = frozenset(rights)
    known = ApiToken.objects.filter(name=name, digest=digest_of(token), revoked_at=None)
    if known.exists():
        return
    ApiToken.objects.filter(name=name).delete()
    ApiToken.objects.create(
        name=name, digest=digest_of(token), may_read="read" in asked, may_write="write" in asked, area_id=area
    )
    _tell()


@transaction.atomic
def revoke_token(token_id: int) -> None:
    """End a token; data interfaces refuse it within two seconds.

    Raises:
        NotFoundError: if there is no such token that is still valid.
    """
    if not ApiToken.objects.filter(pk=token_id, revoked_at=None).update(revoked_at=timezone.now()):
        raise NotFoundError(what=Text(f"令牌 {token_id}", f"token {token_id}"))
    _tell()


@transaction.atomic
def revoke_tokens_of_thing(thing_id: int) -> int:
    """End all keys of a device; return how many were in force."""
    ended = ApiToken.objects.filter(thing_id=thing_id, revoked_at=None).update(revoked_at=timezone.now())
    _tell()
    return ended


@transaction.atomic
def grant(
    contract_id: int, *, organisation: str, datasets: Iterable[str], valid_from: datetime, valid_until: datetime
) -> None:
    """Let an organisation read data sets for a time; an earlier grant of the same contract is replaced.

    Args:
        contract_id: the contract that says so.
        organisation: who may read.
        datasets: codes of the data sets.
        valid_from: from when.
        valid_until: from when no longer; data interfaces stop within two seconds of it.
    """
    end_grant(contract_id)
    Grant.objects.bulk_create(
        Grant(
            contract_id=contract_id,
            organisation=organisation,
            dataset=dataset,
            valid_from=valid_from,
            valid_until=valid_until,
        )
        for dataset in sorted(set(datasets))
    )
    _tell()


@transaction.atomic
def end_grant(contract_id: int) -> int:
    """End what a contract grants, at once; return how many data sets that were."""
    ended = Grant.objects.filter(contract_id=contract_id, ended_at=None).update(ended_at=timezone.now())
    _tell()
    return ended


def _tell() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"NOTIFY {RIGHTS_CHANNEL}")
