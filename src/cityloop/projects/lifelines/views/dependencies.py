"""The dependencies: choose what is lost, see what fails after how many hours."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from cityloop.projects.lifelines import facade
from cityloop.projects.lifelines.facade import EDGES, HIGH, NODES, WIDE, Affected, Effect, NodeKind
from cityloop.projects.lifelines.views.moments import moment_asked
from cityloop.registry.facade import Right, requires

HALF_WIDE, FIRST_LINE, SECOND_LINE = WIDE // 2, 20, 38


@requires(Right.SEE_PROJECTS)
@require_safe
def dependencies(request: HttpRequest) -> HttpResponse:
    """Show the dependencies as picture and table, with what the chosen loss reaches."""
    lost = request.GET.getlist("lost")
    reached = facade.affected_by(lost, nodes=NODES, edges=EDGES) if lost else ()
    titles = {node.code: node.title for node in NODES}
    context = {
        "moment": moment_asked(request),
        "picture": _picture(reached),
        "choices": [
            (kind, [(node, node.code in lost) for node in NODES if node.kind is kind])
            for kind in NodeKind
            if kind is not NodeKind.SERVED
        ],
        "lost": [titles[code] for code in dict.fromkeys(lost)],
        "reached": [(one, titles[one.code], titles[one.through.source]) for one in reached if one.through is not None],
        "edges": [(titles[edge.source], titles[edge.target], edge) for edge in EDGES],
    }
    return render(request, "lifelines/dependencies.html", context)


def _picture(reached: tuple[Affected, ...]) -> dict[str, Any]:
    layout, states = facade.laid_out(NODES, EDGES), {one.code: one for one in reached}
    used = {id(one.through) for one in reached}
    return {
        "width": layout.width,
        "height": layout.height,
        "wide": WIDE,
        "high": HIGH,
        "boxes": [
            {
                "node": box.node, "x": box.x, "y": box.y, "middle": box.x + HALF_WIDE, "first": box.y + FIRST_LINE,
                "second": box.y + SECOND_LINE, "reached": states.get(box.node.code),
                "look": _look(states.get(box.node.code)),
            }
            for box in layout.boxes
        ],
        "paths": [
            {"d": drawn.path, "is_used": id(drawn.edge) in used, "is_weak": drawn.edge.effect is Effect.WEAKENS}
            for drawn in sorted(layout.paths, key=lambda drawn: id(drawn.edge) in used)
        ],
    }  # fmt: skip


def _look(reached: Affected | None) -> str:
    if reached is None:
        return "stands"
    if reached.through is None:
        return "lost"
    return str(reached.effect)


__all__ = ["dependencies"]
