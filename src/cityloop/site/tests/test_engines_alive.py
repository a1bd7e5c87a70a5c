import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from cityloop.site.configuration import load
from cityloop.site.engines import nats, postgres
from cityloop.site.secrets import postgres_dsn

Run = Callable[..., subprocess.Popen[str]]
Until = Callable[..., None]


def pids(home: Path) -> dict[str, int | None]:
    try:
        state = json.loads((home / "state.json").read_text())
    except FileNotFoundError:
        return {}
    return {process["name"]: process["pid"] for process in state["processes"]}


def says_up(city: subprocess.Popen[str]) -> None:
    assert city.stdout is not None
    told = []
    for line in city.stdout:
        told.append(line)
        if line == "up\n":
            return
    raise AssertionError("".join(told))


def alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def environment(home: Path, ports: dict[str, str]) -> dict[str, str]:
    return {"CITYLOOP_HOME": str(home), **ports}


def test_each_engine_is_back_after_it_was_killed_and_what_was_committed_is_there(
    run_engines: Run, own_home: Path, ports: dict[str, str], until: Until
) -> None:
    configuration = load(environment(own_home, ports))
    says_up(run_engines())
    dsn = postgres_dsn(configuration)
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept VALUES (7)")
    for name, answers in (
        ("postgres", lambda: postgres.answers(dsn)),
        ("nats", lambda: nats.answers(configuration)),
    ):
        before = pids(own_home)[name]
        assert before is not None
        os.kill(before, signal.SIGKILL)
        until(lambda name=name, before=before: pids(own_home).get(name) not in {None, before})
        until(answers)
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT n FROM kept").fetchall() == [(7,)]


def test_a_stop_ends_all_engines_in_good_order(run_engines: Run, own_home: Path) -> None:
    city = run_engines()
    says_up(city)
    started = pids(own_home)
    city.send_signal(signal.SIGINT)
    assert city.wait(40) == 0
    assert not any(alive(pid) for pid in started.values() if pid)
    assert not (own_home / "up.lock").exists()
    assert "database system is shut down" in (own_home / "logs" / "postgres.log").read_text()


def test_no_engine_outlives_a_killed_supervisor_and_its_lock_bars_nobody(
    run_engines: Run, own_home: Path, until: Until
) -> None:
    city = run_engines()
    says_up(city)
    started = pids(own_home)
    city.kill()
    city.wait()
    until(lambda: not any(alive(pid) for pid in started.values() if pid))
    again = run_engines()
    says_up(again)


def test_a_second_start_from_the_same_folder_says_who_runs(run_engines: Run) -> None:
    first = run_engines()
    says_up(first)
    told, _ = run_engines(CITYLOOP_PORT="0").communicate(timeout=40)
    assert "already runs from the data folder" in told
    assert str(first.pid) in told
    assert "cityloop down" in told


@pytest.mark.parametrize(
    ("setting", "what"),
    [
        ("CITYLOOP_PORT", "web pages"),
        ("CITYLOOP_POSTGRES_PORT", "PostgreSQL"),
        ("CITYLOOP_NATS_PORT", "NATS"),
        ("CITYLOOP_MQTT_PORT", "MQTT"),
    ],
)
def test_a_taken_port_is_named_with_a_free_one(
    run_engines: Run, ports: dict[str, str], setting: str, what: str
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", int(ports[setting])))
        other.listen()
        told, _ = run_engines().communicate(timeout=60)
    assert f"Port {ports[setting]}, needed for {what}, is taken" in " ".join(told.split())
    assert f"{setting}=" in told


def test_a_half_initialised_folder_is_named_with_a_way_out(run_engines: Run, own_home: Path) -> None:
    says_up(city := run_engines())
    city.terminate()
    city.wait(40)
    (own_home / "engines" / "postgres" / "global" / "pg_control").unlink()
    told, _ = run_engines().communicate(timeout=40)
    assert "half initialised: global/pg_control is missing" in told
    assert "rm -r" in told


def test_an_interrupted_making_of_the_database_leaves_nothing_in_the_way(run_engines: Run, own_home: Path) -> None:
    rest = own_home / "engines" / "postgres.unfinished" / "base"
    rest.mkdir(parents=True)
    says_up(run_engines())


def test_a_folder_of_another_major_version_is_not_touched(run_engines: Run, own_home: Path) -> None:
    says_up(city := run_engines())
    city.terminate()
    city.wait(40)
    (own_home / "engines" / "postgres" / "PG_VERSION").write_text("14\n")
    told, _ = run_engines().communicate(timeout=40)
    assert "was made by PostgreSQL 14" in told


def test_a_missing_program_is_named_with_its_setting(run_engines: Run) -> None:
    told, _ = run_engines(CITYLOOP_POSTGRES_BIN="/nonexistent").communicate(timeout=40)
    assert "/nonexistent/postgres does not exist. Correct CITYLOOP_POSTGRES_BIN" in told


def test_addresses_of_ones_own_keep_the_embedded_engines_off(run_engines: Run, own_home: Path) -> None:
    says_up(
        run_engines(CITYLOOP_POSTGRES_DSN=os.environ["CITYLOOP_POSTGRES_DSN"], CITYLOOP_NATS_URL="nats://127.0.0.1:1")
    )
    assert pids(own_home) == {}


def test_an_address_that_does_not_answer_is_said(run_engines: Run) -> None:
    told, _ = run_engines(CITYLOOP_POSTGRES_DSN="postgresql://x@127.0.0.1:1/x").communicate(timeout=40)
    assert "The database at CITYLOOP_POSTGRES_DSN does not answer" in told
