"""The moment a page shows, and the way to the same page a day before and after."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.http import HttpRequest
from django.utils import timezone

from cityloop.projects.lifelines.views.asked import instant_asked

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Moment:
    """As of when a page shows the lines.

    Attributes:
        at: the instant.
        is_present: whether nobody asked for another.
    """

    at: datetime
    is_present: bool

    @property
    def query(self) -> str:
        """Return what a link to another page of the same instant ends in."""
        return "" if self.is_present else _query(self.at)

    @property
    def day_before(self) -> str:
        """Return the query of the same hour a day before."""
        return _query(self.at - DAY)

    @property
    def day_after(self) -> str:
        """Return the query of the same hour a day after, empty where that lies ahead."""
        return _query(self.at + DAY) if self.at + DAY <= timezone.now() else ""


def _query(at: datetime) -> str:
    return f"?{urlencode({'at': at.isoformat(timespec='minutes')})}"


def moment_asked(request: HttpRequest) -> Moment:
    """Return the moment that an address asks for; errors as `instant_asked`."""
    return Moment(instant_asked(request), is_present=not request.GET.get("at", "").strip())


__all__ = ["Moment", "moment_asked"]
