"""The sheet is a page in both languages and a file; each number opens; a dispatcher tells only the own line."""

import csv
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from cityloop.projects.lifelines import facade
from cityloop.projects.lifelines.facade import Line
from cityloop.projects.lifelines.tests.conftest import DAY, SHAPE, TEN, Lines

AT = "2026-11-24T02:00:00Z"


def signed_in(username: str, *, language: str = "en") -> Client:
    person = get_user_model().objects.get(username=username)
    get_user_model().objects.filter(pk=person.pk).update(language=language)
    client = Client()
    client.force_login(person)
    client.cookies["django_language"] = language
    return client


@pytest.fixture
def gas(lines: Lines) -> Lines:
    since = DAY - timedelta(days=40)
    lines.hours("gas.city.flow", lambda _, hour: 140.0 * SHAPE[hour], since=since, until=TEN)
    for told, value in (("plan", 3300.0), ("nominated", 3000.0), ("withdrawal", 200.0), ("own", 100.0)):
        lines.tell(f"gas.dispatch.{told}", value)
    return lines


def test_the_sheet_speaks_both_languages_and_labels_what_is_not_confirmed(gas: Lines) -> None:  # noqa: ARG001
    english = signed_in("duty1").get(f"/projects/lifelines/sheet/?at={AT}").content.decode()
    assert "Daily sheet of the lifelines" in english
    assert "default, to be confirmed" in english
    assert "3,300" in english
    assert "Day 2026-11-24, as of 2026-11-24 10:00" in english
    chinese = signed_in("duty1", language="zh-hans").get(f"/projects/lifelines/sheet/?at={AT}").content.decode()
    assert "生命线核心报表" in chinese
    assert "待主管部门确认" in chinese


def test_every_number_of_every_line_opens(gas: Lines) -> None:  # noqa: ARG001  its history
    client = signed_in("duty1")
    for line in Line:
        for name in facade.NAMES:
            answer = client.get(f"/projects/lifelines/sheet/{line}/{name}/?at={AT}")
            assert answer.status_code == 200, (line, name)
    assert client.get(f"/projects/lifelines/sheet/gas/colour/?at={AT}").status_code == 404
    assert client.get(f"/projects/lifelines/sheet/steam/gap/?at={AT}").status_code == 404


def test_the_gap_opens_down_to_what_was_told(gas: Lines) -> None:
    row = facade.line_day(Line.GAS, TEN)
    assert row.supply.value == 3300.0
    assert row.estimate.value is not None
    assert row.gap.value == pytest.approx(row.estimate.value - 3300.0)
    assert row.state is facade.State.ATTENTION
    page = signed_in("duty1").get(f"/projects/lifelines/sheet/gas/gap/?at={AT}").content.decode()
    assert page.count("/trace/observation/") == 3
    gas.tell("gas.dispatch.nominated", 2400.0, at=TEN)
    assert facade.line_day(Line.GAS, TEN).supply.value == 2700.0
    assert facade.line_day(Line.GAS, TEN - timedelta(minutes=1)).supply.value == 3300.0


def test_the_file_holds_the_numbers_of_the_page(gas: Lines) -> None:  # noqa: ARG001  its history
    answer = signed_in("duty1").get(f"/projects/lifelines/sheet.csv?at={AT}")
    assert "attachment" in answer["Content-Disposition"]
    rows = list(csv.DictReader(StringIO(answer.content.decode().removeprefix("\ufeff"))))
    assert [row["Line"] for row in rows] == [facade.MAKES[line].title.en for line in Line]
    told = next(row for row in rows if row["Line"] == "Gas")
    assert told["Planned today"] == "3300"
    assert told["Supply"] == "3300"


@pytest.mark.parametrize("asked", ["yesterday", "2026-11-24T02:00:00", "1990-01-01T00:00:00Z", "2999-01-01T00:00:00Z"])
def test_an_instant_that_cannot_be_is_refused(gas: Lines, asked: str) -> None:  # noqa: ARG001  its people
    assert signed_in("duty1").get(f"/projects/lifelines/sheet/?at={asked}").status_code == 400


def test_only_the_own_line_can_be_told(gas: Lines) -> None:  # noqa: ARG001  its people
    assert signed_in("gas").get("/projects/lifelines/tell/gas/").status_code == 200
    assert signed_in("water").get("/projects/lifelines/tell/gas/").status_code == 404
    assert signed_in("water").post("/projects/lifelines/tell/gas/", {"told": "plan"}).status_code == 403
    assert signed_in("duty1").get("/projects/lifelines/tell/gas/").status_code == 403
    assert Client().get("/projects/lifelines/sheet/").status_code == 302
    assert signed_in("citizen").get("/projects/lifelines/sheet/").status_code == 403
