"""Sends rows to a door of Open311, several at once, and tells what became of each."""

import http.client
import json
import threading
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from cityloop.site.reports311.rows import Dirt, Row

CONNECTIONS = 8
"""Requests on their way at once."""

TIMEOUT_S = 30.0
"""How long an answer may take, seconds."""

CREATED = 201
OTHER = "other-matter"
"""Public kind of what no category names."""

CATEGORIES = Path(__file__).parent / "data" / "categories.toml"
_TABLE_OF = {"sf-311": "sf-311", "nyc-311": "nyc-311", "nyc-311-2020": "nyc-311"}
_BOX = (116.25, 39.83, 116.55, 40.02)
"""Where moved points are put: within the city, west, south, east, north, degrees."""

_EDGE = 0.02
"""Share of the points at each side of an extract that is moved to the edge of the box."""


@dataclass(slots=True)
class Sent:
    """What became of a row.

    Attributes:
        row: the row.
        number: of the request it has become, empty where it was not taken.
        reason: why it was not taken.
    """

    row: Row
    number: str = ""
    reason: str = ""


@dataclass(slots=True)
class Tally:
    """What became of all.

    Attributes:
        rows: how many were read.
        taken: how many are requests now.
        closed: how many of those are closed.
        refused: how many the door refused.
        dirt: how many rows were dirty, by what.
    """

    rows: int = 0
    taken: int = 0
    closed: int = 0
    refused: int = 0
    dirt: Counter[Dirt] = field(default_factory=Counter)

    def add(self, sent: Sent) -> None:
        """Count a row."""
        self.rows += 1
        self.taken += bool(sent.number)
        self.closed += bool(sent.number and sent.row.closed_at)
        self.refused += bool(sent.reason)
        self.dirt.update(sent.row.dirt)


@cache
def categories() -> dict[str, dict[str, str]]:
    """Return what categories are here, by table."""
    return tomllib.loads(CATEGORIES.read_text(encoding="utf-8"))


class Mover:
    """Moves the points of another city into this one, so that they can be shown; every address says so.

    Args:
        points: all of the extract.
    """

    def __init__(self, points: Sequence[tuple[float, float]]) -> None:
        """Find the span of most points."""
        self._spans = [_span(sorted(point[axis] for point in points)) for axis in (0, 1)] if points else []

    def moved(self, point: tuple[float, float]) -> tuple[float, float]:
        """Return a point within the box."""
        shares = [
            (value - first) / (last - first or 1.0) for value, (first, last) in zip(point, self._spans, strict=True)
        ]
        east, north = (min(1.0, max(0.0, share)) for share in shares)
        return _BOX[0] + east * (_BOX[2] - _BOX[0]), _BOX[1] + north * (_BOX[3] - _BOX[1])


def _span(values: list[float]) -> tuple[float, float]:
    edge = int(len(values) * _EDGE)
    return values[edge], values[len(values) - 1 - edge]


def fields_of(row: Row, *, layout: str, mover: Mover | None) -> dict[str, str]:
    """Return the form of a row.

    Args:
        row: a row that can be sent; one of an unknown category is noted as such.
        layout: of the extract, whose name stands in the address.
        mover: moves its point; without one only the address is sent.
    """
    code = categories()[_TABLE_OF[layout]].get(row.category)
    if code is None:
        row.dirt.add(Dirt.UNKNOWN_CATEGORY)
    told = {
        "service_code": code or OTHER,
        "description": row.words[:4000],
        "address_string": f"[{layout}] {row.address}"[:300],
        "requested_datetime": row.opened_at.isoformat() if row.opened_at else "",
    }
    if row.point is not None and mover is not None:
        longitude, latitude = mover.moved(row.point)
        told |= {"long": f"{longitude:.6f}", "lat": f"{latitude:.6f}"}
        told["address_string"] = f"[{layout}, moved] {row.address}"[:300]
    if row.closed_at is not None:
        told |= {"closed_datetime": row.closed_at.isoformat(), "status_notes": row.note[:4000]}
    return told


class Sender:
    """Sends forms to one door.

    Args:
        address: of the endpoint, `http://host:port/open311/v2`.
        key: of the city's own.
    """

    def __init__(self, address: str, key: str) -> None:
        """Connect when the first form is sent; each thread has a connection."""
        self._at, self._key = urlsplit(address), key
        self._own = threading.local()

    def send(self, form: dict[str, str], *, retry_key: str) -> tuple[str, str]:
        """Return the number a form has got, and why it got none."""
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept-Language": "en"}
        headers |= {"Authorization": f"Bearer {self._key}", "Idempotency-Key": retry_key}
        try:
            self._connection().request("POST", f"{self._at.path}/requests.json", urlencode(form), headers)
            answer = self._connection().getresponse()
            told = json.loads(answer.read())[0]
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._own.connection = None
            return "", str(error) or type(error).__name__
        return (told["service_request_id"], "") if answer.status == CREATED else ("", told["description"])

    def _connection(self) -> http.client.HTTPConnection:
        known: http.client.HTTPConnection | None = getattr(self._own, "connection", None)
        if known is None:
            kind = http.client.HTTPSConnection if self._at.scheme == "https" else http.client.HTTPConnection
            known = self._own.connection = kind(self._at.netloc, timeout=TIMEOUT_S)
        return known


def send_rows(rows: Iterable[Row], *, layout: str, mover: Mover | None, sender: Sender) -> Iterator[Sent]:
    """Send rows and yield what became of each, in their order; a broken or repeated one is not sent."""

    def one(row: Row) -> Sent:
        if row.dirt & {Dirt.BROKEN_ROW, Dirt.REPEATED_KEY}:
            return Sent(row)
        form = fields_of(row, layout=layout, mover=mover)
        return Sent(row, *sender.send(form, retry_key=f"{layout}-{row.key}"))

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        yield from pool.map(one, rows)
