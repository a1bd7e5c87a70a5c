"""What people fill in about watches."""

import hashlib
import re
from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.signing import BadSignature, Signer
from django.forms.boundfield import BoundField
from django.utils.translation import gettext_lazy as _

from cityloop.decide.facade import Step, Trial, WatchDraft, WatchEdit, WatchView
from cityloop.decide.forms.terms import TermsFields, initial_terms
from cityloop.kernel.declarations import JUDGING_ALARMS, WatchKind
from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text
from cityloop.registry.facade import HouseForm, in_words

CELLS = ("level", "dead", "on", "off")
"""What a level may have: its limit, dead band, on-delay and off-delay."""

NAMES_CHARACTERS_MAX = 8000
NAMES_MAX = 200
"""How many names of streams or watches one field holds."""

MOMENT = "%Y-%m-%dT%H:%M"

KINDS = (
    (WatchKind.HIGH.value, _("Above a limit")),
    (WatchKind.LOW.value, _("Below a limit")),
    (WatchKind.RATE.value, _("Changing too fast")),
    (WatchKind.STUCK.value, _("Not changing")),
    (WatchKind.SILENT.value, _("No data")),
    (WatchKind.BASELINE.value, _("Far from the usual")),
    (WatchKind.FORECAST.value, _("Far from the forecast")),
    (WatchKind.COUNT.value, _("Too often in a window")),
    (WatchKind.MINUTES.value, _("Minutes to a limit")),
    (WatchKind.SCHEDULE.value, _("Outside of permitted hours")),
    (WatchKind.GROUP.value, _("Several points together")),
    (WatchKind.STOP.value, _("Must stop meanwhile")),
)
WITHIN = (
    ("stream", _("of the same stream")),
    ("thing", _("of the same device")),
    ("all", _("of all streams")),
)

_SIGNER_SALT = "decide.tried"


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(re.split(r"[\s,，]+", text.strip()))) if text.strip() else ()


def _moment(label: Any) -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=MOMENT)
    return forms.DateTimeField(label=label, required=False, widget=widget)


def _streams_field() -> forms.CharField:
    return forms.CharField(
        label=_("Streams it looks at"),
        max_length=NAMES_CHARACTERS_MAX,
        widget=forms.Textarea(attrs={"class": "form-control", "rows": 2, "spellcheck": "false"}),
        help_text=_("Codes, one a line; a trailing * matches all that begin so; #17 names a stream by its number."),
    )


