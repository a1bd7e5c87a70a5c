"""What an application project declares: data only, handed to the rooms when the city starts."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cityloop.kernel.clocks import Limit
from cityloop.kernel.levels import Level
from cityloop.kernel.terms import NO_TERMS, Terms
from cityloop.kernel.text import Text


class Origin(StrEnum):
    """Where readings come from; anything but `live` is said on every screen that shows them."""

    LIVE = "live"
    REPLAYED = "replayed"
    SIMULATED = "simulated"


class WatchKind(StrEnum):
    """How a watch judges."""

    HIGH = "high"
    LOW = "low"
    RATE = "rate"
    STUCK = "stuck"
    SILENT = "silent"
    BASELINE = "baseline"
    FORECAST = "forecast"
    COUNT = "count"
    MINUTES = "minutes"
    SCHEDULE = "schedule"
    GROUP = "group"
    STOP = "stop"


JUDGING_ALARMS = (WatchKind.GROUP, WatchKind.STOP)
"""Kinds that judge the alarms of others after a table, and have no limits of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThingSpec:
    """A device or site.

    Attributes:
        code: unique in the project.
        title: its name.
        description: what it is.
        longitude: WGS 84 degrees.
        latitude: WGS 84 degrees.
        owner: code of the organisation that owns it, empty where none.
    """

    code: str
    title: Text
    description: Text
    longitude: float
    latitude: float
    owner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSpec:
    """A datastream of a thing.

    Attributes:
        code: unique in the project, such as `water.zone-3.inflow`.
        thing: code of its thing.
        title: its name.
        property_code: code of the observed property, such as `water_flow`; shared by streams of one kind.
        property_title: name of the observed property.
        property_definition: URI of the observed property.
        unit_symbol: UCUM-like symbol shown beside the number.
        unit_name: name of the unit.
        unit_definition: URI of the unit.
        period_s: span between two readings, seconds.
        decimals: digits shown after the point.
        origin: where its readings come from.
        source: what the readings are and under which licence, None where they are the thing's own.
    """

    code: str
    thing: str
    title: Text
    property_code: str
    property_title: Text
    property_definition: str
    unit_symbol: str
    unit_name: str
    unit_definition: str
    period_s: float
    decimals: int = 1
    origin: Origin = Origin.LIVE
    source: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchSpec:
    """A rule over streams.

    Attributes:
        code: unique over all projects.
        title: its name, the title of the alarms it raises.
        kind: how it judges.
        streams: stream codes of the project; a trailing `*` matches all that begin so.
        limits: for `high` and `low` the limit of each level in `unit`; for `rate` the change in `unit` a minute; for
            `baseline` the distance from the hour-of-week mean in its standard deviations; for `forecast` the distance
            from the kept forecast in halves of its 80 % band; for `stuck` and `silent` the seconds without a change or
            a reading; for `count` the events in the window; for `minutes` the minutes that are left; for `schedule`
            the value outside of the permitted hours, or 1 where any reading counts; none
            for `group` and `stop`.
        hysteresis: how far a value must return beyond the limit before the alarm clears, in `unit`, >= 0.
        hold_s: how long the condition must last before it is an alarm (on-delay), seconds, >= 0.
        off_delay_s: how long it must be over before the alarm clears, seconds, >= 0.
        unit: unit symbol of the limits.
        basis: where the limits come from.
        confirmed: whether the authority has confirmed the limits; if not they are shown as defaults.
        case_kind: code of the kind of case an alarm opens, empty for none.
        terms: what the kind needs beside the limits.
    """

    code: str
    title: Text
    kind: WatchKind
    streams: tuple[str, ...]
    limits: dict[Level, float]
    unit: str
    basis: Text
    hysteresis: float = 0.0
    hold_s: float = 0.0
    off_delay_s: float = 0.0
    confirmed: bool = False
    case_kind: str = ""
    terms: Terms = NO_TERMS


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastSpec:
    """Streams that are forecast every day, a week ahead.

    Attributes:
        streams: stream codes of the project; a trailing `*` matches all that begin so.
        weather: code of the project's stream with the air temperature in degrees Celsius, empty for none.
        weather_ahead: whether that stream holds the temperature of the days ahead too, as a forecast.
    """

    streams: tuple[str, ...]
    weather: str = ""
    weather_ahead: bool = False


