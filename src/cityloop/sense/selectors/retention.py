"""How long readings are kept, and what was removed."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from django.db import connection

from cityloop.kernel.instants import from_us
from cityloop.kernel.observation_ids import ingested_at_us
from cityloop.kernel.text import Text
from cityloop.sense.models import Correction, Datastream, Removal, Retention

REMOVALS_SHOWN = 50
"""Most removals listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionView:
    """A class of datastreams and how long their readings are kept.

    Attributes:
        code: empty for streams that name no class.
        title: its name.
        keep_days: days, None for ever.
        basis: what the time rests on.
        confirmed: whether the authority has confirmed it.
        streams: how many datastreams are in it.
    """

    code: str
    title: Text
    keep_days: int | None
    basis: str
    confirmed: bool
    streams: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalView:
    """That readings of a class were removed.

    Attributes:
        retention: code of the class.
        removed_at: when.
        keep_days: how long they had been kept.
        before_day: readings before this UTC day are gone.
        readings: how many.
    """

    retention: str
    removed_at: datetime
    keep_days: int
    before_day: date
    readings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryExtent:
    """What the history takes.

    Attributes:
        closed_days: days whose readings are packed.
        packed: readings that are packed.
        packed_bytes: what they take, directory and indexes included.
        hot_bytes: what the single rows take.
        newest_closed: the newest closed day, None where none is.
    """

    closed_days: int
    packed: int
    packed_bytes: int
    hot_bytes: int
    newest_closed: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionView:
    """What a reading was before it was changed, or deleted.

    Attributes:
        corrected_at: when.
        actor: who, an actor code, empty where not known.
        reason: why, in the words of who did it.
        before: the reading as it was.
        after: as it became, None where it was deleted.
    """

    corrected_at: datetime
    actor: str
    reason: str
    before: dict[str, object]
    after: dict[str, object] | None


_EXTENT = """
    SELECT (SELECT count(*) FROM sense_closedday), (SELECT coalesce(sum(readings), 0) FROM sense_closedday),
      pg_total_relation_size('sense_packedday') + pg_total_relation_size('sense_packedid'),
      (SELECT coalesce(sum(pg_total_relation_size(inhrelid)), 0) FROM pg_inherits
       WHERE inhparent = 'sense_observation'::regclass),
      (SELECT max(day) FROM sense_closedday)
"""


def retention_classes() -> list[RetentionView]:
    """Return the classes, the one of streams that name none first."""
    rows = list(Retention.objects.order_by("code"))
    known = {row.code for row in rows}
    counts: dict[str, int] = {}
    for code in Datastream.objects.values_list("retention", flat=True):
        own = code if code in known else ""
        counts[own] = counts.get(own, 0) + 1
    return [
        RetentionView(
            code=row.code,
            title=Text(row.title_zh, row.title_en),
            keep_days=row.keep_days,
            basis=row.basis,
            confirmed=row.confirmed,
            streams=counts.get(row.code, 0),
        )
        for row in rows
    ]


def removals() -> list[RemovalView]:
    """Return the newest removals, newest first."""
    return [_removal(row) for row in Removal.objects.order_by("-pk")[:REMOVALS_SHOWN]]


def _removal(row: Removal) -> RemovalView:
    return RemovalView(
        retention=row.retention,
        removed_at=row.removed_at,
        keep_days=row.keep_days,
        before_day=row.before_day,
        readings=row.readings,
    )


def removal_of(observation_id: int) -> RemovalView | None:
    """Return the removal that took a reading that is no longer there, as far as its id tells; None where none did.

    The id tells when the reading came, and readings are seldom older than that: a class that removes what came then may
    have removed it.
    """
    received = from_us(ingested_at_us(observation_id)).astimezone(UTC).date()
    row = Removal.objects.filter(before_day__gt=received).order_by("pk").first()
    return None if row is None else _removal(row)


def corrections_of(observation_id: int) -> list[CorrectionView]:
    """Return what a reading was before it was changed or deleted, newest first."""
    return [
        CorrectionView(
            corrected_at=row.corrected_at, actor=row.actor, reason=row.reason, before=row.before, after=row.after
        )
        for row in Correction.objects.filter(observation_id=observation_id).order_by("-pk")
    ]


def history_extent() -> HistoryExtent:
    """Return what the history takes."""
    with connection.cursor() as cursor:
        cursor.execute(_EXTENT)
        days, packed, packed_bytes, hot_bytes, newest = cursor.fetchone()
    return HistoryExtent(
        closed_days=days, packed=int(packed), packed_bytes=packed_bytes, hot_bytes=int(hot_bytes), newest_closed=newest
    )
