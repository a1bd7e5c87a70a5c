"""Requests to those upstream: the list, a new one, one with its way and its frozen picture, and how it prints."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cityloop.kernel.errors import CityloopError, NotFoundError
from cityloop.projects.lifelines import facade
from cityloop.projects.lifelines.facade import Line, Portion, RequestState, RequestStep, RequestView
from cityloop.projects.lifelines.forms import DraftForm, RequestStepForm, WishForm, revision_of
from cityloop.projects.lifelines.views.asked import instant_asked
from cityloop.projects.lifelines.views.charts import chart_of, figures_of
from cityloop.registry import facade as registry
from cityloop.registry.facade import Right, in_words, person_of, requires, sentence_of

REFUSED = 422
DIGITS_MAX = 10
"""Longest version that is looked at, digits."""


@requires(Right.SEE_COORDINATION)
@require_safe
def request_list(request: HttpRequest) -> HttpResponse:
    """List the requests the reader may see, what waits for an answer first."""
    person, now = person_of(request), instant_asked(request)
    line, tab = _line(request.GET.get("line", "")), request.GET.get("tab", "open")
    text = request.GET.get("text", "").replace("\0", "").strip()[:60]
    states = (RequestState.CLOSED,) if tab == "ended" else facade.OPEN_STATES
    found = facade.requests_of(person, line=line, states=states, text=text)
    rows = [_row(one, now) for one in found]
    context = {
        "rows": rows,
        "tab": "ended" if tab == "ended" else "open",
        "lines": [(one.value, title, one is line) for one, title in facade.LINE_TITLES.items()],
        "text": text,
        "is_narrowed": bool(text or line),
        "may_draft": bool(facade.lines_of(person, Right.DRAFT_COORDINATION)),
        "mine": [row for row in rows if _decides(row["request"], request)],
        "now": now,
    }
    return render(request, "lifelines/requests/list.html", context)


def _decides(found: RequestView, request: HttpRequest) -> bool:
    moves = {move.step for move in facade.request_steps_open_to(found, person_of(request))}
    return found.state is RequestState.DRAFT and RequestStep.APPROVE in moves


def _line(text: str) -> Line | None:
    return Line(text) if text in set(Line) else None


def _row(found: RequestView, now: datetime) -> dict[str, Any]:
    return {
        "request": found,
        "line": facade.LINE_TITLES[found.line],
        "state": facade.STATE_TITLES[found.state],
        "outcome": facade.OUTCOME_TITLES[found.outcome] if found.outcome else None,
        "is_overdue": found.is_overdue(now),
    }


@requires(Right.DRAFT_COORDINATION)
@require_http_methods(["GET", "HEAD", "POST"])
def new_request(request: HttpRequest) -> HttpResponse:
    """Draft a request for a line, with the picture of the line that is frozen into it."""
    person, now = person_of(request), timezone.now()
    lines = facade.lines_of(person, Right.DRAFT_COORDINATION)
    line = _line(request.GET.get("line", ""))
    if line is not None and line not in lines:
        raise NotFoundError(what=_("This line"))
    if line is None:
        choices = [(one.value, facade.LINE_TITLES[one]) for one in lines]
        return render(request, "lifelines/requests/choose.html", {"lines": choices})
    at = instant_asked(request)
    picture = facade.picture_of_line(line, at)
    form = DraftForm(request.POST, unit=picture.day.supply.unit) if request.POST else DraftForm.of_picture(picture)
    status = 200
    if form.is_bound:
        status = REFUSED
        if form.is_valid():
            try:
                made = facade.draft_request(
                    line, form.wish(), picture, person=person, token=form.cleaned_data["token"], now=now,
                    alarm_id=form.cleaned_data["alarm_id"], case_id=form.cleaned_data["case_id"],
                )  # fmt: skip
            except registry.AccessDeniedError:
                raise
            except CityloopError as error:
                form.add_error(error.field if error.field in form.fields else None, sentence_of(error))
                status = error.status
            else:
                return HttpResponseRedirect(reverse("lifelines:request", args=[made]))
    context = {
        "form": form, "line": facade.LINE_TITLES[line], "picture": picture, "figures": figures_of(picture),
        **chart_of(picture),
    }  # fmt: skip
    return render(request, "lifelines/requests/new.html", context, status=status)


@requires(Right.SEE_COORDINATION)
@require_safe
def one_request(request: HttpRequest, request_id: int) -> HttpResponse:
    """Show a request: what is asked, why, the frozen picture, its way, and what the reader can do about it."""
    return _page(request, facade.request_for(person_of(request), request_id))


@requires(Right.SEE_COORDINATION)
@require_safe
def printed_request(request: HttpRequest, request_id: int) -> HttpResponse:
    """Show a request as it is printed and sent."""
    found = facade.request_for(person_of(request), request_id)
    return render(request, "lifelines/requests/print.html", _context(request, found))


def _page(  # noqa: PLR0913  what a refused step shows again
    request: HttpRequest,
    found: RequestView,
    *,
    bound: RequestStepForm | None = None,
    wish: WishForm | None = None,
    fault: str = "",
    status: int = 200,
) -> HttpResponse:
    moves = facade.request_steps_open_to(found, person_of(request))
    forms = [
        bound if bound is not None and bound.move == move else RequestStepForm(found=found, move=move) for move in moves
    ]
    steps = {move.step for move in moves}
    context = _context(request, found) | {
        "forms": [(form, facade.STEP_TITLES[form.move.step], _wish_form(form, found, wish, bound)) for form in forms],
        "decides": RequestStep.APPROVE in steps,
        "fault": fault,
        "hands": [
            facade.HAND_TITLES[hand]
            for hand in dict.fromkeys(move.hand for move in facade.REQUEST_MACHINE if move.state_before is found.state)
        ],
    }
    return render(request, "lifelines/requests/one.html", context, status=status)


def _wish_form(
    form: RequestStepForm, found: RequestView, wish: WishForm | None, bound: RequestStepForm | None
) -> WishForm | None:
    if form.move.step is not RequestStep.REVISE:
        return None
    return wish if wish is not None and form is bound else revision_of(found)


def _context(request: HttpRequest, found: RequestView) -> dict[str, Any]:
    now = instant_asked(request)
    picture = facade.picture_of_request(found.request_id)
    portion = Portion(begins_at=found.begins_at, ends_at=found.ends_at, quantity=found.granted or 0.0)
    factor = facade.MAKES[found.line].day_factor
    supply = facade.supply_with(picture.curve, [portion], day_factor=factor)
    steps, deliveries = facade.request_steps(found.request_id), facade.deliveries_of(found.request_id)
    names = registry.actor_names(
        {found.drafted_by, *(one.actor for one in steps), *(one.noted_by for one in deliveries)}
    )
    row = {name: value for name, value in _row(found, now).items() if name != "request"}
    return row | {
        "request_view": found,
        "organisation": registry.organisation_name(found.organisation),
        "picture": picture,
        "figures": figures_of(picture),
        "is_whole": facade.is_seal_whole(found.request_id),
        "steps": [
            (one, facade.STEP_TITLES[one.step], facade.STATE_TITLES[one.state], names[one.actor], _role(one.role))
            for one in steps
        ],
        "deliveries": [(one, names[one.noted_by]) for one in deliveries],
        "delivered": facade.delivered_mean(found.request_id),
        "drafter": names[found.drafted_by],
        "may_trace": Right.SEE_TRACE in person_of(request).rights,
        "may_alarms": Right.SEE_WALL in person_of(request).rights,
        "may_cases": Right.SEE_CASES in person_of(request).rights,
        "gap_after": _gap_after(found, picture),
        "now": now,
        **chart_of(picture, supply),
    }


def _gap_after(found: RequestView, picture: facade.Picture) -> float | None:
    """Return the gap of a whole day on which what was granted runs, None before an answer."""
    gap = picture.day.gap.value
    return None if gap is None or found.granted is None else gap - found.granted


def _role(code: str) -> Any:
    return registry.ROLES[registry.Role(code)].title if code in set(registry.Role) else ""


@requires(Right.SEE_COORDINATION)
@require_POST
def step_request(request: HttpRequest, request_id: int) -> HttpResponse:
    """Move a request one step; what is refused is said on its page, and nothing has changed then."""
    person, now = person_of(request), timezone.now()
    found = facade.request_for(person, request_id)
    step, version = request.POST.get("step", ""), request.POST.get("version", "")
    rows = [one for one in facade.REQUEST_MACHINE if one.step == step]
    move = next((one for one in rows if one.state_before is found.state), rows[0] if rows else None)
    if move is None:
        raise NotFoundError(what=_("This step"))
    form = RequestStepForm(request.POST, found=found, move=move)
    wish = revision_of(found, request.POST) if move.step is RequestStep.REVISE else None
    if not (form.is_valid() and (wish is None or wish.is_valid())):
        return _page(request, found, bound=form, wish=wish, status=REFUSED)
    try:
        facade.take_request_step(
            request_id, move.step, form.changes(wish.wish() if wish else None), person=person,
            version=int(version) if version.isascii() and version.isdigit() and len(version) < DIGITS_MAX else -1,
            now=now,
        )  # fmt: skip
    except registry.AccessDeniedError:
        raise
    except CityloopError as error:
        newest = facade.request_for(person, request_id)
        return _page(request, newest, bound=form, wish=wish, fault=sentence_of(error), status=error.status)
    words = {"step": in_words(facade.STEP_TITLES[move.step]), "number": found.number}
    messages.success(request, _("Done: %(step)s, %(number)s.") % words)
    return HttpResponseRedirect(reverse("lifelines:request", args=[request_id]))
