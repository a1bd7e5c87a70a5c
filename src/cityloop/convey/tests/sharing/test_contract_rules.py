"""The life of a contract: only the listed steps, by another person, never longer than asked, over when it is over."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloop.convey.rules import contracts as rules
from cityloop.convey.rules.contracts import ContractState as State
from cityloop.convey.rules.contracts import ContractStepKind as Step
from cityloop.convey.rules.contracts import Times

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)
hours = st.integers(-10_000, 10_000).map(lambda n: NOON + timedelta(hours=n))


@given(st.lists(st.sampled_from([one for one in Step if one is not Step.ASK]), max_size=12))
def test_whatever_is_tried_a_contract_that_is_over_stays_over_and_runs_only_after_approval(steps: list[Step]) -> None:
    state, taken = State.ASKED, []
    for step in steps:
        was = state
        try:
            state = rules.state_after(state, step)
        except rules.ContractStepError:
            assert step not in rules.steps_from(was)
            continue
        assert step in rules.steps_from(was)
        assert not was.is_over
        taken.append(step)
    if state is State.RUNNING:
        assert taken == [Step.APPROVE, Step.BEGIN]
    assert state.is_over == (rules.steps_from(state) == frozenset())


@given(since=hours, until=hours, owner=hours, now=hours)
def test_what_is_granted_lies_within_what_was_asked_and_never_in_the_past(
    since: datetime, until: datetime, owner: datetime, now: datetime
) -> None:
    if owner > until or owner <= max(since, now):
        with pytest.raises(rules.ContractTimesError):
            rules.granted_times(Times(since, until), until=owner, now=now)
        return
    granted = rules.granted_times(Times(since, until), until=owner, now=now)
    assert max(since, now) == granted.since < granted.until == owner <= until


@given(since=hours, until=hours, now=hours, days=st.integers(1, 400))
def test_what_may_be_asked_has_an_end_ahead_and_is_not_too_long(
    since: datetime, until: datetime, now: datetime, days: int
) -> None:
    try:
        wish = rules.checked_wish(Times(since, until), now=now, days_max=days)
    except rules.ContractTimesError:
        return
    assert wish == Times(since, until)
    assert until > max(since, now)
    assert until - max(since, now) <= timedelta(days=days)


@given(state=st.sampled_from(State), since=hours, until=hours, now=hours)
def test_the_clock_takes_only_steps_that_are_open_and_ends_what_is_past(
    state: State, since: datetime, until: datetime, now: datetime
) -> None:
    step = rules.due_step(state, Times(since, until), now=now)
    if step is not None:
        rules.state_after(state, step)
        assert step in {Step.BEGIN, Step.EXPIRE}
    if state in {State.APPROVED, State.RUNNING} and now >= until:
        assert step is Step.EXPIRE
    assert rules.due_step(state, None, now=now) is None


def test_whoever_asks_does_not_decide() -> None:
    rules.must_differ("person:1", "person:2")
    with pytest.raises(rules.SamePersonError):
        rules.must_differ("person:1", "person:1")


@pytest.mark.parametrize(("step", "is_needed"), [(one, one in {Step.REFUSE, Step.TERMINATE}) for one in Step])
def test_a_refusal_and_a_termination_need_a_reason(step: Step, is_needed: bool) -> None:  # noqa: FBT001  a parameter
    rules.must_have_reason(step, "因为")
    if is_needed:
        with pytest.raises(rules.ReasonMissingError):
            rules.must_have_reason(step, "  ")
    else:
        rules.must_have_reason(step, "")


def test_every_state_and_step_is_said_in_both_languages() -> None:
    words = [one.words for one in (*State, *Step)]
    assert len({word.zh for word in words}) == len(words)
