"""What people do to alarms, and what cases mean for them."""

from datetime import timedelta
from uuid import uuid4

import pytest

from cityloop.decide import facade
from cityloop.decide.models import Alarm
from cityloop.decide.tests.conftest import NOON, QUICK, City, at
from cityloop.journal import facade as journal
from cityloop.kernel.areas import AreaCode
from cityloop.kernel.errors import NotAllowedError, NotFoundError
from cityloop.kernel.facts import Ref
from cityloop.kernel.facts.decided import AlarmAcknowledged, AlarmClosed, AlarmRaised, AlarmShelved
from cityloop.kernel.facts.responded import CaseClosed, CaseOpened, SignalReceived
from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text


def raised(city: City, value: float = 0.15) -> int:
    city.watch_by(QUICK)
    city.read((0, value))
    facade.run_machine(at(0))
    return Alarm.objects.get(closed_at=None).pk


def cleared(city: City, second: float = 10) -> None:
    city.read((second, 0.35))
    facade.run_machine(at(second))


def who(city: City, username: str) -> int:
    return city.people[username].person_id


def test_an_acknowledged_alarm_is_closed_by_its_return(city: City) -> None:
    alarm_id = raised(city)
    alarm = facade.acknowledge(alarm_id, person_id=who(city, "duty1"), note="已派人", now=at(5))
    assert (alarm.state, alarm.acknowledged_by, alarm.note) == (
        facade.AlarmState.ACKNOWLEDGED,
        city.people["duty1"].actor,
        "已派人",
    )
    cleared(city)
    assert facade.alarm(alarm_id).state is facade.AlarmState.CLOSED
    assert len(city.facts(AlarmAcknowledged)) == len(city.facts(AlarmClosed)) == 1
    city.read((20, 0.15))
    facade.run_machine(at(20))
    assert len(city.facts(AlarmRaised)) == 2


def test_an_alarm_that_is_over_is_closed_by_acknowledging_it(city: City) -> None:
    alarm_id = raised(city)
    cleared(city)
    assert facade.alarm(alarm_id).state is facade.AlarmState.CLEARED
    assert facade.acknowledge(alarm_id, person_id=who(city, "duty1"), now=at(20)).state is facade.AlarmState.CLOSED
    with pytest.raises(facade.AlarmAlreadyClosedError):
        facade.acknowledge(alarm_id, person_id=who(city, "duty1"), now=at(21))


def test_acknowledging_twice_keeps_the_first(city: City) -> None:
    alarm_id = raised(city)
    facade.acknowledge(alarm_id, person_id=who(city, "duty1"), note="一", now=at(5))
    facade.acknowledge(alarm_id, person_id=who(city, "duty2"), note="二", now=at(6))
    assert facade.alarm(alarm_id).note == "一"
    assert len(city.facts(AlarmAcknowledged)) == 1


def test_a_standing_alarm_cannot_be_closed_and_one_that_is_over_can(city: City) -> None:
    alarm_id = raised(city)
    with pytest.raises(facade.AlarmStillStandsError):
        facade.close_alarm(alarm_id, person_id=who(city, "duty1"), now=at(5))
    cleared(city)
    alarm = facade.close_alarm(alarm_id, person_id=who(city, "duty1"), note="误报", now=at(20))
    assert (alarm.state, alarm.note) == (facade.AlarmState.CLOSED, "误报")


@pytest.mark.parametrize("username", ["supervisor", "leader", "auditor"])
def test_who_may_not_act_on_alarms_is_refused(city: City, username: str) -> None:
    alarm_id = raised(city)
    with pytest.raises(NotAllowedError):
        facade.acknowledge(alarm_id, person_id=who(city, username), now=at(5))
    with pytest.raises(NotAllowedError):
        facade.shelve(alarm_id, person_id=who(city, username), reason="x", until=at(60), now=at(5))


def test_a_district_officer_acts_in_the_own_district_only(city: City) -> None:
    alarm_id = raised(city)
    assert facade.alarm(alarm_id).area == "110105"
    facade.acknowledge(alarm_id, person_id=who(city, "chaoyang.duty"), now=at(5))
    Alarm.objects.filter(pk=alarm_id).update(area="110101")
    with pytest.raises(NotAllowedError):
        facade.shelve(alarm_id, person_id=who(city, "chaoyang.duty"), reason="x", until=at(60), now=at(5))


def test_a_mild_alarm_is_shelved_by_one_and_taken_back(city: City) -> None:
    alarm_id = raised(city)
    alarm = facade.shelve(alarm_id, person_id=who(city, "duty1"), reason="检修", until=at(600), now=at(5))
    assert (alarm.state, alarm.shelve_reason, alarm.shelved_until) == (facade.AlarmState.SHELVED, "检修", at(600))
    assert facade.unshelve(alarm_id, person_id=who(city, "duty2"), now=at(9)).state is facade.AlarmState.RAISED
    with pytest.raises(facade.AlarmNotShelvedError):
        facade.unshelve(alarm_id, person_id=who(city, "duty2"), now=at(9))


