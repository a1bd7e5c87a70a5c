"""Figures, read by machines; and what is answered while the database is away."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.http import require_GET
from django.views.defaults import server_error
from prometheus_client import CONTENT_TYPE_LATEST

from cityloop.registry.facade import Right, machine_of, person_of, public
from cityloop.site.configuration import configuration
from cityloop.site.operation.city import exposition

RETRY_S = 5
"""When a reader should come again while the database is away, seconds."""


@require_GET
@public
def metrics(request: HttpRequest) -> HttpResponse:
    """Give all figures to a token of the city's own that may read, or to a platform operator; else 401."""
    machine = machine_of(request)
    reads = machine is not None and machine.may_read and machine.reaches_all
    if not reads and Right.OPERATE_PLATFORM not in person_of(request).rights:
        return HttpResponse("401\n", status=401, headers={"WWW-Authenticate": "Bearer"}, content_type="text/plain")
    return HttpResponse(exposition(configuration()), content_type=CONTENT_TYPE_LATEST)


def failed(request: HttpRequest) -> HttpResponse:
    """Answer for a view that has failed: 503 while the database is away, else 500."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return HttpResponse(render_to_string("503.html"), status=503, headers={"Retry-After": str(RETRY_S)})
    return server_error(request)
