"""Whether a line holds: gap, hours to the minimum line-pack, days of cover, and how grave each is."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text

Limits = Mapping[Level, float]
"""A limit for each level."""


class State(StrEnum):
    """How a line stands.

    Source:
        Domain reference, section 4.3, states of a line.
    """

    NORMAL = "normal"
    ATTENTION = "attention"
    TIGHT = "tight"
    SHORT = "short"
    EMERGENCY = "emergency"
    UNKNOWN = "unknown"

    @property
    def words(self) -> Text:
        """Return its name."""
        return _STATE_TITLES[self]


_STATE_TITLES = {
    State.NORMAL: Text("正常", "normal"),
    State.ATTENTION: Text("关注", "attention"),
    State.TIGHT: Text("偏紧", "tight"),
    State.SHORT: Text("短缺", "short"),
    State.EMERGENCY: Text("紧急", "emergency"),
    State.UNKNOWN: Text("无数据", "no data"),
}
_STATE_OF = {
    None: State.NORMAL,
    Level.BLUE: State.ATTENTION,
    Level.YELLOW: State.TIGHT,
    Level.ORANGE: State.SHORT,
    Level.RED: State.EMERGENCY,
}


def gap(demand: float, supply: Iterable[float]) -> float:
    """Return what is missing: demand minus all supply, in their unit; below zero there is room."""
    return demand - sum(supply)


def gap_level(missing: float, demand: float, limits: Limits) -> Level | None:
    """Return how grave a gap is.

    Args:
        missing: the gap, in the line's unit.
        demand: the estimate of the day, > 0.
        limits: share of the demand in percent above which a level stands.

    Source:
        Domain reference, section 4.3, rule 3.
    """
    if missing <= 0 or demand <= 0:
        return None
    percent = missing / demand * 100
    return _gravest(level for level, limit in limits.items() if percent > limit)


def hours_to_minimum(linepack: float, minimum: float, *, outflow: float, inflow: float) -> float | None:
    """Return the hours until the line-pack is at its minimum; None where it does not fall, 0 where it is there.

    Args:
        linepack: what is in the pipes.
        minimum: what must stay in them, the same unit.
        outflow: what leaves them an hour.
        inflow: what enters them an hour.

    Source:
        Domain reference, section 4.3, rule 3.
    """
    if linepack <= minimum:
        return 0.0
    return (linepack - minimum) / (outflow - inflow) if outflow > inflow else None


def days_of_cover(stock: float, uses: Iterable[float]) -> float | None:
    """Return the days a stock lasts at the mean use of the last days; None where nothing was used.

    Source:
        Domain reference, section 4.3, rule 4.
    """
    known = list(uses)
    mean = sum(known) / len(known) if known else 0.0
    return max(stock, 0.0) / mean if mean > 0 else None


def low_level(value: float | None, limits: Limits) -> Level | None:
    """Return the level of a value that is graver the lower it lies: it stands below its limit."""
    return None if value is None else _gravest(level for level, limit in limits.items() if value < limit)


def worst(levels: Iterable[Level | None]) -> Level | None:
    """Return the gravest of some levels, None where all are in order."""
    return _gravest(level for level in levels if level is not None)


def state_of(level: Level | None, *, is_known: bool = True) -> State:
    """Return the state of a line.

    Args:
        level: its gravest level, None where nothing is grave.
        is_known: whether anything is known of its day; without that nobody may call it normal.
    """
    return _STATE_OF[level] if is_known or level is not None else State.UNKNOWN


def needs_reason(change_percent: float | None, limit_percent: float) -> bool:
    """Return whether a deviation from the same day last year must carry a reason.

    Source:
        Domain reference, section 4.3, rule 5.
    """
    return change_percent is not None and abs(change_percent) > limit_percent


def _gravest(levels: Iterable[Level]) -> Level | None:
    return min(levels, default=None)


__all__ = [
    "Limits",
    "State",
    "days_of_cover",
    "gap",
    "gap_level",
    "hours_to_minimum",
    "low_level",
    "needs_reason",
    "state_of",
    "worst",
]
