"""What the clock of a case does."""

from datetime import date, datetime, time, timedelta
from enum import StrEnum

from cityloop.kernel.clocks import CITY_ZONE, Clock, IsWorkday, Limit, WorkingHours, deadline_of
from cityloop.respond.rules.states import State


class ClockState(StrEnum):
    """What the limit of a case does."""

    NOT_STARTED = "not_started"
    RUNNING = "running"
    STOPPED = "stopped"
    DONE = "done"


_BEFORE_CLOCK = frozenset({State.REPORTED, State.ACCEPTED, State.VERIFYING, State.REJECTED})
_AFTER_HANDLING = frozenset({State.ANSWERED, State.CHECKING, State.CLOSED, State.EVALUATED, State.VOID})


def clock_in(state: State) -> ClockState:
    """Return what the clock does in a state.

    It starts when the case is filed, for from then on the city answers for it; it stops while the case is suspended and
    while the work waits for its check, and runs on when the check fails.
    """
    if state in _BEFORE_CLOCK:
        return ClockState.NOT_STARTED
    if state is State.SUSPENDED:
        return ClockState.STOPPED
    return ClockState.DONE if state in _AFTER_HANDLING else ClockState.RUNNING


def due_after_pause(
    due_at: datetime,
    *,
    paused_at: datetime,
    resumed_at: datetime,
    clock: Clock,
    is_workday: IsWorkday,
) -> datetime:
    """Return the limit of a case after a pause: what was left when it stopped runs on from when it resumes.

    A limit that was over when the case was suspended stays over.

    Args:
        due_at: the limit before the pause.
        paused_at: when the clock stopped.
        resumed_at: when it runs on.
        clock: what the limit counts.
        is_workday: the calendar.

    Raises:
        CalendarEndsError: if the calendar ends before the limit does.
    """
    if paused_at >= due_at:
        return due_at
    left = time_left(due_at, at=paused_at, clock=clock, is_workday=is_workday)
    if left <= 0:
        return max(due_at, resumed_at)
    return max(due_at, deadline_of(resumed_at, Limit(left, clock), is_workday=is_workday))


def time_left(
    due_at: datetime,
    *,
    at: datetime,
    clock: Clock,
    is_workday: IsWorkday,
    hours: WorkingHours = WorkingHours(),  # noqa: B008  frozen
) -> float:
    """Return what is left of a limit, in the unit of its clock: hours, working hours or working days; 0.0 where over.

    Days the calendar does not know count as not worked here: no date is promised by it.
    """
    if at >= due_at:
        return 0.0
    if clock is Clock.NATURAL:
        return (due_at - at) / timedelta(hours=1)
    first, last = at.astimezone(CITY_ZONE), due_at.astimezone(CITY_ZONE)
    days = (last.date() - first.date()).days
    worked = [day for n in range(days + 1) if is_workday(day := first.date() + timedelta(days=n))]
    if clock is Clock.WORKING_DAY:
        return float(sum(day > first.date() for day in worked))
    spans = [_overlap(first, last, day, span) for day in worked for span in hours.spans]
    return sum(spans, timedelta(0)) / timedelta(hours=1)


def _overlap(first: datetime, last: datetime, day: date, span: tuple[time, time]) -> timedelta:
    since, until = (datetime.combine(day, moment, tzinfo=CITY_ZONE) for moment in span)
    return max(timedelta(0), min(last, until) - max(first, since))


class Urgency(StrEnum):
    """How much of a limit is left: over 50 % green, 50-20 % yellow, under 20 % orange, over the limit red."""

    NONE = "none"
    GREEN = "green"
    YELLOW = "yellow"
    ORANGE = "orange"
    RED = "red"


GREEN_ABOVE, ORANGE_BELOW = 0.5, 0.2


def urgency_of(*, started_at: datetime | None, due_at: datetime | None, at: datetime) -> Urgency:
    """Return the urgency of a limit at an instant, by the share of its span that is left.

    Source:
        Practice of digital urban management (GB/T 30428).
    """
    if started_at is None or due_at is None:
        return Urgency.NONE
    if at > due_at:
        return Urgency.RED
    span = (due_at - started_at) / timedelta(seconds=1)
    left = (due_at - at) / timedelta(seconds=1) / span if span > 0 else 0.0
    if left > GREEN_ABOVE:
        return Urgency.GREEN
    return Urgency.ORANGE if left < ORANGE_BELOW else Urgency.YELLOW


def is_on_time(*, handled_at: datetime, due_at: datetime) -> bool:
    """Return whether handling was finished within the limit; the very instant still counts."""
    return handled_at <= due_at
