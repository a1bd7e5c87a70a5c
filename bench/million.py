"""`python -m bench.million`: what a million registered datastreams cost where ten thousand report each second.

Two kinds of city take turns: one that has registered no more than report, one that has registered a million. Each is
fresh. Readings go in by MQTT with QoS 1, or as data arrays over HTTP. Reported for each: processor seconds a million
readings over all processes, latency from sending to being stored, memory, and bytes on disk a reading. The last line
is by how much the median of the processor seconds grows.
"""

import argparse
import asyncio
import itertools
import json
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from bench.__main__ import machine
from bench.city import City, running_city
from bench.clients import Device, Http, Load
from bench.phases import DRAIN_S_MAX, ROOT
from bench.register import register
from bench.usage import memory_mib, processor_s

TICK_S = 0.01
"""How often a sender looks what is due, seconds."""

WARM_S = 10.0
"""How long readings go in before anything is counted, seconds."""

SETTLE_S = 1.0
"""How long the city has for the last readings before the processor clocks are read, seconds."""

PROBES = 20
"""Streams whose newest reading is watched for the moment it can be seen."""

POLL_S = 0.025
"""How often they are looked at, seconds: the resolution of the latency."""

ARRAY_STREAMS = 100
"""Streams of one request of the bulk mouth, a reading each."""

_PARTITIONS = """
    SELECT coalesce(sum(pg_total_relation_size(inhrelid)), 0) FROM pg_inherits
    WHERE inhparent = 'sense_observation'::regclass
"""
_NEWEST = "SELECT datastream_id, phenomenon_time FROM sense_latest WHERE datastream_id = ANY(%s)"
_COUNT = "SELECT count(*) FROM sense_observation"


@dataclass
class Run:
    """What one city has shown.

    Attributes:
        registered: datastreams registered.
        register_s: how long registering took, seconds.
        readings: readings stored while the clock ran.
        seconds: how long it ran.
        processor_s: processor seconds of each process.
        memory_mib: memory of each process at the end.
        bytes_per_reading: of the history on disk, indexes included.
        wal_per_reading: bytes written ahead a reading.
        answered: quantiles of the mouth's answer (PUBACK, 201), milliseconds.
        stored: quantiles of the time until a reading can be read, milliseconds.
        lost: acknowledged readings that are not in the history.
    """

    registered: int
    register_s: float = 0.0
    readings: int = 0
    seconds: float = 0.0
    processor_s: dict[str, float] = field(default_factory=dict)
    memory_mib: dict[str, float] = field(default_factory=dict)
    bytes_per_reading: float = 0.0
    wal_per_reading: float = 0.0
    answered: dict[str, float] = field(default_factory=dict)
    stored: dict[str, float] = field(default_factory=dict)
    lost: int = 0

    @property
    def processor_s_per_million(self) -> float:
        """Return the processor seconds of all processes a million readings."""
        return sum(self.processor_s.values()) / max(self.readings, 1) * 1e6

    def lines(self) -> str:
        """Return it for a person."""
        each = {name: seconds / max(self.readings, 1) * 1e6 for name, seconds in self.processor_s.items()}
        rate = self.readings / max(self.seconds, 1e-9)
        stored = f"{self.readings:,} readings in {self.seconds:.0f} s ({rate:,.0f}/s), lost {self.lost}"
        return "\n".join(
            (
                f"{self.registered:,} registered in {self.register_s:.0f} s; {stored}",
                f"  processor s/million readings {self.processor_s_per_million:.1f}: {_listed(each)}",
                f"  answered ms {_listed(self.answered)}; stored ms {_listed(self.stored)}",
                f"  memory MiB {sum(self.memory_mib.values()):.0f}: {_listed(self.memory_mib)}",
                f"  disk {self.bytes_per_reading:.0f} bytes/reading, written ahead {self.wal_per_reading:.0f}",
            )
        )


def _listed(figures: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.1f}" for name, value in figures.items() if value >= 0.05)  # noqa: PLR2004  shown


