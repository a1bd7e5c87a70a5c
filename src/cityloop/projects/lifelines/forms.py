"""What people fill in about the lifelines: a line's day, thresholds, the coordination of supply and demand."""

from datetime import date, datetime
from typing import Any
from uuid import uuid4

from django import forms
from django.utils.translation import gettext_lazy as _

from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text
from cityloop.projects.lifelines import facade
from cityloop.projects.lifelines.facade import (
    MAKES,
    Line,
    Picture,
    ReasonKind,
    ReductionMove,
    RequestMove,
    RequestStep,
    RequestView,
    StepChanges,
    Telling,
    Term,
    ThresholdEdit,
    ThresholdView,
    Told,
    Wish,
)
from cityloop.registry import facade as registry
from cityloop.registry.facade import HouseForm, OrganisationKind, in_words

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


NOTE_MAX, NAME_MAX = 4000, 200
"""Longest note and longest name, characters."""
ROW_ID_MAX = 2**63 - 1
_LOCAL = "%Y-%m-%dT%H:%M"


def _instant(label: Any) -> forms.DateTimeField:
    return forms.DateTimeField(label=label, widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=_LOCAL))


def _long(label: Any, *, rows: int = 3, required: bool = True) -> forms.CharField:
    return forms.CharField(
        label=label, max_length=NOTE_MAX, required=required, widget=forms.Textarea(attrs={"rows": rows})
    )


class WishForm(HouseForm):
    """What is asked of those upstream; the picture it rests on comes with it by its instant."""

    quantity = forms.FloatField(min_value=0)
    begins_at = _instant(_("From"))
    ends_at = _instant(_("Until"))
    reason = _long(_("Reason"))
    legal_basis = _long(_("Legal basis"), rows=2)
    party_name = forms.CharField(label=_("Upstream party"), max_length=NAME_MAX)
    party_contact = forms.CharField(label=_("Contact of the party"), max_length=NAME_MAX)
    party_organisation = forms.ChoiceField(
        label=_("Organisation in the register"),
        required=False,
        help_text=_("Only where the party belongs to this city: its dispatcher then sees and answers the request."),
    )

    def __init__(self, *args: Any, unit: str, **kwargs: Any) -> None:
        """Say the unit and offer the lifeline groups of the city."""
        super().__init__(*args, **kwargs)
        self.fields["quantity"].label = _("Quantity a day, %(unit)s") % {"unit": unit}
        self.fields["quantity"].widget.attrs["step"] = "any"
        groups = [one for one in registry.organisations() if one.kind is OrganisationKind.LIFELINE]
        self.fields["party_organisation"].choices = [("", "–"), *((one.code, in_words(one.name)) for one in groups)]

    def wish(self) -> Wish:
        """Return what was filled in, once it is valid."""
        names = ("quantity", "begins_at", "ends_at", "reason", "legal_basis", "party_name", "party_contact")
        values = {name: self.cleaned_data[name] for name in names}
        return Wish(**values, party_organisation=self.cleaned_data["party_organisation"])


class DraftForm(WishForm):
    """A new request: the wish, what it answers, and the instant of the picture."""

    alarm_id = forms.IntegerField(label=_("Number of the alarm"), required=False, min_value=1, max_value=ROW_ID_MAX)
    case_id = forms.IntegerField(label=_("Case by its row"), required=False, min_value=1, max_value=ROW_ID_MAX)
    token = forms.UUIDField(widget=forms.HiddenInput)
    at = forms.DateTimeField(widget=forms.HiddenInput)

    @classmethod
    def of_picture(cls, picture: Picture) -> "DraftForm":
        """Return a form that asks for the gap of a picture for the day that is left."""
        gap = picture.day.gap.value
        initial = {
            "quantity": round(gap, picture.day.gap.decimals) if gap is not None and gap > 0 else None,
            "begins_at": picture.day.at,
            "at": picture.day.at.isoformat(),
            "token": uuid4(),
        }
        return cls(unit=picture.day.supply.unit, initial=initial)


