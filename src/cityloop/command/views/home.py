"""The first page: where a person's work is."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from cityloop.registry.facade import Right, person_of, personal

_WORK = (
    (Right.ACT_ON_ALARMS, "/wall/"),
    (Right.ACCEPT_CASES, "/cases/"),
    (Right.DISPATCH_CASES, "/cases/"),
    (Right.HANDLE_CASES, "/cases/"),
    (Right.VERIFY_CASES, "/cases/"),
    (Right.SEE_WALL, "/wall/"),
    (Right.OPERATE_PLATFORM, "/platform/"),
    (Right.MANAGE_PEOPLE, "/people/"),
    (Right.READ_AUDIT, "/audit/"),
    (Right.SEE_CASES, "/cases/"),
)
"""The first right a person holds decides; without any of them the welcome page lists what there is."""


@require_GET
@personal
def home(request: HttpRequest) -> HttpResponse:
    """Lead a person to the page of the post."""
    person = person_of(request)
    page = next((page for right, page in _WORK if right in person.rights), None)
    return redirect(page) if page else render(request, "command/welcome.html", {"who": person})
