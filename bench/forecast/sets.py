"""Public sets of the data folder as days of local hours. None of them is part of the project."""

import csv
import gzip
import os
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from cityloop.decide.rules.forecasting.calendar import Marks, marks_of
from cityloop.decide.rules.forecasting.cleaning import clean, hours_of_counter
from cityloop.decide.rules.forecasting.grid import DAYS_AHEAD, HOURS, Float64s, Past, day_grid

ROOT = Path(__file__).resolve().parents[2]
EPOCH = date(1970, 1, 1)

ITALY = {(1, 1), (1, 6), (4, 25), (5, 1), (6, 2), (8, 15), (11, 1), (12, 8), (12, 25), (12, 26)}
EASTER_MONDAYS = {date(2021, 4, 5), date(2022, 4, 18)}
AMERICA = {(1, 1), (7, 4), (11, 11), (12, 24), (12, 25)}
HEAT_MWH_MAX = 1.0
"""A substation of these sets gives no more in an hour; their usual peak is 0.5."""


class SetMissingError(SystemExit):
    """A set is not on this machine."""


@dataclass(frozen=True)
class Stream:
    """A stream of a set.

    Attributes:
        name: what it is.
        first: its first day.
        past: its values as they came, its calendar, and its weather as observed.
        truth: what forecasts are held against, shape (days, 24).
    """

    name: str
    first: date
    past: Past
    truth: Float64s

    def cleaned(self) -> "Stream":
        """Return it with what no model may learn taken out of what is known, not out of the truth."""
        past = Past(clean(self.past.values), self.past.marks, self.past.weather, self.past.weather_ahead)
        return Stream(self.name, self.first, past, self.truth)

    def without_weather(self) -> "Stream":
        """Return it as if there were no weather."""
        return Stream(self.name, self.first, Past(self.past.values, self.past.marks), self.truth)

    def day(self, day: date) -> int:
        """Return which row a day is."""
        return (day - self.first).days


def folder() -> Path:
    """Return where the sets are: CITYLOOP_DATA, or the folder beside the checkout."""
    return Path(os.environ.get("CITYLOOP_DATA") or ROOT.parent / "shared" / "data")


def rows_of(path: str) -> list[dict[str, str]]:
    """Return the rows of a table of the data folder.

    Raises:
        SetMissingError: if it is not there.
    """
    file = folder() / path
    if not file.exists():
        message = f"{file.parent.name} is not in the data folder ({folder()}): set CITYLOOP_DATA to where it is."
        raise SetMissingError(message)
    with gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open(encoding="utf-8") as text:
        return list(csv.DictReader(text))


def number(text: str) -> float:
    """Return a number, NaN where there is none."""
    return float(text) if text not in {"", "NA"} else float("nan")


def _hours(moments: list[datetime]) -> np.ndarray:
    return np.array([(at.date() - EPOCH).days * HOURS + at.hour for at in moments], dtype=np.int64)


def _grids(moments: list[datetime], columns: list[list[float]]) -> tuple[date, list[Float64s]]:
    hours = _hours(moments)
    first, last = int(hours.min()) // HOURS, int(hours.max()) // HOURS
    grids = [day_grid(hours, np.array(column), first_day=first, days=last - first + 1) for column in columns]
    return EPOCH + timedelta(days=first), grids


def _ahead(weather: list[Float64s]) -> Float64s:
    stacked = np.stack(weather, axis=-1)
    return np.concatenate([stacked, np.full((DAYS_AHEAD, *stacked.shape[1:]), np.nan)])


def _marks(first: date, days: int, holidays: set[date]) -> Marks:
    def is_workday(day: date) -> bool:
        return day.weekday() < 5 and day not in holidays  # noqa: PLR2004  Saturday

    return marks_of(first, days + DAYS_AHEAD, is_workday=is_workday, lunar=False, heating=False)


def _local(text: str, zone: ZoneInfo) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)


def water() -> list[Stream]:
    """Return the inflow of the ten areas of the Battle of Water Demand Forecasting, L/s."""
    zone = ZoneInfo("Europe/Rome")
    table, sky = rows_of("water-bwdf/inflows_hourly.csv.gz"), rows_of("water-bwdf/weather_hourly.csv.gz")
    names = [f"dma_{one}_lps" for one in range(1, 11)]
    moments = [_local(row["time_utc"].removesuffix("Z"), zone) for row in table]
    first, grids = _grids(moments, [[number(row[name]) for row in table] for name in names])
    moments = [_local(row["time_utc"].removesuffix("Z"), zone) for row in sky]
    columns = ("temp_c", "rain_mm", "humidity_pct", "wind_kmh")
    _, weather = _grids(moments, [[number(row[name]) for row in sky] for name in columns])
    holidays = {date(year, *day) for year in (2021, 2022) for day in ITALY} | EASTER_MONDAYS
    marks = _marks(first, len(grids[0]), holidays)
    return [Stream(f"area {one}", first, Past(grid, marks, _ahead(weather)), grid) for one, grid in enumerate(grids, 1)]


