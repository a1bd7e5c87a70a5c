"""What people enter in forms takes the pipeline of the web process: announced, and nothing is opened for it."""

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from cityloop.sense import facade as sense
from cityloop.sense.stream.readings import Kept, Outcome, Readings
from cityloop.site import mouth
from cityloop.site.configuration import Configuration
from cityloop.site.pipeline import Pipeline, open_pipeline
from cityloop.site.tests.pipeline.conftest import RecordingJudge, Store, readings

EXTERNAL = "postgresql://city:loop@database.example:5433/loop?sslmode=verify-full&sslrootcert=/etc/city/root.pem"


class Heard:
    """An announcer that remembers the readings it was told of."""

    def __init__(self) -> None:
        self.ids: list[int] = []

    def announce(self, readings: Readings, kept: Kept) -> None:  # noqa: ARG002  the port
        self.ids += kept.observation_id[kept.outcome == Outcome.KEPT].tolist()


def _enter(value: float) -> int:
    now = datetime.now(UTC)
    return sense.enter_reading(1, at=now, value=value, actor="person:1", note="", now=now)


async def test_an_entered_reading_is_announced_by_the_pipeline_that_serves(
    store: Store, judge: RecordingJudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = Heard()
    pipeline = await open_pipeline(store.dsn, node=0, process="web", judge=judge, announcer=heard)

    async def _opens(*_: object, **__: object) -> Pipeline:
        pytest.fail("a form opened a pipeline of its own")

    monkeypatch.setattr(mouth, "open_pipeline", _opens)
    try:
        with mouth.serving(pipeline):
            kept = [await asyncio.to_thread(_enter, value) for value in (1.5, 2.5)]
    finally:
        await pipeline.close()
    assert heard.ids == kept
    assert [row[2] for row in store.observations()] == [1.5, 2.5]
    assert bool(judge.judged) is judge.watching


async def test_without_one_a_reading_is_kept_all_the_same(store: Store) -> None:
    now_us = 1_790_000_000_000_000
    kept = await asyncio.to_thread(mouth.keep_entered, readings([(1, now_us, 4.0)]))
    assert kept.outcome.tolist() == [Outcome.KEPT]
    assert [row[2] for row in store.observations()] == [4.0]


@pytest.mark.django_db
def test_the_address_is_the_configured_one_whole(tmp_path: Path) -> None:
    known = conninfo_to_dict(mouth._dsn(Configuration(home=tmp_path, postgres_dsn=EXTERNAL)))
    assert (known["host"], known["sslmode"], known["sslrootcert"]) == (
        "database.example", "verify-full", "/etc/city/root.pem",
    )  # fmt: skip


def test_the_pages_speak_to_the_database_as_the_address_says(own_home: Path) -> None:
    asked = "from cityloop.site.settings import DATABASES as d; print(d['default']['OPTIONS'])"
    told = {**os.environ, "CITYLOOP_HOME": str(own_home), "CITYLOOP_POSTGRES_DSN": EXTERNAL}
    path = {"PYTHONPATH": os.pathsep.join(sys.path)}
    answer = subprocess.run(  # noqa: S603  our own program
        [sys.executable, "-c", asked], env=told | path, check=True, capture_output=True, text=True
    )
    assert answer.stdout.strip() == str({"sslmode": "verify-full", "sslrootcert": "/etc/city/root.pem"})
