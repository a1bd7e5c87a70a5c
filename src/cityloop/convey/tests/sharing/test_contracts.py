"""Contracts: asked by one side, decided by another person of the other, granted for that time, told in the journal."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from cityloop.convey.facade import sharing
from cityloop.convey.facade.sharing import ContractState as State
from cityloop.convey.models import Access, SharingTerm
from cityloop.convey.rules.contracts import ContractStepError, ContractTimesError, ReasonMissingError, SamePersonError
from cityloop.convey.services.sharing_contracts import end_contract
from cityloop.convey.tests.sharing.conftest import SharedCity
from cityloop.journal import facade as journal
from cityloop.kernel.areas import CITY
from cityloop.kernel.errors import NotAllowedError, NotFoundError
from cityloop.kernel.facts.conveyed import ContractApproved, ContractEnded
from cityloop.registry import facade as registry
from cityloop.registry.facade import Role

HOUR = timedelta(hours=1)


def granted() -> set[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT organisation, dataset FROM registry_grant"
            " WHERE ended_at IS NULL AND valid_from <= now() AND valid_until > now()"
        )
        return set(cursor.fetchall())


def facts(kind: Any) -> list[Any]:
    return [entry.fact for entry in journal.newest_facts(kinds=[kind], limit=10)]


def test_the_owner_approves_until_a_date_and_the_right_is_there_until_then(shared: SharedCity) -> None:
    asked = shared.ask("water", days=30)
    assert (asked.state, asked.owner, asked.asker) == (State.ASKED, "water-group", "environment-bureau")
    assert granted() == set()
    until = datetime.now(UTC) + HOUR
    approved = shared.approve(asked.contract_id, until=until)
    assert (approved.state, approved.granted.until) == (State.RUNNING, until)
    assert granted() == {("environment-bureau", "water")}
    (fact,) = facts(ContractApproved)
    assert (fact.contract_id, fact.datasets, fact.valid_until) == (asked.contract_id, "water", until)
    assert [one.step for one in sharing.contract_steps(asked.contract_id)] == ["ask", "approve", "begin"]


def test_a_contract_that_is_due_is_ended_by_the_clock_once(shared: SharedCity) -> None:
    contract = shared.approve(shared.ask("water").contract_id, until=datetime.now(UTC) + HOUR)
    assert sharing.follow_clock(datetime.now(UTC)) == 0
    assert sharing.follow_clock(datetime.now(UTC) + HOUR) == 1
    assert sharing.follow_clock(datetime.now(UTC) + HOUR) == 0
    ended = sharing.contract(contract.contract_id)
    assert (ended.state, ended.ended_at is not None) == (State.EXPIRED, True)
    assert granted() == set()
    (fact,) = facts(ContractEnded)
    assert (fact.reason, fact.actor) == ("expired", "system:loop")


def test_a_contract_that_begins_later_begins_by_the_clock(shared: SharedCity) -> None:
    person, now = shared.people["air.data"], datetime.now(UTC)
    asked = sharing.ask_for_contract(
        person,
        ["water"],
        asker="environment-bureau",
        purpose="x",
        legal_basis="x",
        wanted=sharing.Times(now + HOUR, now + 5 * HOUR),
    )
    assert shared.approve(asked.contract_id).state is State.APPROVED
    assert granted() == set()
    sharing.follow_clock(now + HOUR)
    assert sharing.contract(asked.contract_id).state is State.RUNNING


@pytest.mark.parametrize(
    ("who", "state", "reason"), [("air.data", State.WITHDRAWN, ""), ("water.data", State.TERMINATED, "滥用")]
)
def test_either_side_ends_it_at_once(shared: SharedCity, who: str, state: State, reason: str) -> None:
    contract = shared.contract("water")
    ended = sharing.end_own_contract(shared.people[who], contract.contract_id, note=reason)
    assert ended.state is state
    assert granted() == set()
    assert facts(ContractEnded)[0].reason == state
    with pytest.raises(ContractStepError):
        sharing.end_own_contract(shared.people[who], contract.contract_id, note="再来")


def test_what_was_only_asked_is_withdrawn_without_a_fact(shared: SharedCity) -> None:
    asked = shared.ask("water")
    assert sharing.end_own_contract(shared.people["air.data"], asked.contract_id, note="").state is State.WITHDRAWN
    assert facts(ContractEnded) == []


def test_the_owner_says_why_it_refuses_or_terminates(shared: SharedCity) -> None:
    asked, owner = shared.ask("water"), shared.people["water.data"]
    with pytest.raises(ReasonMissingError):
        sharing.decide_contract(owner, asked.contract_id, approve=False, until=None, note=" ")
    refused = sharing.decide_contract(owner, asked.contract_id, approve=False, until=None, note="涉密")
    assert (refused.state, granted()) == (State.REFUSED, set())
    with pytest.raises(ContractStepError):
        shared.approve(asked.contract_id)
    contract = shared.contract("water")
    with pytest.raises(ReasonMissingError):
        sharing.end_own_contract(owner, contract.contract_id, note="")


def test_nobody_decides_for_another_organisation_or_on_the_own_request(shared: SharedCity) -> None:
    asked = shared.ask("water")
    for who in ("air.data", "operator", "leader", "water"):
        with pytest.raises(NotAllowedError):
            shared.approve(asked.contract_id, who=who)
    both = shared.people["air.data"]
    post = registry.Post(role=Role.DATA_OWNER, area=CITY, organisation="water-group", valid_from=registry.today())
    registry.add_post(shared.people["operator"], both.person_id, post)
    shared.people["air.data"] = registry.person(both.person_id)
    with pytest.raises(SamePersonError):
        shared.approve(asked.contract_id, who="air.data")


def test_no_longer_is_granted_than_was_asked_and_no_longer_asked_than_may_be(shared: SharedCity) -> None:
    asked = shared.ask("water", days=10)
    for until in (asked.wanted.until + HOUR, datetime.now(UTC) - HOUR):
        with pytest.raises(ContractTimesError):
            shared.approve(asked.contract_id, until=until)
    with pytest.raises(ContractTimesError):
        shared.ask("heat", days=400)
    SharingTerm.objects.create(
        code="contract_days_max", version=2, amount=500, unit="d", basis_zh="新规", basis_en="new", confirmed=True
    )
    assert sharing.sharing_term("contract_days_max").confirmed
    shared.ask("heat", days=400)
    with pytest.raises(NotFoundError):
        sharing.sharing_term("else")


@pytest.mark.parametrize("codes", [("water", "heat"), ("air",), ("none",), ("water", "none")])
def test_a_contract_is_about_sets_of_one_other_owner(shared: SharedCity, codes: tuple[str, ...]) -> None:
    with pytest.raises(sharing.NotOfferedError):
        shared.ask(*codes)


def test_the_same_is_not_asked_twice(shared: SharedCity) -> None:
    shared.ask("water")
    with pytest.raises(sharing.AskedAlreadyError):
        shared.ask("water")


def test_only_the_two_sides_and_the_operator_look_at_a_contract(shared: SharedCity) -> None:
    asked = shared.ask("water")
    for who in ("air.data", "water.data", "water", "operator"):
        assert sharing.contract_for(shared.people[who], asked.contract_id) == asked
    for who in ("heat", "duty1", "leader", "citizen"):
        with pytest.raises(NotFoundError):
            sharing.contract_for(shared.people[who], asked.contract_id)


def test_a_token_is_its_organisations_and_revoked_by_it(shared: SharedCity) -> None:
    contract = shared.contract("water")
    asker, owner = shared.people["air.data"], shared.people["water.data"]
    sharing.issue_own_token(asker, contract.contract_id, name="预报系统")
    (token,) = registry.tokens(organisation="environment-bureau")
    assert (token.name, token.may_read, token.may_write) == ("预报系统", True, False)
    with pytest.raises(NotAllowedError):
        sharing.issue_own_token(owner, contract.contract_id, name="x")
    with pytest.raises(NotAllowedError):
        sharing.revoke_own_token(owner, contract.contract_id, token.token_id)
    with pytest.raises(NotFoundError):
        sharing.revoke_own_token(asker, contract.contract_id, token.token_id + 100)
    sharing.revoke_own_token(asker, contract.contract_id, token.token_id)
    assert registry.tokens(organisation="environment-bureau")[0].revoked_at
    sharing.end_own_contract(asker, contract.contract_id, note="")
    with pytest.raises(sharing.ContractNotInForceError):
        sharing.issue_own_token(asker, contract.contract_id, name="x")


def test_every_change_is_in_the_audit(shared: SharedCity) -> None:
    contract = shared.contract("water")
    sharing.issue_own_token(shared.people["air.data"], contract.contract_id, name="预报")
    sharing.end_own_contract(shared.people["water.data"], contract.contract_id, note="到此")
    told = [one.what for one in registry.audit_entries(outcome="changed")]
    assert [what.split()[0] for what in told] == ["data", "token", "data", "data"]
    assert not any("machine of" in what for what in told)


def test_the_log_of_reads_is_trimmed_by_its_term(shared: SharedCity) -> None:
    assert shared.people
    old = Access.objects.create(kind="feed", path="x", rows=1, datasets=[], owners=["water-group"], contracts=[])
    Access.objects.filter(pk=old.pk).update(at=datetime.now(UTC) - timedelta(days=185))
    Access.objects.create(kind="feed", path="y", rows=1, datasets=[], owners=["water-group"], contracts=[])
    assert sharing.trim_reads(datetime.now(UTC)) == 1
    assert [one.path for one in sharing.reads(sharing.ReadFilter())] == ["y"]


def test_the_exchange_counts_what_others_read_with_what_it_is_out_of(shared: SharedCity) -> None:
    contract = shared.contract("water")
    for organisation, rows in (("environment-bureau", 5), ("environment-bureau", 7), ("water-group", 100)):
        Access.objects.create(
            kind="feed",
            path="x",
            rows=rows,
            organisation=organisation,
            datasets=["water"],
            owners=["water-group"],
            contracts=[contract.contract_id],
        )
    tallies, by_day = sharing.exchange_statistics(days=30, now=datetime.now(UTC))
    of = {one.organisation: one for one in tallies}
    water, air = of["water-group"], of["environment-bureau"]
    assert (water.datasets, water.streams, water.streams_all) == (1, 2, 2)
    assert (water.contracts_running, water.contracts_all) == (1, 1)
    assert (water.given_reads, water.given_rows, water.taken_reads) == (2, 12, 0)
    assert (air.taken_reads, air.taken_rows, air.given_reads) == (2, 12, 0)
    assert [(one.reader, one.owner, one.reads, one.rows) for one in by_day] == [
        ("environment-bureau", "water-group", 2, 12)
    ]


def test_an_end_that_comes_twice_changes_nothing(shared: SharedCity) -> None:
    contract = shared.contract("water")
    sharing.end_own_contract(shared.people["air.data"], contract.contract_id, note="")
    with pytest.raises(ContractStepError):
        end_contract(
            contract.contract_id,
            step=sharing.ContractStepKind.TERMINATE,
            actor="person:1",
            note="x",
            now=datetime.now(UTC),
        )
    with pytest.raises(NotFoundError):
        sharing.contract(0)
