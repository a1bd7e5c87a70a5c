"""The demand side: the list of a line's users with import and export, proposals, a cut with its way."""

from datetime import timedelta
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
from cityloop.projects.lifelines.facade import Line, ReductionStep, ReductionView
from cityloop.projects.lifelines.forms import ImportForm, ReductionForm, ReductionStepForm
from cityloop.projects.lifelines.views.asked import instant_asked
from cityloop.projects.lifelines.views.charts import chart_of, figures_of
from cityloop.registry import facade as registry
from cityloop.registry.facade import PersonView, Right, in_words, person_of, requires, sentence_of

REFUSED = 422
DIGITS_MAX = 10
"""Longest version that is looked at, digits."""
LEAD = timedelta(hours=2)
"""How far ahead a proposal begins by itself."""
SPAN = timedelta(days=1)
"""How long a cut is thought to last before its end is given."""


def _line_of(person: PersonView, text: str, right: Right) -> Line:
    """Return a line a person has to do with; to others it is not there."""
    line = Line(text) if text in set(Line) else None
    if line is None or line not in facade.lines_of(person, right):
        raise NotFoundError(what=_("This line"))
    return line


@requires(Right.SEE_COORDINATION)
@require_safe
def reduction_list(request: HttpRequest) -> HttpResponse:
    """List the cuts the reader may see, and the lines whose users may be reduced."""
    person = person_of(request)
    lines = facade.lines_of(person, Right.SEE_COORDINATION)
    may = set(facade.lines_of(person, Right.DRAFT_COORDINATION))
    context = {
        "rows": [_row(one) for one in facade.reductions_of(person)],
        "lines": [(one.value, facade.LINE_TITLES[one], facade.user_list(one), one in may) for one in lines],
    }
    return render(request, "lifelines/reductions/list.html", context)


def _row(found: ReductionView) -> dict[str, Any]:
    return {
        "cut": found,
        "line": facade.LINE_TITLES[found.line],
        "state": facade.REDUCTION_STATE_TITLES[found.state],
    }


@requires(Right.SEE_COORDINATION)
@require_http_methods(["GET", "HEAD", "POST"])
def users(request: HttpRequest, line: str) -> HttpResponse:
    """Show who uses a line, in the order in which they would be reduced; take a new list in as a sheet."""
    person = person_of(request)
    chosen = _line_of(person, line, Right.SEE_COORDINATION)
    known = facade.user_list(chosen)
    may_change = chosen in facade.lines_of(person, Right.DRAFT_COORDINATION)
    form, report, status = ImportForm(initial={"version": known.version}), None, 200
    if request.method == "POST":
        form = ImportForm(request.POST, request.FILES)
        report, status = _taken_in(request, chosen, form, known)
        if status == 200:  # noqa: PLR2004  all is well
            messages.success(request, _("The sheet is in order; nothing was changed."))
        known = facade.user_list(chosen)
    context = {
        "line": facade.LINE_TITLES[chosen], "code": chosen.value, "known": known, "form": form, "report": report,
        "may_change": may_change,
        "rows": [(one, facade.USER_TITLES[one.kind]) for one in known.users],
        "kinds": [(kind.value, title) for kind, title in facade.USER_TITLES.items()],
        "maker": registry.actor_names([known.made_by])[known.made_by] if known.made_by else "",
        "is_made": status == CREATED,
    }  # fmt: skip
    return render(request, "lifelines/reductions/users.html", context, status=status)


CREATED = 201


def _taken_in(
    request: HttpRequest, line: Line, form: ImportForm, known: facade.UserListView
) -> tuple[facade.SheetReport | None, int]:
    if not form.is_valid():
        return None, REFUSED
    try:
        report = facade.read_users(form.cleaned_data["sheet"].read(), in_force=known.users)
        if not report.is_usable:
            return report, REFUSED
        if "check" in request.POST:
            return report, 200
        facade.change_user_list(
            line, report.users, unit=facade.MAKES[line].unit, note=form.cleaned_data["note"],
            person=person_of(request), expected_version=form.cleaned_data["version"], now=timezone.now(),
        )  # fmt: skip
    except registry.AccessDeniedError:
        raise
    except CityloopError as error:
        form.add_error(error.field if error.field in form.fields else None, sentence_of(error))
        return None, error.status
    return report, CREATED


