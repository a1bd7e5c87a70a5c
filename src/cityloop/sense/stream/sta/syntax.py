"""The tree that query options are read into."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Node:
    """Part of an expression; `place` is where it begins, in characters from 1."""

    place: int


@dataclass(frozen=True, slots=True)
class Number(Node):
    """A number, kept as written."""

    text: str


@dataclass(frozen=True, slots=True)
class String(Node):
    """A text in quotes."""

    value: str


@dataclass(frozen=True, slots=True)
class Boolean(Node):
    """True or false."""

    value: bool


@dataclass(frozen=True, slots=True)
class Null(Node):
    """The absent value."""


@dataclass(frozen=True, slots=True)
class Instant(Node):
    """A time, or an interval where `end_us` is there."""

    start_us: int
    end_us: int | None


@dataclass(frozen=True, slots=True)
class Duration(Node):
    """A span of time."""

    length_us: int


@dataclass(frozen=True, slots=True)
class Date(Node):
    """A calendar date, as written."""

    text: str


@dataclass(frozen=True, slots=True)
class Clock(Node):
    """A time of day, as written."""

    text: str


@dataclass(frozen=True, slots=True)
class Geography(Node):
    """A geometry in well-known text."""

    text: str


@dataclass(frozen=True, slots=True)
class Path(Node):
    """A property, perhaps through navigations or into JSON."""

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function or operator with its arguments."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """One key of an order."""

    key: Node
    descending: bool


@dataclass(slots=True)
class Options:
    """The query options of a request or of an expanded navigation."""

    filter: Node | None = None
    expand: "list[Expand]" = field(default_factory=list)
    select: tuple[str, ...] = ()
    orderby: tuple[Order, ...] = ()
    top: int | None = None
    skip: int = 0
    count: bool | None = None
    written: dict[str, str] = field(default_factory=dict)
    result_format: str = ""


@dataclass(slots=True)
class Expand:
    """One expanded navigation."""

    name: str
    place: int
    options: Options
