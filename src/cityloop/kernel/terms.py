"""What some kinds of watches need beside their limits: data, like the limits."""

from dataclasses import dataclass

from cityloop.kernel.levels import Level


@dataclass(frozen=True, slots=True)
class Rise:
    """A row of a table that makes one level of several.

    Attributes:
        points: at least so many points, >= 1,
        at: at this level or a graver one,
        makes: make this level.
    """

    points: int
    at: Level
    makes: Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a kind of watch needs beside its limits; each kind reads its own, the others stay as they are.

    Attributes:
        span_s: `count`: length of the window; `minutes`: the readings of a slope lie no further apart than this, 0
            where that is not limited. Seconds.
        limit: `count`: beyond this a reading counts; `minutes`: the limit that is neared. In the stream's unit.
        is_below: whether beyond means below it, or the value falls towards it.
        readings: `minutes`: of how many newest readings the slope is taken.
        permitted: `schedule`: when something may be, a line each: `1-5 06:00-22:00`.
        any_reading: `schedule`: whether every reading outside counts, whatever its value.
        watches: `count`: codes of the watches whose alarms count, instead of readings; `group`: of its points; `stop`:
            whose alarms stop.
        table: `group` and `stop`: what so many standing points make.
        within: `stop`: whose alarms stop a thing: `all`, or those of the `district` it is in.
    """

    span_s: float = 0.0
    limit: float | None = None
    is_below: bool = False
    readings: int = 0
    permitted: tuple[str, ...] = ()
    any_reading: bool = False
    watches: tuple[str, ...] = ()
    table: tuple[Rise, ...] = ()
    within: str = "all"


NO_TERMS = Terms()
"""Of the kinds that have limits only."""
