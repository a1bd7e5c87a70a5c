"""What people fill in."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityloop.decide.facade import SHELVING_MAX, AlarmState, AlarmView, WatchEdit, WatchView, needs_consent
from cityloop.kernel.areas import AreaCode
from cityloop.kernel.declarations import WatchKind
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


class WatchForm(HouseForm):
    """A watch's limits."""

    level_1 = forms.FloatField(required=False)
    level_2 = forms.FloatField(required=False)
    level_3 = forms.FloatField(required=False)
    level_4 = forms.FloatField(required=False)
    hysteresis = forms.FloatField(
        label=_("Hysteresis"),
        min_value=0,
        help_text=_("How far the value must return beyond a limit before the alarm clears."),
    )
    hold_s = forms.FloatField(
        label=_("Hold, seconds"), min_value=0, help_text=_("How long a limit must be broken before it is an alarm.")
    )
    basis_zh = forms.CharField(label=_("Basis, in Chinese"), max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))
    basis_en = forms.CharField(label=_("Basis, in English"), max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))
    confirmed = forms.BooleanField(label=_("The authority has confirmed these limits"), required=False)
    enabled = forms.BooleanField(label=_("In use"), required=False)
    note = forms.CharField(label=_("Reason for the change"), max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, watch: WatchView, **kwargs: Any) -> None:
        """Begin with the version in force."""
        kwargs.setdefault("initial", _initial(watch))
        super().__init__(*args, **kwargs)
        self._kind = watch.kind
        for level in Level:
            field = self.fields[f"level_{int(level)}"]
            field.label = f"{level.roman} · {in_words(level.colour)} ({watch.unit})"
            field.widget.attrs["step"] = "any"
        for name in ("hysteresis", "hold_s"):
            self.fields[name].widget.attrs["step"] = "any"

    def clean(self) -> dict[str, Any]:
        """Refuse a watch without any limit, unless it follows the reporting period."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors and not self.limits() and self._kind is not WatchKind.SILENT:
            self.add_error("level_1", _("At least one level needs a limit."))
        return cleaned

    def limits(self) -> dict[Level, float]:
        """Return the limits that were filled in."""
        given = {level: self.cleaned_data.get(f"level_{int(level)}") for level in Level}
        return {level: limit for level, limit in given.items() if limit is not None}

    def edit(self) -> WatchEdit:
        """Return the change that was filled in."""
        cleaned = self.cleaned_data
        return WatchEdit(
            limits=self.limits(),
            hysteresis=cleaned["hysteresis"],
            hold_s=cleaned["hold_s"],
            basis=Text(cleaned["basis_zh"], cleaned["basis_en"]),
            confirmed=cleaned["confirmed"],
            enabled=cleaned["enabled"],
            note=cleaned["note"],
        )


def _initial(watch: WatchView) -> dict[str, Any]:
    limits = {f"level_{int(level)}": limit for level, limit in watch.limits.items()}
    return limits | {
        "hysteresis": watch.hysteresis,
        "hold_s": watch.hold_s,
        "basis_zh": watch.basis.zh,
        "basis_en": watch.basis.en,
        "confirmed": watch.confirmed,
        "enabled": watch.enabled,
        "version": watch.version,
    }
