"""The card of a stream's model: its method and why, its errors, one forecast against what came."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from django.db import connection
from django.test import Client

from cityloop.decide import facade
from cityloop.decide.models import Forecast
from cityloop.decide.selectors.forecasts import packed
from cityloop.decide.selectors.hours import local_day, midnight_of
from cityloop.decide.templatetags.model_cards import method_reason, method_word
from cityloop.decide.tests.conftest import NOON, PASSWORD, PROJECT, City
from cityloop.decide.tests.test_forecasts import demand, fill
from cityloop.kernel.declarations import ForecastSpec
from cityloop.registry import facade as registry
from cityloop.registry.facade import ROLES, Right

TODAY = local_day(NOON)
DAY = timedelta(days=1)
SIZE = 100.0


def keep(stream: int, back: int, *, of_truth: float = 1.05, fell_back: bool = False, **more: object) -> Forecast:
    """Keep a forecast of the day so many days ago that misses by a share."""
    day = TODAY - back * DAY
    curve = np.array([[demand(back - ahead, hour, size=SIZE) for hour in range(24)] for ahead in range(7)]) * of_truth
    return Forecast.objects.create(**{
        "datastream_id": stream, "starts_on": day, "starts_at": midnight_of(day), "issued_at": midnight_of(day),
        "method": "last_week" if fell_back else "model", "fell_back": fell_back, "share_first": 0.5,
        "share_later": 0.5, "learnt_days": 90, "learnt_rows": 700, "curve": packed(curve),
        "low": packed(curve * 0.9), "high": packed(curve * 1.1), "part_names": "ridge",
        "parts": packed(curve[None]),
    } | more)  # fmt: skip


@pytest.fixture
def forecast_city(city: City) -> City:
    """One stream with a history of sixty days, forecast on each of the last twenty, judged."""
    fill(city.first, range(1, 61))
    facade.declare(replace(PROJECT, forecasts=(ForecastSpec(streams=("point-1",), weather="point-2"),)), now=NOON)
    for back in range(20, -1, -1):
        keep(city.first, back)
    facade.judge_forecasts(NOON)
    return city


def browser(username: str, language: str = "en") -> Client:
    client = Client()
    assert client.login(username=username, password=PASSWORD)
    client.cookies["django_language"] = language
    return client


def test_a_card_tells_method_weather_and_errors(forecast_city: City) -> None:
    card = facade.model_card(forecast_city.first, today=TODAY)
    assert card is not None
    assert card.forecast is not None
    assert (card.forecast.starts_on, card.forecast.method) == (TODAY, "model")
    assert card.weather is not None
    assert card.weather.datastream_id == forecast_city.second
    assert (card.short.days, card.long.days) == (14, 14)
    assert card.short.wape == pytest.approx(0.05, rel=1e-4)
    assert card.short.inside == 1.0
    assert card.earlier == TODAY - DAY
    assert card.later is None
    assert card.contest is not None
    assert card.contest.hours == 14 * 24
    assert card.contest.model == pytest.approx(card.short.error, rel=1e-4)
    assert card.contest.last_week == pytest.approx(card.short.naive_error, rel=1e-4)


def test_an_earlier_forecast_is_looked_at_with_what_came(forecast_city: City) -> None:
    card = facade.model_card(forecast_city.first, today=TODAY, day=TODAY - 8 * DAY)
    assert card is not None
    assert card.forecast is not None
    assert (card.earlier, card.later) == (TODAY - 9 * DAY, TODAY - 7 * DAY)
    assert len(card.came) == 8 * 24
    came = dict(card.came)
    assert all(point.value == pytest.approx(came[point.at] * 1.05, rel=1e-5) for point in card.forecast.points)


def test_a_day_without_a_forecast_shows_the_newest(forecast_city: City) -> None:
    card = facade.model_card(forecast_city.first, today=TODAY, day=date(2020, 1, 1))
    assert card is not None
    assert card.forecast is not None
    assert card.forecast.starts_on == TODAY


def test_what_is_not_forecast_has_no_card(forecast_city: City) -> None:
    assert facade.model_card(forecast_city.second, today=TODAY) is None
    assert facade.forecast_stream_ids() == (forecast_city.first,)


def test_a_stream_before_its_first_forecast_has_an_empty_card(forecast_city: City) -> None:
    Forecast.objects.all().delete()
    card = facade.model_card(forecast_city.first, today=TODAY)
    assert card is not None
    assert (card.forecast, card.contest, card.came, card.short.days) == (None, None, (), 0)
    assert method_reason(card) == ""
    (row,) = facade.model_card_rows([forecast_city.first, 987654321], day=TODAY)
    assert (row.method, row.issued_at, row.record) == ("", None, None)


def test_the_model_is_compared_too_where_it_was_not_shown(forecast_city: City) -> None:
    Forecast.objects.all().delete()
    for back in range(14, -1, -1):
        wrong = np.full((1, 7, 24), 2 * SIZE)
        keep(forecast_city.first, back, of_truth=1.0, fell_back=True, parts=packed(wrong))
    card = facade.model_card(forecast_city.first, today=TODAY)
    assert card is not None
    assert card.contest is not None
    assert card.contest.model > card.contest.last_week
    said = method_reason(card)
    assert f"{card.contest.model:,.4f}" in said
    assert f"{card.contest.last_week:,.4f}" in said


def test_a_fall_back_whose_errors_are_gone_says_so(forecast_city: City) -> None:
    Forecast.objects.update(parts=None, fell_back=True, method="yesterday")
    card = facade.model_card(forecast_city.first, today=TODAY)
    assert card is not None
    assert card.contest is None
    assert "尚未" not in method_reason(card)
    assert method_reason(card)
    assert method_word("yesterday") != method_word("last_week") != method_word("model")


def test_days_that_never_came_leave_nothing_to_compare(forecast_city: City) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM sense_observation WHERE datastream_id = %s", [forecast_city.first])
    card = facade.model_card(forecast_city.first, today=TODAY)
    assert card is not None
    assert card.contest is None


def test_the_list_counts_as_the_card_does(forecast_city: City) -> None:
    (row,) = facade.model_card_rows(facade.forecast_stream_ids(), day=TODAY)
    card = facade.model_card(forecast_city.first, today=TODAY)
    assert card is not None
    assert row.record == card.short
    assert (row.method, row.fell_back, row.issued_at) == ("model", False, midnight_of(TODAY))


@pytest.mark.parametrize(
    ("language", "words"),
    [("zh-hans", ["模型卡", "近 14 天", "模型", "偏差"]), ("en", ["Model card", "the last 14 days", "Bias"])],
)
def test_the_pages_speak_both_languages(forecast_city: City, language: str, words: list[str]) -> None:
    client = browser("duty1", language)
    listing = client.get("/forecasts/")
    assert f"/forecasts/{forecast_city.first}/" in listing.text
    page = client.get(f"/forecasts/{forecast_city.first}/", {"day": "2026-11-21"})
    assert page.status_code == 200
    for word in words:
        assert word in page.text
    assert f"/trace/stream/{forecast_city.first}/" in page.text
    assert client.get(f"/forecasts/{forecast_city.second}/").status_code == 404
    assert client.get(f"/forecasts/{forecast_city.first}/", {"day": "nonsense"}).status_code == 200


def test_a_page_beyond_the_last_is_empty(forecast_city: City) -> None:
    page = browser("duty1").get("/forecasts/", {"page": "9"})
    assert page.status_code == 200
    assert f"/forecasts/{forecast_city.first}/" not in page.text


def test_a_card_of_another_district_stays_shut(forecast_city: City) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE sense_datastream SET area = '110101'")
    client = browser("chaoyang.duty")
    assert client.get(f"/forecasts/{forecast_city.first}/").status_code == 403
    assert f"/forecasts/{forecast_city.first}/" not in client.get("/forecasts/").text


def test_whoever_may_not_trace_is_shown_no_trace(forecast_city: City) -> None:
    operator = next(one for one in registry.people() if one.username == "operator")
    assert Right.SEE_TRACE not in operator.rights
    assert any(Right.SEE_PROJECTS in spec.rights for spec in ROLES.values())
    page = browser("operator").get(f"/forecasts/{forecast_city.first}/")
    assert page.status_code == 200
    assert "/trace/stream/" not in page.text


def test_the_page_of_a_stream_leads_to_its_card(forecast_city: City) -> None:
    client = browser("duty1")
    assert f"/forecasts/{forecast_city.first}/" in client.get(f"/trace/stream/{forecast_city.first}/").text
    assert "/forecasts/" not in client.get(f"/trace/stream/{forecast_city.second}/").text.partition("<main")[2]
    assert "/forecasts/" in browser("operator").get("/watches/").text
