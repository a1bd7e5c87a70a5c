"""What the processes of a city tell the notifier: compact batches, one message a transaction."""

from dataclasses import dataclass

import msgspec
import numpy as np

from cityloop.kernel.errors import CityloopError
from cityloop.sense.stream.readings import Int64s

READINGS_SUBJECT = "news.readings"
"""Where committed readings are announced, within our own account."""

ENTITIES_SUBJECT = "news.entities"
"""Where created and changed entities are announced."""

WANTED_SUBJECT = "news.wanted"
"""Where the notifier says which streams anybody listens to."""

ROWS_MAX = 100_000
"""Bound of the readings of one message: 2.4 MB, below the transport's bound of a message."""

_COLUMNS = 3
_ROW_BYTES = 8 * _COLUMNS


class NewsUnreadableError(CityloopError):
    """A message of ours cannot be read; it comes from another release."""

    key = "News of another release cannot be read."


@dataclass(frozen=True, slots=True)
class ReadingNews:
    """Readings that are durable, shape (n,) each column.

    Attributes:
        datastream_id: the stream of each.
        phenomenon_us: its instant or start, microseconds since the Unix epoch.
        observation_id: its id.
    """

    datastream_id: Int64s
    phenomenon_us: Int64s
    observation_id: Int64s

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.observation_id)

    def packed(self) -> bytes:
        """Return the columns one after the other, little-endian."""
        columns = (self.datastream_id, self.phenomenon_us, self.observation_id)
        return np.stack(columns).astype("<i8").tobytes()

    def part(self, rows: slice) -> "ReadingNews":
        """Return some of the rows."""
        return ReadingNews(self.datastream_id[rows], self.phenomenon_us[rows], self.observation_id[rows])


class EntityNews(msgspec.Struct, array_like=True, frozen=True):
    """An entity that was created or changed.

    Attributes:
        collection: name of its set, such as `Things`.
        key: its id.
        members: names of the properties that changed, None of a new entity.
    """

    collection: str
    key: int
    members: tuple[str, ...] | None = None


_entity = msgspec.msgpack.Decoder(EntityNews)


def read_readings(message: bytes) -> ReadingNews:
    """Return the readings of a message.

    Raises:
        NewsUnreadableError: if it is none.
    """
    if len(message) % _ROW_BYTES or len(message) > _ROW_BYTES * ROWS_MAX:
        raise NewsUnreadableError
    columns = np.frombuffer(message, dtype="<i8").astype(np.int64).reshape(_COLUMNS, -1)
    return ReadingNews(columns[0], columns[1], columns[2])


def packed_entity(news: EntityNews) -> bytes:
    """Return a message about an entity."""
    return msgspec.msgpack.encode(news)


def read_entity(message: bytes) -> EntityNews:
    """Return the entity a message is about.

    Raises:
        NewsUnreadableError: if it is none.
    """
    try:
        return _entity.decode(message)
    except msgspec.DecodeError as error:
        raise NewsUnreadableError from error


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose readings anybody listens to.

    Attributes:
        everything: whether all of them.
        streams: otherwise these, ascending.
    """

    everything: bool
    streams: Int64s

    def packed(self) -> bytes:
        """Return it as a message."""
        return b"*" if self.everything else self.streams.astype("<i8").tobytes()

    def rows(self, datastream_id: Int64s) -> Int64s:
        """Return the rows of the streams that are listened to."""
        if self.everything:
            return np.arange(len(datastream_id))
        if not len(self.streams):
            return np.empty(0, dtype=np.int64)
        place = np.minimum(np.searchsorted(self.streams, datastream_id), len(self.streams) - 1)
        return np.flatnonzero(self.streams[place] == datastream_id)


NOTHING_WANTED = Wanted(False, np.empty(0, dtype=np.int64))  # noqa: FBT003  a field


def read_wanted(message: bytes) -> Wanted:
    """Return what a message of the notifier wants; one that cannot be read wants everything."""
    if message == b"*" or len(message) % 8:
        return Wanted(True, NOTHING_WANTED.streams)  # noqa: FBT003  a field
    return Wanted(False, np.frombuffer(message, dtype="<i8").astype(np.int64))  # noqa: FBT003  a field
