"""What people fill in about devices: what they look for, a reason, a calibration, a secret, a list."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cityloop.convey.facade.devices import DeviceFilter, DeviceState
from cityloop.kernel.areas import AreaCode
from cityloop.kernel.text import Text
from cityloop.registry.facade import HouseForm, in_words

REASON_CHARACTERS_MAX = 300
"""Longest reason, characters."""

PAGE_BYTES_MAX = 1_500_000
"""Largest list a page takes, bytes: the web server refuses forms above 2 MB; larger lists go by the command line."""


class DeviceFilterForm(HouseForm):
    """What somebody looks for in the ledger."""

    text = forms.CharField(label=_("Code or name"), required=False, max_length=80)
    state = forms.ChoiceField(label=_("State"), required=False)
    project = forms.ChoiceField(label=_("Project"), required=False)
    area = forms.ChoiceField(label=_("District"), required=False)
    vendor = forms.ChoiceField(label=_("Vendor"), required=False)
    needs = forms.ChoiceField(label=_("Needs attention"), required=False)

    def __init__(
        self, *args: Any, areas: list[tuple[AreaCode, Text]], projects: list[str], vendors: list[str], **kwargs: Any
    ) -> None:
        """Offer what there is."""
        super().__init__(*args, **kwargs)
        any_one = ("", _("All"))
        offered: dict[str, list[tuple[str, Any]]] = {
            "state": [(state.value, in_words(state.words)) for state in DeviceState],
            "project": [(code, code) for code in projects],
            "area": [(code, in_words(name)) for code, name in areas],
            "vendor": [(name, name) for name in vendors],
            "needs": [
                ("acceptance", _("reports, waits for acceptance")),
                ("calibration", _("calibration overdue")),
                ("clock", _("clock wrong")),
                ("quarantine", _("impossible readings")),
            ],
        }
        for name, choices in offered.items():
            self.fields[name].choices = [any_one, *choices]  # type: ignore[attr-defined]  # a choice field

    def asked(self) -> DeviceFilter:
        """Return what is looked for; what cannot be read is any."""
        self.is_valid()
        return DeviceFilter(**{name: self.cleaned_data.get(name, "") for name in self.fields})


class ReasonForm(HouseForm):
    """Why something is done to a device."""

    reason = forms.CharField(
        label=_("Reason"), max_length=REASON_CHARACTERS_MAX, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )


class CalibrationForm(HouseForm):
    """When a device was calibrated, and when it must be again."""

    calibrated_on = forms.DateField(label=_("Calibrated on"), widget=forms.DateInput(attrs={"type": "date"}))
    calibration_due_on = forms.DateField(label=_("Due again on"), widget=forms.DateInput(attrs={"type": "date"}))


class SecretForm(HouseForm):
    """The secret a device presents in its protocol."""

    secret = forms.CharField(
        label=_("Secret of the protocol"),
        max_length=120,
        required=False,
        help_text=_("What the device itself sends, such as the password of HJ 212. Empty: its address suffices."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class ImportForm(HouseForm):
    """A list of devices."""

    file = forms.FileField(label=_("List (CSV)"), widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"}))
    all_or_none = forms.BooleanField(label=_("Make nothing where anything is wrong"), required=False)

    def clean_file(self) -> Any:
        """Refuse what the page cannot take."""
        file = self.cleaned_data["file"]
        if file.size > PAGE_BYTES_MAX:
            raise forms.ValidationError(
                _("The page takes lists up to 1.5 MB; send larger ones with: cityloop devices import")
            )
        return file
