"""SensorThings Tasking 1.0: capabilities, tasks that keep to them, delivery over MQTT, states, and who may.

The sluice is a process of its own, as a vendor's terminal would be, and labelled simulated.
"""

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psycopg
import pytest

from cityloop.site.demo.sluice import RECORD
from tests.city import eventually
from tests.conformance.mqtt_city import Listener, Transport
from tests.conformance.sta_service import Sta, thing_body

ACTUATOR = {"name": "motor", "description": "opens the gate", "encodingType": "text/plain", "metadata": "simulated"}
ALL_KINDS = {
    "type": "DataRecord",
    "field": [
        {"name": "opening", "type": "Quantity", "uom": {"code": "%"}, "constraint": {"interval": [[0, 100]]}},
        {"name": "turns", "type": "Count", "constraint": {"value": [1, 2, 5]}},
        {"name": "slowly", "type": "Boolean", "optional": True},
        {"name": "lamp", "type": "Category", "constraint": {"value": ["red", "green"]}, "optional": True},
        {"name": "note", "type": "Text", "constraint": {"pattern": "[a-z ]+"}, "optional": True},
        {"name": "at", "type": "Time", "optional": True},
        {"name": "band", "type": "QuantityRange", "constraint": {"interval": [[0, 10]]}, "optional": True},
        {"name": "more", "type": "DataRecord", "optional": True, "field": [{"name": "deep", "type": "Boolean"}]},
    ],
}


@pytest.fixture
def sta(news_sta: Sta) -> Sta:
    """Meet the API that announces its news."""
    return news_sta


def capability(sta: Sta, record: Any = RECORD, **more: Any) -> int:
    """Create a sluice with one capability and return the capability's id."""
    body = {"name": "gate", "description": "moves the gate", "taskingParameters": record, **more}
    return sta.create("TaskingCapabilities", {**body, "Thing": thing_body("sluice"), "Actuator": ACTUATOR})


def task(sta: Sta, number: int, **parameters: Any) -> int:
    return sta.create(f"TaskingCapabilities({number})/Tasks", {"taskingParameters": parameters})


def standing(sta: Sta, number: int) -> dict[str, Any]:
    return sta.get(f"Tasks({number})")["properties"]


def until(sta: Sta, number: int, status: str) -> dict[str, Any]:
    """Return how a task stands when it has come to a state."""

    def found() -> dict[str, Any] | None:
        now = standing(sta, number)
        return now if now["status"] == status else None

    return eventually(found, what=f"task {number} is {status}")


@contextlib.contextmanager
def sluice(transport: Transport, number: int, token: str, *options: str) -> Iterator[None]:
    """Run the simulated sluice."""
    command = [sys.executable, "-m", "cityloop.site.cli", "sluice", str(number), "--move-s", "0", *options]
    environment = {**transport.environment, "CITYLOOP_DEVICE_KEY": token}
    terminal = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        terminal.terminate()
        terminal.wait(30)


def thing_of(sta: Sta, number: int) -> int:
    return int(sta.get(f"TaskingCapabilities({number})/Thing")["@iot.id"])


def key_of(transport: Transport, sta: Sta, number: int) -> str:
    return transport.token(thing_id=thing_of(sta, number), may_read=False)


# --- entities --------------------------------------------------------------------------------------------------


def test_capabilities_actuators_and_tasks_have_their_properties_and_relations(sta: Sta) -> None:
    number = capability(sta, properties={"answer_s": 60})
    given = task(sta, number, opening=30)
    shown = sta.get(f"TaskingCapabilities({number})", expand="Thing,Actuator,Tasks")
    assert shown["taskingParameters"] == RECORD
    assert (shown["Thing"]["name"], shown["Actuator"]["name"]) == ("sluice", "motor")
    assert shown["Tasks"][0]["taskingParameters"] == {"opening": 30}
    assert sta.get(f"Tasks({given})/TaskingCapability")["@iot.id"] == number
    assert sta.get(f"Things({thing_of(sta, number)})/TaskingCapabilities")["value"][0]["@iot.id"] == number
    assert sta.get(f"Actuators({shown['Actuator']['@iot.id']})/TaskingCapabilities")["value"][0]["@iot.id"] == number
    assert standing(sta, given)["status"] == "created"
    assert [item["@iot.id"] for item in sta.get("Tasks", filter=f"TaskingCapability/id eq {number}")["value"]] == [
        given
    ]
    named = sta.get("Tasks", filter="properties/status eq 'created'", orderby="id desc")["value"]
    assert named[0]["@iot.id"] == given


