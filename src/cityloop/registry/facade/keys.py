"""Keys of machines as a person gives and takes them, each with its audit entry."""

from collections.abc import Iterable
from datetime import datetime

from cityloop.kernel.areas import CITY, AreaCode
from cityloop.registry.facade.access import note_change, require
from cityloop.registry.rules.roles import Right
from cityloop.registry.selectors.people import PersonView
from cityloop.registry.services.tokens import issue_token, revoke_token


def issue_machine_token(  # noqa: PLR0913  what limits a token
    person: PersonView,
    name: str,
    *,
    rights: Iterable[str],
    area: AreaCode = CITY,
    organisation: str = "",
    expires_at: datetime | None = None,
) -> str:
    """Make a token for a machine and return it; it is shown this once.

    Raises:
        AccessDeniedError: if the person does not run the platform.
        TokenRightsError: if a right is none, or none is given.
    """
    require(person, Right.OPERATE_PLATFORM, what=f"token {name}")
    token = issue_token(name, rights=rights, area=area, organisation=organisation, expires_at=expires_at)
    note_change(person, Right.OPERATE_PLATFORM, what=f"token {name} issued")
    return token


def revoke_machine_token(person: PersonView, token_id: int) -> None:
    """End a machine's token; data interfaces refuse it within two seconds.

    Raises:
        AccessDeniedError: if the person does not run the platform.
        NotFoundError: if there is no such token that is still valid.
    """
    require(person, Right.OPERATE_PLATFORM, what=f"token {token_id}")
    revoke_token(token_id)
    note_change(person, Right.OPERATE_PLATFORM, what=f"token {token_id} revoked")
