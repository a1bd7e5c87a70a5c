"""A small city for the duty room's tests: districts, people, one project with two streams on the wall."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from django.test import Client

from cityloop.command import facade as command
from cityloop.command.selectors.lines import forget_curves
from cityloop.kernel.declarations import LineSpec, Origin, Project, StreamSpec, ThingSpec
from cityloop.kernel.text import Text
from cityloop.registry import facade as registry
from cityloop.registry.facade import PersonView
from cityloop.sense import facade as sense
from tests.seeds import seed_registry

PASSWORD = "a long enough password"
NOW = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)


def _stream(code: str) -> StreamSpec:
    return StreamSpec(
        code=code, thing="pump", title=Text(f"流量{code}", f"Flow {code}"), property_code="flow",
        property_title=Text("流量", "Flow"), property_definition="https://example.org/flow", unit_symbol="L/s",
        unit_name="Litre per second", unit_definition="https://example.org/L", period_s=3600.0,
    )  # fmt: skip


PUMPS = Project(
    code="pumps",
    number=2,
    title=Text("水泵", "Pumps"),
    summary=Text("水泵。", "Pumps."),
    lead="water-group",
    plan_source=Text("测试", "test"),
    things=(
        ThingSpec(
            code="pump", title=Text("一号泵", "Pump one"), description=Text("泵", "A pump"), longitude=116.53,
            latitude=39.949,
        ),
    ),
    streams=(_stream("a"), _stream("b")),
    lines=(
        LineSpec(code="flow", title=Text("供水", "Water"), streams=("*",), combine="sum", unit="m³/h", factor=3.6),
        LineSpec(code="weather", title=Text("气温", "Air"), streams=("a",), combine="mean", unit="°C"),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class City:
    """What the tests ask for."""

    people: dict[str, PersonView]
    streams: dict[str, int]


@pytest.fixture
def city(db: None) -> City:  # noqa: ARG001  asked for what it does
    """Return the small city."""
    forget_curves()
    seed_registry()
    registry.ensure_demo_people(PASSWORD)
    sense.declare(PUMPS, Origin.REPLAYED)
    command.register_lines(PUMPS)
    people = {person.username: person for person in registry.people()}
    streams = {view.code.partition("/")[2]: view.datastream_id for view in sense.streams_of_project("pumps")}
    return City(people, streams)


def signed_in(username: str, *, language: str = "zh-hans") -> Client:
    """Return a browser in which somebody has signed in."""
    client = Client()
    client.post("/login/", {"username": username, "password": PASSWORD})
    client.cookies["django_language"] = language
    return client
