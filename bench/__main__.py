"""`python -m bench`: start a city, measure it, print every figure beside its limit."""

import argparse
import asyncio
import json
import os
import platform
import sys
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from pathlib import Path

from bench import phases
from bench.city import running_city
from bench.clients import Http, Load, http_load
from bench.limits import bare_broker, bare_web, raw_copy
from bench.wall import reading_to_wall

MANY_CONNECTIONS = 64
"""Connections of the second measurement of single POSTs."""

BIG_STREAM = 100_000
"""Observations of the stream that reads are measured on."""


@dataclass(frozen=True)
class Figure:
    """One line of the result.

    Attributes:
        name: what was measured.
        value: how much.
        unit: of the value.
        limit: what the bare engine gave in the same run, None where there is none.
        limit_name: which engine, doing what.
        note: latencies and what else belongs to the figure.
    """

    name: str
    value: float
    unit: str
    limit: float | None = None
    limit_name: str = ""
    note: str = ""

    def line(self) -> str:
        """Return it for a person."""
        limit = f"{100 * self.value / self.limit:5.0f} % of {self.limit_name} ({self.limit:,.0f})" if self.limit else ""
        return f"{self.name:44} {self.value:>12,.1f} {self.unit:10} {limit:60} {self.note}"


def machine() -> str:
    """Return what the figures were measured on."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{os.cpu_count()} cores ({model}), {memory_gib:.0f} GiB, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}; load before: {load}; client, city and limits share the machine"
    )


def _latencies(load: Load) -> str:
    note = f"p50 {load.quantile_ms(0.5):.1f} ms, p99 {load.quantile_ms(0.99):.1f} ms"
    return note + (f", refused {load.refused}" if load.refused else "")


async def _bare_rate(scene: phases.Scene, body: bytes, answer: bytes, *, connections: int, seconds: float) -> float:
    workers = sum(name.startswith("web") for name in scene.city.processes())
    async with bare_web(answer, workers=workers) as port:
        https = [Http("127.0.0.1", port) for _ in range(connections)]
        return (await http_load(https, seconds, lambda http: http.call("POST" if body else "GET", "/x", body))).rate


async def ingest(scene: phases.Scene, *, seconds: float) -> AsyncIterator[Figure]:
    """Measure what goes in."""
    copy = raw_copy(scene.city.dsn, seconds=seconds)
    yield Figure("raw COPY, durable, batches of 20,000", copy, "readings/s")
    for number, connections in enumerate((scene.connections, MANY_CONNECTIONS)):
        bare = await _bare_rate(scene, b"{}" * 50, b"", connections=connections, seconds=seconds)
        yield Figure(f"bare web server, {connections} connections", bare, "requests/s")
        single = await phases.single_posts(scene, connections=connections, seconds=seconds, day=number * 50)
        name = f"single POST, {connections} connections"
        yield Figure(name, single.rate, "readings/s", bare, "a bare web server", _latencies(single))
    for number, (shape, connections) in enumerate(
        (((1, 1000), 1), ((1, 1000), scene.connections), ((100, 10), 1), ((100, 10), scene.connections))
    ):
        load = await phases.batch_posts(
            scene, shape=shape, connections=connections, seconds=seconds, day=phases.BATCH_DAY + 20 * number
        )
        name = f"CreateObservations {shape[0]}x{shape[1]}, {connections} connections"
        yield Figure(name, load.rate * 1000, "readings/s", copy, "raw COPY", _latencies(load))
    broker = await bare_broker(seconds=seconds, connections=scene.connections)
    yield Figure("bare broker, MQTT QoS 1, stored", broker.rate, "messages/s", note=_latencies(broker))
    mqtt = await phases.mqtt_publishes(scene, seconds=seconds)
    name = "MQTT QoS 1 acknowledged"
    yield Figure(name, mqtt.load.rate, "readings/s", broker.rate, "the bare broker", _latencies(mqtt.load))
    name, lost = "MQTT QoS 1 stored and judged", f"acknowledged and lost: {mqtt.lost}"
    yield Figure(name, mqtt.stored_rate, "readings/s", broker.rate, "the bare broker", lost)


async def reads(scene: phases.Scene, *, seconds: float) -> AsyncIterator[Figure]:
    """Measure what comes out."""
    await phases.fill(scene, count=BIG_STREAM)
    for name, query, connections in (
        (f"last 100 of {BIG_STREAM:,}", phases.LAST_HUNDRED, 1),
        (f"last 100 of {BIG_STREAM:,}", phases.LAST_HUNDRED, scene.connections),
        ("100 datastreams, each with its latest", phases.NESTED, 1),
    ):
        load, answer = await phases.reads(scene, query, connections=connections, seconds=seconds)
        bare = await _bare_rate(scene, b"", answer, connections=connections, seconds=seconds / 2)
        title = f"{name}, {connections} connections"
        yield Figure(title, load.rate, "requests/s", bare, "a bare web server", _latencies(load))


async def wall(scene: phases.Scene, *, seconds: float) -> AsyncIterator[Figure]:
    """Measure the way from a reading to the wall; it has its own length."""
    del seconds
    load = await reading_to_wall(scene)
    note = f"p50 {load.quantile_ms(0.5):.0f} ms of {load.done}, 2,000 readings/s beside them"
    yield Figure("reading to wall, p99", load.quantile_ms(0.99), "ms", note=note)


PARTS = {"ingest": ingest, "reads": reads, "wall": wall}


async def measure(arguments: argparse.Namespace) -> list[Figure]:
    """Print the figures as they come, and return them."""
    figures = []
    with running_city() as city:
        scene = await phases.set_scene(city, connections=arguments.connections)
        for part in arguments.parts or PARTS:
            async for figure in PARTS[part](scene, seconds=arguments.seconds):
                sys.stdout.write(figure.line() + "\n")
                sys.stdout.flush()
                figures.append(figure)
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="what to measure; without any, everything")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of a phase")
    parser.add_argument("--connections", type=int, default=8, help="connections of the client")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    sys.stdout.write(machine() + "\n")
    figures = asyncio.run(measure(arguments))
    if arguments.json:
        result = {"machine": machine(), "figures": [asdict(figure) for figure in figures]}
        arguments.json.write_text(json.dumps(result, indent=1, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
