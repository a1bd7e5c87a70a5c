"""The port of a second store of closed days.

A stream's day lies there under a version that its header in PostgreSQL names. What no header names is not there, so
whatever is killed while it writes or removes leaves every reading in one place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cityloop.kernel.errors import CityloopError
from cityloop.sense.stream.archive.columns import DayColumns


class StoreAwayError(CityloopError):
    """The second store does not answer."""

    key = "The second store of closed days does not answer: %(reason)s"
    status = 503


class StoreLibraryMissingError(CityloopError):
    """Its library is not installed."""

    key = "The library of CITYLOOP_HISTORY_DSN is not installed. Install it: make clickhouse"
    status = 503


class StoreOfAnotherCityError(CityloopError):
    """The store holds the readings of another city."""

    key = "The second store of closed days belongs to another city. Give this one a database of its own."
    status = 503


@dataclass(frozen=True, slots=True)
class StoredDay:
    """A stream's day in the store.

    Attributes:
        stream: the datastream.
        day: UTC, counted from 1970-01-01.
        version: under which it lies there.
    """

    stream: int
    day: int
    version: int


class Store(Protocol):
    """Keeps readings of closed days as columns."""

    def append(self, columns: DayColumns, *, version: int) -> None:
        """Keep readings of one day durably under a version.

        Raises:
            StoreAwayError: if it does not answer.
        """

    def read(self, days: Sequence[StoredDay]) -> DayColumns:
        """Return the readings of some days in the order of stream, phenomenon time and id.

        Raises:
            StoreAwayError: if it does not answer.
        """

    def remove(self, days: Sequence[StoredDay]) -> None:
        """Remove days; those that are not there are none.

        Raises:
            StoreAwayError: if it does not answer.
        """

    def size(self) -> tuple[int, int]:
        """Return how many readings it holds, and their bytes on its disk.

        Raises:
            StoreAwayError: if it does not answer.
        """

    def close(self) -> None:
        """Let go of it."""
