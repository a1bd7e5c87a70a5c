"""Figures, health and logs for those who run the city."""

import io
import json
import logging
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path
from prometheus_client.parser import text_string_to_metric_families

from cityloop.registry import facade as registry
from cityloop.site.configuration import configuration
from cityloop.site.logs import set_up_logs
from cityloop.site.metrics.batches import BatchMeter
from cityloop.site.metrics.instruments import ROOM_BYTES, take_room
from cityloop.site.operation.health import JUMP_TOLD_S, Clock, Health, parts_of
from cityloop.site.ports import free_port
from cityloop.site.tracing import Traced, trace_id, trace_id_of

pytestmark = pytest.mark.django_db
PARENT = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def _seeded() -> None:
    registry.seed()


def families(text: str) -> dict[str, list[tuple[dict[str, str], float]]]:
    return {
        family.name: [(sample.labels, sample.value) for sample in family.samples]
        for family in text_string_to_metric_families(text)
    }


@pytest.mark.usefixtures("_seeded")
def test_figures_are_given_to_the_citys_own_readers_only(client: Client) -> None:
    reader = registry.issue_token("prometheus", rights=["read"])
    writer = registry.issue_token("gateway", rights=["write"])
    authority = registry.issue_token("authority", rights=["read"], organisation="water-group")
    answers = {
        name: client.get("/metrics", headers={"Authorization": f"Bearer {token}"}).status_code
        for name, token in {"reader": reader, "writer": writer, "authority": authority, "nobody": "x"}.items()
    }
    assert answers == {"reader": 200, "writer": 401, "authority": 401, "nobody": 401}
    assert client.get("/metrics").status_code == 401


@pytest.mark.usefixtures("_seeded")
def test_figures_name_the_disk_the_listeners_and_what_was_refused(client: Client) -> None:
    token = registry.issue_token("prometheus", rights=["read"])
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {token}"})
    found = families(answer.content.decode())
    assert found["cityloop_disk_free_bytes"][0][1] > 0
    assert {"cityloop_process_up", "cityloop_listener_behind_facts", "cityloop_alarms_open"} <= found.keys()


def test_a_pipeline_counts_what_became_of_its_readings() -> None:
    import numpy as np  # noqa: PLC0415  this test alone has arrays
    from prometheus_client import REGISTRY  # noqa: PLC0415

    BatchMeter("counted").committed(np.array([0, 0, 1, 255], dtype=np.uint8), began=0.0)
    counted = {
        outcome: REGISTRY.get_sample_value("cityloop_readings_total", {"process": "counted", "outcome": outcome})
        for outcome in ("kept", "duplicate", "not_storable")
    }
    assert counted == {"kept": 2.0, "duplicate": 1.0, "not_storable": 0.0}


async def asked(accept: bytes) -> tuple[int, str]:
    """Ask the status page of a city that has a database and nothing else."""
    sent: list[dict[str, object]] = []

    async def send(message):  # noqa: ANN001, ANN202  as ASGI takes it
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/health", "headers": [(b"accept", accept)]}
    await Health(replace(configuration(), nats_port=free_port()))(scope, send)
    return sent[0]["status"], sent[1]["body"].decode()


async def test_health_says_which_part_is_down() -> None:
    status, body = await asked(b"*/*")
    told = json.loads(body)
    assert status == 503
    assert (told["status"], told["database"], told["transport"], told["disk"]) == ("down", "up", "down", "up")


async def test_health_tells_people_in_both_languages_what_it_means() -> None:
    status, body = await asked(b"text/html,*/*")
    assert status == 503
    assert "MQTT 设备会自行保留并重发" in body
    assert "MQTT devices keep their readings" in body


async def test_health_answers_while_the_database_is_away() -> None:
    away = replace(configuration(), postgres_dsn=f"postgresql://nobody@127.0.0.1:{free_port()}/x")
    told = {part.code: part.stands for part in await parts_of(away, Clock())}
    assert told["database"] is False


def away(_request: HttpRequest) -> HttpResponse:
    raise OperationalError


