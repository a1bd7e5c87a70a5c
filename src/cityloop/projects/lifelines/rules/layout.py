"""Where the nodes of the dependencies stand in the picture, and how the lines between them run; in picture units."""

from collections.abc import Sequence
from dataclasses import dataclass

from cityloop.projects.lifelines.rules.dependencies import Edge, Node, NodeKind

WIDE, HIGH = 176, 46
COLUMN_STEP, ROW_STEP = 300, 74
MARGIN = 14
LABEL_ROOM = 34


@dataclass(frozen=True, slots=True)
class Placed:
    """A node with the upper left corner of its box."""

    node: Node
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """An edge as a path."""

    edge: Edge
    path: str


@dataclass(frozen=True, slots=True)
class Layout:
    """The picture's size, boxes and paths."""

    width: int
    height: int
    boxes: tuple[Placed, ...]
    paths: tuple[Drawn, ...]


def laid_out(nodes: Sequence[Node], edges: Sequence[Edge]) -> Layout:
    """Return the picture: a column a kind of node, rows in the order given, edges as curves from side to side.

    Args:
        nodes: each code once.
        edges: between these nodes.
    """
    columns = [[node for node in nodes if node.kind is kind] for kind in NodeKind]
    rows = max((len(column) for column in columns), default=0)
    height = rows * ROW_STEP + 2 * MARGIN
    boxes = {
        node.code: Placed(node, MARGIN + number * COLUMN_STEP, _row_y(row, len(column), height))
        for number, column in enumerate(columns)
        for row, node in enumerate(column)
    }
    paths = tuple(Drawn(edge, _path(boxes[edge.source], boxes[edge.target])) for edge in edges)
    width = (len(columns) - 1) * COLUMN_STEP + WIDE + 2 * MARGIN + LABEL_ROOM
    return Layout(width, height, tuple(boxes.values()), paths)


def _row_y(row: int, rows: int, height: int) -> int:
    step = (height - 2 * MARGIN) / max(rows, 1)
    return round(MARGIN + step * (row + 0.5) - HIGH / 2)


def _path(source: Placed, target: Placed) -> str:
    from_y, to_y = source.y + HIGH // 2, target.y + HIGH // 2
    if target.x > source.x:
        start, end = source.x + WIDE, target.x
        bend = min(130, (end - start) // 2)
        return f"M{start} {from_y}C{start + bend} {from_y} {end - bend} {to_y} {end} {to_y}"
    if target.x < source.x:
        start, end = source.x, target.x + WIDE
        bend = min(130, (start - end) // 2)
        return f"M{start} {from_y}C{start - bend} {from_y} {end + bend} {to_y} {end} {to_y}"
    side = source.x + WIDE
    return f"M{side} {from_y}C{side + 44} {from_y} {side + 44} {to_y} {side} {to_y}"


__all__ = ["HIGH", "WIDE", "Drawn", "Layout", "Placed", "laid_out"]