def test_a_deep_insert_from_a_thing_makes_capability_and_actuator(sta: Sta) -> None:
    inner = {"name": "gate", "description": "d", "taskingParameters": RECORD, "Actuator": ACTUATOR}
    thing = sta.create("Things", {**thing_body("deep"), "TaskingCapabilities": [inner]})
    found = sta.get(f"Things({thing})", expand="TaskingCapabilities($expand=Actuator)")["TaskingCapabilities"]
    assert [item["Actuator"]["name"] for item in found] == ["motor"]


def test_a_thing_takes_its_capabilities_and_their_tasks_along(sta: Sta) -> None:
    number = capability(sta)
    given, actuator = task(sta, number, opening=1), sta.get(f"TaskingCapabilities({number})/Actuator")["@iot.id"]
    assert sta.send("DELETE", f"Things({thing_of(sta, number)})").status_code == 200
    for path in (f"Tasks({given})", f"TaskingCapabilities({number})"):
        assert sta.send("GET", path).status_code == 404
    assert sta.send("DELETE", f"Actuators({actuator})").status_code == 200


@pytest.mark.parametrize(
    "record",
    [
        {},
        [],
        {"type": "DataRecord"},
        {"type": "DataRecord", "field": []},
        {"type": "DataRecord", "field": [{"type": "Boolean"}]},
        {"type": "DataRecord", "field": [{"name": "a", "type": "Boolean"}, {"name": "a", "type": "Boolean"}]},
        {"type": "DataRecord", "field": [{"name": "a", "type": "Matrix"}]},
        {"type": "DataRecord", "field": [{"name": "a", "type": "Quantity", "constraint": {"interval": [[2, 1]]}}]},
        {"type": "DataRecord", "field": [{"name": "a", "type": "Text", "constraint": {"pattern": "(a+)+"}}]},
    ],
)
def test_a_capability_that_cannot_be_checked_against_is_refused(sta: Sta, record: Any) -> None:
    body = {"name": "gate", "description": "", "taskingParameters": record}
    answer = sta.send("POST", "TaskingCapabilities", {**body, "Thing": thing_body("t"), "Actuator": ACTUATOR})
    assert answer.status_code == 400
    assert answer.json()["field"].startswith("taskingParameters")


# --- parameters ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({}, "taskingParameters/opening"),
        ({"opening": 101, "turns": 1}, "taskingParameters/opening"),
        ({"opening": "50", "turns": 1}, "taskingParameters/opening"),
        ({"opening": True, "turns": 1}, "taskingParameters/opening"),
        ({"opening": 50, "turns": 3}, "taskingParameters/turns"),
        ({"opening": 50, "turns": 1.5}, "taskingParameters/turns"),
        ({"opening": 50, "turns": 1, "slowly": "yes"}, "taskingParameters/slowly"),
        ({"opening": 50, "turns": 1, "lamp": "blue"}, "taskingParameters/lamp"),
        ({"opening": 50, "turns": 1, "note": "NO"}, "taskingParameters/note"),
        ({"opening": 50, "turns": 1, "at": "tomorrow"}, "taskingParameters/at"),
        ({"opening": 50, "turns": 1, "band": [5, 2]}, "taskingParameters/band"),
        ({"opening": 50, "turns": 1, "band": [5, 12]}, "taskingParameters/band"),
        ({"opening": 50, "turns": 1, "more": {"deep": 1}}, "taskingParameters/more/deep"),
        ({"opening": 50, "turns": 1, "other": 1}, "taskingParameters/other"),
        ([1], "taskingParameters"),
    ],
)
def test_parameters_that_the_capability_does_not_allow_are_refused_by_name(
    sta: Sta, parameters: Any, field: str
) -> None:
    number = capability(sta, ALL_KINDS)
    answer = sta.send("POST", f"TaskingCapabilities({number})/Tasks", {"taskingParameters": parameters})
    assert answer.status_code == 400
    assert answer.json()["field"] == field
    assert field in answer.json()["message"]


def test_every_kind_of_parameter_is_accepted_within_its_bounds(sta: Sta) -> None:
    number = capability(sta, ALL_KINDS)
    asked = {"opening": 0.5, "turns": 5, "slowly": True, "lamp": "red", "note": "with care", "band": [1, 9.5]}
    asked |= {"at": "2026-12-01T08:00:00+08:00", "more": {"deep": False}}
    given = sta.create("Tasks", {"taskingParameters": asked, "TaskingCapability": {"@iot.id": number}})
    assert sta.get(f"Tasks({given})")["taskingParameters"] == asked


def test_a_task_cannot_be_changed_and_no_more_wait_than_may(sta: Sta) -> None:
    number = capability(sta)
    given = task(sta, number, opening=1)
    for method in ("PATCH", "PUT"):
        assert sta.send(method, f"Tasks({given})", {"taskingParameters": {"opening": 2}}).status_code == 405
    answers = [
        sta.send("POST", f"TaskingCapabilities({number})/Tasks", {"taskingParameters": {"opening": n}}).status_code
        for n in range(20)
    ]
    assert answers == [201] * 19 + [409]


