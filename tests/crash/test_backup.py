"""A backup is made while the city runs, the data folder is destroyed, and the city stands again as it was."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from bench.city import new_home
from cityloop.site.ports import free_port
from tests.city import City, eventually, publish, running_city

HOUR = f"{datetime.now(UTC).date() - timedelta(days=1)}T{{:02}}:00:00Z"
"""Of yesterday: no job packs it away meanwhile."""
STREAM = {
    "name": "level",
    "description": "level",
    "observationType": "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
    "unitOfMeasurement": {"name": "metre", "symbol": "m", "definition": "ucum:m"},
    "ObservedProperty": {"name": "level", "definition": "urn:level", "description": "level"},
    "Sensor": {"name": "gauge", "description": "gauge", "encodingType": "text/plain", "metadata": "gauge"},
    "Thing": {
        "name": "gauge",
        "description": "gauge",
        "Locations": [
            {
                "name": "here",
                "description": "here",
                "encodingType": "application/geo+json",
                "location": {"type": "Point", "coordinates": [116.4, 39.9]},
            }
        ],
    },
}


def made_stream(city: City, token: str) -> int:
    answer = city.machine(token).post("Datastreams", json=STREAM)
    assert answer.status_code == 201, answer.text
    return int(answer.headers["Location"].rpartition("(")[2].rstrip(")"))


def results(city: City, token: str, stream: int) -> list[float]:
    rows = city.machine(token).get(f"Datastreams({stream})/Observations", params={"$orderby": "phenomenonTime asc"})
    return [row["result"] for row in rows.json()["value"]]


def counts(dsn: str) -> dict[str, int]:
    tables = ("journal_fact", "registry_area", "registry_person", "sense_datastream", "sense_observation")
    with psycopg.connect(dsn) as connection:
        return {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables}


def command(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CITYLOOP_", "DJANGO_"))}
    ports = {f"CITYLOOP_{name}": str(free_port()) for name in ("POSTGRES_PORT", "NATS_PORT", "MQTT_PORT")}
    environment = {**kept, **ports, "CITYLOOP_HOME": str(home)}
    return subprocess.run(
        [sys.executable, "-m", "cityloop.site.cli", "--lang", "en", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, int, dict[str, int]]:
    """A backup of a city whose wire stood still, so that acknowledged messages waited; the city is gone."""
    folder = tmp_path_factory.mktemp("backup") / "first"
    with running_city() as city:
        token = city.token("writer", "read", "write")
        stream = made_stream(city, token)
        for hour in range(3):
            body = {"phenomenonTime": HOUR.format(hour), "result": hour}
            assert city.machine(token).post(f"Datastreams({stream})/Observations", json=body).status_code == 201
        wire = city.processes()["wire"]
        os.kill(wire, signal.SIGSTOP)
        try:
            device = city.device()
            for hour in (3, 4):
                publish(device, stream, phenomenonTime=HOUR.format(hour), result=hour)
            before = counts(city.dsn)
            told = city.run("--lang", "en", "backup", str(folder))
        finally:
            os.kill(wire, signal.SIGCONT)
        assert "2 waiting messages" in told
        device.loop_stop()
    assert not city.home.exists()
    return folder, token, stream, before


def test_a_destroyed_city_stands_again_with_every_acknowledged_reading(
    saved: tuple[Path, str, int, dict[str, int]],
) -> None:
    folder, token, stream, before = saved
    home = new_home()
    told = command(home, "restore", str(folder))
    assert told.returncode == 0, told.stderr
    assert "counts and checksums equal" in told.stdout
    with running_city(home) as city:
        assert counts(city.dsn)["registry_person"] == before["registry_person"]
        assert counts(city.dsn)["sense_observation"] >= before["sense_observation"]
        eventually(
            lambda: results(city, token, stream) == [0, 1, 2, 3, 4],
            what="the waiting messages are in the history",
        )


def test_a_damaged_backup_restores_nothing(saved: tuple[Path, str, int, dict[str, int]], tmp_path: Path) -> None:
    folder = saved[0]
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", folder, copy], check=True)
    with (copy / "database.dump").open("r+b") as dump:
        dump.seek(1000)
        dump.write(b"damage")
    home = tmp_path / "home"
    told = command(home, "restore", str(copy))
    assert told.returncode == 1
    assert "database.dump" in told.stderr
    assert not home.exists()


def test_a_backup_without_its_description_is_none(tmp_path: Path) -> None:
    told = command(tmp_path / "home", "restore", str(tmp_path))
    assert told.returncode == 1
    assert "no whole backup" in told.stderr


def test_a_city_is_never_restored_over_another(saved: tuple[Path, str, int, dict[str, int]], tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "secrets").mkdir(parents=True)
    (home / "secrets" / "django").write_text("a city lives here")
    told = command(home, "restore", str(saved[0]))
    assert told.returncode == 1
    assert "is not empty" in told.stderr
    assert (home / "secrets" / "django").read_text() == "a city lives here"


def test_a_backup_says_what_it_holds_and_is_closed_to_others(saved: tuple[Path, str, int, dict[str, int]]) -> None:
    folder, *_ = saved
    told = json.loads((folder / "manifest.json").read_text())
    assert told["tables"]["sense_observation"]["rows"] >= 3
    assert told["waiting"] == 2
    assert "files/secrets/postgres" in told["files"]
    assert folder.stat().st_mode & 0o077 == 0
