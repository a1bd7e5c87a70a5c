"""Nobody sees beyond the area and the organisation of the own posts, whatever address is typed in."""

from datetime import date

import pytest
from django.db import connection

from cityloop.command import facade
from cityloop.command.tests.conftest import NOW, PASSWORD, City, signed_in
from cityloop.journal import facade as journal
from cityloop.kernel.areas import CITY, AreaCode
from cityloop.kernel.facts import Fact, Ref, new_fact_id
from cityloop.kernel.facts.assessed import IndicatorValued
from cityloop.kernel.facts.commanded import ShiftHandedOver
from cityloop.kernel.facts.decided import AlarmCleared
from cityloop.kernel.facts.responded import CaseStepped
from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text
from cityloop.registry import facade as registry
from cityloop.registry.facade import Post, Right, Role

HERE, ELSEWHERE = AreaCode("110105"), AreaCode("110101")
READING = 912_000_000_000_000_007
SECRET = "压力低于限值"


def _cleared(area: AreaCode, *causes: Ref) -> AlarmCleared:
    return AlarmCleared(
        fact_id=new_fact_id(), happened_at=NOW, actor="watch:w", area=area, causes=causes, alarm_id=1,
        title=Text(SECRET, "Pressure low"), level=Level.RED, value=0.03,
    )  # fmt: skip


def _stepped(area: AreaCode, *causes: Ref) -> CaseStepped:
    return CaseStepped(
        fact_id=new_fact_id(), happened_at=NOW, actor="person:1", area=area, causes=causes, case_id=1,
        case_number=f"{area}-1", step="dispatch", state_before="filed", state="dispatched", note="机密批注", due_at=NOW,
    )  # fmt: skip


def _rate(area: AreaCode, *causes: Ref) -> IndicatorValued:
    return IndicatorValued(
        fact_id=new_fact_id(), happened_at=NOW, actor="system:assess", area=area, causes=causes, indicator="I17",
        title=Text("率", "Rate"), period="2026-11", numerator=1, denominator=1, value=100.0, unit="%", target=95.0,
    )  # fmt: skip


def _handed_over() -> ShiftHandedOver:
    return ShiftHandedOver(
        fact_id=new_fact_id(), happened_at=NOW, actor="person:1", area=CITY, causes=(), handover_id=1, to="person:2",
        open_alarms=0, open_cases=0, note="机密交班",
    )  # fmt: skip


def _status(username: str, address: str) -> int:
    return signed_in(username).get(address).status_code


def _page_of(fact: Fact) -> str:
    return f"/trace/fact/{fact.fact_id}/"


def test_a_fact_of_another_district_is_refused_by_its_address_and_the_attempt_is_audited(city: City) -> None:
    here, elsewhere, duty = _cleared(HERE), _cleared(ELSEWHERE), _handed_over()
    journal.post(here, elsewhere, duty)
    browser = signed_in("chaoyang.duty")
    assert browser.get(_page_of(here)).status_code == 200
    refused = browser.get(_page_of(elsewhere))
    assert refused.status_code == 403
    assert SECRET not in refused.content.decode()
    assert browser.get(_page_of(duty)).status_code == 403
    assert _status("duty1", _page_of(elsewhere)) == 200
    newest = registry.audit_entries(actor=city.people["chaoyang.duty"].actor, outcome="denied")
    assert {entry.what for entry in newest} == {f"fact {fact.fact_id}" for fact in (elsewhere, duty)}


def test_a_chain_that_crosses_the_border_withholds_the_steps_beyond_it(city: City) -> None:
    beyond = _cleared(ELSEWHERE)
    here = _cleared(HERE, Ref.fact(beyond.fact_id))
    after = _stepped(ELSEWHERE, Ref.fact(here.fact_id))
    journal.post(beyond, here, after)
    chain = facade.chain_of_fact(here.fact_id, reader=city.people["chaoyang.duty"])
    assert chain is not None
    assert [step.kind for step in (*chain.causes, *chain.effects)] == ["withheld", "withheld"]
    told = signed_in("chaoyang.duty").get(_page_of(here)).content.decode()
    assert "机密批注" not in told
    assert str(beyond.fact_id) not in told
    assert "不在您的权限范围" in told


