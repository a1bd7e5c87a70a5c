"""From signal to case to task, on a real database."""

import threading
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from cityloop.journal import facade as journal
from cityloop.kernel.areas import AreaCode
from cityloop.kernel.clocks import Clock, Limit
from cityloop.kernel.declarations import CaseKindSpec
from cityloop.kernel.errors import CityloopError, NotAllowedError, NotFoundError
from cityloop.kernel.facts import Fact, Ref, RefKind
from cityloop.kernel.facts.assessed import ShortfallFound
from cityloop.kernel.facts.decided import AlarmRaised
from cityloop.kernel.facts.responded import CaseClosed, CaseOpened, CaseStepped, SignalReceived
from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text
from cityloop.registry.facade import PersonView
from cityloop.respond import facade
from cityloop.respond.facade import Place, Report, Source, State, Step
from cityloop.respond.models import Case, Kind, Signal, StepTaken, Task
from cityloop.respond.rules.machine import NoteNeededError, SamePersonError, StepNotPossibleError
from cityloop.respond.services.kinds import declare_kinds
from cityloop.respond.services.opening import next_number
from cityloop.respond.services.stepping import Changes, StaleCaseError, take_step
from cityloop.respond.tests.conftest import NOON, PROJECT

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("city")]
People = dict[str, PersonView]
RaiseAlarm = Callable[..., AlarmRaised]
STORY = (
    (Step.DISPATCH, "dispatcher", {"organisation": "water-group"}),
    (Step.SIGN, "water", {}),
    (Step.FINISH, "water", {"note": "阀门已更换"}),
    (Step.ORDER_CHECK, "supervisor", {}),
    (Step.PASS_CHECK, "checker", {"note": "现场确认"}),
)


def walk(case_id: int, people: People, *, until: Step | None = None, minutes: int = 10) -> facade.CaseView:
    at = facade.case(case_id).moved_at
    for step, who, more in STORY:
        at += timedelta(minutes=minutes)
        facade.take_step(case_id, step, person=people[who], now=at, **more)
        if step is until:
            break
    return facade.case(case_id)


def opened(fact: AlarmRaised) -> facade.CaseView:
    case_id = facade.open_signal(fact, now=NOON)
    assert case_id is not None
    return facade.case(case_id)


def facts_of(case_id: int, kind: type[Fact]) -> list[Any]:
    entries = journal.newest_facts(kinds=[kind], limit=100)
    return [entry.fact for entry in reversed(entries) if entry.fact.case_id == case_id]  # type: ignore[attr-defined]


def test_an_alarm_becomes_a_filed_case_with_a_limit(raise_alarm: RaiseAlarm) -> None:
    case = opened(raise_alarm())
    assert case.number == "110105-20261123-0001"
    assert (case.state, case.level, case.source) == (State.FILED, Level.ORANGE, Source.ALARM)
    assert case.due_at == NOON + timedelta(hours=4)
    assert [step.step for step in facade.steps_of(case.case_id)] == [Step.ACCEPT, Step.FILE]
    assert {step.actor for step in facade.steps_of(case.case_id)} == {"system:loop"}
    assert facade.case_of_alarm(1) == case
    assert facade.suggestion_for(case).organisation == "water-group"


def test_an_alarm_that_wants_no_case_opens_none(raise_alarm: RaiseAlarm) -> None:
    assert facade.open_signal(raise_alarm(case_kind=""), now=NOON) is None
    assert facade.case_of_alarm(1) is None


def test_an_unknown_kind_still_opens_a_general_case(raise_alarm: RaiseAlarm) -> None:
    assert opened(raise_alarm(case_kind="nobody-knows")).kind.code == "general"


def test_every_delivery_doubled_changes_nothing(raise_alarm: RaiseAlarm) -> None:
    fact = raise_alarm()
    first = facade.open_signal(fact, now=NOON)
    before = (Signal.objects.count(), StepTaken.objects.count(), len(facts_of(first or 0, CaseStepped)))
    assert facade.open_signal(fact, now=NOON + timedelta(hours=1)) == first
    assert (Signal.objects.count(), StepTaken.objects.count(), len(facts_of(first or 0, CaseStepped))) == before


def test_signals_near_in_time_place_and_kind_are_one_case(raise_alarm: RaiseAlarm) -> None:
    case = opened(raise_alarm(1))
    merged = facade.open_signal(raise_alarm(2, longitude=116.4805, level=Level.RED), now=NOON + timedelta(hours=1))
    far = facade.open_signal(raise_alarm(3, longitude=116.55), now=NOON)
    assert merged == case.case_id != far
    again = facade.case(case.case_id)
    assert (again.level, again.version) == (Level.RED, case.version)
    assert [signal.merged for signal in facade.signals_of(case.case_id)] == [False, True]
    found = facade.case_of_alarm(2)
    assert found is not None
    assert found.case_id == case.case_id


