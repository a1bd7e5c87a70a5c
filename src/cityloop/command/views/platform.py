"""The platform as its operator sees it: what comes in, what listens, what was refused."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_GET

from cityloop.command import facade
from cityloop.command.views.feed import hub
from cityloop.command.views.trace import refused
from cityloop.convey import facade as convey
from cityloop.journal import facade as journal
from cityloop.registry.facade import Right, requires


@require_GET
@requires(Right.OPERATE_PLATFORM)
def platform(request: HttpRequest) -> HttpResponse:
    """Show how the platform runs."""
    now = timezone.now()
    stages = facade.stages(now)
    tiles = [
        _tile(gettext("Readings kept today"), stages.readings_today),
        _tile(
            gettext("Readings kept a second, over the last seconds"),
            stages.readings_per_s,
            unit=gettext("/s"),
            decimals=1,
        ),
        _tile(gettext("Walls open at this web process"), hub().watching),
        _tile(gettext("Walls dropped because they were too slow"), hub().dropped),
    ]
    context = {
        "now": now,
        "tiles": tiles,
        "listeners": journal.listener_states(),
        "positions": convey.stream_positions(),
    }
    return render(request, "command/platform.html", {**context, **refused()})


def _tile(title: str, value: float, *, unit: str = "", decimals: int = 0) -> dict[str, Any]:
    return {"title": title, "value": value, "unit": unit, "decimals": decimals}
