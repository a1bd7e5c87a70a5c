"""What people fill in about shared data: a data set, a contract that is asked for, a decision, a webhook."""

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityloop.convey.facade import sharing
from cityloop.kernel.areas import CITY, AreaCode
from cityloop.kernel.text import Text
from cityloop.registry import facade as registry
from cityloop.registry.facade import HouseForm, in_words
from cityloop.sense import facade as sense

WORDS_MAX = 4000
"""Longest free text, characters."""

KEYWORDS_MAX = 30
ID_DIGITS = 19
"""Shorter numbers fit an int64, digits."""

STREAMS_MAX = 2000
"""Most single streams a data set names."""


def _date() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


def _words(rows: int = 3) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows})


def _start_of(day: Any) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))


class DatasetForm(HouseForm):
    """A data set: what is said of it, and which of the owner's streams are in it."""

    code = forms.CharField(
        label=_("Code"), max_length=80, help_text=_("Stands in addresses and topics and does not change.")
    )
    owner = forms.ChoiceField(label=_("Owner"))
    title_zh = forms.CharField(label=_("Title in Chinese"), max_length=160)
    title_en = forms.CharField(label=_("Title in English"), max_length=200)
    description_zh = forms.CharField(label=_("Description in Chinese"), max_length=WORDS_MAX, widget=_words())
    description_en = forms.CharField(label=_("Description in English"), max_length=WORDS_MAX, widget=_words())
    theme = forms.ChoiceField(label=_("Theme"))
    keywords_zh = forms.CharField(
        label=_("Keywords in Chinese"), required=False, max_length=500, help_text=_("Apart by commas.")
    )
    keywords_en = forms.CharField(label=_("Keywords in English"), required=False, max_length=500)
    openness = forms.ChoiceField(label=_("Who gets it"))
    frequency = forms.ChoiceField(label=_("Brought up to date"))
    area = forms.ChoiceField(label=_("Area it covers"))
    since = forms.DateField(label=_("First day it covers"), required=False, widget=_date())
    licence_zh = forms.CharField(label=_("Conditions in Chinese"), max_length=WORDS_MAX, widget=_words(2))
    licence_en = forms.CharField(label=_("Conditions in English"), max_length=WORDS_MAX, widget=_words(2))
    licence_uri = forms.URLField(
        label=_("Address of the licence"), required=False, max_length=500, assume_scheme="https"
    )
    contact_name = forms.CharField(label=_("Whom to ask"), max_length=120)
    contact_email = forms.EmailField(label=_("E-mail of the contact"), max_length=200)
    project = forms.ChoiceField(label=_("Streams of the project"), required=False)
    property_ids = forms.TypedMultipleChoiceField(
        label=_("Streams that observe"), required=False, coerce=int, widget=forms.CheckboxSelectMultiple
    )
    stream_area = forms.ChoiceField(label=_("Streams that lie in"), required=False)
    datastream_ids = forms.CharField(
        label=_("Single streams"),
        required=False,
        widget=_words(2),
        help_text=_("Numbers of datastreams, apart by commas; empty for all that meet the conditions above."),
    )
    version = forms.IntegerField(widget=forms.HiddenInput(), required=False)

    def __init__(
        self, *args: Any, owners: tuple[str, ...], owner: str, view: sharing.DatasetView | None = None
    ) -> None:
        """Offer what the owner has.

        Args:
            args: of the form.
            owners: organisations the person may share for.
            owner: the one whose streams are offered.
            view: the data set that is changed, None for a new one.
        """
        super().__init__(*args, initial=_initial(view, owner))
        offered = self.fields
        if view is not None:
            del offered["code"], offered["owner"]
        else:
            names = [(code, in_words(registry.organisation_name(code))) for code in owners]
            offered["owner"].choices = names  # type: ignore[attr-defined]  # a ChoiceField
        areas = [(CITY, in_words(registry.area_name(CITY)))]
        areas += [(one.code, in_words(Text(one.name_zh, one.name_en))) for one in registry.districts()]
        found = sense.properties_of_owner(owner)
        choices = {
            "theme": [(one.value, in_words(one.words)) for one in sharing.Theme],
            "openness": [(one.value, in_words(one.words)) for one in sharing.Openness],
            "frequency": [(one.value, in_words(one.words)) for one in sharing.Frequency],
            "area": areas,
            "stream_area": [("", "–"), *areas],
            "project": [("", "–"), *((code, code) for code in sense.projects_of_owner(owner))],
            "property_ids": [(one.property_id, f"{in_words(one.title)} ({one.streams})") for one in found],
        }
        for name, offers in choices.items():
            offered[name].choices = offers  # type: ignore[attr-defined]  # a ChoiceField
        offered["property_ids"].widget.attrs["class"] = "form-check-input"

    def clean_datastream_ids(self) -> tuple[int, ...]:
        """Return the numbers, refused where one is none."""
        parts = self.cleaned_data["datastream_ids"].replace("，", ",").replace("\n", ",").split(",")
        numbers = [part.strip() for part in parts if part.strip()]
        if len(numbers) > STREAMS_MAX or not all(
            one.isascii() and one.isdecimal() and len(one) < ID_DIGITS for one in numbers
        ):
            raise forms.ValidationError(_("These are no numbers of datastreams, or too many."))
        return tuple(map(int, numbers))

    def about(self) -> sharing.Description:
        """Return what is said of the data set, once the form is valid."""
        data = self.cleaned_data
        return sharing.Description(
            title=Text(data["title_zh"], data["title_en"]),
            description=Text(data["description_zh"], data["description_en"]),
            theme=sharing.Theme(data["theme"]),
            keywords_zh=_keywords(data["keywords_zh"]),
            keywords_en=_keywords(data["keywords_en"]),
            area=AreaCode(data["area"]),
            since=data["since"],
            frequency=sharing.Frequency(data["frequency"]),
            licence=Text(data["licence_zh"], data["licence_en"]),
            licence_uri=data["licence_uri"],
            openness=sharing.Openness(data["openness"]),
            contact_name=data["contact_name"],
            contact_email=data["contact_email"],
        )

    def selection(self) -> sharing.Selection:
        """Return which streams are in the data set, once the form is valid."""
        data = self.cleaned_data
        return sharing.Selection(
            project=data["project"],
            property_ids=tuple(data["property_ids"]),
            area=data["stream_area"],
            datastream_ids=data["datastream_ids"],
        )


