"""Pages for the staff: the queue, a report by hand, a case."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cityloop.decide import facade as decide
from cityloop.kernel.areas import AreaCode, district_of
from cityloop.kernel.clocks import Clock
from cityloop.kernel.errors import CityloopError, NotFoundError
from cityloop.kernel.text import Text
from cityloop.registry import facade as registry
from cityloop.registry.facade import PersonView, Right, in_words, person_of, requires
from cityloop.respond import facade
from cityloop.respond.facade import CaseView, ClockState, Place, State, Urgency
from cityloop.respond.forms import SOURCE_TITLES, ReportForm, StepForm


@dataclass(frozen=True, slots=True)
class Tab:
    """A part of the queue.

    Attributes:
        code: in the address.
        title: its name.
        rights: who has it; any of them.
        states: which cases lie in it.
    """

    code: str
    title: Any
    rights: tuple[Right, ...]
    states: tuple[State, ...]


_OPEN = tuple(state for state in State if state not in facade.ENDED)
TABS = (
    Tab("accept", gettext_lazy("To accept and file"), (Right.ACCEPT_CASES,), (State.REPORTED, State.ACCEPTED)),
    Tab("dispatch", gettext_lazy("To dispatch"), (Right.DISPATCH_CASES,), (State.FILED, State.DELAY_PENDING)),
    Tab(
        "mine",
        gettext_lazy("Mine to handle"),
        (Right.HANDLE_CASES,),
        (State.DISPATCHED, State.HANDLING, State.REWORK, State.DELAY_PENDING),
    ),
    Tab(
        "verify",
        gettext_lazy("To verify"),
        (Right.VERIFY_CASES, Right.ACCEPT_CASES),
        (State.VERIFYING, State.ANSWERED, State.CHECKING),
    ),
    Tab("suspended", gettext_lazy("Suspended"), (Right.DISPATCH_CASES,), (State.SUSPENDED,)),
    Tab("open", gettext_lazy("All open"), (Right.SEE_CASES,), _OPEN),
    Tab("ended", gettext_lazy("Ended"), (Right.SEE_CASES,), tuple(facade.ENDED)),
)

URGENCY_WORDS = {
    Urgency.GREEN: gettext_lazy("more than half left"),
    Urgency.YELLOW: gettext_lazy("less than half left"),
    Urgency.ORANGE: gettext_lazy("nearly over"),
    Urgency.RED: gettext_lazy("over the limit"),
}
CLOCK_WORDS = {
    ClockState.NOT_STARTED: gettext_lazy("the limit begins at filing"),
    ClockState.STOPPED: gettext_lazy("the clock stands still"),
    ClockState.DONE: gettext_lazy("the work is done"),
}
NEWS_WORDS = {
    "merged": gettext_lazy("others have reported the same"),
    "filed": gettext_lazy("it is filed"),
    "rejected": gettext_lazy("it is not filed"),
    "suspended": gettext_lazy("it is suspended"),
    "resumed": gettext_lazy("it goes on"),
    "closed": gettext_lazy("it is closed"),
    "reopened": gettext_lazy("it is opened again"),
    "void": gettext_lazy("it is void"),
}
UNITS = {
    Clock.NATURAL: gettext_lazy("hours"),
    Clock.WORKING_HOUR: gettext_lazy("working hours"),
    Clock.WORKING_DAY: gettext_lazy("working days"),
}


def _row(found: CaseView, names: dict[AreaCode, Text], now: datetime) -> dict[str, Any]:
    urgency = found.urgency(now)
    return {
        "case": found,
        "state": facade.STATE_TITLES[found.state],
        "area": names.get(found.area) or registry.area_name(found.area),
        "urgency": urgency.value,
        "urgency_words": URGENCY_WORDS.get(urgency),
        "clock_words": CLOCK_WORDS.get(found.clock),
        "is_running": found.clock is ClockState.RUNNING,
        "organisation": registry.organisation_name(found.organisation) if found.organisation else None,
    }


@requires(Right.SEE_CASES)
@require_GET
def queue(request: HttpRequest) -> HttpResponse:
    """List the cases that wait for whoever asks, by part of the work, the most urgent first."""
    person, now = person_of(request), timezone.now()
    tabs = [tab for tab in TABS if any(right in person.rights for right in tab.rights)]
    tab = next((tab for tab in tabs if tab.code == request.GET.get("tab")), tabs[0])
    asked = _asked(request)
    late = {"late_at": now} if asked["late"] else {}
    narrowed = {"district": asked["district"] or None, "kind": asked["kind"], "text": asked["text"], **late}
    found = facade.cases(person=person, states=tab.states, **narrowed)
    names = registry.area_names({one.area for one in found})
    context = {
        "tabs": [(one, len(facade.cases(person=person, states=one.states))) for one in tabs if one.code != "ended"],
        "ended_tab": tabs[-1],
        "tab": tab,
        "rows": [_row(one, names, now) for one in found],
        "asked": asked,
        "is_narrowed": any(asked.values()),
        "districts": _districts_of(person),
        "kinds": facade.kinds(),
        "may_report": Right.OPEN_CASES in person.rights,
        "now": now,
        "rows_max": facade.CASES_SHOWN_MAX,
        "is_cut": len(found) >= facade.CASES_SHOWN_MAX,
    }
    return render(request, "respond/queue.html", context)


def _asked(request: HttpRequest) -> dict[str, str]:
    district = request.GET.get("district", "")
    return {
        "district": district if district in {one.code for one in registry.districts()} else "",
        "kind": request.GET.get("kind", "")[:80],
        "text": request.GET.get("text", "").strip()[:60],
        "late": "1" if request.GET.get("late") == "1" else "",
    }


def _districts_of(person: PersonView) -> list[tuple[AreaCode, Text]]:
    found = [one.code for one in registry.districts() if registry.may(person, Right.SEE_CASES, area=one.code)]
    return [(code, registry.area_name(code)) for code in found]


@requires(Right.OPEN_CASES)
@require_http_methods(["GET", "HEAD", "POST"])
def new_case(request: HttpRequest) -> HttpResponse:
    """Take a report by hand; the map fills in the place."""
    person = person_of(request)
    form = ReportForm(request.POST or None, person=person)
    if form.is_valid():
        found = facade.report(form.report(), person=person)
        messages.success(request, _("Reported as case %(number)s.") % {"number": found.number})
        return HttpResponseRedirect(reverse("respond:case", args=[found.case_id]))
    context = {"form": form, "map": {"districts": _map_districts(), "points": []}}
    return render(request, "respond/new.html", context, status=400 if form.is_bound else 200)


@requires(Right.OPEN_CASES)
@require_GET
def similar(request: HttpRequest) -> HttpResponse:
    """Show what was reported near a place already, a part of the form; nothing where kind or place are not known."""
    try:
        place = Place(float(request.GET.get("longitude", "")), float(request.GET.get("latitude", "")))
        found = facade.similar_to(request.GET.get("kind", "")[:80], place, person=person_of(request))
    except ValueError:
        found = []
    rows = [(one.case, one.distance_m, facade.STATE_TITLES[one.case.state]) for one in found]
    return render(request, "respond/similar.html", {"rows": rows})


def _map_districts(marked: AreaCode | None = None, level: int | None = None) -> dict[str, Any]:
    return {
        one.code: {
            "name": in_words(registry.area_name(one.code)),
            "level": level if one.code == marked else None,
            "count": 0,
        }
        for one in registry.districts()
    }


@requires(Right.SEE_CASES)
@require_GET
def case(request: HttpRequest, case_id: int) -> HttpResponse:
    """Show a case: what it is, where, all it went through, and what the reader can do about it."""
    return _case_page(request, facade.case_for(person_of(request), case_id))


def _case_page(
    request: HttpRequest, found: CaseView, *, bound: StepForm | None = None, fault: str = "", status: int = 200
) -> HttpResponse:
    person, now = person_of(request), timezone.now()
    moves = facade.steps_open_to(found, person, now=now)
    forms = [bound if bound is not None and bound.move == move else StepForm(case=found, move=move) for move in moves]
    context = {
        **_row(found, {}, now),
        **_history(found),
        "source": SOURCE_TITLES[found.source],
        "about": facade.said_about(found.description, found.source),
        "unit": UNITS[found.kind.limit.clock],
        "forms": [(form, facade.STEP_TITLES[form.move.step]) for form in forms],
        "fault": fault,
        "posts": [facade.POST_TITLES[post] for post in facade.posts_next(found)],
        "map": _case_map(found),
        "answers": [
            (one, SOURCE_TITLES[one.source], NEWS_WORDS[one.news]) for one in facade.answers_due(case_id=found.case_id)
        ],
        "may_trace": Right.SEE_TRACE in person.rights,
        "handled_on_time": found.handled_at and found.due_at and found.handled_at <= found.due_at,
        "now": now,
    }
    return render(request, "respond/case.html", context, status=status)


def _answers_due(found: CaseView) -> list[tuple[Any, Text, Any]]:
    due = facade.answers_due(case_id=found.case_id)
    return [(one, SOURCE_TITLES[one.source], NEWS_WORDS[one.news]) for one in due]


def _history(found: CaseView) -> dict[str, Any]:
    steps, signals, tasks = (
        facade.steps_of(found.case_id),
        facade.signals_of(found.case_id),
        facade.tasks_of(found.case_id),
    )
    actors = {step.actor for step in steps} | {one.reporter for one in signals} | {task.given_by for task in tasks}
    names = decide.actor_names(actors)
    return {
        "steps": [
            {
                "step": step,
                "title": facade.STEP_TITLES[step.step],
                "state": facade.STATE_TITLES[step.state],
                "actor": names[step.actor],
                "post": facade.POST_TITLES[step.post] if step.post and step.actor.startswith("person:") else None,
            }
            for step in steps
        ],
        "signals": [
            (one, SOURCE_TITLES[one.source], names[one.reporter], facade.said_about(one.description, one.source))
            for one in signals
        ],
        "tasks": [
            (task, names[task.given_by], registry.organisation_name(task.organisation) if task.organisation else None)
            for task in tasks
        ],
    }


def _case_map(found: CaseView) -> dict[str, Any]:
    level = int(found.level) if found.level else 4
    place = found.place
    points = [{"longitude": place.longitude, "latitude": place.latitude, "level": level}] if place else []
    marked = None if place else district_of(found.area)
    return {"districts": _map_districts(marked, level), "points": points}


@requires(Right.SEE_CASES)
@require_POST
def take_step(request: HttpRequest, case_id: int) -> HttpResponse:
    """Move a case one step; what is refused is said on the case's page, and nothing has changed then."""
    person = person_of(request)
    found = facade.case_for(person, case_id)
    step, version = request.POST.get("step", ""), request.POST.get("version", "")
    if str(found.version) != version:
        return _case_page(request, found, fault=registry.sentence_of(facade.StaleCaseError()), status=409)
    move = next((move for move in facade.steps_open_to(found, person) if move.step.value == step), None)
    if move is None:
        return _refused(request, found, person, step)
    form = StepForm(request.POST, case=found, move=move)
    if not form.is_valid():
        return _case_page(request, found, bound=form, status=400)
    try:
        moved = facade.take_step(case_id, move.step, person=person, version=found.version, **form.details())
    except registry.AccessDeniedError:
        raise
    except CityloopError as error:
        newest = facade.case_for(person, case_id)
        return _case_page(request, newest, fault=registry.sentence_of(error), status=error.status)
    words = {"step": in_words(facade.STEP_TITLES[move.step]), "number": moved.number}
    messages.success(request, _("Done: %(step)s, case %(number)s.") % words)
    still_mine = facade.may_see(person, moved)
    return HttpResponseRedirect(reverse("respond:case", args=[case_id]) if still_mine else reverse("respond:queue"))


def _refused(request: HttpRequest, found: CaseView, person: PersonView, step: str) -> HttpResponse:
    """Let the facade say why a step is not open, with its entry in the audit where a right is missing."""
    if step not in set(facade.Step):
        raise NotFoundError(what=step)
    try:
        facade.take_step(found.case_id, facade.Step(step), person=person, version=found.version)
    except registry.AccessDeniedError:
        raise
    except CityloopError as error:
        return _case_page(request, found, fault=registry.sentence_of(error), status=error.status)
    return HttpResponseRedirect(reverse("respond:case", args=[found.case_id]))
