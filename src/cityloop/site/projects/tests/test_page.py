"""Every project has its page, in both languages, from its declaration alone."""

from datetime import datetime, timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.utils import timezone

from cityloop.kernel.clocks import CITY_ZONE
from cityloop.kernel.instants import to_us
from cityloop.kernel.observation_ids import ObservationIds
from cityloop.sense import facade as sense
from cityloop.site.configuration import Configuration
from cityloop.site.demo import city
from tests.seeds import seed_registry


@pytest.fixture
def client(db: None, own_home: object) -> Client:  # noqa: ARG001  the database must stand
    seed_registry()
    city.prepare(Configuration(home=own_home, demo="simulate"))
    officer = Client()
    officer.force_login(get_user_model().objects.get(username="duty1"))
    return officer


def in_english(client: Client) -> Client:
    client.cookies["django_language"] = "en"
    return client


@pytest.mark.django_db
def test_the_lifelines_page_answers_in_both_languages(client: Client) -> None:
    chinese = client.get("/projects/lifelines/").content.decode()
    assert "城市生命线" in chinese
    assert "供水压力骤失" in chinese
    assert "默认值，待主管部门确认" in chinese
    get_user_model().objects.filter(username="duty1").update(language="en")
    english = in_english(client).get("/projects/lifelines/").content.decode()
    assert "City lifelines" in english
    assert "Loss of water pressure" in english
    assert "simulated" in english.lower()
    assert "Default, to be confirmed by the authority." in english


@pytest.mark.django_db
def test_a_project_nobody_declared_is_not_found(client: Client) -> None:
    assert client.get("/projects/nothing/").status_code == 404


@pytest.mark.django_db
def test_the_page_asks_for_its_right(client: Client) -> None:  # noqa: ARG001  the people must stand
    visitor = Client()
    assert visitor.get("/projects/lifelines/").status_code == 302
    visitor.force_login(get_user_model().objects.get(username="citizen"))
    assert visitor.get("/projects/lifelines/").status_code == 403


@pytest.mark.django_db
def test_every_latest_value_opens_its_trace(client: Client) -> None:
    stream = next(view for view in sense.streams_of_project("lifelines") if view.code.endswith("power.grid.load"))
    number = ObservationIds(node=0, writer=0).reserve(1, now_us=to_us(timezone.now()))[0][0]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE sense_latest SET id = %s, phenomenon_time = now(), result = 5817.3, quality = 0,"
            " received_at = now() WHERE datastream_id = %s",
            [number, stream.datastream_id],
        )
    page = client.get("/projects/lifelines/").content.decode()
    assert "5,817 MW" in page
    assert f"/trace/observation/{number}/" in page
    assert f"/trace/stream/{stream.datastream_id}/" in page


@pytest.mark.django_db
def test_the_line_of_today_is_drawn_and_tabled(client: Client) -> None:
    stream = next(view for view in sense.streams_of_project("lifelines") if view.code.endswith("power.grid.load"))
    now = timezone.now().astimezone(CITY_ZONE)
    midnight = datetime.combine(now.date(), datetime.min.time(), tzinfo=CITY_ZONE)
    with connection.cursor() as cursor:
        for day, value in ((midnight, 5000.0), (midnight - timedelta(days=7), 4000.0)):
            cursor.execute(
                "INSERT INTO sense_observation (datastream_id, phenomenon_time, id, result, feature_id)"
                " VALUES (%s, %s, %s, %s, 1)",
                [stream.datastream_id, day, to_us(day), value],
            )
    page = client.get("/projects/lifelines/").content.decode()
    assert "▲ 25.0%" in page
    assert 'data-chart="lifelines-power-data"' in page
    assert "5,000" in page
