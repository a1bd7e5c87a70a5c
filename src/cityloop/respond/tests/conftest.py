"""A city with people and a few kinds of case; alarms to be answered."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from cityloop.kernel.areas import AreaCode
from cityloop.kernel.clocks import Clock, Limit
from cityloop.kernel.declarations import CaseKindSpec, Project
from cityloop.kernel.facts import Ref
from cityloop.kernel.facts.decided import AlarmRaised
from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text
from cityloop.registry import facade as registry
from cityloop.registry.facade import PersonView
from cityloop.respond import facade
from tests.seeds import seed_registry

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)
"""A Monday, 12:00 in the city."""

BASIS = Text("默认值", "default")
PROJECT = Project(
    code="specimen",
    number=None,
    title=Text("样例", "Specimen"),
    summary=Text("样例", "Specimen"),
    lead="water-group",
    plan_source=Text("无", "none"),
    case_kinds=(
        CaseKindSpec(
            code="water-loss",
            title=Text("失压", "Pressure loss"),
            limit=Limit(4, Clock.NATURAL),
            basis=BASIS,
            organisation="water-group",
        ),
        CaseKindSpec(code="dirt", title=Text("暴露垃圾", "Rubbish"), limit=Limit(5, Clock.WORKING_HOUR), basis=BASIS),
    ),
)
PASSWORD = "loop-of-the-city-7"


@pytest.fixture
def city(request: pytest.FixtureRequest) -> dict[str, PersonView]:
    request.getfixturevalue("db")
    seed_registry()
    registry.ensure_demo_people(PASSWORD)
    facade.declare(PROJECT)
    return {one.username: one for one in registry.people()}


@pytest.fixture
def raise_alarm() -> Callable[..., AlarmRaised]:
    def make(number: int = 1, **changed: Any) -> AlarmRaised:
        values: dict[str, Any] = {
            "fact_id": changed.pop("fact_id", uuid4()),
            "happened_at": NOON,
            "actor": "watch:specimen",
            "area": AreaCode("110105"),
            "causes": (Ref.observation(number),),
            "alarm_id": number,
            "title": Text("管网压力过低", "Pressure too low"),
            "level": Level.ORANGE,
            "watch_code": "specimen",
            "watch_version": 1,
            "project": "specimen",
            "datastream_id": number,
            "thing_name": Text("P-1", "pump"),
            "value": 0.1,
            "threshold": 0.2,
            "unit": "MPa",
            "longitude": 116.48,
            "latitude": 39.95,
            "case_kind": "water-loss",
        }
        return AlarmRaised(**(values | changed))

    return make
