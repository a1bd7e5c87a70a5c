"""What the row of a line is made of, gathered once for all lines: hours, what was told, thresholds, reasons."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from cityloop.decide import facade as decide
from cityloop.decide.facade import Variant
from cityloop.projects.lifelines.models import DeviationReason
from cityloop.projects.lifelines.rules.days import Line
from cityloop.projects.lifelines.rules.effects import Share
from cityloop.projects.lifelines.rules.lines import MAKES, TEMPERATURE_AHEAD, LineMake, Told
from cityloop.projects.lifelines.rules.summing import Float64s
from cityloop.projects.lifelines.selectors.history import (
    INFLOW,
    LINEPACK,
    LIVE_DAYS,
    SIMILAR_DAYS,
    TEMPERATURE,
    Block,
    Days,
    Sources,
    blocks,
    greatest_kept,
    local_day,
    midnight_of,
    past_days,
    sources,
)
from cityloop.projects.lifelines.selectors.reductions import cuts_ahead
from cityloop.projects.lifelines.selectors.requests import grants_over
from cityloop.projects.lifelines.selectors.thresholds import thresholds
from cityloop.registry import facade as registry
from cityloop.sense import facade as sense
from cityloop.sense.facade import Given, StreamView

DAY = timedelta(days=1)
SATURDAY, HOUR_S = 5, 3600
STANDING = frozenset({Told.STOCK, Told.LINEPACK_MIN})
"""What is told stands for the day; of these the newest of the last week does."""

Top = tuple[float, date]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """The air temperature, °C.

    Attributes:
        recent: the week before and today, hour by hour.
        past: other days.
        ahead: what was told of the day ahead, None where nothing was.
        ahead_hours: forecast of the day ahead, None where there is none.
    """

    recent: Block
    past: Days
    ahead: Given | None
    ahead_hours: Float64s | None

    def of(self, day: date) -> Float64s | None:
        """Return the hours of a day, None where they were not looked at."""
        if 0 <= (day - self.recent.first).days < len(self.recent.values):
            return self.recent.day(day)
        return self.past.get(day)

    def mean_of(self, day: date) -> float | None:
        """Return the mean of a day's known hours, None where there is none."""
        hours = self.of(day)
        return float(np.nanmean(hours)) if hours is not None and np.isfinite(hours).any() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What a line's row is made of.

    Attributes:
        make: how it is made.
        at: as of when.
        day: the city's day.
        hours: hours of it that are over.
        streams: the streams that add up.
        recent: the week before and today; of today only the hours that are over.
        arrived, expected_readings: readings of today's hours that are over that came, and that should have.
        past: other days, hour by hour.
        off: days that are no working days, by what the calendar says.
        forecasts: forecast of the line by its first day, shape (3, 7, 24): curve, low, high.
        variants: the same day last year by variant, the one that suits the day first.
        season_from: first day of the season.
        season_top, record_top: the largest kept days.
        told: what is in force of what was told, by kind.
        told_streams: the day streams by kind.
        uses: what was told of the stock's use in the last week.
        linepack, inflow: their hours of the same week, None where the line has none.
        weather: the air temperature.
        values: thresholds by code.
        reason: the newest reason given, None where none was.
        granted: what those upstream add to the day's supply, in the day's unit.
        reduced: what cuts on the demand side will take from the rest of the day, in the day's unit.
    """

    make: LineMake
    at: datetime
    day: date
    hours: int
    streams: tuple[StreamView, ...]
    recent: Block
    arrived: int
    expected_readings: int
    past: Days
    off: frozenset[date]
    forecasts: Mapping[date, Float64s]
    variants: tuple[tuple[Variant, date], ...]
    season_from: date
    season_top: Top | None
    record_top: Top | None
    told: Mapping[Told, Given]
    told_streams: Mapping[Told, StreamView]
    uses: tuple[Given, ...]
    linepack: Block | None
    inflow: Block | None
    weather: Weather
    values: Mapping[str, float]
    reason: DeviationReason | None
    granted: tuple[Share, ...]
    reduced: tuple[Share, ...]

    @property
    def today(self) -> Float64s:
        """Return the hours of today that are over, shape (hours,)."""
        hours: Float64s = self.recent.values[-1][: self.hours]
        return hours

    def hours_of(self, day: date) -> Float64s | None:
        """Return the hours of a day before today, None where they were not looked at."""
        if self.recent.first <= day < self.day:
            return self.recent.day(day)
        return self.past.get(day)

    def total_of(self, day: date) -> float | None:
        """Return the total of a day before today in the day's unit, None unless all its hours are known."""
        hours = self.hours_of(day)
        if hours is None or not np.isfinite(hours).all():
            return None
        return float(hours.sum()) * self.make.day_factor


