"""Times as SensorThings writes them: ISO 8601 instants, intervals and durations; one by one and in columns."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NoReturn

import numpy as np

from cityloop.kernel.instants import to_us
from cityloop.sense.stream.readings import NO_TIME, Int64s
from cityloop.sense.stream.sta.errors import BodyError

_INSTANT = re.compile(
    r"(?a:(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s*([Zz]|[+-]\d\d(?::?\d\d)?)?)"
)
_DURATION = re.compile(
    r"(?a:([+-]?)P(?!$)(?:(\d+(?:\.\d+)?)Y)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)W)?(?:(\d+(?:\.\d+)?)D)?"
    r"(?:T(?!$)(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?)"
)
_DURATION_US = (
    365 * 86_400_000_000,
    30 * 86_400_000_000,
    7 * 86_400_000_000,
    86_400_000_000,
    3_600_000_000,
    60_000_000,
    1_000_000,
)
"""Microseconds of a year, month, week, day, hour, minute and second; years and months are nominal."""

SPAN_US_MAX = 10_000 * 365 * 86_400_000_000
_TIME = "is no ISO 8601 time with a zone"
_WHOLE, _MILLI = 20, 24
_COLUMN_MIN = 8


@lru_cache(maxsize=4096)
def instant_us(text: str) -> int:
    """Return an ISO 8601 instant as microseconds since the Unix epoch.

    Raises:
        ValueError: if it is none, or names no zone.
    """
    found = _INSTANT.fullmatch(text)
    if found is None or found[8] is None:
        raise ValueError(text)
    zone = found[8].upper().replace("Z", "+00:00")
    zone = zone if ":" in zone else f"{zone[:3]}:{zone[3:] or '00'}"
    leap = found[6] == "60"
    second = "59" if leap else found[6] or "00"
    plain = f"{found[1]}-{found[2]}-{found[3]}T{found[4]}:{found[5]}:{second}.{(found[7] or '0')[:6]:0<6}{zone}"
    try:
        return to_us(datetime.fromisoformat(plain)) + (1_000_000 if leap else 0)
    except OverflowError as error:
        raise ValueError(text) from error


def duration_us(text: str) -> int:
    """Return an ISO 8601 duration in microseconds; a year counts 365 days and a month 30.

    Raises:
        ValueError: if it is none, or longer than the calendar.
    """
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(text)
    amount = sum(float(part) * unit for part, unit in zip(found.groups()[1:], _DURATION_US, strict=True) if part)
    if amount > SPAN_US_MAX:
        raise ValueError(text)
    return -int(amount) if found[1] == "-" else int(amount)


def interval_us(text: str) -> tuple[int, int | None]:
    """Return the start and, where an interval is given, the end of a time.

    Raises:
        ValueError: if it is neither instant nor interval, or ends before it begins.
    """
    first, slash, second = text.partition("/")
    if not slash:
        return instant_us(text), None
    if first.startswith("P"):
        end = instant_us(second)
        return end - duration_us(first), end
    start = instant_us(first)
    end = start + duration_us(second) if second.startswith("P") else instant_us(second)
    if end < start:
        raise ValueError(text)
    return start, end


def given_interval(value: object, *, field: str) -> tuple[int, int | None]:
    """Return a time of a body as start and end.

    Raises:
        BodyError: if it is no time.
    """
    try:
        return interval_us(value) if isinstance(value, str) else _refuse()
    except ValueError as error:
        raise BodyError(field=field, reason=_TIME) from error


def given_instant(value: object, *, field: str) -> int:
    """Return a time of a body as microseconds.

    Raises:
        BodyError: if it is no instant.
    """
    try:
        return instant_us(value) if isinstance(value, str) else _refuse()
    except ValueError as error:
        raise BodyError(field=field, reason=_TIME) from error


def _refuse() -> NoReturn:
    raise ValueError


@lru_cache(maxsize=4096)
def text_of(instant: int) -> str:
    """Return microseconds since the Unix epoch as ISO 8601 in UTC."""
    text = datetime.fromtimestamp(instant // 1_000_000, UTC).isoformat()[: _WHOLE - 1]
    fraction = instant % 1_000_000
    return f"{text}.{fraction:06}".rstrip("0") + "Z" if fraction else f"{text}Z"


def column_us(texts: Sequence[str]) -> Int64s | None:
    """Return instants written alike (`YYYY-MM-DDTHH:MM:SSZ` or with milliseconds) as microseconds, shape (n,).

    A whole column is parsed by arithmetic on its characters, 40 times faster than one by one.

    Returns:
        None where a text is written otherwise or is no time; then they must be read one by one.
    """
    width = len(texts[0]) if texts else 0
    if width not in (_WHOLE, _MILLI) or len(texts) < _COLUMN_MIN or set(map(len, texts)) != {width}:
        return None
    try:
        characters = np.frombuffer("".join(texts).encode("ascii"), np.uint8).reshape(-1, width)
    except UnicodeEncodeError:
        return None
    return _parsed(characters, width)


_PUNCTUATION = {4: 45, 7: 45, 10: 84, 13: 58, 16: 58}
_DAYS_OF_MONTH = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


def _parsed(characters: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]", width: int) -> Int64s | None:
    marks = {**_PUNCTUATION, width - 1: 90, **({19: 46} if width == _MILLI else {})}
    if any((characters[:, place] != mark).any() for place, mark in marks.items()):
        return None
    places = [place for place in range(width) if place not in marks]
    digits = characters[:, places].astype(np.int64) - 48
    if ((digits < 0) | (digits > 9)).any():  # noqa: PLR2004  the ten digits
        return None
    year = digits[:, 0:4] @ np.array([1000, 100, 10, 1])
    month, day, hour, minute, second = (digits[:, at : at + 2] @ np.array([10, 1]) for at in range(4, 14, 2))
    if not _on_calendar(year, month, day) or (hour > 23).any() or (minute > 59).any() or (second > 59).any():  # noqa: PLR2004
        return None
    months = (year - 1970) * 12 + month - 1
    days = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + day - 1
    whole = ((days * 24 + hour) * 60 + minute) * 60 + second
    milli = digits[:, 14:17] @ np.array([100, 10, 1]) if width == _MILLI else 0
    return np.asarray(whole * 1_000_000 + milli * 1000, dtype=np.int64)


def _on_calendar(year: Int64s, month: Int64s, day: Int64s) -> bool:
    if (year < 1).any() or (month < 1).any() or (month > 12).any():  # noqa: PLR2004  the months
        return False
    leap = (month == 2) & (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))  # noqa: PLR2004  the calendar
    return not ((day < 1) | (day > _DAYS_OF_MONTH[month - 1] + leap)).any()


def or_no_time(instant: int | None) -> int:
    """Return an instant, or the mark of an absent one."""
    return NO_TIME if instant is None else instant
