"""Tokens of machines."""

import secrets
from collections.abc import Iterable
from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone

from cityloop.kernel.areas import CITY, AreaCode
from cityloop.kernel.errors import CityloopError, NotFoundError
from cityloop.kernel.text import Text
from cityloop.registry.models import ApiToken
from cityloop.registry.stream import RIGHTS_CHANNEL, digest_of

TOKEN_BYTES = 32
"""Entropy of a token, bytes."""

TOKEN_RIGHTS = frozenset({"read", "write"})
"""What a token can be given."""


class TokenRightsError(CityloopError):
    """A token was asked for with rights that no token has, or without any."""

    key = "A token has the right to read, to write, or both."


@transaction.atomic
def issue_token(name: str, *, rights: Iterable[str], area: AreaCode = CITY, expires_at: datetime | None = None) -> str:
    """Make a token for a machine and return it; it is shown this once, only its SHA-256 is kept.

    Args:
        name: what the machine is called.
        rights: `read`, `write` or both.
        area: the area it is limited to.
        expires_at: from when it is no longer valid, None for never.

    Raises:
        TokenRightsError: if a right is not one of the two, or none is given.
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
        area_id=area,
        expires_at=expires_at,
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


def _tell() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"NOTIFY {RIGHTS_CHANNEL}")
