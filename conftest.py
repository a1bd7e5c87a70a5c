"""Fixtures of the whole test run.

The throw-away PostgreSQL is started by the early plugin `tests/engines.py` (`-p tests.engines` in pyproject.toml):
pytest-django reads Django's settings before any conftest is imported.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cityloop.site.configuration import Configuration
from cityloop.site.engines.throwaway import throwaway_home, throwaway_nats
from tests.city import City, running_city


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
