"""What people fill in: which tasks are shown, and the parameters of a task."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from cityloop.registry.facade import HouseForm, in_words
from cityloop.sense.facade import CapabilityView, TaskStatus


class TaskFilterForm(HouseForm):
    """Which tasks a list shows."""

    status = forms.ChoiceField(label=_("State"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer the states in the reader's language."""
        super().__init__(*args, **kwargs)
        choices = [("", _("All")), *((status.value, in_words(status.words)) for status in TaskStatus)]
        self.fields["status"].choices = choices  # type: ignore[attr-defined]  # a ChoiceField

    def chosen(self) -> TaskStatus | None:
        """Return the state that was asked for, None for all."""
        asked = self.cleaned_data.get("status") if self.is_valid() else ""
        return TaskStatus(asked) if asked else None


class TaskForm(HouseForm):
    """The parameters of a task; `task_form` makes one for a capability."""

    names: ClassVar[tuple[str, ...]] = ()

    def parameters(self) -> dict[str, Any]:
        """Return the values that were filled in; what is optional and empty is left out."""
        given = {name: self.cleaned_data.get(f"p{number}") for number, name in enumerate(self.names)}
        return {name: _plain(value) for name, value in given.items() if value not in (None, "")}


def task_form(capability: CapabilityView, data: Any = None) -> TaskForm:
    """Return a form with one field for each of the capability's record; fields are numbered, for names may be any."""
    record = capability.record["field"]
    fields = {f"p{number}": _field_of(item) for number, item in enumerate(record)}
    kind = type("CapabilityForm", (TaskForm,), {**fields, "names": tuple(item["name"] for item in record)})
    made: TaskForm = kind(data)
    return made


def _field_of(item: dict[str, Any]) -> forms.Field:
    constraint = item.get("constraint", {})
    values, intervals = constraint.get("value", []), constraint.get("interval", [])
    unit = item.get("uom", {}).get("code", "") if isinstance(item.get("uom"), dict) else ""
    title = str(item.get("label") or item["name"])
    label = f"{title} ({unit})" if unit else title
    common: dict[str, Any] = {"label": label, "help_text": str(item.get("description", ""))}
    needed = not item.get("optional")
    match item["type"]:
        case "Quantity" | "Count":
            kind = forms.FloatField if item["type"] == "Quantity" else forms.IntegerField
            if intervals and not values:
                common |= {"min_value": min(i[0] for i in intervals), "max_value": max(i[1] for i in intervals)}
            field: forms.Field = kind(required=needed, **common)
            field.widget.attrs["step"] = "any" if item["type"] == "Quantity" else "1"
            return field
        case "Boolean":
            choices = [("true", _("yes")), ("false", _("no"))]
            return forms.TypedChoiceField(
                choices=choices if needed else [("", "–"), *choices], coerce=lambda t: t == "true", empty_value=None,
                required=needed, **common,
            )  # fmt: skip
        case "Category" if values:
            choices = [(value, value) for value in values]
            return forms.ChoiceField(choices=choices if needed else [("", "–"), *choices], required=needed, **common)
        case "Time":
            widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
            return forms.DateTimeField(required=needed, widget=widget, **common)
        case "Category" | "Text":
            return forms.CharField(required=needed, max_length=2000, **common)
    return forms.JSONField(required=needed, **common)


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value