# --- delivery --------------------------------------------------------------------------------------------------


def test_a_task_reaches_the_sluice_and_is_reported_done(sta: Sta, transport: Transport, machine: Listener) -> None:
    number = capability(sta)
    assert machine.subscribe("v1.1/Tasks")
    with sluice(transport, number, key_of(transport, sta, number)):
        given = task(sta, number, opening=40)
        done = until(sta, given, "done")
    assert done["reason"] == "simulated sluice (模拟闸门): opening 40 %"
    assert done["deliveries"] == 1
    assert done["deliveredAt"] <= done["acceptedAt"] <= done["endedAt"] <= done["deadline"]
    told = machine.until("v1.1/Tasks", **{"@iot.id": given})
    assert told["taskingParameters"] == {"opening": 40}
    eventually(lambda: _last_status(machine, given) == "done", what="the news that it is done")
    assert facts_of(transport, given) == [("conveyed.TaskGiven", None), ("conveyed.TaskEnded", "done")]


def _last_status(machine: Listener, given: int) -> str:
    told = [body for topic, body in machine.heard if topic == "v1.1/Tasks" and body["@iot.id"] == given]
    return told[-1]["properties"]["status"] if told else ""


def facts_of(transport: Transport, given: int) -> list[tuple[str, str | None]]:
    """Return the facts of a task; the second is caused by the first."""
    with psycopg.connect(transport.dsn) as connection:
        rows = connection.execute(
            "SELECT f.fact_id::text, f.kind, f.body ->> 'status', c.key FROM journal_fact f "
            "LEFT JOIN journal_cause c ON c.effect = f.fact_id "
            "WHERE f.kind LIKE 'conveyed.Task%%' AND (f.body ->> 'task_id')::bigint = %s ORDER BY f.happened_at",
            (given,),
        ).fetchall()
    assert all(cause == rows[0][0] for _, _, _, cause in rows[1:])
    return [(kind, status) for _, kind, status, _ in rows]


def test_a_sluice_that_is_stuck_reports_that_it_failed(sta: Sta, transport: Transport) -> None:
    number = capability(sta)
    with sluice(transport, number, key_of(transport, sta, number), "--stuck"):
        failed = until(sta, task(sta, number, opening=40), "failed")
    assert failed["reason"].endswith("stuck")


def test_a_sluice_that_is_away_gets_its_task_when_it_comes_within_the_deadline(sta: Sta, transport: Transport) -> None:
    number = capability(sta)
    given = task(sta, number, opening=70)
    key = key_of(transport, sta, number)
    lost = transport.client(key, "sluice-that-is-lost")
    assert lost.subscribe(f"v1.1/TaskingCapabilities({number})/Tasks")
    assert lost.one()["@iot.id"] == given
    lost.leave()
    assert until(sta, given, "delivered")["deliveries"] == 1
    with sluice(transport, number, key):
        until(sta, given, "done")
        eventually(lambda: standing(sta, given)["deliveries"] == 2, what="both deliveries are counted")


def test_a_sluice_that_stays_away_lets_the_task_time_out(sta: Sta, transport: Transport) -> None:
    number = capability(sta, properties={"answer_s": 1})
    given = task(sta, number, opening=70)
    over = until(sta, given, "timed_out")
    assert "deliveredAt" not in over
    assert facts_of(transport, given)[-1] == ("conveyed.TaskEnded", "timed_out")
    late = transport.client(key_of(transport, sta, number), "late")
    assert late.subscribe(f"v1.1/TaskingCapabilities({number})/Tasks")
    late.publish(f"v1.1/TaskingCapabilities({number})/Tasks({given})/status", {"status": "done"})
    eventually(lambda: rejected(transport, f"({given})/status"), what="the late report is set aside")
    assert standing(sta, given)["status"] == "timed_out"
    assert not late.heard
    late.leave()


def rejected(transport: Transport, topic: str) -> list[tuple[str, str]]:
    with psycopg.connect(transport.dsn) as connection:
        return connection.execute(
            "SELECT reason, source FROM sense_rejected WHERE source LIKE %s", (f"%{topic}",)
        ).fetchall()


# --- rights ----------------------------------------------------------------------------------------------------


