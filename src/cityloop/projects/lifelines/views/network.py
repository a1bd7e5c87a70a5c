"""The network: the lines' things on a map by how they stand, and which hangs on which."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from cityloop.projects.lifelines import facade
from cityloop.projects.lifelines.facade import EDGES, NODES, ThingState
from cityloop.projects.lifelines.views.moments import moment_asked
from cityloop.registry import facade as registry
from cityloop.registry.facade import Right, in_words, may, person_of, requires

FINE, SILENT = "fine", "silent"
"""How a thing without alarms is drawn."""


@requires(Right.SEE_PROJECTS)
@require_safe
def network(request: HttpRequest) -> HttpResponse:
    """Show the things of the lines where the person may look, with the dependencies between them."""
    moment, person = moment_asked(request), person_of(request)
    seen = tuple(one for one in facade.things_at(moment.at) if may(person, Right.SEE_PROJECTS, area=one.area))
    links = facade.links_of(EDGES, NODES, seen)
    names = {node.code: node.title for node in NODES}
    rows = sorted(seen, key=lambda one: (int(one.level) if one.level is not None else 9, not one.is_silent, one.code))
    context = {
        "moment": moment,
        "rows": [{"thing": one, "place": registry.area_name(one.area), "state": state_of(one)} for one in rows],
        "links": [(names[edge.source], names[edge.target], edge, source, target) for edge, source, target in links],
        "data": _map(seen, links),
        "core": _map(seen, links) | {"core": True},
        "levels": sorted({one.level for one in seen if one.level is not None}),
        "may_trace": Right.SEE_TRACE in person.rights,
    }
    return render(request, "lifelines/network.html", context)


def state_of(thing: ThingState) -> str:
    """Return how a thing is drawn: its gravest level, `silent` or `fine`."""
    if thing.level is not None:
        return str(int(thing.level))
    return SILENT if thing.is_silent else FINE


def _map(things: tuple[ThingState, ...], links: tuple[Any, ...]) -> dict[str, Any]:
    districts = {
        str(view.code): {"name": in_words(registry.area_name(view.code)), "level": None, "count": 0}
        for view in registry.districts()
    }
    points = [
        {"longitude": one.longitude, "latitude": one.latitude, "level": state_of(one), "name": in_words(one.title)}
        for one in things
    ]
    lines = [
        {
            "from": [source.longitude, source.latitude], "to": [target.longitude, target.latitude],
            "weak": edge.effect is facade.Effect.WEAKENS,
        }
        for edge, source, target in links
    ]  # fmt: skip
    return {"districts": districts, "points": points, "links": lines}


__all__ = ["network", "state_of"]
