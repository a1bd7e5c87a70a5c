"""Reports are committed many at a time: those that wait go in one transaction, and each gets its number.

A number is given under the lock of its district's day; with a transaction a report the lock would let through only as
many reports a second as the disk writes one after the other.
"""

import asyncio
import hashlib
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from cityloop.kernel.areas import AreaCode, district_of
from cityloop.kernel.clocks import CITY_ZONE
from cityloop.kernel.facts import new_fact_id
from cityloop.respond.rules.matters import Source
from cityloop.respond.rules.publicity import without_contacts
from cityloop.respond.stream.open311.errors import ComeAgainSoonError, FieldError
from cityloop.respond.stream.open311.reports import Report

BATCH_MAX = 200
"""Reports of one transaction."""

WAITING_MAX = 2000
"""Reports that may wait in a process; beyond them the sender is told to come again."""

RETRY_SPAN_H = 24.0
"""How long the same report of the same sender is answered with the number it has, hours."""

_NUMBERS = """
    INSERT INTO respond_numbering (district, day, last) VALUES (%s, %s, %s)
    ON CONFLICT (district, day) DO UPDATE SET last = respond_numbering.last + excluded.last RETURNING last
"""
_KNOWN = "SELECT key, number, content FROM respond_retry WHERE key = ANY(%s) AND received_at > %s"
_REMEMBER = """
    INSERT INTO respond_retry (key, content, number, received_at)
    SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[])
    ON CONFLICT (key) DO UPDATE
    SET content = excluded.content, number = excluded.number, received_at = excluded.received_at
"""
_LOCK = "SELECT pg_advisory_xact_lock(hashtext(key)) FROM unnest(%s::text[]) AS key ORDER BY key"
_KEEP = """
    WITH told AS (SELECT * FROM jsonb_to_recordset(%s::jsonb) AS r(
      fact_id uuid, kind_id bigint, number text, reporter text, area text, longitude float8, latitude float8,
      title_zh text, title_en text, description text, public_text text, received_at timestamptz, address text,
      address_id text, photo text, media_url text, answers jsonb, first_name text, last_name text, email text,
      phone text, account_id text, device_id text, language text, outcome_at timestamptz, outcome_note text)),
    kept AS (
      INSERT INTO respond_signal (fact_id, kind_id, number, source, reporter, area, longitude, latitude, title_zh,
        title_en, description, public_text, is_public, received_at, address, address_id, photo, media_url, answers,
        outcome_at, outcome_note)
      SELECT fact_id, kind_id, number, %s, reporter, area, longitude, latitude, title_zh, title_en, description,
        public_text, true, received_at, address, address_id, photo, media_url, answers, outcome_at, outcome_note
      FROM told ORDER BY number RETURNING id, number)
    INSERT INTO respond_reporter
      (signal_id, first_name, last_name, email, phone, account_id, device_id, language)
    SELECT kept.id, coalesce(first_name, ''), coalesce(last_name, ''), coalesce(email, ''), coalesce(phone, ''),
      coalesce(account_id, ''), coalesce(device_id, ''), language FROM kept JOIN told USING (number)
"""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A report with what surrounds it.

    Attributes:
        report: what it says.
        reporter: who sent it, an actor code.
        received_at: when it was made, whole seconds.
        sent_at: when it came here; the same but for one that another system hands over.
        retry_key: names the sending, empty where it cannot be told from another.
        content: a sum over what it says.
    """

    report: Report
    reporter: str
    received_at: datetime
    sent_at: datetime
    retry_key: str
    content: str


def sum_of(*parts: str | bytes) -> str:
    """Return a sum over some parts, which cannot run into each other."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.hexdigest()


