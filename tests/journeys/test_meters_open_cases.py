"""Each kind of meter is a process of its own, is cut off in mid-frame, resumes, and its reading opens a case."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cityloop.site.ports import free_port
from tests.city import Browser, City, eventually, running_city
from tests.journeys.sta import Sta

ROOT = Path(__file__).resolve().parents[2]
NORMAL, BURST = "0.31", "0.02"
"""Pressures of a main, MPa; the second is far below the limit."""


@dataclass(frozen=True)
class Meter:
    """A terminal and how the ledger names it; it measures at the pressure point of a district."""

    protocol: str
    address: str
    channel: str
    district: str
    terminal: str
    values: tuple[str, ...] = (NORMAL, BURST)
    scale: float = 1.0
    offset: float = 0.0
    is_polled: bool = False


METERS = (
    Meter("cjt188", "10-78330011223344", "volume", "东城区", "cjt188", is_polled=True),
    Meter("dlt645", "000000000161", "02060000", "西城区", "dlt645", is_polled=True),
    Meter("modbus", "pump-house/1", "holding:100:float32:le-swap", "朝阳区", "modbus", is_polled=True),
    # The state of a component is a number as well: none is 0.31, a fire 0.02.
    Meter("gb26875", "00000000A17F", "1-2.40-17.state", "海淀区", "gb26875", ("0", "1"), scale=-0.29, offset=0.31),
    Meter("json:manhole-level-example", "", "level", "丰台区", "vendor_json"),
)


@dataclass(frozen=True)
class Metered:
    """A city whose gateway speaks the protocols of the meters."""

    city: City
    gateway_port: int
    sta: Sta


@pytest.fixture(scope="module")
def metered() -> Iterator[Metered]:
    port = free_port()
    with running_city(GATEWAYS=f"gb26875:{port},cjt188,dlt645,modbus") as city:
        yield Metered(city, port, Sta(city.machine(city.token("meters"))))


def stream_of(metered: Metered, district: str) -> int:
    found = metered.sta.get("Datastreams", filter=f"substringof('{district}管网压力',name)", select="@iot.id")
    return int(found["value"][0]["@iot.id"])


def enter(metered: Metered, meter: Meter, endpoint: str) -> str:
    """Give the device at a district's pressure point its protocol and its channel; return its code."""
    stream = stream_of(metered, meter.district)
    with psycopg.connect(metered.city.dsn) as connection:
        row = connection.execute(
            "UPDATE convey_device SET protocol = %s, address = %s, endpoint = %s "
            "WHERE thing_id = (SELECT thing_id FROM sense_datastream WHERE id = %s) RETURNING id, code, thing_id",
            (meter.protocol, meter.address, endpoint, stream),
        ).fetchone()
        assert row is not None, "the ledger has the things that projects declare"
        connection.execute("DELETE FROM convey_channel WHERE datastream_id = %s", (stream,))
        connection.execute(
            'INSERT INTO convey_channel (device_id, name, datastream_id, scale, "offset") VALUES (%s, %s, %s, %s, %s)',
            (row[0], meter.channel, stream, meter.scale, meter.offset),
        )
        connection.execute("UPDATE convey_ledgerversion SET version = version + 1")
        connection.execute("NOTIFY cityloop_devices")
    return str(row[1])


def was_heard(metered: Metered, code: str) -> bool:
    with psycopg.connect(metered.city.dsn) as connection:
        found = connection.execute("SELECT last_heard_at FROM convey_device WHERE code = %s", (code,)).fetchone()
    return found is not None and found[0] is not None


def key_of(metered: Metered, code: str) -> str:
    """Return a key for a device."""
    words = (
        "from cityloop.convey.facade.devices import device; from cityloop.registry.facade import issue_token; "
        f"print(issue_token('{code}', rights=['write'], thing_id=device('{code}').thing_id))"
    )
    return metered.city.run("manage", "shell", "-v", "0", "-c", words).splitlines()[-1]


@contextmanager
def terminal(meter: Meter, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """Run a terminal beside the test."""
    command = [sys.executable, "-m", f"tests.terminals.{meter.terminal}", *arguments, *meter.values]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def alarms(officer: Browser, district: str) -> list[dict[str, Any]]:
    return [a for a in officer.data("/wall/data/")["alarms"] if a["place"].startswith(district) and a["case"]]


@pytest.mark.parametrize("meter", METERS, ids=lambda meter: meter.terminal)
def test_a_meter_that_is_cut_off_and_resumes_opens_a_case(metered: Metered, meter: Meter) -> None:
    officer = metered.city.person("duty1")
    assert alarms(officer, meter.district) == []
    port = free_port() if meter.is_polled else metered.gateway_port
    code = enter(metered, meter, f"127.0.0.1:{port}" if meter.is_polled else "")
    told = ["--port", str(port), "--address", meter.address, *(["--channel", meter.channel] if meter.is_polled else [])]
    if meter.protocol.startswith("json:"):
        told = ["--port", str(metered.city.port("MQTT_PORT")), "--address", code, "--secret", key_of(metered, code)]
    with terminal(meter, *told) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["state"] == "cut off in the middle of a frame"
        raised = eventually(lambda: alarms(officer, meter.district), what="the alarm has its case", within_s=60)
    assert raised[0]["level"] == 1
    case = officer.get(raised[0]["case"]["url"]).text
    assert meter.district in case
    stream = stream_of(metered, meter.district)
    kept = metered.sta.get(f"Datastreams({stream})/Observations", select="result", orderby="phenomenonTime")
    results = [one["result"] for one in kept["value"]]
    assert results[:2] == pytest.approx([0.31, 0.02])
    eventually(lambda: was_heard(metered, code), what="the ledger has heard of it")
