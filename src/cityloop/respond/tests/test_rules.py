"""The machine of a case: what may follow what, whose hands stay apart, what the clock does."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloop.kernel.clocks import Clock, Limit, deadline_of
from cityloop.respond.rules.clock import (
    ClockState,
    Urgency,
    clock_in,
    due_after_pause,
    is_on_time,
    time_left,
    urgency_of,
)
from cityloop.respond.rules.machine import (
    MACHINE,
    TASK_ENDED,
    TASK_GIVEN,
    SamePersonError,
    Standing,
    StepNotPossibleError,
    Taken,
    TooLateToReopenError,
    VerificationNeededError,
    VoidNotAskedError,
    check_step,
    conflicting_step,
    move_of,
)
from cityloop.respond.rules.matters import (
    CASE_RULES,
    Place,
    Source,
    box_around,
    distance_m,
    is_same_matter,
)
from cityloop.respond.rules.publicity import without_contacts
from cityloop.respond.rules.states import ENDED, POST_TITLES, STATE_TITLES, STEP_TITLES, Post, State, Step

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)  # a Monday, 12:00 in the city
ACTORS = ("person:1", "person:2", "person:3", "person:4")
MOVES = {(move.state_before, move.step): move.state for move in MACHINE}


def weekdays(day: date) -> bool:
    return day.weekday() < 5


@settings(max_examples=300)
@given(
    st.sampled_from(Source),
    st.lists(st.tuples(st.sampled_from(Step), st.sampled_from(ACTORS)), max_size=60),
)
def test_random_actors_never_get_a_case_off_its_way(source: Source, tries: list[tuple[Step, str]]) -> None:
    standing, at = Standing(state=State.REPORTED, source=source), NOON
    for step, actor in tries:
        at += timedelta(hours=1)
        try:
            move = check_step(standing, step, actor=actor, at=at)
        except (StepNotPossibleError, SamePersonError, VerificationNeededError, VoidNotAskedError):
            continue
        assert MOVES[standing.state, step] is move.state
        closed_at = at if step is Step.PASS_CHECK else standing.closed_at
        taken = (*standing.taken, Taken(step, actor))
        standing = Standing(state=move.state, source=source, taken=taken, closed_at=closed_at)
    assert_history_is_sound(standing)


@settings(max_examples=300)
@given(st.sampled_from(Source), st.data())
def test_random_walks_along_open_steps_keep_every_promise(source: Source, data: st.DataObject) -> None:
    standing, at = Standing(state=State.REPORTED, source=source), NOON
    for _ in range(data.draw(st.integers(0, 40))):
        open_steps = [(step, actor) for step in Step for actor in ACTORS if is_open(standing, step, actor, at)]
        if not open_steps:
            break
        step, actor = data.draw(st.sampled_from(open_steps))
        move = check_step(standing, step, actor=actor, at=at)
        closed_at = at if step is Step.PASS_CHECK else standing.closed_at
        taken = (*standing.taken, Taken(step, actor))
        standing = Standing(state=move.state, source=source, taken=taken, closed_at=closed_at)
    assert_history_is_sound(standing)


def is_open(standing: Standing, step: Step, actor: str, at: datetime) -> bool:
    try:
        check_step(standing, step, actor=actor, at=at)
    except (StepNotPossibleError, SamePersonError, VerificationNeededError, VoidNotAskedError):
        return False
    return True


def assert_history_is_sound(standing: Standing) -> None:
    state = State.REPORTED
    for past in standing.taken:
        state = MOVES[state, past.step]
    assert state is standing.state
    by_step: dict[Step, set[str]] = {}
    for past in standing.taken:
        by_step.setdefault(past.step, set()).add(past.actor)
    closers = by_step.get(Step.PASS_CHECK, set())
    assert not closers & by_step.get(Step.DISPATCH, set())
    assert not closers & (by_step.get(Step.SIGN, set()) | by_step.get(Step.FINISH, set()))
    counts = {step: sum(past.step is step for past in standing.taken) for step in Step}
    assert counts[Step.TAKE_REWORK] <= counts[Step.FAIL_CHECK] <= counts[Step.ORDER_CHECK]
    assert counts[Step.GRANT_DELAY] + counts[Step.REFUSE_DELAY] <= counts[Step.ASK_DELAY]
    assert counts[Step.REOPEN] <= counts[Step.PASS_CHECK] <= counts[Step.REOPEN] + 1
    if counts[Step.FILE]:
        assert standing.source not in {Source.CITIZEN, Source.HOTLINE, Source.MEDIA}


def test_the_way_of_the_standard_is_walked_from_end_to_end() -> None:
    steps = [
        Step.ACCEPT,
        Step.ORDER_VERIFICATION,
        Step.CONFIRM,
        Step.DISPATCH,
        Step.SIGN,
        Step.FINISH,
        Step.ORDER_CHECK,
        Step.FAIL_CHECK,
        Step.TAKE_REWORK,
        Step.FINISH,
        Step.ORDER_CHECK,
        Step.PASS_CHECK,
        Step.EVALUATE,
    ]
    state = State.REPORTED
    for step in steps:
        state = move_of(state, step).state
    assert state is State.EVALUATED


def test_every_state_but_the_ended_ones_has_a_way_on_and_is_reached() -> None:
    assert {move.state_before for move in MACHINE} == set(State) - ENDED | {State.CLOSED}
    assert {move.state for move in MACHINE} == set(State) - {State.REPORTED}


def test_every_state_step_and_post_has_its_words() -> None:
    assert (set(STATE_TITLES), set(STEP_TITLES), set(POST_TITLES)) == (set(State), set(Step), set(Post))


def test_a_step_from_the_wrong_state_names_the_state() -> None:
    with pytest.raises(StepNotPossibleError) as caught:
        move_of(State.CLOSED, Step.DISPATCH)
    assert caught.value.parameters["state"].zh == "已结案"


@pytest.mark.parametrize("past", [Step.DISPATCH, Step.SIGN, Step.FINISH, Step.GRANT_DELAY])
def test_who_dispatched_or_handled_may_not_close(past: Step) -> None:
    taken = [Taken(past, "person:1")]
    assert conflicting_step(Step.PASS_CHECK, actor="person:1", taken=taken) is past
    assert conflicting_step(Step.PASS_CHECK, actor="person:2", taken=taken) is None


def test_who_closed_a_case_may_not_dispatch_it_when_it_is_reopened() -> None:
    assert conflicting_step(Step.DISPATCH, actor="person:1", taken=[Taken(Step.PASS_CHECK, "person:1")])


def test_voiding_takes_two_persons_and_a_fresh_request() -> None:
    filed = Standing(state=State.FILED, source=Source.ALARM, taken=(Taken(Step.FILE, "system:loop"),))
    with pytest.raises(VoidNotAskedError):
        check_step(filed, Step.VOID, actor="person:1", at=NOON)
    asked = Standing(state=State.FILED, source=Source.ALARM, taken=(*filed.taken, Taken(Step.ASK_VOID, "person:1")))
    with pytest.raises(SamePersonError):
        check_step(asked, Step.VOID, actor="person:1", at=NOON)
    assert check_step(asked, Step.VOID, actor="person:2", at=NOON).state is State.VOID
    back = Standing(
        state=State.FILED,
        source=Source.ALARM,
        taken=(*asked.taken, Taken(Step.DISPATCH, "person:3"), Taken(Step.SEND_BACK, "person:4")),
    )
    with pytest.raises(VoidNotAskedError):
        check_step(back, Step.VOID, actor="person:2", at=NOON)


def test_a_citizens_report_is_not_filed_unseen_but_an_inspectors_is() -> None:
    citizen = Standing(state=State.ACCEPTED, source=Source.CITIZEN)
    with pytest.raises(VerificationNeededError):
        check_step(citizen, Step.FILE, actor="person:1", at=NOON)
    inspector = Standing(state=State.ACCEPTED, source=Source.INSPECTOR)
    assert check_step(inspector, Step.FILE, actor="person:1", at=NOON).state is State.FILED


def test_a_case_is_reopened_within_its_days_only() -> None:
    closed = Standing(state=State.CLOSED, source=Source.ALARM, closed_at=NOON)
    last = NOON + timedelta(days=CASE_RULES.reopen_days)
    assert check_step(closed, Step.REOPEN, actor="person:1", at=last).state is State.FILED
    with pytest.raises(TooLateToReopenError):
        check_step(closed, Step.REOPEN, actor="person:1", at=last + timedelta(seconds=1))


def test_the_clock_starts_at_filing_and_stops_while_suspended() -> None:
    assert clock_in(State.ACCEPTED) is ClockState.NOT_STARTED
    assert clock_in(State.FILED) is clock_in(State.REWORK) is clock_in(State.DELAY_PENDING) is ClockState.RUNNING
    assert clock_in(State.SUSPENDED) is ClockState.STOPPED
    assert clock_in(State.ANSWERED) is clock_in(State.CLOSED) is ClockState.DONE


HOURS = st.floats(0.1, 200)


@given(st.sampled_from(Clock), st.integers(1, 30), HOURS, HOURS)
def test_a_pause_never_shortens_a_limit_nor_saves_one_that_is_over(
    clock: Clock, amount: int, paused_after_h: float, pause_h: float
) -> None:
    due_at = deadline_of(NOON, Limit(amount, clock), is_workday=weekdays)
    paused_at = NOON + timedelta(hours=paused_after_h)
    resumed_at = paused_at + timedelta(hours=pause_h)
    new = due_after_pause(due_at, paused_at=paused_at, resumed_at=resumed_at, clock=clock, is_workday=weekdays)
    assert new >= due_at
    if paused_at >= due_at:
        assert new == due_at
    elif clock is Clock.NATURAL:
        assert abs((new - due_at) - (resumed_at - paused_at)) < timedelta(milliseconds=1)


@given(st.sampled_from(Clock), st.integers(1, 30))
def test_what_is_left_at_the_start_is_the_whole_limit(clock: Clock, amount: int) -> None:
    due_at = deadline_of(NOON, Limit(amount, clock), is_workday=weekdays)
    assert time_left(due_at, at=NOON, clock=clock, is_workday=weekdays) == pytest.approx(amount)
    assert time_left(due_at, at=due_at, clock=clock, is_workday=weekdays) == 0.0


def test_a_working_limit_suspended_after_its_last_working_hour_is_due_at_once_on_return() -> None:
    due_at = datetime(2026, 11, 28, 4, tzinfo=UTC)  # a Saturday, as an extension by hand may set it
    paused_at, resumed_at = due_at - timedelta(hours=1), due_at + timedelta(days=3)
    new = due_after_pause(
        due_at, paused_at=paused_at, resumed_at=resumed_at, clock=Clock.WORKING_HOUR, is_workday=weekdays
    )
    assert new == resumed_at


@pytest.mark.parametrize(
    ("hours", "urgency"),
    [(0, Urgency.GREEN), (4.9, Urgency.GREEN), (5, Urgency.YELLOW), (8, Urgency.YELLOW), (8.1, Urgency.ORANGE),
     (10, Urgency.ORANGE), (10.1, Urgency.RED)],
)  # fmt: skip
def test_what_is_left_of_a_limit_has_its_colour(hours: float, urgency: Urgency) -> None:
    due_at, at = NOON + timedelta(hours=10), NOON + timedelta(hours=hours)
    assert urgency_of(started_at=NOON, due_at=due_at, at=at) is urgency


def test_without_a_limit_nothing_is_urgent() -> None:
    assert urgency_of(started_at=None, due_at=None, at=NOON) is Urgency.NONE
    assert urgency_of(started_at=NOON, due_at=NOON, at=NOON) is Urgency.ORANGE


def test_work_done_at_the_very_limit_is_on_time() -> None:
    assert is_on_time(handled_at=NOON, due_at=NOON)
    assert not is_on_time(handled_at=NOON + timedelta(microseconds=1), due_at=NOON)


def test_a_degree_of_latitude_is_111_km() -> None:
    assert distance_m(Place(116.4, 39.9), Place(116.4, 40.9)) == pytest.approx(111_195, abs=5)


PLACE = Place(116.4, 39.9)


@pytest.mark.parametrize(
    ("other", "span_h", "same"),
    [(PLACE, 23, True), (PLACE, 25, False), (Place(116.4, 39.902), 1, False), (Place(116.4, 39.901), 1, True),
     (None, 0, False)],
)  # fmt: skip
def test_signals_are_one_matter_when_near_in_place_and_time(other: Place | None, span_h: float, *, same: bool) -> None:
    span = timedelta(hours=span_h)
    assert is_same_matter(PLACE, other, span=span, distance_max_m=150.0, span_max_h=24.0) is same


def test_a_box_holds_every_point_within_its_distance() -> None:
    box = box_around(PLACE, 150.0)
    assert distance_m(PLACE, Place(box.east, PLACE.latitude)) == pytest.approx(150.0, rel=1e-3)
    assert distance_m(PLACE, Place(PLACE.longitude, box.south)) == pytest.approx(150.0, rel=1e-3)


@pytest.mark.parametrize(
    ("said", "public"),
    [
        ("打01088886666", "打•••"),
        ("打（０１０）８８８８６６６６，急", "打•••，急"),
        ("打１３８－１２３４－５６７８", "打•••"),
        ("0316-2345678 or a＠b．cn", "••• or •••"),
        ("Ⅲ段第１２号，2026-11-30 08:00", "Ⅲ段第１２号，2026-11-30 08:00"),
        ("①13812345678", "①•••"),
        ("①号杆，㎡", "①号杆，㎡"),
    ],
)
def test_no_contact_is_read_however_it_is_written(said: str, public: str) -> None:
    assert without_contacts(said) == public


def test_every_task_that_is_given_can_be_ended() -> None:
    for step in TASK_GIVEN:
        after = {move.state for move in MACHINE if move.step is step}
        reached = {move.step for move in MACHINE if move.state_before in after}
        assert step is Step.FAIL_CHECK or reached & (TASK_ENDED | {Step.SIGN})
