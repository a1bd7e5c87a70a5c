"""The day of a line as the leaders read it: one row of the daily sheet (核心报表)."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text
from cityloop.projects.lifelines.rules.balance import State


class Line(StrEnum):
    """A lifeline of the city, in the order in which they are shown."""

    WATER = "water"
    GAS = "gas"
    HEAT = "heat"
    POWER = "power"
    DRAINAGE = "drainage"
    COAL = "coal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number of the sheet.

    Attributes:
        value: the number in `unit`, None where it cannot be told.
        unit: unit symbol.
        decimals: digits shown after the point.
        trace: address that opens what it was made of, empty where there is nothing to open.
        why_none: why it cannot be told, None where it can or where that is plain.
    """

    value: float | None
    unit: str
    decimals: int
    trace: str
    why_none: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """A number with the day it belongs to: a peak, a record, the same day last year."""

    figure: Figure
    day: date | None
    words: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a day deviates from the same day last year.

    Attributes:
        kind: weather, new users, an event or something else, in words.
        text: the reason as it was written.
        given_by: who gave it, an actor code.
        given_at: when.
    """

    kind: Text
    text: str
    given_by: str
    given_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LineDay:
    """A line's row of the daily sheet, as of an instant.

    Attributes:
        line: which line.
        title: its name.
        at: as of when; only what was read up to then is in it.
        day: the city's day that `at` lies in.
        planned: what was planned for the day.
        used: what the hours that are over have brought.
        estimate, estimate_low, estimate_high: the full day, with its 80 % band.
        method: how the full day was estimated, in words; None where it was not.
        yesterday: the total of the day before.
        last_year: the same day last year; its words name the variant.
        change_percent: the estimate against the same day last year.
        season_peak: the largest day of the season so far.
        record: the largest day on record.
        capacity: what can be delivered in a day at most.
        supply: nominated supply, safe withdrawal and own production together.
        gap: estimate minus supply; below zero there is room.
        level: how grave the worst of gap, cover and line-pack is, None where all are in order.
        state: the same as the state of the line: normal, attention, tight, short, emergency.
        needs_reason: whether the change on last year is so large that it must carry a reason.
        reason: the reason given, None where none was.
        cover_days: days of cover by stock.
        linepack_hours: hours until the line-pack is at its minimum.
        temperature, temperature_ahead, temperature_last_year: mean of the day, of the day ahead, of last year's day.
        arrived_percent: share of the expected readings of the day that arrived.
        origins: where the readings come from, in words, where they are not live.
    """

    line: Line
    title: Text
    at: datetime
    day: date
    planned: Figure
    used: Figure
    estimate: Figure
    estimate_low: Figure
    estimate_high: Figure
    method: Text | None
    yesterday: Figure
    last_year: Remembered
    change_percent: Figure
    season_peak: Remembered
    record: Remembered
    capacity: Figure
    supply: Figure
    gap: Figure
    level: Level | None
    state: State
    needs_reason: bool
    reason: Reason | None
    cover_days: Figure
    linepack_hours: Figure
    temperature: Figure
    temperature_ahead: Figure
    temperature_last_year: Figure
    arrived_percent: Figure
    origins: tuple[Text, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HourPoint:
    """An hour of a line's curve, in the line's unit an hour; None where it is not known."""

    begins_at: datetime
    used: float | None
    expected: float | None
    low: float | None
    high: float | None
    last_year: float | None
    temperature: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineCurve:
    """The curve of a line's day as of an instant: yesterday, today and the day ahead.

    Attributes:
        line: which line.
        at: as of when.
        unit: unit symbol of the hours' values.
        hours: oldest first.
        capacity_an_hour: the day's capacity spread over 24 hours, None where there is none.
        supply_an_hour: the day's supply spread over 24 hours, None where there is none.
    """

    line: Line
    at: datetime
    unit: str
    hours: tuple[HourPoint, ...]
    capacity_an_hour: float | None
    supply_an_hour: float | None


__all__ = ["Figure", "HourPoint", "Line", "LineCurve", "LineDay", "Reason", "Remembered"]
