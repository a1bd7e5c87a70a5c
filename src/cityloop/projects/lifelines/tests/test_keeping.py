"""Past days are kept as the readings have them; thresholds have versions, each with who, why and since when."""

from datetime import timedelta

import pytest

from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text
from cityloop.projects.lifelines import facade
from cityloop.projects.lifelines.facade import Line, ThresholdEdit
from cityloop.projects.lifelines.models import PastDay
from cityloop.projects.lifelines.selectors.history import midnight_of
from cityloop.projects.lifelines.services.keeping import KEEP_DAYS
from cityloop.projects.lifelines.services.thresholds import (
    ThresholdChangedMeanwhileError,
    ThresholdOrderError,
    ThresholdUnfitError,
)
from cityloop.projects.lifelines.tests.conftest import DAY, SHAPE, TEN, Lines
from cityloop.registry.facade import AccessDeniedError

BASIS = Text("测试", "test")


def _gas(lines: Lines, *, since: timedelta) -> None:
    lines.hours("gas.city.flow", lambda day, hour: (140.0 + day.day) * SHAPE[hour], since=DAY - since, until=TEN)


def test_the_sheet_says_the_same_with_and_without_kept_days(lines: Lines) -> None:
    _gas(lines, since=timedelta(days=70))
    before = facade.line_day(Line.GAS, TEN)
    assert facade.keep_days(TEN) > 0
    assert PastDay.objects.filter(line="gas", total__isnull=False).count() == 70
    after = facade.line_day(Line.GAS, TEN)
    assert (after.estimate, after.yesterday, after.season_peak) == (
        before.estimate,
        before.yesterday,
        before.season_peak,
    )
    assert PastDay.objects.filter(line="temperature").count() == KEEP_DAYS
    assert facade.keep_days(TEN + timedelta(minutes=10)) == 0


def test_a_day_whose_readings_came_late_is_made_anew_once_a_day(lines: Lines) -> None:
    _gas(lines, since=timedelta(days=20))
    facade.keep_days(TEN)
    late = DAY - timedelta(days=30)
    lines.hours("gas.city.flow", lambda *_: 100.0, since=late, until=midnight_of(late + timedelta(days=1)))
    assert not PastDay.objects.filter(line="gas", day=late).exists()
    assert facade.line_day(Line.GAS, midnight_of(late + timedelta(days=2))).yesterday.value is None
    facade.keep_days(TEN + timedelta(hours=1, minutes=10))
    assert PastDay.objects.get(line="gas", day=late).total == 2400.0
    lines.hours("gas.city.flow", lambda *_: 300.0, since=late, until=midnight_of(late + timedelta(days=1)))
    facade.keep_days(TEN + timedelta(days=1))
    assert PastDay.objects.get(line="gas", day=late).total == 4800.0


def test_history_that_is_brought_in_line_by_line_is_found(lines: Lines) -> None:
    old = DAY - timedelta(days=300)
    ends = midnight_of(old + timedelta(days=1))
    lines.hours("air.guanyuan.temperature", lambda *_: 20.0, since=old, until=ends)
    facade.keep_days(TEN)
    lines.hours("gas.city.flow", lambda *_: 500.0, since=old, until=ends)
    facade.keep_days(TEN + timedelta(hours=1, minutes=10))
    record = facade.line_day(Line.GAS, TEN).record
    assert (record.figure.value, record.day) == (12_000.0, old)


def _change(
    lines: Lines, code: str, value: float, *, username: str = "operator", version: int = 0
) -> facade.ThresholdView:
    edit = ThresholdEdit(value=value, basis=BASIS, confirmed=True, note="tried")
    who = lines.people[username].person_id
    return facade.change_threshold(code, person_id=who, edit=edit, expected_version=version, now=TEN)


def test_a_changed_threshold_judges_from_its_instant_on(lines: Lines) -> None:
    _gas(lines, since=timedelta(days=40))
    for told, value in (("nominated", 3000.0), ("withdrawal", 500.0), ("own", 100.0)):
        lines.tell(f"gas.dispatch.{told}", value)
    row = facade.line_day(Line.GAS, TEN)
    assert row.level is Level.YELLOW
    _change(lines, "gap-2", 3.5)
    assert facade.line_day(Line.GAS, TEN).level is Level.ORANGE
    assert facade.line_day(Line.GAS, TEN - timedelta(minutes=1)).level is not Level.ORANGE
    assert [one.version for one in facade.threshold_versions("gap-2")] == [1, 0]
    assert facade.threshold("gap-2").confirmed
    assert facade.threshold_versions("gap-2")[0].changed_by == lines.people["operator"].actor


def test_a_threshold_that_cannot_be_is_refused(lines: Lines) -> None:
    with pytest.raises(ThresholdUnfitError):
        _change(lines, "gap-2", 101.0)
    with pytest.raises(ThresholdOrderError):
        _change(lines, "gap-2", 2.0)
    with pytest.raises(ThresholdChangedMeanwhileError):
        _change(lines, "gap-2", 9.0, version=3)
    with pytest.raises(AccessDeniedError):
        _change(lines, "gap-2", 9.0, username="duty1")
    assert facade.threshold("gap-2").version == 0
