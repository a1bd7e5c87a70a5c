"""How far a stream has been taken over; moved in the transaction that keeps its readings, hence exactly once."""

from dataclasses import dataclass
from typing import Any

from psycopg import AsyncConnection, AsyncCursor

from cityloop.kernel.errors import CityloopError
from cityloop.kernel.instants import from_us

_READ = "SELECT sequence FROM convey_streamposition WHERE stream = %s"
_LOCK = "SELECT sequence FROM convey_streamposition WHERE stream = %s FOR UPDATE"
_MOVE = "UPDATE convey_streamposition SET sequence = %(sequence)s, moved_at = %(at)s WHERE stream = %(stream)s"
_BEGIN = "INSERT INTO convey_streamposition (stream, sequence, moved_at) VALUES (%(stream)s, %(sequence)s, %(at)s)"


class PositionMovedError(CityloopError):
    """Another reader has moved the position, or an earlier attempt was committed: read again from where it stands."""

    key = "The position of stream %(stream)s has moved."
    status = 409


@dataclass(frozen=True, slots=True)
class Mark:
    """A move of a stream's position.

    Attributes:
        stream: name of the stream and of its incarnation.
        after: position before.
        sequence: position afterwards.
        at_us: when the transport received the last message, microseconds since the Unix epoch.
    """

    stream: str
    after: int
    sequence: int
    at_us: int


async def position_of(connection: AsyncConnection[Any], stream: str) -> int:
    """Return the number of the last message taken over, 0 where none was."""
    row = await (await connection.execute(_READ, (stream,))).fetchone()
    return row[0] if row else 0


async def ask_position(cursor: AsyncCursor[Any], mark: Mark) -> None:
    """Lock the position that a mark moves."""
    await cursor.execute(_LOCK, (mark.stream,))


async def checked_position(cursor: AsyncCursor[Any], mark: Mark) -> bool:
    """Return whether the position that `ask_position` locked exists already.

    Raises:
        PositionMovedError: if it does not stand where the mark starts.
    """
    row = await cursor.fetchone()
    if (row[0] if row else 0) != mark.after:
        raise PositionMovedError(stream=mark.stream)
    return row is not None


async def move_position(connection: AsyncConnection[Any], mark: Mark, *, exists: bool) -> None:
    """Move a position, in the transaction that has checked it.

    Of two that begin a position at the same time the second fails on its key, and finds it moved when it tries again.
    """
    parameters = {"stream": mark.stream, "sequence": mark.sequence, "at": from_us(mark.at_us)}
    await connection.execute(_MOVE if exists else _BEGIN, parameters)
