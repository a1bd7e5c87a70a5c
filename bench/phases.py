"""The phases: the same as every SensorThings server is measured with, plus the way from a reading to the wall."""

import asyncio
import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from bench.city import City
from bench.clients import Device, Http, Load, http_load, mqtt_load

ROOT = "/sta/v1.1"
STREAMS = 100
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
BATCH_DAY, FILL_DAY, MQTT_DAY, BIG_DAY = 100, 400, 600, 500
"""Days after `BEGIN` at which the phases' readings begin, so that no two are of the same instant."""

DRAIN_S_MAX = 120.0
"""How long the history may lag behind the last publish before the phase fails, seconds."""


def instant(second: int, *, day: int = 0) -> str:
    """Return an instant of the bench's own time."""
    return (BEGIN + timedelta(days=day, seconds=second)).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Scene:
    """A city with one thing of a hundred streams."""

    city: City
    token: str
    streams: list[int]
    connections: int

    def http(self, count: int) -> list[Http]:
        """Return so many connections."""
        return [Http("127.0.0.1", self.city.port("PORT"), token=self.token) for _ in range(count)]


async def set_scene(city: City, *, connections: int) -> Scene:
    """Return the city with its streams made."""
    token = city.run("token", "bench", "--read", "--write")
    http = Http("127.0.0.1", city.port("PORT"), token=token)
    place = {"type": "Point", "coordinates": [116.40, 39.90]}
    location = {"name": "l", "description": "bench", "encodingType": "application/geo+json", "location": place}
    thing = await _create(http, "Things", name="bench node", description="bench", Locations=[location])
    sensor = await _create(
        http, "Sensors", name="s", description="bench", encodingType="application/pdf", metadata="http://example.org/s"
    )
    observed = await _create(
        http, "ObservedProperties", name="pressure", description="bench", definition="http://example.org/pressure"
    )
    streams = []
    for number in range(STREAMS):
        links = {"Thing": thing, "Sensor": sensor, "ObservedProperty": observed}
        streams.append(
            await _create(
                http,
                "Datastreams",
                name=f"bench {number:03}",
                description="bench",
                observationType="http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
                unitOfMeasurement={
                    "name": "kilopascal",
                    "symbol": "kPa",
                    "definition": "http://qudt.org/vocab/unit/KiloPA",
                },
                **{name: {"@iot.id": number} for name, number in links.items()},
            )
        )
    http.close()
    return Scene(city, token, streams, connections)


async def _create(http: Http, kind: str, **body: Any) -> int:
    status, answer = await http.call("POST", f"{ROOT}/{kind}", json.dumps(body).encode())
    if status != 201:  # noqa: PLR2004  created
        raise RuntimeError(answer.decode())
    created: int = json.loads(answer)["@iot.id"]
    return created


