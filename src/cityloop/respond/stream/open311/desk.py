"""Answers the questions and takes the reports of Open311."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode

import msgspec

from cityloop.kernel.areas import AreaCode
from cityloop.kernel.text import Text
from cityloop.respond.rules.matters import Place
from cityloop.respond.stream.open311.asked import Asked, read_question, wants_extensions
from cityloop.respond.stream.open311.errors import (
    FieldError,
    KeyInvalidError,
    KeyMissingError,
    LocationMissingError,
    NothingHereError,
    RequestUnknownError,
    ServiceUnknownError,
    TokenUnknownError,
)
from cityloop.respond.stream.open311.formats import CONTENT_TYPES, encoded
from cityloop.respond.stream.open311.intake import Intake, Sent, sum_of
from cityloop.respond.stream.open311.library import Library, Service, Shelf
from cityloop.respond.stream.open311.pace import Gate
from cityloop.respond.stream.open311.photos import Photos
from cityloop.respond.stream.open311.pools import Pools
from cityloop.respond.stream.open311.reading import Reader, Telling
from cityloop.respond.stream.open311.reports import (
    DESCRIPTION_MAX,
    PAST_FIELDS,
    Report,
    jurisdiction_of,
    place_of,
    read_past,
    read_report,
    service_of,
    wants_photo_place,
)
from cityloop.respond.stream.open311.routes import VERSION, WRITE, Answer, Found

SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"
"""How the standard calls itself in a discovery document."""

VISITOR = "visitor:open311"
"""Who reports without a key, as an actor."""

RETRY_KEY_MAX = 200
"""Longest `Idempotency-Key`, characters."""

_KEY_SERVICE = Text("向本市平台运维人员申请接口密钥", "Ask the operators of this city's platform for a key")
_CONTACT = Text("请联系本市平台运维人员", "Ask the operators of this city's platform")
_PHOTO_HEADERS = {
    "content-security-policy": "default-src 'none'; sandbox",
    "content-disposition": 'inline; filename="photo.jpg"',
    "cross-origin-resource-policy": "cross-origin",
    "cache-control": "public, max-age=86400, immutable",
}


class Key(Protocol):
    """What a key may do."""

    @property
    def may_write(self) -> bool:
        """Return whether it may create."""
        ...

    @property
    def thing_id(self) -> int | None:
        """Return the thing of a device's own key, else None."""
        ...

    @property
    def reaches_all(self) -> bool:
        """Return whether it is the city's own, limited by nothing: such a key may hand over the past."""
        ...

    @property
    def actor(self) -> str:
        """Return the actor code of the machine."""
        ...

    def covers(self, area: AreaCode) -> bool:
        """Return whether an area lies in its own."""
        ...


class KeyBook(Protocol):
    """Knows the keys."""

    def of_token(self, bearer_token: str, /) -> Key | None:
        """Return what a key may do, None where it is not valid."""
        ...


