"""Who is on duty, earlier hand-overs, and the duty log."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cityloop.command.models import Handover, LogEntry
from cityloop.kernel.areas import AreaCode
from cityloop.kernel.text import Text
from cityloop.registry.facade import actor_names

LOG_ROWS = 50
"""Entries of the duty log on a page."""

PLATFORM = 0
"""Who writes an entry of the duty log where nobody does but the platform itself; no person has this number."""


@dataclass(frozen=True, slots=True)
class OpenItem:
    """Something left open when a shift was handed over.

    Attributes:
        kind: `alarm` or `case`.
        title: what it is.
        level: of an alarm, 1-4; 0 for a case.
        where: its place.
        link: its page.
    """

    kind: str
    title: Text
    level: int
    where: Text
    link: str


@dataclass(frozen=True, slots=True)
class HandoverView:
    """One hand-over.

    Attributes:
        handover_id: its number.
        handed_at: when.
        area: whose duty room.
        leaving, taking_over: the officers, by number.
        leaving_name, taking_over_name: their names.
        note: what the leaving officer wrote.
        open_alarms, open_cases: how many stood open.
        items: what stood open, as it was then.
    """

    handover_id: int
    handed_at: datetime
    area: AreaCode
    leaving: int
    taking_over: int
    leaving_name: Text
    taking_over_name: Text
    note: str
    open_alarms: int
    open_cases: int
    items: tuple[OpenItem, ...]


@dataclass(frozen=True, slots=True)
class LogEntryView:
    """One entry of the duty log; the last two are numbers of the entries it corrects and is corrected by."""

    entry_id: int
    written_at: datetime
    person_name: Text
    kind: str
    words: str
    corrects: int | None
    corrected_by: int | None


def _item(stored: dict[str, Any]) -> OpenItem:
    title, where = Text(stored["title_zh"], stored["title_en"]), Text(stored["where_zh"], stored["where_en"])
    return OpenItem(stored["kind"], title, stored["level"], where, stored["link"])


def handovers(area: AreaCode, *, limit: int = 10) -> list[HandoverView]:
    """Return the newest hand-overs of a duty room, newest first."""
    rows = list(Handover.objects.filter(area=area).order_by("-handed_at", "-id")[:limit])
    names = actor_names({f"person:{number}" for row in rows for number in (row.leaving, row.taking_over)})
    return [
        HandoverView(
            handover_id=row.pk,
            handed_at=row.handed_at,
            area=AreaCode(row.area),
            leaving=row.leaving,
            taking_over=row.taking_over,
            leaving_name=names[f"person:{row.leaving}"],
            taking_over_name=names[f"person:{row.taking_over}"],
            note=row.note,
            open_alarms=row.open_alarms,
            open_cases=row.open_cases,
            items=tuple(map(_item, row.items)),
        )
        for row in rows
    ]


def on_duty(area: AreaCode) -> HandoverView | None:
    """Return the hand-over by which the present officer took over, None where nobody has yet."""
    newest = handovers(area, limit=1)
    return newest[0] if newest else None


def log_entries(area: AreaCode, *, since: datetime | None = None, limit: int = LOG_ROWS) -> list[LogEntryView]:
    """Return the newest entries of a duty log, newest first."""
    found = LogEntry.objects.filter(area=area, **({"written_at__gte": since} if since else {}))
    rows = list(found.order_by("-written_at", "-id")[:limit])
    names = actor_names({_writer(row.person) for row in rows})
    corrected = dict(LogEntry.objects.filter(corrects__in=rows).values_list("corrects_id", "pk"))
    return [
        LogEntryView(
            entry_id=row.pk,
            written_at=row.written_at,
            person_name=names[_writer(row.person)],
            kind=row.kind,
            words=row.words,
            corrects=row.corrects_id,  # type: ignore[attr-defined]  # Django adds it
            corrected_by=corrected.get(row.pk),
        )
        for row in rows
    ]


def _writer(person: int) -> str:
    return "system:loop" if person == PLATFORM else f"person:{person}"
