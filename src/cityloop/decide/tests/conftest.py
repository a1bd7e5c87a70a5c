"""A city with two streams and a few watches; mouths that judge readings on connections of their own."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import psycopg
import pytest
from django.db import connection

from cityloop.decide import facade
from cityloop.decide.stream import NO_TIME, Screen
from cityloop.journal import facade as journal
from cityloop.kernel.declarations import (
    Origin,
    Project,
    StreamSpec,
    ThingSpec,
    WatchKind,
    WatchSpec,
)
from cityloop.kernel.facts import Fact
from cityloop.kernel.instants import to_us
from cityloop.kernel.levels import Level
from cityloop.kernel.quality import Quality
from cityloop.kernel.text import Text
from cityloop.registry import facade as registry
from cityloop.registry.facade import PersonView
from cityloop.sense import facade as sense
from tests.seeds import seed_registry

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
"""12:00 in the city."""
PASSWORD = "loop-of-the-city-7"
BASIS = Text("测试默认值", "default of the tests")


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def watch(code: str, kind: WatchKind, limits: dict[Level, float], **more: object) -> WatchSpec:
    values = {"streams": ("point-*",), "unit": "MPa", "hysteresis": 0.02, "hold_s": 0.0} | more
    title = Text(f"规则{code}", f"Watch {code}")
    return WatchSpec(code=code, title=title, kind=kind, limits=limits, basis=BASIS, **values)  # type: ignore[arg-type]


HOLDING = watch("held", WatchKind.LOW, {Level.ORANGE: 0.2, Level.RED: 0.1}, hold_s=60.0, case_kind="water-loss")
QUICK = watch("quick", WatchKind.LOW, {Level.BLUE: 0.2, Level.ORANGE: 0.1})
RATE = watch("rate", WatchKind.RATE, {Level.YELLOW: 1.0}, unit="MPa/min")
SILENT = watch("silent", WatchKind.SILENT, {}, unit="s", hysteresis=0.0)
STUCK = watch("stuck", WatchKind.STUCK, {Level.BLUE: 3600.0}, unit="s", hysteresis=0.0)
BASED = watch("based", WatchKind.BASELINE, {Level.YELLOW: 6.0}, unit="σ", hysteresis=1.0)


def stream(code: str) -> StreamSpec:
    return StreamSpec(
        code=code,
        thing=code,
        title=Text(f"{code}压力", f"{code} pressure"),
        property_code="water_pressure",
        property_title=Text("供水压力", "Water pressure"),
        property_definition="https://qudt.org/vocab/quantitykind/Pressure",
        unit_symbol="MPa",
        unit_name="Megapascal",
        unit_definition="https://qudt.org/vocab/unit/MegaPA",
        period_s=5.0,
        decimals=3,
    )


def thing(code: str) -> ThingSpec:
    about = Text("压力监测点", "pressure point")
    return ThingSpec(
        code=code, title=Text(f"监测点{code}", f"Point {code}"), description=about, longitude=116.53, latitude=39.949
    )


PROJECT = Project(
    code="specimen",
    number=None,
    title=Text("样例", "Specimen"),
    summary=Text("样例", "Specimen"),
    lead="water-group",
    plan_source=Text("无", "none"),
    things=(thing("point-1"), thing("point-2")),
    streams=(stream("point-1"), stream("point-2")),
)


class City:
    """Streams under watches, and mouths into them."""

    def __init__(self) -> None:
        seed_registry()
        registry.ensure_demo_people(PASSWORD)
        sense.declare(PROJECT, Origin.LIVE)
        views = {view.code.rpartition("/")[2]: view.datastream_id for view in sense.streams_of_project("specimen")}
        self.first, self.second = views["point-1"], views["point-2"]
        self.people: dict[str, PersonView] = {one.username: one for one in registry.people()}
        self.observation_id = 1000

    def watch_by(self, *specs: WatchSpec, now: datetime = NOON) -> int:
        return facade.declare(replace(PROJECT, watches=specs), now=now)

    def read(
        self,
        *readings: tuple[float, float],
        stream: int = 0,
        received_s: float | None = None,
        quality: Quality = Quality.GOOD,
    ) -> int:
        """Take in (second, value) readings of a stream, each with the time it has unless told otherwise."""
        return asyncio.run(Mouth(self).take(stream or self.first, readings, received_s, quality=quality))

    def facts(self, *kinds: type[Fact]) -> list[Fact]:
        return [entry.fact for entry in reversed(journal.newest_facts(kinds=kinds, limit=1000))]


def dsn() -> str:
    database = connection.settings_dict
    return psycopg.conninfo.make_conninfo(
        host=database["HOST"],
        port=database["PORT"],
        dbname=database["NAME"],
        user=database["USER"],
        password=database["PASSWORD"],
    )


class Mouth:
    """One way into the city, as the pipeline does it: locks the latest rows, renews them, judges, commits."""

    def __init__(self, city: City) -> None:
        self.city = city
        self.screen = Screen()

    async def take(
        self,
        stream: int,
        readings: Sequence[tuple[float, float]],
        received_s: float | None = None,
        *,
        quality: Quality = Quality.GOOD,
    ) -> int:
        async with await psycopg.AsyncConnection.connect(dsn()) as connected:
            await self.screen.reload_if_changed(connected)
            await connected.rollback()
            return await self._take(connected, stream, readings, received_s, quality)

    async def _take(
        self,
        connected: psycopg.AsyncConnection,
        stream: int,
        readings: Sequence[tuple[float, float]],
        received_s: float | None,
        quality: Quality,
    ) -> int:
        self.city.observation_id += 1000
        ids = self.city.observation_id + np.arange(len(readings))
        received = at(readings[-1][0] if received_s is None else received_s)
        cursor = await connected.execute(
            "SELECT phenomenon_time, result FROM sense_latest WHERE datastream_id = %s FOR UPDATE", [stream]
        )
        before_at, before = await cursor.fetchone()
        fresh = [row for row, (second, _) in enumerate(readings) if before_at is None or at(second) > before_at]
        if not fresh:
            return 0
        await connected.execute(
            "UPDATE sense_latest SET id = %s, phenomenon_time = %s, result = %s, quality = %s, received_at = %s"
            " WHERE datastream_id = %s",
            [int(ids[-1]), at(readings[-1][0]), readings[-1][1], int(quality), received, stream],
        )
        for number, (second, value) in zip(ids.tolist(), readings, strict=True):
            await connected.execute(
                "INSERT INTO sense_observation (datastream_id, phenomenon_time, id, result, quality, feature_id)"
                " VALUES (%s, %s, %s, %s, %s, 1)",
                [stream, at(second), number, value, int(quality)],
            )
        async with connected.pipeline():
            handed = await self.screen.judge(
                connected,
                datastream_id=np.full(len(fresh), stream, dtype=np.int64),
                phenomenon_us=np.array([to_us(at(readings[row][0])) for row in fresh], dtype=np.int64),
                value=np.array([readings[row][1] for row in fresh], dtype=np.float64),
                observation_id=ids[fresh].astype(np.int64),
                received_us=to_us(received),
                previous_us=np.full(len(fresh), NO_TIME if before_at is None else to_us(before_at), dtype=np.int64),
                previous_value=np.full(len(fresh), np.nan if before is None else before),
            )
        await connected.commit()
        return handed


@pytest.fixture
def city(transactional_db: None) -> City:  # noqa: ARG001  the database
    return City()


@pytest.fixture
def keep_history() -> Callable[[int, Sequence[tuple[datetime, float]]], None]:
    """Write readings into the history alone."""

    def keep(stream: int, readings: Sequence[tuple[datetime, float]]) -> None:
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO sense_observation (datastream_id, phenomenon_time, id, result, feature_id)"
                " VALUES (%s, %s, %s, %s, 1)",
                [(stream, moment, number, value) for number, (moment, value) in enumerate(readings, 1)],
            )

    return keep
