"""Signing in and out, the language, one's own password."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from cityloop.kernel.errors import CityloopError
from cityloop.registry import facade
from cityloop.registry.forms import LANGUAGES, LoginForm, PasswordForm

LANGUAGE_KEPT_S = 365 * 86_400
"""How long a browser keeps the language, seconds."""


def _next_of(request: HttpRequest) -> str:
    """Return the page asked for, the home page where none of this site was."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else settings.LOGIN_REDIRECT_URL


def _keep_language(request: HttpRequest, response: HttpResponse, language: str) -> HttpResponse:
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=LANGUAGE_KEPT_S,
        samesite="Lax",
        secure=request.is_secure(),
        httponly=True,
    )
    return response


@facade.public
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Show the form; on the right password go to the page that was asked for, in the person's language."""
    if request.method != "POST" and not facade.person_of(request).is_visitor:
        return HttpResponseRedirect(_next_of(request))
    form = LoginForm(request.POST or None)
    if not form.is_valid():
        return _login_page(request, form, status=400 if form.is_bound else 200)
    try:
        person = facade.log_in(request, username=form.cleaned_data["username"], password=form.cleaned_data["password"])
    except CityloopError as error:
        form.add_error(None, facade.sentence_of(error))
        return _login_page(request, form, status=error.status)
    target = facade.PASSWORD_PATH if person.must_change_password else _next_of(request)
    return _keep_language(request, HttpResponseRedirect(target), person.language)


def _login_page(request: HttpRequest, form: LoginForm, *, status: int) -> HttpResponse:
    return render(request, "registry/login.html", {"form": form, "next": _next_of(request)}, status=status)


@facade.public
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    facade.log_out(request)
    return HttpResponseRedirect(settings.LOGIN_URL)


@facade.public
@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """Change the language: in this browser, and for the person where one is signed in."""
    response = HttpResponseRedirect(_next_of(request))
    language = request.POST.get("language", "")
    if language not in dict(LANGUAGES):
        return HttpResponse(status=400)
    facade.remember_language(request, language)
    return _keep_language(request, response, language)


@facade.personal
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def own_password(request: HttpRequest) -> HttpResponse:
    """Change one's own password."""
    form = PasswordForm(request.POST or None)
    context: dict[str, Any] = {"form": form, "must": facade.person_of(request).must_change_password}
    if form.is_valid():
        try:
            facade.change_own_password(request, current=form.cleaned_data["current"], new=form.cleaned_data["new"])
        except facade.PasswordRefusedError as error:
            for message in error.messages:
                form.add_error(error.field, message)
        except CityloopError as error:
            form.add_error(error.field, facade.sentence_of(error))
        else:
            messages.success(request, _("Your password has been changed."))
            return HttpResponseRedirect(settings.LOGIN_REDIRECT_URL)
    return render(request, "registry/password.html", context, status=400 if form.is_bound else 200)