async def single_posts(scene: Scene, *, connections: int, seconds: float, day: int) -> Load:
    """Post one observation a request, every one later than those before it."""
    numbers = itertools.count()

    async def post(http: Http) -> tuple[int, bytes]:
        number = next(numbers)
        at = instant(number // STREAMS, day=day)
        stream = scene.streams[number % STREAMS]
        body = f'{{"phenomenonTime":"{at}","resultTime":"{at}","result":{number % 997 / 10},'
        body += f'"Datastream":{{"@iot.id":{stream}}}}}'
        return await http.call("POST", f"{ROOT}/Observations", body.encode())

    return await http_load(scene.http(connections), seconds, post)


def _batches(scene: Scene, *, streams: int, each: int, day: int) -> Iterator[bytes]:
    """Yield bodies of CreateObservations, every reading later than the one before it."""
    clocks = [0] * STREAMS
    for first in itertools.cycle(range(0, STREAMS, streams)):
        body = []
        for place in range(first, first + streams):
            times = [instant(clocks[place] + second, day=day) for second in range(each)]
            clocks[place] += each
            rows = [[second % 97 / 10, time, time] for second, time in enumerate(times)]
            body.append(
                {
                    "Datastream": {"@iot.id": scene.streams[place]},
                    "components": ["result", "phenomenonTime", "resultTime"],
                    "dataArray@iot.count": each,
                    "dataArray": rows,
                }
            )
        yield json.dumps(body).encode()


async def batch_posts(scene: Scene, *, shape: tuple[int, int], connections: int, seconds: float, day: int) -> Load:
    """Post `shape` (streams, observations of each) a request; most bodies are made before the clock starts."""
    bodies = _batches(scene, streams=shape[0], each=shape[1], day=day)
    ready = [next(bodies) for _ in range(400)]

    async def post(http: Http) -> tuple[int, bytes]:
        return await http.call("POST", f"{ROOT}/CreateObservations", ready.pop() if ready else next(bodies))

    ready.reverse()
    return await http_load(scene.http(connections), seconds, post)


@dataclass(frozen=True)
class MqttResult:
    """What devices achieved.

    Attributes:
        load: publishes and their acknowledgements.
        stored_rate: readings a second that were stored and judged, from the first publish to the last commit.
        lost: acknowledged readings that are not in the history.
    """

    load: Load
    stored_rate: float
    lost: int


async def mqtt_publishes(scene: Scene, *, seconds: float) -> MqttResult:
    """Publish with QoS 1, then wait until every acknowledged reading is in the history."""
    password = scene.city.run("secrets", "nats-device")
    numbers, base = itertools.count(), (datetime.now(UTC) - timedelta(days=2)).replace(microsecond=0)

    def message() -> tuple[str, bytes]:
        number = next(numbers)
        at = (base + timedelta(milliseconds=10 * (number // STREAMS))).strftime("%Y-%m-%dT%H:%M:%S.%f")[:23] + "Z"
        topic = f"v1.1/Datastreams({scene.streams[number % STREAMS]})/Observations"
        return topic, f'{{"phenomenonTime":"{at}","resultTime":"{at}","result":{number % 997 / 10}}}'.encode()

    devices = [
        Device("127.0.0.1", scene.city.port("MQTT_PORT"), name=f"bench{n}", user="device", password=password)
        for n in range(scene.connections)
    ]
    dsn = scene.city.dsn
    before, began = _stored(dsn, scene, since=base), time.perf_counter()
    load = await mqtt_load(devices, message, seconds=seconds)
    ends_at = time.perf_counter() + DRAIN_S_MAX
    while (stored := _stored(dsn, scene, since=base) - before) < load.done and time.perf_counter() < ends_at:  # noqa: ASYNC110  polled
        await asyncio.sleep(0.02)
    return MqttResult(load, stored / (time.perf_counter() - began), max(load.done - stored, 0))


def _stored(dsn: str, scene: Scene, *, since: datetime) -> int:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(
            "SELECT count(*) FROM sense_observation WHERE datastream_id = ANY(%s) AND phenomenon_time >= %s",
            (scene.streams, since),
        ).fetchone()
    return int(row[0]) if row else 0


async def fill(scene: Scene, *, count: int) -> None:
    """Bring the first stream to so many observations."""
    http = scene.http(1)[0]
    for first in range(0, count, 1000):
        times = [instant(first + second, day=FILL_DAY) for second in range(1000)]
        part = {
            "Datastream": {"@iot.id": scene.streams[0]},
            "components": ["result", "phenomenonTime", "resultTime"],
            "dataArray@iot.count": 1000,
            "dataArray": [[second % 97 / 10, time, time] for second, time in enumerate(times)],
        }
        status, answer = await http.call("POST", f"{ROOT}/CreateObservations", json.dumps([part]).encode())
        if status != 201:  # noqa: PLR2004  created
            raise RuntimeError(answer.decode())
    http.close()


LAST_HUNDRED = "Datastreams({stream})/Observations?$top=100&$orderby=phenomenonTime%20desc"
NESTED = "Things?$filter=name%20eq%20'bench%20node'&$expand=Datastreams($expand=Observations($top=1))"


async def reads(scene: Scene, query: str, *, connections: int, seconds: float) -> tuple[Load, bytes]:
    """Ask one question again and again; return the load and the answer."""
    target = f"{ROOT}/{query.format(stream=scene.streams[0])}"
    http = scene.http(1)[0]
    status, answer = await http.call("GET", target)
    http.close()
    if status != 200:  # noqa: PLR2004  found
        raise RuntimeError(answer.decode())
    return await http_load(scene.http(connections), seconds, lambda http: http.call("GET", target)), answer
