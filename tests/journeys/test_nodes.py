"""A city and two districts: cut and healed under load, nothing lost or doubled, no fresh alarm for what has ended.

The cable between them is a relay that can be cut; `test_nodes_apart.py` pulls real ones.
"""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from bench.city import new_home
from cityloop.site.ports import free_port
from tests.city import City, eventually, running_city

DISTRICTS = {5: ("110105", "朝阳区节点", "Chaoyang node"), 8: ("110108", "海淀区节点", "Haidian node")}
STREAMS, READINGS_A_SECOND = 4, 50


@dataclass
class Cable:
    """Carries bytes between a district and the city until it is cut."""

    target: int
    port: int = 0
    whole: bool = True
    connections: list[socket.socket] = field(default_factory=list)
    flows: threading.Event = field(default_factory=threading.Event)
    listener: socket.socket | None = None

    def lay(self) -> None:
        self.flows.set()
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while self.listener is not None:
                near, _ = self.listener.accept()
                if not self.whole:
                    near.close()
                    continue
                try:
                    far = socket.create_connection(("127.0.0.1", self.target))
                except OSError:
                    near.close()
                    continue
                self.connections += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=_pump, args=(one, other, self.flows), daemon=True).start()

    def cut(self) -> None:
        self.whole = False
        for one in self.connections:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self.connections.clear()

    def silence(self) -> None:
        """Carry nothing and tell nobody, as where a router has lost its power."""
        self.flows.clear()

    def mend(self) -> None:
        self.whole = True
        self.flows.set()

    def remove(self) -> None:
        self.cut()
        if self.listener is not None:
            self.listener.close()


def _pump(source: socket.socket, target: socket.socket, flows: threading.Event) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            flows.wait()
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


@dataclass
class Cloud:
    """A city, its districts, and the cables between."""

    city: City
    districts: dict[int, City]
    cables: dict[int, Cable]
    tokens: dict[int, str]
    streams: dict[int, list[int]]


STREAM = {
    "description": "level",
    "observationType": "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
    "unitOfMeasurement": {"name": "metre", "symbol": "m", "definition": "ucum:m"},
    "ObservedProperty": {"name": "level", "definition": "urn:level", "description": "level"},
    "Sensor": {"name": "gauge", "description": "gauge", "encodingType": "text/plain", "metadata": "gauge"},
}


def made_streams(district: City, token: str, area: str) -> list[int]:
    machine = district.machine(token)
    place = {"type": "Point", "coordinates": {"110105": [116.51, 39.95], "110108": [116.2, 40.0]}[area]}
    location = {"name": "here", "description": "here", "encodingType": "application/geo+json", "location": place}
    thing = {"name": f"gauge of {area}", "description": "gauge", "Locations": [location]}
    ids = []
    for number in range(STREAMS):
        answer = machine.post("Datastreams", json={"name": f"level {number}", **STREAM, "Thing": thing})
        assert answer.status_code == 201, answer.text
        ids.append(int(answer.headers["Location"].rpartition("(")[2].rstrip(")")))
    return ids


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    leaf_port = free_port()
    with contextlib.ExitStack() as stack:
        city = stack.enter_context(running_city(LEAF_PORT=str(leaf_port), WEB_WORKERS="1"))
        districts, cables, tokens, streams = {}, {}, {}, {}
        for number, (area, zh, en) in DISTRICTS.items():
            cable = cables[number] = Cable(leaf_port)
            cable.lay()
            stack.callback(cable.remove)
            address = city.run("node", "add", str(number), "--area", area, "--zh", zh, "--en", en)
            url = address.rpartition(":")[0] + f":{cable.port}"
            settings = {"NODE": str(number), "NODE_AREA": area, "HUB_URL": url, "WEB_WORKERS": "1", "DEMO": "off"}
            district = districts[number] = stack.enter_context(running_city(new_home(), **settings))
            token = tokens[number] = district.token("writer", "read", "write")
            streams[number] = made_streams(district, token, area)
        yield Cloud(city, districts, cables, tokens, streams)


def copies(city: City, number: int) -> dict[int, int]:
    with psycopg.connect(city.dsn) as connection:
        rows = connection.execute(
            "SELECT remote_id, datastream_id FROM convey_nodestream WHERE number = %s", (number,)
        ).fetchall()
    return dict(rows)


