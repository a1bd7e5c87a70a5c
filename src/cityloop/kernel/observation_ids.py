"""Observation ids: int64, ordered by the moment of ingest.

Layout, high to low: 41 bits milliseconds since 2020-01-01 UTC (until 2089), 6 bits node (64), 5 bits writer of the
node (32 processes), 11 bits sequence (2,048 a millisecond and writer; a fuller millisecond borrows from the next).
"""

from datetime import UTC, datetime

from cityloop.kernel.instants import to_us

EPOCH_MS = to_us(datetime(2020, 1, 1, tzinfo=UTC)) // 1000
"""Start of the id's clock, milliseconds since the Unix epoch."""

NODE_BITS, WRITER_BITS, SEQUENCE_BITS = 6, 5, 11
NODES_MAX, WRITERS_MAX, SEQUENCE_MAX = 1 << NODE_BITS, 1 << WRITER_BITS, 1 << SEQUENCE_BITS
_TICK_SHIFT = NODE_BITS + WRITER_BITS + SEQUENCE_BITS


class ObservationIds:
    """A writer's source of ids; strictly increasing, never the same twice while writers differ.

    Args:
        node: number of the node, 0 <= node < NODES_MAX.
        writer: number of the writing process on its node, 0 <= writer < WRITERS_MAX.

    Raises:
        ValueError: if either lies outside its range.
    """

    def __init__(self, *, node: int, writer: int) -> None:
        """Start at the beginning of time; the first reservation moves to its own moment."""
        if not (0 <= node < NODES_MAX and 0 <= writer < WRITERS_MAX):
            message = f"node {node} or writer {writer} is out of range"
            raise ValueError(message)
        self._lane = (node << WRITER_BITS | writer) << SEQUENCE_BITS
        self._tick = 0
        self._sequence = 0

    def reserve(self, count: int, *, now_us: int) -> list[tuple[int, int]]:
        """Return runs `(first id, length)` that hold `count` new ids together, in rising order.

        Args:
            count: how many ids, >= 0.
            now_us: the moment of ingest, microseconds since the Unix epoch.
        """
        tick = now_us // 1000 - EPOCH_MS
        if tick > self._tick:
            self._tick, self._sequence = tick, 0
        runs = []
        while count > 0:
            if self._sequence == SEQUENCE_MAX:
                self._tick, self._sequence = self._tick + 1, 0
            length = min(count, SEQUENCE_MAX - self._sequence)
            runs.append((self._tick << _TICK_SHIFT | self._lane | self._sequence, length))
            self._sequence += length
            count -= length
        return runs


def ingested_at_us(observation_id: int) -> int:
    """Return the moment of ingest an id carries, microseconds since the Unix epoch (to the millisecond)."""
    return ((observation_id >> _TICK_SHIFT) + EPOCH_MS) * 1000


def node_of(observation_id: int) -> int:
    """Return the number of the node that gave the id."""
    return observation_id >> (WRITER_BITS + SEQUENCE_BITS) & (NODES_MAX - 1)


def id_range(*, from_us: int, until_us: int) -> tuple[int, int]:
    """Return `[first, beyond)`: the ids whose moment of ingest lies in `[from_us, until_us)`."""
    return (from_us // 1000 - EPOCH_MS) << _TICK_SHIFT, (until_us // 1000 - EPOCH_MS) << _TICK_SHIFT
