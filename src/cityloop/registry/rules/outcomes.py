"""How a reach for something ends, as the audit says it."""

from enum import StrEnum

from cityloop.kernel.text import Text
from cityloop.registry.rules.roles import Right


class Outcome(StrEnum):
    """How a reach for something ended."""

    DENIED = "denied"
    READ = "read"
    CHANGED = "changed"
    LOGGED_IN = "logged_in"
    LOGGED_OUT = "logged_out"
    LOGIN_FAILED = "login_failed"
    LOCKED_OUT = "locked_out"

    @property
    def words(self) -> Text:
        """Return the outcome in words."""
        return _OUTCOME_WORDS[self]


_OUTCOME_WORDS = {
    Outcome.DENIED: Text("已拒绝", "denied"),
    Outcome.READ: Text("已读取", "read"),
    Outcome.CHANGED: Text("已更改", "changed"),
    Outcome.LOGGED_IN: Text("已登录", "logged in"),
    Outcome.LOGGED_OUT: Text("已退出", "logged out"),
    Outcome.LOGIN_FAILED: Text("登录失败", "login failed"),
    Outcome.LOCKED_OUT: Text("已锁定", "locked out"),
}


def right_in_words(right: str) -> Text:
    """Return what an entry of the audit says was asked for: a right, or logging in."""
    return Right(right).words if right in set(Right) else Text("登录", "signing in")


def outcome_in_words(outcome: str) -> Text:
    """Return how it ended, in words."""
    return Outcome(outcome).words if outcome in set(Outcome) else Text(outcome, outcome)
