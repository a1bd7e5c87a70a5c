"""A city with three owners, a data set of each, readings in the history, and an API of shared data."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import httpx
import psycopg
import pytest
from django.db import connection

from cityloop.convey.facade import sharing
from cityloop.convey.stream.sharing.application import build_sharing, open_pool
from cityloop.kernel.areas import CITY
from cityloop.kernel.declarations import Origin, Project, StreamSpec, ThingSpec
from cityloop.kernel.instants import to_us
from cityloop.kernel.observation_ids import ObservationIds
from cityloop.kernel.text import Text
from cityloop.registry import facade as registry
from cityloop.registry.facade import PersonView
from cityloop.registry.stream import Rights
from cityloop.sense import facade as sense
from tests.seeds import seed_registry

Answer = TypeVar("Answer")
PASSWORD = "loop-of-the-city-7"
IDS = ObservationIds(node=0, writer=30)
"""Ids of a writer of the tests' own."""

NONE = Text("无", "none")
PLACES = {"water-a": (116.48, 39.95), "water-b": (116.30, 39.97), "heat-a": (116.36, 39.91), "air-a": (116.40, 40.0)}
"""Things by code: in Chaoyang, Haidian, Xicheng, Chaoyang."""

OWNERS = {"water": "water-group", "heat": "heat-group", "air": "environment-bureau"}


def _thing(code: str) -> ThingSpec:
    longitude, latitude = PLACES[code]
    owner = OWNERS[code.partition("-")[0]]
    return ThingSpec(
        code=code, title=Text(f"{code}站", code), description=NONE, longitude=longitude, latitude=latitude, owner=owner
    )


def _stream(code: str) -> StreamSpec:
    return StreamSpec(
        code=f"{code}.level",
        thing=code,
        title=Text(f"{code}读数", f"{code} level"),
        property_code="level",
        property_title=Text("水平", "level"),
        property_definition="http://example.org/level",
        unit_symbol="m",
        unit_name="metre",
        unit_definition="http://example.org/metre",
        period_s=60,
    )


PROJECT = Project(
    code="specimen",
    number=None,
    title=Text("样例", "Specimen"),
    summary=Text("样例", "Specimen"),
    lead="water-group",
    plan_source=NONE,
    things=tuple(_thing(code) for code in PLACES),
    streams=tuple(_stream(code) for code in PLACES),
)


async def aside(act: Callable[..., Answer], *arguments: Any, **named: Any) -> Answer:
    """Do something of Django's in a thread of its own and leave no connection behind."""

    def done() -> Answer:
        try:
            return act(*arguments, **named)
        finally:
            connection.close()

    return await asyncio.to_thread(done)


def describe(title: str = "供水", *, openness: str = "contract", **changed: Any) -> sharing.Description:
    values: dict[str, Any] = {
        "title": Text(title, f"{title} in English"),
        "description": Text("说明", "What it is"),
        "theme": sharing.Theme.WATER,
        "area": CITY,
        "frequency": sharing.Frequency.CONTINUOUS,
        "licence": Text("条款", "terms"),
        "openness": sharing.Openness(openness),
        "contact_name": "林芳",
        "contact_email": "data@example.org",
        "keywords_zh": ("供水",),
        "keywords_en": ("water",),
    }
    return sharing.Description(**(values | changed))


@dataclass
class SharedCity:
    """The city as tests ask it."""

    people: dict[str, PersonView]
    streams: dict[str, int]
    dsn: str
    numbers: dict[str, float] = field(default_factory=dict)

    def token(self, organisation: str = "", **limits: Any) -> str:
        return registry.issue_token(f"machine of {organisation}", rights=["read"], organisation=organisation, **limits)

    def ask(self, *codes: str, days: float = 30, who: str = "air.data") -> sharing.ContractView:
        person = self.people[who]
        now = datetime.now(UTC)
        return sharing.ask_for_contract(
            person,
            codes or ("water",),
            asker=person.organisation,
            purpose="洪水研判",
            legal_basis="演示",
            wanted=sharing.Times(now, now + timedelta(days=days)),
        )

    def approve(
        self, contract_id: int, *, until: datetime | None = None, who: str = "water.data"
    ) -> sharing.ContractView:
        return sharing.decide_contract(self.people[who], contract_id, approve=True, until=until, note="同意")

    def contract(self, *codes: str) -> sharing.ContractView:
        return self.approve(self.ask(*codes).contract_id)

    async def keep(self, code: str, *values: float, at: datetime | None = None) -> list[int]:
        """Keep readings a second apart and return their ids."""
        start = at or datetime.now(UTC) - timedelta(seconds=len(values))
        runs = IDS.reserve(len(values), now_us=to_us(datetime.now(UTC)))
        numbers = [first + n for first, length in runs for n in range(length)]
        times = [start + timedelta(seconds=n) for n in range(len(values))]
        async with await psycopg.AsyncConnection.connect(self.dsn) as link:
            await link.cursor().executemany(
                "INSERT INTO sense_observation (datastream_id, phenomenon_time, id, result, feature_id)"
                " VALUES (%s, %s, %s, %s, 0)",
                [(self.streams[code], *row) for row in zip(times, numbers, values, strict=True)],
            )
            await link.execute(
                "UPDATE sense_latest SET id = %s, phenomenon_time = %s, result = %s, quality = 0"
                " WHERE datastream_id = %s",
                (numbers[-1], times[-1], values[-1], self.streams[code]),
            )
        return numbers


@pytest.fixture
def shared(transactional_db: None) -> Iterator[SharedCity]:  # noqa: ARG001  the database must stand
    seed_registry()
    registry.ensure_demo_people(PASSWORD)
    sense.declare(PROJECT, Origin.SIMULATED)
    found = {
        one.code.partition("/")[2].partition(".")[0]: one.datastream_id for one in sense.streams_of_project("specimen")
    }
    people = {one.username: one for one in registry.people()}
    specs = [
        sharing.DatasetSpec(
            code=code,
            owner=owner,
            about=describe(
                {"water": "供水", "heat": "供热", "air": "空气"}[code], openness="open" if code == "air" else "contract"
            ),
            selection=sharing.Selection(project="specimen"),
        )
        for code, owner in OWNERS.items()
    ]
    sharing.declare_datasets(specs)
    of = connection.settings_dict
    dsn = psycopg.conninfo.make_conninfo(os.environ["CITYLOOP_POSTGRES_DSN"], dbname=of["NAME"])
    yield SharedCity(people, found, dsn)
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE sense_observation, sense_latest, sense_thing, journal_fact CASCADE")


@dataclass
class Api:
    """The machine faces of shared data, and the rights they are answered by."""

    client: httpx.AsyncClient
    rights: Rights
    dsn: str
    application: Any

    async def reload(self) -> None:
        async with await psycopg.AsyncConnection.connect(self.dsn) as link:
            await self.rights.load(link)

    async def get(self, path: str, *, token: str = "", status: int = 200, **query: Any) -> httpx.Response:
        await self.reload()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = await self.client.get(path, params=query or None, headers=headers)
        assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text[:600]}"
        return answer


@pytest.fixture
async def api(shared: SharedCity) -> AsyncIterator[Api]:
    rights = Rights()
    async with AsyncExitStack() as stack:
        pool = await open_pool(stack, shared.dsn)
        application = build_sharing(pool, rights, look_s=0.05)
        transport = httpx.ASGITransport(application)
        client = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://city.test"))
        yield Api(client, rights, shared.dsn, application)
