"""The wall's picture."""

import json
from datetime import timedelta

import pytest
from django.db import connection

from cityloop.command import facade
from cityloop.command.rules.lights import Light
from cityloop.command.selectors.lines import forget_curves
from cityloop.command.tests.conftest import NOW, PUMPS, City, signed_in
from cityloop.kernel.areas import AreaCode
from cityloop.sense import facade as sense


def _keep(stream: int, hours_ago: float, value: float, number: int) -> None:
    at = NOW - timedelta(hours=hours_ago)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO sense_observation (datastream_id, phenomenon_time, id, result, feature_id)"
            " VALUES (%s, %s, %s, %s, 0)",
            [stream, at, number, value],
        )


def _fill(city: City) -> None:
    for number, (code, value) in enumerate((("a", 10.0), ("b", 20.0))):
        _keep(city.streams[code], 1, value, 10 + number)
        _keep(city.streams[code], 1 + 7 * 24, value / 2, 20 + number)
    forget_curves()


def test_a_line_adds_up_its_streams_and_is_held_against_the_same_day_last_week(city: City) -> None:
    _fill(city)
    line = facade.line("pumps/flow", NOW)
    assert line is not None
    assert line.value == pytest.approx(30 * 3.6)
    (compared,) = line.compared
    assert compared.words.en == "vs a week ago"
    assert compared.day.zh == "上周同日"
    assert compared.percent == pytest.approx(100)
    assert compared.change is not None
    assert compared.change.en == "▲ 100.0%"
    assert line.arrived_percent == pytest.approx(2 / 28 * 100)
    assert line.origins == ("replayed",)


def test_without_history_a_line_is_compared_with_nothing_and_without_readings_it_has_no_value(city: City) -> None:
    line = facade.line("pumps/flow", NOW)
    assert line is not None
    assert (line.value, line.compared) == (None, ())
    assert facade.line("pumps/moon", NOW) is None
    assert city.streams


def test_the_weather_line_stands_in_the_top_bar_and_not_among_the_tiles(city: City) -> None:
    _fill(city)
    picture = facade.picture(now=NOW)
    assert [line.code for line in picture.lines] == ["pumps/flow"]
    assert picture.weather is not None
    assert picture.weather.value == pytest.approx(10)
    assert picture.is_demonstration


def test_the_picture_names_sixteen_districts_and_the_projects_that_are_there(city: City) -> None:
    picture = facade.picture(now=NOW)
    assert len(picture.districts) == 16
    (project,) = picture.projects
    assert (project.code, project.light, picture.projects_open) == ("pumps", Light.DARK, 9)
    assert picture.highest is None
    assert city.people


def test_a_district_sees_its_own_picture(city: City) -> None:
    picture = facade.picture(AreaCode("110105"), now=NOW)
    assert [district.code for district in picture.districts] == ["110105"]
    assert city.people


def test_putting_lines_on_the_wall_again_changes_nothing(city: City) -> None:
    before = facade.picture(now=NOW).lines
    sense.declare(PUMPS, "replayed")
    facade.register_lines(PUMPS)
    assert facade.picture(now=NOW).lines == before
    assert city.streams


@pytest.mark.parametrize(("language", "said"), [("zh-hans", "实时报警"), ("en", "Live alarms")])
def test_the_wall_answers_in_both_languages_with_a_strict_content_policy(city: City, language: str, said: str) -> None:
    answer = signed_in("duty1", language=language).get("/wall/")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert said in page
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert "style=" not in page
    assert city.people


def test_every_number_of_the_wall_has_a_trace_that_answers(city: City) -> None:
    _fill(city)
    client = signed_in("duty1")
    data = json.loads(client.get("/wall/data/").content)
    links = {stage["trace"] for stage in data["stages"]} | {stage["second_trace"] for stage in data["stages"]}
    links |= {line["trace"] for line in data["lines"]} | {district["trace"] for district in data["districts"]}
    links |= {district["cases_trace"] for district in data["districts"]}
    for link in links - {""}:
        assert client.get(link).status_code == 200, link


def test_who_has_no_right_sees_no_wall(city: City) -> None:
    assert signed_in("citizen").get("/wall/").status_code == 403
    assert signed_in("nobody").get("/wall/").status_code == 302
    assert city.people


@pytest.mark.parametrize(
    ("username", "page"), [("duty1", "/wall/"), ("supervisor", "/cases/"), ("operator", "/platform/")]
)
def test_the_first_page_is_where_the_work_is(city: City, username: str, page: str) -> None:
    answer = signed_in(username).get("/")
    assert (answer.status_code, answer.headers["Location"]) == (302, page)
    assert city.people


def test_who_has_no_work_here_is_welcomed(city: City) -> None:
    assert "Welcome" in signed_in("citizen", language="en").get("/").content.decode()
    assert city.people


def test_the_platform_page_shows_listeners_and_refusals(city: City) -> None:
    assert "No listener has run yet" in signed_in("operator", language="en").get("/platform/").content.decode()
    assert signed_in("duty1").get("/platform/").status_code == 403
    assert city.people


def test_the_base_map_file_is_given_by_ranges_only(city: City, settings: object, tmp_path: object) -> None:
    file = tmp_path / "city.pmtiles"  # type: ignore[operator]
    file.write_bytes(b"0123456789")
    settings.CITYLOOP_BASE_MAP = str(file)  # type: ignore[attr-defined]
    client = signed_in("duty1")
    part = client.get("/map/base.pmtiles", headers={"Range": "bytes=2-4"})
    assert (part.status_code, part.content, part.headers["Content-Range"]) == (206, b"234", "bytes 2-4/10")
    assert client.get("/map/base.pmtiles", headers={"Range": "bytes=9-2"}).status_code == 416
    assert client.get("/map/base.pmtiles").status_code == 416
    settings.CITYLOOP_BASE_MAP = ""  # type: ignore[attr-defined]
    assert client.get("/map/base.pmtiles", headers={"Range": "bytes=2-4"}).status_code == 404
    assert city.people
