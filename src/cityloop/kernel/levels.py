"""One severity scale for everything that warns."""

from enum import IntEnum

from cityloop.kernel.text import Text


class Level(IntEnum):
    """Severity, 1 the gravest; shared by alarms, warnings, events and responses.

    Source:
        Emergency practice in China: event grade I-IV with the colours red, orange, yellow, blue.
    """

    RED = 1
    ORANGE = 2
    YELLOW = 3
    BLUE = 4

    @property
    def roman(self) -> str:
        """Return the grade in Roman numerals."""
        return ("I", "II", "III", "IV")[self - 1]

    @property
    def colour(self) -> Text:
        """Return the colour's name."""
        return (Text("红", "red"), Text("橙", "orange"), Text("黄", "yellow"), Text("蓝", "blue"))[self - 1]

    @property
    def grade(self) -> Text:
        """Return the grade's name."""
        return (
            Text("特别重大", "particularly serious"),
            Text("重大", "serious"),
            Text("较大", "larger"),
            Text("一般", "ordinary"),
        )[self - 1]

    @property
    def cap_severity(self) -> str:
        """Return the severity word of CAP 1.2 (default, to be confirmed by the authority)."""
        return ("Extreme", "Severe", "Moderate", "Minor")[self - 1]

    def is_graver_than(self, other: "Level | None") -> bool:
        """Return whether this level is graver than the other; anything is graver than none."""
        return other is None or self < other
