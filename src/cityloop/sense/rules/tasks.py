"""How a task stands, and how long a device has to answer."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from cityloop.kernel.text import Text


class TaskStatus(StrEnum):
    """How a task stands."""

    CREATED = "created"
    DELIVERED = "delivered"
    ACCEPTED = "accepted"
    DONE = "done"
    FAILED = "failed"
    TIMED_OUT = "timed_out"

    @property
    def words(self) -> Text:
        """Return it in words."""
        return _WORDS[self]


_WORDS = {
    TaskStatus.CREATED: Text("待送达", "waiting for the device"),
    TaskStatus.DELIVERED: Text("已送达", "delivered"),
    TaskStatus.ACCEPTED: Text("已接受", "accepted"),
    TaskStatus.DONE: Text("已完成", "done"),
    TaskStatus.FAILED: Text("执行失败", "failed"),
    TaskStatus.TIMED_OUT: Text("已超时", "timed out"),
}

OPEN = (TaskStatus.CREATED, TaskStatus.DELIVERED, TaskStatus.ACCEPTED)
"""States in which a task still waits for its device."""

ANSWERS = (TaskStatus.ACCEPTED, TaskStatus.DONE, TaskStatus.FAILED)
"""States that a device may report."""

REASON_LENGTH_MAX = 500
"""Longest reason of a device, characters; what is longer is cut."""


@dataclass(frozen=True, slots=True)
class TaskTerms:
    """How tasks are bounded; data with a version, to be confirmed by the authority.

    Attributes:
        version: of these terms.
        answer_s: how long a device has to report a task done where its capability does not say, seconds.
        answer_s_max: longest time a capability may give, seconds.
        open_max: most tasks of one capability that may wait for its device at a time.
        basis: where the figures come from.
    """

    version: str
    answer_s: float
    answer_s_max: float
    open_max: int
    basis: Text


TERMS = TaskTerms(
    version="2026-11",
    answer_s=120.0,
    answer_s_max=7 * 86_400.0,
    open_max=20,
    basis=Text(
        "闸门、标志、警报器等现场设备启闭一般在两分钟内完成。默认值，待主管部门确认。",
        "Sluices, signs and sirens usually act within two minutes. Default, to be confirmed by the authority.",
    ),
)
"""The terms in force."""


def deadline_of(created_at: datetime, *, answer_s: float | None, terms: TaskTerms = TERMS) -> datetime:
    """Return until when a device must have reported a task done.

    Args:
        created_at: when the task was given, aware.
        answer_s: what its capability says, seconds; None where it says nothing.
        terms: the terms in force.
    """
    span_s = terms.answer_s if answer_s is None else min(max(answer_s, 1.0), terms.answer_s_max)
    return created_at + timedelta(seconds=span_s)


def may_report(before: TaskStatus, answer: TaskStatus) -> bool:
    """Return whether a device may report a state after another: accepted once, done or failed once, then nothing."""
    if answer is TaskStatus.ACCEPTED:
        return before in (TaskStatus.CREATED, TaskStatus.DELIVERED)
    return answer in ANSWERS and before in OPEN
