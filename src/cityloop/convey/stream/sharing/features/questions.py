"""What is asked of a collection: box, time, page, properties; anything else is refused, as the standard demands."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cityloop.convey.stream.sharing.features.documents import LIMIT, LIMIT_MAX, Filter
from cityloop.convey.stream.sharing.http import QueryError

OPEN_END = ("", "..")
ID_MAX = 2**63 - 1
_BOX_FLAT, _BOX_HIGH = 4, 6
_FORMATS = ("json",)


@dataclass(frozen=True, slots=True)
class Box:
    """West, south, east, north, WGS 84 degrees; where west is greater than east it crosses the antimeridian."""

    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a collection.

    Attributes:
        box: where, None for anywhere.
        since: beginning of the time, None for open; inclusive.
        until: end of the time, None for open; inclusive.
        limit: features of the page.
        after: id of the last feature of the page before, 0 for the first page.
        equal: values of properties.
    """

    box: Box | None
    since: datetime | None
    until: datetime | None
    limit: int
    after: int
    equal: dict[str, str]


def question_of(query: dict[str, str], filters: Sequence[Filter]) -> Question:
    """Return what a query asks.

    Raises:
        QueryError: names the parameter that is unknown or cannot be read.
    """
    named = {one.name for one in filters}
    unknown = set(query) - named - {"bbox", "datetime", "limit", "after", "f"}
    if unknown:
        raise QueryError(min(unknown))
    accept_format(query)
    since, until = _times(query.get("datetime", ""))
    return Question(
        box=_box(query["bbox"]) if "bbox" in query else None,
        since=since,
        until=until,
        limit=_limit(query.get("limit", str(LIMIT))),
        after=_number(query.get("after", "0"), "after"),
        equal={name: value for name, value in query.items() if name in named},
    )


def accept_format(query: dict[str, str]) -> None:
    """Refuse a format that is not given here.

    Raises:
        QueryError: if another than JSON is asked for.
    """
    name = "f"
    if query.get(name, "json") not in _FORMATS:
        raise QueryError(name)


def _number(text: str, name: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text[:20]) <= ID_MAX):
        raise QueryError(name)
    return int(text)


def _limit(text: str) -> int:
    name = "limit"
    wanted = _number(text, name)
    if wanted < 1:
        raise QueryError(name)
    return min(wanted, LIMIT_MAX)


def _box(text: str) -> Box:
    name = "bbox"
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise QueryError(name) from error
    if len(numbers) not in (_BOX_FLAT, _BOX_HIGH) or not all(map(math.isfinite, numbers)):
        raise QueryError(name)
    half = len(numbers) // 2
    west, south, east, north = numbers[0], numbers[1], numbers[half], numbers[half + 1]
    if south > north or not (south >= -90 and north <= 90 and -180 <= west <= 180 and -180 <= east <= 180):  # noqa: PLR2004  degrees
        raise QueryError(name)
    return Box(west, south, east, north)


def _times(text: str) -> tuple[datetime | None, datetime | None]:
    if not text:
        return None, None
    begin, slash, end = text.partition("/")
    if not slash:
        at = _instant(begin)
        return at, at
    since, until = (None if part in OPEN_END else _instant(part) for part in (begin, end))
    if since is not None and until is not None and since > until:
        name = "datetime"
        raise QueryError(name)
    return since, until


def _instant(text: str) -> datetime:
    name = "datetime"
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise QueryError(name) from error
    if not 1 < at.year < 9999:  # noqa: PLR2004  years whose zones can be taken off
        raise QueryError(name)
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
