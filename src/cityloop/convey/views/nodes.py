"""The nodes of the government cloud as the platform operator sees them."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from cityloop.convey.facade import nodes as facade
from cityloop.registry.facade import Right, area_name, requires


@require_GET
@requires(Right.OPERATE_PLATFORM)
def node_list(request: HttpRequest) -> HttpResponse:
    """Show how each node stands: lag, backlog, version, clock; and what waits here for the node above."""
    now = timezone.now()
    rows = [
        {
            "node": node,
            "area": area_name(node.area),
            "is_bad": node.state in {facade.NodeState.CUT_OFF, facade.NodeState.CATCHING_UP},
            "clock_off": node.clock_ahead_s is not None and abs(node.clock_ahead_s) > facade.CLOCK_APART_S_MAX,
        }
        for node in facade.nodes(now)
    ]
    context = {"now": now, "rows": rows, "has_hub": facade.has_hub(), "upward": facade.backlog_for(facade.HUB)}
    return render(request, "convey/nodes.html", context)
