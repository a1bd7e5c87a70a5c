"""A device of a vendor: taken in by a list, speaks over MQTT and HTTP, is seen, is revoked and cut off on both."""

import csv
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import paho.mqtt.client as mqtt

from tests.city import City, eventually, publish

CUT_OFF_S = 5.0
"""A revoked device is gone on every path in this time."""

HEADING = "code,title_zh,title_en,organisation,longitude,latitude,datum,period_s,channel,property,unit,valid_max"
LIST = """
METER-1,一号压力计,Pressure meter 1,water-group,116.456,39.921,GCJ02,10,p,journey/pressure,MPa,1.6
METER-2,二号压力计,Pressure meter 2,water-group,116.456,39.922,GCJ02,10,p,journey/pressure,furlong,1.6
"""


def taken_in(city: City, folder: Path) -> dict[str, str]:
    """Take the list in from the command line; return the keys by device code."""
    file = folder / "meters.csv"
    file.write_text(HEADING + LIST, encoding="gb18030")
    with suppress(subprocess.CalledProcessError):  # a refused row is told by the exit status
        city.run("devices", "import", str(file))
    report = rows_of(folder / "meters.report.csv")
    assert [(row[0], row[3]) for row in report[1:]] == [("2", ""), ("3", "unit")]
    return {row[0]: row[1] for row in rows_of(folder / "meters.keys.csv")[1:]}


def rows_of(file: Path) -> list[list[str]]:
    """Return the rows of a CSV file."""
    return list(csv.reader(file.read_text(encoding="utf-8-sig").splitlines()))


@contextmanager
def speaking(city: City, code: str, key: str) -> Iterator[tuple[mqtt.Client, list[str]]]:
    """Yield an MQTT client of a device and what became of its connection; it does not come back by itself."""
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=code, reconnect_on_failure=False)
    client.username_pw_set(code, key)
    told: list[str] = []
    client.on_connect = lambda *answer: told.append("refused" if answer[3].is_failure else "in")
    client.on_disconnect = lambda *_: told.append("out")
    client.connect("127.0.0.1", city.port("MQTT_PORT"))
    client.loop_start()
    eventually(lambda: told, what="answer to the login")
    yield client, told
    client.disconnect()
    client.loop_stop()


def datastreams(machine: httpx.Client, name: str) -> list[dict[str, Any]]:
    """Return the datastreams of a device as the API tells them."""
    answer = machine.get("Things", params={"$filter": f"name eq '{name}'", "$expand": "Datastreams"})
    return list(answer.json()["value"][0]["Datastreams"])


def test_a_device_speaks_is_seen_and_is_cut_off_on_every_path(city: City, tmp_path: Path) -> None:
    keys = taken_in(city, tmp_path)
    assert list(keys) == ["METER-1"]
    machine = city.machine(city.token("journey"))
    (stream,) = datastreams(machine, "一号压力计")
    number = stream["@iot.id"]
    operator = city.person("operator", language="en")
    operator.submit("/devices/METER-1/", at="/devices/METER-1/act/", act="test", reason="")
    own = city.machine(keys["METER-1"])

    with speaking(city, "METER-1", keys["METER-1"]) as (client, told):
        assert told == ["in"]
        publish(client, number, result=0.4)
        publish(client, number, result=0.6)
        path = f"Datastreams({number})/Observations"
        assert own.post(path, json={"result": 0.5}).status_code == 201
        assert own.get(path).status_code in {401, 403}
        kept = eventually(
            lambda: [one for one in [machine.get(path).json()["value"]] if len(one) == 3], what="three readings"
        )[0]
        assert sorted(one["result"] for one in kept) == [0.4, 0.5, 0.6]
        eventually(lambda: "online" in operator.get("/devices/METER-1/").text, what="online", within_s=60)
        eventually(
            lambda: (
                own.post(path, json={"result": 9.9}).status_code == 201
                and "out of range" in operator.get("/devices/METER-1/").text
            ),
            what="impossible readings are marked",
        )
        operator.submit("/devices/METER-1/", at="/devices/METER-1/keys/revoke/")
        eventually(lambda: told[-1] == "out", what="cut off over MQTT", within_s=CUT_OFF_S)
        eventually(
            lambda: own.post(path, json={"result": 0.7}).status_code == 401,
            what="cut off over HTTP",
            within_s=CUT_OFF_S,
        )
    with speaking(city, "METER-1", keys["METER-1"]) as (_client, told):
        assert told[0] == "refused"
