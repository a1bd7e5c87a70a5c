"""Logging in: one attempt, counted before the password is looked at, so that attempts side by side count too."""

from datetime import datetime, timedelta

from django.contrib.auth import authenticate
from django.db import connection, transaction
from django.http import HttpRequest

from cityloop.kernel.errors import CityloopError
from cityloop.registry.models import LoginFailure, Person
from cityloop.registry.rules.guessing import LOCK_OUT, locked_until
from cityloop.registry.rules.outcomes import Outcome
from cityloop.registry.selectors.audit import recent_failures
from cityloop.registry.services.audit import Record, write_audit

FAILURES_KEPT_S = 86_400.0
"""How long failures are kept, seconds; the audit keeps them longer."""


class LoginFailedError(CityloopError):
    """Account and password do not belong together; it is not said which is wrong."""

    key = "The account or the password is not right."
    status = 400


class LockedOutError(CityloopError):
    """Too many attempts have failed."""

    key = "Too many attempts have failed. Try again in %(minutes)s min."
    status = 429


def check_login(request: HttpRequest, *, username: str, password: str, address: str, now: datetime) -> Person:
    """Return the person who has this account and password.

    Args:
        request: passed on to the authentication backends.
        username: account name as typed.
        password: as typed.
        address: network address the attempt comes from.
        now: aware.

    Raises:
        LockedOutError: if too many attempts have failed; the password is not looked at.
        LoginFailedError: if the two do not belong together or the account is closed.
    """
    account = username.strip().lower()[:60]
    until = _count_attempt(account, address, now)
    if until is not None:
        _write(f"account:{account}", Outcome.LOCKED_OUT, address)
        raise LockedOutError(minutes=-(-int((until - now).total_seconds()) // 60))
    person = authenticate(request, username=_stored_name(account), password=password)
    if not isinstance(person, Person):
        _write(f"account:{account}", Outcome.LOGIN_FAILED, address)
        raise LoginFailedError
    _forget_failures(account, address, now)
    _write(f"person:{person.pk}", Outcome.LOGGED_IN, address)
    return person


def _write(actor: str, outcome: Outcome, address: str) -> None:
    write_audit(Record(actor=actor, right="login", what="login", outcome=outcome, address=address))


def _stored_name(account: str) -> str:
    """Return the account's name as it is kept.

    The database takes letters for one another that Python does not, such as the long s and the s; a name written with
    them would be counted as another account's, and is none.
    """
    kept = Person.objects.filter(username__iexact=account).values_list("username", flat=True).first()
    return kept if kept is not None and kept.lower() == account else account


def _count_attempt(account: str, address: str, now: datetime) -> datetime | None:
    """Count an attempt as failed until it succeeds, or return until when none may be made.

    One attempt of an account is counted at a time, so that many at once are not looked at before the first is counted.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"login {account}"])
        until = locked_until(recent_failures(account, address, now=now), account=account, address=address, now=now)
        if until is None:
            LoginFailure.objects.create(account=account, address=address, at=now)
        return until


def _forget_failures(account: str, address: str, now: datetime) -> None:
    """Forget what stood against the pair that has now succeeded, and what is too old to matter."""
    LoginFailure.objects.filter(account=account, address=address).delete()
    LoginFailure.objects.filter(at__lt=now - timedelta(seconds=max(FAILURES_KEPT_S, LOCK_OUT.window_s))).delete()
