"""What fails after how many hours: a loss followed along the dependencies of the lifelines."""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cityloop.kernel.errors import CityloopError
from cityloop.kernel.text import Text


class NodeKind(StrEnum):
    """What a node of the dependencies is, in the order of the picture's columns."""

    LINE = "line"
    WORKS = "works"
    STATION = "station"
    SERVED = "served"


class Effect(StrEnum):
    """What the loss of a source does to what hangs on it."""

    FAILS = "fails"
    WEAKENS = "weakens"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Something that supplies or is supplied.

    Attributes:
        code: unique.
        title: its name.
        kind: what it is.
        things: codes of the things that stand for it on the map; a trailing `*` means all that begin so.
    """

    code: str
    title: Text
    kind: NodeKind
    things: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """One thing that hangs on another.

    Attributes:
        source: code of what supplies.
        target: code of what is supplied.
        reserve_hours: how long the target goes on without the source, hours, >= 0.
        reserve: what carries it so long: battery, tank, storage.
        effect: whether the target then fails, or goes on with less.
        basis: where the hours come from.
        confirmed: whether the authority has confirmed them.
    """

    source: str
    target: str
    reserve_hours: float
    reserve: Text
    effect: Effect = Effect.FAILS
    basis: Text
    confirmed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """What a loss does to a node.

    Attributes:
        code: the node.
        after_hours: hours after the loss, 0 for what is lost itself.
        effect: whether it fails or goes on with less.
        through: the edge by which the loss reaches it first, None for what is lost itself.
    """

    code: str
    after_hours: float
    effect: Effect
    through: Edge | None


class UnknownNodeError(CityloopError):
    """A dependency or a loss names something that is not in the picture."""

    key = "Nothing of the name %(code)s is among the dependencies."


def affected_by(lost: Iterable[str], *, nodes: Sequence[Node], edges: Sequence[Edge]) -> tuple[Affected, ...]:
    """Return what a loss reaches, the soonest first.

    Only what fails carries the loss on; what goes on with less does not. Every node is reached at its earliest hour,
    so a circle of dependencies ends by itself.

    Args:
        lost: codes of what is lost at hour 0.
        nodes: all nodes.
        edges: all dependencies, reserves >= 0.

    Returns:
        One entry a node that is reached; of nodes that are weakened first and fail later, the failure.

    Raises:
        UnknownNodeError: if a loss or an edge names no node.
    """
    known = {node.code for node in nodes}
    at_start = list(dict.fromkeys(lost))
    for code in (*at_start, *(code for edge in edges for code in (edge.source, edge.target))):
        if code not in known:
            raise UnknownNodeError(code=code)
    failed = _failures(at_start, edges)
    weakened = _weakened(failed, edges)
    order = {node.code: number for number, node in enumerate(nodes)}
    found = (*failed.values(), *weakened.values())
    return tuple(sorted(found, key=lambda one: (one.after_hours, one.effect, order[one.code])))


def _failures(lost: Iterable[str], edges: Sequence[Edge]) -> dict[str, Affected]:
    """Return when each node fails: the shortest way along the reserves (Dijkstra 1959)."""
    leaving: defaultdict[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        if edge.effect is Effect.FAILS:
            leaving[edge.source].append(edge)
    waiting: list[tuple[float, int, str, Edge | None]] = [(0.0, number, code, None) for number, code in enumerate(lost)]
    heapq.heapify(waiting)
    failed: dict[str, Affected] = {}
    pushed = len(waiting)
    while waiting:
        after, _, code, through = heapq.heappop(waiting)
        if code in failed:
            continue
        failed[code] = Affected(code=code, after_hours=after, effect=Effect.FAILS, through=through)
        for edge in leaving[code]:
            heapq.heappush(waiting, (after + edge.reserve_hours, pushed, edge.target, edge))
            pushed += 1
    return failed


def _weakened(failed: dict[str, Affected], edges: Sequence[Edge]) -> dict[str, Affected]:
    found: dict[str, Affected] = {}
    for edge in edges:
        source = failed.get(edge.source)
        if edge.effect is not Effect.WEAKENS or source is None or edge.target in failed:
            continue
        after = source.after_hours + edge.reserve_hours
        before = found.get(edge.target)
        if before is None or after < before.after_hours:
            found[edge.target] = Affected(code=edge.target, after_hours=after, effect=Effect.WEAKENS, through=edge)
    return found


__all__ = ["Affected", "Edge", "Effect", "Node", "NodeKind", "UnknownNodeError", "affected_by"]
