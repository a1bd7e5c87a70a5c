"""The pages of assess, by role and in both languages."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from cityloop.assess import facade
from cityloop.assess.tests.conftest import PASSWORD, Teller
from cityloop.kernel.areas import AreaCode
from cityloop.registry import facade as registry

pytestmark = pytest.mark.django_db(transaction=True)
OVERVIEW, INDICATOR = "/indicators/", "/indicators/I17/"
Browse = Callable[..., Client]


@pytest.fixture
def browse(teller: Teller) -> Browse:
    assert teller.last == 0
    registry.ensure_demo_people(PASSWORD)

    def signed_in(who: str, language: str = "zh-hans") -> Client:
        client = Client()
        client.cookies["django_language"] = language
        client.force_login(get_user_model().objects.get(username=who))
        return client

    return signed_in


def some_cases(teller: Teller) -> None:
    now = timezone.now()
    for number in range(6):
        case = teller.opens(at=now)
        teller.steps(case, "finish", "answered", due_at=now, at=now)
        teller.closes(case, due_at=now, on_time=number > 0, at=now)
    late = teller.opens("110101", at=now)
    teller.steps(late, "file", "filed", due_at=now - timedelta(seconds=1), at=now)
    facade.compute_indicators(now)


@pytest.mark.parametrize("who", ["leader", "duty1", "assessor", "supervisor", "chaoyang.duty"])
@pytest.mark.parametrize(("language", "words"), [("zh-hans", "按期结案率"), ("en", "On-time closing rate")])
def test_an_empty_city_says_none_and_not_zero(who: str, language: str, words: str, browse: Browse) -> None:
    client = browse(who, language)
    for path in (OVERVIEW, INDICATOR):
        answer = client.get(path)
        assert answer.status_code == 200
        text = answer.content.decode()
        assert words in text
        assert ("默认值，待主管部门确认" if language != "en" else "default, to be confirmed") in text
        assert "0.0 %" not in text


@pytest.mark.parametrize("who", ["citizen", "auditor", "water", "checker"])
def test_who_may_not_see_indicators_is_told(who: str, browse: Browse) -> None:
    assert [browse(who).get(path).status_code for path in (OVERVIEW, INDICATOR)] == [403, 403]


def test_a_district_is_shown_with_its_counts_rank_and_trace(teller: Teller, browse: Browse) -> None:
    some_cases(teller)
    text = browse("leader", "en").get(OVERVIEW).content.decode()
    value = facade.values("I17", facade.period_of(timezone.now()))[AreaCode("110105")]
    assert value.value == pytest.approx(83.333, abs=0.01)
    assert f'<a class="cl-number" href="/trace/fact/{value.fact_id}/">83.3 %</a>' in text
    assert "5 / 6" in text
    assert "below target" in text
    assert "too few cases to judge" in text
    assert '"count": "83.3"' in text


def test_an_indicator_opens_down_to_its_cases(teller: Teller, browse: Browse) -> None:
    some_cases(teller)
    text = browse("leader", "en").get(INDICATOR, {"area": "110101"}).content.decode()
    (score,) = facade.scores(AreaCode("110101"), facade.period_of(timezone.now()), now=timezone.now())
    assert score.number in text
    assert f"/trace/fact/{score.last_fact}/" in text
    assert "not closed, over the limit" in text
    assert "5 / 7" in browse("leader", "en").get(INDICATOR).content.decode()


def test_a_district_officer_looks_behind_the_own_district_only(teller: Teller, browse: Browse) -> None:
    some_cases(teller)
    text = browse("chaoyang.duty").get(INDICATOR, {"area": "110101"}).content.decode()
    assert "110105-20261123-0001" in text
    assert "110101-20261123-0007" not in text
    assert 'value="110101"' not in text


def test_the_assessor_sees_cases_as_numbers_without_their_pages(teller: Teller, browse: Browse) -> None:
    some_cases(teller)
    text = browse("assessor").get(INDICATOR).content.decode()
    assert "110105-20261123-0001" in text
    assert 'href="/cases/' not in text


def test_an_unknown_indicator_is_not_found_and_an_unknown_month_is_this_one(browse: Browse) -> None:
    assert browse("leader").get("/indicators/I99/").status_code == 404
    answer = browse("leader").get(INDICATOR, {"period": "<script>"})
    assert "<script>" not in answer.content.decode().split("</h1>")[1].split("application/json")[0]