def _quantiles(latencies_s: list[float]) -> dict[str, float]:
    load = Load(latencies_s=latencies_s)
    return {"p50": load.quantile_ms(0.5), "p99": load.quantile_ms(0.99), "of": float(len(latencies_s))}


class Reporting:
    """Ten thousand streams, each due once a second, in turn."""

    def __init__(self, streams: list[int], *, rate: int) -> None:
        """Choose the reporting streams evenly among the registered."""
        step = max(len(streams) // rate, 1)
        self.streams = streams[::step][:rate]
        self.sent = 0

    def due(self, elapsed_s: float, *, multiple: int = 1) -> Iterator[int]:
        """Yield the streams that have become due."""
        while self.sent + multiple <= elapsed_s * len(self.streams):
            self.sent += multiple
            yield self.streams[(self.sent - multiple) % len(self.streams)]

    @property
    def probes(self) -> list[int]:
        """Return some streams, evenly over the second."""
        return self.streams[:: max(len(self.streams) // PROBES, 1)]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def _by_mqtt(city: City, reporting: Reporting, *, seconds: float, connections: int) -> Load:
    password = city.run("secrets", "nats-device")
    devices = [
        Device("127.0.0.1", city.port("MQTT_PORT"), name=f"bench{n}", user="device", password=password)
        for n in range(connections)
    ]
    for device in devices:
        await device.connect()
    turns, began = itertools.cycle(devices), time.perf_counter()
    while (elapsed := time.perf_counter() - began) < seconds:
        for stream in reporting.due(elapsed):
            body = f'{{"phenomenonTime":"{_now()}","result":{stream % 997 / 10}}}'.encode()
            await next(turns).publish(f"v1.1/Datastreams({stream})/Observations", body)
        await asyncio.sleep(TICK_S)
    for device in devices:
        await device.close()
    loads = [device.load for device in devices]
    return Load(sum(load.done for load in loads), elapsed, [each for load in loads for each in load.latencies_s])


async def _by_arrays(city: City, reporting: Reporting, *, seconds: float, connections: int) -> Load:
    token = city.run("token", f"bench{reporting.sent}", "--read", "--write")
    load, began = Load(), time.perf_counter()

    async def work(http: Http) -> None:
        while (elapsed := time.perf_counter() - began) < seconds:
            for first in reporting.due(elapsed, multiple=ARRAY_STREAMS):
                at = time.perf_counter()
                status, answer = await http.call("POST", f"{ROOT}/CreateObservations", _arrays(reporting, first))
                if status != 201:  # noqa: PLR2004  created
                    raise RuntimeError(answer.decode())
                load.latencies_s.append(time.perf_counter() - at)
                load.done += ARRAY_STREAMS
            await asyncio.sleep(TICK_S)

    https = [Http("127.0.0.1", city.port("PORT"), token=token) for _ in range(connections)]
    await asyncio.gather(*map(work, https))
    for http in https:
        http.close()
    load.seconds = time.perf_counter() - began
    return load


def _arrays(reporting: Reporting, first: int) -> bytes:
    place, now = reporting.streams.index(first), _now()
    return json.dumps(
        [
            {
                "Datastream": {"@iot.id": stream},
                "components": ["phenomenonTime", "result"],
                "dataArray": [[now, stream % 997 / 10]],
            }
            for stream in reporting.streams[place : place + ARRAY_STREAMS]
        ]
    ).encode()


MOUTHS = {"mqtt": _by_mqtt, "bulk": _by_arrays}


async def _visible(dsn: str, probes: list[int], latencies_s: list[float]) -> None:
    """Note, until cancelled, how old each probe's newest reading is when it can first be seen."""
    seen: dict[int, datetime] = {}
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        while True:
            rows = await (await connection.execute(_NEWEST, (probes,))).fetchall()
            now = datetime.now(UTC)
            for stream, at in rows:
                if at is not None and seen.get(stream) != at:
                    if stream in seen:
                        latencies_s.append((now - at).total_seconds())
                    seen[stream] = at
            await asyncio.sleep(POLL_S)


def _asked(dsn: str, statement: str) -> int:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(statement).fetchone()  # type: ignore[arg-type]  # ours
    return int(row[0]) if row else 0


async def _measured(city: City, run: Run, arguments: argparse.Namespace) -> None:
    began = time.perf_counter()
    streams = await asyncio.to_thread(register, city.dsn, count=run.registered)
    run.register_s = time.perf_counter() - began
    reporting, send = Reporting(streams, rate=arguments.reporting), MOUTHS[arguments.mouth]
    warm = await send(city, reporting, seconds=WARM_S, connections=arguments.connections)
    await _drained(city.dsn, warm.done)
    reporting.sent = 0
    before, used = _asked(city.dsn, _COUNT), processor_s(city)
    disk, written = _asked(city.dsn, _PARTITIONS), _asked(city.dsn, "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")
    latencies_s: list[float] = []
    probing = asyncio.create_task(_visible(city.dsn, reporting.probes, latencies_s))
    load = await send(city, reporting, seconds=60 * arguments.minutes, connections=arguments.connections)
    await asyncio.sleep(SETTLE_S)
    run.processor_s = {name: seconds - used.get(name, 0.0) for name, seconds in processor_s(city).items()}
    probing.cancel()
    await asyncio.gather(probing, return_exceptions=True)
    after = await _drained(city.dsn, before + load.done)
    run.memory_mib, run.readings, run.seconds = memory_mib(city), after - before, load.seconds
    run.lost = max(load.done - run.readings, 0)
    run.bytes_per_reading = (_asked(city.dsn, _PARTITIONS) - disk) / max(run.readings, 1)
    wal = _asked(city.dsn, "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn") - written
    run.wal_per_reading = wal / max(run.readings, 1)
    run.answered, run.stored = _quantiles(load.latencies_s), _quantiles(latencies_s)


async def _drained(dsn: str, expected: int) -> int:
    """Return how many readings are stored when all that were acknowledged are, or when that takes too long."""
    ends_at = time.perf_counter() + DRAIN_S_MAX
    while (stored := await asyncio.to_thread(_asked, dsn, _COUNT)) < expected and time.perf_counter() < ends_at:  # noqa: ASYNC110  polled
        await asyncio.sleep(0.2)
    return stored


def measured(registered: int, arguments: argparse.Namespace) -> Run:
    """Return what a fresh city with so many registered datastreams shows."""
    run = Run(registered)
    with running_city() as city:
        asyncio.run(_measured(city, run, arguments))
    return run


def growth(runs: list[Run], arguments: argparse.Namespace) -> float:
    """Return by which share the processor seconds a million readings grow, from median to median."""
    few, many = (
        statistics.median(run.processor_s_per_million for run in runs if run.registered == registered)
        for registered in (arguments.reporting, arguments.registered)
    )
    return many / few - 1.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.million", description=__doc__)
    parser.add_argument("--registered", type=int, default=1_000_000, help="datastreams of the large city")
    parser.add_argument("--reporting", type=int, default=10_000, help="datastreams that report each second")
    parser.add_argument("--minutes", type=float, default=10.0, help="length of a run")
    parser.add_argument("--runs", type=int, default=5, help="runs of each city, in turn")
    parser.add_argument("--mouth", choices=MOUTHS, default="mqtt", help="the way in")
    parser.add_argument("--connections", type=int, default=8, help="connections of the client")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    sys.stdout.write(machine() + "\n")
    runs = []
    for registered in [arguments.reporting, arguments.registered] * arguments.runs:
        runs.append(measured(registered, arguments))
        sys.stdout.write(runs[-1].lines() + "\n")
        sys.stdout.flush()
    grown = growth(runs, arguments)
    sys.stdout.write(
        f"processor seconds a million readings, median of {arguments.runs}: {100 * grown:+.1f} % from "
        f"{arguments.reporting:,} to {arguments.registered:,} registered\n"
    )
    if arguments.json:
        result = {"machine": machine(), "growth": grown, "runs": [asdict(run) for run in runs]}
        arguments.json.write_text(json.dumps(result, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
