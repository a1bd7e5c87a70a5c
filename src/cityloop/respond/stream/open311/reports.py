"""A report of the public: what it must say, and what it may not."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cityloop.kernel.areas import CITY, AreaCode
from cityloop.respond.rules.matters import Place
from cityloop.respond.stream.open311.errors import (
    FieldError,
    JurisdictionUnknownError,
    LocationMissingError,
    ServiceMissingError,
    ServiceUnknownError,
)
from cityloop.respond.stream.open311.fields import Fields
from cityloop.respond.stream.open311.library import Service, Shelf

DESCRIPTION_MAX, ADDRESS_MAX, ADDRESS_ID_MAX, URL_MAX, ANSWER_MAX = 4000, 300, 100, 2000, 255
"""Longest texts, characters; the first is the standard's."""

PERSON = {"first_name": 100, "last_name": 100, "email": 254, "phone": 40, "account_id": 100, "device_id": 200}
"""What tells who reports, and how long each may be, characters."""

YEAR_MIN = 1990
"""First year of a request that is handed over; what is older is a default of some database."""

CHOICES_MAX = 50
"""Most answers to one question."""

_ATTRIBUTE = re.compile(r"attribute\[([^\[\]]{1,80})\](\[\])?")
_URL = re.compile(r"https?://[^\s<>\"'\\^`{|}]+", re.ASCII | re.IGNORECASE)
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_TRUE = frozenset({"1", "true", "yes", "on"})


@dataclass(frozen=True, slots=True)
class Past:
    """What another system knows of a request that it hands over.

    Attributes:
        requested_at: when it was made, whole seconds.
        closed_at: when it was finished there, None where it was not.
        note: what was said of it there.
    """

    requested_at: datetime
    closed_at: datetime | None
    note: str


@dataclass(slots=True, kw_only=True)
class Report:
    """A report that can be kept.

    Attributes:
        service: what it is about.
        area: where, a district, the city where that is all that is known.
        place: the point, None where none is known.
        address, address_id: as written.
        description: as written.
        media_url: address of a picture elsewhere; it is never fetched.
        answers: to the questions of the service.
        person: who reports, as far as told.
        language: of the reporter.
        photo: name of the photo kept, empty where none is.
        past: when it was first made and how it ended, where another system hands it over; None for a new one.
    """

    service: Service
    area: AreaCode
    place: Place | None
    address: str = ""
    address_id: str = ""
    description: str = ""
    media_url: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    person: dict[str, str] = field(default_factory=dict)
    language: str = "zh"
    photo: str = ""
    past: Past | None = None


def jurisdiction_of(fields: Fields, shelf: Shelf) -> AreaCode | None:
    """Return the area a request is about, None where it names none.

    Raises:
        JurisdictionUnknownError: if it names one that is not of this city.
    """
    code = fields.one("jurisdiction_id", length_max=100)
    if not code:
        return None
    if code not in shelf.areas:
        raise JurisdictionUnknownError(code=code)
    return AreaCode(code)


def service_of(fields: Fields, shelf: Shelf) -> Service:
    """Return what a report is about.

    Raises:
        ServiceMissingError: if it does not say.
        ServiceUnknownError: if the public cannot report it.
    """
    code = fields.one("service_code", length_max=80)
    if not code:
        raise ServiceMissingError
    if code not in shelf.offered:
        raise ServiceUnknownError(code=code)
    return shelf.offered[code]


def wants_photo_place(fields: Fields) -> bool:
    """Return whether the reporter consents that the position in the photo says where it is."""
    return fields.one("use_photo_position", length_max=10).lower() in _TRUE


def read_report(fields: Fields, shelf: Shelf, *, photo_place: Place | None, language: str) -> Report:
    """Return what was reported.

    Args:
        fields: as they came.
        shelf: the library.
        photo_place: the photo's position, None where it has none or the reporter does not consent.
        language: of the reporter.

    Raises:
        CityloopError: names the field that is wrong.
    """
    jurisdiction, service = jurisdiction_of(fields, shelf), service_of(fields, shelf)
    address = fields.one("address_string", length_max=ADDRESS_MAX)
    address_id = fields.one("address_id", length_max=ADDRESS_ID_MAX)
    place = place_of(fields) or photo_place
    if place is None and not address and not address_id:
        raise LocationMissingError
    return Report(
        service=service,
        area=_area(place, address, jurisdiction, shelf),
        place=place,
        address=address,
        address_id=address_id,
        description=fields.one("description", length_max=DESCRIPTION_MAX),
        media_url=_url(fields),
        answers=_answers(fields, service),
        person=_person(fields),
        language=language,
    )


PAST_FIELDS = ("requested_datetime", "closed_datetime", "status_notes")
"""What is beyond the standard in a POST: the past of a request, handed over by a system of the city."""


