"""Cuts on the demand side in the database: the list, the proposal, the steps, and who can never be cut."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from cityloop.journal import facade as journal
from cityloop.kernel.errors import NotAllowedError, NotFoundError
from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text
from cityloop.projects.lifelines import facade
from cityloop.projects.lifelines.facade import Line, ReductionState, ReductionStep
from cityloop.projects.lifelines.facts import ReductionStepped, UserListChanged
from cityloop.projects.lifelines.models import LineUserRow, Reduction, ReductionCut, UserList
from cityloop.projects.lifelines.rules import reductions as rules
from cityloop.projects.lifelines.rules.reductions import ReductionStepNotPossibleError
from cityloop.projects.lifelines.rules.requests import OwnRequestError, ReasonNeededError
from cityloop.projects.lifelines.rules.users import LineUser, UserKind
from cityloop.projects.lifelines.selectors.reductions import cuts_ahead
from cityloop.projects.lifelines.services import reductions as services
from cityloop.projects.lifelines.tests.conftest import PASSWORD
from cityloop.projects.lifelines.tests.coordination import MORNING, UNIT, USERS, picture
from cityloop.registry import facade as registry
from cityloop.registry.facade import PersonView
from tests.seeds import seed_registry

pytestmark = pytest.mark.django_db
People = dict[str, PersonView]
NOON = MORNING + timedelta(hours=2)
FROZEN = ("picture = '{}'", "seal = ''", "as_of = now()", "position = 7", "token = gen_random_uuid()", "number = 'DR'")


@pytest.fixture
def people() -> People:
    seed_registry()
    registry.ensure_demo_people(PASSWORD)
    found = {one.username: one for one in registry.people()}
    facade.change_user_list(
        Line.GAS, USERS, unit=UNIT, note="2009 年方案", person=found["gas"], expected_version=0, now=MORNING
    )
    return found


@pytest.fixture
def propose(people: People) -> Callable[..., facade.ReductionView]:
    def make(who: str = "gas", *, level: Level | None = Level.ORANGE, **more: object) -> facade.ReductionView:
        values = {
            "gap": 600.0, "begins_at": NOON, "ends_at": NOON + timedelta(days=2), "reason": "缺口", "token": uuid4(),
            "now": MORNING, **more,
        }  # fmt: skip
        number = facade.propose_reduction(Line.GAS, picture(level), person=people[who], **values)
        return facade.reduction_for(people["leader"], number)

    return make


@pytest.fixture
def step(people: People) -> Callable[..., facade.ReductionView]:
    def take(found: facade.ReductionView, kind: ReductionStep, who: str, **more: object) -> facade.ReductionView:
        newest = facade.reduction_for(people["leader"], found.reduction_id)
        values = {"token": uuid4(), "version": newest.version, "note": "因", "now": MORNING, **more}
        facade.take_reduction_step(found.reduction_id, kind, person=people[who], **values)
        return facade.reduction_for(people["leader"], found.reduction_id)

    return take


Propose = Callable[..., facade.ReductionView]


def test_the_list_is_versioned_and_only_its_own_organisation_changes_it(people: People) -> None:
    change = {"unit": UNIT, "note": "新增", "now": MORNING}
    assert facade.user_list(Line.GAS).users == USERS
    assert facade.user_list(Line.GAS).reducible == 900.0
    assert facade.user_list(Line.WATER).version == 0
    made = facade.change_user_list(Line.GAS, USERS[:2], person=people["gas"], expected_version=1, **change)
    assert (made, len(facade.user_list(Line.GAS).users)) == (2, 2)
    with pytest.raises(services.UserListStaleError):
        facade.change_user_list(Line.GAS, USERS, person=people["gas"], expected_version=1, **change)
    with pytest.raises(NotAllowedError):
        facade.change_user_list(Line.GAS, USERS, person=people["water"], expected_version=2, **change)
    with pytest.raises(ReasonNeededError):
        facade.change_user_list(Line.GAS, USERS, person=people["gas"], expected_version=2, **(change | {"note": ""}))
    wrong = replace(USERS[3], quantity=5.0)
    with pytest.raises(services.UserFiguresError):
        facade.change_user_list(Line.GAS, [wrong], person=people["gas"], expected_version=2, **change)
    assert len(journal.newest_facts(kinds=[UserListChanged], limit=9)) == 2


def test_a_proposal_takes_users_in_order_and_says_its_sum(propose: Propose) -> None:
    found = propose()
    assert [(cut.user.name, cut.quantity) for cut in facade.cuts_of(found.reduction_id)] == [
        ("化工厂", 300.0), ("玻璃厂", 200.0), ("热电厂", 100.0),
    ]  # fmt: skip
    assert (found.total, found.left, found.state, found.number) == (
        600.0,
        0.0,
        ReductionState.PROPOSED,
        "DR-20100105-001",
    )
    assert propose(gap=5000.0, begins_at=NOON + timedelta(days=2), ends_at=NOON + timedelta(days=3)).left == 4100.0


def test_two_cuts_of_one_time_never_take_a_user_twice(propose: Propose, step: Propose) -> None:
    first = propose(gap=400.0)
    step(first, ReductionStep.APPROVE, "leader")
    second = propose(gap=5000.0)
    assert [(cut.user.name, cut.quantity) for cut in facade.cuts_of(second.reduction_id)] == [
        ("玻璃厂", 100.0), ("热电厂", 400.0),
    ]  # fmt: skip
    with pytest.raises(services.NothingToReduceError):
        propose(gap=1.0)
    shown = facade.proposal_for(Line.GAS, gap=1.0, now=MORNING, begins_at=NOON, ends_at=NOON + timedelta(days=1))
    assert [one.reason for one in shown.passed] == [rules.TAKEN] * 3 + [rules.NEVER]
    step(first, ReductionStep.LIFT, "gas")
    assert [cut.user.name for cut in facade.cuts_of(propose(gap=300.0).reduction_id)] == ["化工厂"]


def test_the_same_form_twice_is_one_proposal(propose: Propose) -> None:
    token = uuid4()
    assert propose(token=token) == propose(token=token)
    assert Reduction.objects.count() == 1


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"gap": 0.0}, services.GapNeededError),
        ({"gap": float("inf")}, services.GapNeededError),
        ({"gap": float("nan")}, services.GapNeededError),
        ({"begins_at": MORNING - timedelta(seconds=1)}, services.ReductionWindowError),
        ({"ends_at": NOON}, services.ReductionWindowError),
        ({"begins_at": MORNING}, services.NothingToReduceError),
        ({"reason": " "}, ReasonNeededError),
    ],
)
def test_what_makes_no_sense_is_not_proposed(
    changed: dict[str, object], error: type[Exception], propose: Propose
) -> None:
    with pytest.raises(error):
        propose(**changed)
    assert (Reduction.objects.count(), ReductionCut.objects.count()) == (0, 0)


CHANGED = (
    ((), rules.GONE),
    ((replace(USERS[0], kind=UserKind.HOSPITAL, quantity=0.0),), rules.NEVER),
    ((replace(USERS[0], quantity=100.0),), rules.LESS),
    ((replace(USERS[0], notice_hours=3.0),), rules.TOO_LATE),
)


@pytest.mark.parametrize(("instead", "reason"), CHANGED)
@pytest.mark.parametrize("kind", [ReductionStep.APPROVE, ReductionStep.PUT_IN_FORCE])
def test_the_list_in_force_is_heard_at_every_step(  # noqa: PLR0913, PLR0917  fixtures
    kind: ReductionStep, instead: tuple[LineUser, ...], reason: Text, propose: Propose, step: Propose, people: People
) -> None:
    found = propose(gap=200.0)
    if kind is ReductionStep.PUT_IN_FORCE:
        step(found, ReductionStep.APPROVE, "leader")
    change = {"unit": UNIT, "note": "新方案", "person": people["gas"], "now": MORNING}
    facade.change_user_list(Line.GAS, (*instead, *USERS[1:]), expected_version=1, **change)
    who = "leader" if kind is ReductionStep.APPROVE else "gas"
    with pytest.raises(services.CutUnfitError) as refused:
        step(found, kind, who)
    assert refused.value.parameters == {"name": "化工厂", "reason": reason}
    before = ReductionState.PROPOSED if kind is ReductionStep.APPROVE else ReductionState.APPROVED
    assert facade.reduction_for(people["leader"], found.reduction_id).state is before
    assert step(found, ReductionStep.LIFT, "gas").state is ReductionState.LIFTED


def test_notice_runs_from_the_approval(propose: Propose, step: Propose) -> None:
    late, early = propose(gap=200.0), propose(gap=100.0)
    with pytest.raises(services.CutUnfitError):
        step(late, ReductionStep.APPROVE, "leader", now=NOON - timedelta(minutes=59))
    step(early, ReductionStep.APPROVE, "leader", now=NOON - timedelta(minutes=61))
    assert step(early, ReductionStep.PUT_IN_FORCE, "gas", now=NOON).state is ReductionState.IN_FORCE


def test_it_is_approved_put_in_force_and_lifted_and_counts_meanwhile(
    propose: Propose, step: Propose, people: People
) -> None:
    found = propose()
    with pytest.raises(NotAllowedError):
        step(found, ReductionStep.APPROVE, "duty1")
    found = step(found, ReductionStep.APPROVE, "leader")
    assert facade.reduced(Line.GAS, NOON) == 0
    found = step(found, ReductionStep.PUT_IN_FORCE, "gas", now=NOON + timedelta(hours=1))
    assert facade.reduced(Line.GAS, NOON) == 0
    assert facade.reduced(Line.GAS, NOON + timedelta(hours=2)) == 600.0
    found = step(found, ReductionStep.LIFT, "gas", now=NOON + timedelta(hours=7))
    assert (found.state, found.lifted_at) == (ReductionState.LIFTED, NOON + timedelta(hours=7))
    assert facade.reduced(Line.GAS, NOON + timedelta(hours=8)) == 0
    assert facade.reduced(Line.GAS, NOON + timedelta(hours=6)) == 600.0
    over = facade.reduced_over(Line.GAS, NOON, NOON + timedelta(hours=12), at=NOON + timedelta(days=1))
    assert over == pytest.approx(300.0)
    assert [one.step.value for one in facade.reduction_steps(found.reduction_id)] == [
        "propose", "approve", "put_in_force", "lift",
    ]  # fmt: skip
    assert len(journal.newest_facts(kinds=[ReductionStepped], limit=9)) == 4
    assert facade.reduction_steps_open_to(found, people["leader"]) == ()


def test_a_cut_lowers_the_gap_by_what_lies_ahead_of_it_only(propose: Propose, step: Propose) -> None:
    found = step(propose(), ReductionStep.APPROVE, "leader")
    found = step(found, ReductionStep.PUT_IN_FORCE, "gas", now=NOON)
    day = (NOON - timedelta(hours=12), NOON + timedelta(hours=12))
    taken = [cuts_ahead(Line.GAS, *day, at=NOON + timedelta(hours=hours)) for hours in (0, 6, 12)]
    assert [[one.quantity for one in shares] for shares in taken] == [[300.0], [150.0], []]
    assert taken[0][0].number == found.number


def test_who_proposed_does_not_approve(propose: Propose, step: Propose, people: People) -> None:
    found = propose("duty1", level=Level.BLUE)
    with pytest.raises(OwnRequestError):
        step(found, ReductionStep.APPROVE, "duty1")
    assert ReductionStep.APPROVE not in {one.step for one in facade.reduction_steps_open_to(found, people["duty1"])}
    assert step(found, ReductionStep.APPROVE, "duty2").state is ReductionState.APPROVED


def test_a_decision_on_an_old_version_is_refused_and_a_step_is_taken_once(propose: Propose, step: Propose) -> None:
    found, token = propose(), uuid4()
    first = step(found, ReductionStep.APPROVE, "leader", token=token, version=1)
    assert step(found, ReductionStep.APPROVE, "leader", token=token, version=1) == first
    with pytest.raises(services.ReductionChangedError):
        step(found, ReductionStep.PUT_IN_FORCE, "gas", version=1)
    with pytest.raises(ReductionStepNotPossibleError):
        step(found, ReductionStep.DECLINE, "leader")


def test_others_neither_see_nor_propose_nor_lift(propose: Propose, step: Propose, people: People) -> None:
    found = propose()
    for who in ("water", "citizen", "chaoyang.duty", "leader"):
        with pytest.raises(NotAllowedError):
            propose(who)
    with pytest.raises(NotAllowedError):
        step(found, ReductionStep.LIFT, "water")
    with pytest.raises(NotAllowedError):
        facade.reduction_for(people["water"], found.reduction_id)
    assert facade.reductions_of(people["water"]) == []
    assert facade.reductions_of(people["gas"], line=Line.GAS) == [found]
    with pytest.raises(NotFoundError):
        facade.reduction_for(people["leader"], 4711)
    with pytest.raises(NotFoundError):
        facade.take_reduction_step(
            4711, ReductionStep.LIFT, person=people["gas"], token=uuid4(), version=1, note="x", now=MORNING
        )


def test_the_database_lets_nobody_cut_a_protected_user(propose: Propose) -> None:
    found = propose()
    hospital = LineUserRow.objects.get(name="协和医院")
    cut = {"reduction_id": found.reduction_id, "position": 9, "user": hospital, "quantity": 1.0}
    for protected in (False, True):
        with pytest.raises(IntegrityError), transaction.atomic():
            ReductionCut.objects.create(protected=protected, **cut)


@pytest.mark.parametrize("column", [*FROZEN, "proposed_by = 'person:1'", "proposed_at = now()"])
def test_the_database_keeps_what_was_proposed_as_it_was(column: str, propose: Propose) -> None:
    assert propose()
    order = f"UPDATE lifelines_reduction SET {column}"
    with pytest.raises(DatabaseError, match="frozen"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(order)


@pytest.mark.parametrize(
    "changed",
    [
        {"protected": False}, {"protected": False, "quantity": 5.0}, {"quantity": 5.0}, {"kind": "industry"},
        {"heat_bound": -1.0}, {"use": -1.0},
    ],
)  # fmt: skip
def test_the_database_holds_protection_to_the_kind(changed: dict[str, object], people: People) -> None:
    assert people
    hospital = LineUserRow.objects.filter(name="协和医院")
    with pytest.raises(IntegrityError), transaction.atomic():
        hospital.update(**changed)
    assert UserList.objects.count() == 1


def test_the_proposal_is_shown_before_it_is_made(people: People) -> None:
    assert people
    made = facade.proposal_for(Line.GAS, gap=350.0, now=MORNING, begins_at=NOON, ends_at=NOON + timedelta(days=1))
    assert [cut.user.name for cut in made.cuts] == ["化工厂", "玻璃厂"]
    none = facade.proposal_for(Line.WATER, gap=350.0, now=MORNING, begins_at=NOON, ends_at=NOON + timedelta(days=1))
    assert none.cuts == ()
