"""Place codes: the national codes of administrative areas."""

from enum import IntEnum
from typing import NewType

AreaCode = NewType("AreaCode", str)
"""National place code of 6, 9, 12 or 15 digits (GB/T 2260 and its extensions): district, street, community, grid."""

CITY = AreaCode("110000")
"""Beijing, the city itself (GB/T 2260)."""

_DISTRICT_DIGITS, _STREET_DIGITS, _COMMUNITY_DIGITS, _GRID_DIGITS = 6, 9, 12, 15


class AreaLevel(IntEnum):
    """How far down an area lies."""

    CITY = 0
    DISTRICT = 1
    STREET = 2
    COMMUNITY = 3
    GRID = 4


def area_code(text: str) -> AreaCode:
    """Return the text as a place code.

    Raises:
        ValueError: if it is not 6, 9, 12 or 15 ASCII digits.
    """
    lengths = (_DISTRICT_DIGITS, _STREET_DIGITS, _COMMUNITY_DIGITS, _GRID_DIGITS)
    if len(text) not in lengths or not (text.isascii() and text.isdigit()):
        message = f"not a place code of 6, 9, 12 or 15 digits: {text!r}"
        raise ValueError(message)
    return AreaCode(text)


def level_of(code: AreaCode) -> AreaLevel:
    """Return the level of an area; a six-digit code that ends in 0000 is the city."""
    if len(code) == _DISTRICT_DIGITS:
        return AreaLevel.CITY if code.endswith("0000") else AreaLevel.DISTRICT
    return AreaLevel((len(code) - 3) // 3)


def district_of(code: AreaCode) -> AreaCode:
    """Return the district an area lies in; the city for the city itself."""
    return AreaCode(code[:_DISTRICT_DIGITS])


def parent_of(code: AreaCode) -> AreaCode | None:
    """Return the area one level up, None for the city."""
    level = level_of(code)
    if level is AreaLevel.CITY:
        return None
    if level is AreaLevel.DISTRICT:
        return AreaCode(code[:2] + "0000")
    return AreaCode(code[:-3])


def lies_within(inner: AreaCode, outer: AreaCode) -> bool:
    """Return whether `inner` is `outer` or lies below it."""
    return inner.startswith(outer[:2]) if level_of(outer) is AreaLevel.CITY else inner.startswith(outer)
