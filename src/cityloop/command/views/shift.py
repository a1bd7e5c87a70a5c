"""The shift: what stands open, the hand-over, the duty log."""

from dataclasses import asdict

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from cityloop.command import facade
from cityloop.kernel.errors import CityloopError
from cityloop.registry.facade import Right, area_name, person_of, reach_of, requires

DIGITS_MAX = 18
"""Longest number that is looked at, digits: it fits a bigint."""


class NotANumberError(CityloopError):
    """A number was asked for."""

    key = "This is not a number: %(said)s."
    status = 422


@require_http_methods(["GET", "POST"])
@requires(Right.HAND_OVER_SHIFT)
def shift(request: HttpRequest) -> HttpResponse:
    """Show the shift, or hand it over."""
    person = person_of(request)
    if request.method == "POST":
        facade.hand_over(
            person, taking_over=_number(request.POST.get("taking_over", "")), note=request.POST.get("note", "")
        )
        messages.success(request, gettext("The shift has been handed over."))
        return redirect("command:shift")
    area = reach_of(person, Right.HAND_OVER_SHIFT)
    items, _ = facade.open_items(person)
    log = [
        {**asdict(entry), "person_name": entry.person_name, "kind_words": facade.LOG_KINDS[entry.kind]}
        for entry in facade.log_entries(area)
    ]
    context = {
        "area": area_name(area), "duty": facade.on_duty(area), "items": items, "log": log,
        "officers": facade.next_officers(person), "handovers": facade.handovers(area),
        "log_kinds": facade.LOG_KINDS,
    }  # fmt: skip
    return render(request, "command/shift.html", context)


@require_POST
@requires(Right.HAND_OVER_SHIFT)
def log(request: HttpRequest) -> HttpResponse:
    """Write an entry into the duty log."""
    person = person_of(request)
    corrects = request.POST.get("corrects", "").strip()
    facade.write_log(
        reach_of(person, Right.HAND_OVER_SHIFT),
        person=person.person_id,
        kind=request.POST.get("kind", ""),
        words=request.POST.get("words", ""),
        corrects=_number(corrects) if corrects else None,
    )
    messages.success(request, gettext("The entry stands in the log."))
    return redirect("command:shift")


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > DIGITS_MAX:
        raise NotANumberError(said=text[:DIGITS_MAX])
    return int(text)