class RequestStepForm(HouseForm):
    """What comes with one step of a request: only the fields it needs."""

    quantity = forms.FloatField(min_value=0)
    day = forms.DateField(label=_("On which day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    answered_by = forms.CharField(label=_("Who answered"), required=False, max_length=NAME_MAX)
    note = _long(_("Note"), rows=2)
    token = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, found: RequestView, move: RequestMove, **kwargs: Any) -> None:
        """Keep the fields the step needs."""
        kwargs.setdefault("initial", {"token": uuid4()})
        super().__init__(*args, auto_id=f"id_{move.step.value}_%s", **kwargs)
        self.move, step = move, move.step
        wanted = {
            "quantity": step in {RequestStep.ACCEPT_PARTLY, RequestStep.NOTE_DELIVERY},
            "day": step is RequestStep.NOTE_DELIVERY,
            "answered_by": step in {RequestStep.ACCEPT, RequestStep.ACCEPT_PARTLY, RequestStep.REFUSE},
        }
        for name in [name for name, is_wanted in wanted.items() if not is_wanted]:
            del self.fields[name]
        if wanted["quantity"]:
            self.fields["quantity"].label = _("Quantity a day, %(unit)s") % {"unit": found.unit}
            self.fields["quantity"].widget.attrs["step"] = "any"
        self.fields["note"].required = move.note_needed
        self.fields["note"].label = _("Reason") if move.note_needed else _("Note (optional)")

    def changes(self, wish: Wish | None = None) -> StepChanges:
        """Return what was filled in, once it is valid."""
        data = self.cleaned_data
        return StepChanges(
            token=data["token"],
            note=data["note"],
            quantity=data.get("quantity"),
            day=data.get("day"),
            answered_by=data.get("answered_by", ""),
            wish=wish,
        )


def revision_of(found: RequestView, data: Any = None) -> WishForm:
    """Return the form by which a request is revised, beginning with what it asks for now."""
    names = (
        "quantity", "begins_at", "ends_at", "reason", "legal_basis", "party_name", "party_contact",
        "party_organisation",
    )  # fmt: skip
    return WishForm(data, unit=found.unit, initial={name: getattr(found, name) for name in names}, auto_id="id_wish_%s")


class ReductionForm(HouseForm):
    """A cut on the demand side: how much, from when to when, why."""

    gap = forms.FloatField(min_value=0)
    begins_at = _instant(_("From"))
    ends_at = _instant(_("Until"))
    reason = _long(_("Reason"))
    token = forms.UUIDField(widget=forms.HiddenInput)
    at = forms.DateTimeField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, unit: str, **kwargs: Any) -> None:
        """Say the unit."""
        super().__init__(*args, **kwargs)
        self.fields["gap"].label = _("Gap a day, %(unit)s") % {"unit": unit}
        self.fields["gap"].widget.attrs["step"] = "any"

    @classmethod
    def of_picture(cls, picture: Picture, *, gap: float | None, begins_at: datetime) -> "ReductionForm":
        """Return a form that asks for the cut of a gap."""
        initial = {
            "gap": gap, "begins_at": begins_at, "at": picture.day.at.isoformat(), "token": uuid4(),
        }  # fmt: skip
        return cls(unit=picture.day.supply.unit, initial=initial)


class ReductionStepForm(HouseForm):
    """What comes with one step of a cut."""

    note = _long(_("Note"), rows=2)
    token = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, move: ReductionMove, **kwargs: Any) -> None:
        """Ask for a reason where one is needed."""
        kwargs.setdefault("initial", {"token": uuid4()})
        super().__init__(*args, auto_id=f"id_{move.step.value}_%s", **kwargs)
        self.move = move
        self.fields["note"].required = move.note_needed
        self.fields["note"].label = _("Reason") if move.note_needed else _("Note (optional)")


class TermForm(HouseForm):
    """How long an answer may take."""

    hours = forms.FloatField(label=_("Hours"), min_value=facade.TERM_HOURS_MIN, max_value=facade.TERM_HOURS_MAX)
    basis_zh = _long(_("Basis, in Chinese"), rows=2)
    basis_en = _long(_("Basis, in English"), rows=2)
    confirmed = forms.BooleanField(label=_("The authority has confirmed this"), required=False)
    note = _long(_("Reason for the change"), rows=2)
    version = forms.IntegerField(min_value=0, widget=forms.HiddenInput)

    def __init__(self, *args: Any, term: Term, **kwargs: Any) -> None:
        """Begin with the version in force."""
        initial = {
            "hours": term.hours, "basis_zh": term.basis.zh, "basis_en": term.basis.en, "confirmed": term.confirmed,
            "version": term.version,
        }  # fmt: skip
        super().__init__(*args, initial=initial, **kwargs)
        self.fields["hours"].widget.attrs["step"] = "any"

    def basis(self) -> Text:
        """Return the basis in both languages."""
        return Text(self.cleaned_data["basis_zh"], self.cleaned_data["basis_en"])


class ImportForm(HouseForm):
    """A sheet of users."""

    sheet = forms.FileField(label=_("Sheet (CSV)"))
    note = _long(_("Where it comes from, and why it changes"), rows=2)
    version = forms.IntegerField(min_value=0, widget=forms.HiddenInput)

    def clean_sheet(self) -> Any:
        """Refuse a sheet that is too large before it is read."""
        sheet = self.cleaned_data["sheet"]
        if sheet.size > facade.BYTES_MAX:
            raise forms.ValidationError(_("The file is too large."))
        return sheet


LEVEL_CODES: dict[str, Level | None] = {**{str(int(level)): level for level in Level}, "0": None}
"""Levels as an address names them; 0 is a line that is in order."""
