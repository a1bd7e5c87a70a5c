"""How the pages of every room speak to their reader: declared texts in the reader's language, forms of one look."""

from typing import Any

from django import forms
from django.utils.translation import get_language

from cityloop.kernel.text import Text

_LOOKS = ((forms.Select, "form-select"), (forms.CheckboxInput, "form-check-input"))


def in_words(text: Text) -> str:
    """Return a text in the reader's language, Chinese where none is chosen."""
    return text.in_language(get_language() or "zh-hans")


class HouseForm(forms.Form):
    """A form whose fields all have the look of the house; a widget that names a look of its own keeps it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Give every field its look."""
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            look = next((look for kind, look in _LOOKS if isinstance(field.widget, kind)), "form-control")
            field.widget.attrs.setdefault("class", look)
