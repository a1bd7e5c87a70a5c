"""Pages of alarms and watches, in both languages, for those who may."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from cityloop.decide import facade
from cityloop.decide.models import Alarm
from cityloop.decide.tests.conftest import PASSWORD, QUICK, SILENT, City, at
from cityloop.registry import facade as registry

LANGUAGES = ["zh-hans", "en"]
ALARM_WORDS = [
    ("zh-hans", ["未确认", "默认值，待主管部门确认", "规则quick", "朝阳区"]),
    ("en", ["Not acknowledged", "to be confirmed", "Watch quick"]),
]
WATCH_WORDS = [
    ("zh-hans", ["规则quick", "三个采集周期", "待主管部门确认", "低于限值"]),
    ("en", ["Watch quick", "to be confirmed", "Below a limit"]),
]
JSON = {"HTTP_ACCEPT": "application/json", "content_type": "application/json"}


def browser(username: str, language: str = "en") -> Client:
    client = Client()
    assert client.login(username=username, password=PASSWORD)
    client.cookies["django_language"] = language
    return client


def alarm_of(city: City, value: float = 0.15) -> int:
    city.watch_by(QUICK, SILENT)
    city.read((0, value))
    facade.run_machine(at(0))
    return Alarm.objects.get().pk


@pytest.mark.parametrize(("language", "words"), ALARM_WORDS)
def test_the_pages_of_an_alarm_speak_both_languages(city: City, language: str, words: list[str]) -> None:
    alarm_id = alarm_of(city)
    client = browser("duty1", language)
    page = client.get(f"/alarms/{alarm_id}/")
    assert page.status_code == 200
    for word in words:
        assert word in page.text
    assert f"/trace/fact/{facade.alarm(alarm_id).raised_fact}/" in page.text
    listing = client.get("/alarms/")
    assert f"/alarms/{alarm_id}/" in listing.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_list_is_filtered(city: City, language: str) -> None:
    alarm_id = alarm_of(city)
    client = browser("duty1", language)
    link = f"/alarms/{alarm_id}/"
    assert link in client.get("/alarms/", {"state": "raised", "level": "4", "area": "110105"}).text
    for other in ({"state": "closed"}, {"level": "1"}, {"area": "110101"}):
        assert link not in client.get("/alarms/", other).text
    assert link in client.get("/alarms/", {"level": "nonsense", "page": "0"}).text
    assert client.get("/alarms/", {"page": "99"}).status_code == 200


def test_a_district_officer_sees_the_own_district(city: City) -> None:
    alarm_id = alarm_of(city)
    client = browser("chaoyang.duty")
    assert f"/alarms/{alarm_id}/" in client.get("/alarms/").text
    Alarm.objects.update(area="110101")
    assert f"/alarms/{alarm_id}/" not in client.get("/alarms/").text
    assert client.get(f"/alarms/{alarm_id}/").status_code == 403


def test_a_note_is_taken_from_the_page(city: City) -> None:
    alarm_id = alarm_of(city)
    client = browser("duty1")
    answer = client.post(f"/alarms/{alarm_id}/acknowledge/", {"note": "seen"}, follow=True)
    assert answer.redirect_chain == [(f"/alarms/{alarm_id}/", 302)]
    assert "The alarm is acknowledged." in answer.text
    assert facade.alarm(alarm_id).note == "seen"
    city.read((10, 0.35))
    facade.run_machine(at(10))
    again = client.post(f"/alarms/{alarm_id}/close/", {})
    assert again.status_code == 409
    assert "closed already" in again.text
    assert "nothing more can be done" in client.get(f"/alarms/{alarm_id}/").text


def test_the_wall_acts_in_json(city: City) -> None:
    alarm_id = alarm_of(city)
    client = browser("duty1", "zh-hans")
    answer = client.post(f"/alarms/{alarm_id}/acknowledge/", {"note": "已派人"}, **JSON)
    assert answer.json() == {
        "alarm_id": alarm_id,
        "state": "acknowledged",
        "level": 4,
        "message": "报警已确认。",
    }
    until = (timezone.now() + timedelta(hours=1)).isoformat()
    missing = client.post(f"/alarms/{alarm_id}/shelve/", {"until": until}, **JSON)
    assert missing.status_code == 422
    assert set(missing.json()["fields"]) == {"reason"}
    assert missing.json()["message"]
    done = client.post(f"/alarms/{alarm_id}/shelve/", {"reason": "检修", "until": until}, **JSON)
    assert done.json()["state"] == "shelved"
    back = client.post(f"/alarms/{alarm_id}/unshelve/", {}, **JSON)
    assert back.json()["state"] == "acknowledged"
    assert client.post(f"/alarms/{alarm_id}/unshelve/", {}, **JSON).status_code == 409
    refused = client.post(f"/alarms/{alarm_id}/close/", {}, **JSON)
    assert refused.status_code == 409
    assert "不能关闭" in refused.json()["message"]
    assert client.post(f"/alarms/{alarm_id}/close/", "[1", **JSON).status_code == 400
    assert client.post(f"/alarms/{alarm_id}/close/", "[1]", **JSON).status_code == 400


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_grave_alarm_is_shelved_with_a_second_person_at_the_desk(city: City, language: str) -> None:
    alarm_id = alarm_of(city, 0.05)
    client = browser("duty1", language)
    fields = {
        "reason": "检修",
        "until": timezone.localtime(timezone.now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M"),
    }
    address = f"/alarms/{alarm_id}/shelve/"
    assert "consent_username" in client.get(f"/alarms/{alarm_id}/").text
    for second, password, status in (
        ("", "", 422),
        ("duty2", "wrong-password-1", 400),
        ("duty1", PASSWORD, 403),
        ("supervisor", PASSWORD, 403),
    ):
        answer = client.post(address, fields | {"consent_username": second, "consent_password": password})
        assert (second, answer.status_code) == (second, status)
        assert facade.alarm(alarm_id).state is facade.AlarmState.RAISED
    done = client.post(address, fields | {"consent_username": "duty2", "consent_password": PASSWORD})
    assert done.status_code == 302
    assert facade.alarm(alarm_id).shelve_consent_by == city.people["duty2"].actor
    assert client.get(f"/alarms/{alarm_id}/").status_code == 200


def test_the_end_of_a_shelving_is_checked_with_a_clear_message(city: City) -> None:
    alarm_id = alarm_of(city)
    answer = browser("duty1").post(f"/alarms/{alarm_id}/shelve/", {"reason": "x", "until": "2020-01-01T00:00"})
    assert answer.status_code == 422
    assert "The end must lie in the future" in answer.text


def test_who_has_no_right_is_refused(city: City) -> None:
    alarm_id = alarm_of(city)
    assert browser("supervisor").get("/alarms/").status_code == 403
    assert browser("leader").post(f"/alarms/{alarm_id}/acknowledge/", {}).status_code == 403
    assert "another right or area" in browser("leader").get(f"/alarms/{alarm_id}/").text
    assert browser("duty1").get("/watches/").status_code == 403
    assert Client().get("/alarms/").status_code == 302
    assert browser("duty1").get("/alarms/99999/").status_code == 404


@pytest.mark.parametrize(("language", "words"), WATCH_WORDS)
def test_watches_are_listed_with_their_basis(city: City, language: str, words: list[str]) -> None:
    alarm_of(city)
    client = browser("operator", language)
    page = client.get("/watches/")
    for word in words:
        assert word in page.text
    assert client.get("/watches/silent/").status_code == 200
    assert client.get("/watches/nothing/").status_code == 404


def test_new_limits_are_put_into_force_from_the_page(city: City) -> None:
    alarm_of(city)
    client = browser("operator")
    fields = {
        "level_4": "0.25",
        "level_2": "0.1",
        "hysteresis": "0.01",
        "hold_s": "30",
        "basis_zh": "函",
        "basis_en": "Letter",
        "confirmed": "on",
        "enabled": "on",
        "note": "as the authority asked",
        "version": "1",
    }
    answer = client.post("/watches/quick/", fields, follow=True)
    assert "Version 2 is in force." in answer.text
    assert "as the authority asked" in answer.text
    assert client.post("/watches/quick/", fields).status_code == 409
    wrong = client.post("/watches/quick/", fields | {"version": "2", "level_2": "0.5"})
    assert wrong.status_code == 422
    assert "beyond the milder" in wrong.text
    empty = client.post("/watches/quick/", fields | {"version": "2", "level_2": "", "level_4": ""})
    assert "At least one level needs a limit." in empty.text
    assert client.post("/watches/quick/", {"version": "2"}).status_code == 422
    assert client.post("/watches/nothing/", fields).status_code == 404
    assert facade.watch("quick").version == 2


def test_a_form_that_cannot_be_accepted_shows_no_alarm_of_another_district_and_is_audited(city: City) -> None:
    alarm_id = alarm_of(city)
    Alarm.objects.filter(pk=alarm_id).update(area="110101")
    person, client = registry.person(city.people["chaoyang.duty"].person_id), browser("chaoyang.duty")
    for act in ("acknowledge", "close", "shelve", "unshelve"):
        refused = client.post(f"/alarms/{alarm_id}/{act}/", {"note": "x" * 5000})
        assert (refused.status_code, "Watch quick" in refused.text) == (403, False)
        assert client.post(f"/alarms/{alarm_id}/{act}/", {"note": "x"}, **JSON).status_code == 403
    assert len(registry.audit_entries(actor=person.actor, outcome="denied")) == 8


def test_a_second_person_without_the_right_is_audited_though_nothing_is_kept(city: City) -> None:
    alarm_id = alarm_of(city)
    Alarm.objects.filter(pk=alarm_id).update(level=1)
    until = (timezone.now() + timedelta(hours=1)).isoformat()
    body = {"reason": "r", "until": until, "consent_username": "operator", "consent_password": PASSWORD}
    refused = browser("duty1").post(f"/alarms/{alarm_id}/shelve/", body, **JSON)
    assert refused.status_code in {403, 422}
    denied = registry.audit_entries(actor=city.people["operator"].actor, outcome="denied")
    assert [entry.what for entry in denied] == [f"alarm {alarm_id}"]


def test_a_body_nested_without_end_and_a_page_beyond_all_range_are_refused_or_ignored(city: City) -> None:
    alarm_id, client = alarm_of(city), browser("duty1")
    nested = "[" * 100_000
    assert client.post(f"/alarms/{alarm_id}/acknowledge/", nested, content_type="application/json").status_code == 400
    assert client.get("/alarms/", {"page": "9" * 5000}).status_code == 200
