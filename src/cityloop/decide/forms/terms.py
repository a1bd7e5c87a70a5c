"""What people fill in about the terms of a watch: each kind has fields of its own."""

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cityloop.decide.facade import TermsError
from cityloop.kernel.declarations import WatchKind
from cityloop.kernel.levels import Level
from cityloop.kernel.terms import NO_TERMS, Rise, Terms
from cityloop.kernel.text import Text

_LEVELS = {level.roman: level for level in Level}
_ROW = re.compile(r"([0-9]{1,4})\s*[x×*]?\s*(I{1,3}|IV)\s*(?:→|->|=)?\s*(I{1,3}|IV)")

CHARACTERS_MAX = 4000
"""How much one field of lines or codes holds."""


def _number(label: Any, *, help_text: Any = "", least: float | None = None) -> forms.FloatField:
    widget = forms.NumberInput(attrs={"class": "form-control", "step": "any"})
    return forms.FloatField(label=label, required=False, min_value=least, widget=widget, help_text=help_text)


def _lines(label: Any, help_text: Any) -> forms.CharField:
    widget = forms.Textarea(attrs={"class": "form-control", "rows": 4, "spellcheck": "false"})
    return forms.CharField(label=label, required=False, max_length=CHARACTERS_MAX, widget=widget, help_text=help_text)


def _tick(label: Any, help_text: Any = "") -> forms.BooleanField:
    return forms.BooleanField(label=label, required=False, help_text=help_text)


def _table() -> forms.CharField:
    return _lines(
        _("What makes which level"),
        _("A row each: 4 × IV → III when four points at level IV or a graver one make level III."),
    )


def _fields() -> dict[str, forms.Field]:
    return {
        "count_span_s": _number(
            _("Window, seconds"),
            least=0,
            help_text=_(
                "Events are counted over so long a time. Of the time before a watch was made or changed only the "
                "newest 20,000 readings of a stream are counted."
            ),
        ),
        "count_limit": _number(
            _("A reading counts beyond"),
            help_text=_("In the unit of the streams; the limits of the levels above are numbers of events."),
        ),
        "count_is_below": _tick(_("Readings below it count")),
        "count_watches": _lines(
            _("Or alarms of these watches count"), _("Codes, one a line: their alarms on the same stream are counted.")
        ),
        "minutes_limit": _number(
            _("Limit that is neared"),
            help_text=_("In the unit of the streams; the limits of the levels above are minutes, fewer are graver."),
        ),
        "minutes_is_below": _tick(_("The value falls towards it")),
        "minutes_readings": forms.IntegerField(
            label=_("Readings of the slope"),
            required=False,
            min_value=0,
            widget=forms.NumberInput(attrs={"class": "form-control"}),
            help_text=_("Median slope of the newest 3 to 30 readings."),
        ),
        "minutes_span_s": _number(
            _("No further apart than, seconds"), least=0, help_text=_("Empty where that is not limited.")
        ),
        "schedule_permitted": _lines(
            _("Permitted hours"),
            _(
                "A line each: 1-5 06:00-22:00 for Monday to Friday; all, work or rest (after the working calendar) "
                "instead of weekdays; 01-20..02-15 before it for a season. The limits above hold outside of them."
            ),
        ),
        "schedule_any_reading": _tick(_("Any reading outside counts, whatever its value"), _("The limit is then 1.")),
        "group_watches": _lines(
            _("Watches of the points"),
            _("Codes, one a line: their alarms on the streams of this watch are its points."),
        ),
        "group_table": _table(),
        "stop_watches": _lines(
            _("Watches that stop it"), _("Codes, one a line; the streams of this watch are what must stop.")
        ),
        "stop_table": _table(),
        "stop_within": forms.ChoiceField(
            label=_("Alarms that stop it"),
            required=False,
            choices=(("all", _("of the whole city")), ("district", _("of its own district"))),
        ),
    }


class TermsFields:
    """The fields of terms, as a form holds them: all of a new watch, its own of one that is there."""

    def __init__(self, form: forms.Form, *, kind: WatchKind | None) -> None:
        """Add the fields to a form."""
        self._form = form
        self._names = {name: field for name, field in _fields().items() if kind is None or _is_of(name, kind)}
        form.fields.update(self._names)

    def groups(self) -> list[tuple[WatchKind, list[Any]]]:
        """Return the fields of each kind that has any."""
        kinds = [kind for kind in WatchKind if any(_is_of(name, kind) for name in self._names)]
        return [(kind, [self._form[name] for name in self._names if _is_of(name, kind)]) for kind in kinds]

    def terms(self, kind: WatchKind) -> Terms:
        """Return what was filled in for a kind."""
        told = {
            name.removeprefix(f"{kind}_"): self._form.cleaned_data.get(name)
            for name in self._names
            if _is_of(name, kind)
        }
        return Terms(**{name: value for name, raw in told.items() if (value := _read(name, raw)) is not None})


def _is_of(name: str, kind: WatchKind) -> bool:
    return name.startswith(f"{kind}_")


def _read(name: str, raw: Any) -> Any:
    if name == "permitted":
        return tuple(line.strip() for line in (raw or "").splitlines() if line.strip())
    if name == "watches":
        return tuple(dict.fromkeys(re.split(r"[\s,，]+", raw.strip()))) if (raw or "").strip() else ()
    if name == "table":
        return tuple(_rise(line) for line in (raw or "").splitlines() if line.strip())
    return raw or None if name == "within" else raw


def _rise(line: str) -> Rise:
    told = _ROW.fullmatch(line.strip())
    if told is None:
        raise TermsError(reason=Text(f"无法识别“{line}”。", f"“{line}” cannot be read."))
    return Rise(int(told[1]), _LEVELS[told[2]], _LEVELS[told[3]])


def _told(value: Any) -> Any:
    rows = [f"{one.points} × {one.at.roman} → {one.makes.roman}" if isinstance(one, Rise) else one for one in value]
    return "\n".join(rows)


def initial_terms(kind: WatchKind, terms: Terms) -> Mapping[str, Any]:
    """Return how the fields of a kind begin."""
    told = {name: getattr(terms, name) for name in Terms.__dataclass_fields__ if f"{kind}_{name}" in _fields()}
    plain = {name: _told(value) if isinstance(value, tuple) else value for name, value in told.items()}
    return {f"{kind}_{name}": value for name, value in plain.items() if told[name] != getattr(NO_TERMS, name)}
