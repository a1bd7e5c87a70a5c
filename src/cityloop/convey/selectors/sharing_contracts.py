"""Reads of contracts: what was asked, what is granted, its history, the subscriptions under it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext

from cityloop.convey.models.sharing import Contract, ContractStep, DeadLetter, Subscription
from cityloop.convey.rules.contracts import ContractState, ContractStepKind, Times
from cityloop.kernel.errors import NotFoundError
from cityloop.kernel.text import Text

CONTRACTS_SHOWN_MAX = 300
"""How many contracts a list shows, the newest first."""

DEAD_LETTERS_SHOWN_MAX = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractView:
    """A data contract.

    Attributes:
        contract_id: its number.
        asker: code of the organisation that wants to read.
        owner: code of the organisation whose data it is.
        datasets: codes of the data sets.
        purpose: what for.
        legal_basis: on which ground.
        state: where it stands.
        wanted: the times that were asked for.
        granted: the times that were approved, None before that.
        asked_at: when it was asked.
        asked_by: by whom, an actor code.
        decided_at: when it was decided on, None before that.
        decided_by: by whom.
        ended_at: when it ended, None before that.
    """

    contract_id: int
    asker: str
    owner: str
    datasets: tuple[str, ...]
    purpose: str
    legal_basis: str
    state: ContractState
    wanted: Times
    granted: Times | None
    asked_at: datetime
    asked_by: str
    decided_at: datetime | None
    decided_by: str
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractStepView:
    """One step of a contract's history."""

    at: datetime
    actor: str
    step: ContractStepKind
    state: ContractState
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionView:
    """A webhook under a contract.

    Attributes:
        subscription_id: its number.
        contract_id: the contract.
        url: where deliveries go.
        state: `running`, `stopped` by a person, or `ended` with the contract.
        created_at: when it was made.
        failures: attempts of the batch that is being delivered.
        next_try_at: when it is tried again.
        last_error: why the last attempt failed, empty where it did not.
        delivered: readings the receiver has acknowledged.
        delivered_at: when it last acknowledged, None for never.
        stopped_at: when it stopped, None while it runs.
        dead_letters: batches that were given up and not delivered since.
    """

    subscription_id: int
    contract_id: int
    url: str
    state: str
    created_at: datetime
    failures: int
    next_try_at: datetime
    last_error: str
    delivered: int
    delivered_at: datetime | None
    stopped_at: datetime | None
    dead_letters: int

    @property
    def state_words(self) -> Text:
        """Return the state in words."""
        return _SUBSCRIPTION_STATES.get(self.state, Text(self.state, self.state))


_SUBSCRIPTION_STATES = {
    "running": Text("推送中", "delivering"),
    "stopped": Text("已停止", "stopped"),
    "ended": Text("随协议结束", "ended with the contract"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterView:
    """A batch that was given up, or a gap; `readings` is 0 for a gap."""

    letter_id: int
    at: datetime
    is_gap: bool
    readings: int
    error: str
    again_at: datetime | None
    redelivered_at: datetime | None


def contract_view(row: Contract) -> ContractView:
    """Return a contract's row as others see it."""
    granted = Times(row.valid_from, row.valid_until) if row.valid_from and row.valid_until else None
    return ContractView(
        contract_id=row.pk,
        asker=row.asker,
        owner=row.owner,
        datasets=tuple(sorted(one.dataset_id for one in row.sets.all())),
        purpose=row.purpose,
        legal_basis=row.legal_basis,
        state=ContractState(row.state),
        wanted=Times(row.wanted_from, row.wanted_until),
        granted=granted,
        asked_at=row.asked_at,
        asked_by=row.asked_by,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        ended_at=row.ended_at,
    )


def contracts(
    *, sides: Iterable[str] | None = None, owner: str = "", asker: str = "", dataset: str = ""
) -> list[ContractView]:
    """Return contracts, newest first.

    Args:
        sides: only those in which one of these organisations asks or owns; None for all.
        owner: only of this owner.
        asker: only of this asking organisation.
        dataset: only about this data set.
    """
    rows = Contract.objects.prefetch_related("sets").order_by("-pk")
    if sides is not None:
        known = list(sides)
        rows = rows.filter(Q(asker__in=known) | Q(owner__in=known))
    if owner:
        rows = rows.filter(owner=owner)
    if asker:
        rows = rows.filter(asker=asker)
    if dataset:
        rows = rows.filter(sets__dataset=dataset)
    return [contract_view(row) for row in rows[:CONTRACTS_SHOWN_MAX]]


def contract(contract_id: int) -> ContractView:
    """Return a contract.

    Raises:
        NotFoundError: if there is none.
    """
    row = Contract.objects.filter(pk=contract_id).prefetch_related("sets").first()
    if row is None:
        raise NotFoundError(what=Text(f"数据使用协议 {contract_id}", f"data contract {contract_id}"))
    return contract_view(row)


def contract_steps(contract_id: int) -> list[ContractStepView]:
    """Return the history of a contract, oldest first."""
    return [
        ContractStepView(
            at=row.at, actor=row.actor, step=ContractStepKind(row.step), state=ContractState(row.state), note=row.note
        )
        for row in ContractStep.objects.filter(contract=contract_id).order_by("pk")
    ]


def subscriptions(contract_id: int) -> list[SubscriptionView]:
    """Return the webhooks under a contract, oldest first."""
    found = []
    for row in Subscription.objects.filter(contract=contract_id).order_by("pk"):
        open_letters = row.dead_letters.filter(redelivered_at=None).count()
        found.append(
            SubscriptionView(
                subscription_id=row.pk,
                contract_id=contract_id,
                url=row.url,
                state=row.state,
                created_at=row.created_at,
                failures=row.failures,
                next_try_at=row.next_try_at,
                last_error=gettext(row.last_error) if row.last_error else "",
                delivered=row.delivered,
                delivered_at=row.delivered_at,
                stopped_at=row.stopped_at,
                dead_letters=open_letters,
            )
        )
    return found


def dead_letters(subscription_id: int) -> list[DeadLetterView]:
    """Return the batches of a subscription that were given up, newest first."""
    rows = DeadLetter.objects.filter(subscription=subscription_id).order_by("-pk")[:DEAD_LETTERS_SHOWN_MAX]
    return [
        DeadLetterView(
            letter_id=row.pk,
            at=row.at,
            is_gap=row.kind == "gap",
            readings=len(row.observation_ids),
            error=gettext(row.error) if row.error else "",
            again_at=row.again_at,
            redelivered_at=row.redelivered_at,
        )
        for row in rows
    ]
