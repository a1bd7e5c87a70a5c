"""What every fact carries, and how facts point at what caused them."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID, uuid4

from cityloop.kernel.areas import AreaCode
from cityloop.kernel.text import Text


class RefKind(StrEnum):
    """What a reference points at."""

    FACT = "fact"
    OBSERVATION = "observation"
    AGGREGATE = "aggregate"


@dataclass(frozen=True, slots=True)
class Ref:
    """A reference to a cause: a fact, an observation, or an aggregate of very many.

    Attributes:
        kind: what it points at.
        key: the fact's UUID, the observation's int64 id, or the aggregate's selector, as text.
        parameters: of an aggregate only: what the selector was asked, JSON values.
        as_of: of an aggregate only: the journal position `xid:seq` up to which it looked.
    """

    kind: RefKind
    key: str
    parameters: dict[str, Any] = field(default_factory=dict)
    as_of: str = ""

    @classmethod
    def fact(cls, fact_id: UUID) -> "Ref":
        """Return a reference to a fact."""
        return cls(RefKind.FACT, str(fact_id))

    @classmethod
    def observation(cls, observation_id: int) -> "Ref":
        """Return a reference to an observation."""
        return cls(RefKind.OBSERVATION, str(observation_id))

    @classmethod
    def aggregate(cls, selector: str, parameters: dict[str, Any], *, as_of: str) -> "Ref":
        """Return a reference to what a selector yields.

        `journal.facts` is the selector every room can use: parameters `kind` (a fact kind), and optionally `area`
        (facts of that area and below), `from` and `until` (ISO 8601; of `happened_at`, or of the instant in the
        fact's body that `by` names).
        """
        return cls(RefKind.AGGREGATE, selector, parameters, as_of)


@dataclass(frozen=True, slots=True, kw_only=True)
class FactWords:
    """How a trace tells a kind of fact that the duty room does not know by itself: one of an application project.

    Attributes:
        title: what the kind is called.
        fields: which of its fields are told, and what each is called.
        page: address of the page of what it is about, with `{field}` for fields of the fact; empty for none.
        page_title: what that page is called.
    """

    title: Text
    fields: dict[str, Text] = field(default_factory=dict)
    page: str = ""
    page_title: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something that has happened.

    Attributes:
        fact_id: unique over all nodes.
        happened_at: when, aware.
        actor: who, an opaque code `kind:key`, such as `person:17`, `device:pump-3`, `watch:water-pressure-low`,
            `system:loop`.
        area: where, a place code.
        causes: what it followed from.
        kinds: every kind there is, by name.
        words: of a project's own kind: how it is told.
    """

    fact_id: UUID
    happened_at: datetime
    actor: str
    area: AreaCode
    causes: tuple[Ref, ...] = ()

    kinds: ClassVar[dict[str, type["Fact"]]] = {}
    words: ClassVar[FactWords | None] = None

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Enter the kind into the table of kinds, so that the journal can give facts back as what they were."""
        super(Fact, cls).__init_subclass__(**arguments)
        Fact.kinds[fact_kind(cls)] = cls


def fact_kind(kind: type[Fact]) -> str:
    """Return the name a kind of fact has in the journal: `decided.AlarmRaised`."""
    return f"{kind.__module__.rsplit('.', 1)[-1]}.{kind.__qualname__}"


def registered_facts() -> dict[str, type[Fact]]:
    """Return all kinds of fact that have been imported, by name."""
    return dict(Fact.kinds)


def new_fact_id() -> UUID:
    """Return a new fact id, unique over all nodes."""
    return uuid4()
