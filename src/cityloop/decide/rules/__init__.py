"""Pure rules: ladders of limits, the alarm machine, the life cycle of an alarm, baselines, quiet streams."""

from cityloop.decide.rules.baseline import (
    HOURS_OF_WEEK,
    Moments,
    clipped,
    faded,
    hour_of_week,
    merged,
    moments_of,
)
from cityloop.decide.rules.ladder import DELAY_S_MAX, Ladder, LimitsError, Rung, Step, change_per_minute
from cityloop.decide.rules.lifecycle import (
    AlarmState,
    ConsentMissingError,
    ShelvingSpanError,
    check_shelving,
    is_done,
    needs_consent,
    state_of,
)
from cityloop.decide.rules.machine import Condition, Event, EventKind, Sample, matured, step

__all__ = [
    "DELAY_S_MAX",
    "HOURS_OF_WEEK",
    "AlarmState",
    "Condition",
    "ConsentMissingError",
    "Event",
    "EventKind",
    "Ladder",
    "LimitsError",
    "Moments",
    "Rung",
    "Sample",
    "ShelvingSpanError",
    "Step",
    "change_per_minute",
    "check_shelving",
    "clipped",
    "faded",
    "hour_of_week",
    "is_done",
    "matured",
    "merged",
    "moments_of",
    "needs_consent",
    "state_of",
    "step",
]
