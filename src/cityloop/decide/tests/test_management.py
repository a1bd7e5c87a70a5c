"""Alarm management: shelving by two people, suppression by design, floods, and how the alarms served."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from cityloop.decide import facade
from cityloop.decide.facade import (
    AlarmState,
    ConsentMissingError,
    FloodBoundsError,
    MeasureChangedMeanwhileError,
    MeasureEdit,
    MeasureUnfitError,
    ReasonMissingError,
    ShelvingAnsweredError,
    ShelvingAskedAlreadyError,
    ShelvingNotNeededError,
    ShelvingOutdatedError,
    ShelvingSpanError,
    WatchEdit,
)
from cityloop.decide.models import Activation, Alarm, Flood, ShelvingRequest
from cityloop.decide.tests.conftest import PASSWORD, QUICK, City, at, watch
from cityloop.kernel.declarations import WatchKind
from cityloop.kernel.errors import NotFoundError
from cityloop.kernel.facts.decided import (
    AlarmClosed,
    AlarmFloodBegan,
    AlarmFloodEnded,
    AlarmRaised,
    AlarmReleased,
    AlarmShelved,
    AlarmSuppressed,
    MeasureChanged,
    ShelvingDeclined,
    ShelvingRequested,
)
from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text
from cityloop.registry.facade import AccessDeniedError

PUMP = watch("pump", WatchKind.HIGH, {Level.BLUE: 0.6})
BASIS = Text("依据", "basis")


def browser(username: str, language: str = "en") -> Client:
    client = Client()
    assert client.login(username=username, password=PASSWORD)
    client.cookies["django_language"] = language
    return client


def grave(city: City) -> int:
    """An alarm of level II."""
    city.watch_by(QUICK)
    city.read((0, 0.05))
    facade.run_machine(at(0))
    return Alarm.objects.get().pk


def ask(city: City, alarm_id: int, **more: object) -> int:
    values = {"person_id": city.people["duty1"].person_id, "reason": "检修", "until": at(3600), "now": at(10)} | more
    return facade.ask_to_shelve(alarm_id, **values).request_id  # type: ignore[arg-type]


def test_a_request_that_nobody_confirmed_shelves_nothing(city: City) -> None:
    alarm_id = grave(city)
    ask(city, alarm_id)
    assert facade.alarm(alarm_id).state is AlarmState.RAISED
    assert [one.level for one in facade.waiting_requests(area="110105")] == [Level.ORANGE]
    assert facade.waiting_requests(area="110101") == []
    assert len(city.facts(ShelvingRequested)) == 1
    assert city.facts(AlarmShelved) == []
    facade.run_machine(at(3600))
    assert [one.outcome for one in facade.shelving_requests(alarm_id)] == ["expired"]
    assert facade.alarm(alarm_id).state is AlarmState.RAISED


def test_a_second_person_confirms_and_the_alarm_is_shelved(city: City) -> None:
    alarm_id = grave(city)
    request = ask(city, alarm_id)
    duty2 = city.people["chaoyang.duty"]
    done = facade.consent_to_shelving(request, person_id=duty2.person_id, now=at(20))
    assert (done.outcome, done.decided_by) == ("confirmed", duty2.actor)
    alarm = facade.alarm(alarm_id)
    assert (alarm.state, alarm.shelved_by, alarm.shelve_consent_by) == (
        AlarmState.SHELVED, city.people["duty1"].actor, duty2.actor,
    )  # fmt: skip
    assert alarm.shelved_until == at(3600)
    with pytest.raises(ShelvingAnsweredError):
        facade.consent_to_shelving(request, person_id=duty2.person_id, now=at(30))
    (fact,) = city.facts(AlarmShelved)
    assert fact.consented_by == duty2.actor


def test_nobody_confirms_alone_or_without_the_right(city: City) -> None:
    request = ask(city, grave(city))
    with pytest.raises(ConsentMissingError):
        facade.consent_to_shelving(request, person_id=city.people["duty1"].person_id, now=at(20))
    for username in ("operator", "citizen", "auditor"):
        with pytest.raises(AccessDeniedError):
            facade.consent_to_shelving(request, person_id=city.people[username].person_id, now=at(20))
        with pytest.raises(AccessDeniedError):
            facade.decline_shelving(request, person_id=city.people[username].person_id, now=at(20))
    Alarm.objects.update(area="110101")
    with pytest.raises(AccessDeniedError):
        facade.consent_to_shelving(request, person_id=city.people["chaoyang.duty"].person_id, now=at(20))
    assert ShelvingRequest.objects.get().outcome == ""


def test_a_request_is_refused_or_withdrawn(city: City) -> None:
    alarm_id = grave(city)
    refused = ask(city, alarm_id)
    facade.decline_shelving(refused, person_id=city.people["chaoyang.duty"].person_id, note="no", now=at(20))
    withdrawn = ask(city, alarm_id)
    facade.decline_shelving(withdrawn, person_id=city.people["duty1"].person_id, now=at(30))
    assert [(one.outcome, one.note) for one in facade.shelving_requests(alarm_id)] == [
        ("withdrawn", ""),
        ("refused", "no"),
    ]
    assert [fact.outcome for fact in city.facts(ShelvingDeclined)] == ["refused", "withdrawn"]


def test_what_may_not_be_asked_is_refused(city: City) -> None:
    alarm_id = grave(city)
    for fault, error in (
        ({"reason": "  "}, ReasonMissingError),
        ({"until": at(5)}, ShelvingSpanError),
        ({"until": at(8 * 86_400)}, ShelvingSpanError),
        ({"person_id": city.people["operator"].person_id}, AccessDeniedError),
    ):
        with pytest.raises(error):
            ask(city, alarm_id, **fault)
    ask(city, alarm_id)
    with pytest.raises(ShelvingAskedAlreadyError):
        ask(city, alarm_id)
    with pytest.raises(NotFoundError):
        ask(city, 10**9)
    with pytest.raises(NotFoundError):
        facade.consent_to_shelving(10**9, person_id=city.people["duty1"].person_id, now=at(20))
    city.read((30, 0.15))
    facade.run_machine(at(30))
    Alarm.objects.update(level=Level.BLUE)
    with pytest.raises(ShelvingNotNeededError):
        ask(city, alarm_id, now=at(40))


def test_an_alarm_that_became_graver_is_asked_for_again(city: City) -> None:
    request = ask(city, grave(city))
    Alarm.objects.update(level=Level.RED)
    with pytest.raises(ShelvingOutdatedError):
        facade.consent_to_shelving(request, person_id=city.people["chaoyang.duty"].person_id, now=at(20))


@pytest.mark.parametrize(("language", "words"), [("en", "Consent and shelve"), ("zh-hans", "同意并屏蔽")])
def test_two_people_shelve_from_their_own_desks(city: City, language: str, words: str) -> None:
    alarm_id = grave(city)
    first, second = browser("duty1", language), browser("chaoyang.duty", language)
    until = timezone.localtime(timezone.now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M")
    page = f"/alarms/{alarm_id}/"
    assert first.post(f"{page}shelve/ask/", {"until": until}).status_code == 422
    assert first.post(f"{page}shelve/ask/", {"until": until, "reason": "检修"}).status_code == 302
    assert first.post(f"{page}shelve/ask/", {"until": until, "reason": "检修"}).status_code == 409
    request = ShelvingRequest.objects.get().pk
    assert words not in first.get(page).text
    assert words in second.get(page).text
    assert f"/alarms/{alarm_id}/" in second.get("/alarms/performance/").text
    assert first.post(f"/alarms/shelving/{request}/consent/").status_code == 403
    assert facade.alarm(alarm_id).state is AlarmState.RAISED
    assert second.post(f"/alarms/shelving/{request}/consent/").status_code == 302
    assert facade.alarm(alarm_id).state is AlarmState.SHELVED
    assert second.post(f"/alarms/shelving/{request}/decline/").status_code == 409
    assert browser("operator").post(f"/alarms/shelving/{request}/consent/").status_code == 403


def suppress(city: City, *, within: str = "all") -> None:
    """The watch `pump` suppresses the watch `quick`."""
    city.watch_by(PUMP, QUICK)
    edit = WatchEdit(
        limits={Level.BLUE: 0.6}, basis=BASIS, confirmed=False, enabled=True, note="by design",
        suppresses=("quick",), suppress_within=within, hysteresis=0.02, hold_s=0.0,
    )  # fmt: skip
    facade.edit_watch(
        "pump", person_id=city.people["operator"].person_id, edit=edit, expected_version=facade.watch("pump").version,
        now=at(-10),
    )  # fmt: skip


def of(code: str) -> Alarm:
    return Alarm.objects.get(watch_code=code)


def test_an_alarm_calls_nobody_while_the_suppressing_one_stands(city: City) -> None:
    suppress(city)
    city.read((0, 0.7))
    facade.run_machine(at(0))
    city.read((10, 0.15), stream=city.second)
    facade.run_machine(at(10))
    quiet = of("quick")
    assert (quiet.state, quiet.suppressed_by, quiet.raised_fact) == (AlarmState.SUPPRESSED, "pump", None)
    assert [fact.watch_code for fact in city.facts(AlarmRaised)] == ["pump"]
    assert [fact.suppressed_by for fact in city.facts(AlarmSuppressed)] == ["pump"]
    assert [one.watch_code for one in facade.open_alarms()] == ["pump"]
    counts = facade.alarm_counts()
    assert (counts.open, counts.suppressed, counts.by_level[Level.BLUE]) == (2, 1, 1)
    city.read((20, 0.3))
    facade.run_machine(at(20))
    back = of("quick")
    assert (back.state, back.raised_at, back.suppressed_by) == (AlarmState.RAISED, at(20), "")
    assert [fact.watch_code for fact in city.facts(AlarmRaised)] == ["pump", "quick"]
    assert len(city.facts(AlarmReleased)) == 1


def test_who_suppresses_is_judged_first_within_one_run(city: City) -> None:
    suppress(city)
    city.read((0, 0.15), stream=city.second)
    city.read((0, 0.7))
    facade.run_machine(at(1))
    assert of("quick").state == AlarmState.SUPPRESSED
    assert [fact.watch_code for fact in city.facts(AlarmRaised)] == ["pump"]


def test_a_suppressed_alarm_that_ends_is_closed_and_nobody_was_called(city: City) -> None:
    suppress(city)
    city.read((0, 0.7))
    facade.run_machine(at(0))
    for second, value in ((10, 0.15), (20, 0.3)):
        city.read((second, value), stream=city.second)
        facade.run_machine(at(second))
    quiet = of("quick")
    assert (quiet.state, quiet.cleared_at, quiet.raised_fact) == (AlarmState.CLOSED, at(20), None)
    assert [fact.alarm_id for fact in city.facts(AlarmClosed)] == [quiet.pk]
    assert list(Activation.objects.values_list("watch_code", "told")) == [("pump", True), ("quick", False)]


def test_a_standing_alarm_is_suppressed_and_comes_back_unraised_again(city: City) -> None:
    suppress(city)
    city.read((0, 0.15), stream=city.second)
    facade.run_machine(at(0))
    city.read((10, 0.7))
    facade.run_machine(at(10))
    assert of("quick").state == AlarmState.SUPPRESSED
    city.read((20, 0.3))
    facade.run_machine(at(20))
    assert of("quick").state == AlarmState.RAISED
    assert len(city.facts(AlarmRaised)) == 2


@pytest.mark.parametrize(("within", "suppressed"), [("all", True), ("thing", False), ("stream", False)])
def test_suppression_reaches_as_far_as_it_says(city: City, within: str, suppressed: bool) -> None:  # noqa: FBT001
    suppress(city, within=within)
    city.read((0, 0.7))
    facade.run_machine(at(0))
    city.read((10, 0.15), stream=city.second)
    facade.run_machine(at(10))
    assert (of("quick").state == AlarmState.SUPPRESSED) is suppressed


def test_a_switched_off_watch_suppresses_nothing(city: City) -> None:
    suppress(city)
    city.read((0, 0.7))
    city.read((0, 0.15), stream=city.second)
    facade.run_machine(at(1))
    off = WatchEdit(
        limits={Level.BLUE: 0.6}, hysteresis=0, hold_s=0, basis=BASIS, confirmed=False, enabled=False, note="off"
    )
    facade.edit_watch("pump", person_id=city.people["operator"].person_id, edit=off, expected_version=2, now=at(2))
    facade.run_machine(at(3))
    assert of("quick").state == AlarmState.RAISED


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_suppressed_alarm_says_what_suppresses_it(city: City, language: str) -> None:
    suppress(city)
    city.read((0, 0.7))
    city.read((0, 0.15), stream=city.second)
    facade.run_machine(at(1))
    client = browser("duty1", language)
    page = client.get(f"/alarms/{of('quick').pk}/").text
    assert {"en": "Watch pump", "zh-hans": "规则pump"}[language] in page
    assert f"/alarms/{of('quick').pk}/" in client.get("/alarms/", {"state": "suppressed"}).text


def activations(alarm: Alarm, *seconds: float, level: Level = Level.BLUE, told: bool = True) -> None:
    Activation.objects.bulk_create(
        Activation(
            alarm=alarm, watch_code=alarm.watch_code, datastream_id=alarm.datastream_id, area=alarm.area, level=level,
            at=at(second), told_at=at(second), told=told,
        )
        for second in seconds
    )  # fmt: skip


def test_a_flood_begins_at_ten_in_ten_minutes_and_ends_below_five(city: City) -> None:
    alarm = Alarm.objects.get(pk=grave(city))
    activations(alarm, *range(1, 9))
    assert not facade.scan_flood(at(10))  # with the one that the machine told: nine
    activations(alarm, 11)
    assert facade.scan_flood(at(12))
    assert facade.scan_flood(at(15))
    assert facade.flood_lasts() == (at(12), 10)
    assert "flood of alarms lasts" in browser("duty1").get("/alarms/").text
    activations(alarm, 300, 301, 302, 303)
    assert facade.scan_flood(at(304))
    assert not facade.scan_flood(at(612))
    assert Flood.objects.get().ended_at == at(612)
    assert [fact.alarms for fact in city.facts(AlarmFloodBegan)] == [10]
    (ended,) = city.facts(AlarmFloodEnded)
    assert (ended.alarms, ended.peak, ended.lasted_s) == (4, 14, 600.0)
    assert facade.flood_lasts() is None


def test_more_people_on_duty_answer_more(city: City) -> None:
    alarm = Alarm.objects.get(pk=grave(city))
    activations(alarm, *range(1, 12))
    change(city, "operators", 2)
    assert not facade.scan_flood(at(12))


def test_the_measures_of_a_day_are_counted(city: City) -> None:
    alarm = Alarm.objects.get(pk=grave(city))
    city.read((0, 0.15), stream=city.second)
    facade.run_machine(at(0))
    other = Alarm.objects.exclude(pk=alarm.pk).get()
    activations(alarm, 600, 610, 620, 4000, level=Level.RED)
    activations(other, *range(7200, 7212))
    activations(other, 9000, told=False)
    found = facade.performance(since=at(0), until=at(86_400))
    assert (found.told, found.untold) == (18, 1)
    assert found.average == pytest.approx(18 / 144)
    assert (found.peak, found.peak_at) == (12, at(7200))
    assert found.busy_share == pytest.approx(100 / 144)
    ((began, ended, peak),) = [(one.began_us, one.ended_us, one.peak) for one in found.floods]
    assert (peak, (ended - began) / 1e6) == (12, 598)
    assert found.flood_share == pytest.approx(598 / 864)
    assert found.by_level == {Level.RED: 4, Level.ORANGE: 1, Level.YELLOW: 0, Level.BLUE: 13}
    assert [(one.datastream_id, one.count) for one in found.top] == [(city.second, 13), (city.first, 5)]
    assert found.top_share == pytest.approx(100)
    assert {one.datastream_id: one.count for one in found.chattering} == {city.second: 12, city.first: 3}
    assert [one.alarm_id for one in found.standing] == [alarm.pk, other.pk]
    assert facade.performance(since=at(0), until=at(86_300)).standing == ()
    assert facade.performance(since=at(0), until=at(86_400), area="110101").told == 0
    number, rows = facade.activations(since=at(0), until=at(86_400), level=Level.RED, limit=3)
    assert (number, [row.told_at for row in rows]) == (4, [at(4000), at(620), at(610)])
    assert facade.activations(since=at(0), until=at(86_400), watch_code="quick", datastream_id=city.second)[0] == 13
    assert facade.counted_since() == at(0)


@pytest.mark.parametrize(("language", "words"), [("en", "Share of the time in flood"), ("zh-hans", "洪水时间占比")])
def test_every_number_of_the_page_opens_its_alarms(city: City, language: str, words: str) -> None:
    now = timezone.now()
    alarm = Alarm.objects.get(pk=grave(city))
    Activation.objects.update(told_at=now - timedelta(hours=1))
    client = browser("duty1", language)
    page = client.get("/alarms/performance/", {"days": "1"})
    assert page.status_code == 200
    assert words in page.text
    links = {part.split('"')[0].replace("&amp;", "&") for part in page.text.split('href="/alarms/activations/')[1:]}
    assert len(links) > 4
    pages = [client.get(f"/alarms/activations/{link}") for link in links]
    assert {answer.status_code for answer in pages} == {200}
    assert any(f"/alarms/{alarm.pk}/" in answer.text for answer in pages)
    assert client.get("/alarms/performance/", {"days": "x"}).status_code == 200
    for hostile in (
        "since=x&until=y",
        "level=9",
        "stream=" + "9" * 40,
        "watch=%27%3B--",
        "page=-1",
        "since=2026-01-01",
    ):
        assert client.get(f"/alarms/activations/?{hostile}").status_code == 200


def test_a_district_sees_its_own_alarms_only(city: City) -> None:
    grave(city)
    Activation.objects.update(told_at=timezone.now())
    assert "1 alarm called somebody" in browser("chaoyang.duty").get("/alarms/performance/").text
    Activation.objects.update(area="110101")
    assert "0 alarms called somebody" in browser("chaoyang.duty").get("/alarms/performance/").text


def change(city: City, code: str, value: float, *, version: int = 0, username: str = "operator") -> None:
    edit = MeasureEdit(value=value, basis=BASIS, confirmed=True, note="decided")
    facade.change_measure(
        code, person_id=city.people[username].person_id, edit=edit, expected_version=version, now=at(5)
    )


def test_a_threshold_is_data_with_versions_and_a_basis(city: City) -> None:
    before = facade.measure("chatter-count")
    assert (before.version, before.value, before.confirmed) == (0, 3, False)
    change(city, "chatter-count", 4)
    change(city, "chatter-count", 5, version=1)
    assert [(one.version, one.value) for one in facade.measure_versions("chatter-count")] == [(2, 5), (1, 4), (0, 3)]
    assert facade.measure("chatter-count").changed_by == city.people["operator"].actor
    assert [fact.value for fact in city.facts(MeasureChanged)] == [4, 5]
    with pytest.raises(MeasureChangedMeanwhileError):
        change(city, "chatter-count", 6, version=1)
    with pytest.raises(MeasureUnfitError):
        change(city, "chatter-count", 1, version=2)
    with pytest.raises(MeasureUnfitError):
        change(city, "chatter-count", float("nan"), version=2)
    with pytest.raises(FloodBoundsError):
        change(city, "flood-ends", 10)
    with pytest.raises(NotFoundError):
        change(city, "nothing", 1)
    with pytest.raises(AccessDeniedError):
        change(city, "chatter-count", 6, version=2, username="duty1")


@pytest.mark.parametrize(("language", "words"), [("en", "to be confirmed"), ("zh-hans", "待主管部门确认")])
def test_thresholds_are_changed_from_their_page(city: City, language: str, words: str) -> None:
    client = browser("operator", language)
    assert words in client.get("/alarm-measures/").text
    page = "/alarm-measures/flood-begins/"
    assert words in client.get(page).text
    fields = {"value": "20", "basis_zh": "甲", "basis_en": "A", "note": "why", "version": "0", "confirmed": "on"}
    for hostile in ({"value": "x"}, {"value": "1e9"}, {"value": "4"}, {"note": ""}, {"version": "-1"}):
        assert client.post(page, fields | hostile).status_code == 422
    assert client.post(page, fields).status_code == 302
    assert client.post(page, fields).status_code == 409
    assert facade.measure("flood-begins").value == 20
    assert client.get("/alarm-measures/nothing/").status_code == 404
    assert browser("duty1").post(page, fields).status_code == 403
    assert city.first
