"""Figures and health, read by machines."""

import time

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET
from prometheus_client import CONTENT_TYPE_LATEST

from cityloop.registry.facade import Right, machine_of, person_of, public
from cityloop.site.configuration import configuration
from cityloop.site.engines import nats
from cityloop.site.operation.city import exposition
from cityloop.site.processes import home_folder
from cityloop.site.supervisor.state import read_state


@require_GET
@public
def metrics(request: HttpRequest) -> HttpResponse:
    """Give all figures to a token of the city's own that may read, or to a platform operator; else 401."""
    machine = machine_of(request)
    reads = machine is not None and machine.may_read and machine.reaches_all
    if not reads and Right.OPERATE_PLATFORM not in person_of(request).rights:
        return HttpResponse("401\n", status=401, headers={"WWW-Authenticate": "Bearer"}, content_type="text/plain")
    return HttpResponse(exposition(configuration()), content_type=CONTENT_TYPE_LATEST)


@require_GET
@public
def health(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  every view takes it
    """Say whether the city answers: 200 where database, transport and processes do, else 503; names no details."""
    settings = configuration()
    parts = {
        "database": _database_answers(),
        "transport": bool(settings.nats_url) or nats.answers(settings),
        "processes": all(one["pid"] is not None for one in read_state(home_folder(settings))["processes"]),
    }
    whole = all(parts.values())
    told = {name: "up" if stands else "down" for name, stands in parts.items()}
    answer = {"status": "up" if whole else "down", **told, "at": int(time.time())}
    return JsonResponse(answer, status=200 if whole else 503, headers={"Cache-Control": "no-store"})


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True