def kept(city: City, streams: list[int]) -> list[tuple[datetime, float]]:
    with psycopg.connect(city.dsn) as connection:
        return connection.execute(
            "SELECT phenomenon_time, result FROM sense_observation WHERE datastream_id = ANY(%s) ORDER BY 1, 2",
            (streams,),
        ).fetchall()


def arrived(cloud: Cloud, number: int) -> bool:
    mine = copies(cloud.city, number)
    streams = [mine[one] for one in cloud.streams[number] if one in mine]
    return len(streams) == STREAMS and kept(cloud.city, streams) == kept(cloud.districts[number], cloud.streams[number])


async def load(cloud: Cloud, seconds: float) -> int:
    """Write into both districts for a while; return how many readings were acknowledged."""
    import httpx  # noqa: PLC0415  this function alone

    async def write(number: int) -> int:
        count, ends_at = 0, time.monotonic() + seconds
        headers = {"Authorization": f"Bearer {cloud.tokens[number]}"}
        async with httpx.AsyncClient(base_url=f"{cloud.districts[number].sta}/", headers=headers, timeout=30) as client:
            while time.monotonic() < ends_at:
                stream = cloud.streams[number][count % STREAMS]
                body = {"phenomenonTime": datetime.now(UTC).isoformat(), "result": float(count)}
                answer = await client.post(f"Datastreams({stream})/Observations", json=body)
                count += answer.status_code == 201
                await asyncio.sleep(1 / READINGS_A_SECOND)
        return count

    return sum(await asyncio.gather(*(write(number) for number in cloud.districts)))


def test_readings_of_two_districts_arrive_in_the_city(cloud: Cloud) -> None:
    assert asyncio.run(load(cloud, 2.0)) > 20
    for number in cloud.districts:
        eventually(lambda number=number: arrived(cloud, number), what=f"readings of node {number}", within_s=60)


def test_a_cut_or_silent_cable_loses_nothing_and_doubles_nothing(cloud: Cloud) -> None:
    async def cut_and_mend() -> int:
        running = asyncio.create_task(load(cloud, 26.0))
        await asyncio.sleep(2.0)
        cloud.cables[5].cut()
        await asyncio.sleep(10.0)
        cloud.cables[5].mend()
        cloud.cables[8].silence()
        await asyncio.sleep(8.0)
        cloud.cables[8].mend()
        return await running

    assert asyncio.run(cut_and_mend()) > 100
    for number in cloud.districts:
        eventually(lambda number=number: arrived(cloud, number), what=f"readings of node {number}", within_s=90)
    mine = copies(cloud.city, 5)
    streams = [mine[one] for one in cloud.streams[5]]
    with psycopg.connect(cloud.city.dsn) as connection:
        late = connection.execute(
            "SELECT count(*) FROM sense_observation WHERE datastream_id = ANY(%s) AND quality = 5", (streams,)
        ).fetchone()[0]
        doubled = connection.execute(
            "SELECT count(*) - count(DISTINCT (datastream_id, phenomenon_time)) FROM sense_observation"
            " WHERE datastream_id = ANY(%s)",
            (streams,),
        ).fetchone()[0]
        gaps = connection.execute("SELECT sum(gaps) FROM convey_node").fetchone()[0]
    assert late > 20
    assert (doubled, gaps) == (0, 0)


def test_the_city_tells_how_its_nodes_stand(cloud: Cloud) -> None:
    page = cloud.city.person("operator", language="en").get("/nodes/").text
    assert "Chaoyang node" in page
    assert "Haidian node" in page
    zh = cloud.city.person("operator").get("/nodes/").text
    assert "朝阳区节点" in zh
    listed = cloud.city.run("--lang", "en", "node", "list")
    assert "Chaoyang" in listed


def test_a_node_that_was_removed_is_heard_no_more(cloud: Cloud) -> None:
    cloud.city.run("node", "remove", "8")
    stream = cloud.streams[8][0]
    body = {"phenomenonTime": (datetime.now(UTC) + timedelta(seconds=1)).isoformat(), "result": 1.0}
    district = cloud.districts[8]
    assert district.machine(cloud.tokens[8]).post(f"Datastreams({stream})/Observations", json=body).status_code == 201

    def waits() -> bool:
        with psycopg.connect(district.dsn) as connection:
            return connection.execute("SELECT count(*) FROM convey_outbox").fetchone()[0] > 0

    eventually(waits, what="the reading waits in the district")
    cloud.city.run("node", "add", "8", "--area", "110108", "--zh", "海淀区节点", "--en", "Haidian node")
