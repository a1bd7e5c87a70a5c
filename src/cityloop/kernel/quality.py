"""Quality of an observation."""

from enum import IntEnum

from cityloop.kernel.text import Text


class Quality(IntEnum):
    """Quality flag kept with every observation, one small integer a row."""

    GOOD = 0
    SUSPECT = 1
    BAD = 2
    ESTIMATED = 3
    MANUAL = 4
    LATE = 5
    MAINTENANCE = 6
    OUT_OF_RANGE = 7

    @property
    def title(self) -> Text:
        """Return the flag's name."""
        return (
            Text("正常", "good"),
            Text("存疑", "suspect"),
            Text("无效", "bad"),
            Text("估算", "estimated"),
            Text("人工", "manual"),
            Text("迟到", "late"),
            Text("检修", "maintenance"),
            Text("超量程", "out of range"),
        )[self]
