"""The doctor finds real faults and says the way out."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from cityloop.site.checks import Finding, Grade, all_findings
from cityloop.site.configuration import Configuration
from cityloop.site.engines.throwaway import throwaway_home, throwaway_nats, throwaway_postgres
from cityloop.site.metrics.instruments import FOLDER, folder_of, heartbeats
from cityloop.site.ports import free_port
from cityloop.site.supervisor.lock import Lock


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    ports = {name: free_port() for name in ("port", "postgres_port", "nats_port", "mqtt_port")}
    return Configuration(home=tmp_path / "home", **ports)


def bad(configuration: Configuration) -> list[Finding]:
    return [finding for finding in all_findings(configuration) if finding.grade is Grade.BAD]


def test_a_healthy_machine_has_no_bad_finding(configuration: Configuration) -> None:
    assert bad(configuration) == []


def test_secrets_that_others_can_read_are_found(configuration: Configuration) -> None:
    (configuration.home / "secrets").mkdir(parents=True)
    (configuration.home / "secrets" / "postgres").write_text("x")
    (configuration.home / "secrets" / "postgres").chmod(0o644)
    assert any("chmod 600" in finding.way_out for finding in bad(configuration))


def test_a_missing_engine_is_found(configuration: Configuration, tmp_path: Path) -> None:
    found = bad(replace(configuration, nats_bin=str(tmp_path / "no-such-program")))
    assert [finding.what for finding in found] == ["NATS"]


@pytest.fixture
def written() -> Iterator[str]:
    with throwaway_home() as home, throwaway_postgres(home) as dsn:
        with psycopg.connect(dsn) as connection:
            connection.execute("CREATE TABLE journal_fact (sequence bigint, recorded_at timestamptz)")
        yield dsn


def test_a_clock_that_was_set_back_is_found(configuration: Configuration, written: str) -> None:
    from cityloop.site.checks import _newest_fact  # noqa: PLC0415  this check alone, for the tables are not a city's

    own = replace(configuration, postgres_dsn=written)
    with psycopg.connect(written) as connection:
        connection.execute("INSERT INTO journal_fact VALUES (1, now())")
    assert list(_newest_fact(own)) == []
    with psycopg.connect(written) as connection:
        later = datetime.now(UTC) + timedelta(hours=2)
        connection.execute("INSERT INTO journal_fact VALUES (2, %s)", (later,))
    (finding,) = _newest_fact(own)
    assert finding.grade is Grade.BAD


BEAT_LONG_AGO = """
import time
from cityloop.site.metrics.instruments import HEARTBEAT
HEARTBEAT.labels("wire").set(time.time() - 3600)
"""


def test_a_process_that_hangs_is_found(configuration: Configuration) -> None:
    folder = folder_of(configuration.home)
    folder.mkdir(parents=True)
    lock = Lock(configuration.home)
    try:
        environment = {**os.environ, FOLDER: str(folder)}
        subprocess.run([sys.executable, "-c", BEAT_LONG_AGO], env=environment, check=True)  # noqa: S603  ours
        assert heartbeats(folder)["wire"] < time.time() - 3000
        assert "wire" in [finding.what for finding in bad(configuration)]
    finally:
        lock.give_back()


def test_a_store_of_messages_that_is_nearly_full_is_doubtful() -> None:
    import asyncio  # noqa: PLC0415  this test alone speaks to the transport

    from cityloop.convey.stream.jetstream import prepare_stream, store_use  # noqa: PLC0415
    from cityloop.convey.stream.nats import open_nats  # noqa: PLC0415
    from cityloop.site.secrets import nats_url  # noqa: PLC0415

    async def use(address: str) -> tuple[int, int]:
        nats = await open_nats(address)
        await prepare_stream(nats)
        nats.close()
        return await store_use(address)

    with throwaway_home() as home, throwaway_nats(home) as configuration:
        used, bound = asyncio.run(use(nats_url(configuration, user="wire")))
        assert (used, bound > 2**30) == (0, True)
        grades = [one.grade for one in all_findings(configuration) if one.what == "store of waiting messages"]
        assert grades == [Grade.GOOD]
