"""What people fill in about alarms."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityloop.decide.facade import SHELVING_MAX, AlarmState, AlarmView, needs_consent
from cityloop.kernel.areas import AreaCode
from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text
from cityloop.registry.facade import HouseForm, in_words

SHELVED_FOR = timedelta(hours=1)
"""What the form offers first."""

STATES = (
    ("", _("All that are open")),
    (AlarmState.RAISED.value, _("Not acknowledged")),
    (AlarmState.ACKNOWLEDGED.value, _("Acknowledged")),
    (AlarmState.SHELVED.value, _("Shelved")),
    (AlarmState.SUPPRESSED.value, _("Suppressed")),
    (AlarmState.CLEARED.value, _("Cleared, not acknowledged")),
    (AlarmState.CLOSED.value, _("Closed")),
)


class AlarmFilterForm(HouseForm):
    """Which alarms a list shows."""

    state = forms.ChoiceField(label=_("State"), choices=STATES, required=False)
    level = forms.ChoiceField(label=_("Level"), required=False)
    area = forms.ChoiceField(label=_("District"), required=False)

    def __init__(self, *args: Any, areas: Iterable[tuple[AreaCode, Text]], **kwargs: Any) -> None:
        """Offer levels and areas in the reader's language."""
        super().__init__(*args, **kwargs)
        every = [("", _("All"))]
        levels = [(str(int(level)), f"{level.roman} · {in_words(level.colour)}") for level in Level]
        self.fields["level"].choices = every + levels  # type: ignore[attr-defined]  # a ChoiceField
        self.fields["area"].choices = every + [(code, in_words(name)) for code, name in areas]  # type: ignore[attr-defined]

    def chosen(self) -> dict[str, Any]:
        """Return what was asked for; what cannot be understood asks for nothing."""
        asked = self.cleaned_data if self.is_valid() else {}
        return {
            "state": AlarmState(asked["state"]) if asked.get("state") else None,
            "level": Level(int(asked["level"])) if asked.get("level") else None,
            "area": AreaCode(asked["area"]) if asked.get("area") else None,
        }


class NoteForm(HouseForm):
    """A word on an alarm."""

    note = forms.CharField(
        label=_("Note"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2}), strip=True
    )


class ShelveForm(HouseForm):
    """Why and until when an alarm is silenced, and who consents."""

    reason = forms.CharField(label=_("Reason"), max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))
    until = forms.DateTimeField(
        label=_("Until"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    consent_username = forms.CharField(
        label=_("Account of the second person"),
        required=False,
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    consent_password = forms.CharField(
        label=_("Password of the second person"),
        required=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, alarm: AlarmView, **kwargs: Any) -> None:
        """Ask for the second person only where one is needed."""
        kwargs.setdefault("initial", {"until": timezone.localtime() + SHELVED_FOR})
        super().__init__(*args, **kwargs)
        self.needs_consent = needs_consent(alarm.level)
        if not self.needs_consent:
            del self.fields["consent_username"], self.fields["consent_password"]

    def clean(self) -> dict[str, Any]:
        """Refuse a grave alarm without a second person."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        given = cleaned.get("consent_username") and cleaned.get("consent_password")
        if self.needs_consent and not given:
            self.add_error("consent_username", _("Levels I and II need a second person: account and password."))
        until, now = cleaned.get("until"), timezone.now()
        if until is not None and not now < until <= now + SHELVING_MAX:
            self.add_error("until", _("The end must lie in the future, within seven days."))
        return cleaned


class AskForm(HouseForm):
    """Why and until when a grave alarm shall be silenced; a second person answers later."""

    reason = forms.CharField(label=_("Reason"), max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))
    until = forms.DateTimeField(
        label=_("Until"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer an hour; fields have names of their own beside the form of the desk."""
        kwargs.setdefault("initial", {"until": timezone.localtime() + SHELVED_FOR})
        super().__init__(*args, auto_id="ask_%s", **kwargs)
