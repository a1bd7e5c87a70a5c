"""Pure rules: ladders of limits, the alarm machine, the life cycle of an alarm, baselines, quiet streams."""

from cityloop.decide.rules.baseline import (
    HOURS_OF_WEEK,
    KNOWN_MIN,
    MEMORY,
    Moments,
    clipped,
    faded,
    hour_of_week,
    merged,
    moments_of,
    sample_s_of,
    samples_max_of,
)
from cityloop.decide.rules.firings import Firing, LevelTally, firings_of, tallies_of
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
from cityloop.decide.rules.validity import ValidityError, check_validity, is_asleep

__all__ = [
    "DELAY_S_MAX",
    "HOURS_OF_WEEK",
    "KNOWN_MIN",
    "MEMORY",
    "AlarmState",
    "Condition",
    "ConsentMissingError",
    "Event",
    "EventKind",
    "Firing",
    "Ladder",
    "LevelTally",
    "LimitsError",
    "Moments",
    "Rung",
    "Sample",
    "ShelvingSpanError",
    "Step",
    "ValidityError",
    "change_per_minute",
    "check_shelving",
    "check_validity",
    "clipped",
    "faded",
    "firings_of",
    "hour_of_week",
    "is_asleep",
    "is_done",
    "matured",
    "merged",
    "moments_of",
    "needs_consent",
    "sample_s_of",
    "samples_max_of",
    "state_of",
    "step",
    "tallies_of",
]
