"""Writes about people: accounts, posts, passwords, language."""

import secrets
from collections.abc import Sequence
from datetime import date

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext

from cityloop.kernel.errors import CityloopError, NotFoundError
from cityloop.kernel.text import Text
from cityloop.registry.models import Area, Organisation, Person
from cityloop.registry.models import Post as PostRow
from cityloop.registry.rules.access import Post, must_not_mix_duties
from cityloop.registry.selectors.people import post_of

FIRST_PASSWORD_BYTES = 12
"""Entropy of a password made for somebody, bytes."""


class AccountTakenError(CityloopError):
    """Another person has this account name."""

    key = "The account name %(username)s is taken."
    status = 409


class PostEndsTooEarlyError(CityloopError):
    """A post would end before it begins."""

    key = "The post ends before it begins."


class PasswordRefusedError(CityloopError):
    """A password does not meet the policy.

    Attributes:
        messages: each thing that is wrong with it, in the reader's language.
    """

    key = "The password does not meet the policy."

    def __init__(self, messages: Sequence[str], *, field: str) -> None:
        """Keep what is wrong with it."""
        self.messages = tuple(messages)
        super().__init__(field=field)


class WrongPasswordError(CityloopError):
    """The password given as one's own is not."""

    key = "The current password is not right."


def _row(person_id: int) -> Person:
    row = Person.objects.select_for_update().filter(pk=person_id).first()
    if row is None:
        raise NotFoundError(what=Text(f"人员 {person_id}", f"person {person_id}"))
    return row


@transaction.atomic
def add_person(*, username: str, name_zh: str, name_en: str, language: str = "zh-hans") -> tuple[int, str]:
    """Make an account and return its id and first password, which must be changed at the first login.

    Raises:
        AccountTakenError: if the name is in use, in whatever letter case.
    """
    if Person.objects.filter(username__iexact=username).exists():
        raise AccountTakenError(username=username, field="username")
    row = Person(username=username, name_zh=name_zh, name_en=name_en, language=language, must_change_password=True)
    password = secrets.token_urlsafe(FIRST_PASSWORD_BYTES)
    row.set_password(password)
    row.save()
    return row.pk, password


@transaction.atomic
def add_post(person_id: int, post: Post) -> int:
    """Give a person a post and return its id.

    Raises:
        NotFoundError: if the person, the area or the organisation does not exist.
        DutiesMustStaySeparateError: if the person would hold separate duties on some day.
        PostEndsTooEarlyError: if it ends before it begins.
    """
    row = _row(person_id)
    if post.valid_until is not None and post.valid_until < post.valid_from:
        raise PostEndsTooEarlyError(field="valid_until")
    if not Area.objects.filter(code=post.area).exists():
        raise NotFoundError(what=post.area, field="area")
    if post.organisation and not Organisation.objects.filter(code=post.organisation).exists():
        raise NotFoundError(what=post.organisation, field="organisation")
    must_not_mix_duties(map(post_of, row.posts.all()), post)
    kept = PostRow.objects.create(
        person=row,
        role=post.role,
        area_id=post.area,
        organisation_id=post.organisation or None,
        valid_from=post.valid_from,
        valid_until=post.valid_until,
    )
    return kept.pk


@transaction.atomic
def end_post(post_id: int, *, on: date) -> None:
    """Let a post end: from the day `on` it no longer holds.

    Raises:
        NotFoundError: if there is no such post.
    """
    row = PostRow.objects.select_for_update().filter(pk=post_id).first()
    if row is None:
        raise NotFoundError(what=Text(f"岗位 {post_id}", f"post {post_id}"))
    row.valid_until = max(on, row.valid_from)
    row.save(update_fields=["valid_until"])


@transaction.atomic
def reset_password(person_id: int) -> str:
    """Give a person a new password, to be changed at the next login, and return it; all sessions end."""
    row = _row(person_id)
    password = secrets.token_urlsafe(FIRST_PASSWORD_BYTES)
    row.set_password(password)
    row.must_change_password = True
    row.save(update_fields=["password", "must_change_password"])
    return password


@transaction.atomic
def change_password(person_id: int, *, current: str, new: str) -> None:
    """Change one's own password.

    Raises:
        WrongPasswordError: if `current` is not the password.
        PasswordRefusedError: if `new` does not meet the policy.
    """
    row = _row(person_id)
    if not row.check_password(current):
        raise WrongPasswordError(field="current")
    if row.check_password(new):
        raise PasswordRefusedError([gettext("The new password is the old one.")], field="new")
    check_policy(new, row=row)
    row.set_password(new)
    row.must_change_password = False
    row.save(update_fields=["password", "must_change_password"])


def check_policy(password: str, *, row: Person | None = None) -> None:
    """Refuse a password that does not meet the policy of the settings.

    Raises:
        PasswordRefusedError: says what is wrong with it.
    """
    try:
        validate_password(password, row)
    except ValidationError as error:
        raise PasswordRefusedError(error.messages, field="new") from error


def set_active(person_id: int, *, active: bool) -> None:
    """Open or close an account; a closed one loses its sessions at their next request."""
    if not Person.objects.filter(pk=person_id).update(is_active=active):
        raise NotFoundError(what=Text(f"人员 {person_id}", f"person {person_id}"))


def set_language(person_id: int, language: str) -> None:
    """Remember the language a person reads."""
    Person.objects.filter(pk=person_id).update(language=language)


def post_held(person_id: int, post_id: int) -> Post:
    """Return one post of a person.

    Raises:
        NotFoundError: if the person has no such post.
    """
    row = PostRow.objects.filter(pk=post_id, person=person_id).first()
    if row is None:
        raise NotFoundError(what=Text(f"岗位 {post_id}", f"post {post_id}"))
    return post_of(row)
