import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError

from cityloop.journal.facade import listener_states, post
from cityloop.kernel.areas import CITY
from cityloop.kernel.facts import Fact, new_fact_id
from cityloop.kernel.facts.sensed import ReadingsKept
from cityloop.site.loop import CLOCK, LOOP, Listener, clock, listeners, name_of
from cityloop.site.reactor.turning import Reactor

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
pytestmark = pytest.mark.django_db(transaction=True)


class Spans:
    """A monotonic clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


class Hearer:
    """Keeps what it is told, and fails while it is told to."""

    def __init__(self) -> None:
        self.heard: list[Fact] = []
        self.fails = False

    def act(self, fact: Fact) -> None:
        if self.fails:
            message = "out of order"
            raise RuntimeError(message)
        self.heard.append(fact)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def reading_fact() -> ReadingsKept:
    return ReadingsKept(
        fact_id=new_fact_id(),
        happened_at=NOW,
        actor="system:test",
        area=CITY,
        causes=(),
        readings=1,
        duplicates=0,
        rejected=0,
        first_observation_id=1,
        last_observation_id=1,
    )


def listener(name: str, hearer: Hearer) -> Listener:
    return Listener(name, hearer.act, (ReadingsKept,))


def test_every_listener_hears_every_fact_once() -> None:
    first, second = Hearer(), Hearer()
    reactor = Reactor(listeners=[listener("one", first), listener("two", second)], clock=[], monotonic=Spans())
    facts = [reading_fact() for _ in range(5)]
    post(*facts)
    assert reactor.turn() == 10
    assert reactor.turn() == 0
    assert [fact.fact_id for fact in first.heard] == [fact.fact_id for fact in facts]
    assert first.heard == second.heard


def test_a_failing_listener_rests_longer_each_time_and_holds_up_nobody() -> None:
    bad, good, spans = Hearer(), Hearer(), Spans()
    bad.fails = True
    reactor = Reactor(listeners=[listener("bad", bad), listener("good", good)], clock=[], monotonic=spans)
    post(reading_fact())
    reactor.turn()
    reactor.turn()
    assert len(good.heard) == 1
    assert _failures("bad") == 1
    spans.at += 2
    reactor.turn()
    assert _failures("bad") == 2
    spans.at += 2
    reactor.turn()
    assert _failures("bad") == 2
    bad.fails = False
    spans.at += 2
    assert reactor.turn() == 1
    assert _failures("bad") == 0
    assert len(bad.heard) == 1


def _failures(name: str) -> int:
    return next(state.failures for state in listener_states() if state.listener == name)


def test_what_is_due_by_the_clock_is_done_at_its_pace_and_at_once_when_there_is_news() -> None:
    fast: list[datetime] = []
    slow: list[datetime] = []
    spans = Spans()
    reactor = Reactor(listeners=[], clock=[(fast.append, 0.5), (slow.append, 5.0)], monotonic=spans, now=lambda: NOW)
    reactor.turn()
    reactor.turn()
    assert (fast, slow) == ([NOW], [NOW])
    reactor.turn(woken=True)
    assert (len(fast), len(slow)) == (2, 1)
    spans.at += 5
    reactor.turn()
    assert (len(fast), len(slow)) == (3, 2)


def test_a_failing_clock_task_rests_and_does_not_stop_the_others() -> None:
    calls: list[str] = []

    def bad(_now: datetime) -> None:
        calls.append("bad")
        raise ValueError

    spans = Spans()
    reactor = Reactor(
        listeners=[], clock=[(bad, 0.5), (lambda _now: calls.append("good"), 0.5)], monotonic=spans, now=lambda: NOW
    )
    reactor.turn()
    spans.at += 0.5
    reactor.turn(woken=True)
    assert calls == ["bad", "good", "good"]
    spans.at += 2
    reactor.turn()
    assert calls.count("bad") == 2


def test_a_database_that_is_away_is_nobodys_failure() -> None:
    def away(_now: datetime) -> None:
        raise OperationalError

    reactor = Reactor(listeners=[], clock=[(away, 0.5)], monotonic=Spans(), now=lambda: NOW)
    with pytest.raises(OperationalError):
        reactor.turn()


def test_the_loop_is_the_one_of_the_plan() -> None:
    told = {(kind.__name__, name_of(act)) for kind, act in LOOP}
    assert {
        ("ReadingsKept", "decide.refresh_baselines"),
        ("AlarmRaised", "respond.open_signal"),
        ("CaseClosed", "decide.note_case"),
        ("CaseClosed", "assess.score_case"),
        ("ShortfallFound", "respond.open_rectification"),
    } <= told
    assert [name_of(act) for act, _ in CLOCK] == [
        "decide.run_machine",
        "respond.place_signals",
        "respond.forget_retries",
        "convey.scan_devices",
        "decide.scan_silence",
        "decide.scan_lookback",
        "decide.scan_standing",
        "decide.scan_flood",
        "decide.apply_validity",
    ]


def test_what_a_project_does_by_the_clock_is_found() -> None:
    told = [name_of(act) for act, _ in clock()]
    assert told[: len(CLOCK)] == [name_of(act) for act, _ in CLOCK]
    assert "lifelines.tell_overdue" in told


def test_a_listener_of_two_kinds_has_one_cursor() -> None:
    found = {one.name: [kind.__name__ for kind in one.kinds] for one in listeners()}
    assert len(found["decide.note_case"]) == 2
    assert len(found) == len(listeners())


def test_a_long_past_is_caught_up_in_one_turn() -> None:
    hearer = Hearer()
    reactor = Reactor(listeners=[listener("late", hearer)], clock=[], monotonic=Spans())
    for _ in range(3):
        post(*(reading_fact() for _ in range(150)))
    assert reactor.turn() == 450
    assert len(hearer.heard) == 450


def test_the_reactors_clock_is_utc() -> None:
    told: list[datetime] = []
    Reactor(listeners=[], clock=[(told.append, 1.0)]).turn()
    assert told[0].utcoffset() == timedelta(0)
