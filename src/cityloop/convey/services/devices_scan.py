"""Looks again and again who was heard: tested and offline devices come online, online ones fall silent."""

from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Max

from cityloop.convey.models.devices import Device
from cityloop.convey.rules.devices import DeviceState
from cityloop.journal import facade as journal
from cityloop.kernel.areas import CITY, AreaCode
from cityloop.kernel.facts import Fact, new_fact_id
from cityloop.kernel.facts.conveyed import DeviceStateChanged, DeviceStatesChanged
from cityloop.kernel.text import Text

SCAN_ACTOR = "system:loop"
"""Who notices."""

FACTS_MAX = 20
"""At most so many facts of single devices a statement; where more change at once, one fact tells of them all.

A cut cable silences ten thousand devices in one look: the duty room needs one line, the ledger keeps every change.
"""

DEVICES_AT_ONCE = 20_000
"""Devices of one statement and transaction, which then lasts under a second."""

CODES_TOLD_MAX = 10
"""How many codes that one fact names."""

_SCAN = """
    WITH term AS (
      SELECT DISTINCT ON (code) code, amount FROM convey_deviceterm ORDER BY code, version DESC
    ), limits AS (
      SELECT (SELECT amount FROM term WHERE code = 'silent_s') AS silent_s,
        (SELECT amount FROM term WHERE code = 'silent_periods') AS periods
    ), asked AS MATERIALIZED (
      SELECT d.id, d.state, d.last_heard_at,
        make_interval(secs => coalesce(d.silent_after_s, d.period_s * periods, silent_s)) AS span
      FROM convey_device d, limits
      WHERE d.id >= %(first)s AND d.id < %(end)s AND (
        d.state IN ('registered', 'tested', 'offline') OR d.state = 'online' AND coalesce(d.last_heard_at
          < %(now)s - make_interval(secs => coalesce(d.silent_after_s, d.period_s * periods, silent_s)), true))
    ), heard AS MATERIALIZED (
      SELECT a.*, greatest(a.last_heard_at, (
        SELECT max(l.received_at) FROM convey_channel c JOIN sense_latest l ON l.datastream_id = c.datastream_id
        WHERE c.device_id = a.id)) AS at
      FROM asked a
    ), next AS (
      SELECT h.*, CASE
          WHEN state = 'online' AND (at IS NULL OR at < %(now)s - span) THEN 'offline'
          WHEN state IN ('tested', 'offline') AND at >= %(now)s - span THEN 'online'
          ELSE state END AS state_to
      FROM heard h
    ), changed AS (
      UPDATE convey_device d SET last_heard_at = n.at, state = n.state_to,
        state_since = CASE WHEN n.state_to <> n.state THEN %(now)s ELSE d.state_since END,
        state_reason = CASE WHEN n.state_to <> n.state THEN '' ELSE d.state_reason END
      FROM next n
      WHERE d.id = n.id AND d.state = n.state
        AND (n.state_to <> n.state OR n.at > coalesce(d.last_heard_at + n.span / 2, '-infinity'))
      RETURNING d.id, d.code, d.title_zh, d.title_en, d.project, d.area, n.state AS state_from, n.state_to
    ), noted AS (
      INSERT INTO convey_devicechange (device_id, at, actor, state_from, state_to, reason)
      SELECT id, %(now)s, %(actor)s, state_from, state_to, '' FROM changed WHERE state_from <> state_to
    )
    SELECT code, title_zh, title_en, project, area, state_from, state_to FROM changed
    WHERE state_from <> state_to ORDER BY code
"""


def scan_devices(now: datetime) -> int:
    """Bring devices online that were heard, and offline that were not; return how many changed.

    Only devices that could change are looked at: those that wait, and those whose last noted sign of life is too old.

    Args:
        now: the present.
    """
    greatest = Device.objects.aggregate(greatest=Max("pk"))["greatest"] or 0
    return sum(_scan_part(first, now) for first in range(0, greatest + 1, DEVICES_AT_ONCE))


@transaction.atomic
def _scan_part(first: int, now: datetime) -> int:
    asked = {"now": now, "actor": SCAN_ACTOR, "first": first, "end": first + DEVICES_AT_ONCE}
    with connection.cursor() as cursor:
        cursor.execute(_SCAN, asked)
        rows = cursor.fetchall()
    journal.post(*_facts(rows, now))
    return len(rows)


def _facts(rows: list[tuple[Any, ...]], now: datetime) -> list[Fact]:
    if not rows:
        return []
    if len(rows) <= FACTS_MAX:
        return [_fact(row, now) for row in rows]
    offline = sum(row[-1] == DeviceState.OFFLINE for row in rows)
    codes = ", ".join(row[0] for row in rows[:CODES_TOLD_MAX])
    areas = {row[4] for row in rows}
    summary = DeviceStatesChanged(
        fact_id=new_fact_id(),
        happened_at=now,
        actor=SCAN_ACTOR,
        area=AreaCode(areas.pop()) if len(areas) == 1 else CITY,
        went_offline=offline,
        came_online=len(rows) - offline,
        devices=codes,
    )
    return [summary]


def _fact(row: tuple[Any, ...], now: datetime) -> DeviceStateChanged:
    code, title_zh, title_en, project, area, before, after = row
    return DeviceStateChanged(
        fact_id=new_fact_id(),
        happened_at=now,
        actor=SCAN_ACTOR,
        area=AreaCode(area),
        device=code,
        title=Text(title_zh, title_en),
        project=project,
        state_before=before,
        state=after,
        reason="",
    )
