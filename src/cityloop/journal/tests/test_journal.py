"""The journal: nothing is skipped, nothing is handled twice, everything can be walked."""

import threading
from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction

from cityloop.journal import facade, services
from cityloop.journal.models import Cursor, FactRow
from cityloop.journal.rules import Position
from cityloop.kernel.areas import AreaCode
from cityloop.kernel.facts import Fact, Ref, new_fact_id
from cityloop.kernel.facts.commanded import ShiftHandedOver
from cityloop.kernel.facts.responded import CaseClosed
from cityloop.kernel.facts.sensed import ReadingsKept

pytestmark = pytest.mark.django_db(transaction=True)
NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)


def handover(number: int, *, area: str = "110000", causes: tuple[Ref, ...] = ()) -> ShiftHandedOver:
    return ShiftHandedOver(
        fact_id=UUID(int=number),
        happened_at=NOON,
        actor="person:1",
        area=AreaCode(area),
        causes=causes,
        handover_id=number,
        to="person:2",
        open_alarms=0,
        open_cases=0,
        note="交班 <script>",
    )


def numbers(entries: list[facade.Entry]) -> list[int]:
    return [entry.fact.fact_id.int for entry in entries]


def test_a_fact_comes_back_as_it_went_in() -> None:
    fact = handover(1, causes=(Ref.observation(7), Ref.aggregate("journal.facts", {"kind": "x"}, as_of="3:4")))
    facade.post(fact)
    entry = facade.fact_with_id(fact.fact_id)
    assert entry is not None
    assert entry.fact == fact


def test_a_fact_posted_twice_stands_once() -> None:
    facade.post(handover(1))
    facade.post(handover(1), handover(2))
    assert FactRow.objects.count() == 2


def test_a_fact_can_be_neither_changed_nor_deleted() -> None:
    facade.post(handover(1))
    with pytest.raises(IntegrityError), transaction.atomic():
        FactRow.objects.update(area="110101")
    with pytest.raises(IntegrityError), transaction.atomic():
        FactRow.objects.all().delete()


def test_a_listener_gets_each_fact_once_and_in_order() -> None:
    facade.post(handover(1), handover(2))
    heard: list[Fact] = []
    assert facade.deliver("ear", heard.append, kinds=[ShiftHandedOver]) == 2
    facade.post(handover(3))
    facade.deliver("ear", heard.append, kinds=[ShiftHandedOver])
    facade.deliver("ear", heard.append, kinds=[ShiftHandedOver])
    assert [fact.fact_id.int for fact in heard] == [1, 2, 3]


def test_a_listener_gets_only_the_kinds_it_asks_for() -> None:
    facade.post(handover(1))
    assert facade.deliver("ear", print, kinds=[ReadingsKept]) == 0


def test_a_listener_that_finds_nothing_for_long_passes_the_facts_of_other_kinds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(services, "IDLE_TRANSACTIONS_MAX", 0)
    heard: list[Fact] = []
    facade.post(handover(1))
    facade.post(handover(2))
    facade.deliver("readings", heard.append, kinds=[ReadingsKept])
    assert facade.listener_states()[0].behind == 0
    facade.post(handover(3))
    facade.deliver("readings", heard.append, kinds=[ReadingsKept])
    facade.deliver("handovers", heard.append, kinds=[ShiftHandedOver])
    assert [fact.fact_id.int for fact in heard] == [1, 2, 3]


def test_a_failing_handler_stops_before_its_fact_and_loses_nothing() -> None:
    facade.post(handover(1), handover(2), handover(3))
    heard: list[int] = []

    def handle(fact: Fact) -> None:
        if fact.fact_id.int == 2 and not FactRow.objects.filter(fact_id=UUID(int=99)).exists():
            message = "no"
            raise LookupError(message)
        heard.append(fact.fact_id.int)

    facade.deliver("ear", handle, kinds=[ShiftHandedOver])
    state = next(s for s in facade.listener_states() if s.listener == "ear")
    assert state.failures == 1
    assert "LookupError" in state.last_error
    assert heard[-1] == 1
    facade.post(handover(99))
    heard.clear()
    facade.deliver("ear", handle, kinds=[ShiftHandedOver])
    assert heard == [2, 3, 99]
    assert Cursor.objects.get().failures == 0


