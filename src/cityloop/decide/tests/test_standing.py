"""Watches that judge alarms: n of m points, and what must stop while a condition stands."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloop.decide import facade
from cityloop.decide.facade import TermsError, UnknownWatchError, WatchDraft, WatchEdit, WatchRingError
from cityloop.decide.models import Alarm
from cityloop.decide.rules import LimitsError, check_terms
from cityloop.decide.rules.points import USUAL_TABLE, grade, grades, made_of
from cityloop.decide.tests.conftest import PROJECT, City, at, stream, thing, watch
from cityloop.decide.tests.test_watch_editor import FIELDS, browser
from cityloop.kernel.declarations import Origin, WatchKind, WatchSpec
from cityloop.kernel.facts import Ref
from cityloop.kernel.facts.decided import AlarmCleared, AlarmLevelChanged, AlarmRaised
from cityloop.kernel.levels import Level
from cityloop.kernel.terms import Rise, Terms
from cityloop.kernel.text import Text
from cityloop.sense import facade as sense

CODES = tuple(f"point-{number}" for number in range(1, 7))
FIRST = replace(PROJECT, things=tuple(map(thing, CODES)), streams=tuple(map(stream, CODES)))
AWAY = replace(thing("gate"), longitude=116.2, latitude=39.91)
SECOND = replace(PROJECT, code="other", things=(replace(thing("shop")), AWAY), streams=(stream("shop"), stream("gate")))
LEVELS = watch(
    "levels", WatchKind.HIGH, {Level.BLUE: 1.0, Level.YELLOW: 2.0, Level.ORANGE: 3.0, Level.RED: 4.0}, hysteresis=0.0
)
ITEM = watch(
    "item", WatchKind.GROUP, {}, unit="/4", hysteresis=0.0, terms=Terms(watches=("levels",), table=USUAL_TABLE)
)
SALES = watch(
    "sales", WatchKind.STOP, {}, unit="/4", hysteresis=0.0, streams=("shop", "gate"), case_kind="stop-sales",
    terms=Terms(watches=("levels",), table=(Rise(1, Level.RED, Level.ORANGE),)),
)  # fmt: skip


class Points:
    """Six points of one kind under one watch, read and scanned second by second."""

    def __init__(self, city: City) -> None:
        self.city = city
        sense.declare(FIRST, Origin.LIVE)
        views = {view.code: view.datastream_id for view in sense.streams_of_project("specimen")}
        self.streams = [views[f"specimen/{code}"] for code in CODES]

    def watch_by(self, *specs: WatchSpec) -> None:
        facade.declare(replace(FIRST, watches=specs), now=at(0))

    def read(self, second: float, values: Sequence[float]) -> None:
        for number, value in zip(self.streams, values, strict=False):
            self.city.read((second, value), stream=number)
        self.scan(second)

    def scan(self, second: float) -> None:
        facade.run_machine(at(second))
        facade.scan_standing(at(second))
        facade.run_machine(at(second))

    def item(self, code: str = "item") -> Alarm | None:
        return Alarm.objects.filter(watch_code=code).first()


@pytest.fixture
def points(city: City) -> Points:
    return Points(city)


@pytest.mark.parametrize(
    ("levels", "made"),
    [
        ([4, 4, 4], None),
        ([4, 4, 4, 4], 3),
        ([4, 4, 4, 3], 3),
        ([3, 3], None),
        ([3, 3, 3], 2),
        ([3, 3, 2], 2),
        ([2], None),
        ([2, 2], 1),
        ([1], 1),
        ([], None),
    ],
)
def test_the_usual_table_is_the_one_of_the_standard(levels: list[int], made: int | None) -> None:
    assert made_of(map(Level, levels), USUAL_TABLE) == made


@given(st.lists(st.sampled_from(Level)), st.integers(0, 20))
def test_a_point_that_grows_worse_never_makes_a_milder_level(levels: list[Level], place: int) -> None:
    before = made_of(levels, USUAL_TABLE)
    if levels and levels[place % len(levels)] is not Level.RED:
        levels[place % len(levels)] = Level(levels[place % len(levels)] - 1)
    assert grade(made_of(levels, USUAL_TABLE)) >= grade(before)


def test_a_table_stands_for_limits_that_rise() -> None:
    assert grades(USUAL_TABLE) == {Level.RED: 4.0, Level.ORANGE: 3.0, Level.YELLOW: 2.0}
    assert [grade(level) for level in (None, *sorted(Level, reverse=True))] == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_points_make_a_level_together_and_the_alarm_names_them(points: Points) -> None:
    points.watch_by(LEVELS, ITEM)
    points.read(1, [1.1, 1.2, 1.3, 0.5, 0.5, 0.5])
    assert points.item() is None
    points.read(2, [1.1, 1.2, 1.3, 1.4, 0.5, 0.5])
    alarm = points.item()
    assert (alarm.level, alarm.value, alarm.threshold, alarm.unit) == (Level.YELLOW, 2.0, 2.0, "/4")
    named = facade.alarm_points(alarm.pk)
    assert [one.datastream_id for one in named] == points.streams[:4]
    fact = next(fact for fact in points.city.facts(AlarmRaised) if fact.alarm_id == alarm.pk)
    assert all(Ref.fact(one.raised_fact) in fact.causes for one in named)
    points.read(3, [2.1, 2.2, 2.3, 1.4, 0.5, 0.5])
    alarm.refresh_from_db()
    assert alarm.level == Level.ORANGE
    assert [one.level for one in facade.alarm_points(alarm.pk)] == [3, 3, 3, 4]
    assert len([fact for fact in points.city.facts(AlarmLevelChanged) if fact.alarm_id == alarm.pk]) == 1
    points.read(4, [4.5, 0.2, 0.2, 0.2, 0.5, 0.5])
    alarm.refresh_from_db()
    assert (alarm.level, [one.datastream_id for one in facade.alarm_points(alarm.pk)]) == (
        Level.RED,
        points.streams[:1],
    )
    points.read(5, [0.1, 0.2, 0.2, 0.2, 0.5, 0.5])
    alarm.refresh_from_db()
    assert alarm.cleared_at == at(5)
    assert len(alarm.points) == 1
    page = browser("duty1").get(f"/alarms/{alarm.pk}/").text
    assert "Its points" in page
    assert f"/alarms/{named[0].alarm_id}/" in page
    assert "涉及测点" in browser("duty1", "zh-hans").get(f"/alarms/{alarm.pk}/").text


def test_a_point_that_is_quiet_does_not_stand(points: Points) -> None:
    points.watch_by(LEVELS, ITEM)
    points.read(1, [1.1, 1.2, 1.3, 1.4])
    assert points.item().cleared_at is None
    for second in (6, 11, 16):
        points.read(second, [1.1, 1.2, 1.3])
    assert points.item().cleared_at is None
    points.read(17, [1.1, 1.2, 1.3])
    alarm = points.item()
    assert alarm.cleared_at == at(17)
    assert Alarm.objects.filter(watch_code="levels", cleared_at=None).count() == 4


def test_an_on_delay_holds_for_groups_too(points: Points) -> None:
    points.watch_by(LEVELS, replace(ITEM, hold_s=10.0))
    points.read(1, [4.1])
    points.read(6, [4.1])
    assert points.item() is None
    points.read(11, [4.1])
    points.scan(12)
    assert points.item().first_at == at(1)


def test_groups_of_groups_rise_one_after_the_other(points: Points) -> None:
    pond = replace(
        ITEM, code="pond", terms=Terms(watches=("item",), table=(Rise(1, Level.YELLOW, Level.YELLOW),))
    )  # fmt: skip
    points.watch_by(LEVELS, ITEM, pond)
    points.read(1, [1.1, 1.2, 1.3, 1.4])
    points.scan(2)
    assert points.item("pond").level == Level.YELLOW
    points.read(3, [0.1, 0.2, 0.3, 0.4])
    points.scan(4)
    assert points.item("pond").cleared_at == at(4)


def stop(points: Points, spec: WatchSpec) -> None:
    sense.declare(SECOND, Origin.LIVE)
    points.watch_by(LEVELS)
    facade.declare(replace(SECOND, watches=(spec,)), now=at(0))


def test_a_condition_of_another_system_stops_a_thing_until_it_ends(points: Points) -> None:
    stop(points, SALES)
    points.read(1, [3.9])
    assert points.item("sales") is None
    points.read(2, [4.1])
    alarms = list(Alarm.objects.filter(watch_code="sales"))
    assert {alarm.thing_en for alarm in alarms} == {"Point shop", "Point gate"}
    assert {alarm.level for alarm in alarms} == {Level.ORANGE}
    facts = [fact for fact in points.city.facts(AlarmRaised) if fact.watch_code == "sales"]
    assert {(fact.title.en, fact.case_kind) for fact in facts} == {("Watch sales", "stop-sales")}
    condition = Alarm.objects.get(watch_code="levels")
    assert all(Ref.fact(condition.raised_fact) in fact.causes for fact in facts)
    assert [one.alarm_id for one in facade.alarm_points(alarms[0].pk)] == [condition.pk]
    assert "What stops it" in browser("duty1").get(f"/alarms/{alarms[0].pk}/").text
    points.read(3, [3.9])
    assert not Alarm.objects.filter(watch_code="sales", cleared_at=None).exists()
    assert len([fact for fact in points.city.facts(AlarmCleared) if fact.alarm_id in {a.pk for a in alarms}]) == 2


def test_a_condition_of_one_district_stops_things_of_that_district_alone(points: Points) -> None:
    stop(points, replace(SALES, terms=replace(SALES.terms, within="district")))
    points.read(2, [4.1])
    (alarm,) = Alarm.objects.filter(watch_code="sales")
    assert alarm.thing_en == "Point shop"
    assert alarm.area[:6] == Alarm.objects.get(watch_code="levels").area[:6]


def test_a_watch_that_goes_ends_what_it_stops(points: Points) -> None:
    stop(points, SALES)
    points.read(2, [4.1])
    facade.declare(replace(SECOND, watches=()), now=at(3))
    assert not Alarm.objects.filter(watch_code="sales", cleared_at=None).exists()


@pytest.mark.parametrize(
    ("terms", "dead", "error"),
    [
        (Terms(table=USUAL_TABLE), 0.0, TermsError),
        (Terms(watches=("a",)), 0.0, TermsError),
        (Terms(watches=("a",), table=(Rise(0, Level.RED, Level.RED),)), 0.0, TermsError),
        (Terms(watches=("a",), table=(Rise(1001, Level.RED, Level.RED),)), 0.0, TermsError),
        (Terms(watches=("a",), table=USUAL_TABLE * 5), 0.0, TermsError),
        (Terms(watches=("a",) * 51, table=USUAL_TABLE), 0.0, TermsError),
        (Terms(watches=("a",), table=USUAL_TABLE, within="street"), 0.0, TermsError),
        (Terms(watches=("a",), table=USUAL_TABLE), 0.5, LimitsError),
    ],
)
def test_tables_that_cannot_be_used_are_refused(terms: Terms, dead: float, error: type[Exception]) -> None:
    for kind in (WatchKind.GROUP, WatchKind.STOP):
        with pytest.raises(error):
            check_terms(kind, terms, limits={}, hysteresis=dead)


def edit(*watches: str) -> WatchEdit:
    return WatchEdit(
        limits={}, hysteresis=0.0, hold_s=0.0, basis=Text("依据", "basis"), confirmed=False, enabled=True, note="why",
        terms=Terms(watches=watches, table=USUAL_TABLE),
    )  # fmt: skip


def test_watches_that_would_judge_each_other_are_refused(points: Points) -> None:
    points.watch_by(LEVELS)
    operator = points.city.people["operator"].person_id
    draft = WatchDraft(title=Text("组合", "Group"), kind=WatchKind.GROUP, streams=("specimen/point-*",))

    def make(*watches: str) -> str:
        return facade.make_watch(person_id=operator, draft=draft, edit=edit(*watches), now=at(0)).code

    first = make("levels")
    second = make(first)
    third = make(second, "levels")
    for named in ("nobody", first, third):
        with pytest.raises(UnknownWatchError):
            facade.edit_watch(first, person_id=operator, edit=edit(named), expected_version=1, now=at(1))
    assert facade.watch(first).version == 1


def test_declarations_that_would_judge_each_other_in_a_ring_are_refused(points: Points) -> None:
    pond = replace(ITEM, code="pond", terms=Terms(watches=("sales",), table=USUAL_TABLE))
    stop(points, replace(SALES, terms=replace(SALES.terms, watches=("item",))))
    with pytest.raises(WatchRingError):
        points.watch_by(LEVELS, replace(ITEM, terms=replace(ITEM.terms, watches=("levels", "pond"))), pond)
    with pytest.raises(WatchRingError):
        points.watch_by(LEVELS, replace(ITEM, terms=replace(ITEM.terms, watches=("item",))))
    assert {view.code for view in facade.watches()} == {"levels", "sales"}
    points.watch_by(LEVELS, ITEM, pond)


GROUP = FIELDS | {
    "kind": "group", "level_2": "", "level_4": "", "hysteresis": "0", "group_watches": "levels",
    "group_table": "4 × IV → III\r\n3 III II\r\n2x II->I\r\n1 I = I",
}  # fmt: skip


def test_a_person_makes_a_group_without_a_trial(points: Points) -> None:
    points.watch_by(LEVELS)
    client = browser("operator")
    tried = client.post("/watches/new/", GROUP | {"do": "try"})
    assert tried.status_code == 200
    assert "nothing to try on history" in tried.text
    assert client.post("/watches/new/", GROUP | {"enabled": "on"}).status_code == 302
    view = facade.watch("own.1")
    assert (view.terms, view.unit, view.enabled) == (Terms(watches=("levels",), table=USUAL_TABLE), "/4", True)
    page = client.get("/watches/own.1/").text
    assert "4 × IV → III\n3 × III → II" in page
    assert 'name="level_1"' not in page
    assert "after its table" in client.get("/watches/").text
    for fault in ({"group_table": "many"}, {"group_table": "4 V III"}, {"group_watches": ""}, {"level_1": "3"}):
        assert client.post("/watches/new/", GROUP | fault).status_code == 422
    points.read(1, [4.1])
    assert points.item("own.1").level == Level.RED


def test_a_person_makes_a_rule_across_systems(points: Points) -> None:
    stop(points, SALES)
    points.watch_by(LEVELS)
    fields = GROUP | {
        "kind": "stop", "streams": "other/*", "stop_watches": "levels", "stop_table": "1 I I",
        "stop_within": "district", "enabled": "on",
    }  # fmt: skip
    assert browser("operator").post("/watches/new/", fields).status_code == 302
    table = (Rise(1, Level.RED, Level.RED),)
    assert facade.watch("own.1").terms == Terms(watches=("levels",), table=table, within="district")
    points.read(1, [4.1])
    assert [alarm.thing_en for alarm in Alarm.objects.filter(watch_code="own.1")] == ["Point shop"]
