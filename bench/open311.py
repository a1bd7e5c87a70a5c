"""`python -m bench.open311`: reports in and lists out of Open311, every figure beside its limit in the same run.

A POST is acknowledged when its signal is committed; the loop places the signals beside it, as in service.
"""

import argparse
import asyncio
import itertools
import json
import random
import sys
import time
import urllib.parse
from collections.abc import AsyncIterator

import psycopg

from bench.__main__ import Figure, machine
from bench.city import City, running_city
from bench.clients import Http, Load, http_load
from bench.limits import bare_web

ROOT = "/open311/v2"
FORM = "application/x-www-form-urlencoded"
FILL = 10_000
"""Requests in the database before lists are measured."""

MANY_CONNECTIONS = 64
"""Connections of the second measurement of POSTs."""

LIST = f"{ROOT}/requests.json?status=open&page_size=100"
WEST, EAST, SOUTH, NORTH = 116.2, 116.55, 39.8, 40.1
"""Where the reports lie: within the city, degrees."""

FOUND = 200


def body(number: int) -> bytes:
    """Return a report, no two of them alike."""
    fields = {
        "service_code": "street-lamp-out",
        "lat": f"{random.uniform(SOUTH, NORTH):.6f}",  # noqa: S311  a place, no secret
        "long": f"{random.uniform(WEST, EAST):.6f}",  # noqa: S311
        "description": f"street lamp out near gate {number}, third time this month",
        "address_string": "Dongsi 3rd alley 12",
        "email": "resident@example.com",
        "first_name": "Li",
        "last_name": "Ming",
    }
    return urllib.parse.urlencode(fields).encode()


def note_of(load: Load) -> str:
    """Return the latencies of a load in words."""
    note = f"p50 {load.quantile_ms(0.5):.1f} ms, p99 {load.quantile_ms(0.99):.1f} ms"
    return note + (f", refused {load.refused}" if load.refused else "")


async def bare_rate(city: City, answer: bytes, *, connections: int, seconds: float, sent: bytes = b"") -> float:
    """Return what web processes, as many as the city's, do that answer with the same bytes at once."""
    workers = sum(name.startswith("web") for name in city.processes())
    async with bare_web(answer, workers=workers) as port:
        https = [Http("127.0.0.1", port) for _ in range(connections)]
        method = "POST" if sent else "GET"
        load = await http_load(https, seconds, lambda http: http.call(method, "/x", sent, content_type=FORM))
    return load.rate


def bare_commits(city: City, *, seconds: float) -> float:
    """Return the transactions a second of one connection that inserts a row of a report's size and commits."""
    done, began = 0, time.perf_counter()
    with psycopg.connect(city.dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS bench_report (id bigserial PRIMARY KEY, body text)")
        while (past := time.perf_counter() - began) < seconds:
            connection.execute("INSERT INTO bench_report (body) VALUES (%s)", ("x" * 600,))
            done += 1
        connection.execute("DROP TABLE bench_report")
    return done / past


class Bench:
    """The client and its city."""

    def __init__(self, city: City, *, connections: int, seconds: float) -> None:
        """Take a key of the city."""
        self.city, self.connections, self.seconds = city, connections, seconds
        self.key = city.run("token", "bench", "--read", "--write")
        self.numbers = itertools.count()
        self.done = 0

    def https(self, count: int) -> list[Http]:
        """Return so many connections."""
        return [Http("127.0.0.1", self.city.port("PORT"), token=self.key) for _ in range(count)]

    async def post(self, *, connections: int, seconds: float) -> Load:
        """Report, each connection again as soon as it is answered."""

        async def call(http: Http) -> tuple[int, bytes]:
            return await http.call("POST", f"{ROOT}/requests.json", body(next(self.numbers)), content_type=FORM)

        load = await http_load(self.https(connections), seconds, call)
        self.done += load.done
        return load

    async def read(self, target: str, *, connections: int) -> tuple[Load, bytes]:
        """Ask one question again and again; return the load and the answer."""
        (http,) = self.https(1)
        status, answer = await http.call("GET", target)
        http.close()
        if status != FOUND:
            raise RuntimeError(answer.decode())
        load = await http_load(self.https(connections), self.seconds, lambda http: http.call("GET", target))
        return load, answer

    def stored(self) -> int:
        """Return how many signals are committed."""
        with psycopg.connect(self.city.dsn) as connection:
            row = connection.execute("SELECT count(*) FROM respond_signal WHERE is_public").fetchone()
        return int(row[0]) if row else 0


async def figures(bench: Bench) -> AsyncIterator[Figure]:
    """Measure reports, then lists, then one request."""
    commits = bare_commits(bench.city, seconds=bench.seconds / 2)
    yield Figure("bare INSERT and commit, one connection", commits, "reports/s")
    for connections in (bench.connections, MANY_CONNECTIONS):
        bare = await bare_rate(bench.city, b"x" * 150, connections=connections, seconds=bench.seconds / 2, sent=body(0))
        load = await bench.post(connections=connections, seconds=bench.seconds)
        lost = f", acknowledged and lost: {bench.done - bench.stored()}"
        yield Figure(
            f"POST requests, {connections} connections", load.rate, "reports/s", bare, "a bare web server",
            note_of(load) + lost,
        )  # fmt: skip
    while bench.done < FILL:
        await bench.post(connections=MANY_CONNECTIONS, seconds=2.0)
    one = json.loads((await bench.read(LIST, connections=1))[1])[0]
    for name, target in (
        ("list of 100 rows", LIST),
        ("list of 100 rows, XML", LIST.replace(".json", ".xml")),
        ("one request", f"{ROOT}/requests/{one['service_request_id']}.json"),
    ):
        for connections in (1, bench.connections):
            load, answer = await bench.read(target, connections=connections)
            bare = await bare_rate(bench.city, answer, connections=connections, seconds=bench.seconds / 2)
            yield Figure(
                f"{name}, {connections} connections", load.rate, "requests/s", bare, "a bare web server", note_of(load)
            )  # fmt: skip


async def measure(arguments: argparse.Namespace) -> None:
    """Print the figures as they come."""
    with running_city() as city:
        bench = Bench(city, connections=arguments.connections, seconds=arguments.seconds)
        async for figure in figures(bench):
            sys.stdout.write(figure.line() + "\n")
            sys.stdout.flush()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.open311", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="length of a phase")
    parser.add_argument("--connections", type=int, default=8, help="connections of the client")
    arguments = parser.parse_args()
    sys.stdout.write(machine() + "\n")
    asyncio.run(measure(arguments))


if __name__ == "__main__":
    main()
