"""Traffic lights of the application projects."""

from enum import StrEnum

from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text

PROJECTS_OF_THE_PLAN = 10
"""The plan names ten application projects; the wall shows a slot for each, and which are not there."""


class Light(StrEnum):
    """How a project stands: by its gravest open alarm; without readings it is dark."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"
    DARK = "dark"

    @property
    def words(self) -> Text:
        """Return what the light means."""
        return {
            Light.GREEN: Text("正常", "normal"),
            Light.YELLOW: Text("关注", "attention"),
            Light.RED: Text("严重", "grave"),
            Light.DARK: Text("无数据", "no data"),
        }[self]


def light_of(gravest: Level | None, *, has_data: bool) -> Light:
    """Return a project's light.

    Args:
        gravest: the gravest level among its open alarms, None without alarms.
        has_data: whether any of its streams has ever had a reading.
    """
    if gravest is not None:
        return Light.RED if gravest <= Level.ORANGE else Light.YELLOW
    return Light.GREEN if has_data else Light.DARK
