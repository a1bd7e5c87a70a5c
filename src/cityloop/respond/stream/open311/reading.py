"""Requests as the public reads them: a signal with the state of its case."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg_pool import AsyncConnectionPool

from cityloop.kernel.text import Text
from cityloop.respond.rules.matters import Place, box_around, distance_m
from cityloop.respond.rules.publicity import CLOSED, answers_without_contacts, public_status, without_contacts
from cityloop.respond.rules.states import ENDED, STATE_TITLES, State
from cityloop.respond.stream.open311.asked import Asked
from cityloop.respond.stream.open311.library import Service, Shelf

_ENDED = ", ".join(f"'{state.value}'" for state in sorted(ENDED))
_SHOWN = """
    SELECT s.number, s.kind_id, s.public_text, s.received_at, s.address, s.address_id, s.latitude, s.longitude, s.photo,
      s.media_url, c.state, c.public_note, c.organisation, c.moved_at, c.due_at, c.number, s.merged, s.area, s.source,
      s.answers
    FROM respond_signal s LEFT JOIN respond_case c ON c.id = s.case_id WHERE s.is_public
"""
_LAST = " ORDER BY s.received_at DESC, s.id DESC LIMIT %s OFFSET %s"
_NEAR = f"""{_SHOWN} AND s.kind_id = ANY(%s) AND s.received_at >= %s AND s.longitude BETWEEN %s AND %s
    AND s.latitude BETWEEN %s AND %s AND (c.state IS NULL OR c.state NOT IN ({_ENDED})) LIMIT 100
"""

SIMILAR_MAX = 5
"""How many requests are suggested at most."""

SIMILAR_FACTOR = 2.0
"""A request is suggested up to so many times the distance within which its kind merges."""


@dataclass(frozen=True, slots=True)
class Telling:
    """How a request is told.

    Attributes:
        language: `zh` or `en`.
        base: address below which photos lie.
        is_extended: whether `extended_attributes` are wanted.
    """

    language: str
    base: str
    is_extended: bool = False


class Reader:
    """Reads requests.

    Args:
        pool: connections that commit by themselves.
    """

    def __init__(self, pool: AsyncConnectionPool[Any]) -> None:
        """Take the connections."""
        self._pool = pool

    async def requests(self, asked: Asked, shelf: Shelf, telling: Telling) -> list[dict[str, Any]]:
        """Return the requests a question is for, the newest first."""
        statement, parameters = _compiled(asked, shelf)
        return [_told(row, shelf, telling) for row in await self._rows(statement, parameters)]

    async def request(self, number: str, shelf: Shelf, telling: Telling) -> dict[str, Any] | None:
        """Return one request, None where none of the number is open to the public."""
        rows = await self._rows(f"{_SHOWN} AND s.number = %s", (number,))
        return _told(rows[0], shelf, telling) if rows else None

    async def similar(
        self, service: Service, place: Place, shelf: Shelf, telling: Telling, *, now: datetime
    ) -> list[dict[str, Any]]:
        """Return open requests of a type near a place, the nearest first, each with its `distance_m`."""
        reach_m = service.reach_m * SIMILAR_FACTOR
        box, since = box_around(place, reach_m), now - timedelta(hours=service.span_h)
        kinds = [one.kind_id for one in shelf.by_id.values() if one.same_type == service.same_type]
        rows = await self._rows(_NEAR, (kinds, since, box.west, box.east, box.south, box.north))
        found = [_told(row, shelf, telling) for row in rows]
        for one in found:
            one["distance_m"] = round(distance_m(place, Place(one["long"], one["lat"])), 1)
        near = [one for one in found if one["distance_m"] <= reach_m]
        return sorted(near, key=lambda one: float(one["distance_m"]))[:SIMILAR_MAX]

    async def _rows(self, statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        async with self._pool.connection() as connection:
            rows: list[tuple[Any, ...]] = await (await connection.execute(statement, parameters)).fetchall()
        return rows


def _compiled(asked: Asked, shelf: Shelf) -> tuple[str, list[Any]]:
    """Return the statement and its parameters; what is asked for travels as parameters only."""
    parts, values = [_SHOWN], list[Any]()

    def narrow(condition: str, *given: Any) -> None:
        parts.append(f" AND {condition}")
        values.extend(given)

    if asked.numbers:
        narrow("s.number = ANY(%s)", list(asked.numbers))
    else:
        _narrow(asked, shelf, narrow)
    values.extend((asked.rows, (asked.page - 1) * asked.rows))
    return "".join(parts) + _LAST, values


def _narrow(asked: Asked, shelf: Shelf, narrow: Any) -> None:
    if asked.services:
        wanted = set(asked.services)
        narrow("s.kind_id = ANY(%s)", [one.kind_id for one in shelf.by_id.values() if one.code in wanted])
    if asked.requested is not None:
        narrow("s.received_at BETWEEN %s AND %s", asked.requested.since, asked.requested.until)
    if asked.updated is not None:
        narrow("coalesce(c.moved_at, s.received_at) BETWEEN %s AND %s", asked.updated.since, asked.updated.until)
    if asked.area is not None:
        narrow("s.area LIKE %s", f"{asked.area[:2] if asked.area.endswith('0000') else asked.area}%")
    if len(asked.statuses) == 1:
        ended = f"c.state IN ({_ENDED})"
        narrow(ended if asked.statuses[0] == CLOSED else f"(c.state IS NULL OR NOT {ended})")


def _told(row: tuple[Any, ...], shelf: Shelf, telling: Telling) -> dict[str, Any]:
    number, kind_id, text, received_at, address, address_id, latitude, longitude, photo, url, state, *rest = row
    note, organisation, moved_at, due_at, *beyond = rest
    service, language = shelf.by_id.get(kind_id), telling.language
    body = shelf.bodies.get(organisation) if organisation else None
    told = {
        "service_request_id": number,
        "status": public_status(state),
        "status_notes": note or None,
        "service_name": _in(service.title, language) if service else None,
        "service_code": service.code if service else None,
        "description": text or None,
        "agency_responsible": _in(body, language) if body else None,
        "service_notice": _in(service.notice, language) if service else None,
        "requested_datetime": received_at,
        "updated_datetime": moved_at.replace(microsecond=0) if moved_at else received_at,
        "expected_datetime": due_at.replace(microsecond=0) if due_at else None,
        "address": without_contacts(address) or None,
        "address_id": without_contacts(address_id) or None,
        "zipcode": None,
        "lat": latitude,
        "long": longitude,
        "media_url": f"{telling.base}/photos/{photo}" if photo else url or None,
    }
    if telling.is_extended:
        told["extended_attributes"] = _beyond(state, beyond, shelf, language)
    return told


def _beyond(state: str | None, beyond: list[Any], shelf: Shelf, language: str) -> dict[str, Any]:
    """Return what goes beyond the standard: our own state, the case a request was merged into, the district."""
    case_number, merged, area, source, answers = beyond
    area_name = shelf.areas.get(area[:6])
    return {
        "state": state or "received",
        "state_name": _in(STATE_TITLES[State(state)] if state else Text("已接收", "received"), language),
        "case_number": case_number,
        "merged": merged,
        "source": source,
        "jurisdiction_id": area,
        "jurisdiction_name": _in(area_name, language) if area_name else None,
        "answers": answers_without_contacts(answers),
    }


def _in(words: Text, language: str) -> str:
    return words.zh if language == "zh" else words.en
