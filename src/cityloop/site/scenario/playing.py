"""Sends a scenario's readings through MQTT, at the times they are of, each marked as what it is."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from cityloop.kernel.declarations import Origin, Project
from cityloop.kernel.errors import CityloopError
from cityloop.kernel.text import Text
from cityloop.projects.lifelines.stream import STREAMS, PlayedReadings
from cityloop.site.configuration import Configuration
from cityloop.site.found import projects
from cityloop.site.replay.device import Address, MqttDevice
from cityloop.site.secrets import secret

PROJECT = "lifelines"
RECONSTRUCTED = Text(
    "情景数据：按公开的日数字重构，小时数按规则由固定种子生成，非实测",
    "Scenario: reconstructed from published day figures; hours are made by rule from a seed, not measured",
)
KEPT_WITHIN_S = 120.0
"""What the broker has acknowledged is in the history within this span, seconds; more, and something is broken."""

_PAUSE_S = 0.2


class ScenarioRefusedError(CityloopError):
    """The city is a real one: nobody plays scenarios into its streams."""

    key = "This city has no demo (the setting demo is off): a scenario would mix into its real readings."
    status = 409


class ScenarioLostError(CityloopError):
    """Readings that were acknowledged do not come out of the history."""

    key = "The readings of the scenario did not arrive within %(seconds)s s; look at `cityloop status`."
    status = 504


def must_be_demo(configuration: Configuration) -> None:
    """Refuse to play into the streams of a real city.

    Raises:
        ScenarioRefusedError: if the city has no demo.
    """
    if configuration.demo == "off":
        raise ScenarioRefusedError


def declared() -> Project:
    """Return the project whose streams are played."""
    return next(project for project in projects() if project.code == PROJECT)


def label_streams() -> None:
    """Let the streams that nobody else feeds say that they hold a scenario; Django is set up already."""
    from cityloop.sense import facade as sense  # noqa: PLC0415  Django is set up first

    project, wanted = declared(), {f"{PROJECT}/{code}" for code in STREAMS}
    live = {
        view.code.removeprefix(f"{PROJECT}/")
        for view in sense.streams_of_project(PROJECT)
        if view.code in wanted and view.origin == Origin.LIVE
    }
    streams = tuple(
        replace(stream, origin=Origin.SIMULATED, source=RECONSTRUCTED)
        for stream in project.streams
        if stream.code in live
    )
    places = {stream.thing for stream in streams}
    things = tuple(thing for thing in project.things if thing.code in places)
    sense.declare(replace(project, streams=streams, things=things))


def play(readings: PlayedReadings, configuration: Configuration, *, scenario: str, stop: threading.Event) -> int:
    """Send readings and return how many the broker has acknowledged; sent again they are kept once.

    Args:
        readings: what is sent, in order of time.
        configuration: of the city.
        scenario: its name, kept with every reading.
        stop: set from outside to end.

    Raises:
        DeviceRefusedError: if the broker refuses us.
        StoppedError: if asked to stop.
    """
    ids = _datastream_ids()
    address = Address(
        host="127.0.0.1", port=configuration.mqtt_port, user="device", password=secret(configuration, "nats-device")
    )
    with MqttDevice(address, name=f"scenario-{scenario}", stop=stop) as device:
        device.parameters = {"scenario": scenario, "what": RECONSTRUCTED.en}
        for at_us, stream, value in zip(
            readings.at_us.tolist(), readings.stream.tolist(), readings.value.tolist(), strict=True
        ):
            device.publish(ids[stream], at_us, value)
        device.drain()
        return device.acknowledged


def await_kept(is_kept: Callable[[], bool]) -> None:
    """Return when what was acknowledged can be read.

    Raises:
        ScenarioLostError: if it cannot within `KEPT_WITHIN_S`.
    """
    ends_at, pause = time.monotonic() + KEPT_WITHIN_S, threading.Event()
    while not is_kept():
        if time.monotonic() > ends_at:
            raise ScenarioLostError(seconds=f"{KEPT_WITHIN_S:.0f}")
        pause.wait(_PAUSE_S)


def _datastream_ids() -> list[int]:
    from cityloop.sense import facade as sense  # noqa: PLC0415  Django is set up first

    known = {view.code.removeprefix(f"{PROJECT}/"): view.datastream_id for view in sense.streams_of_project(PROJECT)}
    return [known[code] for code in STREAMS]
