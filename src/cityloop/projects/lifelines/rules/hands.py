"""In whose hands a step of coordination lies, and which organisation answers for a line."""

from enum import StrEnum

from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text
from cityloop.projects.lifelines.rules.days import Line
from cityloop.projects.lifelines.rules.lines import MAKES


class Hand(StrEnum):
    """On whose behalf a step is taken.

    Attributes:
        ASKING: the organisation that answers for the line.
        DECIDING: whoever decides for the city: the city leader where the level is grave, the duty officer below.
        ANSWERING: the side asking, which takes an answer down, or the party asked, where it is known to the city.
        DUTY: the duty room.
    """

    ASKING = "asking"
    DECIDING = "deciding"
    ANSWERING = "answering"
    DUTY = "duty"


HAND_TITLES: dict[Hand, Text] = {
    Hand.ASKING: Text("提出单位", "asking organisation"),
    Hand.DECIDING: Text("审批人", "whoever approves"),
    Hand.ANSWERING: Text("上游或提出单位", "upstream party or asking organisation"),
    Hand.DUTY: Text("值班室", "duty room"),
}

GRAVE = frozenset({Level.RED, Level.ORANGE})
"""Levels whose coordination the city leader approves himself (default, to be confirmed by the authority)."""

LINE_ORGANISATIONS: dict[Line, str] = {line: make.owner for line, make in MAKES.items()}
"""Who answers for a line, by code."""

LINE_TITLES: dict[Line, Text] = {line: make.title for line, make in MAKES.items()}


def is_grave(level: Level | None) -> bool:
    """Return whether a level is one whose coordination the city leader approves."""
    return level in GRAVE
