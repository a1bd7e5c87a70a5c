"""The pages of the lines: what they show at an instant, in both languages, for those who may."""

import re
from datetime import date, timedelta

import pytest
from django.test import Client

from cityloop.projects.lifelines import facade
from cityloop.projects.lifelines.facade import EDGES, NODES, Line
from cityloop.projects.lifelines.selectors.history import midnight_of
from cityloop.projects.lifelines.tests.conftest import DAY, PASSWORD, SHAPE, TEN, Lines
from cityloop.projects.lifelines.views.gaps import gravity

AT = {"at": TEN.isoformat()}
PAGES = (
    "lines/",
    "lines/gas/",
    "lines/coal/",
    "gaps/",
    "network/",
    "dependencies/",
    "dependencies/?lost=power&lost=gas",
)


def browser(username: str = "duty1", language: str = "en") -> Client:
    client = Client()
    assert client.login(username=username, password=PASSWORD)
    client.cookies["django_language"] = language
    return client


def _flow(_: date, hour: int) -> float:
    return 100.0 * SHAPE[hour]


@pytest.fixture
def gas(lines: Lines) -> Lines:
    """Gas of fifty days, a supply that falls short by a tenth, and a line-pack that falls by 20 an hour."""
    lines.hours("gas.city.flow", _flow, since=DAY - timedelta(days=50), until=TEN)
    for gate in ("west", "north", "south"):
        lines.hours(f"gas.gate-{gate}.flow", lambda *_: 20.0, since=DAY - timedelta(days=1), until=TEN)
    lines.hours("gas.city.linepack", lambda *_: 1000.0, since=DAY - timedelta(days=1), until=TEN)
    total = 100.0 * SHAPE.sum()
    told = {"nominated": 0.8 * total, "withdrawal": 0.1 * total, "own": 0.0, "linepack-min": 500.0, "stock": 300.0}
    for what, value in told.items():
        lines.tell(f"gas.dispatch.{what}", value)
    for back in range(1, 8):
        lines.tell("gas.dispatch.stock-use", 100.0, at=midnight_of(DAY - timedelta(days=back)))
    return lines


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("page", PAGES)
def test_a_page_answers_in_both_languages_with_and_without_an_instant(lines: Lines, page: str, language: str) -> None:  # noqa: ARG001
    client = browser(language=language)
    for query in ("", f"{'&' if '?' in page else '?'}at=2010-01-05T10:00%2B08:00"):
        answer = client.get(f"/projects/lifelines/{page}{query}")
        assert answer.status_code == 200
        assert ("生命线" in answer.text) == (language == "zh-hans")
    assert "2010-01-05 10:00" in answer.text or page.startswith("dep")


def test_an_instant_that_cannot_be_read_is_refused(lines: Lines) -> None:  # noqa: ARG001
    assert browser().get("/projects/lifelines/lines/", {"at": "yesterday"}).status_code == 400
    assert browser().get("/projects/lifelines/lines/tea/").status_code == 404


def test_tiles_tell_the_day_and_open_its_traces(gas: Lines) -> None:  # noqa: ARG001
    page = browser().get("/projects/lifelines/lines/", AT).text
    day = facade.line_day(Line.GAS, TEN)
    assert f"{day.estimate.value:,.0f}" in page
    assert day.estimate.trace.replace("&", "&amp;") in page
    assert page.count("ll-tile-top") == len(Line)
    assert "orange" in page
    assert day.state.words.en in page


def test_a_lines_page_shows_every_figure_and_every_hour(gas: Lines) -> None:  # noqa: ARG001
    answer = browser().get("/projects/lifelines/lines/gas/", AT)
    day = facade.line_day(Line.GAS, TEN)
    for figure in (day.used, day.supply, day.gap, day.cover_days, day.linepack_hours, day.yesterday):
        assert figure.value is not None
        assert f"{figure.value:,.{figure.decimals}f}" in answer.text
        assert figure.trace.replace("&", "&amp;") in answer.text
    chart = answer.context["chart"]
    assert [one["name"] for one in chart["limits"]] == ["supply"]
    used = next(one for one in chart["series"] if one["name"] == "used")
    assert sum(value is not None for _, value in used["points"]) == 34
    assert chart["moment"]["name"] == "10:00"
    assert chart["max"] > max(value for _, value in used["points"] if value is not None)
    assert len(re.findall(r"<th scope=\"row\" class=\"cl-nowrap\">\d\d-\d\d \d\d:\d\d", answer.text)) == 72
    assert "Capacity, spread" not in answer.text