def test_a_reading_and_a_stream_of_another_district_are_refused(city: City) -> None:
    stream = city.streams["a"]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE sense_datastream SET area = %s WHERE id = %s", [ELSEWHERE, stream])
        cursor.execute(
            "INSERT INTO sense_observation (datastream_id, phenomenon_time, id, result, feature_id)"
            " VALUES (%s, %s, %s, 0.03, 0)",
            [stream, NOW, READING],
        )
    for address in (f"/trace/observation/{READING}/", f"/trace/stream/{stream}/"):
        assert _status("chaoyang.duty", address) == 403
        assert _status("duty1", address) == 200
    for page in ("/trace/line/pumps/flow/",):
        assert f"/trace/stream/{stream}/" not in signed_in("chaoyang.duty").get(page).content.decode()
        assert f"/trace/stream/{stream}/" in signed_in("duty1").get(page).content.decode()


def test_counts_are_opened_by_who_sees_the_whole_area_they_count_in(city: City) -> None:  # noqa: ARG001  asked for what it does
    journal.post(_cleared(ELSEWHERE))
    asked = "/trace/facts/?kind=decided.AlarmCleared"
    assert _status("chaoyang.duty", asked) == 403
    assert _status("chaoyang.duty", f"{asked}&area={ELSEWHERE}") == 403
    assert _status("chaoyang.duty", f"{asked}&area={HERE}") == 200
    assert _status("duty1", asked) == 200
    assert _status("chaoyang.duty", "/trace/facts/?kind=sensed.ReadingsKept") == 200


def test_the_indicator_of_every_district_is_open_but_not_the_cases_behind_it(city: City) -> None:
    closings = Ref.aggregate("journal.facts", {"kind": "responded.CaseClosed", "area": ELSEWHERE}, as_of="")
    rate = _rate(ELSEWHERE, closings)
    journal.post(rate)
    assert _status("chaoyang.duty", _page_of(rate)) == 200
    chain = facade.chain_of_fact(rate.fact_id, reader=city.people["chaoyang.duty"])
    assert chain is not None
    assert [(step.kind, step.link, step.count) for step in chain.causes] == [("aggregate", "", None)]


def test_a_handler_sees_the_steps_of_the_own_organisations_cases_only(city: City) -> None:  # noqa: ARG001  asked for what it does
    stepped = _stepped(HERE)
    journal.post(stepped)
    assert _status("chaoyang", _page_of(stepped)) == 403
    assert _status("chaoyang.duty", _page_of(stepped)) == 200


def test_a_second_post_does_not_widen_what_the_first_one_shows(city: City) -> None:
    operator, who = city.people["operator"], city.people["chaoyang.duty"]
    registry.add_post(operator, who.person_id, Post(role=Role.ASSESSOR, area=CITY, valid_from=date(2026, 1, 1)))
    wider = registry.person(who.person_id)
    assert wider.area == CITY
    assert registry.reach_of(wider, Right.SEE_WALL) == HERE
    names = {row["code"] for row in signed_in("chaoyang.duty").get("/wall/data/").json()["districts"]}
    assert names == {HERE}


@pytest.mark.parametrize(
    "address",
    [
        "/trace/facts/?kind=%00",
        f"/trace/facts/?kind=sensed.ReadingsKept&page={'9' * 30}",
        f"/trace/facts/?kind=sensed.ReadingsKept&as_of={'9' * 30}",
        "/trace/facts/?kind=sensed.ReadingsKept&from=0001-01-01T00:00:00%2B23:59",
        f"/trace/observation/{'9' * 30}/",
        "/trace/line/pumps/a%00/",
    ],
)
def test_an_address_nobody_can_read_is_refused_with_a_sentence(city: City, address: str) -> None:  # noqa: ARG001  asked for what it does
    answer = signed_in("duty1").get(address)
    assert answer.status_code in {400, 404}
    assert "Traceback" not in answer.content.decode()


def test_numbers_beyond_all_range_and_characters_of_number_zero_are_refused_in_forms(city: City) -> None:  # noqa: ARG001  asked for what it does
    browser = signed_in("duty1")
    assert browser.post("/shift/", {"taking_over": "9" * 5000, "note": "x"}).status_code == 422
    assert browser.post("/shift/log/", {"kind": "note", "words": "a\0b"}).status_code == 400


def test_a_returning_walls_place_beyond_all_range_is_no_place() -> None:
    assert facade.place_of("9" * 30 + ":1") is None
    assert facade.place_of("12:7") == (12, 7)


def test_personal_pages_are_kept_by_no_cache(city: City) -> None:  # noqa: ARG001  asked for what it does
    browser = signed_in("duty1")
    for page in ("/wall/", "/shift/", "/trace/open-alarms/", "/platform/"):
        assert browser.get(page)["Cache-Control"] == "private, no-store"
    assert PASSWORD not in str(browser.session.items())