def _keywords(text: str) -> tuple[str, ...]:
    words = (word.strip() for word in text.replace("，", ",").replace("、", ",").split(","))
    return tuple(dict.fromkeys(word for word in words if word))[:KEYWORDS_MAX]


def _initial(view: sharing.DatasetView | None, owner: str) -> dict[str, Any]:
    if view is None:
        return {"owner": owner, "openness": sharing.Openness.CONTRACT, "area": CITY}
    about, chosen = view.about, view.selection
    return {
        "title_zh": about.title.zh,
        "title_en": about.title.en,
        "description_zh": about.description.zh,
        "description_en": about.description.en,
        "theme": about.theme,
        "keywords_zh": "，".join(about.keywords_zh),
        "keywords_en": ", ".join(about.keywords_en),
        "openness": about.openness,
        "frequency": about.frequency,
        "area": about.area,
        "since": about.since,
        "licence_zh": about.licence.zh,
        "licence_en": about.licence.en,
        "licence_uri": about.licence_uri,
        "contact_name": about.contact_name,
        "contact_email": about.contact_email,
        "project": chosen.project,
        "property_ids": list(chosen.property_ids),
        "stream_area": chosen.area,
        "datastream_ids": ", ".join(map(str, chosen.datastream_ids)),
        "version": view.version,
    }


class CatalogueFilter(HouseForm):
    """What of the catalogue to show."""

    text = forms.CharField(label=_("Search"), required=False, max_length=100)
    owner = forms.ChoiceField(label=_("Owner"), required=False)
    theme = forms.ChoiceField(label=_("Theme"), required=False)

    def __init__(self, *args: Any, owners: list[str], **kwargs: Any) -> None:
        """Offer the owners there are, and the themes."""
        super().__init__(*args, **kwargs)
        names = [(code, in_words(registry.organisation_name(code))) for code in owners]
        themes = [(one.value, in_words(one.words)) for one in sharing.Theme]
        self.fields["owner"].choices = [("", _("All")), *names]  # type: ignore[attr-defined]  # a ChoiceField
        self.fields["theme"].choices = [("", _("All")), *themes]  # type: ignore[attr-defined]  # a ChoiceField

    def asked(self) -> dict[str, str]:
        """Return what is asked for; what cannot be read asks for nothing."""
        self.is_valid()
        return {name: self.cleaned_data.get(name, "") for name in ("text", "owner", "theme")}


class AskForm(HouseForm):
    """A contract that is asked for."""

    asker = forms.ChoiceField(label=_("On behalf of"))
    purpose = forms.CharField(label=_("What the data is for"), max_length=WORDS_MAX, widget=_words())
    legal_basis = forms.CharField(
        label=_("Ground in law or duty"),
        max_length=WORDS_MAX,
        widget=_words(2),
        help_text=_("Which rule or order allows it."),
    )
    since = forms.DateField(label=_("From"), widget=_date())
    until = forms.DateField(label=_("Until"), widget=_date(), help_text=_("The first day on which it no longer holds."))

    def __init__(self, *args: Any, askers: tuple[str, ...], **kwargs: Any) -> None:
        """Offer the organisations the person acts for."""
        today = timezone.localdate()
        kwargs["initial"] = {"since": today, "until": today + timedelta(days=90)}
        super().__init__(*args, **kwargs)
        names = [(code, in_words(registry.organisation_name(code))) for code in askers]
        self.fields["asker"].choices = names  # type: ignore[attr-defined]  # a ChoiceField

    def wanted(self) -> sharing.Times:
        """Return the times, once the form is valid; a first day that is today begins now."""
        since, until = _start_of(self.cleaned_data["since"]), _start_of(self.cleaned_data["until"])
        return sharing.Times(max(since, timezone.now()) if since.date() == timezone.localdate() else since, until)


class DecisionForm(HouseForm):
    """The owner's decision on a contract."""

    until = forms.DateTimeField(
        label=_("Approve until"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        required=False,
        help_text=_("Not later than was asked; access ends by itself then."),
    )
    note = forms.CharField(label=_("Note"), required=False, max_length=WORDS_MAX, widget=_words(2))


class NoteForm(HouseForm):
    """Words that go with a step."""

    note = forms.CharField(label=_("Reason"), required=False, max_length=WORDS_MAX, widget=_words(2))


class TokenForm(HouseForm):
    """A token for a machine."""

    name = forms.CharField(label=_("What the machine is called"), max_length=100)


class WebhookForm(HouseForm):
    """A webhook."""

    url = forms.CharField(
        label=_("Address of the receiver"),
        max_length=500,
        help_text=_("https, on the public network; without account and password."),
        widget=forms.URLInput(attrs={"autocomplete": "off"}),
    )
