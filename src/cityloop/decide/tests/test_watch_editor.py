"""The watch editor: made, tried on history before it is switched on, in force from and until, refused with a reason."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from cityloop.decide import facade
from cityloop.decide.facade import (
    AlarmState,
    LimitsError,
    Step,
    StreamsUnfitError,
    UnknownWatchError,
    ValidityError,
    WatchDraft,
    WatchEdit,
)
from cityloop.decide.models import Alarm, Pending, Watch
from cityloop.decide.tests.conftest import PASSWORD, QUICK, SILENT, City, at
from cityloop.kernel.declarations import WatchKind
from cityloop.kernel.facts.decided import WatchChanged
from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text
from cityloop.registry import facade as registry
from cityloop.registry.facade import AccessDeniedError

Keep = Callable[[int, Sequence[tuple[datetime, float]]], None]
FIELDS = {
    "title_zh": "低压", "title_en": "Low pressure", "kind": "low", "streams": "specimen/point-*",
    "level_2": "0.1", "level_4": "0.2", "hysteresis": "0.02", "hold_s": "0", "off_delay_s": "",
    "basis_zh": "依据", "basis_en": "basis", "note": "first", "do": "keep",
}  # fmt: skip


def browser(username: str, language: str = "en") -> Client:
    client = Client()
    assert client.login(username=username, password=PASSWORD)
    client.cookies["django_language"] = language
    return client


def edit(**more: object) -> WatchEdit:
    values = {"limits": {Level.BLUE: 0.2}, "hysteresis": 0.02, "hold_s": 0.0, "basis": Text("依据", "basis")}
    values |= {"confirmed": False, "enabled": True, "note": "why"} | more
    return WatchEdit(**values)  # type: ignore[arg-type]


def make(
    city: City, *, kind: WatchKind = WatchKind.LOW, streams: tuple[str, ...] = ("specimen/point-*",), **more: object
) -> str:
    draft = WatchDraft(title=Text("低压", "Low pressure"), kind=kind, streams=streams)
    operator = city.people["operator"].person_id
    return facade.make_watch(person_id=operator, draft=draft, edit=edit(**more), now=at(0)).code


def token_in(page: str) -> str:
    return re.search(r'name="tried" value="([^"]*)"', page)[1].replace("&#x27;", "'")


def test_a_watch_that_a_person_makes_raises_alarms(city: City) -> None:
    code = make(city)
    view = facade.watch(code)
    assert (view.code, view.version, view.project, view.unit, view.streams) == ("own.1", 1, "", "MPa", 2)
    assert view.changed_by == city.people["operator"].actor
    city.read((1, 0.15))
    facade.run_machine(at(1))
    assert Alarm.objects.get().watch_code == "own.1"
    assert make(city) == "own.2"
    assert [fact.watch_code for fact in city.facts(WatchChanged)] == ["own.1", "own.2"]


def test_a_declaration_leaves_watches_of_people_alone(city: City) -> None:
    code = make(city)
    city.watch_by(QUICK)
    city.watch_by()
    assert facade.watch(code).valid_until is None


def test_the_unit_follows_the_kind_and_the_streams(city: City) -> None:
    units = {
        kind: facade.watch(make(city, kind=kind, limits={Level.BLUE: 600.0})).unit
        for kind in (WatchKind.HIGH, WatchKind.RATE, WatchKind.STUCK, WatchKind.SILENT, WatchKind.BASELINE)
    }
    assert list(units.values()) == ["MPa", "MPa/min", "s", "s", "σ"]
    number = make(city, streams=(f"#{city.second}",))
    assert facade.streams_of_watch(number) == (city.second,)


@pytest.mark.parametrize("names", [("nothing/*",), ("#999999999",), ("#" + "9" * 30,), ("'; drop table--",), ("",), ()])
def test_streams_that_are_not_there_are_refused(city: City, names: tuple[str, ...]) -> None:
    with pytest.raises(StreamsUnfitError):
        make(city, streams=names)
    assert not Watch.objects.exists()


def test_what_cannot_be_used_is_refused_and_nothing_is_kept(city: City) -> None:
    code = make(city)
    for fault, error in (
        ({"limits": {}}, LimitsError),
        ({"steps": {Level.BLUE: Step(hold_s=-1.0)}}, LimitsError),
        ({"steps": {Level.BLUE: Step(hysteresis=float("nan"))}}, LimitsError),
        ({"off_delay_s": float("inf")}, LimitsError),
        ({"starts_at": at(10), "ends_at": at(10)}, ValidityError),
        ({"suppresses": ("nobody",)}, UnknownWatchError),
        ({"suppresses": (code,)}, UnknownWatchError),
    ):
        with pytest.raises(error):
            facade.edit_watch(
                code, person_id=city.people["operator"].person_id, edit=edit(**fault), expected_version=1, now=at(1)
            )
    assert facade.watch(code).version == 1


def test_nobody_without_the_right_makes_a_watch(city: City) -> None:
    draft = WatchDraft(title=Text("低压", "Low"), kind=WatchKind.LOW, streams=("specimen/point-*",))
    for username in ("duty1", "auditor", "citizen"):
        with pytest.raises(AccessDeniedError):
            facade.make_watch(person_id=city.people[username].person_id, draft=draft, edit=edit(), now=at(0))
        assert browser(username).get("/watches/new/").status_code == 403
        assert browser(username).post("/watches/new/", FIELDS).status_code == 403
    assert not Watch.objects.exists()


def test_single_levels_keep_their_own_delays(city: City) -> None:
    steps = {Level.ORANGE: Step(hold_s=60.0), Level.BLUE: Step(off_delay_s=30.0)}
    code = make(city, limits={Level.BLUE: 0.2, Level.ORANGE: 0.1}, steps=steps)
    assert facade.watch(code).steps == steps
    city.read((1, 0.05))
    facade.run_machine(at(1))
    assert Alarm.objects.get().level == Level.BLUE
    city.read((61, 0.05))
    facade.run_machine(at(61))
    assert (Alarm.objects.get().level, Alarm.objects.get().hold_s) == (Level.ORANGE, 0.0)


def test_an_off_delay_is_waited_for_by_the_wall_clock_where_nothing_comes(city: City) -> None:
    code = make(city, off_delay_s=30.0)
    city.read((1, 0.15))
    city.read((10, 0.35))
    facade.run_machine(at(10))
    assert Alarm.objects.get().cleared_at is None
    assert Pending.objects.get().leaving
    facade.run_machine(at(39))
    assert Alarm.objects.get().cleared_at is None
    facade.run_machine(at(40))
    alarm = Alarm.objects.get()
    assert (alarm.cleared_at, alarm.clear_value, alarm.off_delay_s) == (at(40), 0.35, 30.0)
    assert not Pending.objects.filter(watch_code=code).exists()


def test_a_value_that_comes_back_within_the_off_delay_repeats_nothing(city: City) -> None:
    make(city, off_delay_s=30.0)
    for second, value in ((1, 0.15), (10, 0.35), (20, 0.15), (60, 0.15)):
        city.read((second, value))
        facade.run_machine(at(second))
    alarm = Alarm.objects.get()
    assert (alarm.count, alarm.cleared_at) == (1, None)


def test_a_watch_judges_from_its_beginning_until_its_end(city: City) -> None:
    code = make(city, starts_at=at(100), ends_at=at(200))
    assert facade.watch(code).asleep
    city.read((10, 0.15))
    assert facade.run_machine(at(10)) == 0
    assert facade.apply_validity(at(99)) == 0
    assert facade.apply_validity(at(100)) == 1
    city.read((101, 0.15))
    facade.run_machine(at(101))
    assert Alarm.objects.get().cleared_at is None
    assert facade.apply_validity(at(200)) == 1
    assert Alarm.objects.get().cleared_at == at(200)
    city.read((201, 0.12))
    facade.run_machine(at(201))
    assert Alarm.objects.get().count == 1
    assert facade.apply_validity(at(300)) == 0


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["2 alarms in 9 days", "Nothing is kept yet", "Share of the time"]),
        ("zh-hans", ["历史回测", "尚未保存"]),
    ],
)
def test_a_watch_is_shown_on_history_before_it_is_switched_on(
    city: City, keep_history: Keep, language: str, words: list[str]
) -> None:
    now = timezone.now()
    values = [0.3, 0.05, 0.3, 0.15, 0.3]
    keep_history(city.first, [(now - timedelta(days=9 - n), value) for n, value in enumerate(values)])
    client = browser("operator", language)
    assert client.get("/watches/new/").status_code == 200
    held = client.post("/watches/new/", FIELDS | {"enabled": "on"})
    assert held.status_code == 200
    assert [word for word in words if word not in held.text] == []
    assert not Watch.objects.exists()
    done = client.post("/watches/new/", FIELDS | {"enabled": "on", "tried": token_in(held.text)})
    assert done.status_code == 302
    view = facade.watch("own.1")
    assert (view.enabled, view.limits, view.change_note) == (True, {Level.ORANGE: 0.1, Level.BLUE: 0.2}, "first")


def test_a_trial_of_other_limits_switches_nothing_on(city: City) -> None:
    client = browser("operator")
    tried = client.post("/watches/new/", FIELDS | {"do": "try"})
    token = token_in(tried.text)
    other = client.post("/watches/new/", FIELDS | {"enabled": "on", "tried": token, "level_4": "0.3"})
    assert other.status_code == 200
    forged = client.post("/watches/new/", FIELDS | {"enabled": "on", "tried": token[:-2]})
    assert forged.status_code == 200
    assert not Watch.objects.exists()
    assert city.facts(WatchChanged) == []


def test_a_watch_may_be_kept_without_being_switched_on(city: City) -> None:
    client = browser("operator")
    assert client.post("/watches/new/", FIELDS).status_code == 302
    assert not facade.watch("own.1").enabled
    page = client.get("/watches/own.1/").text
    assert "Low pressure" in page
    change = FIELDS | {"version": "1", "on_2": "60", "dead_4": "0.05", "starts_at": "2027-01-01T00:00"}
    held = client.post("/watches/own.1/", change | {"enabled": "on"})
    assert (held.status_code, facade.watch("own.1").version) == (200, 1)
    again = client.post("/watches/own.1/", change | {"enabled": "on", "tried": token_in(held.text)})
    assert again.status_code == 302
    view = facade.watch("own.1")
    assert (view.version, view.enabled, view.asleep) == (2, True, True)
    assert view.steps == {Level.ORANGE: Step(hold_s=60.0), Level.BLUE: Step(hysteresis=0.05)}
    assert [one.version for one in facade.watch_versions("own.1")] == [2, 1]
    assert "outside its time" in client.get("/watches/").text
    assert city.people["operator"].actor == view.changed_by


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize(
    "hostile",
    [
        {"kind": "forecast"},
        {"kind": ""},
        {"level_4": "nan"},
        {"level_4": "1e400"},
        {"level_4": "<script>alert(1)</script>"},
        {"level_2": "0.3"},
        {"dead_4": "-1"},
        {"on_2": "1e12"},
        {"hold_s": "-5"},
        {"streams": "x" * 9000},
        {"streams": " ".join(f"s{n}" for n in range(300))},
        {"streams": "nobody/*"},
        {"title_zh": ""},
        {"title_en": "x" * 300},
        {"suppresses": "unknown"},
        {"suppresses": " ".join(f"s{n}" for n in range(300))},
        {"suppress_within": "galaxy"},
        {"starts_at": "yesterday"},
        {"starts_at": "2027-01-02T00:00", "ends_at": "2027-01-01T00:00"},
        {"note": ""},
        {"version": "x"},
    ],
)
def test_a_form_that_cannot_be_used_is_refused_with_a_reason(
    city: City, hostile: dict[str, str], language: str
) -> None:
    answer = browser("operator", language).post("/watches/new/", FIELDS | hostile)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert "<script>alert" not in answer.text
    assert not Watch.objects.exists()
    assert city.people


def test_a_form_with_an_unstorable_character_is_no_request_at_all(city: City) -> None:
    assert browser("operator").post("/watches/new/", FIELDS | {"streams": "\x00"}).status_code == 400
    assert not Watch.objects.exists()
    assert city.first


def test_markup_in_a_name_is_shown_as_text(city: City) -> None:
    client = browser("operator")
    assert client.post("/watches/new/", FIELDS | {"title_en": "<b>&amp;", "title_zh": "<i>甲"}).status_code == 302
    for page in ("/watches/", "/watches/own.1/"):
        text = client.get(page).text
        assert "&lt;b&gt;" in text
        assert "<b>&" not in text
    assert registry.audit_entries(limit=5)
    assert city.first


def test_a_made_watch_is_known_to_its_alarms(city: City) -> None:
    city.watch_by(SILENT)
    make(city)
    city.read((1, 0.15))
    facade.run_machine(at(1))
    alarm = Alarm.objects.get()
    page = browser("duty1").get(f"/alarms/{alarm.pk}/")
    assert page.status_code == 200
    assert "Low pressure" in page.text
    assert alarm.state == AlarmState.RAISED


def test_a_person_lets_a_watch_look_at_other_streams(city: City) -> None:
    code = make(city, streams=("specimen/point-1",))
    city.read((1, 0.15))
    facade.run_machine(at(1))
    operator = city.people["operator"].person_id
    moved = edit(streams=("specimen/point-2",))
    view = facade.edit_watch(code, person_id=operator, edit=moved, expected_version=1, now=at(2))
    assert (view.patterns, facade.streams_of_watch(code)) == (("specimen/point-2",), (city.second,))
    assert Alarm.objects.get().cleared_at == at(2)
    city.read((3, 0.15))
    city.read((3, 0.15), stream=city.second)
    facade.run_machine(at(3))
    assert Alarm.objects.get(cleared_at=None).datastream_id == city.second
    assert [one.patterns[0][-1] for one in facade.watch_versions(code)] == ["2", "1"]


def test_streams_that_do_not_fit_or_are_a_projects_stay(city: City) -> None:
    code = make(city, kind=WatchKind.HIGH)
    operator = city.people["operator"].person_id
    city.watch_by(QUICK)
    for other, names in ((code, ("nothing*",)), ("quick", ("specimen/point-1",))):
        with pytest.raises(StreamsUnfitError):
            facade.edit_watch(other, person_id=operator, edit=edit(streams=names), expected_version=1, now=at(2))
    assert facade.streams_of_watch(code) == (city.first, city.second)
    client = browser("operator")
    assert "streams" not in client.get("/watches/quick/").context["form"].fields
    form = client.get(f"/watches/{code}/").context["form"]
    assert form["streams"].value() == "specimen/point-*"
    changed = {name: value for name, value in FIELDS.items() if name not in {"kind", "title_zh", "title_en"}}
    changed |= {"version": "1", "level_2": "0.3", "streams": f"#{city.second}"}
    assert client.post(f"/watches/{code}/", changed).status_code == 302
    assert facade.streams_of_watch(code) == (city.second,)
