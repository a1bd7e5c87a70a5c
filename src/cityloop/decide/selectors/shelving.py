"""Reads of requests to shelve."""

from dataclasses import dataclass
from datetime import datetime

from cityloop.decide.models import ShelvingRequest
from cityloop.kernel.areas import CITY, AreaCode
from cityloop.kernel.errors import NotFoundError
from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text

REQUESTS_MAX = 200
"""How many waiting requests a list returns at the most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelvingView:
    """A request to shelve a grave alarm.

    Attributes:
        request_id: the request.
        alarm_id: the alarm.
        title: what the alarm is.
        area: where.
        level: the alarm's level when it was asked for.
        reason: why.
        until: until when it shall be shelved.
        requested_at, requested_by: who asked.
        outcome: empty while it waits, else `confirmed`, `refused`, `withdrawn` or `expired`.
        decided_at, decided_by, note: who answered.
    """

    request_id: int
    alarm_id: int
    title: Text
    area: AreaCode
    level: Level
    reason: str
    until: datetime
    requested_at: datetime
    requested_by: str
    outcome: str
    decided_at: datetime | None
    decided_by: str
    note: str


def shelving_view(row: ShelvingRequest) -> ShelvingView:
    """Return a request's row, read with its alarm, as others see it."""
    return ShelvingView(
        request_id=row.pk,
        alarm_id=row.alarm_id,
        title=Text(row.alarm.title_zh, row.alarm.title_en),
        area=AreaCode(row.alarm.area),
        level=Level(row.level),
        reason=row.reason,
        until=row.until,
        requested_at=row.requested_at,
        requested_by=row.requested_by,
        outcome=row.outcome,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        note=row.note,
    )


def shelving_request(request_id: int) -> ShelvingView:
    """Return one request.

    Raises:
        NotFoundError: if there is none with this id.
    """
    row = ShelvingRequest.objects.filter(pk=request_id).select_related("alarm").first()
    if row is None:
        raise NotFoundError(what=f"request {request_id}")
    return shelving_view(row)


def shelving_requests(alarm_id: int) -> list[ShelvingView]:
    """Return the requests of an alarm, newest first."""
    rows = ShelvingRequest.objects.filter(alarm_id=alarm_id).select_related("alarm").order_by("-pk")
    return [shelving_view(row) for row in rows[:REQUESTS_MAX]]


def waiting_requests(*, area: AreaCode | None = None) -> list[ShelvingView]:
    """Return the requests that wait for a second person, oldest first, of an area and below or of the city."""
    rows = ShelvingRequest.objects.filter(outcome="").select_related("alarm").order_by("pk")
    if area is not None and area != CITY:
        rows = rows.filter(alarm__area__startswith=area)
    return [shelving_view(row) for row in rows[:REQUESTS_MAX]]
