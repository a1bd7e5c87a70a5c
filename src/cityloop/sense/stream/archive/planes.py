"""Whole numbers as a base, a step and small remainders in planes of 16 bits; what is regular costs nothing.

`sense_unpacked` in the migration is the way back.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cityloop.sense.stream.readings import Int64s

PLANE_BITS = 16
"""Width of a plane; PostgreSQL's smallest array element is a smallint."""

Int16s = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Series:
    """A column: `base + step * place + unit * remainder`, the place counted from 0.

    Attributes:
        base: of all values.
        step: added from place to place.
        unit: what every remainder is a multiple of.
        planes: 16 bits of the remainders each, lowest first; None where all are zero.
    """

    base: int
    step: int
    unit: int
    planes: tuple[Int16s | None, ...]


def series_of(values: Int64s, *, planes: int, with_step: bool = True, with_unit: bool = True) -> Series | None:
    """Return a column as a series, None where its remainders need more planes.

    Args:
        values: the column, shape (n,), n >= 1.
        planes: how many planes there are.
        with_step: whether a step may be taken.
        with_unit: whether a common divisor may be taken.
    """
    step = int(np.sort(np.diff(values))[len(values) // 2 - 1]) if with_step and len(values) > 1 else 0
    remainders = values - step * np.arange(len(values), dtype=np.int64)
    base = int(remainders.min())
    remainders -= base
    unit = (int(np.gcd.reduce(remainders)) or 1) if with_unit else 1
    remainders //= unit
    if int(remainders.max()) >> (planes * PLANE_BITS):
        return None
    return Series(base, step, unit, planes_of(remainders, planes))


def planes_of(remainders: Int64s, count: int) -> tuple[Int16s | None, ...]:
    """Return whole numbers, none negative, as planes of 16 bits, lowest first; None where a plane is all zero."""
    parts = []
    for number in range(count):
        plane = ((remainders >> (number * PLANE_BITS)) & 0xFFFF).astype(np.uint16).view(np.int16)
        parts.append(plane if plane.any() else None)
    return tuple(parts)
