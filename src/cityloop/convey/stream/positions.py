"""How far a stream has been taken over; moved in the transaction that keeps its readings, hence exactly once."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from cityloop.kernel.errors import CityloopError
from cityloop.kernel.instants import from_us

_READ = "SELECT sequence FROM convey_streamposition WHERE stream = %s"
_MOVE = """
    INSERT INTO convey_streamposition (stream, sequence, moved_at) VALUES (%(stream)s, %(sequence)s, %(at)s)
    ON CONFLICT (stream) DO UPDATE SET sequence = excluded.sequence, moved_at = excluded.moved_at
    WHERE convey_streamposition.sequence = %(after)s
"""


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


async def move_position(connection: AsyncConnection[Any], mark: Mark) -> None:
    """Move a position, in the caller's transaction.

    Raises:
        PositionMovedError: if it does not stand where the move starts.
    """
    moment: datetime = from_us(mark.at_us)
    parameters = {"stream": mark.stream, "after": mark.after, "sequence": mark.sequence, "at": moment}
    if (await connection.execute(_MOVE, parameters)).rowcount != 1:
        raise PositionMovedError(stream=mark.stream)