def test_a_transaction_that_commits_late_is_not_skipped() -> None:
    posted, release, failures = threading.Event(), threading.Event(), []

    def late() -> None:
        try:
            with transaction.atomic():
                facade.post(handover(1))
                posted.set()
                release.wait(20)
        except Exception as error:  # noqa: BLE001  told to the test
            failures.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=late)
    thread.start()
    assert posted.wait(20)
    facade.post(handover(2))
    heard: list[Fact] = []
    facade.deliver("ear", heard.append, kinds=[ShiftHandedOver])
    assert heard == []
    release.set()
    thread.join(20)
    facade.deliver("ear", heard.append, kinds=[ShiftHandedOver])
    assert failures == []
    assert sorted(fact.fact_id.int for fact in heard) == [1, 2]


def test_the_trace_is_walked_both_ways() -> None:
    first = handover(1, causes=(Ref.observation(2**60),))
    second = handover(2, causes=(Ref.fact(first.fact_id),))
    facade.post(first, second)
    assert numbers(facade.effects_of(Ref.observation(2**60))) == [1]
    assert numbers(facade.effects_of(Ref.fact(first.fact_id))) == [2]


def test_an_aggregate_opens_into_its_facts_as_of_its_position() -> None:
    facade.post(handover(1, area="110101"), handover(2, area="110101001"), handover(3, area="110102"))
    parameters = {"kind": "commanded.ShiftHandedOver", "area": "110101", "from": "2026-11-22T00:00:00+00:00"}
    ref = Ref.aggregate("journal.facts", parameters, as_of=str(facade.horizon()))
    facade.post(handover(4, area="110101"))
    entries, count = facade.facts_of_aggregate(ref)
    assert (numbers(entries), count) == ([1, 2], 2)
    later, _ = facade.facts_of_aggregate(Ref.aggregate("journal.facts", parameters, as_of=""), after=1, limit=1)
    assert numbers(later) == [2]


def test_an_aggregate_of_another_selector_is_refused() -> None:
    with pytest.raises(ValueError, match="not an aggregate"):
        facade.facts_of_aggregate(Ref.fact(new_fact_id()))


def test_the_latest_fact_is_found_by_area_and_body() -> None:
    facade.post(handover(1, area="110101"), handover(2, area="110102"))
    found = facade.latest_fact(ShiftHandedOver, area="110101", handover_id=1)
    assert found is not None
    assert found.fact.fact_id == UUID(int=1)
    assert facade.latest_fact(ShiftHandedOver, area="110103") is None


def test_a_position_survives_its_text() -> None:
    assert Position.parse(str(Position(3, 4))) == Position(3, 4)
    assert Position.parse("") == Position()
    with pytest.raises(ValueError, match="values to unpack"):
        Position.parse("7")


def test_a_failing_listener_rests_at_most_a_minute() -> None:
    assert [facade.wait_of(n).total_seconds() for n in (0, 1, 5, 50)] == [1, 2, 32, 60]


def test_an_aggregate_may_judge_by_an_instant_of_the_body() -> None:
    for number, due in ((1, "2026-11-30T20:00:00+00:00"), (2, "2026-12-01T04:00:00+00:00")):
        facade.post(
            CaseClosed(
                fact_id=UUID(int=number),
                happened_at=NOON,
                actor="person:1",
                area=AreaCode("110101"),
                case_id=number,
                case_number=str(number),
                case_kind="x",
                opened_at=NOON,
                due_at=datetime.fromisoformat(due),
                closed_at=NOON,
                on_time=True,
                reworked=0,
            )
        )
    asked = {"kind": "responded.CaseClosed", "by": "due_at", "until": "2026-12-01T00:00:00+00:00"}
    entries, count = facade.facts_of_aggregate(Ref.aggregate("journal.facts", asked, as_of=""))
    assert (numbers(entries), count) == ([1], 1)


def test_a_listener_is_behind_only_by_facts_that_are_for_it() -> None:
    facade.deliver("ear", print, kinds=[ReadingsKept])
    facade.post(handover(1))
    (state,) = facade.listener_states()
    assert state.behind == 0
    facade.deliver("ear", print, kinds=[ShiftHandedOver], limit=0)
    (state,) = facade.listener_states()
    assert state.behind == 1
