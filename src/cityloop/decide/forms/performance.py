"""What people fill in about alarm management."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cityloop.decide.facade import MeasureEdit, MeasureView
from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text
from cityloop.registry.facade import HouseForm

SPANS = (("1", _("24 hours")), ("7", _("7 days")), ("30", _("30 days")), ("90", _("90 days")))
DAYS = 7
"""What the page shows first, days."""


class SpanForm(HouseForm):
    """Of which time the measures are."""

    days = forms.ChoiceField(label=_("Time"), choices=SPANS, required=False, initial=str(DAYS))

    def chosen(self) -> timedelta:
        """Return how far back to look; what cannot be understood is a week."""
        asked = self.cleaned_data.get("days") if self.is_valid() else ""
        return timedelta(days=int(asked or DAYS))


class ActivationFilterForm(forms.Form):
    """Which alarms a list shows; only links fill it in."""

    since = forms.CharField(required=False, max_length=40)
    until = forms.CharField(required=False, max_length=40)
    level = forms.TypedChoiceField(
        required=False, coerce=int, empty_value=None, choices=[("", ""), *((str(int(one)), "") for one in Level)]
    )
    watch = forms.CharField(required=False, max_length=120)
    stream = forms.IntegerField(required=False, min_value=0, max_value=2**63 - 1)

    def chosen(self, *, now: datetime) -> dict[str, Any]:
        """Return what was asked for; what cannot be understood asks for nothing, the time for the last week."""
        self.is_valid()
        asked = getattr(self, "cleaned_data", {})
        level = asked.get("level")
        return {
            "since": _instant(asked.get("since", "")) or now - timedelta(days=DAYS),
            "until": _instant(asked.get("until", "")) or now,
            "level": Level(level) if level else None,
            "watch_code": asked.get("watch", ""),
            "datastream_id": asked.get("stream"),
        }


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


class MeasureForm(HouseForm):
    """A threshold of alarm management."""

    value = forms.FloatField()
    basis_zh = forms.CharField(label=_("Basis, in Chinese"), max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))
    basis_en = forms.CharField(label=_("Basis, in English"), max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))
    confirmed = forms.BooleanField(label=_("The authority has confirmed this"), required=False)
    note = forms.CharField(label=_("Reason for the change"), max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))
    version = forms.IntegerField(min_value=0, widget=forms.HiddenInput)

    def __init__(self, *args: Any, measure: MeasureView, **kwargs: Any) -> None:
        """Begin with the version in force."""
        kwargs.setdefault(
            "initial",
            {
                "value": measure.value,
                "basis_zh": measure.basis.zh,
                "basis_en": measure.basis.en,
                "confirmed": measure.confirmed,
                "version": measure.version,
            },
        )
        super().__init__(*args, **kwargs)
        self.fields["value"].label = _("Value")
        self.fields["value"].widget.attrs["step"] = "any"

    def edit(self) -> MeasureEdit:
        """Return the change that was filled in."""
        cleaned = self.cleaned_data
        basis = Text(cleaned["basis_zh"], cleaned["basis_en"])
        return MeasureEdit(value=cleaned["value"], basis=basis, confirmed=cleaned["confirmed"], note=cleaned["note"])
