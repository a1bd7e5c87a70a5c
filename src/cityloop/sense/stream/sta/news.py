"""What the service tells others of changed entities."""

from collections.abc import Iterable
from typing import Protocol


class EntityNews(Protocol):
    """Is told of created and changed entities after they are durable; it never waits and never raises."""

    def changed(self, entity: str, entity_id: int, *, members: Iterable[str] | None) -> None:
        """Take note of an entity.

        Args:
            entity: name of its set, such as `Things`.
            entity_id: its id.
            members: names of the properties that changed, None for a new entity.
        """
        ...


class NoNews:
    """Tells nobody."""

    def changed(self, entity: str, entity_id: int, *, members: Iterable[str] | None) -> None:
        """Do nothing."""