def test_a_grave_alarm_needs_the_consent_of_a_second_person_with_that_right(city: City) -> None:
    alarm_id = raised(city, 0.05)
    assert facade.alarm(alarm_id).level is Level.ORANGE
    asked = {"person_id": who(city, "duty1"), "reason": "检修", "until": at(600), "now": at(5)}
    with pytest.raises(facade.ConsentMissingError):
        facade.shelve(alarm_id, **asked)
    with pytest.raises(facade.ConsentMissingError):
        facade.shelve(alarm_id, **asked, consented_by=who(city, "duty1"))
    with pytest.raises(NotAllowedError):
        facade.shelve(alarm_id, **asked, consented_by=who(city, "supervisor"))
    assert facade.alarm(alarm_id).state is facade.AlarmState.RAISED
    alarm = facade.shelve(alarm_id, **asked, consented_by=who(city, "duty2"))
    assert alarm.shelve_consent_by == city.people["duty2"].actor
    (fact,) = city.facts(AlarmShelved)
    assert isinstance(fact, AlarmShelved)
    assert fact.consented_by == city.people["duty2"].actor


def test_shelving_needs_a_reason_and_an_end(city: City) -> None:
    alarm_id = raised(city)
    with pytest.raises(facade.ReasonMissingError):
        facade.shelve(alarm_id, person_id=who(city, "duty1"), reason="  ", until=at(600), now=at(5))
    with pytest.raises(facade.ShelvingSpanError):
        facade.shelve(alarm_id, person_id=who(city, "duty1"), reason="x", until=at(1), now=at(5))


def test_what_is_not_there_is_said_so(city: City) -> None:
    with pytest.raises(NotFoundError):
        facade.acknowledge(99, person_id=who(city, "duty1"))
    with pytest.raises(NotFoundError):
        facade.alarm(99)


def case_facts(city: City, *, case_id: int = 7) -> tuple[CaseOpened, CaseClosed]:
    (raised_fact,) = city.facts(AlarmRaised)
    about = {"happened_at": at(3), "actor": "system:loop", "area": AreaCode("110105")}
    title = Text("失压", "Pressure loss")
    signal = SignalReceived(
        fact_id=uuid4(), causes=(Ref.fact(raised_fact.fact_id),), signal_id=1, source="alarm", title=title,
        case_id=case_id, case_number="A-7", merged=False, **about,
    )  # fmt: skip
    opened = CaseOpened(
        fact_id=uuid4(), causes=(Ref.fact(signal.fact_id),), case_id=case_id, case_number="A-7", case_kind="k",
        title=title, **about,
    )  # fmt: skip
    closing = CaseClosed(
        fact_id=uuid4(), causes=(Ref.fact(opened.fact_id),), case_id=case_id, case_number="A-7", case_kind="k",
        opened_at=at(3), due_at=at(3) + timedelta(hours=4), closed_at=at(900), on_time=True, reworked=0, **about,
    )  # fmt: skip
    journal.post(signal, opened, closing)
    return opened, closing


def test_a_case_is_linked_through_its_causes_and_its_closing_closes_an_alarm_that_is_over(city: City) -> None:
    alarm_id = raised(city)
    opened, closing = case_facts(city)
    for _ in range(2):
        facade.note_case(opened)
    alarm = facade.alarm(alarm_id)
    assert (alarm.case_id, alarm.case_number) == (7, "A-7")
    assert facade.alarm_of_case(7) == alarm
    cleared(city)
    assert facade.alarm(alarm_id).state is facade.AlarmState.CLEARED
    for _ in range(2):
        facade.note_case(closing)
    assert facade.alarm(alarm_id).state is facade.AlarmState.CLOSED
    (fact,) = city.facts(AlarmClosed)
    assert Ref.fact(closing.fact_id) in fact.causes


def test_a_case_closed_while_the_condition_stands_closes_the_alarm_at_its_return(city: City) -> None:
    alarm_id = raised(city)
    opened, closing = case_facts(city)
    facade.note_case(closing)
    assert facade.alarm(alarm_id).is_open
    assert facade.alarm(alarm_id).case_id == 7
    facade.note_case(opened)
    cleared(city)
    assert facade.alarm(alarm_id).state is facade.AlarmState.CLOSED


def test_a_case_without_an_alarm_changes_nothing(city: City) -> None:
    raised(city)
    (raised_fact,) = city.facts(AlarmRaised)
    stranger = CaseOpened(
        fact_id=uuid4(), causes=(Ref.observation(1),), case_id=8, case_number="B-8", case_kind="k",
        title=Text("人工上报", "By hand"), happened_at=NOON, actor="person:1", area=raised_fact.area,
    )  # fmt: skip
    facade.note_case(stranger)
    assert facade.alarm_of_case(8) is None


def test_an_alarm_whose_signal_joins_a_standing_case_is_linked_to_it(city: City) -> None:
    alarm_id = raised(city)
    (raised_fact,) = city.facts(AlarmRaised)
    joined = SignalReceived(
        fact_id=uuid4(), causes=(Ref.fact(raised_fact.fact_id),), signal_id=2, source="alarm",
        title=Text("失压", "Pressure loss"), case_id=9, case_number="A-9", merged=True, happened_at=at(3),
        actor="system:loop", area=raised_fact.area,
    )  # fmt: skip
    for _ in range(2):
        facade.note_case(joined)
    assert facade.alarm(alarm_id).case_number == "A-9"