@pytest.fixture
def closed(transport: Transport, serve_sta: Callable[..., Any], sta_dsn: str) -> Iterator[Callable[[str], Sta]]:  # noqa: ARG001  runs first
    """Yield what meets the API with a token."""
    with contextlib.ExitStack() as stack:
        address = stack.enter_context(serve_sta(anonymous=False))

        def meet(token: str) -> Sta:
            headers = {"Accept-Language": "en", "Authorization": f"Bearer {token}"}
            client = stack.enter_context(httpx.Client(base_url=f"{address}/", timeout=30, headers=headers))
            eventually(lambda: client.get("").status_code != 401, what="the token is known")
            return Sta(client)

        yield meet


def test_without_the_right_a_task_is_refused_and_audited(
    sta: Sta, transport: Transport, closed: Callable[[str], Sta]
) -> None:
    number = capability(sta)
    body = {"taskingParameters": {"opening": 1}}
    path = f"TaskingCapabilities({number})/Tasks"
    assert closed(transport.token()).send("POST", path, body).status_code == 403
    assert sta.get(path)["value"] == []
    eventually(lambda: audited(transport, path), what="the audit")
    may = closed(transport.token(may_task=True))
    assert may.send("POST", path, body).status_code == 201
    assert sta.get(path)["value"][0]["properties"]["actor"].startswith("token:")


def audited(transport: Transport, path: str) -> list[tuple[str, ...]]:
    with psycopg.connect(transport.dsn) as connection:
        return connection.execute(
            "SELECT actor, outcome FROM registry_audit WHERE what = %s AND outcome = 'denied'", (f"POST {path}",)
        ).fetchall()


def test_an_organisation_gives_tasks_to_its_own_devices_only(
    sta: Sta, transport: Transport, closed: Callable[[str], Sta]
) -> None:
    own, foreign = capability(sta), capability(sta)
    with psycopg.connect(transport.dsn, autocommit=True) as connection:
        connection.execute("UPDATE sense_thing SET owner = 'water' WHERE id = %s", (thing_of(sta, own),))
    water = closed(transport.token(may_task=True, organisation="water"))
    body = {"taskingParameters": {"opening": 1}}
    assert water.send("POST", f"TaskingCapabilities({own})/Tasks", body).status_code == 201
    assert water.send("POST", f"TaskingCapabilities({foreign})/Tasks", body).status_code == 404
    linked = {**body, "TaskingCapability": {"@iot.id": foreign}}
    assert water.send("POST", "Tasks", linked).status_code in {400, 403}
    given = task(sta, foreign, opening=5)
    assert water.send("GET", f"Tasks({given})").status_code == 404
    assert [item["@iot.id"] for item in water.get("TaskingCapabilities")["value"]] == [own]


def test_a_device_answers_for_its_own_tasks_only_and_hears_no_others(sta: Sta, transport: Transport) -> None:
    own, foreign = capability(sta), capability(sta)
    given = task(sta, foreign, opening=5)
    device = transport.client(key_of(transport, sta, own), "own-sluice")
    assert device.subscribe(f"v1.1/TaskingCapabilities({own})/Tasks")
    for topic in (f"v1.1/TaskingCapabilities({foreign})/Tasks", "v1.1/Tasks", f"v1.1/Tasks({given})"):
        assert not device.subscribe(topic)
    device.publish(f"v1.1/TaskingCapabilities({own})/Tasks({given})/status", {"status": "done"})
    eventually(lambda: rejected(transport, f"({given})/status"), what="the answer is set aside")
    assert standing(sta, given)["status"] == "created"
    device.leave()


@pytest.mark.parametrize("payload", [b"{", {"status": "created"}, {"status": 5}, {}])
def test_a_report_that_cannot_be_read_is_set_aside(sta: Sta, transport: Transport, payload: Any) -> None:
    number = capability(sta)
    given = task(sta, number, opening=5)
    device = transport.client(key_of(transport, sta, number), "broken-sluice")
    device.publish(f"v1.1/TaskingCapabilities({number})/Tasks({given})/status", payload)
    eventually(lambda: rejected(transport, f"({given})/status"), what="the answer is set aside")
    assert rejected(transport, f"({given})/status")[0][0] == "malformed"
    device.leave()


def test_the_service_root_claims_tasking_and_mqtt_as_far_as_they_are_built(sta: Sta) -> None:
    claimed = sta.get("")["serverSettings"]["conformance"]
    tasking = {uri.partition("/req/")[2] for uri in claimed if "/iot_tasking/1.0/" in uri}
    assert tasking == {
        *(
            f"{one}/{part}"
            for one in ("tasking-capability", "task", "actuator")
            for part in ("properties", "relations")
        ),
        "create-tasks/task-creation",
        "receive-updates-via-mqtt/receive-updates",
    }
    sensing = {uri.partition("/req/")[2] for uri in claimed if "/iot_sensing/1.1/" in uri}
    assert {"create-observations-via-mqtt/observations-creation", "receive-updates-via-mqtt/receive-updates"} <= sensing
