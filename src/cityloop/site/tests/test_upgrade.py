"""Data of the previous release is brought over; data of a newer one is left alone."""

import os
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest

from cityloop.site.engines.throwaway import throwaway_home, throwaway_postgres
from cityloop.site.prepare import NewerDataError, refuse_newer_data

PREVIOUS = {
    "journal": "0001",
    "registry": "0001",
    "sense": "0001",
    "convey": "0001",
    "decide": "0001",
    "respond": "0001",
    "command": "0001",
    "assess": "0001",
}
"""How far each room's tables were in the previous release; raised at each release."""

DATA = """
    INSERT INTO sense_thing (id, name, description) VALUES (7, 'pump', 'pump');
    INSERT INTO sense_sensor (id, name, description, encoding_type, metadata) VALUES (7, 's', 's', 'text/plain', '"m"');
    INSERT INTO sense_observedproperty (id, name, definition, description) VALUES (7, 'p', 'urn:p', 'p');
    INSERT INTO sense_datastream (id, name, description, observation_type, thing_id, sensor_id, observed_property_id)
        VALUES (7, 'pressure', 'pressure', 'urn:o', 7, 7, 7);
    INSERT INTO sense_feature (id, name, description, encoding_type, feature) VALUES (7, 'f', 'f', 'g', '{}');
    INSERT INTO sense_latest (datastream_id) VALUES (7);
    INSERT INTO sense_observation (datastream_id, phenomenon_time, id, result, feature_id)
        SELECT 7, TIMESTAMPTZ '2026-11-01' + n * INTERVAL '1 minute', n, n / 7.0, 7 FROM generate_series(1, 1000) n;
    INSERT INTO registry_area (code, level, name_zh, name_en, romanised, kind) VALUES ('110000', 1, '北京', 'B', false,
        '');
    INSERT INTO registry_apitoken (name, digest, may_read, may_write, area_id, issued_at)
        VALUES ('old gateway', repeat('a', 64), true, true, '110000', now());
"""
SUMS = "SELECT count(*), sum(result), sum(id), sum(hashtextextended(phenomenon_time::text, 0)::numeric)"


@pytest.fixture
def dsn() -> Iterator[str]:
    with throwaway_home() as home, throwaway_postgres(home) as address:
        yield address


def migrate(dsn: str, *arguments: str) -> None:
    environment = {**os.environ, "CITYLOOP_POSTGRES_DSN": dsn}
    command = [sys.executable, "-m", "cityloop.site.cli", "manage", "migrate", "--verbosity", "0", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603  ours
    assert done.returncode == 0, done.stderr


def test_readings_and_tokens_of_the_previous_release_are_as_they_were(dsn: str) -> None:
    for room, number in PREVIOUS.items():
        migrate(dsn, room, number)
    with psycopg.connect(dsn) as connection:
        connection.execute(DATA)
        before = connection.execute(f"{SUMS} FROM sense_observation").fetchone()
    migrate(dsn)
    with psycopg.connect(dsn) as connection:
        assert connection.execute(f"{SUMS} FROM sense_observation").fetchone() == before
        token = "SELECT organisation, thing_id, may_task, may_write FROM registry_apitoken"
        assert connection.execute(token).fetchone() == ("", None, False, True)
        assert connection.execute("SELECT owner, dataset FROM sense_datastream").fetchone() == ("", "")


def test_data_of_a_newer_product_is_refused_before_anything_changes() -> None:
    known = {("sense", "0001_initial"), ("auth", "0001_initial")}
    with pytest.raises(NewerDataError) as caught:
        refuse_newer_data({*known, ("sense", "0099_future")}, known)
    assert "sense.0099_future" in str(caught.value)
    refuse_newer_data({*known, ("a_library", "0042_other")}, known)
