"""Quality of an observation."""

from enum import IntEnum


class Quality(IntEnum):
    """Quality flag kept with every observation, one small integer a row."""

    GOOD = 0
    SUSPECT = 1
    BAD = 2
    ESTIMATED = 3
    MANUAL = 4
    LATE = 5
    MAINTENANCE = 6
    OUT_OF_RANGE = 7
