"""How far a subscriber has been told the history, exactly, though observation ids are not in commit order.

Ids are ordered by the moment of ingest; a batch may commit after another that got greater ids. But every id carries the
lane of its writer, and one writer commits one batch after the other: **within a lane ids are in commit order**. So a
position is the last id of every lane, and what lies behind none of them is passed over once and for all.
"""

from dataclasses import dataclass, field
from typing import Self

from cityloop.kernel.errors import CityloopError
from cityloop.kernel.observation_ids import NODE_BITS, SEQUENCE_BITS, WRITER_BITS

LANES_MAX = 1 << (NODE_BITS + WRITER_BITS)
"""Lanes there can be."""

TEXT_MAX = 64_000
"""Longest position as text, characters: all lanes of all nodes."""

_DIGITS_MAX = 19


class PositionUnreadableError(CityloopError):
    """A text is no position of a feed."""

    key = "This is no position of a feed."


def lane_of(observation_id: int) -> int:
    """Return the lane of the writer that gave an id: its node and its number there."""
    return (observation_id >> SEQUENCE_BITS) & (LANES_MAX - 1)


@dataclass(frozen=True, slots=True)
class FeedPosition:
    """The last id told of every lane.

    Attributes:
        base: of lanes that are not named: what lies at or before it has been told, or is not asked for.
        lanes: last id by lane, each greater than `base`.
    """

    base: int
    lanes: dict[int, int] = field(default_factory=dict)

    def of(self, lane: int) -> int:
        """Return the last id of a lane."""
        return self.lanes.get(lane, self.base)

    def has_told(self, observation_id: int) -> bool:
        """Return whether an id has been passed."""
        return observation_id <= self.of(lane_of(observation_id))

    def after(self, *observation_ids: int) -> "FeedPosition":
        """Return the position after some more ids."""
        lanes = dict(self.lanes)
        for number in observation_ids:
            lane = lane_of(number)
            lanes[lane] = max(number, lanes.get(lane, self.base))
        return FeedPosition(self.base, lanes)

    def raised(self, base: int) -> "FeedPosition":
        """Return the position with a greater base: older lanes need no mention then."""
        if base <= self.base:
            return self
        return FeedPosition(base, {lane: last for lane, last in self.lanes.items() if last > base})

    def written(self) -> str:
        """Return it as text: `base`, then `lane-id` of each lane, apart by dots."""
        return ".".join([str(self.base), *(f"{lane}-{last}" for lane, last in sorted(self.lanes.items()))])

    @classmethod
    def read(cls, text: str) -> Self:
        """Return the position a text names.

        Raises:
            PositionUnreadableError: if it names none.
        """
        base, *named = text.split(".") if len(text) <= TEXT_MAX else [""]
        lanes = dict(_lane(part) for part in named)
        return cls(_number(base), lanes)


def _lane(text: str) -> tuple[int, int]:
    lane, _, last = text.partition("-")
    number = _number(lane)
    if number >= LANES_MAX:
        raise PositionUnreadableError
    return number, _number(last)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS_MAX and int(text) < 2**63):
        raise PositionUnreadableError
    return int(text)
