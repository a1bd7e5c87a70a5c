"""Devices of three protocols register in a running city, are cut off in mid-frame, resume, and open a case each."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cityloop.site.ports import free_port
from tests.city import Browser, City, eventually, running_city

ROOT = Path(__file__).parents[2]
PORTS = {code: free_port() for code in ("hj212", "jt808", "jt809")}
TERMINALS = {
    "hj212": ("010000A8900016F000169DC0", "123456", "field-water", "field-water"),
    "jt808": ("13912344329", "SIM0001", "field-truck", "field-truck"),
    "jt809": ("11020001/京A00001", "password", "field-bus", "field-fleet"),
}
"""Address and secret of each terminal, the device that measures, and the one that holds the secret."""

CUT_OFF_S_MAX = 5.0
"""A revoked device is cut off within this time, seconds."""


@pytest.fixture(scope="module")
def field_city() -> Iterator[City]:
    """Yield a city of its own that listens to devices."""
    gateways = ",".join(f"{code}:{port}" for code, port in PORTS.items())
    with running_city(GATEWAYS=gateways) as city:
        made = field(city, "declare")
        assert made["refused"] == []
        yield city


def environment_of(city: City) -> dict[str, str]:
    return city.environment | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}


def field(city: City, *arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.journeys.field", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment_of(city), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def terminal(city: City, code: str, *values: float, stay: bool = False) -> subprocess.Popen[str]:
    address, secret, _, _ = TERMINALS[code]
    told = ["--port", str(PORTS[code]), "--address", address, "--secret", secret, *(["--stay"] if stay else [])]
    command = [sys.executable, "-m", f"tests.terminals.{code}", *told, "--", *map(str, values)]
    return subprocess.Popen(command, cwd=ROOT, env=environment_of(city), stdout=subprocess.PIPE, text=True)


def cases_of(officer: Browser, title: str) -> list[dict[str, Any]]:
    return [
        alarm
        for alarm in officer.data("/wall/data/")["alarms"]
        if alarm["case"] and title in json.dumps(alarm, ensure_ascii=False)
    ]


@pytest.mark.parametrize("code", TERMINALS)
def test_a_devices_reading_opens_a_case(field_city: City, code: str) -> None:
    officer = field_city.person("duty1")
    process = terminal(field_city, code, 20.0, 150.0)
    out, _ = process.communicate(timeout=60)
    states = [json.loads(line)["state"] for line in out.splitlines()]
    assert states == ["cut off in the middle of a frame", "acknowledged", "acknowledged"]
    device = TERMINALS[code][2]
    (alarm,) = eventually(lambda: cases_of(officer, device), what=f"the case of {device} is on the wall", within_s=30)
    assert "现场超限" in officer.get(alarm["case"]["url"]).text
    heard = eventually(lambda: field(field_city, "show", device)["heard"], what="the ledger has heard of it")
    assert heard


@pytest.mark.parametrize("code", TERMINALS)
def test_a_revoked_device_is_cut_off(field_city: City, code: str) -> None:
    process = terminal(field_city, code, 20.0, stay=True)
    assert process.stdout is not None
    for _ in range(2):
        assert json.loads(process.stdout.readline())["state"] != "the line is dead"
    field(field_city, "revoke", TERMINALS[code][3])
    out, _ = process.communicate(timeout=CUT_OFF_S_MAX)
    assert json.loads(out)["state"] == "the other end has cut us off"
