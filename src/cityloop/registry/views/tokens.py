"""The keys of machines to the data interfaces: listed, issued, revoked by whoever runs the platform.

Keys of devices are not here: they stand beside their device in the ledger.
"""

from datetime import datetime, time

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from cityloop.kernel.areas import AreaCode
from cityloop.registry import facade
from cityloop.registry.facade import Right
from cityloop.registry.forms import TokenForm

REFUSED = 422
"""Status of an answer to a form that cannot be accepted."""


@facade.requires(Right.OPERATE_PLATFORM)
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """List the keys of machines; a form sent here makes one, and it is shown this once."""
    form = TokenForm(request.POST or None)
    if request.method != "POST":
        return _page(request, form)
    if not form.is_valid():
        return _page(request, form, status=REFUSED)
    return _page(request, TokenForm(), shown=_issued(request, form))


def _issued(request: HttpRequest, form: TokenForm) -> str:
    given = form.cleaned_data
    until = given["valid_until"]
    ends_at = timezone.make_aware(datetime.combine(until, time.max)) if until else None
    return facade.issue_machine_token(
        facade.person_of(request),
        given["name"],
        rights=given["rights"],
        area=AreaCode(given["area"]),
        organisation=given["organisation"],
        expires_at=ends_at,
    )


@facade.requires(Right.OPERATE_PLATFORM)
@require_POST
def revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    """End a machine's key."""
    facade.revoke_machine_token(facade.person_of(request), token_id)
    messages.success(request, _("The key is revoked; every path refuses it within 5 seconds."))
    return HttpResponseRedirect(reverse("registry:tokens"))


def _page(request: HttpRequest, form: TokenForm, *, shown: str = "", status: int = 200) -> HttpResponse:
    found = facade.tokens()
    areas = facade.area_names({one.area for one in found})
    bodies = {body.code: body.name for body in facade.organisations()}
    now = timezone.now()
    context = {
        "rows": [(one, areas.get(one.area), bodies.get(one.organisation), _is_valid(one, now)) for one in found],
        "form": form,
        "shown": shown,
    }
    return render(request, "registry/tokens.html", context, status=status)


def _is_valid(one: facade.TokenView, now: datetime) -> bool:
    return one.revoked_at is None and (one.expires_at is None or one.expires_at > now)
