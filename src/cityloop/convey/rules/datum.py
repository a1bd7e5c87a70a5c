"""Where a point lies on the globe, whatever datum it comes in: only WGS 84 is kept.

Chinese map services deliver GCJ-02 or BD-09, some hundred metres away; CGCS2000 is WGS 84 at our accuracy.
"""

import math
from enum import StrEnum

import geocoordinates_ffi as geocoordinates  # type: ignore[import-untyped]  # it carries no type marker

from cityloop.kernel.errors import CityloopError
from cityloop.kernel.text import Text


class Datum(StrEnum):
    """What the degrees of a point refer to."""

    WGS84 = "WGS84"
    CGCS2000 = "CGCS2000"
    GCJ02 = "GCJ02"
    BD09 = "BD09"

    @property
    def words(self) -> Text:
        """Return the datum in words."""
        return _DATUMS[self]


_DATUMS = {
    Datum.WGS84: Text("WGS 84", "WGS 84"),
    Datum.CGCS2000: Text("国家大地坐标系（CGCS2000）", "CGCS2000"),
    Datum.GCJ02: Text("火星坐标（GCJ-02）", "GCJ-02"),
    Datum.BD09: Text("百度坐标（BD-09）", "BD-09"),
}

LONGITUDE_MAX, LATITUDE_MAX = 180.0, 90.0
"""Bounds of a point on the globe, degrees."""

DEGREE_DIGITS = 7
"""Digits of a degree that are kept: a centimetre."""


class NoPointError(CityloopError):
    """Two numbers are no point on the globe."""

    key = "Longitude %(longitude)s and latitude %(latitude)s are no point on the globe."


def wgs84_of(longitude: float, latitude: float, datum: Datum) -> tuple[float, float]:
    """Return a point in WGS 84.

    Args:
        longitude: degrees east, in the datum.
        latitude: degrees north, in the datum.
        datum: what they refer to.

    Returns:
        Longitude and latitude, degrees; within half a metre for GCJ-02, a metre for BD-09.

    Raises:
        NoPointError: if they are no point on the globe.
    """
    if not (math.isfinite(longitude) and math.isfinite(latitude)):
        raise NoPointError(longitude=longitude, latitude=latitude, field="longitude")
    if abs(longitude) > LONGITUDE_MAX or abs(latitude) > LATITUDE_MAX:
        raise NoPointError(longitude=longitude, latitude=latitude, field="longitude")
    if datum is Datum.GCJ02:
        point = geocoordinates.gcj02_to_wgs84_refined(geocoordinates.Gcj02(lon=longitude, lat=latitude))
    elif datum is Datum.BD09:
        point = geocoordinates.bd09_to_wgs84_refined(geocoordinates.Bd09(lon=longitude, lat=latitude))
    else:
        return longitude, latitude
    return round(point.lon, DEGREE_DIGITS), round(point.lat, DEGREE_DIGITS)
