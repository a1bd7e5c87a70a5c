"""Open311 GeoReport v2 as an ASGI application: who asks for what, in which format and language."""

import logging
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg_pool import PoolTimeout

from cityloop.kernel.errors import CityloopError
from cityloop.respond.stream.open311.bodies import Bodies, Receive
from cityloop.respond.stream.open311.desk import Desk, KeyBook
from cityloop.respond.stream.open311.errors import (
    ComeAgainSoonError,
    NothingHereError,
    WrongMethodError,
    language_of,
    said,
)
from cityloop.respond.stream.open311.fields import Fields, body_bytes_max, form_fields, query_fields
from cityloop.respond.stream.open311.formats import CONTENT_TYPES, encoded
from cityloop.respond.stream.open311.pace import Gate
from cityloop.respond.stream.open311.pools import Pools
from cityloop.respond.stream.open311.refusals import Refusals
from cityloop.respond.stream.open311.routes import PREFIX, Answer, Found, route_of
from cityloop.sense.stream.sta.doorstep import Doorstep

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_AWAY = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, TimeoutError)
_log = logging.getLogger(__name__)


def is_open311(path: str) -> bool:
    """Return whether a path belongs to this door."""
    return path == PREFIX or path.startswith(f"{PREFIX}/")


def build_open311(  # noqa: PLR0913  what the application is made of
    *,
    pools: Pools,
    keys: KeyBook,
    photos: Path,
    key_needed: bool = False,
    contact: str = "",
    hosts: Sequence[str] = ("*",),
    gate: Gate | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Application:
    """Return the application.

    Args:
        pools: from `open_pools`.
        keys: knows the keys; a key is a token that may write.
        photos: folder of the photos.
        key_needed: whether a report needs a key.
        contact: whom developers ask, in the words of the city.
        hosts: names by which the service may be called, as of the SensorThings API.
        gate: holds senders to their pace.
        now: tells the time of day.
    """
    desk = Desk(pools, keys=keys, photos=photos, key_needed=key_needed, contact=contact, gate=gate or Gate(), now=now)
    return Open311(desk, doorstep=Doorstep(PREFIX, hosts), refusals=Refusals(pools.intake), now=now)


@dataclass(slots=True)
class _Asking:
    """A request on its way: what is known of it so far."""

    language: str
    form: str = "xml"
    path: str = ""
    fields: Fields | None = None
    method: str = "GET"
    headers: dict[bytes, bytes] = field(default_factory=dict)


class Open311:
    """The application; see `build_open311`."""

    def __init__(self, desk: Desk, *, doorstep: Doorstep, refusals: Refusals, now: Callable[[], datetime]) -> None:
        """Take what it is made of."""
        self._desk, self._doorstep, self._refusals, self._now = desk, doorstep, refusals, now
        self._bodies = Bodies()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        language = language_of(headers.get(b"accept-language", b"").decode("latin-1"))
        asking = _Asking(language, path=scope["path"], method=scope["method"], headers=headers)
        try:
            answer = await self._answer(asking, scope, receive)
        except CityloopError as error:
            answer = self._refusal(error, asking)
        except _AWAY as error:
            _log.warning("the database does not answer: %s", str(error).partition("\n")[0])
            answer = self._refusal(ComeAgainSoonError(), asking)
        await _send(answer, send, head=asking.method == "HEAD")

    async def _answer(self, asking: _Asking, scope: Scope, receive: Receive) -> Answer:
        found = route_of(asking.method, self._doorstep.path(scope))
        if found is None:
            raise NothingHereError
        asking.form = found.form
        if asking.method == "OPTIONS":
            return Answer(b"", status=204, headers=_preflight(found))
        if asking.method not in found.route.methods:
            raise WrongMethodError
        found.fields = asking.fields = query_fields(scope["query_string"])
        found.headers, found.language = asking.headers, asking.language
        found.base = self._doorstep.base(scope, asking.headers)
        found.sender = (scope.get("client") or ("?", 0))[0]
        is_keyed = self._desk.admit(found)
        if asking.method == "POST":
            found.fields = asking.fields = await self._with_body(found, receive, is_keyed=is_keyed)
        return await self._desk.answer(found)

    async def _with_body(self, found: Found, receive: Receive, *, is_keyed: bool) -> Fields:
        """Return the fields of an address and of its body; one that cannot be read counts as a report of its sender."""
        content_type = found.headers.get(b"content-type", b"").decode("latin-1")
        length = found.headers.get(b"content-length", b"0")
        try:
            body = await self._bodies.read(
                receive, length, sender=found.sender, is_keyed=is_keyed, bytes_max=body_bytes_max(content_type)
            )
            fields = form_fields(body, content_type)
        except ComeAgainSoonError:
            raise
        except (CityloopError, TimeoutError):
            self._desk.count(found)
            raise
        fields.texts = {**found.fields.texts, **fields.texts}
        return fields

    def _refusal(self, error: CityloopError, asking: _Asking) -> Answer:
        if asking.method == "POST":
            self._refusals.note(error, path=asking.path, fields=asking.fields, at=self._now())
        told = [{"code": error.status, "description": said(error, language=asking.language)}]
        answer = Answer(encoded(told, root="errors", form=asking.form), CONTENT_TYPES[asking.form], error.status)
        wait_s = error.parameters.get("wait_s", 2 if error.status == ComeAgainSoonError.status else 0)
        if wait_s:
            answer.headers["retry-after"] = str(wait_s)
        if error.status == WrongMethodError.status:
            answer.headers["allow"] = "GET, HEAD, POST, OPTIONS"
        return answer


def _preflight(found: Found) -> dict[str, str]:
    return {
        "access-control-allow-methods": ", ".join((*found.route.methods, "OPTIONS")),
        "access-control-allow-headers": "content-type, idempotency-key, accept-language",
        "access-control-max-age": "86400",
    }


async def _send(answer: Answer, send: Send, *, head: bool) -> None:
    headers = {
        "content-type": answer.content_type,
        "content-length": str(len(answer.body)),
        "x-content-type-options": "nosniff",
        "access-control-allow-origin": "*",
        "cache-control": "no-store",
        **answer.headers,
    }
    if answer.status == 204:  # noqa: PLR2004  no body, RFC 9110
        del headers["content-type"], headers["content-length"]
    raw = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": b"" if head else answer.body})
