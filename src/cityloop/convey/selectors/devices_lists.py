"""Lists and tallies of devices within somebody's boundaries: by state, project, district, vendor; who is silent."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Case, Count, Q, QuerySet, Sum, When

from cityloop.convey.models.devices import Arrival, Device
from cityloop.convey.rules.devices import IN_SERVICE, DeviceState
from cityloop.convey.selectors.devices import DeviceView, view_of
from cityloop.kernel.areas import AreaCode, AreaLevel, level_of

POINTS_MAX = 2_000
"""Most devices a map shows; the offline ones come first, the table tells of the rest."""

_CALIBRATED = ("registered", "tested", "online", "offline", "maintenance")


@dataclass(frozen=True, slots=True)
class Boundary:
    """Whose devices somebody sees: of an area and below, of one organisation where that is not None."""

    area: AreaCode
    organisation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFilter:
    """What somebody looks for; empty means any.

    Attributes:
        state: only in this state.
        project: only of this project.
        area: only in this district.
        vendor: only of this vendor.
        text: only with this in code, name, serial number or address.
        needs: `calibration` for overdue ones, `quarantine` where it is suggested, `clock` for wrong clocks,
            `acceptance` for registered ones that report already.
    """

    state: str = ""
    project: str = ""
    area: str = ""
    vendor: str = ""
    text: str = ""
    needs: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """By which limits something is needed of somebody.

    Attributes:
        now: the present.
        clock_skew_s: a clock more wrong is a fault.
        impossible: after so many impossible readings quarantine is suggested.
    """

    now: datetime
    clock_skew_s: float
    impossible: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Numbers of a group of devices, each with what it is a share of.

    Attributes:
        key: what they have in common: a project, a district, a vendor.
        devices: how many there are, without retired ones.
        in_service: how many are online or offline: what the online rate is a share of.
        online: how many are online.
        received: readings of the last day.
        expected: how many were expected by the periods promised.
    """

    key: str
    devices: int = 0
    in_service: int = 0
    online: int = 0
    received: int = 0
    expected: float = 0.0

    @property
    def online_percent(self) -> float | None:
        """Return the online rate, per cent; None where nothing is in service."""
        return 100.0 * self.online / self.in_service if self.in_service else None

    @property
    def arrival_percent(self) -> float | None:
        """Return the arrival rate, per cent, at most 100; None where nothing was expected."""
        return min(100.0, 100.0 * self.received / self.expected) if self.expected else None


def devices_found(
    boundaries: Sequence[Boundary], asked: DeviceFilter, need: Need, *, after: int = 0, limit: int
) -> list[DeviceView]:
    """Return devices within some boundaries, by code."""
    rows = _asked(_within(boundaries), asked, need).order_by("code")
    return [view_of(row) for row in rows[after : after + limit]]


def device_number(boundaries: Sequence[Boundary], asked: DeviceFilter, need: Need) -> int:
    """Return how many devices within some boundaries there are."""
    return _asked(_within(boundaries), asked, need).count()


def silent_longest(boundaries: Sequence[Boundary], asked: DeviceFilter, need: Need, *, limit: int) -> list[DeviceView]:
    """Return the offline devices that have been silent for longest, longest first."""
    rows = _asked(_within(boundaries), asked, need).filter(state=DeviceState.OFFLINE)
    return [view_of(row) for row in rows.order_by("last_heard_at", "state_since", "code")[:limit]]


def device_points(boundaries: Sequence[Boundary], asked: DeviceFilter, need: Need) -> list[DeviceView]:
    """Return devices that have a place, for a map; offline ones first."""
    rows = _asked(_within(boundaries), asked, need).exclude(longitude=None)
    first = Case(When(state=DeviceState.OFFLINE, then=0), default=1)
    return [view_of(row) for row in rows.order_by(first, "code")[:POINTS_MAX]]


def state_counts(boundaries: Sequence[Boundary]) -> dict[DeviceState, int]:
    """Return how many devices there are in each state."""
    counted = _within(boundaries).values("state").annotate(number=Count("pk")).values_list("state", "number")
    known = dict(counted)
    return {state: known.get(state, 0) for state in DeviceState}


def vendors(boundaries: Sequence[Boundary], *, limit: int = 200) -> list[str]:
    """Return the vendors of devices within some boundaries."""
    rows = _within(boundaries).exclude(vendor="").values_list("vendor", flat=True)
    return list(rows.distinct().order_by("vendor")[:limit])


def tallies(boundaries: Sequence[Boundary], *, by: str, since: datetime) -> list[Tally]:
    """Return the numbers of devices, grouped.

    Args:
        boundaries: whose.
        by: `project`, `area` or `vendor`.
        since: readings are counted from here on.
    """
    rows = (
        _within(boundaries)
        .exclude(state=DeviceState.RETIRED)
        .values(by)
        .annotate(
            devices=Count("pk"),
            in_service=Count("pk", filter=Q(state__in=IN_SERVICE)),
            online=Count("pk", filter=Q(state=DeviceState.ONLINE)),
        )
    )
    found = {
        row[by]: Tally(key=row[by], devices=row["devices"], in_service=row["in_service"], online=row["online"])
        for row in rows
    }
    arrived = Arrival.objects.filter(_inside(boundaries), since__gte=since).values(by)
    for row in arrived.annotate(received_sum=Sum("received"), expected_sum=Sum("expected")):
        known = found.get(row[by], Tally(key=row[by]))
        found[row[by]] = replace(known, received=row["received_sum"], expected=row["expected_sum"])
    return sorted(found.values(), key=lambda tally: (-tally.devices, tally.key))


def _within(boundaries: Iterable[Boundary]) -> QuerySet[Device]:
    return Device.objects.filter(_inside(boundaries))


def _inside(boundaries: Iterable[Boundary]) -> Q:
    inside = Q(pk__in=[])
    for boundary in boundaries:
        part = _area(boundary.area)
        inside |= part if boundary.organisation is None else part & Q(organisation=boundary.organisation)
    return inside


def _area(area: AreaCode) -> Q:
    return Q(area__startswith=area[:2] if level_of(area) is AreaLevel.CITY else area)


def _asked(rows: QuerySet[Device], asked: DeviceFilter, need: Need) -> QuerySet[Device]:
    plain = {"state": asked.state, "project": asked.project, "vendor": asked.vendor}
    rows = rows.filter(**{name: value for name, value in plain.items() if value})
    if not asked.state:
        rows = rows.exclude(state=DeviceState.RETIRED)
    if asked.area:
        rows = rows.filter(_area(AreaCode(asked.area)))
    if asked.text:
        text = asked.text
        rows = rows.filter(
            Q(code__icontains=text)
            | Q(title_zh__icontains=text)
            | Q(title_en__icontains=text)
            | Q(serial_number__icontains=text)
            | Q(address__icontains=text)
        )
    return rows.filter(_needs(asked.needs, need)) if asked.needs else rows


def _needs(what: str, need: Need) -> Q:
    if what == "calibration":
        return Q(calibration_due_on__lt=need.now.date(), state__in=_CALIBRATED)
    if what == "quarantine":
        return Q(impossible_count__gte=need.impossible) & ~Q(state=DeviceState.QUARANTINED)
    if what == "clock":
        return Q(clock_skew_s__gt=need.clock_skew_s) | Q(clock_skew_s__lt=-need.clock_skew_s)
    return Q(state=DeviceState.REGISTERED) & ~Q(last_heard_at=None)