class Intake:
    """Keeps reports.

    Args:
        pool: connections that commit by themselves.
    """

    def __init__(self, pool: AsyncConnectionPool[Any]) -> None:
        """Nothing waits yet."""
        self._pool = pool
        self._waiting: list[tuple[Sent, asyncio.Future[str]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def keep(self, sent: Sent) -> str:
        """Keep a report and return its number, once it is committed; the number it has, where it was sent before.

        Raises:
            ComeAgainSoonError: if too many wait, or the database does not answer; then nothing is kept.
            FieldError: if its key was used for another report.
        """
        if len(self._waiting) >= WAITING_MAX:
            raise ComeAgainSoonError
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.append((sent, future))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        return await future

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:BATCH_MAX], self._waiting[BATCH_MAX:]
            try:
                numbers = await self._commit([sent for sent, _future in batch])
            except Exception as error:
                for _sent, future in batch:
                    _set_fault(future, error)
                if not isinstance(error, psycopg.Error | PoolTimeout):
                    raise
                _log.warning("%d reports could not be kept: %s", len(batch), str(error).partition("\n")[0])
                continue
            for (_sent, future), outcome in zip(batch, numbers, strict=True):
                _settle(future, outcome)

    async def _commit(self, batch: Sequence[Sent]) -> list[str | FieldError]:
        async with self._pool.connection() as connection, connection.transaction():
            known = await _known(connection, batch)
            fresh: dict[str, Sent] = {}
            for number, sent in enumerate(batch):
                if sent.retry_key not in known:
                    fresh.setdefault(sent.retry_key or f"#{number}", sent)
            given = await _numbered(connection, fresh)
            await _keep(connection, fresh, given)
        known |= {key: (given[key], sent.content) for key, sent in fresh.items()}
        return [_outcome(sent, known[sent.retry_key or f"#{number}"]) for number, sent in enumerate(batch)]


async def _known(connection: AsyncConnection[Any], batch: Sequence[Sent]) -> dict[str, tuple[str, str]]:
    keys = sorted({sent.retry_key for sent in batch if sent.retry_key})
    if not keys:
        return {}
    since = min(sent.sent_at for sent in batch) - timedelta(hours=RETRY_SPAN_H)
    await connection.execute(_LOCK, (keys,))
    rows = await (await connection.execute(_KNOWN, (keys, since))).fetchall()
    return {key: (number, content) for key, number, content in rows}


async def _numbered(connection: AsyncConnection[Any], fresh: dict[str, Sent]) -> dict[str, str]:
    """Return a number for each report; districts are locked in order, so that no two processes wait for each other."""
    days = {key: (_district(sent), sent.received_at.astimezone(CITY_ZONE).date()) for key, sent in fresh.items()}
    given: dict[str, str] = {}
    for (district, day), count in sorted(Counter(days.values()).items()):
        row = await (await connection.execute(_NUMBERS, (district, day, count))).fetchone()
        first = row[0] - count + 1 if row else 1
        keys = [key for key, place in days.items() if place == (district, day)]
        given |= {key: f"{district}-{day:%Y%m%d}-{first + n:04d}" for n, key in enumerate(keys)}
    return given


def _district(sent: Sent) -> AreaCode:
    return district_of(sent.report.area)


async def _keep(connection: AsyncConnection[Any], fresh: dict[str, Sent], given: dict[str, str]) -> None:
    if not fresh:
        return
    rows = [_row(sent, given[key]) for key, sent in fresh.items()]
    await connection.execute(_KEEP, (msgspec.json.encode(rows).decode(), Source.CITIZEN.value))
    again = [(key, sent.content, given[key], sent.sent_at) for key, sent in fresh.items() if sent.retry_key]
    if again:
        await connection.execute(_REMEMBER, [list(column) for column in zip(*again, strict=True)])


def _row(sent: Sent, number: str) -> dict[str, Any]:
    report = sent.report
    where = f"：{report.address}" if report.address else ""
    return {
        "fact_id": new_fact_id(),
        "kind_id": report.service.kind_id,
        "number": number,
        "reporter": sent.reporter,
        "area": report.area,
        "longitude": report.place.longitude if report.place else None,
        "latitude": report.place.latitude if report.place else None,
        "title_zh": f"{report.service.title.zh}{where}"[:300],
        "title_en": f"{report.service.title.en}{where}"[:300],
        "description": report.description,
        "public_text": without_contacts(report.description),
        "received_at": sent.received_at,
        "address": report.address,
        "address_id": report.address_id,
        "photo": report.photo,
        "media_url": report.media_url,
        "answers": report.answers,
        "language": report.language,
        "outcome_at": report.past.closed_at if report.past else None,
        "outcome_note": report.past.note if report.past else "",
        **report.person,
    }


def _outcome(sent: Sent, known: tuple[str, str]) -> str | FieldError:
    number, content = known
    if content != sent.content:
        return FieldError(name="Idempotency-Key", reason="it was used for another report")
    return number


def _settle(future: "asyncio.Future[str]", outcome: str | FieldError) -> None:
    if future.done():
        return
    if isinstance(outcome, FieldError):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


def _set_fault(future: "asyncio.Future[str]", error: Exception) -> None:
    if not future.done():
        fault = ComeAgainSoonError()
        fault.__cause__ = error
        future.set_exception(fault)