def _american(years: range) -> set[date]:
    def nth(year: int, month: int, weekday: int, count: int) -> date:
        start = date(year, month, 1)
        return start + timedelta(days=(weekday - start.weekday()) % 7 + 7 * (count - 1))

    found = set()
    for year in years:
        memorial = date(year, 5, 31)
        thanks = nth(year, 11, 3, 4)
        found |= {date(year, *day) for day in AMERICA} | {thanks, thanks + timedelta(days=1)}
        found |= {memorial - timedelta(days=memorial.weekday()), nth(year, 9, 0, 1), nth(year, 1, 0, 3)}
        found |= {nth(year, 2, 0, 3), nth(year, 10, 0, 2)}
    return found


def new_york() -> Stream:
    """Return the load of New York City with its temperature, MW."""
    table = rows_of("load-nyc/nyc_energy_consumption.csv.gz")
    moments = [datetime.fromisoformat(row["timeStamp"]) for row in table]
    heat = [(number(row["temp"]) - 32) / 1.8 for row in table]
    first, (load, warmth) = _grids(moments, [[number(row["demand"]) for row in table], heat])
    return _power("New York City", first, load[:-1], warmth[:-1], _american(range(2012, 2018)))


def _power(name: str, first: date, load: Float64s, warmth: Float64s | None, holidays: set[date]) -> Stream:
    weather = None if warmth is None else _ahead([warmth])
    return Stream(name, first, Past(load, _marks(first, len(load), holidays), weather), load)


def victoria() -> Stream:
    """Return the load of Victoria with its temperature and holidays, MWh a half-hour."""
    table, zone = rows_of("load-victoria/vic_electricity_30min.csv.gz"), ZoneInfo("Australia/Melbourne")
    moments = [_local(row["Time"].removesuffix("Z"), zone) for row in table]
    columns = [[number(row[name]) for row in table] for name in ("Demand", "Temperature")]
    first, (load, warmth) = _grids(moments, columns)
    holidays = {date.fromisoformat(row["Date"]) for row in table if row["Holiday"] == "TRUE"}
    return _power("Victoria", first, load, warmth, holidays)


def pjm(years: int = 5) -> Stream:
    """Return the load of PJM East, its last years, MW; it has no weather."""
    table = rows_of("load-pjm/pjme_hourly.csv.gz")[-years * 8766 :]
    moments = [datetime.fromisoformat(row["time"]) - timedelta(hours=1) for row in table]
    first, (load,) = _grids(moments, [[number(row["PJME_MW"]) for row in table]])
    return _power("PJM East", first, load, None, _american(range(2010, 2019)))


def new_england() -> list[Stream]:
    """Return the load of the eight zones of ISO New England and their total, four months, MW."""
    table = rows_of("load-isone-2017/smd_hourly_2017.csv.gz")
    streams = []
    for zone in sorted({row["zone"] for row in table}):
        rows = [row for row in table if row["zone"] == zone]
        moments = [datetime.fromisoformat(row["Date"]) + timedelta(hours=int(row["Hour"]) - 1) for row in rows]
        heat = [(number(row["DryBulb"]) - 32) / 1.8 for row in rows]
        first, (load, warmth) = _grids(moments, [[number(row["DEMAND"]) for row in rows], heat])
        streams.append(_power(zone, first, load, warmth, _american(range(2017, 2018))))
    return streams


def heat() -> list[Stream]:
    """Return the heat of three substations, kWh an hour, from their raw counters; truth is the sets' cleaned hours."""
    return [_substation(name) for name in ("L4", "L8", "L12")]


def _substation(name: str) -> Stream:
    table = sorted(rows_of(f"heat-xai4heat/scada_{name}.csv.gz"), key=lambda row: row["datetime"])
    moments = [datetime.fromisoformat(row["datetime"]) for row in table]
    seconds = np.array([(at - datetime(1970, 1, 1)).total_seconds() for at in moments], dtype=np.int64)  # noqa: DTZ001
    counter = np.array([number(row["e"]) for row in table])
    hours, added = hours_of_counter(seconds, counter, rate_max=HEAT_MWH_MAX)
    days = int(hours[-1]) // HOURS - int(hours[0]) // HOURS + 1
    first = int(hours[0]) // HOURS
    values = day_grid(hours, added * 1000.0, first_day=first, days=days)
    outside = day_grid(seconds // 3600, np.array([number(row["t_amb"]) for row in table]), first_day=first, days=days)
    told = [row for row in rows_of(f"heat-xai4heat/hourly_{name}.csv.gz") if row[""] <= table[-1]["datetime"]]
    truth_hours = _hours([datetime.fromisoformat(row[""]) for row in told]) - 1  # named by their end
    truth = day_grid(truth_hours, np.array([number(row["qizm"]) for row in told]), first_day=first, days=days)
    start = EPOCH + timedelta(days=first)
    return Stream(name, start, Past(values, _marks(start, days, set()), _ahead([clean(outside)])), truth)