class Desk:
    """Answers requests; see `build_open311` for what it is made of."""

    def __init__(  # noqa: PLR0913  what it is made of
        self,
        pools: Pools,
        *,
        keys: KeyBook,
        photos: Path,
        key_needed: bool,
        contact: str,
        gate: Gate,
        now: Callable[[], datetime],
    ) -> None:
        """Take all."""
        self._library, self._reader, self._intake = Library(pools.intake), Reader(pools.reading), Intake(pools.intake)
        self._photos, self._keys, self._gate, self._now = Photos(photos), keys, gate, now
        self._key_needed, self._contact = key_needed, contact
        self._acts: dict[str, Callable[[Found, Shelf], Awaitable[Answer]]] = {
            "discovery": self._discovery,
            "services": self._services,
            "definition": self._definition,
            "requests": self._requests,
            "request": self._request,
            "report": self._report,
            "token": self._token,
            "similar": self._similar,
            "photo": self._photo,
        }

    async def answer(self, found: Found) -> Answer:
        """Answer a request that has found its address.

        Raises:
            CityloopError: if it cannot be done.
        """
        shelf = await self._library.shelf()
        return await self._acts[found.route.name](found, shelf)

    def admit(self, found: Found) -> bool:
        """Hold a sender to its pace before the body is read, and return whether its key is known by then.

        A key that stands in the body is not: until it is read, its address stands for it.

        Raises:
            KeyInvalidError: if a report has a key that may not report.
            TooManyReportsError: if a report comes too soon.
            TooManyQuestionsError: if a question does.
        """
        if found.route.methods is not WRITE:
            reader = self._keys.of_token(given) if (given := _token_of(found)) else None
            self._gate.let_read(reader.actor if reader else found.sender, is_keyed=reader is not None)
            return reader is not None
        key = self._key(found)
        self._gate.check(key.actor if key else found.sender, is_keyed=key is not None)
        return key is not None

    def count(self, found: Found) -> None:
        """Count a report of a sender.

        Raises:
            KeyInvalidError: if it has a key that may not report.
            TooManyReportsError: if it comes too soon.
        """
        key = self._key(found)
        self._gate.let_through(key.actor if key else found.sender, is_keyed=key is not None)

    async def _discovery(self, found: Found, shelf: Shelf) -> Answer:
        changed = max((one.since for one in shelf.by_id.values()), default=None)
        changeset = changed.strftime("%Y-%m-%d %H:%M") if changed else ""
        endpoint = {
            "specification": SPECIFICATION,
            "url": f"{found.base}/{VERSION}",
            "changeset": changeset,
            "type": "production",
            "formats": ["text/xml", "application/json"],
        }
        told = {
            "changeset": changeset,
            "contact": self._contact or _in(_CONTACT, found),
            "key_service": _in(_KEY_SERVICE, found),
            "endpoints": [endpoint],
        }
        return _answer(found, told, root="discovery")

    async def _services(self, found: Found, shelf: Shelf) -> Answer:
        jurisdiction_of(found.fields, shelf)
        return _answer(found, [_listed(one, found) for one in shelf.offered.values()], root="services")

    async def _definition(self, found: Found, shelf: Shelf) -> Answer:
        jurisdiction_of(found.fields, shelf)
        service = shelf.offered.get(found.it)
        if service is None:
            raise ServiceUnknownError(code=found.it)
        asked = [_asked(question, number, found) for number, question in enumerate(service.questions, start=1)]
        return _answer(found, {"service_code": service.code, "attributes": asked}, root="service_definition")

    async def _requests(self, found: Found, shelf: Shelf) -> Answer:
        asked = read_question(found.fields, shelf, now=self._now())
        told = await self._reader.requests(asked, shelf, _telling(found))
        answer = _answer(found, told, root="service_requests")
        if len(told) == asked.rows and not asked.numbers:
            answer.headers["link"] = _next_link(found, asked)
        return answer

    async def _request(self, found: Found, shelf: Shelf) -> Answer:
        jurisdiction_of(found.fields, shelf)
        told = await self._reader.request(found.it, shelf, _telling(found))
        if told is None:
            raise RequestUnknownError(number=found.it)
        return _answer(found, [told], root="service_requests")

    async def _token(self, found: Found, shelf: Shelf) -> Answer:
        jurisdiction_of(found.fields, shelf)
        told = await self._reader.request(found.it, shelf, _telling(found))
        if told is None:
            raise TokenUnknownError(token=found.it)
        known = {"service_request_id": told["service_request_id"], "token": found.it}
        return _answer(found, [known], root="service_requests")

    async def _similar(self, found: Found, shelf: Shelf) -> Answer:
        service, place = service_of(found.fields, shelf), place_of(found.fields)
        if place is None:
            raise LocationMissingError
        told = await self._reader.similar(service, place, shelf, _telling(found), now=self._now())
        return _answer(found, told, root="service_requests")

    async def _photo(self, found: Found, _shelf: Shelf) -> Answer:
        body = await self._photos.read(found.it)
        if body is None:
            raise NothingHereError
        return Answer(body, "image/jpeg", headers=dict(_PHOTO_HEADERS))

    async def _report(self, found: Found, shelf: Shelf) -> Answer:
        key = self._key(found)
        if key is None and self._key_needed:
            raise KeyMissingError
        self.count(found)
        photo_sum = sum_of(found.fields.file) if found.fields.file else ""
        report = await self._read(found, shelf)
        if key is not None and not key.covers(report.area):
            raise KeyInvalidError
        if any(found.fields.one(name, length_max=DESCRIPTION_MAX) for name in PAST_FIELDS):
            if key is None or not key.reaches_all:
                raise KeyInvalidError
            report.past = read_past(found.fields, now=self._now())
        number = await self._intake.keep(self._sent(found, report, key, photo_sum))
        told = {"service_request_id": number, "service_notice": _in(report.service.notice, found), "account_id": None}
        answer = _answer(found, [told], root="service_requests")
        answer.status = 201
        answer.headers["location"] = f"{found.base}/{VERSION}/requests/{number}.{found.form}"
        return answer

    def _key(self, found: Found) -> Key | None:
        """Return the key of a report, None where it has none.

        Raises:
            KeyInvalidError: if it has one that may not report.
        """
        given = _token_of(found)
        if not given:
            return None
        key = self._keys.of_token(given)
        if key is None or not key.may_write or key.thing_id is not None:
            raise KeyInvalidError
        return key

    async def _read(self, found: Found, shelf: Shelf) -> Report:
        """Return the report with its photo kept; the photo comes first where its position is needed."""
        fields, wants_place = found.fields, wants_photo_place(found.fields)
        if not fields.file:
            return read_report(fields, shelf, photo_place=None, language=found.language)
        if not wants_place or place_of(fields) is not None:
            report = read_report(fields, shelf, photo_place=None, language=found.language)
            report.photo, _place = await self._photos.keep(fields.file)
            return report
        name, place = await self._photos.keep(fields.file)
        report = read_report(fields, shelf, photo_place=place, language=found.language)
        report.photo = name
        return report

    def _sent(self, found: Found, report: Report, key: Key | None, photo_sum: str) -> Sent:
        content = sum_of(_said(report, photo_sum))
        reporter = key.actor if key else VISITOR
        return Sent(
            report=report,
            reporter=reporter,
            received_at=report.past.requested_at if report.past else self._now().replace(microsecond=0),
            sent_at=self._now(),
            retry_key=_retry_key(found, report, reporter, content),
            content=content,
        )


