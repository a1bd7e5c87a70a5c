"""Several standing points make one level: the colours of points aggregated after a table."""

from collections.abc import Iterable, Sequence

from cityloop.kernel.levels import Level
from cityloop.kernel.terms import Rise

USUAL_TABLE = (
    Rise(4, Level.BLUE, Level.YELLOW),
    Rise(3, Level.YELLOW, Level.ORANGE),
    Rise(2, Level.ORANGE, Level.RED),
    Rise(1, Level.RED, Level.RED),
)
"""Four blue points of one kind make yellow, three yellow orange, two orange red (tailings ponds, domain reference,
section 5.2, source S20); one red point makes red (house default, to be confirmed by the authority)."""

ROWS_MAX = 16
"""How many rows a table has at the most: each level from each."""

POINTS_MAX = 1000
"""How many points a row asks for at the most."""


def made_of(levels: Iterable[Level], table: Sequence[Rise]) -> Level | None:
    """Return the gravest level that points make, None where they make none.

    A point counts at its own level and at every milder one, so that a point that grows worse never makes a milder
    level.

    Args:
        levels: the level of each standing point.
        table: what so many of them make.
    """
    standing = list(levels)
    made = [rise.makes for rise in table if sum(level <= rise.at for level in standing) >= rise.points]
    return min(made, default=None)


def grade(level: Level | None) -> float:
    """Return a level as a rising number: none 0, blue 1, yellow 2, orange 3, red 4."""
    return 0.0 if level is None else float(len(Level) + 1 - int(level))


def grades(table: Sequence[Rise]) -> dict[Level, float]:
    """Return the limits of a watch that a table stands for."""
    return {rise.makes: grade(rise.makes) for rise in sorted(table, key=lambda rise: rise.makes)}
