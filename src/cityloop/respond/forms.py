"""What people fill in: a report by hand, what comes with a step."""

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cityloop.kernel.areas import AreaCode, district_of
from cityloop.kernel.text import Text
from cityloop.registry import facade as registry
from cityloop.registry.facade import HouseForm, PersonView, Right, in_words
from cityloop.respond import facade
from cityloop.respond.facade import CaseView, Place, Report, Source, Step

SOURCE_TITLES = {
    Source.ALARM: Text("监测报警", "alarm"),
    Source.INSPECTOR: Text("监督员巡查", "inspector"),
    Source.CITIZEN: Text("市民反映", "citizen"),
    Source.HOTLINE: Text("热线电话", "hotline"),
    Source.LEADER: Text("领导批示", "leader's instruction"),
    Source.MEDIA: Text("媒体报道", "media"),
    Source.ASSESSMENT: Text("考核评价", "assessment"),
}
"""Where signals come from, in words."""

_BY_HAND = (Source.INSPECTOR, Source.CITIZEN, Source.HOTLINE, Source.LEADER, Source.MEDIA)
NOTE_MAX = 2000
"""Longest note, characters."""


class ReportForm(HouseForm):
    """A report by hand: what, where, who says so."""

    title = forms.CharField(label=_("What is the matter?"), max_length=200)
    kind = forms.ChoiceField(label=_("Kind of matter"))
    source = forms.ChoiceField(label=_("Who says so?"))
    area = forms.ChoiceField(
        label=_("District or street"), required=False, help_text=_("Choose one, or click the place on the map.")
    )
    longitude = forms.FloatField(
        label=_("Longitude (WGS 84)"),
        required=False,
        min_value=115,
        max_value=118,
        help_text=_("Filled in by a click."),
    )
    latitude = forms.FloatField(label=_("Latitude (WGS 84)"), required=False, min_value=39, max_value=42)
    description = forms.CharField(
        label=_("More about it"), required=False, max_length=NOTE_MAX, widget=forms.Textarea(attrs={"rows": 4})
    )

    def __init__(self, *args: Any, person: PersonView, **kwargs: Any) -> None:
        """Offer the kinds of the item library and the areas the person may report in."""
        super().__init__(*args, **kwargs)
        for name in ("longitude", "latitude"):
            self.fields[name].widget.attrs["step"] = "any"
        self.fields["kind"].choices = _kinds()
        self.fields["source"].choices = [(one.value, in_words(SOURCE_TITLES[one])) for one in _BY_HAND]
        self.fields["area"].choices = [("", "–"), *_areas(person)]

    def clean(self) -> dict[str, Any]:
        """Find the district of the point and refuse a place that contradicts itself or lies outside the city."""
        data: dict[str, Any] = super().clean() or {}
        longitude, latitude = data.get("longitude"), data.get("latitude")
        if (longitude is None) != (latitude is None):
            self.add_error("longitude", _("Give both coordinates or none."))
        elif longitude is not None and latitude is not None:
            self._clean_point(data, longitude, latitude)
        elif not data.get("area") and not self.errors:
            self.add_error("area", _("Say where it is: choose an area or click the map."))
        return data

    def _clean_point(self, data: dict[str, Any], longitude: float, latitude: float) -> None:
        district = registry.district_at(longitude, latitude)
        if district is None:
            self.add_error("longitude", _("This point lies outside the city."))
        elif not data.get("area"):
            data["area"] = district
        elif district_of(AreaCode(data["area"])) != district:
            self.add_error("area", _("The point on the map lies in another district."))

    def report(self) -> Report:
        """Return what was filled in, once it is valid."""
        data = self.cleaned_data
        known = data["longitude"] is not None and data["latitude"] is not None
        return Report(
            source=Source(data["source"]),
            kind=data["kind"],
            area=AreaCode(data["area"]),
            place=Place(data["longitude"], data["latitude"]) if known else None,
            title=data["title"],
            description=data["description"],
        )


def _kinds() -> list[tuple[str, str]]:
    offered = [kind for kind in facade.kinds() if kind.code != facade.RECTIFICATION]
    offered.sort(key=lambda kind: kind.code != facade.GENERAL)
    return [(kind.code, in_words(kind.title)) for kind in offered] or [(facade.GENERAL, "–")]


def _areas(person: PersonView) -> list[tuple[str, list[tuple[str, str]]]]:
    mine = [one for one in registry.districts() if registry.may(person, Right.OPEN_CASES, area=one.code)]
    return [
        (
            in_words(registry.area_name(one.code)),
            [
                (below.code, in_words(registry.area_name(below.code)))
                for below in (one, *registry.areas_below(one.code))
            ],
        )
        for one in mine
    ]


_NOTE_LABELS = {
    Step.FINISH: _("What was done"),
    Step.PASS_CHECK: _("What was seen on site"),
    Step.FAIL_CHECK: _("What is still wrong"),
}
_WITH_ORGANISATION, _WITH_DELAY, _WITH_DATE, _WITH_RATING = Step.DISPATCH, Step.ASK_DELAY, Step.SUSPEND, Step.EVALUATE


class StepForm(HouseForm):
    """What comes with one step: only the fields it needs."""

    organisation = forms.ChoiceField(label=_("Send it to"))
    delay_amount = forms.FloatField(label=_("How much more time"), min_value=0.1, max_value=1000)
    review_on = forms.DateField(
        label=_("Looked at again on"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    rating = forms.ChoiceField(label=_("Rating"), choices=[(n, str(n)) for n in range(5, 0, -1)])
    note = forms.CharField(label=_("Note"), max_length=NOTE_MAX, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, case: CaseView, move: facade.Move, **kwargs: Any) -> None:
        """Keep the fields the step needs, and offer the bodies a dispatch can name, the suggested one first."""
        super().__init__(*args, auto_id=f"id_{move.step.value}_%s", **kwargs)
        self.move = move
        wanted = {
            "organisation": move.step is _WITH_ORGANISATION,
            "delay_amount": move.step is _WITH_DELAY,
            "review_on": move.step is _WITH_DATE,
            "rating": move.step is _WITH_RATING,
        }
        for name in [name for name, is_wanted in wanted.items() if not is_wanted]:
            del self.fields[name]
        self.fields["note"].required = move.note_needed
        self.fields["note"].label = _NOTE_LABELS.get(
            move.step, _("Reason") if move.note_needed else _("Note (optional)")
        )
        if facade.is_note_public(case, move.step):
            self.fields["note"].help_text = _("Everybody can read this note: name nobody and no telephone number.")
        if move.step is _WITH_ORGANISATION:
            self._offer_bodies(case)

    def _offer_bodies(self, case: CaseView) -> None:
        suggestion = facade.suggestion_for(case)
        bodies = sorted(facade.handlers_for(case), key=lambda one: one.code != suggestion.organisation)
        self.fields["organisation"].choices = [(one.code, in_words(one.name)) for one in bodies]
        self.fields["organisation"].help_text = in_words(suggestion.reason)

    def details(self) -> dict[str, Any]:
        """Return what was filled in as the arguments of `take_step`, once it is valid."""
        data = self.cleaned_data
        review_on: date | None = data.get("review_on")
        return {
            "note": data["note"],
            "organisation": data.get("organisation", ""),
            "delay_amount": data.get("delay_amount"),
            "review_on": review_on,
            "rating": int(data["rating"]) if "rating" in data else None,
        }