def _token_of(found: Found) -> str:
    """Return the key that came along, empty where none did."""
    scheme, _, bearer = found.headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    return found.fields.one("api_key", length_max=200) or (bearer.strip() if scheme.lower() == "bearer" else "")


def _said(report: Report, photo_sum: str) -> bytes:
    place: Place | None = report.place
    return msgspec.json.encode(
        (
            report.service.code,
            (place.longitude, place.latitude) if place else None,
            report.address,
            report.address_id,
            report.description,
            report.media_url,
            sorted(report.answers.items()),
            sorted(report.person.items()),
            report.past,
            photo_sum,
        )
    )


def _retry_key(found: Found, report: Report, reporter: str, content: str) -> str:
    """Return what names this sending: the key its sender gave it, or the device with what it said."""
    given = found.headers.get(b"idempotency-key", b"")
    if len(given) > RETRY_KEY_MAX:
        raise FieldError(name="Idempotency-Key", reason="it is too long")
    if given:
        return sum_of("key", reporter, found.sender if reporter == VISITOR else "", given)
    device = report.person.get("device_id", "")
    return sum_of("device", reporter, device, content) if device else ""


def _answer(found: Found, value: Any, *, root: str) -> Answer:
    return Answer(encoded(value, root=root, form=found.form), CONTENT_TYPES[found.form])


def _telling(found: Found) -> Telling:
    return Telling(found.language, f"{found.base}/{VERSION}", is_extended=wants_extensions(found.fields))


def _next_link(found: Found, asked: Asked) -> str:
    kept = [(name, value) for name, values in found.fields.texts.items() if name != "page" for value in values]
    query = urlencode([*kept, ("page", str(asked.page + 1))])
    return f'<{found.base}/{VERSION}/requests.{found.form}?{query}>; rel="next"'


def _listed(service: Service, found: Found) -> dict[str, Any]:
    return {
        "service_code": service.code,
        "service_name": _in(service.title, found),
        "description": _in(service.about, found),
        "metadata": bool(service.questions),
        "type": "realtime",
        "keywords": service.keywords,
        "group": _in(service.group, found),
    }


def _asked(question: dict[str, Any], number: int, found: Found) -> dict[str, Any]:
    told = {
        "variable": True,
        "code": question["code"],
        "datatype": question["datatype"],
        "required": question["required"],
        "datatype_description": question[f"hint_{found.language}"] or None,
        "order": number,
        "description": question[found.language],
    }
    if question["choices"]:
        told["values"] = [{"key": one["key"], "name": one[found.language]} for one in question["choices"]]
    return told


def _in(words: Text, found: Found) -> str:
    return words.zh if found.language == "zh" else words.en
