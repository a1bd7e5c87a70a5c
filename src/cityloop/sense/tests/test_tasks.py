"""Tasks for people: the list within reach, giving one, who may not; the rules of states and deadlines."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from cityloop.journal import facade as journal
from cityloop.kernel.errors import CityloopError, NotFoundError
from cityloop.kernel.facts.conveyed import TaskGiven
from cityloop.registry import facade as registry
from cityloop.sense import facade
from cityloop.sense.models import Actuator, Datastream, ObservedProperty, Sensor, Task, TaskingCapability, Thing
from cityloop.sense.rules.parameters import check_record, check_values
from cityloop.sense.rules.tasks import ANSWERS, OPEN, TERMS, TaskStatus, deadline_of, may_report
from tests.seeds import seed_registry

PASSWORD = "loop-of-the-city-7"
NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
RECORD = {
    "type": "DataRecord",
    "field": [
        {"name": "opening", "label": "开度 Opening", "type": "Quantity", "uom": {"code": "%"},
         "constraint": {"interval": [[0, 100]]}},
        {"name": "mode", "type": "Category", "constraint": {"value": ["slow", "fast"]}, "optional": True},
        {"name": "lamp", "type": "Boolean", "optional": True},
        {"name": "at", "type": "Time", "optional": True},
        {"name": "turns", "type": "Count", "optional": True},
        {"name": "note", "type": "Text", "optional": True},
        {"name": "band", "type": "QuantityRange", "optional": True},
    ],
}  # fmt: skip


def browser(username: str, language: str = "en") -> Client:
    client = Client()
    assert client.login(username=username, password=PASSWORD)
    client.cookies["django_language"] = language
    return client


def capability(*, owner: str = "", area: str = "110000", **properties: Any) -> int:
    """Make a sluice of an owner in an area; return what it can be asked."""
    thing = Thing.objects.create(name="北门闸 North sluice", description="", owner=owner)
    sensor = Sensor.objects.create(name="s", description="", encoding_type="", metadata="")
    quantity = ObservedProperty.objects.create(name="p", definition="", description="")
    Datastream.objects.create(
        name="d", description="", observation_type="", thing=thing, sensor=sensor, observed_property=quantity,
        area=area, owner=owner,
    )  # fmt: skip
    actuator = Actuator.objects.create(name="motor", description="", encoding_type="", metadata="")
    return TaskingCapability.objects.create(
        name="move the gate", description="", tasking_parameters=RECORD, thing=thing, actuator=actuator,
        properties=properties or None,
    ).pk  # fmt: skip


@pytest.fixture
def city(db: None) -> None:  # noqa: ARG001  migrates
    seed_registry()
    registry.ensure_demo_people(PASSWORD)


@pytest.mark.usefixtures("city")
@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh-hans", ["设备任务", "待送达", "模拟设备"]),
        ("en", ["Device tasks", "waiting for the device", "simulated device"]),
    ],
)
def test_the_list_speaks_both_languages_and_opens_the_trace(language: str, words: list[str]) -> None:
    number = facade.give_task(capability(origin="simulated"), {"opening": 5}, actor="person:1")
    page = browser("duty1", language).get("/tasks/")
    assert page.status_code == 200
    for word in (*words, "opening: 5", f"/trace/fact/{Task.objects.get(pk=number).fact_id}/"):
        assert word in page.text


@pytest.mark.usefixtures("city")
@pytest.mark.parametrize(("username", "sees"), [("duty1", "Give a task"), ("duty2", "No device has been given a task")])
def test_an_empty_list_says_what_to_do(username: str, sees: str) -> None:
    if username == "duty1":
        capability()
    assert sees in browser(username).get("/tasks/").text


@pytest.mark.usefixtures("city")
def test_a_person_gives_a_task_and_it_is_told_and_audited() -> None:
    number = capability(answer_s=30)
    client = browser("duty1")
    assert "0" in client.get(f"/tasks/give/{number}/").text
    given_at = {"p0": "42.5", "p1": "slow", "p2": "true", "p3": "2026-12-01T08:00", "p4": "2", "p5": "", "p6": "[1, 2]"}
    answer = client.post(f"/tasks/give/{number}/", given_at)
    assert (answer.status_code, answer["location"]) == (302, "/tasks/")
    task = Task.objects.get()
    assert task.tasking_parameters == {
        "opening": 42.5, "mode": "slow", "lamp": True, "at": "2026-12-01T08:00:00+08:00", "turns": 2, "band": [1, 2],
    }  # fmt: skip
    assert task.deadline_at - task.creation_time == timedelta(seconds=30)
    fact = journal.fact_with_id(task.fact_id).fact
    assert isinstance(fact, TaskGiven)
    assert (fact.task_id, fact.capability, fact.actor) == (task.pk, "move the gate", task.actor)
    assert f"task {task.pk}" in audited("changed")


@pytest.mark.usefixtures("city")
@pytest.mark.parametrize(
    ("filled_in", "status", "sees"),
    [({}, 422, "required"), ({"p0": "101"}, 422, "100"), ({"p0": "5", "p6": "[2, 1]"}, 400, "band")],
)
def test_a_form_that_cannot_be_accepted_says_why(filled_in: dict[str, str], status: int, sees: str) -> None:
    answer = browser("duty1").post(f"/tasks/give/{capability()}/", filled_in)
    assert answer.status_code == status
    assert sees in answer.text
    assert not Task.objects.exists()


@pytest.mark.usefixtures("city")
def test_reach_and_organisation_bound_what_is_seen_and_given() -> None:
    own, foreign = capability(owner="water-group"), capability(owner="heat-group")
    chaoyang = capability(area="110105")
    for number in (own, foreign, chaoyang):
        facade.give_task(number, {"opening": number % 100}, actor="person:1")
    assert offered("water") == {own}
    assert offered("chaoyang.duty") == {chaoyang}
    assert offered("duty1") == {own, foreign, chaoyang}
    for username, number in (("water", foreign), ("water", chaoyang), ("chaoyang.duty", own)):
        assert browser(username).post(f"/tasks/give/{number}/", {"p0": "1"}).status_code == 403
        assert f"task for capability {number}" in audited("denied")
    seen = browser("water.data").get("/tasks/")
    assert seen.text.count("move the gate") == 1
    assert "Give a task" not in seen.text
    assert browser("water.data").get(f"/tasks/give/{own}/").status_code == 403
    assert browser("citizen").get("/tasks/").status_code == 403


def audited(outcome: str) -> set[str]:
    return {entry.what for entry in registry.audit_entries(outcome=outcome)}


def offered(username: str) -> set[int]:
    return {int(found) for found in re.findall(r"/tasks/give/(\d+)/", browser(username).get("/tasks/").text)}


@pytest.mark.usefixtures("city")
def test_the_list_is_filtered_and_paged() -> None:
    number = capability()
    for opening in range(60):
        row = facade.give_task(number, {"opening": opening}, actor="person:1")
        Task.objects.filter(pk=row).update(status="timed_out", ended_at=NOON)
    client = browser("duty1")
    first = client.get("/tasks/")
    assert (first.text.count("/trace/fact/"), "timed out" in first.text) == (50, True)
    older = re.search(r"\?before=(\d+)", first.text)
    assert older is not None
    assert client.get("/tasks/", {"before": older[1]}).text.count("/trace/fact/") == 10
    assert client.get("/tasks/", {"status": "done"}).text.count("/trace/fact/") == 0
    assert "No task is like this" in client.get("/tasks/", {"status": "done"}).text
    for broken in ({"before": "x"}, {"before": "9" * 40}, {"status": "no"}):
        assert client.get("/tasks/", broken).status_code == 200


@pytest.mark.usefixtures("city")
def test_no_more_tasks_wait_than_may_and_none_is_given_to_nobody() -> None:
    number = capability()
    for _ in range(TERMS.open_max):
        facade.give_task(number, {"opening": 1}, actor="person:1")
    with pytest.raises(CityloopError, match="20 tasks"):
        facade.give_task(number, {"opening": 1}, actor="person:1")
    with pytest.raises(NotFoundError):
        facade.give_task(999, {"opening": 1}, actor="person:1")


@pytest.mark.parametrize(("told_s", "span_s"), [(None, 120.0), (30, 30.0), (0, 1.0), (-5, 1.0), (1e9, 7 * 86_400.0)])
def test_the_deadline_is_the_capabilitys_within_bounds(told_s: float | None, span_s: float) -> None:
    assert deadline_of(NOON, answer_s=told_s) == NOON + timedelta(seconds=span_s)


@given(st.sampled_from(TaskStatus), st.sampled_from(TaskStatus))
def test_a_device_reports_forward_only(before: TaskStatus, answer: TaskStatus) -> None:
    allowed = may_report(before, answer)
    assert not (allowed and (before not in OPEN or answer not in ANSWERS))
    assert not (allowed and before is TaskStatus.ACCEPTED and answer is TaskStatus.ACCEPTED)
    assert before.words.zh
    assert answer.words.en


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
KINDS = ["Quantity", "Count", "Boolean", "Category", "Text", "Time", "QuantityRange", "CountRange", "TimeRange", "X"]
CONSTRAINTS = st.fixed_dictionaries({}, optional={"value": VALUES, "interval": VALUES, "pattern": VALUES})
FIELDS = st.fixed_dictionaries(
    {"name": st.sampled_from(["a", "b", ""]), "type": st.sampled_from(KINDS) | VALUES},
    optional={"constraint": VALUES | CONSTRAINTS, "optional": VALUES, "uom": VALUES},
)
RECORDS = st.fixed_dictionaries({"type": st.just("DataRecord"), "field": st.lists(FIELDS, max_size=3)}) | VALUES


@given(RECORDS, VALUES | st.dictionaries(st.sampled_from(["a", "b"]), VALUES))
def test_whatever_is_described_and_given_is_accepted_or_refused_with_its_name(record: Any, values: Any) -> None:
    error = refusal(record, values)
    assert error is None or error.field.startswith("taskingParameters")


def refusal(record: Any, values: Any) -> CityloopError | None:
    try:
        check_record(record)
        check_values(record, values)
    except CityloopError as error:
        return error
    return None


def test_times_and_ranges_keep_to_their_bounds() -> None:
    bounds = {"interval": [["2026-01-01T00:00:00Z", "2026-12-31T00:00:00Z"]]}
    record = {"type": "DataRecord", "field": [{"name": "t", "type": "Time", "constraint": bounds}]}
    check_record(record)
    check_values(record, {"t": "2026-06-01T00:00:00+08:00"})
    for outside in ("2027-06-01T00:00:00Z", "2026-06-01T00:00:00", 5):
        with pytest.raises(CityloopError):
            check_values(record, {"t": outside})
