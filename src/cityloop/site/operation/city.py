"""How the city stands, asked of the rooms when `/metrics` is read."""

import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from cityloop.convey import facade as convey
from cityloop.decide import facade as decide
from cityloop.journal import facade as journal
from cityloop.respond import facade as respond
from cityloop.sense import facade as sense
from cityloop.site.configuration import Configuration
from cityloop.site.metrics.instruments import folder_of
from cityloop.site.processes import home_folder
from cityloop.site.supervisor.state import read_state

REJECTED_DAYS = 30
"""Refused messages are added up over this span, days."""


class CityCollector(Collector):
    """Asks the rooms at each reading.

    Args:
        configuration: names the data folder.
    """

    def __init__(self, configuration: Configuration) -> None:
        """Take the settings."""
        self._home = home_folder(configuration)

    def describe(self) -> Iterator[Metric]:
        """Name nothing beforehand: the database is not asked when this is registered."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Yield every figure."""
        yield from self._processes()
        yield from _listeners()
        yield from _loop()
        yield from _refused()
        free = GaugeMetricFamily("cityloop_disk_free_bytes", "Free space of the data folder's disk, bytes.")
        free.add_metric([], shutil.disk_usage(self._home).free)
        yield free

    def _processes(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("cityloop_process_up", "Whether a process runs.", labels=["process"])
        restarts = CounterMetricFamily(
            "cityloop_process_restarts", "How often a process was started again.", labels=["process"]
        )
        for process in read_state(self._home)["processes"]:
            up.add_metric([process["name"]], float(process["pid"] is not None))
            restarts.add_metric([process["name"]], process["restarts"])
        yield up
        yield restarts


def _listeners() -> Iterator[Metric]:
    behind = GaugeMetricFamily("cityloop_listener_behind_facts", "Facts a listener has before it.", labels=["listener"])
    failures = GaugeMetricFamily("cityloop_listener_failures", "Failures of a listener in a row.", labels=["listener"])
    for state in journal.listener_states():
        behind.add_metric([state.listener], state.behind)
        failures.add_metric([state.listener], state.failures)
    yield behind
    yield failures
    age = GaugeMetricFamily(
        "cityloop_stream_position_age_seconds", "Since a stream of messages last moved, seconds.", labels=["stream"]
    )
    for position in convey.stream_positions():
        age.add_metric([position.stream], time.time() - position.moved_at.timestamp())
    yield age


def _loop() -> Iterator[Metric]:
    alarms = GaugeMetricFamily("cityloop_alarms_open", "Open alarms by district.", labels=["area"])
    for area, count in decide.open_alarms_by_district().items():
        alarms.add_metric([str(area)], count.open)
    yield alarms
    cases = GaugeMetricFamily("cityloop_cases_open", "Open cases by district.", labels=["area"])
    for area, number in respond.open_cases_by_district().items():
        cases.add_metric([str(area)], float(number))
    yield cases


def _refused() -> Iterator[Metric]:
    refused = GaugeMetricFamily(
        "cityloop_refused_30_days", "Messages refused in the last 30 days.", labels=["mouth", "reason"]
    )
    for tally in sense.rejected_counts(datetime.now(UTC) - timedelta(days=REJECTED_DAYS)):
        refused.add_metric([tally.mouth, tally.reason], tally.count)
    yield refused


def exposition(configuration: Configuration) -> bytes:
    """Return all figures in the text format of Prometheus."""
    registry = CollectorRegistry()
    folder = folder_of(home_folder(configuration))
    if folder.is_dir():
        MultiProcessCollector(registry, path=str(folder))  # type: ignore[no-untyped-call]  # the library says no types
    registry.register(CityCollector(configuration))
    return generate_latest(registry)
