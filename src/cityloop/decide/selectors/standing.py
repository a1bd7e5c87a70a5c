"""Alarms as they stood at an instant, now or in the past."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q

from cityloop.decide.models import Alarm
from cityloop.decide.selectors.alarms import AlarmView, alarm_view


def alarms_standing(datastream_ids: Iterable[int], *, at: datetime) -> list[AlarmView]:
    """Return the alarms of some streams whose condition stood at an instant, gravest first, then newest.

    Args:
        datastream_ids: the streams.
        at: as of when.
    """
    rows = Alarm.objects.filter(datastream_id__in=list(datastream_ids), raised_at__lte=at)
    standing = rows.filter(Q(cleared_at=None) | Q(cleared_at__gt=at)).filter(Q(closed_at=None) | Q(closed_at__gt=at))
    return [alarm_view(row) for row in standing.order_by("level", "-raised_at")]


__all__ = ["alarms_standing"]
