"""Fixtures of the whole test run.

The throw-away PostgreSQL is started by the early plugin `tests/engines.py` (`-p tests.engines` in pyproject.toml):
pytest-django reads Django's settings before any conftest is imported.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.db.backends.postgresql.operations import DatabaseOperations
from hypothesis import HealthCheck, settings

from cityloop.site.configuration import Configuration
from cityloop.site.engines.throwaway import throwaway_home, throwaway_nats
from tests.city import City, running_city

# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


@pytest.fixture(scope="session", autouse=True)
def _only_what_is_full_is_flushed() -> Iterator[None]:
    """Empty, after a test, the tables that hold something: truncating all of them takes ten times as long."""
    flush = DatabaseOperations.sql_flush

    def quick_flush(self: DatabaseOperations, style: Any, tables: Sequence[str], **options: Any) -> list[str]:
        named = [(f"'{table}'", self.quote_name(table)) for table in tables]
        ask = " UNION ALL ".join(f"SELECT {text} WHERE EXISTS (SELECT 1 FROM {name})" for text, name in named)
        with self.connection.cursor() as cursor:
            cursor.execute(ask)
            full = [row[0] for row in cursor.fetchall()]
        return flush(self, style, full, **{**options, "allow_cascade": True}) if full else []

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", quick_flush)
        yield


@pytest.fixture(autouse=True)
def _the_language_is_put_back() -> Iterator[None]:
    """Leave the process speaking what it spoke: commands choose their language for the whole process."""
    spoken = os.environ.get("LANGUAGE")
    yield
    os.environ.pop("LANGUAGE", None)
    if spoken is not None:
        os.environ["LANGUAGE"] = spoken


@pytest.fixture(scope="session")
def nats_server() -> Iterator[Configuration]:
    """Yield a configuration whose NATS server runs: `nats_port`, `mqtt_port`, passwords by `site.secrets`."""
    with throwaway_home() as home, throwaway_nats(home) as configuration:
        yield configuration


@pytest.fixture
def own_home() -> Iterator[Path]:
    """Yield a data folder of this test's own that the engines' account can enter."""
    with throwaway_home() as home:
        yield home


@pytest.fixture(scope="session")
def city() -> Iterator[City]:
    """Yield a whole running city with demo people and nothing that plays."""
    with running_city() as running:
        yield running