@requires(Right.SEE_COORDINATION)
@require_safe
def users_file(request: HttpRequest, line: str) -> HttpResponse:
    """Give a line's list of users as CSV; an empty one is a pattern to fill in."""
    chosen = _line_of(person_of(request), line, Right.SEE_COORDINATION)
    sheet = facade.written_users(facade.user_list(chosen).users)
    answer = HttpResponse(sheet, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="users-{chosen.value}.csv"'
    return answer


@requires(Right.DRAFT_COORDINATION)
@require_http_methods(["GET", "HEAD", "POST"])
def new_reduction(request: HttpRequest) -> HttpResponse:
    """Show the cut a gap asks for, and propose it."""
    person, now = person_of(request), timezone.now()
    line = _line_of(person, request.GET.get("line", ""), Right.DRAFT_COORDINATION)
    at = instant_asked(request)
    picture = facade.picture_of_line(line, at)
    asked = _gap_asked(request, picture)
    form = (
        ReductionForm(request.POST, unit=picture.day.supply.unit)
        if request.POST
        else ReductionForm.of_picture(picture, gap=asked, begins_at=now + LEAD)
    )
    status = 200
    if form.is_bound:
        status = REFUSED
        if form.is_valid():
            data = form.cleaned_data
            try:
                made = facade.propose_reduction(
                    line, picture, gap=data["gap"], begins_at=data["begins_at"], ends_at=data["ends_at"],
                    reason=data["reason"], person=person, token=data["token"], now=now,
                )  # fmt: skip
            except registry.AccessDeniedError:
                raise
            except CityloopError as error:
                form.add_error(error.field if error.field in form.fields else None, sentence_of(error))
                status = error.status
            else:
                return HttpResponseRedirect(reverse("lifelines:reduction", args=[made]))
    proposal = facade.proposal_for(line, gap=asked or 0.0, now=now, begins_at=now + LEAD, ends_at=now + LEAD + SPAN)
    context = {
        "form": form, "line": facade.LINE_TITLES[line], "code": line.value, "picture": picture, "gap": asked,
        "proposal": proposal, "unit": picture.day.supply.unit, "figures": figures_of(picture),
        "cuts": [(one, facade.USER_TITLES[one.user.kind]) for one in proposal.cuts],
        "passed": [(one, facade.USER_TITLES[one.user.kind]) for one in proposal.passed],
    }  # fmt: skip
    return render(request, "lifelines/reductions/new.html", context, status=status)


def _gap_asked(request: HttpRequest, picture: facade.Picture) -> float | None:
    """Return the gap a person asks about, the picture's own where none is asked."""
    try:
        asked = float(request.POST.get("gap", "") or request.GET.get("gap", ""))
    except ValueError:
        asked = picture.day.gap.value or 0.0
    return round(asked, 6) if 0 < asked < float("inf") else None


@requires(Right.SEE_COORDINATION)
@require_safe
def one_reduction(request: HttpRequest, reduction_id: int) -> HttpResponse:
    """Show a cut: who gives up how much, its effect on the gap, its way, and what the reader can do about it."""
    return _page(request, facade.reduction_for(person_of(request), reduction_id))


def _page(
    request: HttpRequest,
    found: ReductionView,
    *,
    bound: ReductionStepForm | None = None,
    fault: str = "",
    status: int = 200,
) -> HttpResponse:
    moves = facade.reduction_steps_open_to(found, person_of(request))
    forms = [bound if bound is not None and bound.move == move else ReductionStepForm(move=move) for move in moves]
    picture, steps = facade.picture_of_reduction(found.reduction_id), facade.reduction_steps(found.reduction_id)
    names = registry.actor_names({one.actor for one in steps})
    context = _row(found) | {
        "forms": [(form, facade.REDUCTION_STEP_TITLES[form.move.step]) for form in forms],
        "fault": fault,
        "cuts": [(one, facade.USER_TITLES[one.user.kind]) for one in facade.cuts_of(found.reduction_id)],
        "picture": picture,
        "figures": figures_of(picture),
        "steps": [
            (one, facade.REDUCTION_STEP_TITLES[one.step], facade.REDUCTION_STATE_TITLES[one.state], names[one.actor],
             registry.ROLES[registry.Role(one.role)].title if one.role in set(registry.Role) else "")
            for one in steps
        ],
        "may_trace": Right.SEE_TRACE in person_of(request).rights,
        "now": timezone.now(),
        **chart_of(picture),
    }  # fmt: skip
    return render(request, "lifelines/reductions/one.html", context, status=status)


@requires(Right.SEE_COORDINATION)
@require_POST
def step_reduction(request: HttpRequest, reduction_id: int) -> HttpResponse:
    """Move a cut one step; what is refused is said on its page, and nothing has changed then."""
    person, now = person_of(request), timezone.now()
    found = facade.reduction_for(person, reduction_id)
    step, version = request.POST.get("step", ""), request.POST.get("version", "")
    rows = [one for one in facade.REDUCTION_MACHINE if one.step == step]
    move = next((one for one in rows if one.state_before is found.state), rows[0] if rows else None)
    if move is None:
        raise NotFoundError(what=_("This step"))
    form = ReductionStepForm(request.POST, move=move)
    if not form.is_valid():
        return _page(request, found, bound=form, status=REFUSED)
    try:
        facade.take_reduction_step(
            reduction_id, move.step, person=person, token=form.cleaned_data["token"],
            version=int(version) if version.isascii() and version.isdigit() and len(version) < DIGITS_MAX else -1,
            note=form.cleaned_data["note"], now=now,
        )  # fmt: skip
    except registry.AccessDeniedError:
        raise
    except CityloopError as error:
        newest = facade.reduction_for(person, reduction_id)
        return _page(request, newest, bound=form, fault=sentence_of(error), status=error.status)
    words = {"step": in_words(facade.REDUCTION_STEP_TITLES[ReductionStep(step)]), "number": found.number}
    messages.success(request, _("Done: %(step)s, %(number)s.") % words)
    return HttpResponseRedirect(reverse("lifelines:reduction", args=[reduction_id]))
