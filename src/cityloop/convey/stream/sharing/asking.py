"""Who asks for shared data, and which datastreams that makes visible: one rule for every path.

A token of the city's own machine sees all. A device's sees nothing. Any other sees its organisation's streams and those
of the data sets that contracts in force let its organisation read, within its area. What its owner has declared open
everybody sees, without a token too.
"""

from dataclasses import dataclass, field
from typing import Any, Protocol

from cityloop.kernel.areas import AreaLevel, level_of
from cityloop.kernel.errors import CityloopError
from cityloop.registry.stream import TokenRights


class TokenUnknownError(CityloopError):
    """A token came along that is not valid."""

    key = "This token is not valid."
    status = 401


class TokenNeededError(CityloopError):
    """What is asked for is not open to everybody."""

    key = "A token is needed for this."
    status = 401


class TokenMayNotReadError(CityloopError):
    """The token is not one to read with."""

    key = "This token may not read."
    status = 403


class RightsBook(Protocol):
    """Knows the tokens; `registry.stream.Rights` is one."""

    def of_token(self, bearer_token: str, /) -> TokenRights | None:
        """Return what a token may do, None where it is not valid."""
        ...


@dataclass(frozen=True, slots=True)
class Condition:
    """A part of a statement's WHERE, with its named parameters."""

    sql: str
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asker:
    """Whoever asks.

    Attributes:
        rights: of the token, None where none came along.
    """

    rights: TokenRights | None = None

    @property
    def is_limited(self) -> bool:
        """Return whether the owner is told of what is read: all but the city's own machines."""
        return self.rights is None or not self.rights.reaches_all

    @property
    def organisation(self) -> str:
        """Return whose machine asks, empty for the city's own and for nobody in particular."""
        return self.rights.organisation if self.rights else ""

    def streams(self) -> Condition:
        """Return which datastreams, named `d` in the statement, are visible."""
        if self.rights is not None and self.rights.reaches_all:
            return Condition("TRUE")
        if self.rights is None or self.rights.thing_id is not None:
            return Condition(f"({_OPEN})")
        return Condition(
            f"({_OPEN} OR ({_OWN_OR_GRANTED} AND d.area LIKE %(below)s))",
            {
                "asker": self.rights.organisation,
                "granted": sorted(self.rights.datasets),
                "below": _below(self.rights),
            },
        )

    def datasets(self) -> Condition:
        """Return which data sets, named `s` in the statement, are visible."""
        if self.rights is not None and self.rights.reaches_all:
            return Condition("TRUE")
        if self.rights is None or self.rights.thing_id is not None:
            return Condition("s.openness = 'open'")
        return Condition(
            "(s.openness = 'open' OR (s.owner <> '' AND s.owner = %(asker)s) OR s.code = ANY(%(granted)s))",
            {"asker": self.rights.organisation, "granted": sorted(self.rights.datasets)},
        )


_OPEN = (
    "(d.dataset <> '' AND d.dataset IN (SELECT code FROM convey_dataset AS opened WHERE opened.openness = 'open'"
    " AND opened.owner = d.owner))"
)

_OWN_OR_GRANTED = "((d.owner <> '' AND d.owner = %(asker)s) OR (d.dataset <> '' AND d.dataset = ANY(%(granted)s)))"


def _below(rights: TokenRights) -> str:
    return f"{rights.area[:2]}%" if level_of(rights.area) is AreaLevel.CITY else f"{rights.area}%"


def asker_of(book: RightsBook, headers: dict[bytes, bytes]) -> Asker:
    """Return who sends a request.

    Args:
        book: knows the tokens.
        headers: of the request; a token stands in `Authorization: Bearer` and nowhere else.

    Raises:
        TokenUnknownError: if a token came along that is not valid; nobody is let in as if none had come.
        TokenMayNotReadError: if it is no token to read with.
    """
    said = headers.get(b"authorization", b"").decode("latin-1")
    if not said:
        return Asker()
    scheme, _, token = said.partition(" ")
    rights = book.of_token(token.strip()) if scheme.lower() == "bearer" else None
    if rights is None:
        raise TokenUnknownError
    if not rights.may_read:
        raise TokenMayNotReadError
    return Asker(rights)


__all__ = [
    "Asker",
    "Condition",
    "RightsBook",
    "TokenMayNotReadError",
    "TokenNeededError",
    "TokenUnknownError",
    "asker_of",
]