def read_past(fields: Fields, *, now: datetime) -> Past | None:
    """Return the past of a request, None where it is a new one.

    Args:
        fields: as they came.
        now: the time of day.

    Raises:
        FieldError: if it is no past.
    """
    requested = _past_instant(fields, "requested_datetime", now)
    closed = _past_instant(fields, "closed_datetime", now)
    if requested is None:
        if closed is not None:
            raise FieldError(name="requested_datetime", reason="a request that was closed has been made")
        return None
    if closed is not None and closed < requested:
        raise FieldError(name="closed_datetime", reason="it lies before the beginning")
    return Past(requested, closed, fields.one("status_notes", length_max=DESCRIPTION_MAX))


def _past_instant(fields: Fields, name: str, now: datetime) -> datetime | None:
    text = fields.one(name, length_max=40)
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise FieldError(name=name, reason="a time such as 2026-01-31T08:00:00Z is meant") from error
    if found.tzinfo is None or found.year < YEAR_MIN or found > now:
        raise FieldError(name=name, reason="this is no time of the past with its zone")
    return found.astimezone(UTC).replace(microsecond=0)


def _area(place: Place | None, address: str, jurisdiction: AreaCode | None, shelf: Shelf) -> AreaCode:
    if place is None:
        named = jurisdiction if jurisdiction not in (None, CITY) else shelf.area_named_in(address)
        return named or CITY
    found = shelf.area_at(place.longitude, place.latitude)
    if found is None:
        raise FieldError(name="lat, long", reason="this point lies outside the city")
    return found


def place_of(fields: Fields) -> Place | None:
    """Return the point a report or a question names, None where it names none.

    Raises:
        FieldError: if it is no point.
    """
    latitude, longitude = _degrees(fields, "lat", 90.0), _degrees(fields, "long", 180.0)
    if latitude is None and longitude is None:
        return None
    if latitude is None or longitude is None:
        raise FieldError(name="lat, long", reason="give both or none")
    if latitude == longitude == 0.0:
        raise FieldError(name="lat, long", reason="0, 0 is what a device sends that does not know where it is")
    return Place(longitude, latitude)


def _degrees(fields: Fields, name: str, most: float) -> float | None:
    text = fields.one(name, length_max=40)
    if not text:
        return None
    value = _number(text)
    if value is None or abs(value) > most:
        raise FieldError(name=name, reason="these are no degrees")
    return value


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in text else None


def _url(fields: Fields) -> str:
    url = fields.one("media_url", length_max=URL_MAX)
    if url and not _URL.fullmatch(url):
        raise FieldError(name="media_url", reason="this is no http address")
    return url


def _person(fields: Fields) -> dict[str, str]:
    told = {name: " ".join(fields.one(name, length_max=most).split()) for name, most in PERSON.items()}
    if told["email"] and not _MAIL.fullmatch(told["email"]):
        raise FieldError(name="email", reason="this is no mail address")
    return {name: value for name, value in told.items() if value}


def _answers(fields: Fields, service: Service) -> dict[str, Any]:
    asked = {question["code"]: question for question in service.questions}
    given: dict[str, list[str]] = {}
    for name, values in fields.texts.items():
        if found := _ATTRIBUTE.fullmatch(name):
            if found[1] not in asked:
                raise FieldError(name=name, reason="the service does not ask for this")
            given.setdefault(found[1], []).extend(value.strip() for value in values if value.strip())
    for code, question in asked.items():
        if question["required"] and not given.get(code):
            raise FieldError(name=f"attribute[{code}]", reason="the service needs an answer")
    return {code: _answer(asked[code], values) for code, values in given.items() if values}


def _answer(question: Mapping[str, Any], values: list[str]) -> Any:
    name, datatype = f"attribute[{question['code']}]", question["datatype"]
    if datatype == "multivaluelist":
        values = list(dict.fromkeys(values))
        if len(values) > CHOICES_MAX:
            raise FieldError(name=name, reason="there are too many answers")
        return [_chosen(name, question, value) for value in values]
    if len(values) > 1:
        raise FieldError(name=name, reason="one answer only")
    return _ANSWERS[datatype](name, question, values[0])


def _chosen(name: str, question: Mapping[str, Any], value: str) -> str:
    if value not in {choice["key"] for choice in question["choices"]}:
        raise FieldError(name=name, reason="this is none of the answers that are offered")
    return value


def _string(name: str, _question: Mapping[str, Any], value: str) -> str:
    if len(value) > ANSWER_MAX or "\n" in value or "\r" in value:
        raise FieldError(name=name, reason="a line of at most 255 characters is meant")
    return value


def _text(name: str, _question: Mapping[str, Any], value: str) -> str:
    if len(value) > DESCRIPTION_MAX:
        raise FieldError(name=name, reason="it is too long")
    return value


def _figure(name: str, _question: Mapping[str, Any], value: str) -> float:
    number = _number(value)
    if number is None:
        raise FieldError(name=name, reason="this is no number")
    return number


def _instant(name: str, _question: Mapping[str, Any], value: str) -> str:
    try:
        return datetime.fromisoformat(value).isoformat()
    except ValueError as error:
        raise FieldError(name=name, reason="this is no time after ISO 8601") from error


_ANSWERS = {"string": _string, "text": _text, "number": _figure, "datetime": _instant, "singlevaluelist": _chosen}
"""How an answer of each kind is read."""
