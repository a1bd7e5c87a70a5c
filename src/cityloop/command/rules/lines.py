"""The lines of the wall: many streams made into one number and one curve."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cityloop.kernel.text import Text

STREAMS_SHARE_MIN = 0.8
"""A point of a curve is drawn only where at least this share of the line's streams has a reading; else it is a gap."""

NEAR_ZERO_SHARE = 0.05
"""An earlier value below this share of its day's greatest is too near nought for a percentage to tell anything."""

DEGREES = frozenset({"°C"})
"""Units whose nought is arbitrary: a change is told as a difference, never in per cent."""

NO_CHANGE = Text("持平", "no change")


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a curve.

    Attributes:
        at: start of the hour, aware.
        value: in the line's unit, None where too few readings arrived.
    """

    at: datetime
    value: float | None


def combined(values: Sequence[float], how: str, *, factor: float) -> float | None:
    """Return streams' values as one number in the line's unit, None where there are none.

    Args:
        values: one a stream, finite.
        how: `sum` or `mean`.
        factor: into the line's unit.

    Raises:
        ValueError: if `how` is neither.
    """
    if how not in {"sum", "mean"}:
        message = f"a line is a sum or a mean, not {how!r}"
        raise ValueError(message)
    if not values:
        return None
    total = sum(values) * factor
    return total if how == "sum" else total / len(values)


def curve_of(rows: Iterable[tuple[datetime, float]], *, streams: int, how: str, factor: float) -> tuple[Point, ...]:
    """Return the curve of a line.

    Args:
        rows: start of the hour and the mean of one stream in it, in any order.
        streams: how many streams the line has.
        how: `sum` or `mean`.
        factor: into the line's unit.
    """
    hours: dict[datetime, list[float]] = {}
    for at, mean in rows:
        hours.setdefault(at, []).append(mean)
    enough = STREAMS_SHARE_MIN * streams
    return tuple(
        Point(at, combined(values, how, factor=factor) if len(values) >= enough else None)
        for at, values in sorted(hours.items())
    )


def last_known(curve: Sequence[Point]) -> Point | None:
    """Return the newest point that has a value."""
    return next((point for point in reversed(curve) if point.value is not None), None)


def value_at(curve: Sequence[Point], at: datetime) -> float | None:
    """Return a curve's value at an hour, None where it has none."""
    return next((point.value for point in curve if point.at == at), None)


def change_percent(value: float | None, before: float | None, *, greatest: float = 0.0) -> float | None:
    """Return by how many per cent a value lies above an earlier one, None where that tells nothing.

    Args:
        value: now.
        before: the earlier one.
        greatest: the greatest size of a value on the earlier day; against it the earlier one may be next to nought.
    """
    if value is None or before is None or abs(before) <= NEAR_ZERO_SHARE * greatest or before == 0:
        return None
    return (value - before) / abs(before) * 100


def greatest_of(curve: Iterable[Point]) -> float:
    """Return the greatest size of a value of a curve, nought where it has none."""
    return max((abs(point.value) for point in curve if point.value is not None), default=0.0)


def change_in_words(difference: float, percent: float | None, *, unit: str, decimals: int) -> Text:
    """Return a change as screens write it: in per cent where that can be said, else in the line's unit.

    Args:
        difference: how much more it is now, in the line's unit.
        percent: the same in per cent, None where that tells nothing.
        unit: the line's unit.
        decimals: digits after the point in which the line is written.
    """
    in_percent = percent is not None and unit not in DEGREES
    digits = 1 if in_percent else decimals
    size = round(abs(percent if in_percent and percent is not None else difference), digits)
    if size == 0 or round(difference, decimals) == 0:
        return NO_CHANGE
    sign, written = "▲" if difference > 0 else "▼", f"{size:,.{digits}f}"
    told = f"{sign} {written}%" if in_percent else f"{sign} {written} {unit}"
    return Text(told, told)


def share_percent(received: float, expected: float) -> float | None:
    """Return the share of expected readings that arrived (到报率), at most 100 %, None where none was expected."""
    return None if expected <= 0 else min(100.0, received / expected * 100)
