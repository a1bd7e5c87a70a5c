"""Numbers of requests and reductions: a mark, the day in the city, a serial number of that day."""

from datetime import datetime

from django.db.models import F

from cityloop.kernel.clocks import CITY_ZONE
from cityloop.projects.lifelines.models import Numbering


def next_number(mark: str, at: datetime) -> str:
    """Return the next number of a day, in the caller's transaction; two of one day never share one.

    Args:
        mark: `UR` for a request to upstream, `DR` for a reduction of demand.
        at: when it is made, aware.
    """
    day = at.astimezone(CITY_ZONE).date()
    Numbering.objects.get_or_create(day=day, defaults={"last": 0})
    row = Numbering.objects.select_for_update().get(day=day)
    Numbering.objects.filter(day=day).update(last=F("last") + 1)
    return f"{mark}-{day:%Y%m%d}-{row.last + 1:03d}"
