"""Reads of the journal."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import DateTimeField, F
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from cityloop.journal.models import CauseRow, Cursor, FactRow
from cityloop.journal.rules import Entry, Position, fact_from
from cityloop.kernel.facts import Fact, Ref, RefKind, fact_kind

FACTS_OF_AGGREGATE_MAX = 500
"""How many facts behind an aggregate are listed at once, rows."""


@dataclass(frozen=True, slots=True)
class ListenerState:
    """How a listener stands."""

    listener: str
    position: Position
    behind: int
    failures: int
    last_error: str
    moved_at: datetime


def _entries(rows: Iterable[FactRow]) -> list[Entry]:
    rows = list(rows)
    causes: dict[UUID, list[Ref]] = {}
    for cause in CauseRow.objects.filter(effect__in=[row.fact_id for row in rows]).order_by("effect", "position"):
        ref = Ref(RefKind(cause.kind), cause.key, cause.parameters, cause.as_of)
        causes.setdefault(cause.effect, []).append(ref)
    entries = []
    for row in rows:
        common = {
            "fact_id": row.fact_id,
            "happened_at": row.happened_at,
            "actor": row.actor,
            "area": row.area,
            "causes": tuple(causes.get(row.fact_id, ())),
        }
        fact = fact_from(kind=row.kind, body=row.body, common=common)
        if fact is not None:
            entries.append(Entry(Position(row.transaction, row.sequence), fact))
    return entries


_AFTER = """
    SELECT sequence, transaction, fact_id, kind, happened_at, recorded_at, actor, area, body FROM journal_fact
    WHERE (transaction, sequence) > (%s, %s)
      AND transaction < pg_snapshot_xmin(pg_current_snapshot())::text::bigint AND kind = ANY(%s)
    ORDER BY transaction, sequence LIMIT %s
"""


def horizon() -> Position:
    """Return the newest position whose past is complete: nothing can still be committed at or before it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        (oldest,) = cursor.fetchone()
    return Position(oldest - 1, 2**63 - 1)


def entries_after(position: Position, *, kinds: Iterable[type[Fact]], limit: int) -> tuple[list[Entry], Position]:
    """Return the next facts of some kinds, in order, and the position a reader has reached by them.

    Args:
        position: what has been read already.
        kinds: which kinds; others are passed over.
        limit: how many at the most, >= 1.
    """
    names = [fact_kind(kind) for kind in kinds]
    rows = list(FactRow.objects.raw(_AFTER, [position.transaction, position.sequence, names, limit]))
    reached = Position(rows[-1].transaction, rows[-1].sequence) if rows else position
    return _entries(rows), reached


def fact_with_id(fact_id: UUID) -> Entry | None:
    """Return one fact, None where the journal does not hold it."""
    found = _entries(FactRow.objects.filter(fact_id=fact_id))
    return found[0] if found else None


def facts_with_ids(fact_ids: Iterable[UUID]) -> list[Entry]:
    """Return the facts the journal holds of those asked for, oldest first."""
    return _entries(FactRow.objects.filter(fact_id__in=list(fact_ids)).order_by("transaction", "sequence"))


def effects_of(ref: Ref, *, limit: int = FACTS_OF_AGGREGATE_MAX) -> list[Entry]:
    """Return the facts that name a fact or an observation as their cause, oldest first."""
    effects = CauseRow.objects.filter(kind=ref.kind, key=ref.key).values("effect")
    return _entries(FactRow.objects.filter(fact_id__in=effects).order_by("transaction", "sequence")[:limit])


def latest_fact(kind: type[Fact], *, area: str | None = None, **body: Any) -> Entry | None:
    """Return the newest fact of a kind, of an area exactly and with some values in its body where those are given."""
    rows = FactRow.objects.filter(kind=fact_kind(kind), **{f"body__{name}": value for name, value in body.items()})
    if area is not None:
        rows = rows.filter(area=area)
    found = _entries(rows.order_by("-happened_at", "-sequence")[:1])
    return found[0] if found else None


def newest_facts(*, kinds: Iterable[type[Fact]], limit: int) -> list[Entry]:
    """Return the newest facts of some kinds, newest first."""
    names = [fact_kind(kind) for kind in kinds]
    return _entries(FactRow.objects.filter(kind__in=names).order_by("-transaction", "-sequence")[:limit])


def _moment(name: str) -> F | Cast:
    """Return the instant of a fact that `from` and `until` are about: its own, or one its body carries."""
    return F("happened_at") if name == "happened_at" else Cast(KeyTextTransform(name, "body"), DateTimeField())


def facts_of_aggregate(ref: Ref, *, after: int = 0, limit: int = FACTS_OF_AGGREGATE_MAX) -> tuple[list[Entry], int]:
    """Return a page of the facts behind an aggregate of the selector `journal.facts`, and how many there are.

    Args:
        ref: the aggregate.
        after: how many facts to pass over, oldest first.
        limit: how many facts to return at the most.

    Raises:
        ValueError: if the selector is another.
    """
    if ref.kind is not RefKind.AGGREGATE or ref.key != "journal.facts":
        message = f"not an aggregate of the journal: {ref}"
        raise ValueError(message)
    asked = ref.parameters
    moment = asked.get("by", "happened_at")
    rows = FactRow.objects.filter(kind=asked["kind"]).annotate(judged_at=_moment(moment))
    if area := asked.get("area"):
        rows = rows.filter(area__startswith=area[:2] if area.endswith("0000") else area)
    if since := asked.get("from"):
        rows = rows.filter(judged_at__gte=datetime.fromisoformat(since))
    if until := asked.get("until"):
        rows = rows.filter(judged_at__lt=datetime.fromisoformat(until))
    if ref.as_of:
        rows = rows.filter(transaction__lte=Position.parse(ref.as_of).transaction)
    return _entries(rows.order_by("transaction", "sequence")[after : after + limit]), rows.count()


def listener_states() -> list[ListenerState]:
    """Return how every listener stands, with the number of facts for it that it has not handled yet."""
    states = []
    for cursor in Cursor.objects.order_by("listener"):
        with connection.cursor() as sql:
            sql.execute(
                "SELECT count(*) FROM journal_fact WHERE (transaction, sequence) > (%s, %s) AND kind = ANY(%s)",
                [cursor.transaction, cursor.sequence, cursor.kinds],
            )
            (behind,) = sql.fetchone()
        states.append(
            ListenerState(
                listener=cursor.listener,
                position=Position(cursor.transaction, cursor.sequence),
                behind=behind,
                failures=cursor.failures,
                last_error=cursor.last_error,
                moved_at=cursor.moved_at,
            )
        )
    return states
