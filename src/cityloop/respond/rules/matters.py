"""What makes signals one matter, and where they come from."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from math import asin, cos, degrees, radians, sin, sqrt

from cityloop.kernel.clocks import Clock, Limit
from cityloop.kernel.declarations import CaseKindSpec, Merging, MergingSpec
from cityloop.kernel.text import Text

EARTH_RADIUS_M = 6_371_000.0
"""Mean radius of the Earth, metres (IUGG)."""


class Source(StrEnum):
    """Where a signal comes from."""

    ALARM = "alarm"
    INSPECTOR = "inspector"
    CITIZEN = "citizen"
    HOTLINE = "hotline"
    LEADER = "leader"
    MEDIA = "media"
    ASSESSMENT = "assessment"


TRUSTED_SOURCES = frozenset({Source.ALARM, Source.INSPECTOR, Source.LEADER, Source.ASSESSMENT})
"""Signals of these sources may be filed without a verification on site."""


ANSWERED_SOURCES = frozenset({Source.INSPECTOR, Source.CITIZEN, Source.HOTLINE, Source.LEADER, Source.MEDIA})
"""Signals of these sources come from people, who are told what became of them."""


@dataclass(frozen=True, slots=True)
class CaseRules:
    """What the authority sets for all cases; shown as a default until it has confirmed it.

    Attributes:
        merge_distance_m: signals of one kind not farther apart than this are one matter, metres.
        merge_span_h: and not farther apart in time than this, hours.
        reopen_days: how long after closing a case may be opened again, days.
        basis: where the figures come from.
        confirmed: whether the authority has confirmed them.
    """

    merge_distance_m: float
    merge_span_h: float
    reopen_days: int
    basis: Text
    confirmed: bool = False


CASE_RULES = CaseRules(
    merge_distance_m=150.0,
    merge_span_h=24.0,
    reopen_days=30,
    basis=Text(
        "同类、相近、相邻时段的信号并为一案；平台默认值，待主管部门确认",
        "One matter is near in kind, place and time; a default of the platform, to be confirmed by the authority",
    ),
)


GENERAL = "general"
"""Kind of a report that fits no other entry of the item library."""

RECTIFICATION = "rectification"
"""Kind of a case that a shortfall of an indicator opens."""

_DEFAULT_BASIS = Text(
    "处置时限为平台默认值，待主管部门确认", "The limit is a default of the platform, to be confirmed by the authority"
)


def _never_near(how: Merging, basis: Text) -> MergingSpec:
    return MergingSpec(how=how, distance_m=0.0, span_h=0.0, basis=basis)


BUILT_IN_KINDS = (
    CaseKindSpec(
        code=GENERAL,
        title=Text("一般上报事项", "General report"),
        limit=Limit(5, Clock.WORKING_DAY),
        basis=_DEFAULT_BASIS,
        merging=_never_near(Merging.NEVER, Text("一般事项内容不限，不并案", "A general report may be about anything")),
    ),
    CaseKindSpec(
        code=RECTIFICATION,
        title=Text("指标整改", "Rectification of an indicator"),
        limit=Limit(15, Clock.WORKING_DAY),
        basis=_DEFAULT_BASIS,
        merging=_never_near(Merging.SAME_AREA, Text("同一区的整改并为一案", "One case of rectification a district")),
    ),
)
"""Kinds that stand without any project."""


@dataclass(frozen=True, slots=True)
class Place:
    """A point, WGS 84 degrees."""

    longitude: float
    latitude: float


def distance_m(first: Place, second: Place) -> float:
    """Return the great-circle distance of two points, metres (haversine)."""
    phi_1, phi_2 = radians(first.latitude), radians(second.latitude)
    half = sin((phi_2 - phi_1) / 2) ** 2
    half += cos(phi_1) * cos(phi_2) * sin(radians(second.longitude - first.longitude) / 2) ** 2
    return 2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(half)))


def is_same_matter(
    first: Place | None, second: Place | None, *, span: timedelta, distance_max_m: float, span_max_h: float
) -> bool:
    """Return whether two signals of one type are one matter: both places known and near, and near in time.

    Args:
        first: where one is.
        second: where the other is.
        span: between the two.
        distance_max_m: how far apart they may lie, metres.
        span_max_h: how far apart in time, hours.
    """
    if first is None or second is None or abs(span) > timedelta(hours=span_max_h):
        return False
    return distance_m(first, second) <= distance_max_m


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle that holds every point within a distance of its middle, WGS 84 degrees."""

    west: float
    south: float
    east: float
    north: float


def box_around(place: Place, distance_max_m: float) -> Box:
    """Return the rectangle around a point, away from the poles and the date line.

    Args:
        place: its middle.
        distance_max_m: how far it reaches, metres.
    """
    north = degrees(distance_max_m / EARTH_RADIUS_M)
    east = north / max(0.01, cos(radians(place.latitude)))
    return Box(place.longitude - east, place.latitude - north, place.longitude + east, place.latitude + north)
