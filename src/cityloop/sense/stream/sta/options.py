"""Reads the query options of an address and of expanded navigations."""

import re
from urllib.parse import unquote

from cityloop.sense.stream.sta.errors import NotImplementedOptionError, SyntaxFault
from cityloop.sense.stream.sta.formats import FORMATS
from cityloop.sense.stream.sta.parser import read_filter, read_order
from cityloop.sense.stream.sta.syntax import Expand, Options

EXPAND_DEPTH_MAX = 6
"""Deepest nesting of `$expand`."""

EXPANDS_MAX = 40
"""Most expanded navigations of one request."""

NUMBER_MAX = 2**31 - 1
_KNOWN_ABSENT = {"$search", "$apply", "$compute", "$format", "$skiptoken", "$deltatoken", "$index", "$schemaversion"}
_PLUS = re.compile(r"(T\d\d(?::|%3A)\d\d(?:(?::|%3A)\d\d(?:\.\d+)?)?)?\+", re.IGNORECASE)


def read_options(query: str, *, page_size: int, page_max: int) -> Options:
    """Return the options of a query string as it stands in the address.

    Args:
        query: percent-encoded.
        page_size: `top` where none is given.
        page_max: greatest page, greater ones are cut.

    Raises:
        SyntaxFault: if an option is unknown, twice there, or cannot be read.
        NotImplementedOptionError: if it is known but not built.
    """
    pairs = []
    for part in query.split("&") if query else ():
        name, _, value = part.partition("=")
        name = unquote(name)
        if name.startswith("$"):
            pairs.append((name, unquote(_PLUS.sub(_plus_as_space, value)), 0))
    return _Reader(page_size=page_size, page_max=page_max).options(pairs, depth=0)


class _Reader:
    def __init__(self, *, page_size: int, page_max: int) -> None:
        self.page_size, self.page_max, self.expands = page_size, page_max, 0

    def options(self, pairs: list[tuple[str, str, int]], *, depth: int) -> Options:
        options = Options(top=self.page_size)
        for name, value, offset in pairs:
            if name in options.written:
                raise SyntaxFault(name, 1 + offset, "the option is there twice")
            self.option(options, name, value, offset, depth)
            options.written[name] = value
        return options

    def option(self, options: Options, name: str, value: str, offset: int, depth: int) -> None:
        match name:
            case "$filter":
                options.filter = read_filter(value, offset=offset)
            case "$orderby":
                options.orderby = read_order(value, offset=offset)
            case "$select":
                options.select = _names(value, offset)
            case "$expand":
                options.expand = self.expand(value, offset, depth)
            case "$top":
                options.top = min(_whole(name, value, offset), self.page_max)
            case "$skip":
                options.skip = _whole(name, value, offset)
            case "$count":
                options.count = _boolean(name, value, offset)
            case "$resultFormat":
                options.result_format = self.format(name, value, offset, depth)
            case _ if name in _KNOWN_ABSENT:
                raise NotImplementedOptionError(name)
            case _:
                raise SyntaxFault(name[:60], 1 + offset, "the option is unknown")

    def format(self, name: str, value: str, offset: int, depth: int) -> str:
        if depth or value.strip().lower() not in FORMATS:
            raise SyntaxFault(name, 1 + offset, "the format is unknown here")
        return FORMATS[value.strip().lower()]

    def expand(self, text: str, offset: int, depth: int) -> list[Expand]:
        if depth >= EXPAND_DEPTH_MAX:
            raise SyntaxFault(option="$expand", place=1 + offset, reason="the expression is nested too deeply")
        found: list[Expand] = []
        for start, item in _split(text, ",", offset):
            found = self.merged(found, self.item(item, start, depth))
        return found

    def item(self, text: str, offset: int, depth: int) -> Expand:
        path, bracket, inner = text.partition("(")
        if bracket and not inner.rstrip().endswith(")"):
            raise SyntaxFault(option="$expand", place=offset + len(text) + 1, reason="a bracket or comma is missing")
        inner = inner.rstrip()[:-1] if bracket else ""
        pairs = []
        for start, part in _split(inner, ";", offset + len(path) + 1) if inner.strip() else ():
            name, _, value = part.partition("=")
            pairs.append((name.strip(), value, start + len(name) + 1))
        names = [name.strip() for name in path.split("/")]
        self.expands += len(names)
        if self.expands > EXPANDS_MAX or depth + len(names) > EXPAND_DEPTH_MAX:
            raise SyntaxFault(option="$expand", place=1 + offset, reason="the expression has too many parts")
        options = self.options(pairs, depth=depth + len(names))
        for name in reversed(names[1:]):
            options = Options(top=self.page_size, expand=[Expand(name, offset + 1, options)])
        return Expand(names[0], offset + 1, options)

    def merged(self, found: list[Expand], new: Expand) -> list[Expand]:
        for known in found:
            if known.name == new.name:
                if new.options.written and known.options.written:
                    raise SyntaxFault(option="$expand", place=new.place, reason="the option is there twice")
                keeper, other = (new, known) if new.options.written else (known, new)
                for inner in other.options.expand:
                    keeper.options.expand = self.merged(keeper.options.expand, inner)
                return [keeper if item is known else item for item in found]
        return [*found, new]


def _plus_as_space(found: re.Match[str]) -> str:
    """Read a plus as forms write it, a space, unless it is the sign of a time's zone."""
    return f"{found[1]}+" if found[1] else " "


def _split(text: str, mark: str, offset: int) -> list[tuple[int, str]]:
    parts, start, depth, quoted = [], 0, 0, False
    for at, character in enumerate(text):
        if character == "'":
            quoted = not quoted
        elif not quoted:
            depth += (character == "(") - (character == ")")
            if depth < 0:
                raise SyntaxFault(option="$expand", place=offset + at + 1, reason="a bracket or comma is missing")
            if character == mark and depth == 0:
                parts.append((offset + start, text[start:at]))
                start = at + 1
    if depth or quoted:
        raise SyntaxFault(option="$expand", place=offset + len(text) + 1, reason="a bracket or comma is missing")
    parts.append((offset + start, text[start:]))
    if any(not part.strip() for _, part in parts):
        raise SyntaxFault(option="$expand", place=offset + 1, reason="a value is missing")
    return parts


def _names(text: str, offset: int) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise SyntaxFault(option="$select", place=1 + offset, reason="a value is missing")
    return names


def _whole(name: str, text: str, offset: int) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit()) or len(text) > 10 or int(text) > NUMBER_MAX:  # noqa: PLR2004  digits of 2**31
        raise SyntaxFault(name, 1 + offset, "a whole number of at least 0 is needed")
    return int(text)


def _boolean(name: str, text: str, offset: int) -> bool:
    if text.strip() not in {"true", "false"}:
        raise SyntaxFault(name, 1 + offset, "true or false is needed")
    return text.strip() == "true"
