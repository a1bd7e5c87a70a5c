"""The instant a page is asked for: `?at=`, the present where it is not given."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.http import HttpRequest
from django.utils import timezone

from cityloop.kernel.clocks import CITY_ZONE
from cityloop.kernel.errors import CityloopError


class BadMomentError(CityloopError):
    """The address names an instant that cannot be read."""

    key = "This instant cannot be read: %(moment)s."


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
        return "" if self.is_present else f"?{urlencode({'at': self.at.isoformat()})}"

    @property
    def day_before(self) -> str:
        """Return the query of the same hour a day before."""
        return f"?{urlencode({'at': (self.at - timedelta(days=1)).isoformat(timespec='minutes')})}"

    @property
    def day_after(self) -> str:
        """Return the query of the same hour a day after."""
        return f"?{urlencode({'at': (self.at + timedelta(days=1)).isoformat(timespec='minutes')})}"


def moment_asked(request: HttpRequest) -> Moment:
    """Return the instant that an address names; without a zone it is the city's.

    Raises:
        BadMomentError: if it cannot be read.
    """
    asked = request.GET.get("at", "").strip()
    if not asked:
        return Moment(timezone.now(), is_present=True)
    try:
        at = datetime.fromisoformat(asked.replace(" ", "+"))
        at = at if at.tzinfo is not None else at.replace(tzinfo=CITY_ZONE)
        return Moment(at.astimezone(CITY_ZONE), is_present=False)
    except (ValueError, OverflowError) as error:
        raise BadMomentError(moment=asked[:40]) from error
