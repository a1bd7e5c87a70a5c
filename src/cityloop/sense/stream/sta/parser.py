"""Reads `$filter` and `$orderby` into a tree, by recursive descent with bounded depth and size."""

from collections.abc import Callable

from cityloop.sense.stream.sta.errors import SyntaxFault
from cityloop.sense.stream.sta.lexer import Token, tokens_of
from cityloop.sense.stream.sta.syntax import (
    Boolean,
    Call,
    Clock,
    Date,
    Duration,
    Geography,
    Instant,
    Node,
    Null,
    Number,
    Order,
    Path,
    String,
)
from cityloop.sense.stream.sta.times import duration_us, interval_us

DEPTH_MAX = 40
"""Deepest nesting of an expression; Python's stack and the planner stay far from their limits."""

NODES_MAX = 400
"""Most nodes of an expression."""

ORDER_KEYS_MAX = 10
_COMPARISONS = {"eq", "ne", "gt", "ge", "lt", "le"}
_SUMS, _PRODUCTS = {"add", "sub"}, {"mul", "div", "mod"}
_WORDS = {"true", "false", "null"}


class _Reader:
    def __init__(self, text: str, *, option: str, offset: int) -> None:
        self.option = option
        self.tokens = tokens_of(text, option=option, offset=offset)
        self.at = self.depth = self.nodes = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def fault(self, *, reason: str, place: int = 0) -> SyntaxFault:
        return SyntaxFault(self.option, place or self.token.place, reason)

    def take(self) -> Token:
        token = self.token
        self.at += 1
        return token

    def is_word(self, words: set[str]) -> bool:
        return self.token.kind == "name" and self.token.text in words

    def is_mark(self, mark: str) -> bool:
        return self.token.kind == "mark" and self.token.text == mark

    def expect(self, mark: str) -> None:
        if not self.is_mark(mark):
            raise self.fault(reason="a bracket or comma is missing")
        self.at += 1

    def call(self, place: int, name: str, *arguments: Node) -> Call:
        self.nodes += 1
        if self.nodes > NODES_MAX:
            raise self.fault(reason="the expression has too many parts")
        return Call(place, name, arguments)

    def expression(self) -> Node:
        self.depth += 1
        if self.depth > DEPTH_MAX:
            raise self.fault(reason="the expression is nested too deeply")
        node = self.chain({"or"}, lambda: self.chain({"and"}, self.negation))
        self.depth -= 1
        return node

    def chain(self, words: set[str], inner: Callable[[], Node]) -> Node:
        node = inner()
        while self.is_word(words):
            operator = self.take()
            node = self.call(operator.place, operator.text, node, inner())
        return node

    def negation(self) -> Node:
        signs = []
        while self.is_word({"not"}):
            signs.append(self.take())
            if len(signs) > DEPTH_MAX:
                raise self.fault(reason="the expression is nested too deeply")
        node = self.comparison()
        for sign in reversed(signs):
            node = self.call(sign.place, "not", node)
        return node

    def comparison(self) -> Node:
        node = self.sum()
        if self.is_word({"in"}):
            return self.membership(node)
        if self.is_word(_COMPARISONS):
            operator = self.take()
            node = self.call(operator.place, operator.text, node, self.sum())
        return node

    def membership(self, node: Node) -> Node:
        place = self.take().place
        self.expect("(")
        members = self.arguments()
        if not members:
            raise self.fault(reason="a value is missing", place=place)
        return self.call(place, "in", node, *members)

    def sum(self) -> Node:
        return self.chain(_SUMS, lambda: self.chain(_PRODUCTS, self.primary))

    def primary(self) -> Node:
        if self.is_mark("("):
            self.at += 1
            node = self.expression()
            self.expect(")")
            return node
        token = self.take()
        if token.kind == "name":
            return self.named(token)
        if token.kind in {"end", "mark"}:
            self.at -= 1
            raise self.fault(reason="a value is missing")
        return self.literal(token)

    def named(self, token: Token) -> Node:
        self.nodes += 1
        if self.is_mark("(") and token.text not in _WORDS:
            self.at += 1
            return self.call(token.place, token.text, *self.arguments())
        if token.text in _WORDS:
            return Null(token.place) if token.text == "null" else Boolean(token.place, token.text == "true")
        return Path(token.place, tuple(token.text.split("/")))

    def arguments(self) -> list[Node]:
        found: list[Node] = []
        if self.is_mark(")"):
            self.at += 1
            return found
        while True:
            found.append(self.expression())
            if self.is_mark(")"):
                self.at += 1
                return found
            self.expect(",")

    def literal(self, token: Token) -> Node:
        self.nodes += 1
        if self.nodes > NODES_MAX:
            raise self.fault(reason="the expression has too many parts")
        try:
            return _LITERALS[token.kind](token)
        except ValueError as error:
            raise self.fault(reason="this value cannot be read", place=token.place) from error


def _quoted(text: str) -> str:
    return text[text.index("'") + 1 : -1].replace("''", "'")


def _instant(token: Token) -> Node:
    text = _quoted(token.text) if token.kind == "quotedtime" else token.text
    return Instant(token.place, *interval_us(text.replace("+ ", "+")))


_LITERALS: dict[str, Callable[[Token], Node]] = {
    "number": lambda token: Number(token.place, token.text),
    "string": lambda token: String(token.place, _quoted(token.text)),
    "time": _instant,
    "quotedtime": _instant,
    "duration": lambda token: Duration(token.place, duration_us(_quoted(token.text))),
    "date": lambda token: Date(token.place, token.text),
    "clock": lambda token: Clock(token.place, token.text),
    "geography": lambda token: Geography(token.place, _quoted(token.text)),
}


def read_filter(text: str, *, offset: int = 0) -> Node:
    """Return the tree of a `$filter`.

    Raises:
        SyntaxFault: at the place where it cannot be read.
    """
    reader = _Reader(text, option="$filter", offset=offset)
    node = reader.expression()
    if reader.token.kind != "end":
        raise reader.fault(reason="this is not expected here")
    return node


def read_order(text: str, *, offset: int = 0) -> tuple[Order, ...]:
    """Return the keys of an `$orderby`.

    Raises:
        SyntaxFault: at the place where it cannot be read.
    """
    reader = _Reader(text, option="$orderby", offset=offset)
    keys: list[Order] = []
    while True:
        key = reader.sum()
        descending = reader.take().text == "desc" if reader.is_word({"asc", "desc"}) else False
        keys.append(Order(key, descending))
        if len(keys) > ORDER_KEYS_MAX:
            raise reader.fault(reason="there are too many keys")
        if reader.token.kind == "end":
            return tuple(keys)
        reader.expect(",")
