"""Instants as the data plane carries them: microseconds since the Unix epoch, UTC, int64."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_us(instant: datetime) -> int:
    """Return an aware instant as microseconds since the Unix epoch.

    Raises:
        ValueError: if the instant carries no zone.
    """
    if instant.tzinfo is None:
        message = "an instant needs a zone"
        raise ValueError(message)
    return (instant - _EPOCH) // _MICROSECOND


def from_us(instant_us: int) -> datetime:
    """Return microseconds since the Unix epoch as an aware UTC instant."""
    return _EPOCH + timedelta(microseconds=instant_us)
