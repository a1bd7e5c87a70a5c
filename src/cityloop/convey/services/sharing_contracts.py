"""Writes of contracts: asked, decided, begun and ended; the grant in the registry follows in the same transaction."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from cityloop.convey.models.sharing import Contract, ContractSet, ContractStep, Dataset
from cityloop.convey.rules.catalogue import Openness
from cityloop.convey.rules.contracts import (
    ContractState,
    ContractStepKind,
    Times,
    checked_wish,
    due_step,
    granted_times,
    must_differ,
    must_have_reason,
    state_after,
)
from cityloop.convey.selectors.sharing_catalogue import sharing_term
from cityloop.convey.selectors.sharing_contracts import ContractView, contract_view
from cityloop.journal import facade as journal
from cityloop.kernel.areas import CITY
from cityloop.kernel.errors import CityloopError, NotFoundError
from cityloop.kernel.facts import new_fact_id
from cityloop.kernel.facts.conveyed import ContractApproved, ContractEnded
from cityloop.registry import facade as registry

CLOCK_ACTOR = "system:loop"
"""Who begins and ends contracts by the clock."""


class NotOfferedError(CityloopError):
    """A data set is not offered by contract to whoever asks."""

    key = "These data sets are not offered by contract, or not all by one owner, or they are your own."


class AskedAlreadyError(CityloopError):
    """The same is asked for already."""

    key = "Your organisation has asked for this already, or has a contract about it; look at your contracts."
    status = 409


@transaction.atomic
def ask_contract(  # noqa: PLR0913  what a contract says
    codes: Iterable[str], *, asker: str, purpose: str, legal_basis: str, wanted: Times, actor: str, now: datetime
) -> ContractView:
    """Ask the owner of data sets for a contract about them.

    Args:
        codes: the data sets, all of one owner.
        asker: the organisation that wants to read.
        purpose: what for.
        legal_basis: on which ground.
        wanted: from when until when.
        actor: who asks.
        now: the present.

    Raises:
        NotOfferedError: if a data set is not there, is internal or the asker's own, or owners differ.
        AskedAlreadyError: if the organisation has an open contract about one of them.
        ContractTimesError: if the times do not fit.
    """
    wish = checked_wish(wanted, now=now, days_max=sharing_term("contract_days_max").amount)
    wanted_codes = set(codes)
    rows = list(Dataset.objects.filter(code__in=wanted_codes).exclude(openness=Openness.INTERNAL))
    owners = {row.owner for row in rows}
    if len(rows) != len(wanted_codes) or len(owners) != 1 or asker in owners or not asker:
        raise NotOfferedError(field="datasets")
    open_ones = [ContractState.ASKED, ContractState.APPROVED, ContractState.RUNNING]
    if ContractSet.objects.filter(contract__asker=asker, contract__state__in=open_ones, dataset__in=rows).exists():
        raise AskedAlreadyError
    row = Contract.objects.create(
        asker=asker,
        owner=owners.pop(),
        purpose=purpose,
        legal_basis=legal_basis,
        state=ContractState.ASKED,
        wanted_from=wish.since,
        wanted_until=wish.until,
        asked_at=now,
        asked_by=actor,
    )
    ContractSet.objects.bulk_create(ContractSet(contract=row, dataset=one) for one in rows)
    _note(row, ContractStepKind.ASK, actor=actor, note="", now=now)
    return contract_view(row)


@transaction.atomic
def approve_contract(contract_id: int, *, until: datetime, actor: str, note: str, now: datetime) -> ContractView:
    """Approve a contract until a moment: its data sets can be read from its beginning on, and no longer.

    Args:
        contract_id: the contract.
        until: until when the owner approves, not later than was asked.
        actor: who decides; another than who asked.
        note: what the owner says to it.
        now: the present.

    Raises:
        SamePersonError: if the person asked for it.
        ContractStepError: if it is decided already.
        ContractTimesError: if the time does not fit.
    """
    row = _locked(contract_id)
    must_differ(row.asked_by, actor)
    state = state_after(ContractState(row.state), ContractStepKind.APPROVE)
    times = granted_times(Times(row.wanted_from, row.wanted_until), until=until, now=now)
    row.state, row.valid_from, row.valid_until = state, times.since, times.until
    row.decided_at, row.decided_by = now, actor
    row.save()
    _note(row, ContractStepKind.APPROVE, actor=actor, note=note, now=now)
    codes = _codes(row)
    registry.grant(row.pk, organisation=row.asker, datasets=codes, valid_from=times.since, valid_until=times.until)
    journal.post(
        ContractApproved(
            fact_id=new_fact_id(),
            happened_at=now,
            actor=actor,
            area=CITY,
            contract_id=row.pk,
            asker=row.asker,
            owner=row.owner,
            datasets=", ".join(codes),
            valid_from=times.since,
            valid_until=times.until,
        )
    )
    _follow_clock(row, now=now)
    return contract_view(row)


@transaction.atomic
def refuse_contract(contract_id: int, *, actor: str, note: str, now: datetime) -> ContractView:
    """Refuse a contract, with a reason.

    Raises:
        SamePersonError: if the person asked for it.
        ContractStepError: if it is decided already.
        ReasonMissingError: without a reason.
    """
    row = _locked(contract_id)
    must_differ(row.asked_by, actor)
    must_have_reason(ContractStepKind.REFUSE, note)
    row.state = state_after(ContractState(row.state), ContractStepKind.REFUSE)
    row.decided_at, row.decided_by, row.ended_at = now, actor, now
    row.save()
    _note(row, ContractStepKind.REFUSE, actor=actor, note=note, now=now)
    return contract_view(row)


@transaction.atomic
def end_contract(contract_id: int, *, step: ContractStepKind, actor: str, note: str, now: datetime) -> ContractView:
    """End a contract at once: the asking side withdraws it, or the owner terminates it.

    Args:
        contract_id: the contract.
        step: `WITHDRAW` or `TERMINATE`.
        actor: who ends it.
        note: why; the owner must say.
        now: the present.

    Raises:
        ContractStepError: if it is over already.
        ReasonMissingError: if the owner gives no reason.
    """
    row = _locked(contract_id)
    must_have_reason(step, note)
    _end(row, step, actor=actor, note=note, now=now)
    return contract_view(row)


def follow_clock(now: datetime) -> int:
    """Begin and end contracts whose time has come; return how many have moved.

    The right to read ends by the date of the grant itself; this only writes down that it has.
    """
    waiting = Contract.objects.filter(state__in=[ContractState.APPROVED, ContractState.RUNNING])
    moved = 0
    for contract_id in waiting.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            moved += _follow_clock(_locked(contract_id), now=now)
    return moved


def _follow_clock(row: Contract, *, now: datetime) -> int:
    times = Times(row.valid_from, row.valid_until) if row.valid_from and row.valid_until else None
    step = due_step(ContractState(row.state), times, now=now)
    if step is None:
        return 0
    if step is ContractStepKind.EXPIRE:
        _end(row, step, actor=CLOCK_ACTOR, note="", now=now)
        return 1
    row.state = state_after(ContractState(row.state), step)
    row.save()
    _note(row, step, actor=CLOCK_ACTOR, note="", now=now)
    return 1


def _end(row: Contract, step: ContractStepKind, *, actor: str, note: str, now: datetime) -> None:
    was = ContractState(row.state)
    row.state, row.ended_at = state_after(was, step), now
    row.save()
    _note(row, step, actor=actor, note=note, now=now)
    if was is ContractState.ASKED:
        return
    registry.end_grant(row.pk)
    row.subscriptions.filter(state="running").update(state="ended", stopped_at=now)
    journal.post(
        ContractEnded(
            fact_id=new_fact_id(),
            happened_at=now,
            actor=actor,
            area=CITY,
            contract_id=row.pk,
            asker=row.asker,
            owner=row.owner,
            datasets=", ".join(_codes(row)),
            reason=row.state,
        )
    )


def _locked(contract_id: int) -> Contract:
    row = Contract.objects.select_for_update().filter(pk=contract_id).first()
    if row is None:
        raise NotFoundError(what=str(contract_id))
    return row


def _codes(row: Contract) -> list[str]:
    return sorted(row.sets.values_list("dataset_id", flat=True))


def _note(row: Contract, step: ContractStepKind, *, actor: str, note: str, now: datetime) -> None:
    ContractStep.objects.create(contract=row, at=now, actor=actor, step=step, state=row.state, note=note)
