"""The machine of a request to upstream, in every state, with people who try everything."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloop.kernel.errors import CityloopError
from cityloop.kernel.levels import Level
from cityloop.projects.lifelines.rules import requests as rules
from cityloop.projects.lifelines.rules.days import Line
from cityloop.projects.lifelines.rules.hands import GRAVE, HAND_TITLES, LINE_ORGANISATIONS, LINE_TITLES, Hand, is_grave
from cityloop.projects.lifelines.rules.requests import (
    Outcome,
    RequestStanding,
    RequestState,
    RequestStep,
    RequestTaken,
    check_request_step,
)
from cityloop.projects.lifelines.rules.terms import DEFAULT_TERMS, TermUnfitError, answer_due, check_hours

NOON = datetime(2010, 1, 5, 4, tzinfo=UTC)
DRAFTED = (RequestTaken(RequestStep.DRAFT, "anna"),)


def standing(state: RequestState, *taken: RequestTaken, granted: float | None = None) -> RequestStanding:
    return RequestStanding(state=state, quantity=8.0, unit="10⁴ m³", granted=granted, taken=(*DRAFTED, *taken))


def test_every_state_step_outcome_and_hand_has_its_words() -> None:
    assert set(rules.STATE_TITLES) == set(RequestState)
    assert set(rules.STEP_TITLES) == set(RequestStep)
    assert set(rules.OUTCOME_TITLES) == set(Outcome)
    assert set(HAND_TITLES) == set(Hand)
    assert set(LINE_ORGANISATIONS) == set(LINE_TITLES) == set(Line)


def test_every_state_is_reached_and_only_closed_is_the_end() -> None:
    reached = {RequestState.DRAFT} | {move.state for move in rules.REQUEST_MACHINE}
    left = {move.state_before for move in rules.REQUEST_MACHINE}
    assert reached == set(RequestState)
    assert set(RequestState) - left == {RequestState.CLOSED}


def test_the_order_of_the_plan_is_walked() -> None:
    steps = [
        (RequestStep.APPROVE, "leader", None),
        (RequestStep.SEND, "anna", None),
        (RequestStep.ACCEPT_PARTLY, "anna", 5.0),
        (RequestStep.NOTE_DELIVERY, "anna", 5.0),
        (RequestStep.FINISH_DELIVERY, "anna", None),
        (RequestStep.CLOSE, "duty", None),
    ]
    now, states = standing(RequestState.DRAFT), []
    for step, actor, quantity in steps:
        move = check_request_step(now, step, actor=actor, note="because", quantity=quantity)
        outcome = rules.outcome_of(now, step)
        granted = rules.granted_by(now, step, quantity)
        now = standing(move.state, *now.taken[1:], RequestTaken(step, actor), granted=granted)
        states.append(move.state.value)
    assert states == ["approved", "sent", "partly", "partly", "delivered", "closed"]
    assert (now.granted, outcome) == (5.0, Outcome.DELIVERED)


def test_what_is_granted_follows_the_answer() -> None:
    sent = standing(RequestState.SENT)
    assert rules.granted_by(sent, RequestStep.ACCEPT, None) == 8.0
    assert rules.granted_by(sent, RequestStep.REFUSE, None) == 0.0
    assert rules.granted_by(sent, RequestStep.WITHDRAW, None) is None


def test_how_it_ends() -> None:
    assert rules.outcome_of(standing(RequestState.SENT), RequestStep.WITHDRAW) is Outcome.WITHDRAWN
    assert rules.outcome_of(standing(RequestState.REFUSED), RequestStep.CLOSE) is Outcome.REFUSED
    assert rules.outcome_of(standing(RequestState.SENT), RequestStep.ACCEPT) is None


@pytest.mark.parametrize("step", [RequestStep.APPROVE, RequestStep.SEND_BACK])
def test_who_wrote_it_does_not_decide_it(step: RequestStep) -> None:
    revised = standing(RequestState.DRAFT, RequestTaken(RequestStep.REVISE, "bert"))
    for author in ("anna", "bert"):
        with pytest.raises(rules.OwnRequestError):
            check_request_step(revised, step, actor=author, note="no")
    assert check_request_step(revised, step, actor="leader", note="no").step is step


def test_what_was_sent_back_is_revised_before_it_is_approved() -> None:
    back = standing(RequestState.DRAFT, RequestTaken(RequestStep.SEND_BACK, "leader"))
    assert back.is_sent_back
    with pytest.raises(rules.SentBackError):
        check_request_step(back, RequestStep.APPROVE, actor="leader")
    again = standing(RequestState.DRAFT, *back.taken[1:], RequestTaken(RequestStep.REVISE, "anna"))
    assert not again.is_sent_back
    assert check_request_step(again, RequestStep.APPROVE, actor="leader").state is RequestState.APPROVED
    assert not RequestStanding(state=RequestState.DRAFT, quantity=1, unit="t").is_sent_back


@pytest.mark.parametrize("quantity", [None, 0.0, -1.0, 8.0, 9.0, float("nan"), float("inf")])
def test_a_part_is_more_than_nothing_and_less_than_all(quantity: float | None) -> None:
    with pytest.raises(rules.QuantityUnfitError):
        check_request_step(
            standing(RequestState.SENT), RequestStep.ACCEPT_PARTLY, actor="anna", note="part", quantity=quantity
        )


@pytest.mark.parametrize("quantity", [None, 0.0, 10.1, float("nan")])
def test_a_delivery_is_a_quantity_that_can_be(quantity: float | None) -> None:
    partly = standing(RequestState.PARTLY, granted=5.0)
    with pytest.raises(rules.QuantityUnfitError):
        check_request_step(partly, RequestStep.NOTE_DELIVERY, actor="anna", quantity=quantity)
    assert check_request_step(partly, RequestStep.NOTE_DELIVERY, actor="anna", quantity=6.0)


def test_delivery_is_not_over_before_anything_came() -> None:
    with pytest.raises(rules.NothingDeliveredError):
        check_request_step(standing(RequestState.ACCEPTED), RequestStep.FINISH_DELIVERY, actor="anna")


def test_a_step_that_needs_a_reason_is_refused_without_one() -> None:
    with pytest.raises(rules.ReasonNeededError):
        check_request_step(standing(RequestState.SENT), RequestStep.REFUSE, actor="anna", note="  ")


def test_an_answer_is_late_only_while_it_is_waited_for() -> None:
    late = NOON + timedelta(seconds=1)
    assert rules.is_overdue(RequestState.SENT, due_at=NOON, now=late)
    assert not rules.is_overdue(RequestState.SENT, due_at=NOON, now=NOON)
    assert not rules.is_overdue(RequestState.ACCEPTED, due_at=NOON, now=late)
    assert not rules.is_overdue(RequestState.SENT, due_at=None, now=late)


def test_red_and_orange_are_grave_and_have_two_hours() -> None:
    assert {level for level in Level if is_grave(level)} == GRAVE == {Level.RED, Level.ORANGE}
    assert not is_grave(None)
    assert {DEFAULT_TERMS[level].hours for level in GRAVE} == {2.0}
    assert not any(term.confirmed for term in DEFAULT_TERMS.values())
    assert answer_due(NOON, DEFAULT_TERMS[Level.RED]) == NOON + timedelta(hours=2)


@pytest.mark.parametrize("hours", [0.0, -1.0, 0.2, 241.0, float("nan"), float("inf")])
def test_a_deadline_makes_sense(hours: float) -> None:
    with pytest.raises(TermUnfitError):
        check_hours(hours)
    check_hours(2.0)


ATTEMPTS = st.lists(
    st.tuples(
        st.sampled_from(RequestStep),
        st.sampled_from(["anna", "bert", "leader", "duty"]),
        st.sampled_from(["", "because"]),
        st.sampled_from([None, -1.0, 0.0, 3.0, 8.0, 20.0]),
    ),
    max_size=40,
)


@given(ATTEMPTS)
def test_whatever_is_tried_the_request_keeps_its_rules(
    attempts: list[tuple[RequestStep, str, str, float | None]],
) -> None:
    now = standing(RequestState.DRAFT)
    for step, actor, note, quantity in attempts:
        try:
            move = check_request_step(now, step, actor=actor, note=note, quantity=quantity)
        except CityloopError:
            continue
        assert move.state_before is now.state
        granted = rules.granted_by(now, step, quantity)
        now = standing(move.state, *now.taken[1:], RequestTaken(step, actor), granted=granted)
        assert_kept(now)


def assert_kept(now: RequestStanding) -> None:
    steps = [past.step for past in now.taken]
    authors = {past.actor for past in now.taken if past.step in {RequestStep.DRAFT, RequestStep.REVISE}}
    if now.state is not RequestState.DRAFT and steps[-1] is not RequestStep.WITHDRAW:
        approval = next(past for past in now.taken if past.step is RequestStep.APPROVE)
        assert approval.actor not in authors
    if now.granted is not None:
        assert 0 <= now.granted <= now.quantity
        assert RequestStep.SEND in steps
    if now.state is RequestState.DELIVERED:
        assert RequestStep.NOTE_DELIVERY in steps
        assert now.granted
    assert steps.count(RequestStep.SEND) <= 1
    assert steps.count(RequestStep.APPROVE) <= 1
