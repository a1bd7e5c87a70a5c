"""What a reader of requests asks for: filters, spans of days, pages."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cityloop.kernel.areas import AreaCode
from cityloop.respond.rules.publicity import CLOSED, OPEN
from cityloop.respond.stream.open311.errors import FieldError, TooDeepError
from cityloop.respond.stream.open311.fields import Fields
from cityloop.respond.stream.open311.library import Shelf
from cityloop.respond.stream.open311.reports import jurisdiction_of

SPAN_DAYS_MAX = 90
"""Longest span of one question, days (GeoReport v2)."""

ROWS_MAX = 1000
"""Most requests of an answer (GeoReport v2)."""

PAGE_MAX = 1000
"""Last page that can be asked for; who wants more narrows the span."""

ROWS_DEEP_MAX = 50_000
"""How deep a question is read, requests: what lies before a page is read and thrown away by the database."""

LIST_CHARACTERS_MAX = 20_000
"""Longest list of numbers or codes, characters."""

_TRUE = frozenset({"1", "true", "yes", "on"})


@dataclass(frozen=True, slots=True)
class Span:
    """From one instant to another, both within."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question for requests.

    Attributes:
        numbers: these only; then nothing else narrows the answer.
        services: codes, empty for all.
        statuses: `open`, `closed`, empty for both.
        requested: when they were made, None where only `updated` narrows.
        updated: when they last moved, None where that does not matter.
        area: in or below, None for everywhere.
        rows: of a page.
        page: 1 for the first.
        is_extended: whether `extended_attributes` are wanted.
    """

    numbers: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    requested: Span | None = None
    updated: Span | None = None
    area: AreaCode | None = None
    rows: int = ROWS_MAX
    page: int = 1
    is_extended: bool = False


def read_question(fields: Fields, shelf: Shelf, *, now: datetime) -> Asked:
    """Return what is asked.

    Args:
        fields: parameters of the address.
        shelf: the library.
        now: the time of day.

    Raises:
        CityloopError: names the parameter that is wrong.
    """
    updated = _span(fields, "updated_after", "updated_before", now)
    requested = _span(fields, "start_date", "end_date", now)
    if requested is None and updated is None:
        requested = Span(now - timedelta(days=SPAN_DAYS_MAX), now)
    statuses = _list(fields, "status")
    if set(statuses) - {OPEN, CLOSED}:
        raise FieldError(name="status", reason="open or closed is meant")
    rows, page = _whole(fields, "page_size", ROWS_MAX, ROWS_MAX), _whole(fields, "page", 1, PAGE_MAX)
    if rows * page > ROWS_DEEP_MAX:
        raise TooDeepError(field="page", rows_max=ROWS_DEEP_MAX)
    return Asked(
        numbers=_list(fields, "service_request_id"),
        services=_list(fields, "service_code"),
        statuses=statuses,
        requested=requested,
        updated=updated,
        area=jurisdiction_of(fields, shelf),
        rows=rows,
        page=page,
        is_extended=wants_extensions(fields),
    )


def wants_extensions(fields: Fields) -> bool:
    """Return whether a reader wants what goes beyond the standard."""
    return fields.one("extensions", length_max=10).lower() in _TRUE


def _list(fields: Fields, name: str) -> tuple[str, ...]:
    said = ",".join(fields.texts.get(name, ()))
    if len(said) > LIST_CHARACTERS_MAX:
        raise FieldError(name=name, reason="it is too long")
    found = dict.fromkeys(one.strip() for one in said.split(",") if one.strip())
    if len(found) > ROWS_MAX:
        raise FieldError(name=name, reason="it is too long")
    return tuple(found)


def _span(fields: Fields, first: str, last: str, now: datetime) -> Span | None:
    since, until = _instant(fields, first), _instant(fields, last)
    longest = timedelta(days=SPAN_DAYS_MAX)
    try:
        if since is None and until is None:
            return None
        span = Span(since or (until or now) - longest, until or (since or now) + longest)
    except OverflowError as error:
        raise FieldError(name=first, reason="a time such as 2026-01-31T08:00:00Z is meant") from error
    if span.until < span.since:
        raise FieldError(name=last, reason="it lies before the beginning")
    if span.until - span.since > longest:
        raise FieldError(name=last, reason="at most 90 days lie between beginning and end")
    return span


def _instant(fields: Fields, name: str) -> datetime | None:
    text = fields.one(name, length_max=40)
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text.replace(" ", "+"))
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise FieldError(name=name, reason="a time such as 2026-01-31T08:00:00Z is meant") from error


def _whole(fields: Fields, name: str, otherwise: int, most: int) -> int:
    text = fields.one(name, length_max=10)
    if not text:
        return otherwise
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= most):
        raise FieldError(name=name, reason="a whole number from 1 to 1000 is meant")
    return int(text)
