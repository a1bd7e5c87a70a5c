"""Facts of the lifelines' own, and what they do by the clock of the loop; found by the site."""

from collections.abc import Callable
from datetime import datetime

from cityloop.projects.lifelines.facade import tell_overdue
from cityloop.projects.lifelines.rules.coordinated import (
    AnswerOverdue,
    ReductionStepped,
    RequestClosed,
    RequestStepped,
    UserListChanged,
)

CLOCK: tuple[tuple[Callable[[datetime], object], float], ...] = (
    (tell_overdue, 15.0),  # nobody upstream has answered in time
)

__all__ = ["CLOCK", "AnswerOverdue", "ReductionStepped", "RequestClosed", "RequestStepped", "UserListChanged"]
