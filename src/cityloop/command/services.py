"""Writes of the duty room: hand-overs, the duty log, what the projects put on the wall."""

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from cityloop.command.models import Handover, LogEntry, WallLine, WallProject
from cityloop.command.rules.words import LOG_KINDS
from cityloop.command.selectors.duty import OpenItem
from cityloop.journal.facade import post
from cityloop.kernel.areas import AreaCode
from cityloop.kernel.declarations import Project
from cityloop.kernel.errors import CityloopError, InvalidFieldError
from cityloop.kernel.facts import Ref, new_fact_id
from cityloop.kernel.facts.commanded import ShiftHandedOver

WORDS_MAX = 4000
"""Length of a note or an entry, characters."""


class SameOfficerError(CityloopError):
    """A shift cannot be handed over to oneself."""

    key = "A shift is handed over to another person."
    status = 409


class UnknownLogKindError(CityloopError):
    """There is no such kind of entry."""

    key = "The duty log knows these kinds of entry: %(kinds)s."
    status = 422


class NoSuchEntryError(CityloopError):
    """The entry to be corrected is not in this duty log."""

    key = "The duty log holds no entry %(number)s to correct."
    status = 404


def _words(name: str, text: str) -> str:
    words = text.strip()
    if not words or len(words) > WORDS_MAX:
        raise InvalidFieldError(name, f"1-{WORDS_MAX}")
    return words


def hand_over_shift(  # noqa: PLR0913  each says one thing
    area: AreaCode, *, leaving: int, taking_over: int, note: str, items: Sequence[OpenItem], causes: Sequence[Ref]
) -> int:
    """Hand the shift of a duty room to the next officer; return the number of the hand-over.

    Args:
        area: whose duty room.
        leaving: the officer who leaves, by number.
        taking_over: the officer who takes over, by number.
        note: what the next officer must know.
        items: what stands open, kept as it is now.
        causes: the facts behind the open items.

    Raises:
        SameOfficerError: if both are one person.
        InvalidFieldError: if the note is empty or too long.
    """
    if leaving == taking_over:
        raise SameOfficerError
    alarms = sum(item.kind == "alarm" for item in items)
    with transaction.atomic():
        row = Handover.objects.create(
            area=area,
            leaving=leaving,
            taking_over=taking_over,
            note=_words("note", note),
            open_alarms=alarms,
            open_cases=len(items) - alarms,
            items=[_stored(item) for item in items],
        )
        post(
            ShiftHandedOver(
                fact_id=new_fact_id(),
                happened_at=timezone.now(),
                actor=f"person:{leaving}",
                area=area,
                causes=tuple(causes),
                handover_id=row.pk,
                to=f"person:{taking_over}",
                open_alarms=alarms,
                open_cases=len(items) - alarms,
                note=row.note,
            )
        )
    return row.pk


def _stored(item: OpenItem) -> dict[str, str | int]:
    return {
        "kind": item.kind,
        "title_zh": item.title.zh,
        "title_en": item.title.en,
        "level": item.level,
        "where_zh": item.where.zh,
        "where_en": item.where.en,
        "link": item.link,
    }


def write_log(area: AreaCode, *, person: int, kind: str, words: str, corrects: int | None = None) -> int:
    """Write an entry into the duty log; return its number. Nothing is ever changed: a correction is a new entry.

    Args:
        area: whose duty log.
        person: who writes, by number; `PLATFORM` where the platform itself does.
        kind: one of `LOG_KINDS`.
        words: what is written, 1 to `WORDS_MAX` characters.
        corrects: the entry it corrects.

    Raises:
        UnknownLogKindError: if there is no such kind.
        InvalidFieldError: if the words are empty or too long.
        NoSuchEntryError: if the entry to be corrected is not in this duty log.
    """
    if kind not in LOG_KINDS:
        raise UnknownLogKindError(kinds=", ".join(LOG_KINDS))
    if corrects is not None and not LogEntry.objects.filter(pk=corrects, area=area).exists():
        raise NoSuchEntryError(number=corrects)
    return LogEntry.objects.create(
        area=area, person=person, kind=kind, words=_words("words", words), corrects_id=corrects
    ).pk


def put_on_wall(project: Project, *, streams: dict[str, int]) -> None:
    """Keep what a project puts on the wall; a line it no longer names leaves.

    Args:
        project: what it declares.
        streams: datastream id of each stream code.
    """
    with transaction.atomic():
        named = {"number": project.number, "title_zh": project.title.zh, "title_en": project.title.en}
        row, _ = WallProject.objects.update_or_create(code=project.code, defaults=named)
        for position, line in enumerate(project.lines):
            ids = [streams[stream.code] for stream in project.streams_matching(line.streams) if stream.code in streams]
            WallLine.objects.update_or_create(
                project=row,
                code=line.code,
                defaults={
                    "position": position,
                    "title_zh": line.title.zh,
                    "title_en": line.title.en,
                    "streams": ids,
                    "combine": line.combine,
                    "factor": line.factor,
                    "unit": line.unit,
                    "decimals": line.decimals,
                },
            )
        WallLine.objects.filter(project=row).exclude(code__in=[line.code for line in project.lines]).delete()
