"""Clocks of Chinese devices: they send local time without a zone, which is UTC+8."""

from datetime import datetime, timedelta, timezone

from cityloop.kernel.instants import from_us, to_us

DEVICE_ZONE = timezone(timedelta(hours=8))
"""Zone of a device time that names none; fixed, for such clocks know no daylight saving."""


def device_us(shown: tuple[int, int, int, int, int, int]) -> int | None:
    """Return a device's clock as microseconds since the Unix epoch, UTC; None where it shows no possible time.

    Args:
        shown: year, month, day, hour, minute, second.
    """
    year, month, day, hour, minute, second = shown
    try:
        return to_us(datetime(year, month, day, hour, minute, second, tzinfo=DEVICE_ZONE))
    except (ValueError, OverflowError):
        return None


def device_clock(instant_us: int) -> datetime:
    """Return an instant as a device's clock shows it."""
    return from_us(instant_us).astimezone(DEVICE_ZONE)
