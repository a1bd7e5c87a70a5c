"""Tasks of devices: how they stand, and giving one."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from cityloop.kernel.errors import CityloopError
from cityloop.registry import facade as registry
from cityloop.registry.facade import PersonView, Right, may, person_of, requires, sentence_of
from cityloop.sense import facade
from cityloop.sense.forms import TaskFilterForm, task_form

PAGE_DIGITS_MAX = 18
"""Longest number of a task that is looked at, digits."""


@requires(Right.SEE_DEVICES)
@require_safe
def task_list(request: HttpRequest) -> HttpResponse:
    """List the tasks of devices within the person's reach, newest first, and what devices can be asked."""
    who = person_of(request)
    form = TaskFilterForm(request.GET)
    found = facade.tasks(_reaches(who, Right.SEE_DEVICES), status=form.chosen(), before=_before(request))
    shown = found[: facade.TASKS_PAGE]
    names, may_give = registry.actor_names({task.actor for task in shown}), may(who, Right.COMMAND_DEVICES)
    context = {
        "form": form,
        "rows": [(task, _in_words(task), names.get(task.actor)) for task in shown],
        "capabilities": facade.capabilities(_reaches(who, Right.COMMAND_DEVICES)) if may_give else [],
        "may_give": may_give,
        "is_narrowed": any(request.GET.values()),
        "older": shown[-1].task_id if len(found) > len(shown) else None,
        "terms": facade.TASK_TERMS,
    }
    return render(request, "sense/tasks.html", context)


@requires(Right.COMMAND_DEVICES)
@require_http_methods(["GET", "HEAD", "POST"])
def give(request: HttpRequest, capability_id: int) -> HttpResponse:
    """Show the form of a task, and give it."""
    who, view = person_of(request), facade.capability(capability_id)
    what = f"task for capability {capability_id}"
    registry.require(who, Right.COMMAND_DEVICES, area=view.area, organisation=view.owner, what=what)
    form, status = task_form(view, request.POST if request.method == "POST" else None), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                number = facade.give_task(capability_id, form.parameters(), actor=who.actor)
            except CityloopError as error:
                form.add_error(None, sentence_of(error))
                status = error.status
            else:
                registry.note_change(who, Right.COMMAND_DEVICES, what=f"task {number}", area=view.area)
                messages.success(request, _("Task %(number)s is given.") % {"number": number})
                return HttpResponseRedirect(reverse("sense:tasks"))
    context = {"capability": view, "form": form, "terms": facade.TASK_TERMS}
    return render(request, "sense/task_give.html", context, status=status)


def _in_words(task: facade.TaskView) -> str:
    return ", ".join(f"{name}: {value}" for name, value in task.parameters.items())


def _before(request: HttpRequest) -> int | None:
    text = request.GET.get("before", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= PAGE_DIGITS_MAX else None


def _reaches(who: PersonView, right: Right) -> list[facade.Reach]:
    """Return whose devices a person reaches with a right."""
    return [
        facade.Reach(post.area, post.organisation if registry.ROLES[post.role].own_organisation_only else None)
        for post in who.posts
        if right in registry.ROLES[post.role].rights
    ]
