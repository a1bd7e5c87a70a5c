"""The trace walks both ways."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection

from cityloop.command import facade
from cityloop.command.tests.conftest import NOW, City, signed_in
from cityloop.journal import facade as journal
from cityloop.kernel.areas import CITY, AreaCode
from cityloop.kernel.facts import Fact, Ref, new_fact_id
from cityloop.kernel.facts.assessed import IndicatorValued
from cityloop.kernel.facts.decided import AlarmRaised
from cityloop.kernel.facts.responded import CaseClosed, CaseOpened, CaseStepped
from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text

HERE = AreaCode("110105")
READING = 912_000_000_000_000_001


def _alarm(stream: int, *causes: Ref) -> AlarmRaised:
    return AlarmRaised(
        fact_id=new_fact_id(), happened_at=NOW, actor="watch:w", area=HERE, causes=causes, alarm_id=1,
        title=Text("压力低", "Pressure low"), level=Level.RED, watch_code="w", watch_version=1, project="pumps",
        datastream_id=stream, thing_name=Text("泵", "pump"),
        value=0.03, threshold=0.05, unit="MPa", longitude=None, latitude=None,
        case_kind="k",
    )  # fmt: skip


def _opened(cause: Fact) -> CaseOpened:
    return CaseOpened(
        fact_id=new_fact_id(), happened_at=NOW + timedelta(seconds=1), actor="system:loop", area=HERE,
        causes=(Ref.fact(cause.fact_id),), case_id=1, case_number="110105-1", case_kind="k",
        title=Text("压力低", "Pressure low"),
    )  # fmt: skip


def _stepped(cause: Fact, step: str) -> CaseStepped:
    return CaseStepped(
        fact_id=new_fact_id(), happened_at=NOW + timedelta(minutes=1), actor="person:1", area=HERE,
        causes=(Ref.fact(cause.fact_id),), case_id=1, case_number="110105-1", step=step, state_before="filed",
        state="dispatched", note="速办", due_at=NOW,
    )  # fmt: skip


def _closed(cause: Fact) -> CaseClosed:
    return CaseClosed(
        fact_id=new_fact_id(), happened_at=NOW + timedelta(hours=1), actor="person:1", area=HERE,
        causes=(Ref.fact(cause.fact_id),), case_id=1, case_number="110105-1", case_kind="k", opened_at=NOW,
        due_at=NOW + timedelta(hours=2), closed_at=NOW + timedelta(hours=1), on_time=True, reworked=0,
    )  # fmt: skip


def _indicator(as_of: str) -> IndicatorValued:
    asked = {"kind": "responded.CaseClosed", "area": CITY, "from": "2026-11-01T00:00:00+08:00"}
    return IndicatorValued(
        fact_id=new_fact_id(), happened_at=NOW + timedelta(hours=2), actor="system:assess", area=CITY,
        causes=(Ref.aggregate("journal.facts", asked, as_of=as_of),), indicator="I17", title=Text("率", "Rate"),
        period="2026-11", numerator=1, denominator=1, value=100.0, unit="%", target=95.0,
    )  # fmt: skip


@pytest.fixture
def story(city: City) -> list[Fact]:
    """Return alarm, case, step, closing and indicator, all in the journal, with the reading they came from."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO sense_observation (datastream_id, phenomenon_time, id, result, feature_id)"
            " VALUES (%s, %s, %s, 0.03, 0)",
            [city.streams["a"], NOW - timedelta(seconds=9), READING],
        )
    alarm = _alarm(city.streams["a"], Ref.observation(READING))
    opened = _opened(alarm)
    stepped = _stepped(opened, "dispatch")
    closed = _closed(stepped)
    journal.post(alarm, opened, stepped, closed)
    indicator = _indicator("")
    journal.post(indicator)
    return [alarm, opened, stepped, closed, indicator]


def test_from_a_step_the_chain_goes_up_to_the_reading_and_down_to_the_indicator(story: list[Fact]) -> None:
    chain = facade.chain_of_fact(story[2].fact_id, reader=None)
    assert chain is not None
    assert [step.kind for step in chain.causes] == ["observation", "fact", "fact"]
    assert [step.key for step in chain.effects] == [str(story[3].fact_id), str(story[4].fact_id)]
    assert not chain.cut


def test_from_the_indicator_the_chain_names_what_it_counts(story: list[Fact]) -> None:
    chain = facade.chain_of_fact(story[4].fact_id, reader=None)
    assert chain is not None
    (counted,) = chain.causes
    assert (counted.kind, counted.count) == ("aggregate", 1)
    assert counted.among[0].key == str(story[3].fact_id)


