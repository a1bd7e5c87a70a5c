"""Watches: declared again and again, changed by people, judged anew."""

from dataclasses import replace

import pytest

from cityloop.decide import facade
from cityloop.decide.models import Alarm, Compilation, Watch, WatchStream
from cityloop.decide.tests.conftest import BASIS, HOLDING, QUICK, SILENT, City, at
from cityloop.kernel.declarations import WatchKind
from cityloop.kernel.errors import NotAllowedError, NotFoundError
from cityloop.kernel.facts.decided import AlarmCleared, AlarmRaised, WatchChanged
from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text


def edit(**changed: object) -> facade.WatchEdit:
    values: dict[str, object] = {
        "limits": {Level.BLUE: 0.3, Level.ORANGE: 0.1},
        "hysteresis": 0.02,
        "hold_s": 0.0,
        "basis": Text("市水务局函", "Letter of the water authority"),
        "confirmed": True,
        "enabled": True,
        "note": "按主管部门意见调整",
    }
    return facade.WatchEdit(**(values | changed))  # type: ignore[arg-type]


def test_declaring_again_changes_nothing(city: City) -> None:
    assert city.watch_by(QUICK, HOLDING) == 2
    version = Compilation.objects.get().version
    assert city.watch_by(QUICK, HOLDING) == 0
    assert Compilation.objects.get().version == version
    assert WatchStream.objects.count() == 4
    assert Watch.objects.count() == 2


def test_a_changed_declaration_is_a_new_version_and_the_old_one_stays_readable(city: City) -> None:
    city.watch_by(QUICK)
    assert city.watch_by(replace(QUICK, hold_s=30.0), now=at(60)) == 1
    versions = facade.watch_versions("quick")
    assert [(one.version, one.hold_s, one.valid_until) for one in versions] == [(2, 30.0, None), (1, 0.0, at(60))]
    assert facade.watch("quick").streams == 2


def test_a_watch_that_is_declared_no_more_is_taken_out_of_force_and_its_alarms_clear(city: City) -> None:
    city.watch_by(QUICK, HOLDING)
    city.read((0, 0.15))
    facade.run_machine(at(0))
    assert city.watch_by(HOLDING, now=at(10)) == 1
    assert [one.code for one in facade.watches()] == ["held"]
    assert Alarm.objects.get().state == facade.AlarmState.CLEARED
    city.watch_by(HOLDING, QUICK, now=at(20))
    assert facade.watch("quick").version == 2


def test_limits_that_cannot_be_used_stop_the_declaration_before_anything_is_written(city: City) -> None:
    with pytest.raises(facade.LimitsError):
        city.watch_by(HOLDING, replace(QUICK, limits={Level.BLUE: 0.1, Level.RED: 0.2}))
    assert not Watch.objects.exists()


def test_a_person_makes_a_new_version_and_the_journal_says_who(city: City) -> None:
    city.watch_by(QUICK)
    operator = next(one for one in city.people.values() if "edit_watches" in one.rights)
    view = facade.edit_watch("quick", person_id=operator.person_id, edit=edit(), expected_version=1, now=at(60))
    assert (view.version, view.changed_by, view.confirmed) == (2, operator.actor, True)
    fact = city.facts(WatchChanged)[-1]
    assert isinstance(fact, WatchChanged)
    assert (fact.actor, fact.watch_version, fact.note) == (operator.actor, 2, "按主管部门意见调整")
    with pytest.raises(facade.WatchChangedMeanwhileError):
        facade.edit_watch("quick", person_id=operator.person_id, edit=edit(), expected_version=1, now=at(61))
    with pytest.raises(NotFoundError):
        facade.edit_watch("nothing", person_id=operator.person_id, edit=edit(), expected_version=1)
    with pytest.raises(facade.LimitsError):
        facade.edit_watch("quick", person_id=operator.person_id, edit=edit(limits={}), expected_version=2, now=at(62))


def test_who_may_not_edit_watches_is_refused(city: City) -> None:
    city.watch_by(QUICK)
    with pytest.raises(NotAllowedError):
        facade.edit_watch("quick", person_id=city.people["duty1"].person_id, edit=edit(), expected_version=1)


def test_a_new_release_keeps_the_limits_that_a_person_has_set(city: City) -> None:
    city.watch_by(QUICK)
    operator = next(one for one in city.people.values() if "edit_watches" in one.rights)
    facade.edit_watch("quick", person_id=operator.person_id, edit=edit(), expected_version=1, now=at(60))
    city.watch_by(replace(QUICK, title=Text("新名称", "New name"), limits={Level.BLUE: 0.25}), now=at(70))
    view = facade.watch("quick")
    assert (view.version, view.title.zh, view.limits[Level.BLUE], view.confirmed) == (3, "新名称", 0.3, True)
    other_unit = replace(QUICK, unit="kPa", limits={Level.BLUE: 200.0}, basis=BASIS)
    city.watch_by(other_unit, now=at(80))
    assert facade.watch("quick").limits == {Level.BLUE: 200.0}


def test_what_stands_is_judged_again_under_the_new_limits(city: City) -> None:
    city.watch_by(QUICK)
    city.read((0, 0.15))
    facade.run_machine(at(0))
    city.watch_by(replace(QUICK, limits={Level.BLUE: 0.05}), now=at(5))
    city.read((10, 0.15))
    facade.run_machine(at(10))
    assert len(city.facts(AlarmCleared)) == 1
    assert Alarm.objects.get().state == facade.AlarmState.CLEARED


def test_a_screen_that_has_not_heard_of_the_new_version_loses_nothing(city: City) -> None:
    city.watch_by(QUICK)
    city.read((0, 0.35))
    city.read((1, 0.15))
    city.watch_by(replace(QUICK, hysteresis=0.01), now=at(2))
    facade.run_machine(at(2))
    assert len(city.facts(AlarmRaised)) == 1
    city.read((10, 0.35))
    facade.run_machine(at(10))
    assert len(city.facts(AlarmCleared)) == 1


def test_a_watch_switched_off_clears_and_judges_no_more(city: City) -> None:
    city.watch_by(QUICK)
    city.read((0, 0.15))
    facade.run_machine(at(0))
    operator = next(one for one in city.people.values() if "edit_watches" in one.rights)
    facade.edit_watch("quick", person_id=operator.person_id, edit=edit(enabled=False), expected_version=1, now=at(5))
    assert Alarm.objects.get().state == facade.AlarmState.CLEARED
    assert city.read((10, 0.35), (11, 0.05)) == 0


def test_a_silent_watch_needs_no_limits_of_its_own(city: City) -> None:
    city.watch_by(SILENT)
    assert facade.watch("silent").limits == {}
    assert facade.watch("silent").kind is WatchKind.SILENT
