"""Clients of a running city."""

from collections.abc import Iterator

import pytest

from tests.city import City
from tests.journeys.sta import Sta


@pytest.fixture(scope="session")
def token(city: City) -> str:
    return city.token("conformance")


@pytest.fixture
def sta(city: City, token: str) -> Iterator[Sta]:
    with city.machine(token) as client:
        yield Sta(client)
