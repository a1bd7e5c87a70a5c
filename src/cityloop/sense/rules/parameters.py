"""What a task may ask of a device: a DataRecord of SWE Common, and values that keep to it."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from cityloop.kernel.errors import CityloopError

FIELDS_MAX = 100
"""Most fields of a record."""

DEPTH_MAX = 4
"""Deepest nesting of records."""

TEXT_LENGTH_MAX = 2_000
"""Longest text of a value, characters."""

PATTERN_LENGTH_MAX = 200
"""Longest pattern of a text, characters."""

CHOICES_MAX = 200
"""Most values or intervals of a constraint."""


class TaskParameterError(CityloopError):
    """A parameter of a task, or its description, cannot be accepted."""

    key = "%(name)s: %(reason)s"

    def __init__(self, field: str, reason: str) -> None:
        """Name the field and say why."""
        super().__init__(field=field, name=field, reason=reason)


class TaskValueNotAllowedError(CityloopError):
    """A value lies outside what the capability allows."""

    key = "%(name)s: this value is not allowed; allowed: %(allowed)s"

    def __init__(self, field: str, allowed: str) -> None:
        """Name the field and what is allowed."""
        super().__init__(field=field, name=field, allowed=allowed)


def check_record(record: object, *, name: str = "taskingParameters", depth: int = 0) -> None:
    """Check the description of what a capability takes.

    Args:
        record: decoded JSON: a DataRecord of fields.
        name: of the record, for the error.
        depth: how deeply it is nested.

    Raises:
        TaskParameterError: if it is no DataRecord that can be checked against.

    Source:
        OGC 08-094r1 (SWE Common 2.0) in the JSON of OGC 17-079r1 (SensorThings Tasking 1.0), clause 8.
    """
    if not isinstance(record, dict) or record.get("type") != "DataRecord":
        raise TaskParameterError(field=name, reason="a DataRecord is needed here")
    fields = record.get("field")
    if not isinstance(fields, list) or not 0 < len(fields) <= FIELDS_MAX or depth > DEPTH_MAX:
        raise TaskParameterError(field=name, reason="a list of fields is needed here")
    names: set[str] = set()
    for number, field in enumerate(fields):
        place = f"{name}/field/{number}"
        if not isinstance(field, dict) or not _is_name(field.get("name")) or field["name"] in names:
            raise TaskParameterError(field=place, reason="each field needs a name of its own")
        names.add(field["name"])
        _check_field(field, place, depth)


def _is_name(name: object) -> bool:
    return isinstance(name, str) and 0 < len(name) <= 100 and "\0" not in name  # noqa: PLR2004  a name, no text


def _check_field(field: dict[str, Any], place: str, depth: int) -> None:
    kind = field.get("type")
    if kind == "DataRecord":
        check_record(field, name=place, depth=depth + 1)
        return
    if not isinstance(kind, str) or kind not in _READERS:
        raise TaskParameterError(field=f"{place}/type", reason="this type of field is not known")
    constraint = field.get("constraint", {})
    if not isinstance(constraint, dict):
        raise TaskParameterError(field=f"{place}/constraint", reason="an object is needed here")
    values, intervals = constraint.get("value", []), constraint.get("interval", [])
    if not isinstance(values, list) or not isinstance(intervals, list) or len(values) + len(intervals) > CHOICES_MAX:
        raise TaskParameterError(field=f"{place}/constraint", reason="a list is needed here")
    if not all(_is_interval(interval, kind) for interval in intervals):
        raise TaskParameterError(
            field=f"{place}/constraint/interval", reason="an interval is two values, the smaller first"
        )
    _check_pattern(constraint.get("pattern"), place)


def _is_interval(interval: object, kind: str) -> bool:
    if not isinstance(interval, list) or len(interval) != 2:  # noqa: PLR2004  from and until
        return False
    read = _READERS[kind.removesuffix("Range")]
    try:
        first, last = (_ordered(read(value, "")) for value in interval)
    except TaskParameterError:
        return False
    return bool(first <= last)


def _check_pattern(pattern: object, place: str) -> None:
    if pattern is None:
        return
    try:
        fits = (
            isinstance(pattern, str) and len(pattern) <= PATTERN_LENGTH_MAX and _is_plain(re.compile(pattern), pattern)
        )
    except (re.error, RecursionError, OverflowError):
        fits = False
    if not fits:
        raise TaskParameterError(field=f"{place}/constraint/pattern", reason="this pattern cannot be used")


def _is_plain(_: re.Pattern[str], pattern: str) -> bool:
    """Return whether a pattern repeats nothing that repeats itself: such a pattern could be searched without end."""
    return not re.search(r"[*+}]\)?[*+{]|\)[*+{]|\\\d", pattern)


def check_values(record: Mapping[str, Any], given: object, *, name: str = "taskingParameters") -> None:
    """Check the values of a task against the description of its capability.

    Args:
        record: the description, which `check_record` has accepted.
        given: decoded JSON: an object with a value for each field that is not optional.
        name: of the object, for the error.

    Raises:
        TaskParameterError: naming the field that is missing, unknown or of another type.
        TaskValueNotAllowedError: naming the field whose value lies outside, and what is allowed.
    """
    if not isinstance(given, dict):
        raise TaskParameterError(field=name, reason="an object is needed here")
    fields = {field["name"]: field for field in record["field"]}
    for unknown in given.keys() - fields.keys():
        raise TaskParameterError(field=f"{name}/{unknown[:100]}", reason="the name is unknown")
    for key, field in fields.items():
        if key not in given:
            if not field.get("optional"):
                raise TaskParameterError(field=f"{name}/{key}", reason="the property is missing")
            continue
        _check_value(field, given[key], f"{name}/{key}")


def _check_value(field: dict[str, Any], value: object, place: str) -> None:
    if field["type"] == "DataRecord":
        check_values(field, value, name=place)
        return
    read = _READERS[field["type"]](value, place)
    constraint = field.get("constraint", {})
    values, intervals = constraint.get("value", []), constraint.get("interval", [])
    parts = read if isinstance(read, tuple) else (read,)
    if (values or intervals) and not all(_is_within(part, values, intervals) for part in parts):
        raise TaskValueNotAllowedError(place, _in_words(field, values, intervals))
    pattern = constraint.get("pattern")
    if pattern is not None and not re.fullmatch(pattern, str(value)):
        raise TaskValueNotAllowedError(place, pattern)


def _is_within(value: Any, values: Sequence[Any], intervals: Sequence[Sequence[Any]]) -> bool:
    found = _ordered(value)
    if any(type(choice) is not bool and _same(found, choice) for choice in values):
        return True
    return any(_bound(low, found) <= found <= _bound(high, found) for low, high in intervals)


def _same(value: Any, choice: Any) -> bool:
    try:
        return bool(_bound(choice, value) == value)
    except ValueError:
        return False


def _bound(choice: Any, like: Any) -> Any:
    return datetime.fromisoformat(choice) if isinstance(like, datetime) and isinstance(choice, str) else choice


def _ordered(value: Any) -> Any:
    return value[0] if isinstance(value, tuple) else value


def _in_words(field: Mapping[str, Any], values: Sequence[Any], intervals: Sequence[Sequence[Any]]) -> str:
    unit = field.get("uom", {}).get("code", "") if isinstance(field.get("uom"), dict) else ""
    parts = [str(value) for value in values] + [f"{low} - {high}" for low, high in intervals]
    return f"{', '.join(parts)} {unit}".strip()


def _number(value: object, place: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TaskParameterError(field=place, reason="a number is needed here")
    return value


def _whole(value: object, place: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**63:
        raise TaskParameterError(field=place, reason="a whole number is needed here")
    return value


def _truth(value: object, place: str) -> bool:
    if not isinstance(value, bool):
        raise TaskParameterError(field=place, reason="true or false is needed here")
    return value


def _text(value: object, place: str) -> str:
    if not isinstance(value, str) or len(value) > TEXT_LENGTH_MAX or "\0" in value:
        raise TaskParameterError(field=place, reason="a text is needed here")
    return value


def _time(value: object, place: str) -> datetime:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise TaskParameterError(field=place, reason="a time is needed here, with its zone")
    return found


def _range_of(read: Callable[[object, str], Any]) -> Callable[[object, str], tuple[Any, Any]]:
    def both(value: object, place: str) -> tuple[Any, Any]:
        if not isinstance(value, list) or len(value) != 2:  # noqa: PLR2004  from and until
            raise TaskParameterError(field=place, reason="an interval is two values, the smaller first")
        low, high = (read(item, place) for item in value)
        if low > high:
            raise TaskParameterError(field=place, reason="an interval is two values, the smaller first")
        return low, high

    return both


_READERS: dict[str, Callable[[object, str], Any]] = {
    "Quantity": _number,
    "Count": _whole,
    "Boolean": _truth,
    "Category": _text,
    "Text": _text,
    "Time": _time,
    "QuantityRange": _range_of(_number),
    "CountRange": _range_of(_whole),
    "TimeRange": _range_of(_time),
}
