"""A city and two districts, each with a network of its own: the cable is pulled and put back under load.

What a pulled cable does no relay can play: packets vanish, nobody is told, connections hang until they are given up.
"""

import contextlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
import pytest

from bench.city import new_home
from cityloop.site.ports import free_port
from tests.city import City, eventually, running_city
from tests.journeys.hosts import MISSING, Host, are_possible, host
from tests.journeys.test_nodes import DISTRICTS, READINGS_A_SECOND, STREAMS, copies, kept, made_streams

pytestmark = pytest.mark.skipif(not are_possible(), reason=MISSING)

LOAD_S, WHOLE_S, AWAY_S, BETWEEN_S = 36.0, 3.0, 12.0, 2.0
"""The whole load; before the first cable is pulled; how long each is away; between the two, seconds."""


@dataclass
class District:
    """A node on a host of its own."""

    host: Host
    city: City
    token: str
    streams: list[int]

    def write(self, seconds: float) -> int:
        """Write for a while, on the host; return how many readings were acknowledged."""
        count, ends_at = 0, time.monotonic() + seconds
        machine = self.city.machine(self.token)
        while time.monotonic() < ends_at:
            body = {"phenomenonTime": datetime.now(UTC).isoformat(), "result": float(count)}
            answer = machine.post(f"Datastreams({self.streams[count % STREAMS]})/Observations", json=body)
            assert answer.status_code == 201, answer.text
            count += 1
            time.sleep(1 / READINGS_A_SECOND)
        return count


@dataclass
class Cloud:
    """A city and its districts."""

    city: City
    districts: dict[int, District]

    def copies(self, number: int) -> list[int]:
        """Return the city's streams of a node, in the order of the node's own."""
        known = copies(self.city, number)
        return [known[one] for one in self.districts[number].streams if one in known]

    def has_all(self, number: int) -> bool:
        district, streams = self.districts[number], self.copies(number)
        return len(streams) == STREAMS and kept(self.city, streams) == district.host.run(
            kept, district.city, district.streams
        )


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    leaf_port = free_port()
    with contextlib.ExitStack() as stack:
        city = stack.enter_context(running_city(LEAF_PORT=str(leaf_port), LEAF_HOST="0.0.0.0", WEB_WORKERS="1"))  # noqa: S104  hosts of ours
        districts = {}
        for number, (area, zh, en) in DISTRICTS.items():
            own = stack.enter_context(host(number))
            address = city.run("node", "add", str(number), "--area", area, "--zh", zh, "--en", en)
            url = f"{address.rpartition('@')[0]}@{own.our_address}:{leaf_port}"
            settings = {"NODE": str(number), "NODE_AREA": area, "HUB_URL": url, "WEB_WORKERS": "1", "DEMO": "off"}
            there = contextlib.ExitStack()
            stack.callback(own.run, there.close)
            district = own.run(there.enter_context, running_city(new_home(), **settings))
            token = own.run(district.token, "writer", "read", "write")
            districts[number] = District(own, district, token, own.run(made_streams, district, token, area))
        yield Cloud(city, districts)


def test_pulled_cables_lose_nothing_and_double_nothing(cloud: Cloud) -> None:
    with ThreadPoolExecutor(len(cloud.districts)) as pool:
        writing = [pool.submit(one.host.run, one.write, LOAD_S) for one in cloud.districts.values()]
        for number, before_s in ((5, WHOLE_S), (8, BETWEEN_S)):
            time.sleep(before_s)
            cloud.districts[number].host.cut()
            time.sleep(AWAY_S)
            cloud.districts[number].host.mend()
        acknowledged = [one.result() for one in writing]
    assert min(acknowledged) > 100
    for number, count in zip(cloud.districts, acknowledged, strict=True):
        eventually(lambda number=number: cloud.has_all(number), what=f"readings of node {number}", within_s=120)
        streams = cloud.copies(number)
        with psycopg.connect(cloud.city.dsn) as connection:
            rows, late, doubled = connection.execute(
                "SELECT count(*), count(*) FILTER (WHERE quality = 5),"
                " count(*) - count(DISTINCT (datastream_id, phenomenon_time))"
                " FROM sense_observation WHERE datastream_id = ANY(%s)",
                (streams,),
            ).fetchone()
        assert (rows, doubled) == (count, 0)
        assert late > 20
    with psycopg.connect(cloud.city.dsn) as connection:
        assert connection.execute("SELECT sum(gaps) FROM convey_node").fetchone()[0] == 0