def test_the_facts_of_a_case_are_one_chain_from_the_alarm_to_the_closing(city: People, raise_alarm: RaiseAlarm) -> None:
    alarm = raise_alarm()
    journal.post(alarm)
    case = walk(opened(alarm).case_id, city)
    entry = journal.fact_with_id(case.last_fact)
    assert entry is not None
    chain = [type(entry.fact)]
    while entry is not None and entry.fact.causes[0].kind is RefKind.FACT:
        entry = journal.fact_with_id(UUID(entry.fact.causes[0].key))
        assert entry is not None
        chain.append(type(entry.fact))
    assert chain == [CaseClosed, *[CaseStepped] * 7, CaseOpened, SignalReceived, AlarmRaised]


def test_a_merged_signal_is_part_of_the_chain(raise_alarm: RaiseAlarm) -> None:
    case = opened(raise_alarm(1))
    second = raise_alarm(2)
    facade.open_signal(second, now=NOON)
    merge = facts_of(case.case_id, CaseStepped)[-1]
    signal = facts_of(case.case_id, SignalReceived)[-1]
    assert (merge.step, signal.merged) == ("merge", True)
    assert merge.causes == (Ref.fact(case.last_fact), Ref.fact(signal.fact_id))
    assert signal.causes == (Ref.fact(second.fact_id),)


def test_a_case_is_handled_by_one_and_closed_by_another_in_time(city: People, raise_alarm: RaiseAlarm) -> None:
    case = walk(opened(raise_alarm()).case_id, city)
    closing = facts_of(case.case_id, CaseClosed)[0]
    assert (case.state, closing.on_time, closing.reworked) == (State.CLOSED, True, 0)
    assert closing.actor == city["checker"].actor
    assert [task.purpose for task in facade.tasks_of(case.case_id)] == ["handle", "check"]
    assert all(task.ended_at for task in facade.tasks_of(case.case_id))


def test_a_case_handled_after_its_limit_is_closed_late(city: People, raise_alarm: RaiseAlarm) -> None:
    case = walk(opened(raise_alarm()).case_id, city, minutes=100)
    assert facts_of(case.case_id, CaseClosed)[0].on_time is False


def test_a_check_that_fails_sends_the_work_back_and_is_counted(city: People, raise_alarm: RaiseAlarm) -> None:
    case_id = opened(raise_alarm()).case_id
    walk(case_id, city, until=Step.ORDER_CHECK)
    case = facade.take_step(case_id, Step.FAIL_CHECK, person=city["checker"], note="仍在漏水")
    assert (case.state, case.reworked, case.handled_at) == (State.REWORK, 1, None)
    assert [task.ended_at is None for task in facade.tasks_of(case_id)] == [False, False, True]
    facade.take_step(case_id, Step.TAKE_REWORK, person=city["water"])
    facade.take_step(case_id, Step.FINISH, person=city["water"], note="重做")
    facade.take_step(case_id, Step.ORDER_CHECK, person=city["supervisor"])
    closed = facade.take_step(case_id, Step.PASS_CHECK, person=city["checker"])
    assert (closed.state, facts_of(case_id, CaseClosed)[0].reworked) == (State.CLOSED, 1)


def test_a_step_without_its_reason_writes_nothing(city: People, raise_alarm: RaiseAlarm) -> None:
    case = opened(raise_alarm())
    walk(case.case_id, city, until=Step.SIGN)
    before = Case.objects.values().get(pk=case.case_id)
    with pytest.raises(NoteNeededError):
        facade.take_step(case.case_id, Step.FINISH, person=city["water"], note="  ")
    assert Case.objects.values().get(pk=case.case_id) == before


def test_a_form_made_from_an_older_state_is_refused_and_writes_nothing(city: People, raise_alarm: RaiseAlarm) -> None:
    case = opened(raise_alarm())
    walk(case.case_id, city, until=Step.DISPATCH)
    steps = StepTaken.objects.count()
    with pytest.raises(StaleCaseError):
        facade.take_step(case.case_id, Step.SIGN, person=city["water"], version=case.version)
    assert StepTaken.objects.count() == steps


