"""The parts every page is made of."""

from datetime import UTC, datetime, timedelta

import pytest
from django.template import engines
from django.test import Client, RequestFactory
from django.utils import translation
from django.views.defaults import server_error

from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text
from cityloop.site.templatetags import cityloop

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)


def _rendered(source: str, language: str = "en", **values: object) -> str:
    with translation.override(language):
        return engines["django"].from_string("{% load cityloop %}" + source).render(values)


@pytest.mark.parametrize("level", list(Level))
def test_a_level_is_told_by_word_grade_and_shape_not_by_colour_alone(level: Level) -> None:
    shown = _rendered("{% severity level %}", level=level)
    assert f"{level.colour.en} {level.roman}" in shown
    assert cityloop.SHAPES[level] in shown
    assert level.colour.zh in _rendered("{% severity level %}", "zh-hans", level=level)


def test_no_level_is_said_in_words() -> None:
    assert "none" in _rendered("{% severity level %}", level=None)


@pytest.mark.parametrize(
    ("due_in_h", "said"), [(-5.0, "overdue by 5 h 0 min"), (1.5, "1 h 30 min left"), (49.0, "2 d 1 h left")]
)
def test_a_limit_says_how_long_is_left_or_past(due_in_h: float, said: str) -> None:
    shown = _rendered("{% remaining due now=now %}", due=NOON + timedelta(hours=due_in_h), now=NOON)
    assert said in shown
    assert ("cl-overdue" in shown) == (due_in_h < 0)
    assert ("cl-soon" in shown) == (0 <= due_in_h < 2)


def test_without_a_limit_that_is_said() -> None:
    assert "no limit runs" in _rendered("{% remaining due %}", due=None)


def test_a_number_is_a_link_to_its_trace_and_an_absent_one_is_no_nought() -> None:
    shown = _rendered('{% number 1234.5 unit="m³/h" decimals=1 trace="/trace/x/" label="Water" %}')
    assert 'href="/trace/x/"' in shown
    assert "1,234.5" in shown
    assert "–" in _rendered("{% number value %}", value=None)


@pytest.mark.parametrize(
    ("value", "said"),
    [(True, "yes"), (False, "no"), (0.25, "0.25"), (2e6, "2,000,000"), (NOON, "2026-11-22 12:00:00"),
     (Text("水", "Water"), "Water"), (None, "")],
)  # fmt: skip
def test_any_value_of_a_fact_is_shown_as_people_read_it(value: object, said: str) -> None:
    assert _rendered("{{ value|shown }}", value=value) == said


@pytest.mark.parametrize(
    ("origin", "said"), [("replayed", "replayed real data"), ("simulated", "simulated"), ("live", "")]
)
def test_readings_that_are_not_live_are_labelled(origin: str, said: str) -> None:
    assert _rendered("{% origin_label origin %}", origin=origin) == said


@pytest.mark.parametrize(("span_s", "said"), [(5, "5 s"), (65, "1 min"), (3700, "1 h 1 min"), (90_000, "1 d 1 h")])
def test_a_span_is_told_in_its_greatest_units(span_s: float, said: str) -> None:
    with translation.override("en"):
        assert cityloop.span_in_words(span_s) == said


def test_the_age_of_an_instant_is_never_negative() -> None:
    with translation.override("en"):
        assert cityloop.age_of(NOON, now=NOON - timedelta(hours=1)) == "0 s"
        assert cityloop.age_of(NOON, now=NOON + timedelta(minutes=3)) == "3 min"
        assert cityloop.age_of(None) == ""


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "said"), [("en", "There is no page at this address."), ("zh-hans", "该地址没有对应的页面。")]
)
def test_an_address_without_a_page_is_told_in_the_readers_language(client: Client, language: str, said: str) -> None:
    client.cookies["django_language"] = language
    answer = client.get("/no/such/page/")
    assert answer.status_code == 404
    assert said in answer.content.decode()
    assert 'href="/"' in answer.content.decode()


@pytest.mark.parametrize(
    ("language", "said"), [("en", "The platform could not answer"), ("zh-hans", "平台暂时无法响应")]
)
def test_a_fault_of_the_house_is_told_without_asking_anything_of_it(language: str, said: str) -> None:
    with translation.override(language):
        answer = server_error(RequestFactory().get("/"))
    assert answer.status_code == 500
    assert said in answer.content.decode()
