"""What processes count and time; each writes into a file of its own, which `/metrics` adds up.

The supervisor names the folder in `PROMETHEUS_MULTIPROC_DIR`; without it, as in tests, they stay in the process.
"""

import asyncio
import os
import time
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.multiprocess import MultiProcessCollector

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Variable with the folder of the figures, given by the supervisor."""

BEAT_S = 5.0
"""How often a process says that it turns, seconds."""

ROOM_BYTES = 2**17
"""Room taken at the start for each kind of figure, bytes: about 800 figures of a process."""

_KINDS = ("counter", "histogram", "gauge_mostrecent", "gauge_livesum")

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SIZES = (1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)


def take_room(folder: Path, *, pid: int) -> None:
    """Take the room of a process's figures before any is written.

    They lie in mapped files with holes; a process that first touches one while the disk is full would be killed.

    Raises:
        OSError: if there is no room: the process ends, and is started again until there is.
    """
    for kind in _KINDS:
        descriptor = os.open(folder / f"{kind}_{pid}.db", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, ROOM_BYTES)
        finally:
            os.close(descriptor)


if FOLDER in os.environ:
    take_room(Path(os.environ[FOLDER]), pid=os.getpid())

READINGS = Counter("cityloop_readings", "Readings a process has taken, by what became of them.", ["process", "outcome"])
BATCH_S = Histogram(
    "cityloop_batch_seconds", "From taking a batch to its commit, seconds.", ["process"], buckets=_SECONDS
)
BATCH_READINGS = Histogram("cityloop_batch_readings", "Readings of a committed batch.", ["process"], buckets=_SIZES)
REQUEST_S = Histogram(
    "cityloop_page_seconds", "From a page's request to its answer, seconds.", ["status"], buckets=_SECONDS
)
HEARTBEAT = Gauge(
    "cityloop_process_heartbeat_timestamp_seconds",
    "When a process's loop last turned, seconds since the Unix epoch.",
    ["process"],
    multiprocess_mode="mostrecent",
)


def folder_of(home: Path) -> Path:
    """Return where the processes of a data folder keep their figures."""
    return home / "metrics"


def beat(process: str) -> None:
    """Say that a process turns."""
    HEARTBEAT.labels(process).set(time.time())


async def beating(process: str) -> None:
    """Say so again and again, from the loop whose turning is meant, until cancelled."""
    while True:
        beat(process)
        await asyncio.sleep(BEAT_S)


def heartbeats(folder: Path) -> dict[str, float]:
    """Return when each process last turned, seconds since the Unix epoch, by name."""
    if not folder.is_dir():
        return {}
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))  # type: ignore[no-untyped-call]  # the library says no types
    name = "cityloop_process_heartbeat_timestamp_seconds"
    found = (metric for metric in registry.collect() if metric.name == name)
    return {sample.labels["process"]: sample.value for metric in found for sample in metric.samples}
