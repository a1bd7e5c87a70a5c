"""From when until when a watch judges."""

from datetime import datetime

from cityloop.kernel.errors import CityloopError


class ValidityError(CityloopError):
    """A watch was to end before it begins."""

    key = "The end must lie after the beginning."
    status = 422


def check_validity(starts_at: datetime | None, ends_at: datetime | None) -> None:
    """Refuse a time that ends before it begins.

    Args:
        starts_at: aware, None for no beginning.
        ends_at: aware, None for no end.

    Raises:
        ValidityError: if it does.
    """
    if starts_at is not None and ends_at is not None and ends_at <= starts_at:
        raise ValidityError(field="ends_at")


def is_asleep(now: datetime, *, starts_at: datetime | None, ends_at: datetime | None) -> bool:
    """Return whether a moment lies outside of a watch's time; the beginning lies within, the end outside."""
    return (starts_at is not None and now < starts_at) or (ends_at is not None and now >= ends_at)
