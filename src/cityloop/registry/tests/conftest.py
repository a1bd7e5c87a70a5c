"""What the registry's tests stand on."""

from collections.abc import AsyncIterator, Callable

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import Client

from cityloop.registry import facade
from cityloop.registry.models import Person
from cityloop.registry.services.demo import DEMO_PEOPLE
from tests.seeds import seed_registry

PASSWORD = "a-long-demo-word"

SignIn = Callable[[str], Client]


@pytest.fixture
def seeded(db: None) -> None:  # noqa: ARG001  the database must stand
    """Fill areas, calendar and organisations."""
    seed_registry()


@pytest.fixture
def people(seeded: None) -> dict[str, facade.PersonView]:  # noqa: ARG001  posts name areas and organisations
    """Make the demo's people."""
    facade.ensure_demo_people(PASSWORD)
    known = {one.username for one in DEMO_PEOPLE}
    return {one.username: one for one in facade.people() if one.username in known}


@pytest.fixture
def sign_in(people: dict[str, facade.PersonView]) -> SignIn:  # noqa: ARG001  there must be somebody
    """Return a browser in which an account is signed in, without the way through the login page."""

    def browser(username: str) -> Client:
        client = Client()
        client.force_login(Person.objects.get(username=username))
        return client

    return browser


@pytest.fixture
async def threads() -> AsyncIterator[None]:
    """Close what the threads behind `sync_to_async` opened, or the test database cannot be dropped."""
    yield
    await sync_to_async(connections.close_all)()
