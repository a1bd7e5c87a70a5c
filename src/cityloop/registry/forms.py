"""What people fill in."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cityloop.kernel.areas import CITY, AreaCode, area_code
from cityloop.kernel.text import Text
from cityloop.registry import facade
from cityloop.registry.facade import HouseForm, in_words

LANGUAGES = [("zh-hans", "中文"), ("en", "English")]
"""The languages of the house, each in its own words."""


class LoginForm(HouseForm):
    """Account and password."""

    username = forms.CharField(
        label=_("Account"), max_length=60, widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True})
    )
    password = forms.CharField(
        label=_("Password"), max_length=200, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )


class PasswordForm(HouseForm):
    """A new password for oneself."""

    current = forms.CharField(
        label=_("Current password"),
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    new = forms.CharField(
        label=_("New password"),
        help_text=_("At least 10 characters; not a common word, not only digits, not like your name."),
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label=_("New password again"),
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        """Refuse two new passwords that differ."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("new") and cleaned.get("again") and cleaned["new"] != cleaned["again"]:
            self.add_error("again", _("The two new passwords differ."))
        return cleaned


class PersonForm(HouseForm):
    """A new account."""

    username = forms.SlugField(
        label=_("Account"),
        help_text=_("Latin letters, digits, hyphens and underscores."),
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    name_zh = forms.CharField(label=_("Name in Chinese"), max_length=60)
    name_en = forms.CharField(label=_("Name in English"), max_length=120)
    language = forms.ChoiceField(label=_("Language"), choices=LANGUAGES)


def _date_input() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class PostForm(HouseForm):
    """A post for a person."""

    role = forms.ChoiceField(label=_("Role"))
    organisation = forms.ChoiceField(label=_("Organisation"), required=False)
    area = forms.CharField(
        label=_("Area"),
        help_text=_("Place code: the city, a district, or 9 to 15 digits for a street, community or grid."),
        max_length=15,
        initial=CITY,
        widget=forms.TextInput(attrs={"list": "area-codes", "inputmode": "numeric", "autocomplete": "off"}),
    )
    valid_from = forms.DateField(label=_("First day"), widget=_date_input())
    valid_until = forms.DateField(
        label=_("Ends on"),
        help_text=_("The first day on which the post no longer holds; empty for no end."),
        required=False,
        widget=_date_input(),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer the roles and organisations in the reader's language."""
        super().__init__(*args, **kwargs)
        roles = [(role.value, in_words(spec.title)) for role, spec in facade.ROLES.items()]
        bodies = [(body.code, in_words(body.name)) for body in facade.organisations()]
        self.fields["role"].choices = roles  # type: ignore[attr-defined]  # a ChoiceField
        self.fields["organisation"].choices = [("", "–"), *bodies]  # type: ignore[attr-defined]  # a ChoiceField

    def clean_area(self) -> AreaCode:
        """Return the place code, refused where it is none."""
        try:
            return area_code(self.cleaned_data["area"].strip())
        except ValueError as error:
            raise forms.ValidationError(_("This is not a place code.")) from error

    def post(self) -> facade.Post:
        """Return the post that was filled in."""
        return facade.Post(
            role=facade.Role(self.cleaned_data["role"]),
            area=self.cleaned_data["area"],
            organisation=self.cleaned_data["organisation"],
            valid_from=self.cleaned_data["valid_from"],
            valid_until=self.cleaned_data["valid_until"],
        )


class EndPostForm(HouseForm):
    """The day a post ends."""

    on = forms.DateField(label=_("Ends on"), widget=_date_input())


class AuditFilter(HouseForm):
    """What of the audit to show."""

    outcome = forms.ChoiceField(label=_("Outcome"), required=False)
    actor = forms.CharField(required=False, max_length=120, widget=forms.HiddenInput())
    before = forms.IntegerField(required=False, widget=forms.HiddenInput())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer the outcomes in the reader's language."""
        super().__init__(*args, **kwargs)
        outcomes = [(outcome.value, in_words(outcome.words)) for outcome in facade.Outcome]
        self.fields["outcome"].choices = [("", _("All")), *outcomes]  # type: ignore[attr-defined]  # a ChoiceField


class TokenForm(HouseForm):
    """A key of a machine."""

    name = forms.CharField(label=_("What the machine is called"), max_length=120)
    rights = forms.MultipleChoiceField(
        label=_("What it may do"),
        choices=[("read", _("read")), ("write", _("write")), ("task", _("give devices tasks"))],
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
    )
    organisation = forms.ChoiceField(
        label=_("Whose machine it is"),
        required=False,
        help_text=_("Of an organisation: it reads what that owns and what contracts grant. Of the city: everything."),
    )
    area = forms.ChoiceField(label=_("Area"))
    valid_until = forms.DateField(
        label=_("Valid until"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer all organisations and areas."""
        super().__init__(*args, **kwargs)
        bodies = [(body.code, in_words(body.name)) for body in facade.organisations()]
        areas = [(view.code, in_words(Text(view.name_zh, view.name_en))) for view in facade.districts()]
        self.fields["organisation"].choices = [("", _("the city's own")), *bodies]  # type: ignore[attr-defined]  # a choice field
        self.fields["area"].choices = [(CITY, _("the whole city")), *areas]  # type: ignore[attr-defined]  # a choice field
