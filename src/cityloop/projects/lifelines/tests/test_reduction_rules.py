"""The demand side: the order of the cut, who is never cut, the sheet of users, and what runs when."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloop.kernel.errors import CityloopError
from cityloop.projects.lifelines.rules import reductions as rules
from cityloop.projects.lifelines.rules.days import HourPoint, Line, LineCurve
from cityloop.projects.lifelines.rules.effects import Portion, mean_over, running_at, supply_with
from cityloop.projects.lifelines.rules.reductions import (
    REDUCTION_MACHINE,
    ReductionState,
    ReductionStep,
    check_reduction_step,
    proposed_cut,
)
from cityloop.projects.lifelines.rules.requests import OwnRequestError, ReasonNeededError
from cityloop.projects.lifelines.rules.userlist import (
    BYTES_MAX,
    COLUMNS,
    ROWS_MAX,
    SheetUnreadableError,
    read_users,
    written_users,
)
from cityloop.projects.lifelines.rules.users import PROTECTED, USER_TITLES, LineUser, UserKind, fault_of

MIDNIGHT = datetime(2010, 1, 4, 16, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def user(position: int, kind: UserKind, quantity: float = 1.0, **changed: object) -> LineUser:
    values = {
        "position": position, "name": f"user {position}", "kind": kind, "use": quantity + 1, "quantity": quantity,
        "heat_bound": 0.0, "notice_hours": 0.0, "basis": "contract",
    }  # fmt: skip
    return LineUser(**(values | changed))


def protected(position: int, kind: UserKind = UserKind.HOSPITAL) -> LineUser:
    return user(position, kind, 0.0)


def test_every_kind_state_and_step_has_its_words() -> None:
    assert set(USER_TITLES) == set(UserKind)
    assert set(rules.REDUCTION_STATE_TITLES) == set(ReductionState)
    assert set(rules.REDUCTION_STEP_TITLES) == set(ReductionStep)


def test_interruptible_users_go_first_and_electricity_follows_heat() -> None:
    users = [
        user(1, UserKind.HEAT_AND_POWER, 2.0, use=9.0, heat_bound=7.0),
        user(2, UserKind.INDUSTRY, 2.0),
        user(3, UserKind.PEAKING_PLANT, 2.0),
        user(4, UserKind.INTERRUPTIBLE, 2.0),
        protected(5),
    ]
    made = proposed_cut(users, gap=7.0, hours_ahead=1)
    assert [(cut.user.kind, cut.quantity) for cut in made.cuts] == [
        (UserKind.INTERRUPTIBLE, 2.0),
        (UserKind.PEAKING_PLANT, 2.0),
        (UserKind.INDUSTRY, 2.0),
        (UserKind.HEAT_AND_POWER, 1.0),
    ]
    assert (made.total, made.left) == (7.0, 0.0)
    assert [(one.user.kind, one.reason) for one in made.passed] == [(UserKind.HOSPITAL, rules.NEVER)]


def test_who_needs_longer_notice_is_passed_over_and_the_rest_stays_open() -> None:
    users = [user(1, UserKind.INDUSTRY, 4.0, notice_hours=3.0), user(2, UserKind.INDUSTRY, 1.0, notice_hours=2.0)]
    made = proposed_cut(users, gap=3.0, hours_ahead=2.0)
    assert [cut.user.position for cut in made.cuts] == [2]
    assert (made.total, made.left) == (1.0, 2.0)
    assert [one.reason for one in made.passed] == [rules.TOO_LATE]


def test_nothing_is_cut_without_a_gap() -> None:
    made = proposed_cut([user(1, UserKind.INDUSTRY)], gap=-2.0, hours_ahead=9)
    assert (made.cuts, made.total, made.left) == ((), 0, 0.0)
    assert [one.reason for one in made.passed] == [rules.NOT_NEEDED]


USERS = st.lists(st.tuples(st.sampled_from(UserKind), st.floats(0.01, 50), st.floats(0, 24)), max_size=12).map(
    lambda rows: [
        protected(at, kind) if kind in PROTECTED else user(at, kind, quantity, notice_hours=notice)
        for at, (kind, quantity, notice) in enumerate(rows, start=1)
    ]
)


@given(USERS, st.floats(-5, 200), st.floats(0, 24))
def test_a_cut_never_touches_the_protected_and_is_no_more_than_needed(
    users: list[LineUser], gap: float, ahead: float
) -> None:
    made = proposed_cut(users, gap=gap, hours_ahead=ahead)
    assert not any(cut.user.is_protected for cut in made.cuts)
    assert all(0 < cut.quantity <= cut.user.quantity for cut in made.cuts)
    orders = [cut.user.order for cut in made.cuts]
    assert orders == sorted(orders)
    able = sum(one.quantity for one in users if not one.is_protected and one.notice_hours <= ahead)
    assert made.total == pytest.approx(min(max(gap, 0), able))
    assert made.total + made.left == pytest.approx(max(gap, 0))
    assert len(made.cuts) + len(made.passed) == len(users)
    assert [cut.quantity < cut.user.quantity for cut in made.cuts[:-1]] == [False] * max(0, len(made.cuts) - 1)


def test_the_figures_of_a_user_fit_together() -> None:
    assert fault_of(user(1, UserKind.INDUSTRY)) is None
    assert fault_of(protected(1)) is None
    assert fault_of(user(1, UserKind.SCHOOL, 1.0)) is not None
    assert fault_of(user(1, UserKind.INDUSTRY, 0.0)) is not None
    assert fault_of(user(1, UserKind.HEAT_AND_POWER, 2.0, use=5.0, heat_bound=4.0)) is not None


def test_a_reduction_walks_its_states() -> None:
    state, states = ReductionState.PROPOSED, []
    for step, actor in (("approve", "leader"), ("put_in_force", "anna"), ("lift", "anna")):
        state = check_reduction_step(state, ReductionStep(step), actor=actor, proposed_by="anna", note="so").state
        states.append(state.value)
    assert states == ["approved", "in_force", "lifted"]


def test_who_proposed_a_cut_does_not_decide_it_and_reasons_are_given() -> None:
    for step in (ReductionStep.APPROVE, ReductionStep.DECLINE):
        with pytest.raises(OwnRequestError):
            check_reduction_step(ReductionState.PROPOSED, step, actor="anna", proposed_by="anna", note="x")
    with pytest.raises(ReasonNeededError):
        check_reduction_step(ReductionState.IN_FORCE, ReductionStep.LIFT, actor="anna", proposed_by="anna")
    with pytest.raises(rules.ReductionStepNotPossibleError):
        check_reduction_step(ReductionState.LIFTED, ReductionStep.LIFT, actor="anna", proposed_by="anna", note="x")


@given(st.lists(st.tuples(st.sampled_from(ReductionStep), st.sampled_from(["anna", "leader"])), max_size=20))
def test_whatever_is_tried_nothing_is_in_force_that_another_did_not_approve(
    attempts: list[tuple[ReductionStep, str]],
) -> None:
    state, approved_by = ReductionState.PROPOSED, ""
    for step, actor in attempts:
        try:
            state = check_reduction_step(state, step, actor=actor, proposed_by="anna", note="so").state
        except CityloopError:
            continue
        approved_by = actor if step is ReductionStep.APPROVE else approved_by
        assert state is not ReductionState.IN_FORCE or approved_by == "leader"
    assert {move.state for move in REDUCTION_MACHINE} | {ReductionState.PROPOSED} == set(ReductionState)


NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=40).filter(lambda one: one.strip())


@given(
    st.lists(st.tuples(NAMES, NAMES, st.floats(0.001, 1e6)), min_size=1, max_size=6, unique_by=lambda r: r[0].strip())
)
def test_a_sheet_that_was_written_is_read_back_as_it_was(rows: list[tuple[str, str, float]]) -> None:
    users = [
        user(at, UserKind.INDUSTRY, quantity, name=name.strip(), basis=basis.strip(), use=quantity)
        for at, (name, basis, quantity) in enumerate(rows, start=1)
    ]
    report = read_users(written_users(users), in_force=users)
    assert report.faults == ()
    assert [(one.name, one.basis) for one in report.users] == [(one.name, one.basis) for one in users]
    assert report.is_usable
    assert (report.added, report.removed) == ((), ())


def test_a_cell_that_would_be_run_is_made_harmless() -> None:
    sheet = written_users([user(1, UserKind.INDUSTRY, name="=1+1", basis="'quoted")]).decode("utf-8-sig")
    assert ",'=1+1" not in sheet.replace("1,'=1+1", "")
    assert "'=1+1" in sheet
    assert [(one.name, one.basis) for one in read_users(sheet.encode()).users] == [("=1+1", "'quoted")]


def sheet_of(*rows: str) -> bytes:
    return "\r\n".join([",".join(COLUMNS), *rows]).encode()


def test_every_fault_of_a_sheet_is_told_with_its_row() -> None:
    report = read_users(
        sheet_of(
            "1,Works,industry,10,4,0,2,contract",
            "2,Hospital,hospital,10,4,0,2,plan",
            "x,,palace,-1,nan,0,1e9,",
            "1,Works,industry,10,4,0,2,contract",
            "3,Plant,heat_and_power,10,5,6,2,plan",
            "1.5,Half,industry,2,1,0,0,plan",
            "4,Works,industry,10,4,0,2,contract",
        ),
        in_force=[user(1, UserKind.INDUSTRY, name="Gone"), user(2, UserKind.INDUSTRY, name="Works")],
    )
    assert not report.is_usable
    assert {(one.row, one.column) for one in report.faults} >= {
        (3, "quantity"), (4, "position"), (4, "name"), (4, "kind"), (4, "use"), (4, "quantity"), (4, "notice_hours"),
        (4, "basis"), (5, "name"), (6, "quantity"), (7, "position"), (8, "name"),
    }  # fmt: skip
    assert (report.removed, report.changed) == (("Gone",), ("Works",))


def test_two_users_at_one_place_are_told() -> None:
    report = read_users(sheet_of("1,A,industry,2,1,0,0,b", "1,B,industry,2,1,0,0,b"))
    assert [(one.row, one.column) for one in report.faults] == [(3, "position")]


@pytest.mark.parametrize(
    "sheet",
    [
        b"", b"\n\n", b"name,kind\nx,y", b"\xff\xfe\x00\x01\x80\x80\xff", b'position,"name', b"x" * (BYTES_MAX + 1),
        sheet_of(*["1,A,industry,2,1,0,0,b"] * (ROWS_MAX + 1)), b"position\0",
    ],
)  # fmt: skip
def test_what_is_no_sheet_is_said_to_be_none(sheet: bytes) -> None:
    with pytest.raises(SheetUnreadableError):
        read_users(sheet)


def test_a_sheet_of_an_old_spreadsheet_is_read_too() -> None:
    sheet = (",".join(COLUMNS) + "\n1,首钢,industry,10,4,0,2,合同\n").encode("gb18030")
    assert read_users(sheet).users[0].name == "首钢"
    assert not read_users(sheet_of()).is_usable


def test_a_portion_counts_as_long_as_it_runs() -> None:
    half = Portion(begins_at=MIDNIGHT + 12 * HOUR, ends_at=MIDNIGHT + 3 * DAY, quantity=3.0)
    gone = Portion(begins_at=MIDNIGHT - DAY, ends_at=MIDNIGHT, quantity=9.0)
    assert mean_over([half, gone], begins_at=MIDNIGHT, ends_at=MIDNIGHT + DAY) == 1.5
    assert running_at([half, gone], MIDNIGHT) == 0
    assert running_at([half, gone], MIDNIGHT + 12 * HOUR) == 3.0
    assert running_at([half], MIDNIGHT + 3 * DAY) == 0


def curve(supply: float | None) -> LineCurve:
    hours = tuple(
        HourPoint(
            begins_at=MIDNIGHT + hour * HOUR, used=None, expected=None, low=None, high=None, last_year=None,
            temperature=None,
        )
        for hour in range(24)
    )  # fmt: skip
    return LineCurve(
        line=Line.GAS, at=MIDNIGHT, unit="10⁴ m³/h", hours=hours, capacity_an_hour=None, supply_an_hour=supply
    )


def test_the_supply_rises_while_a_grant_runs() -> None:
    grant = Portion(begins_at=MIDNIGHT + 6 * HOUR, ends_at=MIDNIGHT + 9 * HOUR + HOUR / 2, quantity=24.0)
    points = supply_with(curve(10.0), [grant], day_factor=1.0)
    assert [point.after for point in points[5:11]] == [10.0, 11.0, 11.0, 11.0, 10.5, 10.0]
    assert {point.before for point in points} == {10.0}
    assert supply_with(curve(10.0), [grant], day_factor=2.0)[6].after == 10.5
    assert supply_with(curve(None), [grant], day_factor=1.0) == ()
