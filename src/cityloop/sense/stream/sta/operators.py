"""Operators of `$filter` in SQL: comparison, logic, arithmetic, and how intervals lie to each other."""

from collections.abc import Callable

from cityloop.sense.stream.sta.errors import SyntaxFault
from cityloop.sense.stream.sta.values import Reader, Type, Value

COMPARISONS = {"eq": "=", "ne": "IS DISTINCT FROM", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
ARITHMETIC = {"add", "sub", "mul", "div", "mod"}
_TEMPORAL = (Type.TIME, Type.SPAN, Type.DATE)
_LOOSE = (Type.JSON, Type.RESULT, Type.GEO)
_PLAIN = (Type.NUMBER, Type.TEXT, Type.TRUTH, Type.DATE, Type.CLOCK, Type.DURATION)


def compared(reader: Reader, name: str, left: Value, right: Value) -> str:
    """Return a comparison: true or false, or NULL where it is undefined.

    Args:
        reader: reads values as other types.
        name: `eq`, `ne`, `gt`, `ge`, `lt` or `le`.
        left: the first value.
        right: the second value.

    Raises:
        SyntaxFault: if the two cannot be compared.
    """
    if Type.NULL in (left.type, right.type):
        return _with_null(reader, name, left if right.type is Type.NULL else right)
    if left.type is right.type and left.type in _PLAIN:
        return f"({left.sql} {COMPARISONS[name]} {right.sql})"
    if left.type in _TEMPORAL or right.type in _TEMPORAL:
        return SPANS[name](reader.span(left), reader.span(right))
    if left.type in _LOOSE and right.type in _LOOSE:
        return f"({reader.json(left)} {COMPARISONS[name]} {reader.json(right)})"
    readings: dict[Type, Callable[[Value], str]] = {
        Type.NUMBER: reader.number,
        Type.TEXT: reader.text,
        Type.TRUTH: reader.truth,
    }
    reading = readings.get(right.type if left.type in _LOOSE else left.type)
    if reading is None or not (left.type in _LOOSE or right.type in _LOOSE):
        raise SyntaxFault(reader.option, right.place, "these two cannot be compared")
    return f"({reading(left)} {COMPARISONS[name]} {reading(right)})"


def _with_null(reader: Reader, name: str, value: Value) -> str:
    if name not in ("eq", "ne"):
        return "(FALSE AND FALSE)"
    if value.type in _LOOSE:
        absent = f"(coalesce({reader.json(value)}, 'null'::jsonb) = 'null'::jsonb)"
    else:
        absent = f"({value.sql} IS NULL)"
    return absent if name == "eq" else f"(NOT {absent})"


def calculated(reader: Reader, name: str, left: Value, right: Value) -> Value:
    """Return a sum, difference, product, quotient or remainder; also of times and durations.

    Raises:
        SyntaxFault: if the two cannot be calculated with.
    """
    place = left.place
    if name in ("add", "sub") and right.type is Type.DURATION:
        sign = "+" if name == "add" else "-"
        if left.type is Type.DURATION:
            return Value(f"({left.sql} {sign} {right.sql})", Type.DURATION, place)
        return Value(f"({reader.instant(left)} {sign} {right.sql})", Type.TIME, place)
    if name == "add" and left.type is Type.DURATION:
        return Value(f"({reader.instant(right)} + {left.sql})", Type.TIME, place)
    if name == "sub" and (left.type in _TEMPORAL or right.type in _TEMPORAL):
        return Value(f"({reader.instant(left)} - {reader.instant(right)})", Type.DURATION, place)
    if name == "mul" and Type.DURATION in (left.type, right.type):
        span, factor = (left, right) if left.type is Type.DURATION else (right, left)
        return Value(f"({span.sql} * ({reader.number(factor)})::float8)", Type.DURATION, place)
    first, second = reader.number(left), reader.number(right)
    return Value(_NUMBERS[name](first, second), Type.NUMBER, place)


_NUMBERS: dict[str, Callable[[str, str], str]] = {
    "add": lambda a, b: f"({a} + {b})",
    "sub": lambda a, b: f"({a} - {b})",
    "mul": lambda a, b: f"({a} * {b})",
    "div": lambda a, b: f"({a}::float8 / nullif({b}, 0)::float8)",
    "mod": lambda a, b: f"mod({a}::numeric, nullif({b}, 0)::numeric)::float8",
}


def _eq(a: Value, b: Value) -> str:
    return f"({a.sql} = {b.sql} AND {a.end} = {b.end})"


def _after(a: Value, b: Value) -> str:
    return f"({a.sql} > {b.sql})" if b.instant else f"({a.sql} >= {b.end} AND {a.sql} > {b.sql})"


def _not_before(a: Value, b: Value) -> str:
    return f"({a.sql} >= {b.sql})" if b.instant else f"({a.sql} >= {b.sql} AND {a.end} >= {b.end})"


def _not_after(a: Value, b: Value) -> str:
    return f"({a.sql} <= {b.sql} AND {a.end} <= {b.end})"


def _overlaps(a: Value, b: Value) -> str:
    return (
        f"({a.sql} IS NOT NULL AND {b.sql} IS NOT NULL AND (greatest({a.sql}, {b.sql}) < least({a.end}, {b.end})"
        f" OR ({a.sql} = {a.end} AND {a.sql} >= {b.sql} AND {a.sql} < {b.end})"
        f" OR ({b.sql} = {b.end} AND {b.sql} >= {a.sql} AND {b.sql} < {a.end}) OR {_eq(a, b)}))"
    )


SPANS: dict[str, Callable[[Value, Value], str]] = {
    "eq": _eq,
    "ne": lambda a, b: f"({_eq(a, b)} IS NOT TRUE)",
    "gt": _after,
    "ge": _not_before,
    "lt": lambda a, b: f"({a.sql} < {b.sql} AND {a.end} <= {b.sql})",
    "le": _not_after,
    "before": lambda a, b: f"({a.sql} < {b.sql} AND {a.end} <= {b.sql})",
    "after": _after,
    "meets": lambda a, b: f"({a.end} = {b.sql} OR {a.sql} = {b.end})",
    "during": lambda a, b: f"({a.sql} >= {b.sql} AND {a.end} <= {b.end})",
    "overlaps": _overlaps,
    "starts": lambda a, b: f"({a.sql} = {b.sql})",
    "finishes": lambda a, b: f"({a.end} = {b.end})",
}
"""How two intervals lie to each other, start inclusive and end exclusive; an instant begins and ends at once."""
