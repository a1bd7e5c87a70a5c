"""Facts of the stage that judges: the life of an alarm."""

from dataclasses import dataclass

from cityloop.kernel.facts.base import Fact
from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class _AlarmFact(Fact):
    """What every fact about an alarm names."""

    alarm_id: int
    title: Text
    level: Level


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRaised(_AlarmFact):
    """A watch has found a condition that asks for a person.

    Attributes:
        alarm_id: the alarm.
        title: what it is, in both languages.
        level: severity when raised.
        watch_code: the rule that fired, with its version.
        watch_version: version of that rule.
        project: code of the application project, empty where none.
        datastream_id: the stream whose reading it was.
        thing_name: the device or site.
        value: the reading.
        threshold: the limit it broke.
        unit: unit symbol of both.
        longitude: WGS 84 degrees, None where the place is not known.
        latitude: WGS 84 degrees, None where the place is not known.
        case_kind: code of the kind of case to open, empty where none shall be.
    """

    watch_code: str
    watch_version: int
    project: str
    datastream_id: int
    thing_name: Text
    value: float
    threshold: float
    unit: str
    longitude: float | None
    latitude: float | None
    case_kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmLevelChanged(_AlarmFact):
    """A standing alarm became graver or milder; `level` is the new one."""

    level_before: Level
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRepeated(_AlarmFact):
    """The condition of an open alarm came back after it had cleared; `count` says how often it has stood."""

    count: int
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmAcknowledged(_AlarmFact):
    """A person has taken note of an alarm."""

    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmShelved(_AlarmFact):
    """A person has silenced an alarm until a moment, with a reason; a second person consents for levels 1 and 2."""

    reason: str
    until: str
    consented_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmUnshelved(_AlarmFact):
    """A silenced alarm is back; `reason` is `time` (its time is over), `person` or `graver` (the level rose)."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelvingRequested(_AlarmFact):
    """A person asks that a grave alarm be silenced; nothing is silenced until a second person consents."""

    reason: str
    until: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelvingDeclined(_AlarmFact):
    """A request to silence an alarm came to nothing; `outcome` is `refused` or `withdrawn`."""

    outcome: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmSuppressed(_AlarmFact):
    """An alarm calls nobody while the alarm of another watch stands, by design; `suppressed_by` is that watch."""

    suppressed_by: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmReleased(_AlarmFact):
    """An alarm is no longer suppressed; `suppressed_by` is the watch whose alarm stood."""

    suppressed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmFloodBegan(Fact):
    """More alarms came in ten minutes than the people on duty can answer.

    Attributes:
        alarms: how many came in the last ten minutes.
        operators: how many people are on duty.
    """

    alarms: int
    operators: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmFloodEnded(Fact):
    """A flood of alarms is over.

    Attributes:
        alarms: how many came in the last ten minutes.
        peak: the most that came in ten minutes.
        lasted_s: how long it lasted, seconds.
    """

    alarms: int
    peak: int
    lasted_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureChanged(Fact):
    """A threshold of alarm management has a new version.

    Attributes:
        measure: its code.
        value: the new value.
        note: why.
    """

    measure: str
    value: float
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmCleared(_AlarmFact):
    """The condition has ended."""

    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmClosed(_AlarmFact):
    """The alarm is done with: cleared, and acknowledged or its case closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchChanged(Fact):
    """A watch has a new version.

    Attributes:
        watch_code: the watch.
        watch_version: its new version.
        title: its name.
        note: why, in the words of whoever changed it; empty for a declaration.
    """

    watch_code: str
    watch_version: int
    title: Text
    note: str
