"""The people of the city: who has an account, which posts, and the keys to the account."""

import functools
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from cityloop.kernel.areas import CITY
from cityloop.kernel.errors import CityloopError
from cityloop.registry import facade
from cityloop.registry.facade import Right
from cityloop.registry.forms import EndPostForm, PersonForm, PostForm


@facade.requires(Right.MANAGE_PEOPLE, sensitive=True)
@require_GET
def people(request: HttpRequest) -> HttpResponse:
    """List people with their posts of today."""
    text = request.GET.get("text", "").strip()[:60]
    found = facade.people(text=text)
    names = facade.area_names({one.area for one in found})
    bodies = {body.code: body.name for body in facade.organisations()}
    rows = [(one, names.get(one.area), bodies.get(one.organisation)) for one in found]
    return render(request, "registry/people.html", {"rows": rows, "text": text})


@facade.requires(Right.MANAGE_PEOPLE)
@require_http_methods(["GET", "HEAD", "POST"])
def new_person(request: HttpRequest) -> HttpResponse:
    """Make an account and show its first password, this once."""
    form = PersonForm(request.POST or None)
    if form.is_valid():
        try:
            person_id, password = facade.add_person(facade.person_of(request), **form.cleaned_data)
        except CityloopError as error:
            _tell(form, error)
        else:
            return _password_page(request, person_id, password)
    return render(request, "registry/person_new.html", {"form": form}, status=400 if form.is_bound else 200)


@facade.requires(Right.MANAGE_PEOPLE, sensitive=True)
@require_http_methods(["GET", "HEAD", "POST"])
def person(request: HttpRequest, person_id: int) -> HttpResponse:
    """Show a person with all posts, and what can be done about them; a form sent here gives a post."""
    if request.method != "POST":
        return _person_page(request, person_id, _empty_form())
    form = PostForm(request.POST)
    if form.is_valid():
        try:
            facade.add_post(facade.person_of(request), person_id, form.post())
        except facade.AccessDeniedError:
            raise
        except CityloopError as error:
            _tell(form, error)
        else:
            messages.success(request, _("The post has been given."))
            return _back_to(person_id)
    return _person_page(request, person_id, form, status=400)


def _empty_form() -> PostForm:
    return PostForm(initial={"valid_from": facade.today(), "area": CITY})


def _person_page(request: HttpRequest, person_id: int, form: PostForm, *, status: int = 200) -> HttpResponse:
    posts = facade.all_posts_of(person_id)
    names = facade.area_names({post.area for post in posts})
    bodies = {body.code: body.name for body in facade.organisations()}
    day = facade.today()
    context: dict[str, Any] = {
        "who": facade.person(person_id),
        "rows": [
            {
                "post": post,
                "role": facade.ROLES[post.role],
                "area": names.get(post.area),
                "organisation": bodies.get(post.organisation),
                "held": post.holds_on(day),
                "ended": post.valid_until is not None and post.valid_until <= day,
            }
            for post in posts
        ],
        "form": form,
        "today": day,
        "is_self": facade.person_of(request).person_id == person_id,
        "areas": [facade.area(CITY), *facade.districts()],
    }
    return render(request, "registry/person.html", context, status=status)


def _acting(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Let a view act on a POST only; a GET, as after a change of language, leads back to the person."""

    @functools.wraps(view)
    def acting(request: HttpRequest, person_id: int, **places: int) -> HttpResponse:
        return view(request, person_id, **places) if request.method == "POST" else _back_to(person_id)

    return acting


@facade.requires(Right.MANAGE_PEOPLE)
@_acting
def end_post(request: HttpRequest, person_id: int, post_id: int) -> HttpResponse:
    """Let a post end on a day."""
    form = EndPostForm(request.POST)
    if not form.is_valid():
        return _person_page(request, person_id, _empty_form(), status=400)
    facade.end_post(facade.person_of(request), person_id, post_id, on=form.cleaned_data["on"])
    messages.success(request, _("The post ends on that day."))
    return _back_to(person_id)


@facade.requires(Right.MANAGE_PEOPLE)
@_acting
def reset_password(request: HttpRequest, person_id: int) -> HttpResponse:
    """Give a person a new password and show it, this once."""
    return _password_page(request, person_id, facade.reset_password(facade.person_of(request), person_id))


@facade.requires(Right.MANAGE_PEOPLE)
@_acting
def set_active(request: HttpRequest, person_id: int) -> HttpResponse:
    """Open or close an account."""
    facade.set_active(facade.person_of(request), person_id, active=request.POST.get("active") == "1")
    return _back_to(person_id)


def _password_page(request: HttpRequest, person_id: int, password: str) -> HttpResponse:
    context = {"who": facade.person(person_id), "password": password}
    response = render(request, "registry/person_password.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _back_to(person_id: int) -> HttpResponse:
    return HttpResponseRedirect(reverse("registry:person", args=[person_id]))


def _tell(form: forms.Form, error: CityloopError) -> None:
    form.add_error(error.field if error.field in form.fields else None, facade.sentence_of(error))
