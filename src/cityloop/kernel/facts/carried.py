"""Facts of the nodes of the government cloud."""

from dataclasses import dataclass

from cityloop.kernel.facts.base import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeIntroduced(Fact):
    """A node has told what it is: after its first connection, a new version, or a database made anew.

    Attributes:
        number: of the node.
        version: of its product.
        incarnation: which database of it counts from now on.
    """

    number: int
    version: str
    incarnation: str
