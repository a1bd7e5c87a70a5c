"""Closed days in the answers: which of them a page can need, and when the hot table alone has answered."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cityloop.sense.stream.archive.asking import Reach
from cityloop.sense.stream.archive.closing import HOT_DAYS_MIN
from cityloop.sense.stream.sta.syntax import Call, Instant, Node, Options, Path
from cityloop.sense.stream.sta.times import text_of
from cityloop.sense.stream.sta.values import Parameters

_FROM, _UNTIL = {"ge", "gt", "eq"}, {"le", "lt", "eq"}


@dataclass(frozen=True, slots=True)
class Window:
    """Where an observation named by its id is sought, as numbers of parameters.

    Attributes:
        key: the id.
        since: start of the time it is sought in.
        until: end of that time.
        stream: its datastream where it is packed.
        day: its day where it is packed.
    """

    key: int
    since: int
    until: int
    stream: int
    day: int


@dataclass(frozen=True, slots=True)
class TimeBounds:
    """What a filter says of the phenomenon time.

    Attributes:
        since_us: no observation that begins before fulfils it, None where it does not say so.
        until_us: no observation that begins after fulfils it, None where it does not say so.
        alone: whether it says nothing else.
    """

    since_us: int | None = None
    until_us: int | None = None
    alone: bool = True


def time_bounds(node: Node | None) -> TimeBounds:
    """Return what a filter says of the phenomenon time."""
    if node is None:
        return TimeBounds()
    if isinstance(node, Call) and node.name == "and":
        first, second = (time_bounds(part) for part in node.arguments)
        sinces = [us for us in (first.since_us, second.since_us) if us is not None]
        untils = [us for us in (first.until_us, second.until_us) if us is not None]
        both = first.alone and second.alone
        return TimeBounds(max(sinces, default=None), min(untils, default=None), both)
    instant = _compared_instant(node)
    if instant is None or not isinstance(node, Call):
        return TimeBounds(alone=False)
    return TimeBounds(instant if node.name in _FROM else None, instant if node.name in _UNTIL else None)


def _compared_instant(node: Node) -> int | None:
    if not isinstance(node, Call) or node.name not in _FROM | _UNTIL:
        return None
    left, right = node.arguments
    named = isinstance(left, Path) and left.parts == ("phenomenonTime",)
    return right.start_us if named and isinstance(right, Instant) and right.end_us is None else None


def is_oldest_first(options: Options) -> bool:
    """Return whether observations come by rising phenomenon time alone."""
    if len(options.orderby) != 1 or options.orderby[0].descending:
        return False
    key = options.orderby[0].key
    return isinstance(key, Path) and key.parts == ("phenomenonTime",)


def reach_of(  # noqa: PLR0913  the parts of one reach
    options: Options,
    parameters: Parameters,
    *,
    stream: str = "",
    feature: str = "",
    since: str = "",
    until: str = "",
    newest: bool | None = None,
) -> Reach:
    """Return which packed rows a page of observations can need.

    Args:
        options: of the page.
        parameters: of the statement.
        stream: SQL of the one datastream's id, empty for any.
        feature: SQL of the one feature's id, empty for any.
        since: SQL of a further bound.
        until: SQL of a further bound.
        newest: whether the page comes newest first, oldest first, or None in another order or as a whole.
    """
    bounds = time_bounds(options.filter)
    starts, ends = [since] if since else [], [until] if until else []
    if bounds.since_us is not None:
        starts.append(parameters.add(text_of(bounds.since_us), "timestamptz"))
    if bounds.until_us is not None:
        ends.append(parameters.add(text_of(bounds.until_us), "timestamptz"))
    enough = stream and bounds.alone and newest is not None
    return Reach(
        stream=stream,
        feature=feature,
        since=f"greatest({', '.join(starts)})" if starts else "",
        until=f"least({', '.join(ends)})" if ends else "",
        first=parameters.add((options.top or 0) + options.skip + 1, "bigint") if enough else "",
        newest=bool(newest),
    )


def never_closed_from() -> datetime:
    """Return from when on no day is closed, whatever the settings say: the jobs leave yesterday and today alone."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=HOT_DAYS_MIN)


def instant_of(text: Any) -> datetime:
    """Return an instant PostgreSQL or a hint has written, the beginning of time for `-infinity`."""
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except (ValueError, OverflowError):
        return datetime.min.replace(tzinfo=UTC)
