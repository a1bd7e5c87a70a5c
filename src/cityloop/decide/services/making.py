"""Watches that people make themselves, and the time in which watches judge."""

import re
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from cityloop.decide.models import Watch
from cityloop.decide.rules import is_asleep
from cityloop.decide.selectors.watches import WatchView, watch_view
from cityloop.decide.services.choosing import streams_for
from cityloop.decide.services.machine import forget_bands, hold_lock
from cityloop.decide.services.watches import WatchEdit, announce, checked, end_conditions, first_version
from cityloop.kernel.declarations import WatchKind
from cityloop.kernel.text import Text
from cityloop.registry.facade import PersonView, Right, note_change, require

OWN = "own."
"""How the codes of watches begin that people have made."""

_NUMBER = re.compile(r"own\.([0-9]{1,9})")


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchDraft:
    """What a new watch is.

    Attributes:
        title: its name, the title of its alarms.
        kind: how it judges.
        streams: codes, `prefix*` patterns and `#id` numbers of its streams; looked up when it is made.
    """

    title: Text
    kind: WatchKind
    streams: tuple[str, ...]


@transaction.atomic
def make_watch(*, person: PersonView, draft: WatchDraft, edit: WatchEdit, now: datetime) -> WatchView:
    """Make a watch that no project declares.

    Args:
        person: who makes it; needs the right to edit watches.
        draft: what it is.
        edit: its limits and all that may be changed later.
        now: when it comes into force.

    Raises:
        StreamsUnfitError: if its streams cannot be watched together.
        LimitsError: if the limits cannot be used.
        TermsError: if what its kind needs is missing.
        ScheduleError: if its permitted hours cannot be read.
        ValidityError: if it ends before it begins.
        UnknownWatchError: if it shall suppress a watch that is not there.
        AccessDeniedError: if the person may not.
    """
    require(person, Right.EDIT_WATCHES, what="new watch")
    hold_lock()
    views, unit = streams_for(draft.streams, draft.kind, edit.terms)
    code = _next_code()
    values = checked(code, draft.kind, edit, now) | {
        "project": "",
        "title_zh": draft.title.zh,
        "title_en": draft.title.en,
        "kind": str(draft.kind),
        "patterns": list(draft.streams),
        "unit": unit,
        "declared": "",
        "changed_by": person.actor,
        "change_note": edit.note,
    }
    row = first_version(code, values, periods={view.datastream_id: view.period_s for view in views}, now=now)
    note_change(person, Right.EDIT_WATCHES, what=f"watch {row.code} version {row.version}")
    announce()
    return watch_view(row)


def _next_code() -> str:
    known = Watch.objects.filter(code__startswith=OWN).values_list("code", flat=True)
    numbers = [int(found[1]) for code in known if (found := _NUMBER.fullmatch(code))]
    return f"{OWN}{max(numbers, default=0) + 1}"


def apply_validity(now: datetime) -> int:
    """Let watches judge from their beginning until their end; what stands under one that ends is cleared.

    Args:
        now: the wall clock, aware.

    Returns:
        How many watches began or ended.
    """
    if not _turning(now):
        return 0
    with transaction.atomic():
        hold_lock()
        turning = _turning(now)
        for row in turning:
            row.asleep = not row.asleep
            row.save(update_fields=["asleep"])
            if row.asleep:
                end_conditions(row.code, now)
            elif row.enabled:
                streams = row.streams.values_list("datastream_id", flat=True)
                forget_bands((stream, row.pk) for stream in streams)
        if turning:
            announce()
    return len(turning)


def _turning(now: datetime) -> list[Watch]:
    rows = Watch.objects.filter(~Q(starts_at=None, ends_at=None), valid_until=None).order_by("pk")
    return [row for row in rows if row.asleep != is_asleep(now, starts_at=row.starts_at, ends_at=row.ends_at)]
