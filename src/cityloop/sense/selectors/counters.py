"""How much comes in, and what was refused."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from cityloop.kernel.clocks import CITY_ZONE
from cityloop.sense.models import Rejected, RejectedCount

RATE_WINDOW_S = 10
"""Over how long the rate of readings is averaged, seconds."""

SHOWN_BYTES_MAX = 300
"""How much of a refused message a page shows, bytes."""

SETTLED_AGE_S = 60
"""Facts older than this are counted once and remembered, seconds."""

_SUM = """
    SELECT coalesce(sum((body->>'readings')::bigint), 0) FROM journal_fact
    WHERE kind = 'sensed.ReadingsKept' AND happened_at >= %s AND happened_at < %s
"""


@dataclass(frozen=True, slots=True)
class ReadingCounters:
    """How many readings were kept.

    Attributes:
        today: since midnight in the city.
        per_s: a second, averaged over the last ten.
        since: that midnight.
    """

    today: int
    per_s: float
    since: datetime


@dataclass(frozen=True, slots=True)
class RejectedView:
    """A message that was refused."""

    rejected_id: int
    received_at: datetime
    mouth: str
    reason: str
    detail: str
    source: str
    payload: bytes

    @property
    def beginning(self) -> str:
        """Return the first characters of what came, as text; what is no text is marked."""
        return self.payload[:SHOWN_BYTES_MAX].decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class RejectedTally:
    """How many messages a mouth refused for a reason."""

    mouth: str
    reason: str
    count: int


@dataclass(slots=True)
class _Settled:
    """What has been counted already: readings in `[since, until)`."""

    since: datetime | None = None
    until: datetime | None = None
    readings: int = 0


_settled = _Settled()


def _kept_between(since: datetime, until: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_SUM, [since, until])
        (total,) = cursor.fetchone()
    return int(total)


def reading_counters(*, now: datetime | None = None, settled: _Settled = _settled) -> ReadingCounters:
    """Return how many readings were kept today; what is older than a minute is counted once a process."""
    now = now or timezone.now()
    midnight = now.astimezone(CITY_ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    if settled.since != midnight:
        settled.since, settled.until, settled.readings = midnight, midnight, 0
    counted = settled.until or midnight
    edge = now - timedelta(seconds=SETTLED_AGE_S)
    if edge > counted:
        settled.readings += _kept_between(counted, edge)
        settled.until = counted = edge
    today = settled.readings + _kept_between(counted, now + timedelta(seconds=1))
    lately = _kept_between(now - timedelta(seconds=RATE_WINDOW_S), now)
    return ReadingCounters(today, lately / RATE_WINDOW_S, midnight)


def rejected_recent(limit: int) -> list[RejectedView]:
    """Return the newest refused messages, newest first."""
    return [
        RejectedView(r.pk, r.received_at, r.mouth, r.reason, r.detail, r.source, bytes(r.payload))
        for r in Rejected.objects.order_by("-pk")[:limit]
    ]


def rejected_counts(since: datetime) -> list[RejectedTally]:
    """Return how many messages were refused since the UTC day of an instant, most first."""
    totals: dict[tuple[str, str], int] = {}
    for row in RejectedCount.objects.filter(day__gte=since.date()):
        totals[row.mouth, row.reason] = totals.get((row.mouth, row.reason), 0) + row.count
    return [RejectedTally(*key, count) for key, count in sorted(totals.items(), key=lambda item: -item[1])]