def broken(_request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError


urlpatterns = [path("away", away), path("broken", broken)]
handler500 = "cityloop.site.operation.views.failed"


@override_settings(ROOT_URLCONF=__name__)
def test_a_page_says_503_while_the_database_is_away_and_500_when_it_is_broken() -> None:
    client = Client(raise_request_exception=False)
    answer = client.get("/away")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "数据库没有应答" in answer.content.decode()
    assert client.get("/broken").status_code == 500


def test_a_trace_id_comes_with_the_request_or_is_made() -> None:
    assert trace_id_of([(b"traceparent", PARENT)]) == "0af7651916cd43dd8448eb211c80319c"
    made = {trace_id_of([]), trace_id_of([(b"traceparent", b"nonsense")]), trace_id_of([(b"traceparent", b"0" * 55)])}
    assert len(made) == 3
    assert all(len(one) == 32 for one in made)


async def test_an_answer_names_its_trace_id_and_the_log_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    seen, sent = [], []

    async def application(scope, receive, send):  # noqa: ANN001, ANN202, ARG001  as ASGI gives it
        seen.append(trace_id())
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message):  # noqa: ANN001, ANN202  as ASGI takes it
        sent.append(message)

    stream = io.StringIO()
    handlers = logging.getLogger().handlers[:]
    try:
        set_up_logs("web-1")
        logging.getLogger().handlers[0].setStream(stream)
        scope = {"type": "http", "method": "GET", "path": "/wall/", "headers": [(b"traceparent", PARENT)]}
        await Traced(application)(scope, None, send)
    finally:
        logging.getLogger().handlers[:] = handlers
    line = json.loads(stream.getvalue())
    assert seen == ["0af7651916cd43dd8448eb211c80319c"]
    assert (b"x-trace-id", seen[0].encode()) in sent[0]["headers"]
    assert (line["trace_id"], line["process"], line["path"], line["status"]) == (seen[0], "web-1", "/wall/", 200)
    assert "query" not in line
    assert capsys.readouterr().out == ""


def test_lines_may_be_plain_text(tmp_path: Path) -> None:
    handlers = logging.getLogger().handlers[:]
    stream = io.StringIO()
    try:
        set_up_logs("wire", settings=replace(configuration(), log_format="text", home=tmp_path))
        logging.getLogger().handlers[0].setStream(stream)
        logging.getLogger("cityloop.wire").warning("the cable is cut")
    finally:
        logging.getLogger().handlers[:] = handlers
    assert "WARNING cityloop.wire the cable is cut" in stream.getvalue()


def test_figures_have_their_room_before_they_are_written(tmp_path: Path) -> None:
    take_room(tmp_path, pid=7)
    files = sorted(file.name for file in tmp_path.iterdir())
    assert files == ["counter_7.db", "gauge_livesum_7.db", "gauge_mostrecent_7.db", "histogram_7.db"]
    assert all(file.stat().st_blocks * 512 >= ROOM_BYTES for file in tmp_path.iterdir())
    code = (
        "from cityloop.site.metrics import READINGS, beat; from cityloop.site.metrics.instruments import heartbeats\n"
        "import os, pathlib; beat('x'); READINGS.labels('x', 'kept').inc(3)\n"
        "print(*heartbeats(pathlib.Path(os.environ['PROMETHEUS_MULTIPROC_DIR'])))"
    )
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)  # noqa: S603  ours
    assert done.stdout.split() == ["x"]


def test_a_clock_that_was_set_is_told_for_a_while_and_hinders_nothing() -> None:
    hands = {"wall": 1_000.0, "passing": 5.0}
    clock = Clock(wall=lambda: hands["wall"], passing=lambda: hands["passing"])

    def later(seconds: float, *, set_by: float = 0.0) -> bool:
        hands["wall"] += seconds + set_by
        hands["passing"] += seconds
        return clock.stands(None)

    assert [later(60), later(1, set_by=1.5), later(1, set_by=-3600)] == [True, True, False]
    assert [later(JUMP_TOLD_S - 10), later(20), later(1, set_by=86_400)] == [False, True, False]


@pytest.mark.parametrize(("apart_s", "stands"), [(0.0, True), (-3.0, True), (5.0, False), (-5.0, False)])
def test_a_clock_that_differs_from_the_databases_does_not_stand(apart_s: float, *, stands: bool) -> None:
    assert Clock(wall=lambda: 1_000.0, passing=lambda: 5.0).stands(1_000.0 + apart_s) is stands
