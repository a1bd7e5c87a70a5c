"""What people do to a device: acts of its life, its keys, its secret, its calibration."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from cityloop.convey.facade import devices as facade
from cityloop.convey.facade.devices import Act
from cityloop.convey.forms.devices import CalibrationForm, ReasonForm, SecretForm
from cityloop.convey.views.devices import device_page
from cityloop.kernel.errors import CityloopError, NotAllowedError, NotFoundError
from cityloop.kernel.text import Text
from cityloop.registry.facade import HouseForm, Right, in_words, person_of, requires, sentence_of

REFUSED = 422
"""Status of an answer to a form that cannot be accepted."""


@requires(Right.MANAGE_DEVICES)
@require_POST
def act(request: HttpRequest, code: str) -> HttpResponse:
    """Bring a device from one state of its life to another."""
    form = ReasonForm(request.POST)
    what = _act_named(request.POST.get("act", ""))

    def do() -> str:
        person = person_of(request)
        after = facade.act_on_device(code, what, reason=form.cleaned_data["reason"], person=person, now=timezone.now())
        return _("The device is now: %(state)s.") % {"state": in_words(after.state.words)}

    return _done(request, code, form, do, name="reason_form")


def _act_named(name: str) -> Act:
    try:
        what = Act(name)
    except ValueError:
        what = Act.HEARD
    if what in {Act.HEARD, Act.SILENT}:
        raise NotFoundError(what=Text("该操作", "This act"))
    return what


@requires(Right.MANAGE_DEVICES)
@require_POST
def issue_key(request: HttpRequest, code: str) -> HttpResponse:
    """Make a key for a device and show it this once."""
    try:
        key = facade.issue_credential(code, person=person_of(request), now=timezone.now())
    except (NotFoundError, NotAllowedError):
        raise
    except CityloopError as error:
        messages.error(request, sentence_of(error))
        return HttpResponseRedirect(reverse("convey:device", args=[code]))
    return device_page(request, facade.device(code, person=person_of(request)), shown_key=key)


@requires(Right.MANAGE_DEVICES)
@require_POST
def revoke_keys(request: HttpRequest, code: str) -> HttpResponse:
    """End all keys of a device."""
    ended = facade.revoke_credentials(code, person=person_of(request))
    messages.success(
        request, _("%(number)s keys are revoked; the device is cut off within 5 seconds.") % {"number": ended}
    )
    return HttpResponseRedirect(reverse("convey:device", args=[code]))


@requires(Right.MANAGE_DEVICES)
@require_POST
def set_secret(request: HttpRequest, code: str) -> HttpResponse:
    """Set the secret a device presents in its protocol."""
    form = SecretForm(request.POST)

    def do() -> str:
        facade.set_protocol_secret(code, form.cleaned_data["secret"], person=person_of(request))
        return _("The secret is set.")

    return _done(request, code, form, do, name="secret_form")


@requires(Right.MANAGE_DEVICES)
@require_POST
def calibrate(request: HttpRequest, code: str) -> HttpResponse:
    """Note that a device was calibrated."""
    form = CalibrationForm(request.POST)

    def do() -> str:
        facade.note_calibration(
            code,
            calibrated_on=form.cleaned_data["calibrated_on"],
            due_on=form.cleaned_data["calibration_due_on"],
            person=person_of(request),
        )
        return _("The calibration is noted.")

    return _done(request, code, form, do, name="calibration_form")


def _done(request: HttpRequest, code: str, form: HouseForm, do: Callable[[], str], *, name: str) -> HttpResponse:
    """Do what a form asks for; a form with faults is shown again."""
    found = facade.device(code, person=person_of(request))
    if form.is_valid():
        try:
            messages.success(request, do())
        except (NotFoundError, NotAllowedError):
            raise
        except CityloopError as error:
            form.add_error(error.field if error.field in form.fields else None, sentence_of(error))
        else:
            return HttpResponseRedirect(reverse("convey:device", args=[code]))
    return device_page(request, found, status=REFUSED, **{name: form, "refused": form})
