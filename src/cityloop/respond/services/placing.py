"""Signals that came in by a public door get their case: opened, or joined where one of the same matter stands."""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import DatabaseError, transaction
from django.db.models import F, Q

from cityloop.kernel.areas import AreaCode
from cityloop.kernel.errors import CityloopError
from cityloop.kernel.text import Text
from cityloop.respond.models import Kind, Retry, Signal
from cityloop.respond.rules.matters import Place, Source
from cityloop.respond.services.opening import TITLE_MAX, NewSignal, receive_signal

PLACED_A_TURN = 50
"""How many waiting signals one turn places at most."""

FRESH = timedelta(days=1)
"""What is reported now goes before what is older: an extract of ten thousand rows holds up nobody."""

TURN_S_MAX = 0.25
"""How long one turn begins to place further ones, seconds: alarms are not held up by a flood of reports."""

RETRY_KEPT = timedelta(days=2)
"""How long it is remembered what was sent: longer than a repeated report is answered with its number."""

TRY_AGAIN = timedelta(seconds=1)
"""How long after its first try a signal that could not be placed is tried again; twice as long after each further."""

TRY_AGAIN_MAX = timedelta(hours=1)
"""Longest time between two tries: what was mended is placed within it."""

_log = logging.getLogger(__name__)


def place_waiting(now: datetime, *, monotonic: Callable[[], float] = time.monotonic) -> int:
    """Place waiting signals, each in a transaction of its own, and return how many were.

    One that cannot be placed is logged and tried again later and later; it does not hold up the others.

    Args:
        now: the time of day; a signal is placed at the time it was received.
        monotonic: tells spans, seconds.
    """
    ends_at, placed = monotonic() + TURN_S_MAX, 0
    for pk in _waiting(now):
        placed += _place(pk, now)
        if monotonic() >= ends_at:
            break
    return placed


def _waiting(now: datetime) -> list[int]:
    """Return what waits, in the order of its coming, what was tried before after it.

    What another system hands over from its past waits longest.
    """
    is_due = Q(try_at=None) | Q(try_at__lte=now)
    waiting = Signal.objects.filter(is_due, case=None, kind__isnull=False, received_at__lte=now)
    untried = F("try_at").asc(nulls_first=True)
    fresh = waiting.filter(received_at__gt=now - FRESH).order_by(untried, "pk").values_list("pk", flat=True)
    found = list(fresh[:PLACED_A_TURN])
    if len(found) < PLACED_A_TURN:
        old = waiting.filter(received_at__lte=now - FRESH).order_by(untried, "received_at", "pk")
        found += old.values_list("pk", flat=True)[: PLACED_A_TURN - len(found)]
    return found


def forget_retries(now: datetime) -> None:
    """Forget the sendings that are too old to be sent again."""
    Retry.objects.filter(received_at__lt=now - RETRY_KEPT).delete()


def _place(pk: int, now: datetime) -> bool:
    try:
        with transaction.atomic():
            rows = Signal.objects.select_for_update(of=("self",), skip_locked=True)
            row = rows.select_related("kind").filter(pk=pk, case=None).first()
            if row is None or row.kind is None:
                return False
            receive_signal(_told(row, row.kind), now=row.received_at)
    except (CityloopError, DatabaseError):
        _put_off(pk, now)
        return False
    return True


def _put_off(pk: int, now: datetime) -> None:
    """Note that a signal could not be placed, and when it is tried again."""
    with transaction.atomic():
        row = Signal.objects.select_for_update(of=("self",)).filter(pk=pk, case=None).first()
        if row is None:
            return
        row.try_at = now + min(TRY_AGAIN * 2 ** min(row.tries, 20), TRY_AGAIN_MAX)
        row.tries += 1
        row.save(update_fields=["tries", "try_at"])
    _log.exception("signal %s could not be placed, try %s; again after %s", pk, row.tries, row.try_at)


def _told(row: Signal, kind: Kind) -> NewSignal:
    """Return a waiting signal as the engine takes it; its case is called after its kind and address."""
    where = f"：{row.address}" if row.address else ""
    row.title_zh, row.title_en = f"{kind.title_zh}{where}"[:TITLE_MAX], f"{kind.title_en}{where}"[:TITLE_MAX]
    known = row.longitude is not None and row.latitude is not None
    return NewSignal(
        source=Source(row.source),
        reporter=row.reporter,
        kind=kind.code,
        area=AreaCode(row.area),
        place=Place(row.longitude, row.latitude) if known else None,
        title=Text(row.title_zh, row.title_en),
        description=row.description,
        outcome_at=row.outcome_at,
        outcome_note=row.outcome_note,
        waiting=row,
    )
