"""Writes of the journal."""

from collections.abc import Callable, Iterable
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from cityloop.journal.models import CauseRow, Cursor, FactRow
from cityloop.journal.rules import Entry, Position, body_of
from cityloop.journal.selectors import entries_after, horizon
from cityloop.kernel.facts import Fact, fact_kind

CHANNEL = "cityloop_journal"
"""NOTIFY channel; the payload is empty, listeners read by position."""

ERROR_TEXT_MAX = 2000
"""How much of a listener's error is kept, characters."""


IDLE_TRANSACTIONS_MAX = 1_000
"""A listener that found nothing for this many transactions moves on past the facts of other kinds: else it would read
them all again each time."""


def post(*facts: Fact) -> None:
    """Enter facts in the journal, in the caller's transaction; listeners hear of them at its commit.

    A fact whose id is in the journal already is left as it stands, so that a repeated delivery changes nothing.
    """
    if not facts:
        return
    with transaction.atomic():
        known = set(FactRow.objects.filter(fact_id__in=[f.fact_id for f in facts]).values_list("fact_id", flat=True))
        fresh = [fact for fact in facts if fact.fact_id not in known]
        FactRow.objects.bulk_create(map(_row_of, fresh))
        CauseRow.objects.bulk_create(_causes_of(fresh))
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {CHANNEL}")


def _row_of(fact: Fact) -> FactRow:
    return FactRow(
        fact_id=fact.fact_id,
        kind=fact_kind(type(fact)),
        happened_at=fact.happened_at,
        actor=fact.actor,
        area=fact.area,
        body=body_of(fact),
    )


def _causes_of(facts: Iterable[Fact]) -> list[CauseRow]:
    return [
        CauseRow(
            effect=fact.fact_id,
            position=number,
            kind=cause.kind,
            key=cause.key,
            parameters=cause.parameters,
            as_of=cause.as_of,
        )
        for fact in facts
        for number, cause in enumerate(fact.causes)
    ]


def deliver(listener: str, handle: Callable[[Fact], object], *, kinds: Iterable[type[Fact]], limit: int = 200) -> int:
    """Hand a listener the facts it has not seen, in order, and move its cursor in the same transaction.

    A failing handler stops its own listener only: the cursor stays before the fact, the error is kept on the cursor's
    row, and the fact is handed again at the next call.

    Args:
        listener: name of the cursor.
        handle: what is done with a fact; must be idempotent.
        kinds: the kinds it asks for.
        limit: how many facts a call reads at the most.

    Returns:
        How many facts were handled.
    """
    kinds = tuple(kinds)
    _ensure_cursor(listener, kinds)
    handled = 0
    try:
        with transaction.atomic():
            cursor = Cursor.objects.select_for_update().get(listener=listener)
            edge = horizon()
            position = Position(cursor.transaction, cursor.sequence)
            entries, reached = entries_after(position, kinds=kinds, limit=limit)
            if reached == position and edge.transaction - position.transaction > IDLE_TRANSACTIONS_MAX:
                reached = edge
            for entry in entries:
                _handle_one(handle, entry)
                handled += 1
            if reached > position or cursor.failures:
                Cursor.objects.filter(listener=listener).update(
                    transaction=reached.transaction,
                    sequence=reached.sequence,
                    failures=0,
                    last_error="",
                    moved_at=timezone.now(),
                )
    except _HandlerFailedError as failure:
        return _deliver_until(listener, handle, kinds=kinds, good=handled, failure=failure)
    return handled


def _ensure_cursor(listener: str, kinds: tuple[type[Fact], ...]) -> None:
    names = sorted(fact_kind(kind) for kind in kinds)
    cursor, _ = Cursor.objects.get_or_create(listener=listener, defaults={"kinds": names})
    if cursor.kinds != names:
        Cursor.objects.filter(listener=listener).update(kinds=names)


class _HandlerFailedError(Exception):
    """A handler raised; carries its error."""


def _handle_one(handle: Callable[[Fact], object], entry: Entry) -> None:
    try:
        handle(entry.fact)
    except Exception as error:
        message = f"{type(error).__name__} at {entry.position}: {error}"
        raise _HandlerFailedError(message[:ERROR_TEXT_MAX]) from error


def _deliver_until(
    listener: str,
    handle: Callable[[Fact], object],
    *,
    kinds: Iterable[type[Fact]],
    good: int,
    failure: _HandlerFailedError,
) -> int:
    """Deliver the facts before the failing one again, alone, and note the failure."""
    done = deliver(listener, handle, kinds=kinds, limit=good) if good else 0
    Cursor.objects.filter(listener=listener).update(failures=_plus_one(listener), last_error=str(failure))
    return done


def _plus_one(listener: str) -> int:
    return Cursor.objects.get(listener=listener).failures + 1


def wait_of(failures: int) -> timedelta:
    """Return how long a failing listener rests before it is tried again: doubling, one minute at the most."""
    return timedelta(seconds=min(60, 2 ** min(failures, 6)))
