"""Accounts: logging in and out, and what one person does to another's account, each with its audit entry."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.contrib import auth
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest
from django.utils import timezone

from cityloop.kernel.areas import AreaCode
from cityloop.kernel.errors import CityloopError
from cityloop.registry.facade.access import note_change, require
from cityloop.registry.facade.gates import address_of, person_of
from cityloop.registry.rules.access import Post
from cityloop.registry.rules.outcomes import Outcome
from cityloop.registry.rules.roles import Right
from cityloop.registry.selectors.people import PersonView, all_posts_of, person
from cityloop.registry.services import people as writes
from cityloop.registry.services.audit import Record, write_audit
from cityloop.registry.services.logins import check_login


class OwnPostsError(CityloopError):
    """Nobody gives posts to themselves."""

    key = "Nobody may change the posts or the account of their own."
    status = 403


def log_in(request: HttpRequest, *, username: str, password: str) -> PersonView:
    """Log a person in on this session and return who it is.

    Raises:
        LoginFailedError: if account and password do not belong together.
        LockedOutError: if too many attempts have failed.
    """
    row = check_login(request, username=username, password=password, address=address_of(request), now=timezone.now())
    auth.login(request, row)
    return person(row.pk)


def confirm_person(request: HttpRequest, *, username: str, password: str) -> PersonView:
    """Return the person who gives account and password beside the one who is logged in; the session stays as it is.

    For what needs a second person at the same desk. Attempts are counted and audited like those at the login page.

    Raises:
        LoginFailedError: if account and password do not belong together.
        LockedOutError: if too many attempts have failed.
    """
    row = check_login(request, username=username, password=password, address=address_of(request), now=timezone.now())
    return person(row.pk)


def log_out(request: HttpRequest) -> None:
    """End this session."""
    who = person_of(request)
    if not who.is_visitor:
        _write(who, "logout", Outcome.LOGGED_OUT)
    auth.logout(request)


def change_own_password(request: HttpRequest, *, current: str, new: str) -> None:
    """Change the password of whoever asks; other sessions of that person end, this one stays.

    Raises:
        WrongPasswordError: if `current` is not the password.
        PasswordRefusedError: if `new` does not meet the policy.
    """
    who = person_of(request)
    writes.change_password(who.person_id, current=current, new=new)
    user: Any = request.user
    user.refresh_from_db()
    update_session_auth_hash(request, user)
    _write(who, "own password", Outcome.CHANGED)


def _write(who: PersonView, what: str, outcome: Outcome) -> None:
    write_audit(Record(actor=who.actor, right="login", what=what, outcome=outcome, address=who.address))


def remember_language(request: HttpRequest, language: str) -> None:
    """Keep the language for the person who asks; a visitor's stays in the cookie alone."""
    who = person_of(request)
    if not who.is_visitor:
        writes.set_language(who.person_id, language)


def add_person(by: PersonView, *, username: str, name_zh: str, name_en: str, language: str) -> tuple[int, str]:
    """Make an account; return its id and its first password, shown this once.

    Raises:
        AccessDeniedError: if `by` may not manage people.
        AccountTakenError: if the name is in use.
    """
    require(by, Right.MANAGE_PEOPLE, what=f"account {username}")
    person_id, password = writes.add_person(username=username, name_zh=name_zh, name_en=name_en, language=language)
    note_change(by, Right.MANAGE_PEOPLE, what=f"account {username} added")
    return person_id, password


def add_post(by: PersonView, person_id: int, post: Post) -> int:
    """Give a person a post; return its id.

    Raises:
        AccessDeniedError: if `by` may not manage people in the post's area.
        OwnPostsError: if it is `by`'s own.
        DutiesMustStaySeparateError: if separate duties would come into one hand.
        NotFoundError: if the person, the area or the organisation does not exist.
    """
    require(by, Right.MANAGE_PEOPLE, area=post.area, what=f"post {post.role} for person {person_id}")
    _not_own(by, person_id)
    post_id = writes.add_post(person_id, post)
    note_change(by, Right.MANAGE_PEOPLE, what=f"post {post.role} given to {person(person_id).username}", area=post.area)
    return post_id


def end_post(by: PersonView, person_id: int, post_id: int, *, on: date) -> None:
    """Let a post of a person end on a day.

    Raises:
        AccessDeniedError: if `by` may not manage people in the post's area.
        OwnPostsError: if it is `by`'s own.
        NotFoundError: if the person has no such post.
    """
    post = writes.post_held(person_id, post_id)
    require(by, Right.MANAGE_PEOPLE, area=post.area, what=f"post {post.role} of person {person_id}")
    _not_own(by, person_id)
    writes.end_post(post_id, on=on)
    note_change(
        by, Right.MANAGE_PEOPLE, what=f"post {post.role} of {person(person_id).username} ends {on}", area=post.area
    )


def reset_password(by: PersonView, person_id: int) -> str:
    """Give a person a new password, to be changed at the next login, and return it, shown this once.

    Raises:
        AccessDeniedError: if `by` may not manage people wherever that person holds a post.
        OwnPostsError: if it is `by`'s own; one's own is changed with the old one.
    """
    whose = _managed(by, person_id)
    password = writes.reset_password(person_id)
    note_change(by, Right.MANAGE_PEOPLE, what=f"password of {whose.username} reset")
    return password


def set_active(by: PersonView, person_id: int, *, active: bool) -> None:
    """Open or close an account.

    Raises:
        AccessDeniedError: if `by` may not manage people wherever that person holds a post.
        OwnPostsError: if it is `by`'s own.
    """
    whose = _managed(by, person_id)
    writes.set_active(person_id, active=active)
    note_change(by, Right.MANAGE_PEOPLE, what=f"account {whose.username} {'opened' if active else 'closed'}")


def _managed(by: PersonView, person_id: int) -> PersonView:
    whose = person(person_id)
    areas: Iterable[AreaCode | None] = {post.area for post in all_posts_of(person_id)} or {None}
    for area in areas:
        require(by, Right.MANAGE_PEOPLE, area=area, what=f"account {whose.username}")
    _not_own(by, person_id)
    return whose


def _not_own(by: PersonView, person_id: int) -> None:
    if by.person_id == person_id:
        raise OwnPostsError