@pytest.mark.parametrize("who", ["duty1", "water", "checker", "leader", "assessor", "citizen", "auditor", "chaoyang"])
def test_only_the_command_centre_dispatches(who: str, city: People, raise_alarm: RaiseAlarm) -> None:
    case = opened(raise_alarm())
    with pytest.raises(NotAllowedError):
        facade.take_step(case.case_id, Step.DISPATCH, person=city[who], organisation="water-group")


def test_a_case_cannot_be_sent_to_a_body_nobody_knows(city: People, raise_alarm: RaiseAlarm) -> None:
    case = opened(raise_alarm())
    with pytest.raises(NotFoundError):
        facade.take_step(case.case_id, Step.DISPATCH, person=city["dispatcher"], organisation="nobody")


def test_who_handled_a_case_cannot_close_it_even_with_the_right(city: People, raise_alarm: RaiseAlarm) -> None:
    case_id = opened(raise_alarm()).case_id
    case = walk(case_id, city, until=Step.ORDER_CHECK)
    with pytest.raises(SamePersonError):
        take_step(case_id, Step.PASS_CHECK, Changes(actor=city["water"].actor, at=NOON), version=case.version)
    with pytest.raises(SamePersonError):
        take_step(case_id, Step.PASS_CHECK, Changes(actor=city["dispatcher"].actor, at=NOON), version=case.version)


def test_a_handler_sees_cases_of_the_own_organisation_only(city: People, raise_alarm: RaiseAlarm) -> None:
    case = opened(raise_alarm())
    for who in ("water", "heat", "chaoyang"):
        assert facade.cases(person=city[who]) == []
        with pytest.raises(NotAllowedError):
            facade.case_for(city[who], case.case_id)
    walk(case.case_id, city, until=Step.DISPATCH)
    assert [one.case_id for one in facade.cases(person=city["water"])] == [case.case_id]
    assert facade.cases(person=city["heat"]) == []
    with pytest.raises(NotAllowedError):
        facade.case_for(city["heat"], case.case_id)


def test_district_people_see_their_district_only(city: People, raise_alarm: RaiseAlarm) -> None:
    here = opened(raise_alarm(1))
    there = opened(raise_alarm(2, area=AreaCode("110101"), longitude=116.41, latitude=39.93))
    assert [one.case_id for one in facade.cases(person=city["chaoyang.duty"])] == [here.case_id]
    with pytest.raises(NotAllowedError):
        facade.case_for(city["chaoyang.duty"], there.case_id)
    assert len(facade.cases(person=city["duty1"])) == 2
    assert facade.cases(person=city["citizen"]) == []


def test_the_list_narrows_by_state_district_kind_text_and_lateness(city: People, raise_alarm: RaiseAlarm) -> None:
    case = opened(raise_alarm())
    who, late = city["duty1"], NOON + timedelta(hours=5)
    assert len(facade.cases(person=who, states=(State.FILED,), district=AreaCode("110105"), kind="water-loss")) == 1
    assert len(facade.cases(person=who, text=case.number, late_at=late)) == 1
    for nothing in ({"late_at": NOON}, {"text": "zzz"}, {"kind": "dirt"}, {"states": (State.CLOSED,)}):
        assert facade.cases(person=who, **nothing) == []  # type: ignore[arg-type]
    assert facade.cases(person=who, district=AreaCode("110101")) == []


def test_a_report_by_hand_waits_to_be_accepted_and_is_verified(city: People) -> None:
    report = Report(
        source=Source.CITIZEN,
        kind="dirt",
        area=AreaCode("110105"),
        place=Place(116.48, 39.95),
        title="路边垃圾",
    )
    case = facade.report(report, person=city["duty1"], now=NOON)
    assert (case.state, case.due_at, facade.posts_next(case)) == (State.REPORTED, None, ("supervision",))
    facade.take_step(case.case_id, Step.ACCEPT, person=city["supervisor"], now=NOON)
    moves = [move.step for move in facade.steps_open_to(facade.case(case.case_id), city["supervisor"])]
    assert moves == [Step.ORDER_VERIFICATION]
    facade.take_step(case.case_id, Step.ORDER_VERIFICATION, person=city["supervisor"], now=NOON)
    filed = facade.take_step(case.case_id, Step.CONFIRM, person=city["checker"], now=NOON)
    assert filed.due_at == NOON.replace(hour=10)  # 13:00 + 5 working hours = 18:00 in the city
    assert facade.suggestion_for(filed).organisation == "110105-city-management"
    assert "water-group" in {one.code for one in facade.handlers_for(filed)}


