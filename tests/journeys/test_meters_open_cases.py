"""Each kind of meter is a process of its own, is cut off in mid-frame, resumes, and its reading opens a case."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cityloop.site.ports import free_port
from tests.city import Browser, City, eventually, running_city
from tests.journeys.sta import Sta

ROOT = Path(__file__).resolve().parents[2]
NORMAL, LOW = "0.31", "0.02"
"""Pressures of a main, MPa; the second is below the limit."""


@dataclass(frozen=True)
class Meter:
    """A terminal and how the ledger names it; `port` is where it is called, 0 for one that calls."""

    terminal: str
    protocol: str
    address: str
    channel: str
    port: int = 0
    values: tuple[str, ...] = (NORMAL, LOW)
    scale: float = 1.0
    offset: float = 0.0

    @property
    def code(self) -> str:
        return f"meter-{self.terminal}"

    def row(self) -> list[Any]:
        endpoint = f"127.0.0.1:{self.port}" if self.port else ""
        return [self.code, self.protocol, self.address, endpoint, self.channel, self.scale, self.offset]


METERS = (
    Meter("cjt188", "cjt188", "10-78330011223344", "volume", free_port()),
    Meter("dlt645", "dlt645", "000000000161", "02060000", free_port()),
    Meter("modbus", "modbus", "1", "holding:100:float32:le-swap", free_port()),
    # The state of a component is a number as well: none becomes 0.31, a fire 0.02.
    Meter("gb26875", "gb26875", "00000000A17F", "1-2.40-17.state", 0, ("0", "1"), -0.29, 0.31),
    Meter("vendor_json", "json:manhole-level-example", "meter-vendor_json", "level"),
)


@dataclass(frozen=True)
class Metered:
    """A city whose gateway speaks the protocols of the meters, and the keys of its devices."""

    city: City
    gateway_port: int
    keys: dict[str, str] = field(default_factory=dict)

    def ask(self, *arguments: str) -> dict[str, Any]:
        command = [sys.executable, "-m", "tests.journeys.metered", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=environment(self.city.environment), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.splitlines()[-1])

    def arguments_of(self, meter: Meter) -> list[str]:
        if meter.terminal == "vendor_json":
            port = self.city.port("MQTT_PORT")
            return ["--port", str(port), "--address", meter.code, "--secret", self.keys[meter.code]]
        port = meter.port or self.gateway_port
        channel = ["--channel", meter.channel] if meter.port else []
        return ["--port", str(port), "--address", meter.address, *channel]


def environment(told: dict[str, str]) -> dict[str, str]:
    return told | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}


@pytest.fixture(scope="module")
def metered() -> Iterator[Metered]:
    port = free_port()
    with running_city(GATEWAYS=f"gb26875:{port},cjt188,dlt645,modbus") as city:
        found = Metered(city, port)
        made = found.ask("declare", json.dumps([meter.row() for meter in METERS]))
        assert made["refused"] == []
        found.keys.update(made["keys"])
        yield found


@contextmanager
def terminal(metered: Metered, meter: Meter) -> Iterator["subprocess.Popen[str]"]:
    """Run a terminal beside the test."""
    command = [sys.executable, "-m", f"tests.terminals.{meter.terminal}", *metered.arguments_of(meter), *meter.values]
    told = environment(dict(os.environ))
    with subprocess.Popen(command, cwd=ROOT, env=told, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def alarms(officer: Browser, code: str) -> list[dict[str, Any]]:
    found = officer.data("/wall/data/")["alarms"]
    return [alarm for alarm in found if alarm["case"] and code in json.dumps(alarm, ensure_ascii=False)]


@pytest.mark.parametrize("meter", METERS, ids=lambda meter: meter.terminal)
def test_a_meter_that_is_cut_off_and_resumes_opens_a_case(metered: Metered, meter: Meter) -> None:
    officer = metered.city.person("duty1")
    assert alarms(officer, meter.code) == []
    with terminal(metered, meter) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["state"] == "cut off in the middle of a frame"
        (alarm,) = eventually(lambda: alarms(officer, meter.code), what="the alarm has its case", within_s=60)
    assert "表计读数过低" in officer.get(alarm["case"]["url"]).text
    ledger = eventually(
        lambda: entry if (entry := metered.ask("heard", meter.code))["heard"] else None, what="the ledger has heard"
    )
    kept = Sta(metered.city.machine(metered.city.token(meter.code))).get(
        f"Datastreams({ledger['streams'][0]})/Observations", select="result", orderby="phenomenonTime"
    )
    assert [one["result"] for one in kept["value"]][:2] == pytest.approx([0.31, 0.02])
