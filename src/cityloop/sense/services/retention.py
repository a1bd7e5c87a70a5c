"""Removes readings that have been kept for as long as their class says, and says so."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from django.db import connection, transaction

from cityloop.kernel.errors import CityloopError
from cityloop.sense.models import Datastream, Removal, Retention

KEEP_DAYS_MIN = 7
"""Shortest time readings are kept, days: baselines compare with the week before."""

STREAMS_TOGETHER = 200
"""Streams whose extents are set anew in one transaction."""

_OF_CLASS = """
    SELECT id FROM sense_datastream WHERE retention = %(code)s
    OR (%(code)s = '' AND retention NOT IN (SELECT code FROM sense_retention))
"""
_DAYS = f"""
    SELECT DISTINCT p.day FROM sense_packedday p WHERE p.day < %(before)s AND p.datastream_id IN ({_OF_CLASS})
    ORDER BY p.day
"""
_HOT_DAYS = f"""
    SELECT DISTINCT (o.phenomenon_time AT TIME ZONE 'UTC')::date AS day FROM sense_observation o
    WHERE o.phenomenon_time < %(start)s AND o.datastream_id IN ({_OF_CLASS}) ORDER BY day
"""
_REMOVE = f"""
    WITH gone AS (
        DELETE FROM sense_packedday WHERE day = %(day)s AND datastream_id IN ({_OF_CLASS}) RETURNING n
    ), hot AS (
        DELETE FROM sense_observation WHERE phenomenon_time >= %(start)s AND phenomenon_time < %(end)s
        AND datastream_id IN ({_OF_CLASS}) RETURNING 1
    )
    SELECT (SELECT coalesce(sum(n), 0) FROM gone) + (SELECT count(*) FROM hot)
"""
_FORGET_DAYS = """
    WITH empty AS (
        DELETE FROM sense_closedday c WHERE c.day < %(before)s
        AND NOT EXISTS (SELECT 1 FROM sense_packedday p WHERE p.day = c.day) RETURNING c.day
    )
    DELETE FROM sense_packedid i USING empty e WHERE i.day = e.day
"""
_STALE = f"""
    SELECT datastream_id FROM sense_latest WHERE first_time < %(start)s AND datastream_id IN ({_OF_CLASS}) ORDER BY 1
"""
_EXTENTS = """
    WITH held AS MATERIALIZED (
        SELECT datastream_id FROM sense_latest WHERE datastream_id = ANY(%(streams)s) ORDER BY datastream_id FOR UPDATE
    )
    UPDATE sense_latest l SET
        first_time = x.first_time, first_result_time = x.first_result_time,
        last_time = CASE WHEN x.first_time IS NOT NULL THEN l.last_time END,
        last_result_time = CASE WHEN x.first_result_time IS NOT NULL THEN l.last_result_time END,
        id = CASE WHEN l.phenomenon_time >= %(start)s THEN l.id END,
        result = CASE WHEN l.phenomenon_time >= %(start)s THEN l.result END,
        result_json = CASE WHEN l.phenomenon_time >= %(start)s THEN l.result_json END,
        quality = CASE WHEN l.phenomenon_time >= %(start)s THEN l.quality END,
        phenomenon_time = CASE WHEN l.phenomenon_time >= %(start)s THEN l.phenomenon_time END
    FROM held CROSS JOIN LATERAL (
        SELECT min(first_time) AS first_time, min(first_result_time) AS first_result_time FROM (
            SELECT first_time, first_result_time FROM sense_packedday p WHERE p.datastream_id = held.datastream_id
            UNION ALL
            SELECT min(phenomenon_time), min(result_time) FROM sense_observation o
            WHERE o.datastream_id = held.datastream_id AND o.phenomenon_time >= %(start)s
        ) parts
    ) x
    WHERE l.datastream_id = held.datastream_id
"""


def enforce_retention(today: date) -> int:
    """Remove what is older than its class keeps it; return how many readings were removed.

    Nothing is removed under a time that the authority has not confirmed: what is gone cannot be had back. Each day of a
    class is removed in a transaction of its own, so that the work may stop anywhere.
    """
    classes = Retention.objects.filter(confirmed=True, keep_days__isnull=False).order_by("code")
    return sum(_enforce(row, today) for row in classes)


def _enforce(row: Retention, today: date) -> int:
    before = today - timedelta(days=max(row.keep_days or 0, KEEP_DAYS_MIN))
    asked = {"code": row.code, "before": before, "start": _start(before)}
    days = {day for (day,) in (*_rows(_DAYS, asked), *_rows(_HOT_DAYS, asked))}
    removed = sum(_remove_day(row, day, before) for day in sorted(days))
    if days:
        with transaction.atomic():
            _run(_FORGET_DAYS, asked)
        _set_extents(asked)
    return removed


def _remove_day(row: Retention, day: date, before: date) -> int:
    with transaction.atomic():
        asked = {"code": row.code, "day": day, "start": _start(day), "end": _start(day + timedelta(days=1))}
        ((readings,),) = _rows(_REMOVE, asked)
        kept = row.keep_days or 0
        entry, is_new = Removal.objects.get_or_create(
            retention=row.code, before_day=before, defaults={"keep_days": kept, "readings": readings}
        )
        if not is_new:
            entry.readings += readings
            entry.save(update_fields=["readings"])
    return int(readings)


def _set_extents(asked: dict[str, Any]) -> None:
    streams = [stream for (stream,) in _rows(_STALE, asked)]
    for at in range(0, len(streams), STREAMS_TOGETHER):
        with transaction.atomic():
            _run(_EXTENTS, {**asked, "streams": streams[at : at + STREAMS_TOGETHER]})


def _start(day: date) -> str:
    return f"{day} 00:00+00"


def _rows(statement: str, asked: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        return list(cursor.fetchall())


def _run(statement: str, asked: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)


class UnknownRetentionError(CityloopError):
    """There is no such class."""

    key = "There is no retention class %(code)s."
    status = 404


class RetentionTooShortError(CityloopError):
    """Nothing is removed so early."""

    key = "Readings are kept for at least %(days)s days."
    status = 422


@transaction.atomic
def change_retention(code: str, *, keep_days: int | None, confirmed: bool, basis: str) -> None:
    """Set how long the readings of a class are kept.

    Args:
        code: of the class.
        keep_days: days, None for ever.
        confirmed: whether the authority has confirmed it.
        basis: what it rests on.

    Raises:
        UnknownRetentionError: if there is no such class.
        RetentionTooShortError: if the time is too short.
    """
    row = Retention.objects.select_for_update().filter(code=code).first()
    if row is None:
        raise UnknownRetentionError(code=code)
    if keep_days is not None and keep_days < KEEP_DAYS_MIN:
        raise RetentionTooShortError(days=KEEP_DAYS_MIN)
    row.keep_days, row.confirmed, row.basis = keep_days, confirmed, basis.strip()
    row.save()


@transaction.atomic
def assign_retention(code: str, datastream_ids: Iterable[int]) -> int:
    """Put datastreams into a class; return how many.

    Raises:
        UnknownRetentionError: if there is no such class.
    """
    if not Retention.objects.filter(code=code).exists():
        raise UnknownRetentionError(code=code)
    return Datastream.objects.filter(pk__in=list(datastream_ids)).update(retention=code)