def test_nobody_reports_beyond_the_own_district(city: People) -> None:
    report = Report(source=Source.CITIZEN, kind="general", area=AreaCode("110101"), place=None, title="x")
    with pytest.raises(NotAllowedError):
        facade.report(report, person=city["chaoyang.duty"], now=NOON)


def test_a_delay_is_asked_by_the_handler_and_granted_by_the_command_centre(
    city: People, raise_alarm: RaiseAlarm
) -> None:
    case_id = opened(raise_alarm()).case_id
    walk(case_id, city, until=Step.SIGN)
    asked = facade.take_step(case_id, Step.ASK_DELAY, person=city["water"], note="缺件", delay_amount=6)
    assert (asked.state, asked.delay_amount) == (State.DELAY_PENDING, 6)
    granted = facade.take_step(case_id, Step.GRANT_DELAY, person=city["dispatcher"])
    assert (granted.state, granted.due_at) == (State.HANDLING, NOON + timedelta(hours=10))
    facade.take_step(case_id, Step.ASK_DELAY, person=city["water"], note="缺件", delay_amount=6)
    refused = facade.take_step(case_id, Step.REFUSE_DELAY, person=city["dispatcher"], note="不同意")
    assert (refused.due_at, refused.delay_amount) == (granted.due_at, None)


def test_a_suspended_case_has_no_running_limit_and_gets_the_rest_back(city: People, raise_alarm: RaiseAlarm) -> None:
    case_id = opened(raise_alarm()).case_id
    at = walk(case_id, city, until=Step.SIGN).moved_at
    facade.take_step(
        case_id, Step.SUSPEND, person=city["dispatcher"], note="冬季不能开挖", review_on=date(2027, 3, 1), now=at
    )
    assert facts_of(case_id, CaseStepped)[-1].due_at is None
    resumed = facade.take_step(case_id, Step.RESUME, person=city["dispatcher"], now=at + timedelta(days=30))
    assert resumed.due_at == NOON + timedelta(hours=4, days=30)


@pytest.mark.parametrize(
    ("until", "asked"),
    [
        (Step.SIGN, (Step.ASK_DELAY, "water", {"note": "x", "delay_amount": 0})),
        (Step.SIGN, (Step.SUSPEND, "dispatcher", {"note": "x", "review_on": date(2020, 1, 1)})),
        (Step.PASS_CHECK, (Step.EVALUATE, "supervisor", {"rating": 6})),
    ],
)
def test_a_step_with_a_wrong_detail_writes_nothing(
    until: Step, asked: tuple[Step, str, dict[str, Any]], city: People, raise_alarm: RaiseAlarm
) -> None:
    step, who, more = asked
    case = walk(opened(raise_alarm()).case_id, city, until=until)
    with pytest.raises(CityloopError):
        facade.take_step(case.case_id, step, person=city[who], **more)
    assert facade.case(case.case_id) == case


def test_a_closed_case_is_evaluated_or_reopened_with_a_new_limit(city: People, raise_alarm: RaiseAlarm) -> None:
    first = walk(opened(raise_alarm(1)).case_id, city)
    rated = facade.take_step(first.case_id, Step.EVALUATE, person=city["supervisor"], rating=5)
    assert (rated.state, rated.rating) == (State.EVALUATED, 5)
    second = walk(opened(raise_alarm(2)).case_id, city)
    later = second.moved_at + timedelta(days=1)
    case = facade.take_step(second.case_id, Step.REOPEN, person=city["supervisor"], note="复发", now=later)
    assert (case.state, case.due_at, case.closed_at) == (State.FILED, later + timedelta(hours=4), None)


def test_a_case_sent_back_leaves_the_handlers_sight(city: People, raise_alarm: RaiseAlarm) -> None:
    case_id = opened(raise_alarm()).case_id
    walk(case_id, city, until=Step.DISPATCH)
    case = facade.take_step(case_id, Step.SEND_BACK, person=city["water"], note="非我单位")
    assert (case.state, case.organisation, facade.may_see(city["water"], case)) == (State.FILED, "", False)
    assert facade.steps_open_to(case, city["water"]) == ()


def test_a_step_the_state_does_not_know_is_refused(city: People, raise_alarm: RaiseAlarm) -> None:
    case = opened(raise_alarm())
    with pytest.raises(StepNotPossibleError):
        facade.take_step(case.case_id, Step.PASS_CHECK, person=city["checker"])
    with pytest.raises(NotFoundError):
        facade.case(case.case_id + 1000)