class Merging(StrEnum):
    """How signals of a kind become one case."""

    NEARBY = "nearby"
    SAME_AREA = "same_area"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class MergingSpec:
    """When two signals are one matter.

    Attributes:
        how: near each other, in the same area, or never.
        distance_m: of `nearby`: not farther apart than this, metres.
        span_h: of `nearby`: and not farther apart in time than this, hours.
        same_as: kinds with the same word here are one type, empty where a kind is a type of its own.
        basis: where the figures come from.
    """

    how: Merging = Merging.NEARBY
    distance_m: float
    span_h: float
    same_as: str = ""
    basis: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a reporter is asked beyond place and words.

    Attributes:
        code: unique in its kind.
        datatype: `string, number, datetime, text, singlevaluelist` or `multivaluelist`.
        words: the question.
        hint: how to answer it, None where that is plain.
        required: whether a report without an answer is refused.
        choices: of the lists: key and words of each.

    Source:
        Open311 GeoReport v2, GET service definition.
    """

    code: str
    datatype: str
    words: Text
    hint: Text | None = None
    required: bool = False
    choices: tuple[tuple[str, Text], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicFace:
    """How a kind stands in the list of what the public may report.

    Attributes:
        group: the class it is listed under.
        about: what belongs here, a sentence.
        keywords: words by which people look for it.
        questions: what they are asked, in order.
    """

    group: Text
    about: Text
    keywords: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseKindSpec:
    """A kind of case, an entry of the item library.

    Attributes:
        code: unique over all projects.
        title: its name.
        limit: how long handling may take.
        organisation: code of the organisation that handles it, empty where the district's own body does.
        basis: where the limit comes from.
        confirmed: whether the authority has confirmed the limit.
        merging: when two signals are one matter, None for the rule of all kinds.
        public: how the public sees it, None where it is not open to the public.
    """

    code: str
    title: Text
    limit: Limit
    basis: Text
    organisation: str = ""
    confirmed: bool = False
    merging: MergingSpec | None = None
    public: PublicFace | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSpec:
    """A line of a wall tile: one number made of streams.

    Attributes:
        code: such as `water`.
        title: its name.
        streams: codes of the streams it is made of; a trailing `*` matches all that begin so.
        combine: `sum` or `mean`.
        factor: multiplies the combined value into `unit`.
        unit: unit symbol shown.
        decimals: digits shown after the point.
    """

    code: str
    title: Text
    streams: tuple[str, ...]
    combine: str
    unit: str
    factor: float = 1.0
    decimals: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LineStanding:
    """How a line stands by its project's own reckoning.

    Attributes:
        state: in a word or two: normal, tight.
        level: how grave that is, None where all is in order.
        estimate: the whole day, None where it cannot be told.
        low, high: its band, None where there is none.
        unit: unit symbol of the estimate.
        decimals: digits shown after the point.
        change_percent: the estimate against the same day last year, None where that is not known.
        against: which day that is, in words.
        trace: address that opens the estimate.
        link: the line's own page.
    """

    state: Text
    level: Level | None
    estimate: float | None
    low: float | None
    high: float | None
    unit: str
    decimals: int
    change_percent: float | None
    against: Text
    trace: str
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """An application project on the platform.

    Attributes:
        code: folder name, unique.
        number: its number in the city's plan of ten, None where it has none.
        title: its name.
        summary: one sentence.
        lead: code of the leading organisation.
        plan_source: where the plan names it.
        things, streams, watches, forecasts, case_kinds, lines: what it brings.
        settings: anything else its own page reads, JSON values.
    """

    code: str
    number: int | None
    title: Text
    summary: Text
    lead: str
    plan_source: Text
    things: tuple[ThingSpec, ...] = ()
    streams: tuple[StreamSpec, ...] = ()
    watches: tuple[WatchSpec, ...] = ()
    forecasts: tuple[ForecastSpec, ...] = ()
    case_kinds: tuple[CaseKindSpec, ...] = ()
    lines: tuple[LineSpec, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)

    def streams_matching(self, patterns: tuple[str, ...]) -> tuple[StreamSpec, ...]:
        """Return the project's streams that a tuple of codes and `prefix*` patterns names."""
        return tuple(stream for stream in self.streams if matches_any(stream.code, patterns))


@dataclass(frozen=True, slots=True, kw_only=True)
class IndicatorSpec:
    """An indicator of the assessment.

    Attributes:
        code: such as `I17`.
        title: its name.
        unit: unit symbol of the value.
        higher_is_better: direction.
        target: what is aimed at.
        denominator_min: below this many the value is shown but not ranked and no shortfall is found.
        basis: where the target comes from.
        confirmed: whether the authority has confirmed the target.
    """

    code: str
    title: Text
    unit: str
    higher_is_better: bool
    target: float
    denominator_min: int
    basis: Text
    confirmed: bool = False


def matches(code: str, pattern: str) -> bool:
    """Return whether a code is the pattern, or begins with it where the pattern ends in `*`."""
    return code.startswith(pattern[:-1]) if pattern.endswith("*") else code == pattern


def matches_any(code: str, patterns: tuple[str, ...]) -> bool:
    """Return whether a code matches one of the patterns."""
    return any(matches(code, pattern) for pattern in patterns)


__all__ = [
    "JUDGING_ALARMS",
    "CaseKindSpec",
    "ForecastSpec",
    "IndicatorSpec",
    "LineSpec",
    "LineStanding",
    "Origin",
    "Project",
    "StreamSpec",
    "ThingSpec",
    "WatchKind",
    "WatchSpec",
    "matches",
    "matches_any",
]
