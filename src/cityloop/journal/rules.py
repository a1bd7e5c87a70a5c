"""Facts to rows and back; positions."""

from dataclasses import dataclass
from typing import Any

import msgspec

from cityloop.kernel.facts import Fact, fact_kind, registered_facts

_COMMON = frozenset({"fact_id", "happened_at", "actor", "area", "causes"})


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the journal: all facts at or before it have been read."""

    transaction: int = 0
    sequence: int = 0

    def __str__(self) -> str:
        """Write it as `transaction:sequence`."""
        return f"{self.transaction}:{self.sequence}"

    @classmethod
    def parse(cls, text: str) -> "Position":
        """Read `transaction:sequence`; an empty text is the beginning.

        Raises:
            ValueError: if it is neither.
        """
        if not text:
            return cls()
        transaction, sequence = text.split(":")
        return cls(int(transaction), int(sequence))


@dataclass(frozen=True, slots=True)
class Entry:
    """A fact where it stands in the journal."""

    position: Position
    fact: Fact


def body_of(fact: Fact) -> dict[str, Any]:
    """Return what the fact carries beyond what all facts carry, as JSON values."""
    whole = msgspec.to_builtins(fact)
    return {name: value for name, value in whole.items() if name not in _COMMON}


def fact_from(*, kind: str, body: dict[str, Any], common: dict[str, Any]) -> Fact | None:
    """Return the fact a row holds, None for a kind this release does not know.

    Args:
        kind: its name, `decided.AlarmRaised`.
        body: what `body_of` gave.
        common: `fact_id, happened_at, actor, area, causes` as Python objects.

    Raises:
        msgspec.ValidationError: if the body does not fit the kind.
    """
    fact_type = registered_facts().get(kind)
    if fact_type is None:
        return None
    builtins = msgspec.to_builtins(common)
    return msgspec.convert({**body, **builtins}, fact_type)


__all__ = ["Entry", "Position", "body_of", "fact_from", "fact_kind"]
