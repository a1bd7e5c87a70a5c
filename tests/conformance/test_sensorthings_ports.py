"""What the service tells its neighbours: who read what, which entities changed; and by which names it may be called."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from psycopg_pool import AsyncConnectionPool

from cityloop.kernel.areas import CITY
from cityloop.registry.stream import TokenRights
from cityloop.sense.stream.sta import build
from cityloop.sense.stream.sta.doorstep import Doorstep
from cityloop.sense.stream.sta.rights import Allowed
from cityloop.site.pipeline import open_pipeline
from tests.conformance.sta_service import Sta, location_body, stream_body, thing_body

Open = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@dataclass
class RecordingLog:
    reads: list[tuple[str, str, int]] = field(default_factory=list)

    async def note(self, allowed: Allowed, *, path: str, rows: int) -> None:
        self.reads.append((allowed.organisation, path, rows))


@dataclass
class RecordingNews:
    told: list[tuple[str, int, tuple[str, ...] | None]] = field(default_factory=list)

    def changed(self, entity: str, entity_id: int, *, members: Iterable[str] | None) -> None:
        self.told.append((entity, entity_id, None if members is None else tuple(sorted(members))))

    def taken(self) -> list[tuple[str, tuple[str, ...] | None]]:
        told, self.told = self.told, []
        return [(entity, members) for entity, _, members in told]


class Book:
    """Knows two tokens."""

    def of_token(self, bearer_token: str, /) -> TokenRights | None:
        rights = {
            "city": TokenRights(1, "city", may_read=True, may_write=True, area=CITY),
            "water": TokenRights(2, "water", may_read=True, may_write=True, area=CITY, organisation="water"),
        }
        return rights.get(bearer_token)


@pytest.fixture
def open_service(sta_dsn: str) -> Open:
    @asynccontextmanager
    async def opened(token: str, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
        pool: AsyncConnectionPool[Any] = AsyncConnectionPool(sta_dsn, min_size=1, max_size=2, open=False)
        async with pool:
            pipeline = await open_pipeline(sta_dsn, node=0, process="ports")
            try:
                service = build(pool=pool, ingest=pipeline, rights=Book(), **options)
                transport = httpx.ASGITransport(service)
                headers = {"Authorization": f"Bearer {token}"}
                base = "http://city.example/sta/v1.1/"
                async with httpx.AsyncClient(transport=transport, base_url=base, headers=headers) as client:
                    yield client
            finally:
                await pipeline.close()

    return opened


async def test_what_a_limited_token_reads_is_noted_before_it_is_answered(sta: Sta, open_service: Open) -> None:
    log = RecordingLog()
    async with open_service("water", read_log=log) as client:
        body = {**thing_body("own"), "Datastreams": [stream_body("a"), stream_body("b")]}
        key = (await client.post("Things", json=body)).json()["@iot.id"]
        assert log.reads == []
        await client.get("Datastreams?$top=1&$filter=name ge 'a'")
        await client.get(f"Things({key})/name/$value")
        await client.get("Datastreams?$resultFormat=CSV")
        await client.get("Things(999999)")
        await client.get("")
        batch = {"requests": [{"id": "1", "method": "GET", "url": f"Things({key})?$select=name"}]}
        await client.post("$batch", json=batch)
    assert log.reads == [
        ("water", "Datastreams?$top=1&$filter=name%20ge%20'a'", 1),
        ("water", f"Things({key})/name/$value", 1),
        ("water", "Datastreams?$resultFormat=CSV", 2),
        ("water", f"Things({key})?$select=name", 1),
    ]
    assert sta.names("Things") == ["own"]


async def test_what_the_city_itself_reads_is_not_noted(open_service: Open) -> None:
    log = RecordingLog()
    async with open_service("city", read_log=log) as client:
        assert (await client.get("Things")).status_code == 200
    assert log.reads == []


async def test_news_tells_of_every_entity_made_and_changed(sta: Sta, open_service: Open) -> None:
    news = RecordingNews()
    async with open_service("city", news=news) as client:
        body = {**thing_body("deep", at=(116, 40)), "Datastreams": [stream_body("a")]}
        key = (await client.post("Things", json=body)).json()["@iot.id"]
        assert sorted(entity for entity, _ in news.taken()) == [
            "Datastreams",
            "HistoricalLocations",
            "Locations",
            "ObservedProperties",
            "Sensors",
            "Things",
        ]
        await client.patch(f"Things({key})", json={"name": "new", "@iot.id": key})
        await client.put(f"Things({key})", json=thing_body("newer"))
        patch = {"content-type": "application/json-patch+json"}
        change = b'[{"op":"add","path":"/properties","value":{"a":1}}]'
        await client.patch(f"Things({key})", content=change, headers=patch)
        assert news.taken() == [
            ("Things", ("name",)),
            ("Things", ("description", "name", "properties")),
            ("Things", ("properties",)),
        ]
        await client.post(f"Things({key})/Locations", json=location_body("moved"))
        assert sorted(news.taken()) == [("HistoricalLocations", None), ("Locations", None)]
        stream = sta.get("Datastreams")["value"][0]["@iot.id"]
        reading = (await client.post(f"Datastreams({stream})/Observations", json={"result": 1})).json()["@iot.id"]
        assert news.taken() == []
        await client.patch(f"Observations({reading})", json={"result": 2})
        assert news.taken() == [("Observations", ("result",))]


async def test_news_tells_nothing_of_what_was_refused(sta: Sta, open_service: Open) -> None:
    news = RecordingNews()
    async with open_service("city", news=news) as client:
        requests = [
            {"id": "1", "atomicityGroup": "g", "method": "POST", "url": "Things", "body": thing_body()},
            {"id": "2", "atomicityGroup": "g", "method": "POST", "url": "Things", "body": {}},
        ]
        await client.post("$batch", json={"requests": requests})
        assert (await client.patch("Things(999999)", json={"name": "x"})).status_code == 404
        assert news.told == []
        del requests[1]
        await client.post("$batch", json={"requests": requests})
        assert news.taken() == [("Things", None)]
    assert sta.names("Things") == ["thing"]


async def test_addresses_are_of_names_the_service_may_be_called_by(sta: Sta, open_service: Open) -> None:
    sta.create("Things", thing_body())
    async with open_service("city", hosts=["city.example", ".district.example"]) as client:
        for host, shown in (
            ("city.example", "city.example"),
            ("CITY.example:8000", "CITY.example:8000"),
            ("east.district.example", "east.district.example"),
            ("evil.example", "city.example"),
            ('evil.example/x"y', "city.example"),
            ("city.example.evil", "city.example"),
        ):
            answer = (await client.get("Things", headers={"Host": host})).json()
            assert answer["value"][0]["@iot.selfLink"].startswith(f"http://{shown}/sta/v1.1/Things(")


@pytest.mark.parametrize(
    ("hosts", "told", "shown"),
    [
        (("*",), b"any.example", "any.example"),
        (("[::1]", "localhost"), b"[::1]:8000", "[::1]:8000"),
        (("localhost",), b"other", "localhost:8000"),
        ((".example",), b"other", "10.0.0.1:8000"),
        ((), b"other", "10.0.0.1:8000"),
    ],
)
def test_a_name_nobody_knows_gives_way_to_one_that_is_known(hosts: tuple[str, ...], told: bytes, shown: str) -> None:
    scope: dict[str, Any] = {"scheme": "http", "server": ("10.0.0.1", 8000)}
    assert Doorstep("/sta/v1.1", hosts).base(scope, {b"host": told}) == f"http://{shown}/sta/v1.1"