def season_start(day: date) -> date:
    """Return the first day of the season a day lies in: the heating season, or the time between two of them."""
    if decide.in_heating_season(day):
        return decide.heating_season_start(day)
    first = day
    while not decide.in_heating_season(first - DAY):
        first -= DAY
    return first


def variants_of(day: date) -> tuple[tuple[Variant, date], ...]:
    """Return the same day last year in its variants, the one that suits the day first."""
    order = dict.fromkeys((decide.usual_variant(day), Variant.WEEKDAY, Variant.DATE, Variant.LUNAR, Variant.HEATING))
    found = ((variant, decide.same_day_last_year(day, variant)) for variant in order)
    return tuple((variant, other) for variant, other in found if other is not None)


def numbers(at: datetime, lines: Iterable[Line] = tuple(Line)) -> dict[Line, Numbers]:
    """Return what the rows of lines are made of, as of an instant; the history is asked once for all of them."""
    chosen, day, known = tuple(lines), local_day(at), sources()
    today = (midnight_of(day), midnight_of(day + DAY))
    asked = [name for line in chosen for name in (str(line), f"{line}{LINEPACK}", f"{line}{INFLOW}")]
    recent = blocks(known, [*asked, TEMPERATURE], first=day - LIVE_DAYS * DAY, days=LIVE_DAYS + 1, until=at)
    hours = int((at - midnight_of(day)).total_seconds() // 3600)
    counts = {line: int(recent[str(line)].counts[-1, :hours].sum()) for line in chosen}
    for name, block in recent.items():
        if name != TEMPERATURE:
            block.values[-1, hours:] = np.nan
    variants = variants_of(day)
    before = {day - number * DAY for number in range(LIVE_DAYS + 1, SIMILAR_DAYS + 1)}
    around = {other + step * DAY for _, other in variants for step in (-1, 0, 1)}
    past = past_days(known, dict.fromkeys((*map(str, chosen), TEMPERATURE), before | around))
    told = _told(known, chosen, day, at)
    forecasts = _forecasts(known, chosen, day, at)
    season_from, off, values = season_start(day), _off(day), {one.spec.code: one.value for one in thresholds(at)}
    season_tops, record_tops = greatest_kept(since=season_from, before=day), greatest_kept(since=None, before=day)
    reasons = {row.line: row for row in DeviationReason.objects.filter(day=day).order_by("pk")}
    weather = _weather(known, recent[TEMPERATURE], past[TEMPERATURE], told.get(TEMPERATURE_AHEAD, []), day, at)
    return {
        line: Numbers(
            make=MAKES[line], at=at, day=day, hours=hours, streams=_streams(known, str(line)),
            recent=recent[str(line)], arrived=counts[line], expected_readings=_expected(known, str(line), hours),
            past=past[str(line)], off=off, forecasts=forecasts.get(line, {}), variants=variants,
            season_from=season_from, season_top=season_tops.get(str(line)), record_top=record_tops.get(str(line)),
            told=_in_force(MAKES[line], told, day), told_streams=_told_streams(known, MAKES[line]),
            uses=_uses(MAKES[line], told, day), linepack=_of_linepack(recent, line, LINEPACK),
            inflow=_of_linepack(recent, line, INFLOW), weather=weather, values=values, reason=reasons.get(str(line)),
            granted=grants_over(line, *today, at=at), reduced=cuts_ahead(line, *today, at=at),
        )
        for line in chosen
    }  # fmt: skip


def _off(day: date) -> frozenset[date]:
    """Return the days around a day that are not worked; where the calendar does not reach, the weekends."""
    days = [day - number * DAY for number in range(-1, SIMILAR_DAYS + 1)]
    worked = registry.workdays(days[-1], days[0] + DAY)
    return frozenset(one for one in days if not worked.get(one, one.weekday() < SATURDAY))


def _streams(known: Sources, line: str) -> tuple[StreamView, ...]:
    mine = set(known.of[line])
    return tuple(view for view in known.by_code.values() if view.datastream_id in mine)


def _expected(known: Sources, line: str, hours: int) -> int:
    return sum(int(hours * HOUR_S // one.period_s) for one in _streams(known, line) if one.period_s)


def _told_streams(known: Sources, make: LineMake) -> dict[Told, StreamView]:
    return {one: known.by_code[make.code_of(one)] for one in make.told if make.code_of(one) in known.by_code}


def _told(known: Sources, lines: Iterable[Line], day: date, at: datetime) -> dict[str, list[Given]]:
    """Return what was told in the last week and today, by stream code, oldest first."""
    codes = [MAKES[line].code_of(one) for line in lines for one in MAKES[line].told]
    ids = {known.by_code[code].datastream_id: code for code in (*codes, TEMPERATURE_AHEAD) if code in known.by_code}
    found: dict[str, list[Given]] = {}
    for given in sense.given_of_many(ids, since=midnight_of(day - LIVE_DAYS * DAY), until=at):
        found.setdefault(ids[given.datastream_id], []).append(given)
    return found


def _in_force(make: LineMake, told: Mapping[str, list[Given]], day: date) -> dict[Told, Given]:
    """Return of each kind what was told last of the newest day: of today, unless it stands until it is told anew.

    What came last counts, for it corrects what was told before, whichever hour of the day either names.
    """
    found = {}
    for kind in make.told:
        since = midnight_of(day - LIVE_DAYS * DAY if kind in STANDING else day)
        rows = [given for given in told.get(make.code_of(kind), []) if given.at >= since]
        if rows:
            newest = local_day(rows[-1].at)
            found[kind] = max((one for one in rows if local_day(one.at) == newest), key=_came)
    return found


def _came(given: Given) -> int:
    return given.observation_id


def _uses(make: LineMake, told: Mapping[str, list[Given]], day: date) -> tuple[Given, ...]:
    """Return what was told of the stock's use, once for each day of the last week."""
    if Told.STOCK_USE not in make.told:
        return ()
    by_day = {local_day(one.at): one for one in sorted(told.get(make.code_of(Told.STOCK_USE), []), key=_came)}
    return tuple(by_day[told_on] for told_on in sorted(by_day) if told_on < day)


def _of_linepack(recent: Mapping[str, Block], line: Line, part: str) -> Block | None:
    return recent[f"{line}{part}"] if MAKES[line].linepack else None


def _forecasts(known: Sources, lines: Iterable[Line], day: date, at: datetime) -> dict[Line, dict[date, Float64s]]:
    """Return the forecasts of lines by their first day, of days for which each of a line's streams has one."""
    wanted = {line: known.of[str(line)] for line in lines}
    ids = [stream for streams in wanted.values() for stream in streams]
    rows = decide.forecasts_between(ids, since=day - SIMILAR_DAYS * DAY, until=day + DAY, issued_by=at)
    days = sorted({first for _, first in rows})
    return {
        line: {
            first: np.sum([rows[stream, first] for stream in streams], axis=0) * MAKES[line].hour_factor
            for first in days
            if streams and all((stream, first) in rows for stream in streams)
        }
        for line, streams in wanted.items()
    }


def _weather(  # noqa: PLR0913, PLR0917  each says one thing
    known: Sources, recent: Block, past: Days, ahead: list[Given], day: date, at: datetime
) -> Weather:
    ids = known.of[TEMPERATURE]
    rows = decide.forecasts_between(ids, since=day, until=day + DAY, issued_by=at)
    curves = [curve[1] for curve, _, _ in rows.values()]
    today = [given for given in ahead if given.at >= midnight_of(day)]
    return Weather(
        recent=recent,
        past=past,
        ahead=today[-1] if today else None,
        ahead_hours=np.mean(curves, axis=0) if curves else None,
    )


__all__ = ["DAY", "Numbers", "Top", "Weather", "numbers", "season_start", "variants_of"]