def test_without_a_calendar_an_alarm_waits_accepted_and_loses_nothing(raise_alarm: RaiseAlarm) -> None:
    far = NOON.replace(year=2090)
    case_id = facade.open_signal(raise_alarm(case_kind="dirt"), now=far)
    case = facade.case(case_id or 0)
    assert (case.state, case.due_at) == (State.ACCEPTED, None)
    assert len(facade.steps_of(case.case_id)) == 1


def shortfall(number: int, area: str = "110105") -> ShortfallFound:
    return ShortfallFound(
        fact_id=UUID(int=number),
        happened_at=NOON,
        actor="system:loop",
        area=AreaCode(area),
        indicator="I17",
        title=Text("按期结案率", "On-time closing rate"),
        period="2026-11",
        value=80.0,
        target=95.0,
        unit="%",
    )


def test_a_shortfall_opens_one_rectification_case_a_district() -> None:
    first = facade.open_rectification(shortfall(1), now=NOON)
    assert facade.open_rectification(shortfall(1), now=NOON) == first
    assert facade.open_rectification(shortfall(2), now=NOON) == first
    assert facade.open_rectification(shortfall(3, "110101"), now=NOON) != first
    case = facade.case(first)
    assert (case.state, case.kind.code, case.source) == (State.FILED, "rectification", Source.ASSESSMENT)
    assert facade.suggestion_for(case).organisation == "110105-city-management"


def test_a_changed_kind_is_a_new_version_and_old_cases_keep_theirs(raise_alarm: RaiseAlarm) -> None:
    case = opened(raise_alarm())
    facade.declare(PROJECT)
    assert Kind.objects.filter(code="water-loss").count() == 1
    shorter = CaseKindSpec(
        code="water-loss", title=Text("失压", "Pressure loss"), limit=Limit(2, Clock.NATURAL), basis=Text("新", "new")
    )
    declare_kinds([shorter], project="specimen")
    current = next(kind for kind in facade.kinds() if kind.code == "water-loss")
    assert (current.version, current.limit.amount) == (2, 2)
    assert facade.case(case.case_id).kind.limit.amount == 4


def test_counts_balance(city: People, raise_alarm: RaiseAlarm) -> None:
    walk(opened(raise_alarm(1)).case_id, city)
    opened(raise_alarm(2))
    opened(raise_alarm(3, area=AreaCode("110101"), longitude=116.41, latitude=39.93))
    counts = facade.case_counts(NOON + timedelta(hours=5))
    assert (counts.open, counts.late, counts.opened_today, counts.closed_today) == (2, 2, 3, 1)
    assert sum(counts.by_state.values()) == counts.open == sum(facade.open_cases_by_district().values())
    assert facade.case_counts(NOON, area=AreaCode("110101")).open == 1


def test_numbers_count_by_district_and_day() -> None:
    numbers = [next_number(AreaCode("110101001"), day=NOON) for _ in range(2)]
    assert numbers == ["110101-20261123-0001", "110101-20261123-0002"]
    assert next_number(AreaCode("110102"), day=NOON) == "110102-20261123-0001"
    assert next_number(AreaCode("110101"), day=NOON + timedelta(hours=13)) == "110101-20261124-0001"


def at_once(count: int, act: Callable[[int], object]) -> list[object]:
    gate, results = threading.Barrier(count), []

    def run(number: int) -> None:
        try:
            gate.wait(20)
            results.append(act(number))
        except CityloopError as error:
            results.append(type(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


@pytest.mark.django_db(transaction=True)
def test_of_two_who_decide_at_once_one_is_told_to_look_again(city: People, raise_alarm: RaiseAlarm) -> None:
    case = opened(raise_alarm())

    def dispatch(_: int) -> object:
        more = {"organisation": "water-group", "version": case.version}
        return facade.take_step(case.case_id, Step.DISPATCH, person=city["dispatcher"], **more).state

    assert sorted(map(str, at_once(2, dispatch))) == sorted([str(StaleCaseError), str(State.DISPATCHED)])
    assert Task.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_signals_that_arrive_at_once_open_one_case_with_one_number(raise_alarm: RaiseAlarm) -> None:
    alarms = [raise_alarm(number) for number in range(1, 5)]
    ids = at_once(4, lambda number: facade.open_signal(alarms[number], now=NOON))
    assert len(set(ids)) == 1
    assert Signal.objects.filter(merged=True).count() == 3
    far = [raise_alarm(number, longitude=116.3 + number / 50) for number in range(11, 15)]
    at_once(4, lambda number: facade.open_signal(far[number], now=NOON))
    numbers = list(Case.objects.values_list("number", flat=True))
    assert len(set(numbers)) == len(numbers) == 5
