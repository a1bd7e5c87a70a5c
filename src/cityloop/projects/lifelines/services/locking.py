"""One at a time: what is checked before it is written is not changed by another in between."""

from django.db import connection

_LOCK = "SELECT pg_advisory_xact_lock(hashtext(%s))"


def lock(matter: str) -> None:
    """Wait until nobody else writes to a matter, and hold it to the end of the caller's transaction.

    Args:
        matter: what is written to, e.g. `users of gas`.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [f"lifelines.{matter}"])


__all__ = ["lock"]
