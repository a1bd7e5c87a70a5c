"""Writes of subscriptions: made, stopped, their key changed, dead letters sent again; and the trimming of the log."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from cityloop.convey.models.sharing import Access, Contract, DeadLetter, Subscription
from cityloop.convey.rules.contracts import ContractState
from cityloop.convey.rules.signatures import subscription_key
from cityloop.convey.selectors.sharing_catalogue import sharing_term
from cityloop.convey.stream.sharing.changes import position_now
from cityloop.convey.stream.sharing.post import target_of
from cityloop.kernel.errors import CityloopError, NotFoundError
from cityloop.kernel.instants import to_us

SUBSCRIPTIONS_MAX = 5
"""Most webhooks under one contract that run at the same time."""

RUNNING, STOPPED = "running", "stopped"
_TRIM_ROWS = 20_000


class ContractNotInForceError(CityloopError):
    """A contract gives no right to subscribe."""

    key = "Only a contract in force can be subscribed under."
    status = 409


class SubscriptionsFullError(CityloopError):
    """As many webhooks run under a contract as may."""

    key = "%(count)s webhooks run under this contract already; stop one first."
    status = 409


def key_of(subscription_id: int, version: int) -> str:
    """Return the key that signs a subscription's deliveries."""
    return subscription_key(settings.SECRET_KEY, subscription_id=subscription_id, version=version)


@transaction.atomic
def add_subscription(contract_id: int, *, url: str, actor: str, now: datetime) -> tuple[int, str]:
    """Make a webhook under a contract that begins now; return its number and its key, shown this once.

    Args:
        contract_id: the contract.
        url: where deliveries go.
        actor: who makes it.
        now: the present.

    Raises:
        ContractNotInForceError: if the contract does not run.
        SubscriptionsFullError: if too many run already.
        AddressRefusedError: if nothing may be posted to the address.
    """
    contract = Contract.objects.select_for_update().get(pk=contract_id)
    if contract.state not in (ContractState.RUNNING, ContractState.APPROVED):
        raise ContractNotInForceError
    if contract.subscriptions.filter(state=RUNNING).count() >= SUBSCRIPTIONS_MAX:
        raise SubscriptionsFullError(count=SUBSCRIPTIONS_MAX)
    target_of(url, private=settings.CITYLOOP_WEBHOOK_PRIVATE)
    row = Subscription.objects.create(
        contract=contract,
        url=url,
        state=RUNNING,
        created_at=now,
        created_by=actor,
        position=position_now(to_us(now)).written(),
    )
    return row.pk, key_of(row.pk, 1)


@transaction.atomic
def stop_subscription(contract_id: int, subscription_id: int, *, now: datetime) -> None:
    """Stop a webhook.

    Raises:
        NotFoundError: if there is none that runs.
    """
    running = Subscription.objects.filter(pk=subscription_id, contract=contract_id, state=RUNNING)
    if not running.update(state=STOPPED, stopped_at=now):
        raise NotFoundError(what=str(subscription_id))


@transaction.atomic
def change_key(contract_id: int, subscription_id: int) -> str:
    """Give a webhook another key and return it, shown this once; the one before signs nothing any more.

    Raises:
        NotFoundError: if there is none that runs.
    """
    rows = Subscription.objects.select_for_update().filter(pk=subscription_id, contract=contract_id, state=RUNNING)
    row = rows.first()
    if row is None:
        raise NotFoundError(what=str(subscription_id))
    row.key_version += 1
    row.save(update_fields=["key_version"])
    return key_of(row.pk, row.key_version)


@transaction.atomic
def send_again(contract_id: int, letter_id: int, *, now: datetime) -> None:
    """Let a dead letter be delivered again.

    Raises:
        NotFoundError: if there is none, it is a gap, or its subscription does not run.
    """
    letters = DeadLetter.objects.filter(
        pk=letter_id, kind="refused", subscription__contract=contract_id, subscription__state=RUNNING
    )
    if not letters.update(again_at=now):
        raise NotFoundError(what=str(letter_id))


def trim_reads(now: datetime) -> int:
    """Forget reads that are older than the log is kept; return how many."""
    oldest = now - timedelta(days=sharing_term("access_log_days").amount)
    gone = 0
    while True:
        keys = list(Access.objects.filter(at__lt=oldest).order_by("at").values_list("pk", flat=True)[:_TRIM_ROWS])
        gone += Access.objects.filter(pk__in=keys).delete()[0] if keys else 0
        if len(keys) < _TRIM_ROWS:
            return gone
