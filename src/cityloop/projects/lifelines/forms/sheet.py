"""What people fill in about a day of a line, and about thresholds."""

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cityloop.kernel.text import Text
from cityloop.projects.lifelines.facade import (
    MAKES,
    Line,
    ReasonKind,
    Telling,
    ThresholdEdit,
    ThresholdView,
    Told,
)
from cityloop.registry.facade import HouseForm, in_words

NOTE_CHARACTERS = 500
_DAY_INPUT = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class TellForm(HouseForm):
    """A figure of a line's day."""

    told = forms.ChoiceField(label=_("Figure"))
    day = forms.DateField(label=_("Of the day"), widget=_DAY_INPUT)
    value = forms.FloatField(label=_("Value"))
    from_now = forms.BooleanField(label=_("Holds from now on, not from the beginning of the day"), required=False)
    note = forms.CharField(label=_("Note"), max_length=NOTE_CHARACTERS, required=False)

    def __init__(self, *args: Any, line: Line, **kwargs: Any) -> None:
        """Offer the line's figures with their units."""
        super().__init__(*args, **kwargs)
        make = MAKES[line]
        choice = self.fields["told"]
        if isinstance(choice, forms.ChoiceField):
            choice.choices = [(str(one), f"{in_words(make.title_of(one))} ({make.unit_of(one)})") for one in make.told]
        self.fields["value"].widget.attrs["step"] = "any"

    def telling(self) -> Telling:
        """Return what was filled in."""
        cleaned = self.cleaned_data
        return Telling(
            told=Told(cleaned["told"]),
            day=cleaned["day"],
            value=cleaned["value"],
            from_now=cleaned["from_now"],
            note=cleaned["note"],
        )


class ReasonForm(HouseForm):
    """Why a line's day deviates from the same day last year."""

    kind = forms.ChoiceField(label=_("Kind of reason"))
    text = forms.CharField(label=_("Reason"), max_length=NOTE_CHARACTERS, widget=forms.Textarea(attrs={"rows": 2}))
    reason_day = forms.DateField(label=_("Of the day"), widget=_DAY_INPUT)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer the kinds of reasons."""
        super().__init__(*args, **kwargs)
        choice = self.fields["kind"]
        if isinstance(choice, forms.ChoiceField):
            choice.choices = [(str(one), in_words(one.words)) for one in ReasonKind]

    def chosen(self) -> tuple[ReasonKind, str, date]:
        """Return kind, words and day."""
        cleaned = self.cleaned_data
        return ReasonKind(cleaned["kind"]), cleaned["text"], cleaned["reason_day"]


class ThresholdForm(HouseForm):
    """A threshold by which lines are judged."""

    value = forms.FloatField(label=_("Value"))
    basis_zh = forms.CharField(label=_("Basis, in Chinese"), max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))
    basis_en = forms.CharField(label=_("Basis, in English"), max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))
    confirmed = forms.BooleanField(label=_("The authority has confirmed this"), required=False)
    note = forms.CharField(label=_("Reason for the change"), max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))
    version = forms.IntegerField(min_value=0, widget=forms.HiddenInput)

    def __init__(self, *args: Any, threshold: ThresholdView, **kwargs: Any) -> None:
        """Begin with the version in force."""
        initial = {
            "value": threshold.value, "basis_zh": threshold.basis.zh, "basis_en": threshold.basis.en,
            "confirmed": threshold.confirmed, "version": threshold.version,
        }  # fmt: skip
        super().__init__(*args, initial=initial, **kwargs)
        self.fields["value"].widget.attrs["step"] = "any"

    def edit(self) -> ThresholdEdit:
        """Return the change that was filled in."""
        cleaned = self.cleaned_data
        basis = Text(cleaned["basis_zh"], cleaned["basis_en"])
        return ThresholdEdit(value=cleaned["value"], basis=basis, confirmed=cleaned["confirmed"], note=cleaned["note"])
