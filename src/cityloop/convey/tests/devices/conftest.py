"""A city with people, a project of two pumps, and lists of devices."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client

from cityloop.convey.facade import devices as facade
from cityloop.kernel.declarations import Origin, Project, StreamSpec, ThingSpec
from cityloop.kernel.text import Text
from cityloop.registry import facade as registry
from cityloop.registry.facade import PersonView
from cityloop.sense import facade as sense
from tests.seeds import seed_registry

PASSWORD = "a-long-demo-word"

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
"""12:00 in the city."""

HEADING = (
    "code,title_zh,title_en,organisation,longitude,latitude,datum,vendor,model,protocol,address,secret,"
    "calibration_due_on,period_s,channel,property,unit,valid_min,valid_max"
)

PEOPLE = ("operator", "water.data", "air.data", "duty1", "chaoyang.duty", "assessor", "citizen", "water")


def row(code: str = "P-1", **cells: str) -> str:
    """Return a row of a list that is right, with some cells changed."""
    right = {
        "code": code,
        "title_zh": "压力计",
        "title_en": "Pressure meter",
        "organisation": "water-group",
        "longitude": "116.45",
        "latitude": "39.92",
        "period_s": "60",
        "channel": "p",
        "property": "demo/water_pressure",
        "unit": "MPa",
    } | cells
    return ",".join(f'"{right.get(column, "")}"' for column in HEADING.split(","))


def sheet(*rows: str, heading: str = HEADING) -> bytes:
    """Return a list in UTF-8."""
    return "\n".join((heading, *rows)).encode()


def take_in(data: bytes, **more: object) -> "facade.Imported":
    """Take a list in from the command line."""
    known = {"file": "list.csv", "now": NOON}
    return facade.import_devices(data, **known | more)  # type: ignore[arg-type]


def asked(statement: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Return the rows of a query."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def hear(datastream: int, at: datetime) -> None:
    """Let a stream have a reading that came in at a moment."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE sense_latest SET received_at = %s WHERE datastream_id = %s", [at, datastream])


def later(seconds: float) -> datetime:
    """Return a moment after noon."""
    return NOON + timedelta(seconds=seconds)


def pump(code: str, longitude: float) -> ThingSpec:
    """Return a pump of the water group."""
    words = Text(f"水泵{code}", f"Pump {code}")
    return ThingSpec(
        code=code, title=words, description=words, longitude=longitude, latitude=39.92, owner="water-group"
    )


def stream_of(code: str) -> StreamSpec:
    """Return the pressure of a pump."""
    return StreamSpec(
        code=f"{code}.pressure",
        thing=code,
        title=Text(f"{code}压力", f"{code} pressure"),
        property_code="water_pressure",
        property_title=Text("供水压力", "Water pressure"),
        property_definition="https://qudt.org/vocab/quantitykind/Pressure",
        unit_symbol="MPa",
        unit_name="Megapascal",
        unit_definition="https://qudt.org/vocab/unit/MegaPA",
        period_s=10.0,
        origin=Origin.SIMULATED,
    )


DEMO = Project(
    code="demo",
    number=None,
    title=Text("演示", "Demo"),
    summary=Text("演示", "Demo"),
    lead="water-group",
    plan_source=Text("无", "none"),
    things=(pump("east.1", 116.45), pump("west.2", 116.30)),
    streams=(stream_of("east.1"), stream_of("west.2")),
)
"""East 1 lies in Chaoyang, west 2 does not."""


@pytest.fixture
def city(db: None) -> dict[str, PersonView]:  # noqa: ARG001  the database must stand
    """Make areas, organisations, people and the declared project; return the people by account."""
    seed_registry()
    registry.ensure_demo_people(PASSWORD)
    sense.declare(DEMO)
    facade.enter_declared("demo", now=NOON)
    return {one.username: one for one in registry.people() if one.username in PEOPLE}


@pytest.fixture
def sign_in(city: dict[str, PersonView]) -> Callable[[str], Client]:  # noqa: ARG001  there must be somebody
    """Return a browser in which an account is signed in."""

    def browser(username: str) -> Client:
        client = Client(headers={"accept-language": "en"})
        client.cookies["django_language"] = "en"
        client.force_login(get_user_model().objects.get(username=username))
        return client

    return browser
