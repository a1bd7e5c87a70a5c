"""The register's first content."""

from datetime import date, datetime
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from cityloop.kernel.areas import AreaCode, AreaLevel
from cityloop.kernel.clocks import Clock, Limit, deadline_of
from cityloop.kernel.errors import CityloopError, NotFoundError
from cityloop.registry import facade
from cityloop.registry.models import Area, CalendarDay, Organisation

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]


def test_a_second_seeding_writes_nothing() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("TRUNCATE registry_area, registry_calendarday CASCADE")
    first = facade.seed()
    assert (first.areas, first.outlines) == (1 + 16 + 349 + 7535, 16)
    assert first.days == 8401
    assert facade.seed() == facade.Seeded(0, 0, 0, 0)


def test_a_changed_area_is_brought_back_but_a_changed_organisation_is_left() -> None:
    Area.objects.filter(code="110101").update(name_en="?")
    Organisation.objects.filter(code="water-group").update(name_en="Waterworks")
    assert facade.seed().areas == 1
    assert facade.area(AreaCode("110101")).name_en == "Dongcheng"
    assert facade.organisation("water-group").name.en == "Waterworks"


def test_there_are_sixteen_districts_with_names_in_both_languages() -> None:
    districts = facade.districts()
    assert len(districts) == 16
    assert {one.level for one in districts} == {AreaLevel.DISTRICT}
    assert facade.area_name(AreaCode("110119")).zh == "延庆区"
    assert not any(one.romanised for one in districts)


def test_streets_and_communities_hang_below_their_district() -> None:
    streets = facade.areas_below(AreaCode("110101"))
    assert streets[0].name_zh == "东华门街道"
    assert streets[0].name_en == "Donghuamen Subdistrict"
    assert streets[0].romanised
    assert facade.areas_below(streets[0].code)[0].level is AreaLevel.COMMUNITY


def test_every_area_has_a_name_in_both_languages() -> None:
    assert not Area.objects.filter(name_en="").exists()
    assert not Area.objects.filter(name_zh="").exists()


def test_an_unknown_area_is_told_by_its_code() -> None:
    assert facade.area_name(AreaCode("999999")).en == "999999"
    with pytest.raises(NotFoundError):
        facade.area(AreaCode("999999"))


@pytest.mark.parametrize(
    ("longitude", "latitude", "district"),
    [
        (116.3975, 39.9087, "110101"),
        (116.3059, 39.9920, "110108"),
        (116.0169, 40.3546, "110119"),
        (116.5975, 40.0725, "110105"),
        (121.47, 31.23, None),
    ],
    ids=["Tiananmen", "Peking University", "Badaling", "Capital Airport", "Shanghai"],
)
def test_a_place_is_found_in_its_district(longitude: float, latitude: float, district: str | None) -> None:
    assert facade.district_at(longitude, latitude) == district


def test_the_label_of_every_district_lies_in_it() -> None:
    for one in facade.districts():
        assert facade.district_at(one.longitude, one.latitude) == one.code


def test_the_outlines_name_their_districts_in_both_languages() -> None:
    features = facade.district_shapes()["features"]
    assert len(features) == 16
    assert features[0]["properties"]["name_zh"] == "东城区"
    assert features[0]["properties"]["name_en"] == "Dongcheng"


def test_the_calendar_knows_make_up_days_and_says_where_it_ends() -> None:
    assert facade.is_workday(date(2026, 2, 17)) is False
    assert facade.is_workday(date(2026, 2, 14)) is True
    assert facade.is_workday(date(2027, 1, 1)) is None
    assert facade.workdays(date(2026, 2, 14), date(2026, 2, 16)) == {date(2026, 2, 14): True, date(2026, 2, 15): False}
    assert facade.workdays(date(2027, 1, 1), date(2027, 1, 3)) == {}
    assert facade.calendar_span() == (date(2004, 1, 1), date(2026, 12, 31))


def test_a_deadline_counts_on_the_loaded_calendar() -> None:
    start = datetime.fromisoformat("2026-09-30T10:00+08:00")
    due = deadline_of(start, Limit(1, Clock.WORKING_DAY), is_workday=facade.is_workday)
    assert due > datetime.fromisoformat("2026-10-07T00:00+08:00")


def test_an_administrator_can_carry_the_calendar_on() -> None:
    text = "date,is_workday,holiday\n2027-01-01,0,New Year's Day\n2026-12-31,0,\n"
    assert facade.load_calendar(text) == 2
    assert facade.is_workday(date(2027, 1, 1)) is False
    assert facade.is_workday(date(2026, 12, 31)) is False
    assert facade.seed().days == 0
    assert facade.is_workday(date(2026, 12, 31)) is False


@pytest.mark.parametrize("text", ["day,worked\n", "date,is_workday\nsoon,1\n", "date,is_workday\n2027-01-04,yes\n"])
def test_a_calendar_that_cannot_be_read_changes_nothing(text: str) -> None:
    before = CalendarDay.objects.count()
    with pytest.raises(CityloopError):
        facade.load_calendar(text)
    assert CalendarDay.objects.count() == before


def test_every_district_has_its_bodies() -> None:
    for one in facade.districts():
        kinds = {body.kind for body in facade.organisations(area=one.code)}
        assert {"supervision_centre", "command_centre", "city_management", "emergency"} <= kinds


def test_a_matter_nobody_is_named_for_falls_to_the_district() -> None:
    body = facade.body_responsible(AreaCode("110105005"), "")
    assert facade.organisation(body).area == "110105"
    assert facade.organisation(facade.body_responsible(AreaCode("110000"))).area == "110000"
    assert facade.body_responsible(AreaCode("110105"), "water-group") == "water-group"


def test_the_command_loads_a_calendar_and_says_how_far_it_reaches(tmp_path: Path) -> None:
    file, said = tmp_path / "days.csv", StringIO()
    file.write_text("date,is_workday\n2027-01-01,0\n", encoding="utf-8")
    call_command("load_calendar", file, stdout=said)
    assert "2027-01-01" in said.getvalue()
    file.write_text("nonsense\n", encoding="utf-8")
    with pytest.raises(CommandError, match=r"第 1 行|line 1"):
        call_command("load_calendar", file)
    with pytest.raises(CommandError):
        call_command("load_calendar", tmp_path / "absent.csv")
