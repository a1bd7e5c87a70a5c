"""What the registry's tests stand on."""

import pytest

from cityloop.registry import facade


@pytest.fixture
def seeded(db: None) -> None:
    """Fill areas, calendar and organisations."""
    facade.seed()
