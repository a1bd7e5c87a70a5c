"""What the machine and the engines give at best: raw COPY, a bare broker, a bare web server."""

import contextlib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import numpy as np
import psycopg

from bench.clients import Device, Http, Load, mqtt_load
from cityloop.convey.stream.jetstream import prepare_stream
from cityloop.convey.stream.nats import open_nats
from cityloop.sense.stream.history.packing import COLUMNS, packed_plain
from cityloop.sense.stream.readings import NO_TIME, Readings
from cityloop.site.engines.throwaway import throwaway_nats
from cityloop.site.secrets import nats_url, secret

COPY_BATCH = 20_000
"""Readings of one COPY."""

BARE = """
import socket, sys
import uvicorn
async def application(scope, receive, send):
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    body = BODY
    length = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 201, "headers": length})
    await send({"type": "http.response.body", "body": body})
config = uvicorn.Config(application, loop="uvloop", http="httptools", access_log=False, log_level="error")
uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(sys.argv[1]))])
"""
"""A program that answers every request at once, served as the city's web processes are."""


def raw_copy(dsn: str, *, seconds: float, batch: int = COPY_BATCH) -> float:
    """Return the rows a second that COPY writes durably into a table like the history's, packed beforehand.

    Args:
        dsn: of the database.
        seconds: how long.
        batch: rows of one COPY and one transaction.
    """
    with psycopg.connect(dsn) as connection:
        connection.execute("DROP TABLE IF EXISTS bench_raw")
        connection.execute("CREATE TABLE bench_raw (LIKE sense_observation INCLUDING ALL)")
        connection.commit()
        packed = [_packed(batch, first=number * batch) for number in range(8)]
        rows, began = 0, time.perf_counter()
        statement = f"COPY bench_raw ({', '.join(COLUMNS)}) FROM STDIN (FORMAT binary)"
        while (seconds_past := time.perf_counter() - began) < seconds:
            number = rows // batch
            body = packed[number] if number < len(packed) else _packed(batch, first=rows)
            with connection.cursor().copy(statement) as copy:
                copy.write(body)
            connection.commit()
            rows += batch
        connection.execute("DROP TABLE bench_raw")
    return rows / seconds_past


def _packed(count: int, *, first: int) -> bytes:
    number = np.arange(first, first + count, dtype=np.int64)
    readings = Readings(
        datastream_id=number % 100 + 1,
        phenomenon_us=number // 100 * 1_000_000,
        result=np.full(count, 1.5),
        quality=np.zeros(count, dtype=np.uint8),
        result_us=np.full(count, NO_TIME),
        feature_id=np.ones(count, dtype=np.int64),
        received_us=0,
    )
    rows = np.lexsort((readings.phenomenon_us, readings.datastream_id))
    return packed_plain(readings, rows=rows, ids=number + 1, features=readings.feature_id)


async def bare_broker(*, seconds: float, connections: int) -> Load:
    """Return what devices publish with QoS 1 to a NATS server that stores it and has nothing else to do."""
    with tempfile.TemporaryDirectory(prefix="cityloop-bench-") as folder:
        home = Path(folder)
        home.chmod(0o755)  # noqa: ASYNC240  instant
        with throwaway_nats(home) as configuration:
            nats = await open_nats(nats_url(configuration, user="wire"))
            await prepare_stream(nats)
            password = secret(configuration, "nats-device")
            devices = [
                Device("127.0.0.1", configuration.mqtt_port, name=f"bare{n}", user="device", password=password)
                for n in range(connections)
            ]
            body = b'{"phenomenonTime":"2026-01-01T00:00:00Z","resultTime":"2026-01-01T00:00:00Z","result":1.5}'
            load = await mqtt_load(devices, lambda: ("v1.1/Datastreams(1)/Observations", body), seconds=seconds)
            nats.close()
    return load


@contextlib.contextmanager
def _listening() -> Iterator[socket.socket]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield listener


@contextlib.asynccontextmanager
async def bare_web(body: bytes, *, workers: int) -> AsyncIterator[int]:
    """Yield the port of web processes, as many as the city's, that answer every request with the same bytes at once."""
    with tempfile.TemporaryDirectory() as folder, _listening() as listener:
        program = Path(folder) / "bare.py"
        program.write_text(BARE.replace("BODY", repr(body)), encoding="utf-8")
        command = [sys.executable, str(program), str(listener.fileno())]
        running = [
            subprocess.Popen(command, pass_fds=[listener.fileno()])  # noqa: ASYNC220, S603  ours
            for _ in range(workers)
        ]
        try:
            await Http("127.0.0.1", listener.getsockname()[1]).call("GET", "/")
            yield listener.getsockname()[1]
        finally:
            for process in running:
                process.terminate()
                process.wait()
