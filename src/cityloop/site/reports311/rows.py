"""Rows of published extracts, each read as a request, with what is wrong with it."""

import csv
import gzip
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

YEAR_MIN = 1990
"""First year that is believed; what is older is a default of some database."""

NEW_YORK = ZoneInfo("America/New_York")
_NYC_TIME = "%m/%d/%Y %I:%M:%S %p"
_NYC_SHORT_COLUMNS = 5
_BOROUGHS = frozenset({"BROOKLYN", "QUEENS", "MANHATTAN", "BRONX", "ISLAND"})
"""How the last column of a whole row ends, `STATEN ISLAND` among them; `Unspecified` names none."""


class Dirt(StrEnum):
    """What can be wrong with a row."""

    BROKEN_ROW = "broken_row"
    REPEATED_KEY = "repeated_key"
    NO_PLACE = "no_place"
    CLOSED_BEFORE_OPENED = "closed_before_opened"
    UNBELIEVABLE_YEAR = "unbelievable_year"
    CLOSED_WITHOUT_TIME = "closed_without_time"
    UNKNOWN_CATEGORY = "unknown_category"
    STRANGE_ADDRESS = "strange_address"


@dataclass(slots=True, kw_only=True)
class Row:
    """A request of another city.

    Attributes:
        number: of the row, 1 for the first of data.
        key: its number there.
        opened_at: when it was made.
        closed_at: when it was finished there, None where it was not or where that cannot be believed.
        is_closed: whether it was finished there.
        category: what it is called there.
        words: what it says.
        address: where, in words.
        point: longitude and latitude there, None where not known.
        note: how it ended there.
        dirt: what is wrong with it.
    """

    number: int
    key: str
    opened_at: datetime | None
    closed_at: datetime | None = None
    is_closed: bool = False
    category: str = ""
    words: str = ""
    address: str = ""
    point: tuple[float, float] | None = None
    note: str = ""
    dirt: set[Dirt] = field(default_factory=set)


def read_rows(path: Path, layout: str) -> Iterator[Row]:
    """Yield the rows of an extract, in its order, each judged.

    Args:
        path: CSV, gzipped or not.
        layout: one of `LAYOUTS`.
    """
    opened = gzip.open if path.suffix == ".gz" else open
    known: set[str] = set()
    with opened(path, "rt", encoding="utf-8", errors="replace", newline="") as file:
        for number, row in enumerate(LAYOUTS[layout](file), start=1):
            row.number = number
            _judge(row)
            if row.key in known:
                row.dirt.add(Dirt.REPEATED_KEY)
            known.add(row.key)
            yield row


def _judge(row: Row) -> None:
    """Note what is wrong, and leave out what cannot be believed: a closing of no sense closes at the opening."""
    if row.opened_at is None or row.opened_at.year < YEAR_MIN or not row.key.isdigit():
        row.dirt.add(Dirt.BROKEN_ROW)
        return
    if row.point is None:
        row.dirt.add(Dirt.NO_PLACE)
    if row.closed_at is not None and row.closed_at.year < YEAR_MIN:
        row.dirt.add(Dirt.UNBELIEVABLE_YEAR)
        row.closed_at = None
    elif row.closed_at is not None and row.closed_at < row.opened_at:
        row.dirt.add(Dirt.CLOSED_BEFORE_OPENED)
        row.closed_at = None
    elif row.is_closed and row.closed_at is None:
        row.dirt.add(Dirt.CLOSED_WITHOUT_TIME)
    if row.is_closed and row.closed_at is None:
        row.closed_at = row.opened_at
    if not row.is_closed:
        row.closed_at = None


def _sf(file: Iterator[str]) -> Iterator[Row]:
    for told in csv.DictReader(file):
        yield Row(
            number=0,
            key=told["unique_key"],
            opened_at=_iso(told["created_date"]),
            closed_at=_iso(told["closed_date"]),
            is_closed=told["status"] == "Closed",
            category=told["category"],
            words=_joined(told, "category", "complaint_type", "descriptor"),
            address=told["incident_address"],
            point=_point(told["longitude"], told["latitude"]),
            note=told["status_notes"],
        )


def _nyc(file: Iterator[str]) -> Iterator[Row]:
    for told in csv.DictReader(file):
        yield Row(
            number=0,
            key=told["Unique Key"],
            opened_at=_new_york(told["Created Date"]),
            closed_at=_new_york(told["Closed Date"]),
            is_closed=told["Status"] == "Closed",
            category=told["Complaint Type"],
            words=_joined(told, "Complaint Type", "Descriptor", "Location Type"),
            address=_joined(told, "Incident Address", "Borough"),
            point=_point(told["Longitude"], told["Latitude"]),
            note=told["Resolution Description"],
        )


def _nyc_short(file: Iterator[str]) -> Iterator[Row]:
    for cells in csv.reader(file):
        key, opened, closed, category, borough = (cells + [""] * _NYC_SHORT_COLUMNS)[:_NYC_SHORT_COLUMNS]
        is_whole = len(cells) == _NYC_SHORT_COLUMNS
        closed_at = _new_york(closed)
        yield Row(
            number=0,
            key=key.strip(),
            opened_at=_new_york(opened) if is_whole else None,
            closed_at=closed_at,
            is_closed=closed_at is not None,
            category=category,
            words=category,
            address=borough,
            dirt=set() if borough.strip().rpartition(" ")[2] in _BOROUGHS else {Dirt.STRANGE_ADDRESS},
        )


LAYOUTS: Mapping[str, Callable[[Iterator[str]], Iterator[Row]]] = {
    "sf-311": _sf,
    "nyc-311": _nyc,
    "nyc-311-2020": _nyc_short,
}
"""Extracts whose columns are known: San Francisco, New York in full, New York with five columns and no head."""


def _joined(told: Mapping[str, str | None], *names: str) -> str:
    return ", ".join(dict.fromkeys(value.strip() for name in names if (value := told[name] or "").strip()))


def _iso(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text or "").astimezone(UTC)
    except ValueError:
        return None


def _new_york(text: str | None) -> datetime | None:
    try:
        return datetime.strptime((text or "").strip(), _NYC_TIME).replace(tzinfo=NEW_YORK).astimezone(UTC)
    except ValueError:
        return None


def _point(longitude: str | None, latitude: str | None) -> tuple[float, float] | None:
    try:
        found = float(longitude or ""), float(latitude or "")
    except ValueError:
        return None
    return None if found == (0.0, 0.0) else found
