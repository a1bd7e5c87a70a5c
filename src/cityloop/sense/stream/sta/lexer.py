"""Cuts an expression into tokens."""

import re
from dataclasses import dataclass

from cityloop.sense.stream.sta.errors import SyntaxFault

EXPRESSION_LENGTH_MAX = 16_384
"""Longest expression, characters: longer ones are attacks or belong in another question."""

_INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d(?::?\d\d)?)"
_SPAN = r"P(?=[\dT])(?:\d+(?:\.\d+)?[YMWD])*(?:T(?:\d+(?:\.\d+)?[HMS])+)?"
_TOKEN = re.compile(
    rf"""
      (?P<space>\s+)
    | (?P<geography>geo(?:graphy|metry)'(?:[^']|'')*')
    | (?P<duration>duration'[^']*')
    | (?P<quotedtime>datetime(?:offset)?'[^']*')
    | (?P<time>(?:{_INSTANT}(?:/(?:{_INSTANT}|{_SPAN}))?|{_SPAN}/{_INSTANT})(?![\w/]))
    | (?P<date>\d{{4}}-\d\d-\d\d(?![\w-]))
    | (?P<clock>\d\d:\d\d(?::\d\d(?:\.\d{{1,9}})?)?(?![\w:]))
    | (?P<number>-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
    | (?P<string>'(?:[^']|'')*')
    | (?P<name>(?:@|[^\W\d])[\w@.$:-]*(?:/[\w@.$:-]+)*)
    | (?P<mark>[(),])
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of an expression; `place` counts characters from 1."""

    kind: str
    text: str
    place: int


def tokens_of(text: str, *, option: str, offset: int = 0) -> list[Token]:
    """Return the tokens of an expression, closed by one of kind `end`.

    Args:
        text: the expression, decoded.
        option: which query option it is, for the error.
        offset: where the expression begins in the option.

    Raises:
        SyntaxFault: at the first character that begins no token, or if the text is too long.
    """
    if len(text) > EXPRESSION_LENGTH_MAX:
        raise SyntaxFault(option, EXPRESSION_LENGTH_MAX, "the expression is too long")
    if "\0" in text:
        raise SyntaxFault(option, offset + text.index("\0") + 1, "a zero character stands here")
    tokens, at = [], 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise SyntaxFault(option, offset + at + 1, "this character is not expected")
        if found.lastgroup != "space":
            tokens.append(Token(str(found.lastgroup), found[0], offset + at + 1))
        at = found.end()
    tokens.append(Token("end", "", offset + len(text) + 1))
    return tokens
