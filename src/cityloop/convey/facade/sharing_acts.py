"""What people do with shared data, each for an organisation of theirs, with the right asked and the audit written."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from cityloop.convey.rules.catalogue import DatasetView, Description, Selection
from cityloop.convey.rules.contracts import ContractStepKind, Times
from cityloop.convey.selectors.sharing_catalogue import dataset
from cityloop.convey.selectors.sharing_contracts import ContractView, contract
from cityloop.convey.services import sharing_catalogue as catalogue
from cityloop.convey.services import sharing_contracts as contracts
from cityloop.convey.services import sharing_subscriptions as subscriptions
from cityloop.kernel.errors import NotFoundError
from cityloop.registry import facade as registry
from cityloop.registry.facade import ROLES, PersonView, Right
from cityloop.sense import facade as sense


def bodies_of(person: PersonView) -> frozenset[str]:
    """Return the organisations a person works for."""
    return frozenset(post.organisation for post in person.posts if post.organisation)


def bodies_sharing(person: PersonView) -> tuple[str, ...]:
    """Return the organisations for which a person may share data, ask for it and decide."""
    held = (post.organisation for post in person.posts if Right.SHARE_DATA in ROLES[post.role].rights)
    return tuple(sorted({code for code in held if code}))


def may_share_for(person: PersonView, organisation: str) -> bool:
    """Return whether a person may share data for an organisation."""
    return organisation in bodies_sharing(person)


def must_share_for(person: PersonView, organisation: str, *, what: str) -> None:
    """Refuse whoever may not share data for an organisation; the refusal is in the audit.

    Raises:
        AccessDeniedError: a `kernel.errors.NotAllowedError`.
    """
    registry.require(person, Right.SHARE_DATA, organisation=organisation or "-", what=what)


def contract_for(person: PersonView, contract_id: int) -> ContractView:
    """Return a contract to somebody of either side, or to whoever operates the platform.

    Raises:
        NotFoundError: if there is none, or the person belongs to neither side.
    """
    found = contract(contract_id)
    if bodies_of(person) & {found.asker, found.owner} or Right.OPERATE_PLATFORM in person.rights:
        return found
    raise NotFoundError(what=str(contract_id))


@transaction.atomic
def add_own_dataset(
    person: PersonView, code: str, *, owner: str, about: Description, selection: Selection
) -> tuple[DatasetView, sense.Assigned]:
    """Enter a data set of one's own organisation.

    Raises:
        AccessDeniedError: if the person may not share that organisation's data.
        DatasetCodeError: if the code cannot be one.
    """
    must_share_for(person, owner, what=f"data set {code}")
    made = catalogue.add_dataset(code, owner=owner, about=about, selection=selection, actor=person.actor)
    registry.note_change(person, Right.SHARE_DATA, what=f"data set {code} added, {about.openness}")
    return made


@transaction.atomic
def change_own_dataset(
    person: PersonView, code: str, *, about: Description, selection: Selection, version: int
) -> tuple[DatasetView, sense.Assigned]:
    """Change a data set of one's own organisation.

    Raises:
        AccessDeniedError: if the person may not share that organisation's data.
        DatasetChangedError: if somebody was quicker.
        DatasetUnderContractError: if it would become internal under a contract.
    """
    must_share_for(person, dataset(code).owner, what=f"data set {code}")
    made = catalogue.change_dataset(code, about=about, selection=selection, actor=person.actor, version=version)
    registry.note_change(person, Right.SHARE_DATA, what=f"data set {code} changed, {about.openness}")
    return made


@transaction.atomic
def ask_for_contract(  # noqa: PLR0913  what a contract says
    person: PersonView, codes: Iterable[str], *, asker: str, purpose: str, legal_basis: str, wanted: Times
) -> ContractView:
    """Ask for a contract on behalf of one's organisation.

    Raises:
        AccessDeniedError: if the person may not act for it.
        CityloopError: if it cannot be asked for.
    """
    must_share_for(person, asker, what="data contract")
    made = contracts.ask_contract(
        codes,
        asker=asker,
        purpose=purpose,
        legal_basis=legal_basis,
        wanted=wanted,
        actor=person.actor,
        now=timezone.now(),
    )
    registry.note_change(person, Right.SHARE_DATA, what=f"data contract {made.contract_id} asked")
    return made


@transaction.atomic
def decide_contract(
    person: PersonView, contract_id: int, *, approve: bool, until: datetime | None, note: str
) -> ContractView:
    """Approve a contract until a moment, or refuse it, for the owner's organisation.

    Raises:
        AccessDeniedError: if the person may not act for the owner.
        CityloopError: if it cannot be decided so.
    """
    found = contract(contract_id)
    must_share_for(person, found.owner, what=f"data contract {contract_id}")
    actor, now = person.actor, timezone.now()
    if approve:
        end = until or found.wanted.until
        made = contracts.approve_contract(contract_id, until=end, actor=actor, note=note, now=now)
        said = f"approved until {end:%Y-%m-%d %H:%M%z}"
    else:
        made = contracts.refuse_contract(contract_id, actor=actor, note=note, now=now)
        said = "refused"
    registry.note_change(person, Right.SHARE_DATA, what=f"data contract {contract_id} {said}")
    return made


@transaction.atomic
def end_own_contract(person: PersonView, contract_id: int, *, note: str) -> ContractView:
    """End a contract at once, for whichever side the person acts.

    Raises:
        AccessDeniedError: if the person may act for neither.
        CityloopError: if it is over already.
    """
    found = contract(contract_id)
    step = ContractStepKind.WITHDRAW
    if may_share_for(person, found.owner):
        step = ContractStepKind.TERMINATE
    else:
        must_share_for(person, found.asker, what=f"data contract {contract_id}")
    made = contracts.end_contract(contract_id, step=step, actor=person.actor, note=note, now=timezone.now())
    registry.note_change(person, Right.SHARE_DATA, what=f"data contract {contract_id} {made.state}")
    return made


@transaction.atomic
def issue_own_token(person: PersonView, contract_id: int, *, name: str) -> str:
    """Make a token for a machine of the asking organisation and return it, shown this once.

    It reads what the organisation owns and what its contracts grant in the moment, whichever contract it was made at.

    Raises:
        AccessDeniedError: if the person may not act for the asking organisation.
        ContractNotInForceError: if the contract is over.
    """
    found = _of_asker(person, contract_id)
    if found.state.is_over:
        raise subscriptions.ContractNotInForceError
    token = registry.issue_token(name, rights=["read"], organisation=found.asker)
    registry.note_change(person, Right.SHARE_DATA, what=f"token {name!r} of {found.asker} issued")
    return token


@transaction.atomic
def revoke_own_token(person: PersonView, contract_id: int, token_id: int) -> None:
    """End a token of the asking organisation.

    Raises:
        AccessDeniedError: if the person may not act for it.
        NotFoundError: if it has no such token.
    """
    found = _of_asker(person, contract_id)
    if token_id not in {one.token_id for one in registry.tokens(organisation=found.asker)}:
        raise NotFoundError(what=str(token_id))
    registry.revoke_token(token_id)
    registry.note_change(person, Right.SHARE_DATA, what=f"token {token_id} of {found.asker} revoked")


@transaction.atomic
def subscribe(person: PersonView, contract_id: int, *, url: str) -> tuple[int, str]:
    """Make a webhook; return its number and the key that signs its deliveries, shown this once.

    Raises:
        AccessDeniedError: if the person may not act for the asking organisation.
        CityloopError: if it cannot be made.
    """
    _of_asker(person, contract_id)
    made = subscriptions.add_subscription(contract_id, url=url, actor=person.actor, now=timezone.now())
    registry.note_change(person, Right.SHARE_DATA, what=f"webhook {made[0]} under data contract {contract_id} made")
    return made


@transaction.atomic
def stop_webhook(person: PersonView, contract_id: int, subscription_id: int) -> None:
    """Stop a webhook.

    Raises:
        AccessDeniedError: if the person may not act for the asking organisation.
        NotFoundError: if there is none that runs.
    """
    _of_asker(person, contract_id)
    subscriptions.stop_subscription(contract_id, subscription_id, now=timezone.now())
    registry.note_change(person, Right.SHARE_DATA, what=f"webhook {subscription_id} stopped")


@transaction.atomic
def renew_key(person: PersonView, contract_id: int, subscription_id: int) -> str:
    """Give a webhook another key and return it, shown this once.

    Raises:
        AccessDeniedError: if the person may not act for the asking organisation.
        NotFoundError: if there is none that runs.
    """
    _of_asker(person, contract_id)
    key = subscriptions.change_key(contract_id, subscription_id)
    registry.note_change(person, Right.SHARE_DATA, what=f"key of webhook {subscription_id} changed")
    return key


@transaction.atomic
def redeliver(person: PersonView, contract_id: int, letter_id: int) -> None:
    """Let a dead letter be delivered again.

    Raises:
        AccessDeniedError: if the person may not act for the asking organisation.
        NotFoundError: if there is none that can be.
    """
    _of_asker(person, contract_id)
    subscriptions.send_again(contract_id, letter_id, now=timezone.now())
    registry.note_change(person, Right.SHARE_DATA, what=f"dead letter {letter_id} sent again")


def _of_asker(person: PersonView, contract_id: int) -> ContractView:
    found = contract(contract_id)
    must_share_for(person, found.asker, what=f"data contract {contract_id}")
    return found