def test_the_curve_of_a_line_with_all_it_may_have(gas: Lines) -> None:
    gas.tell("gas.dispatch.capacity", 4800.0)
    gas.hours("air.dongsi.temperature", lambda *_: -3.0, since=DAY - timedelta(days=1), until=TEN)
    chart = browser().get("/projects/lifelines/lines/gas/", AT).context["chart"]
    assert {one["name"]: one["value"] for one in chart["limits"]}["capacity"] == pytest.approx(200.0)
    assert chart["right"]["unit"] == "°C"
    assert any(one.get("right") for one in chart["series"])
    assert chart["max"] > 200.0


def test_a_line_of_which_nothing_is_known_draws_nothing(lines: Lines) -> None:  # noqa: ARG001
    answer = browser().get("/projects/lifelines/lines/gas/", AT)
    assert answer.context["chart"] is None
    assert "No hour of this line is known" in answer.text


def test_the_gap_board_begins_with_the_gravest_and_counts_down(gas: Lines) -> None:  # noqa: ARG001
    answer = browser().get("/projects/lifelines/gaps/", AT)
    rows = answer.context["rows"]
    assert rows[0]["day"].line is Line.GAS
    assert rows[0]["is_short"]
    assert rows[0]["share"] == pytest.approx(10.0, abs=0.2)
    hours = rows[0]["day"].linepack_hours.value
    assert hours is not None
    assert rows[0]["linepack_at"] == TEN + timedelta(hours=hours)
    assert rows[0]["cover_at"] == TEN + timedelta(days=3)
    assert "data-until" not in answer.text
    gravities = [gravity(row["day"]) for row in rows]
    assert gravities == sorted(gravities)


def test_the_hours_of_the_line_pack_run_on_after_its_newest_hour(gas: Lines) -> None:  # noqa: ARG001
    at_ten, later = (facade.line_day(Line.GAS, TEN + timedelta(minutes=passed)) for passed in (0, 45))
    assert at_ten.linepack_hours.value is not None
    assert later.linepack_hours.value == pytest.approx(at_ten.linepack_hours.value - 0.75)
    parts = facade.number_trace(Line.GAS, "linepack", TEN + timedelta(minutes=45)).parts
    assert [one.value for one in parts if one.title.en == "since that hour ended"] == [pytest.approx(0.75)]


def test_the_present_counts_down_by_the_servers_clock(gas: Lines) -> None:  # noqa: ARG001
    page = browser().get("/projects/lifelines/gaps/").text
    assert 'data-now="' in page
    assert "countdown.js" in page


def test_the_network_shows_the_lines_own_things_and_what_hangs_on_what(gas: Lines) -> None:  # noqa: ARG001
    answer = browser().get("/projects/lifelines/network/", AT)
    things = {row["thing"].code: row for row in answer.context["rows"]}
    assert things["gas.city"]["state"] == "fine"
    assert things["heat.l4"]["state"] == "silent"
    assert not any(code.startswith("air.") or code.endswith(".dispatch") for code in things)
    links = {(edge.source, target.code) for _, _, edge, _, target in answer.context["links"]}
    assert ("power", "heat.l4") in links
    assert ("gas", "gas.point-110105") in links
    assert len(answer.context["data"]["links"]) == len(answer.context["links"])


def test_whoever_sees_one_district_sees_its_things_only(lines: Lines) -> None:  # noqa: ARG001
    rows = browser("chaoyang.duty").get("/projects/lifelines/network/").context["rows"]
    assert {str(row["thing"].area)[:6] for row in rows} == {"110105"}


def test_what_was_lost_is_followed_on_the_page(lines: Lines) -> None:  # noqa: ARG001
    answer = browser().get("/projects/lifelines/dependencies/", {"lost": ["gas"]})
    said = {title.en: one.after_hours for one, title, _ in answer.context["reached"]}
    assert said["Heat"] == 6.0
    assert "after 6 h" in answer.text
    assert answer.text.count("<g class=") == len(NODES)
    assert answer.text.count('class="ll-edge') == len(EDGES)
    assert "checked" in answer.text
    assert browser().get("/projects/lifelines/dependencies/", {"lost": "tea"}).status_code == 400


@pytest.mark.parametrize("page", PAGES)
def test_a_citizen_sees_none_of_it(lines: Lines, page: str) -> None:  # noqa: ARG001
    assert browser("citizen").get(f"/projects/lifelines/{page}").status_code == 403


def test_the_wall_is_told_how_each_line_stands(gas: Lines) -> None:  # noqa: ARG001
    standings = facade.line_standings(TEN)
    assert set(standings) == {"gas"}, "of the others nothing is known"
    day = facade.line_day(Line.GAS, TEN)
    told = standings["gas"]
    assert (told.level, told.estimate, told.trace) == (day.level, day.estimate.value, day.estimate.trace)
    assert told.link == "/projects/lifelines/lines/gas/"