class WatchForm(HouseForm):
    """A watch's limits, dead bands and delays, its time, what it suppresses, and why."""

    hysteresis = forms.FloatField(
        label=_("Dead band (hysteresis)"),
        min_value=0,
        help_text=_("How far the value must return beyond a limit before the alarm clears."),
    )
    hold_s = forms.FloatField(
        label=_("On-delay (hold), seconds"),
        min_value=0,
        help_text=_("How long a limit must be broken before it is an alarm."),
    )
    off_delay_s = forms.FloatField(
        label=_("Off-delay, seconds"),
        min_value=0,
        required=False,
        help_text=_("How long the value must be back before the alarm clears."),
    )
    starts_at = _moment(_("Judges from"))
    ends_at = _moment(_("Judges until"))
    suppresses = forms.CharField(
        label=_("Suppresses while it stands"),
        required=False,
        max_length=NAMES_CHARACTERS_MAX,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text=_("Codes of other watches, one a line: their alarms call nobody while this one stands."),
    )
    suppress_within = forms.ChoiceField(label=_("Alarms"), choices=WITHIN, required=False)
    basis_zh = forms.CharField(label=_("Basis, in Chinese"), max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))
    basis_en = forms.CharField(label=_("Basis, in English"), max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))
    confirmed = forms.BooleanField(label=_("The authority has confirmed these limits"), required=False)
    enabled = forms.BooleanField(label=_("In use"), required=False)
    note = forms.CharField(label=_("Reason for the change"), max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))
    version = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)
    tried = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)

    def __init__(self, *args: Any, watch: WatchView | None = None, **kwargs: Any) -> None:
        """Begin with the version in force."""
        if watch is not None:
            kwargs.setdefault("initial", _initial(watch))
        super().__init__(*args, **kwargs)
        self._kind = watch.kind if watch is not None else None
        if watch is None or not watch.project:
            self.fields["streams"] = _streams_field()
            self.order_fields(self.field_order)
        unit = f" ({watch.unit})" if watch is not None else ""
        for level in Level:
            said = f"{level.roman} · {in_words(level.colour)}"
            for cell, about in zip(CELLS, (unit, _("dead band"), _("on-delay, s"), _("off-delay, s")), strict=True):
                label = f"{said}{about}" if cell == "level" else f"{said}: {about}"
                widget = forms.NumberInput(attrs={"class": "form-control", "step": "any"})
                bounds = {} if cell == "level" else {"min_value": 0}
                name = f"{cell}_{int(level)}"
                self.fields[name] = forms.FloatField(label=label, required=False, widget=widget, **bounds)
        for name in ("hysteresis", "hold_s", "off_delay_s"):
            self.fields[name].widget.attrs["step"] = "any"
        self._terms = TermsFields(self, kind=self._kind)

    @property
    def kind(self) -> WatchKind:
        """Return how the watch judges."""
        return self._kind or WatchKind(self.cleaned_data["kind"])

    @property
    def has_limits(self) -> bool:
        """Return whether levels may have limits: those of a watch that judges alarms come from its table."""
        return self._kind not in JUDGING_ALARMS

    def cells(self) -> list[tuple[Level, list[BoundField]]]:
        """Return the fields of each level, gravest first."""
        return [(level, [self[f"{cell}_{int(level)}"] for cell in CELLS]) for level in Level]

    def term_groups(self) -> list[tuple[WatchKind, list[BoundField]]]:
        """Return the fields of each kind that needs more than limits."""
        return self._terms.groups()

    def clean(self) -> dict[str, Any]:
        """Refuse a watch without any limit, unless it follows the reporting period."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors and not self.limits() and self.kind not in (WatchKind.SILENT, *JUDGING_ALARMS):
            self.add_error("level_1", _("At least one level needs a limit."))
        if not self.errors and self.limits() and self.kind in JUDGING_ALARMS:
            self.add_error("level_1", _("This kind has no limits: its table makes the levels."))
        for field in ("suppresses", "streams"):
            if len(_names(cleaned.get(field, ""))) > NAMES_MAX:
                self.add_error(field, _("These are too many names."))
        return cleaned

    def streams(self) -> tuple[str, ...]:
        """Return what names the streams; empty for a watch that a project declares."""
        return _names(self.cleaned_data.get("streams", ""))

    def limits(self) -> dict[Level, float]:
        """Return the limits that were filled in."""
        given = {level: self.cleaned_data.get(f"level_{int(level)}") for level in Level}
        return {level: limit for level, limit in given.items() if limit is not None}

    def steps(self) -> dict[Level, Step]:
        """Return what single levels were given of their own, of levels that have a limit."""
        cleaned = self.cleaned_data
        given = {level: [cleaned.get(f"{cell}_{int(level)}") for cell in CELLS[1:]] for level in self.limits()}
        return {
            level: Step(hysteresis=dead, hold_s=on_s, off_delay_s=off_s)
            for level, (dead, on_s, off_s) in given.items()
            if (dead, on_s, off_s) != (None, None, None)
        }

    def edit(self) -> WatchEdit:
        """Return the change that was filled in."""
        cleaned = self.cleaned_data
        return WatchEdit(
            limits=self.limits(),
            hysteresis=cleaned["hysteresis"],
            hold_s=cleaned["hold_s"],
            off_delay_s=cleaned.get("off_delay_s") or 0.0,
            steps=self.steps(),
            basis=Text(cleaned["basis_zh"], cleaned["basis_en"]),
            confirmed=cleaned["confirmed"],
            enabled=cleaned["enabled"],
            note=cleaned["note"],
            starts_at=cleaned.get("starts_at"),
            ends_at=cleaned.get("ends_at"),
            suppresses=_names(cleaned.get("suppresses", "")),
            suppress_within=cleaned.get("suppress_within") or "thing",
            terms=self._terms.terms(self.kind),
            streams=self.streams(),
        )

    def trial(self, datastream_ids: Iterable[int]) -> Trial:
        """Return what is to be tried on the history of streams."""
        edit = self.edit()
        return Trial(
            kind=self.kind,
            limits=edit.limits,
            hysteresis=edit.hysteresis,
            hold_s=edit.hold_s,
            off_delay_s=edit.off_delay_s,
            steps=edit.steps,
            terms=edit.terms,
            datastream_ids=tuple(datastream_ids),
        )

    def was_tried(self, trial: Trial) -> bool:
        """Return whether exactly this has been shown on history before it is switched on."""
        try:
            return Signer(salt=_SIGNER_SALT).unsign(self.cleaned_data.get("tried", "")) == _digest(trial)
        except BadSignature:
            return False


def token_of(trial: Trial) -> str:
    """Return what a form carries as a sign that a watch was tried."""
    return Signer(salt=_SIGNER_SALT).sign(_digest(trial))


def _digest(trial: Trial) -> str:
    return hashlib.sha256(repr(trial).encode()).hexdigest()


class NewWatchForm(WatchForm):
    """A watch that a person makes."""

    title_zh = forms.CharField(label=_("Name, in Chinese"), max_length=200)
    title_en = forms.CharField(label=_("Name, in English"), max_length=200)
    kind = forms.ChoiceField(label=_("Judges"), choices=KINDS)  # type: ignore[assignment]  # a field on the class only
    field_order = ("title_zh", "title_en", "kind", "streams")

    def clean(self) -> dict[str, Any]:
        """Refuse a watch of no kind."""
        return super().clean() if "kind" in self.cleaned_data else self.cleaned_data

    def draft(self) -> WatchDraft:
        """Return what was filled in."""
        cleaned = self.cleaned_data
        title = Text(cleaned["title_zh"], cleaned["title_en"])
        return WatchDraft(title=title, kind=self.kind, streams=self.streams())


def _initial(watch: WatchView) -> dict[str, Any]:
    cells = {f"level_{int(level)}": limit for level, limit in watch.limits.items()}
    for level, step in watch.steps.items():
        number = int(level)
        cells |= {f"dead_{number}": step.hysteresis, f"on_{number}": step.hold_s, f"off_{number}": step.off_delay_s}
    return (
        cells
        | initial_terms(watch.kind, watch.terms)
        | {
            "hysteresis": watch.hysteresis,
            "hold_s": watch.hold_s,
            "off_delay_s": watch.off_delay_s,
            "starts_at": watch.starts_at,
            "ends_at": watch.ends_at,
            "suppresses": "\n".join(watch.suppresses),
            "suppress_within": watch.suppress_within,
            "basis_zh": watch.basis.zh,
            "basis_en": watch.basis.en,
            "confirmed": watch.confirmed,
            "enabled": watch.enabled,
            "version": watch.version,
            "streams": "\n".join(watch.patterns),
        }
    )
