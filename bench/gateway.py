"""`python -m bench.gateway`: what one gateway process takes in, beside a bare server that only echoes.

Terminals of JT/T 808 with five channels each stand in the ledger of a city of the bench's own. They authenticate, then
send positions and wait for the platform's answers, which follow the commit. The same load then meets a bare uvloop
server that answers as many bytes at once. Load, city and bare server share the machine.
"""

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import psycopg
import uvloop

from bench.city import City, running_city
from cityloop.convey.stream.devices import secret_digest_of
from cityloop.sense.stream.protocols.jt808.bodies import Location, MessageId, location_body
from cityloop.sense.stream.protocols.jt808.codec import MARK, Frame, framed
from cityloop.site.ports import free_port

CHANNELS = ("latitude", "longitude", "speed_kmh", "heading_deg", "altitude_m")
SECRET = "bench"  # noqa: S105  of a throw-away city
FIRST_PHONE = 13_000_000_000
ANSWER_FRAMES_OF_GREETING = 3
STEP_US = 1_000_000
READY_S_MAX = 60.0

_DEVICES = """
    INSERT INTO sense_thing (id, name, description) SELECT 1000000 + n, 'bench', '' FROM generate_series(1, %(n)s) n;
    INSERT INTO sense_location (id, name, description, encoding_type, location, west, south, east, north)
      VALUES (1000000, 'bench', '', 'application/geo+json', '{"type": "Point", "coordinates": [116.4, 39.9]}',
              116.4, 39.9, 116.4, 39.9);
    INSERT INTO sense_thinglocation (thing_id, location_id)
      SELECT 1000000 + n, 1000000 FROM generate_series(1, %(n)s) n;
    INSERT INTO sense_sensor (id, name, description, encoding_type, metadata)
      VALUES (1000000, 'bench', '', 'text/plain', '""');
    INSERT INTO sense_observedproperty (id, name, definition, description) VALUES (1000000, 'bench', 'http://x', '');
    INSERT INTO sense_datastream (id, name, description, observation_type, unit_name, unit_symbol, unit_definition,
        thing_id, sensor_id, observed_property_id)
      SELECT 1000000 + s, 'bench', '', 'OM_Measurement', '', '', '', 1000001 + (s - 1) / %(c)s, 1000000, 1000000
      FROM generate_series(1, %(n)s * %(c)s) s;
    INSERT INTO sense_latest (datastream_id) SELECT 1000000 + s FROM generate_series(1, %(n)s * %(c)s) s;
"""
_DEVICE = """
    INSERT INTO convey_device (id, code, title_zh, title_en, thing_id, protocol, address, secret_digest, area, state)
    VALUES (%s, %s, 'bench', 'bench', %s, 'jt808', %s, %s, '110000', 'tested')
"""
_CHANNEL = "INSERT INTO convey_channel (device_id, name, datastream_id) VALUES (%s, %s, %s)"


def enter_devices(dsn: str, count: int) -> None:
    """Put terminals into the ledger, each with its streams."""
    with psycopg.connect(dsn) as connection, connection.cursor() as cursor:
        for statement in filter(str.strip, _DEVICES.split(";")):
            cursor.execute(statement.encode(), {"n": count, "c": len(CHANNELS)})
        numbers = range(count)
        phones = [str(FIRST_PHONE + number) for number in numbers]
        cursor.executemany(
            _DEVICE,
            [
                (1_000_001 + n, f"bench-{n}", 1_000_001 + n, phones[n], secret_digest_of("jt808", phones[n], SECRET))
                for n in numbers
            ],
        )
        cursor.executemany(
            _CHANNEL,
            [
                (1_000_001 + n, channel, 1_000_001 + n * len(CHANNELS) + place)
                for n in numbers
                for place, channel in enumerate(CHANNELS)
            ],
        )
        cursor.execute("UPDATE convey_ledgerversion SET version = version + 1")
        cursor.execute("NOTIFY cityloop_devices")


class Terminal(asyncio.Protocol):
    """Sends positions, as many at once as the window allows, and counts the answers."""

    def __init__(self, number: int, *, window: int) -> None:
        """Prepare the frames of a round; their times move on with each round."""
        self.phone, self.window = str(FIRST_PHONE + number), window
        self.answers, self.latencies_s = 0, list[float]()
        self._transport: asyncio.Transport | None = None
        self._awaited, self._marks, self._sent_at = ANSWER_FRAMES_OF_GREETING, 0, 0.0
        self._time_us, self.sending = 1_700_000_000_000_000, False
        self.greeted = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Authenticate."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(framed(Frame(MessageId.AUTHENTICATE, self.phone, 1, SECRET.encode())))

    def data_received(self, data: bytes) -> None:
        """Count marks: two a frame; when all answers are there, send the next round."""
        self._marks += data.count(MARK)
        if self._marks < 2 * self._awaited:
            return
        self._marks -= 2 * self._awaited
        if not self.greeted.done():
            self.greeted.set_result(None)
        elif self.sending:
            self.answers += self._awaited
            self.latencies_s.append(time.perf_counter() - self._sent_at)
        if self.sending:
            self.send()

    def send(self) -> None:
        """Send a round."""
        self._awaited, self._sent_at = self.window, time.perf_counter()
        frames = []
        for serial in range(self.window):
            self._time_us += STEP_US
            body = location_body(Location(0, 3, 39.9, 116.4, 44, 60.0, 90, self._time_us))
            frames.append(framed(Frame(MessageId.LOCATION, self.phone, serial, body)))
        if self._transport is not None:
            self._transport.write(b"".join(frames))

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.abort()


