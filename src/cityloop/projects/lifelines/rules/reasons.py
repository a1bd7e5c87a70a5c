"""Why a line's day deviates from the same day last year."""

from enum import StrEnum

from cityloop.kernel.text import Text


class ReasonKind(StrEnum):
    """What sort of reason it is (domain reference, section 4.3, rule 5)."""

    WEATHER = "weather"
    NEW_USERS = "new_users"
    EVENT = "event"
    OTHER = "other"

    @property
    def words(self) -> Text:
        """Return its name."""
        return _TITLES[self]


_TITLES = {
    ReasonKind.WEATHER: Text("天气", "weather"),
    ReasonKind.NEW_USERS: Text("新增用户", "new users"),
    ReasonKind.EVENT: Text("事件", "event"),
    ReasonKind.OTHER: Text("其他", "other"),
}

__all__ = ["ReasonKind"]
