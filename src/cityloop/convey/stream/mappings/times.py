"""Times as vendors write them."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cityloop.kernel.instants import to_us
from cityloop.sense.stream.sta.times import instant_us

DEVICE_ZONE = timezone(timedelta(hours=8))
"""Zone of a time that names none, where the mapping names none either: UTC+8."""

INSTANT_US_MAX = 253_402_300_799_000_000
"""End of the year 9999."""

ISO = "iso8601"
_UNITS_US = {"unix_s": 1_000_000.0, "unix_ms": 1_000.0, "unix_us": 1.0}
_Zone = timezone | ZoneInfo


@dataclass(frozen=True, slots=True)
class TimeFormat:
    """How a time is written.

    Attributes:
        name: `iso8601`, `unix_s`, `unix_ms`, `unix_us`, or a format such as `%Y%m%d%H%M%S`.
        read: turns what stands there into microseconds since the Unix epoch, UTC; raises
            ValueError or TypeError where it is none.
    """

    name: str
    read: Callable[[Any], int]


def format_of(name: str, *, zone: str = "") -> TimeFormat:
    """Return a format.

    Args:
        name: of the format.
        zone: of times that name none: `Asia/Shanghai`, `UTC`; empty for UTC+8.

    Raises:
        ValueError: if there is no such format or zone.
    """
    if name in _UNITS_US:
        unit_us = _UNITS_US[name]
        return TimeFormat(name, lambda shown: _counted(shown, unit_us))
    try:
        local: _Zone = ZoneInfo(zone) if zone else DEVICE_ZONE
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = f"no time zone: {zone}"
        raise ValueError(message) from error
    if name == ISO:
        return TimeFormat(name, lambda shown: _iso(shown, local))
    if "%" not in name:
        message = f"no format of a time: {name}"
        raise ValueError(message)
    return TimeFormat(name, lambda shown: _by_format(shown, name, local))


def _counted(shown: Any, unit_us: float) -> int:
    if isinstance(shown, bool) or not isinstance(shown, int | float | str):
        message = f"no number of seconds: {shown!r}"[:200]
        raise TypeError(message)
    counted = float(shown) * unit_us
    if not math.isfinite(counted) or not 0 <= counted <= INSTANT_US_MAX:
        message = f"no time: {shown!r}"[:200]
        raise ValueError(message)
    return int(shown) * int(unit_us) if isinstance(shown, int) else round(counted)


def _iso(shown: Any, local: _Zone) -> int:
    text = str(shown)
    try:
        return instant_us(text)
    except ValueError:
        return _aware_us(datetime.fromisoformat(text), local)


def _by_format(shown: Any, name: str, local: _Zone) -> int:
    return _aware_us(datetime.strptime(str(shown), name), local)  # noqa: DTZ007  the zone comes from the mapping


def _aware_us(moment: datetime, local: _Zone) -> int:
    try:
        return to_us((moment if moment.tzinfo else moment.replace(tzinfo=local)).astimezone(UTC))
    except OverflowError as error:
        raise ValueError(str(error)) from error