class Echo(asyncio.Protocol):
    """Answers each frame with as many bytes as the platform's answer has, and three after the first."""

    ANSWER = framed(Frame(MessageId.PLATFORM_ANSWER, str(FIRST_PHONE), 1, bytes(5)))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to answer."""
        self._transport = cast("asyncio.Transport", transport)
        self._greeted, self._marks = False, 0

    def data_received(self, data: bytes) -> None:
        """Answer whole frames."""
        self._marks += data.count(MARK)
        frames, self._marks = divmod(self._marks, 2)
        if frames and not self._greeted:
            frames, self._greeted = frames - 1 + ANSWER_FRAMES_OF_GREETING, True
        self._transport.write(self.ANSWER * frames)


async def load(port: int, *, connections: int, window: int, seconds: float, idle: int) -> dict[str, Any]:
    """Return what a load has done."""
    loop = asyncio.get_running_loop()
    terminals = [Terminal(number, window=window) for number in range(connections + idle)]
    for terminal in terminals:
        await loop.create_connection(lambda one=terminal: one, "127.0.0.1", port)
    async with asyncio.timeout(READY_S_MAX):
        await asyncio.gather(*(terminal.greeted for terminal in terminals))
    began = time.perf_counter()
    for terminal in terminals[:connections]:
        terminal.sending = True
        terminal.send()
    await asyncio.sleep(seconds)
    past = time.perf_counter() - began
    done = sum(terminal.answers for terminal in terminals)
    latencies = sorted(latency for terminal in terminals for latency in terminal.latencies_s)
    for terminal in terminals:
        terminal.close()
    middle = latencies[len(latencies) // 2] if latencies else 0.0
    late = latencies[int(len(latencies) * 0.99)] if latencies else 0.0
    return {"frames_per_s": done / past, "p50_ms": middle * 1000, "p99_ms": late * 1000}


async def echo(port: int) -> None:
    """Serve the bare server until stopped."""
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


@contextlib.contextmanager
def bare_server() -> Iterator[int]:
    """Yield the port of a bare server in a process of its own."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.gateway", "--echo", str(port)])  # noqa: S603  ours
    try:
        time.sleep(1.0)
        yield port
    finally:
        process.terminate()
        process.wait()


def run_load(port: int, arguments: argparse.Namespace, *, window: int, idle: int = 0) -> dict[str, Any]:
    """Return what a load in a process of its own has done."""
    command = [sys.executable, "-m", "bench.gateway", "--load", str(port), "--connections", str(arguments.connections)]
    command += ["--seconds", str(arguments.seconds), "--window", str(window), "--idle", str(idle)]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout  # noqa: S603  ours
    result: dict[str, Any] = json.loads(out)
    return result


def memory_mb(city: City) -> float:
    """Return the resident memory of the gateway process, MB."""
    status = Path(f"/proc/{city.processes()['gateway']}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


def stored(city: City) -> int:
    """Return how many observations there are."""
    with psycopg.connect(city.dsn) as connection:
        row = connection.execute("SELECT count(*) FROM sense_observation WHERE datastream_id > 1000000").fetchone()
    return int(row[0]) if row else 0


def measure(arguments: argparse.Namespace) -> None:
    """Print the figures."""
    port = free_port()
    with running_city(GATEWAYS=f"jt808:{port}") as city:
        enter_devices(city.dsn, arguments.connections + arguments.idle)
        time.sleep(3.0)  # the ledger is read anew
        before = memory_mb(city)
        for window in (1, arguments.window):
            held = stored(city)
            ours = run_load(port, arguments, window=window)
            kept = stored(city) - held
            with bare_server() as bare_port:
                bare = run_load(bare_port, arguments, window=window)
            line = (
                f"{arguments.connections} connections, window {window}: {ours['frames_per_s']:,.0f} frames/s kept and "
                f"answered ({ours['frames_per_s'] * len(CHANNELS):,.0f} readings/s; {kept:,} stored), "
                f"p50 {ours['p50_ms']:.1f} ms, p99 {ours['p99_ms']:.1f} ms; bare echo {bare['frames_per_s']:,.0f} "
                f"frames/s: {100 * ours['frames_per_s'] / bare['frames_per_s']:.1f} %"
            )
            sys.stdout.write(line + "\n")
        if arguments.idle:
            idle = run_load(port, arguments, window=arguments.window, idle=arguments.idle)
            line = (
                f"the same beside {arguments.idle:,} idle connections: {idle['frames_per_s']:,.0f} frames/s, "
                f"p99 {idle['p99_ms']:.1f} ms; memory of the gateway {before:.0f} -> {memory_mb(city):.0f} MB"
            )
            sys.stdout.write(line + "\n")


def main() -> None:
    """Measure, or be the load, or be the bare server."""
    parser = argparse.ArgumentParser(prog="python -m bench.gateway", description=__doc__)
    parser.add_argument("--connections", type=int, default=100)
    parser.add_argument("--window", type=int, default=16, help="positions a terminal sends before it waits")
    parser.add_argument("--idle", type=int, default=2000, help="connections that only stand beside")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--load", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--echo", type=int, help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.echo:
        with contextlib.suppress(KeyboardInterrupt):
            uvloop.run(echo(told.echo))
    elif told.load:
        given = {"connections": told.connections, "window": told.window, "seconds": told.seconds, "idle": told.idle}
        sys.stdout.write(json.dumps(uvloop.run(load(told.load, **given))))
    else:
        measure(told)


if __name__ == "__main__":
    main()
