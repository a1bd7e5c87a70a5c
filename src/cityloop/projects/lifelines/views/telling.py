"""The page on which a group's dispatcher tells the line's day."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from cityloop.kernel.errors import CityloopError, NotFoundError
from cityloop.projects.lifelines import facade
from cityloop.projects.lifelines.facade import MAKES, Line
from cityloop.projects.lifelines.forms import ReasonForm, TellForm
from cityloop.projects.lifelines.views.asked import line_asked
from cityloop.registry.facade import Right, may, person_of, require, requires, sentence_of

REFUSED = 422


@requires(Right.SUBMIT_LINE_DATA)
@require_http_methods(["GET", "HEAD", "POST"])
def tell(request: HttpRequest, line: str) -> HttpResponse:
    """Show what was told of a line's day, and take in a figure or a reason."""
    asked, who = line_asked(line), person_of(request)
    if request.method == "POST":
        require(who, Right.SUBMIT_LINE_DATA, organisation=MAKES[asked].owner, what=f"{asked} day")
    elif not may(who, Right.SUBMIT_LINE_DATA, organisation=MAKES[asked].owner):
        raise NotFoundError(what=_("This line"))
    today = facade.local_day(timezone.now())
    is_reason = "text" in request.POST
    figure = TellForm(
        request.POST if request.method == "POST" and not is_reason else None, line=asked, initial={"day": today}
    )
    reason = ReasonForm(request.POST if is_reason else None, initial={"reason_day": today})
    status = 200
    if request.method == "POST":
        done = _given(asked, who.person_id, reason) if is_reason else _told(asked, who.person_id, figure)
        if done:
            messages.success(request, _("Kept."))
            return HttpResponseRedirect(reverse("lifelines:tell", args=[asked]))
        status = REFUSED
    context: dict[str, Any] = {
        "make": MAKES[asked], "line": asked, "day": today, "rows": facade.told_rows(asked, today), "form": figure,
        "reason": reason, "row": facade.line_day(asked, timezone.now()),
    }  # fmt: skip
    return render(request, "lifelines/tell.html", context, status=status)


def _told(line: Line, person_id: int, form: TellForm) -> bool:
    if not form.is_valid():
        return False
    try:
        facade.tell(line, person_id=person_id, telling=form.telling())
    except CityloopError as error:
        form.add_error(error.field if error.field in form.fields else None, sentence_of(error))
        return False
    return True


def _given(line: Line, person_id: int, form: ReasonForm) -> bool:
    if not form.is_valid():
        return False
    kind, text, day = form.chosen()
    try:
        facade.give_reason(line, person_id=person_id, day=day, kind=kind, text=text)
    except CityloopError as error:
        field = {"day": "reason_day"}.get(error.field or "", error.field)
        form.add_error(field if field in form.fields else None, sentence_of(error))
        return False
    return True