def test_from_the_reading_everything_follows(story: list[Fact]) -> None:
    chain = facade.chain_of_observation(READING, reader=None)
    assert [step.key for step in chain.effects] == [str(fact.fact_id) for fact in story]


def _gone(story: list[Fact]) -> str:
    chain = facade.chain_of_fact(story[0].fact_id, reader=None)
    assert chain is not None
    assert chain.causes[0].kind == "gone"
    return chain.causes[0].title.en


def test_a_reading_that_is_gone_is_said_to_be_so_and_why(story: list[Fact]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM sense_observation")
        assert "not here" in _gone(story)
        cursor.execute(
            "INSERT INTO sense_removal (retention, keep_days, before_day, readings) VALUES ('', 9, '2100-01-01', 1)"
        )
        assert "retention" in _gone(story)
        cursor.execute(
            "INSERT INTO sense_correction (observation_id, datastream_id, before) VALUES (%s, 1, '{}')", [READING]
        )
        assert "deleted" in _gone(story)


@pytest.mark.usefixtures("story")
def test_a_corrected_reading_shows_what_it_was() -> None:
    with connection.cursor() as cursor:
        for result in ('{"result": 4.25}', '{"result": null, "result_json": "offline"}'):
            cursor.execute(
                "INSERT INTO sense_correction (observation_id, datastream_id, before, after) VALUES (%s, 1, %s, '{}')",
                [READING, result],
            )
    chain = facade.chain_of_observation(READING, reader=None)
    assert [detail.value for detail in chain.subject.details if "correction" in detail.title.en] == ["offline", "4.25"]


def test_a_cause_that_the_journal_does_not_hold_is_said_to_be_gone(city: City) -> None:
    alarm = _alarm(city.streams["a"], Ref.fact(uuid4()), Ref.aggregate("other.selector", {}, as_of=""))
    journal.post(alarm)
    chain = facade.chain_of_fact(alarm.fact_id, reader=None)
    assert chain is not None
    assert {step.kind for step in chain.causes} == {"gone", "aggregate"}


def test_a_fact_that_is_not_there_has_no_chain(city: City) -> None:
    assert facade.chain_of_fact(uuid4(), reader=None) is None
    assert signed_in("duty1").get(f"/trace/fact/{uuid4()}/").status_code == 404
    assert city.people


def test_a_very_long_chain_says_that_it_is_cut(city: City) -> None:
    alarm = _alarm(city.streams["a"])
    journal.post(alarm, *(_opened(alarm) for _ in range(30)))
    chain = facade.chain_of_fact(alarm.fact_id, reader=None)
    assert chain is not None
    assert chain.cut
    assert len(chain.effects) == 20


@pytest.mark.parametrize(("language", "said"), [("zh-hans", "报警产生"), ("en", "Alarm raised")])
def test_the_pages_of_the_trace_answer_in_both_languages_without_a_script(
    story: list[Fact], language: str, said: str
) -> None:
    client = signed_in("duty1", language=language)
    stream = story[0].datastream_id  # type: ignore[attr-defined]
    for address in (
        *(f"/trace/fact/{fact.fact_id}/" for fact in story),
        f"/trace/observation/{READING}/",
        f"/trace/stream/{stream}/",
        "/trace/facts/?kind=responded.CaseClosed&area=110105",
        "/trace/line/pumps/flow/",
        "/trace/open-alarms/?area=110105",
        "/trace/open-cases/",
        "/trace/transport/",
        "/trace/rejected/",
    ):
        answer = client.get(address)
        assert answer.status_code == 200, address
    assert said in client.get(f"/trace/fact/{story[3].fact_id}/").content.decode()


def test_an_aggregate_is_paged_and_says_how_many_it_counts(city: City) -> None:
    alarm = _alarm(city.streams["a"])
    journal.post(alarm, *(_opened(alarm) for _ in range(60)))
    page = signed_in("duty1", language="en").get("/trace/facts/?kind=responded.CaseOpened&page=2").content.decode()
    assert "2 / 2" in page
    assert "<strong>60</strong>" in page


@pytest.mark.parametrize(
    "address", ["/trace/facts/", "/trace/facts/?kind=a.B&from=never", "/trace/open-alarms/?area=moon"]
)
def test_an_address_that_cannot_be_read_is_refused_with_a_sentence(city: City, address: str) -> None:
    assert signed_in("duty1").get(address).status_code == 400
    assert city.people


def test_who_has_no_right_to_traces_is_refused(city: City) -> None:
    assert signed_in("citizen").get(f"/trace/fact/{uuid4()}/").status_code == 403
    assert city.people
