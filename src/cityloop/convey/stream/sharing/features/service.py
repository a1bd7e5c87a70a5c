"""The service: which address is which document, who sees which collection, and the log of what was read."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

import shapely
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool
from shapely.geometry import box as box_shape
from shapely.geometry import shape

from cityloop.convey.stream.sharing.asking import Asker, Condition, RightsBook, TokenNeededError, asker_of
from cityloop.convey.stream.sharing.features import documents, places
from cityloop.convey.stream.sharing.features.documents import GEOJSON, PREFIX, link
from cityloop.convey.stream.sharing.features.questions import ID_MAX, Question, accept_format, question_of
from cityloop.convey.stream.sharing.feeds import Offer, streams_of, visible_set
from cityloop.convey.stream.sharing.http import Answer, PathUnknownError, QueryError, Request, json_answer
from cityloop.convey.stream.sharing.readlog import Read, ReadKind, write_read

DISTRICTS = "districts"
"""The collection of the districts' outlines, which everybody sees: no data set can have this code."""

_TITLES = {"zh": "各区轮廓", "en": "Outlines of the districts"}
_SETS = """
    SELECT s.code, s.owner, s.title_zh, s.title_en, s.description_zh, s.description_en FROM convey_dataset AS s
    WHERE {where} ORDER BY s.code
"""


class Features:
    """Answers for the service.

    Args:
        pool: autocommitting connections.
        rights: knows the tokens.
        now: tells the time.
    """

    def __init__(
        self,
        pool: AsyncConnectionPool[Any],
        rights: RightsBook,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Take what answers are made of."""
        self._pool, self._rights, self._now = pool, rights, now

    async def __call__(self, request: Request) -> Answer:
        """Answer one request.

        Raises:
            CityloopError: if it cannot be answered.
        """
        root, language = f"{request.base}{PREFIX}", request.language
        below = request.path.removeprefix(PREFIX).strip("/").split("/")
        match below:
            case [""]:
                return _document(request, documents.landing(root, language=language))
            case ["conformance"]:
                return _document(request, {"conformsTo": list(documents.CONFORMS_TO)})
            case ["api"]:
                answer = _document(request, documents.openapi(root, language=language))
                answer.content_type = documents.OPENAPI
                return answer
            case ["collections", *rest]:
                async with self._pool.connection() as connection:
                    asker = asker_of(self._rights, request.headers)
                    return await self._collections(connection, request, asker, rest)
        raise PathUnknownError

    async def _collections(
        self, connection: AsyncConnection[Any], request: Request, asker: Asker, rest: list[str]
    ) -> Answer:
        match rest:
            case []:
                return await self._all(connection, request, asker)
            case [code]:
                _no_question(request)
                described = await self._described(connection, request, asker, code)
                return json_answer(described[0]) if described else await _refuse(asker)
            case [code, "items"]:
                return await self._items(connection, request, asker, code)
            case [code, "items", number]:
                return await self._item(connection, request, asker, code, number)
        raise PathUnknownError

    async def _all(self, connection: AsyncConnection[Any], request: Request, asker: Asker) -> Answer:
        _no_question(request)
        root = f"{request.base}{PREFIX}"
        listed = await self._described(connection, request, asker, "")
        return json_answer({"links": [link(f"{root}/collections", "self")], "collections": listed})

    async def _described(
        self, connection: AsyncConnection[Any], request: Request, asker: Asker, code: str
    ) -> list[dict[str, Any]]:
        """Return the descriptions of one collection, or of all the asker sees."""
        root, language = f"{request.base}{PREFIX}", request.language
        seen = asker.datasets()
        where = f"{seen.sql} AND s.code = %(code)s" if code else seen.sql
        rows = await (await connection.execute(_SETS.format(where=where), {**seen.parameters, "code": code})).fetchall()
        listed = [_districts(root, language)] if code in ("", DISTRICTS) else []
        for dataset, _owner, title_zh, title_en, about_zh, about_en in rows:
            title, about = (title_zh, about_zh) if language == "zh" else (title_en, about_en)
            box = await places.box_of(connection, streams_of(asker, dataset))
            listed.append(documents.collection(root, dataset, title=title, about=about, box=box))
        return listed

    async def _items(self, connection: AsyncConnection[Any], request: Request, asker: Asker, code: str) -> Answer:
        if code == DISTRICTS:
            asked = question_of(request.query, documents.DISTRICT_FILTERS)
            page = _district_page(await places.districts(connection), asked)
            return self._page(request, code, page)
        offer = await _offered(connection, asker, code)
        asked = question_of(request.query, documents.PLACE_FILTERS)
        page = await places.places(connection, asked, streams=streams_of(asker, code))
        await _log(connection, request, asker, offer, len(page.features))
        return self._page(request, code, page)

    def _page(self, request: Request, code: str, page: places.Page) -> Answer:
        home = f"{request.base}{PREFIX}/collections/{code}"
        here = f"{home}/items" + (f"?{urlencode(request.query)}" if request.query else "")
        links = [link(here, "self", GEOJSON), link(home, "collection")]
        if page.after:
            following = urlencode({**request.query, "after": str(page.after)})
            links.append(link(f"{home}/items?{following}", "next", GEOJSON))
        told = {
            "type": "FeatureCollection",
            "timeStamp": self._now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "numberMatched": page.matched,
            "numberReturned": len(page.features),
            "links": links,
            "features": page.features,
        }
        return json_answer(told, content_type=GEOJSON)

    async def _item(
        self, connection: AsyncConnection[Any], request: Request, asker: Asker, code: str, number: str
    ) -> Answer:
        _no_question(request)
        if code == DISTRICTS:
            found = [one for one in await places.districts(connection) if one["id"] == number]
        else:
            offer = await _offered(connection, asker, code)
            found = await _one_place(connection, streams_of(asker, code), number)
            await _log(connection, request, asker, offer, len(found))
        if not found:
            raise PathUnknownError
        home = f"{request.base}{PREFIX}/collections/{code}"
        links = [link(f"{home}/items/{quote(number)}", "self", GEOJSON), link(home, "collection")]
        return json_answer({**found[0], "links": links}, content_type=GEOJSON)


def _document(request: Request, value: Any) -> Answer:
    _no_question(request)
    return json_answer(value)


def _no_question(request: Request) -> None:
    unknown = set(request.query) - {"f"}
    if unknown:
        raise QueryError(min(unknown))
    accept_format(request.query)


async def _refuse(asker: Asker) -> Answer:
    raise TokenNeededError if asker.rights is None else PathUnknownError


async def _offered(connection: AsyncConnection[Any], asker: Asker, code: str) -> Offer:
    offer = await visible_set(connection, asker, code)
    if offer is None:
        raise TokenNeededError if asker.rights is None else PathUnknownError
    return offer


async def _log(connection: AsyncConnection[Any], request: Request, asker: Asker, offer: Offer, rows: int) -> None:
    if asker.is_limited:
        read = Read(kind=ReadKind.FEATURES, path=request.path, rows=rows, datasets=(offer.code,), owners=(offer.owner,))
        await write_read(connection, asker, read)


async def _one_place(connection: AsyncConnection[Any], streams: Condition, number: str) -> list[dict[str, Any]]:
    if not (number.isascii() and number.isdecimal() and 0 < int(number[:20]) <= ID_MAX):
        return []
    only = Condition(f"{streams.sql} AND d.thing_id = %(thing)s", {**streams.parameters, "thing": int(number)})
    asked = Question(box=None, since=None, until=None, limit=1, after=0, equal={})
    return (await places.places(connection, asked, streams=only)).features


def _districts(root: str, language: str) -> dict[str, Any]:
    title = _TITLES[language]
    return documents.collection(root, DISTRICTS, title=title, about=title, box=None)


def _district_page(features: list[dict[str, Any]], asked: Question) -> places.Page:
    fitting = [one for one in features if _fits(one, asked)]
    later = [one for one in fitting if int(one["id"]) > asked.after]
    shown = later[: asked.limit]
    after = int(shown[-1]["id"]) if len(later) > len(shown) else 0
    return places.Page(shown, len(fitting), after)


def _fits(feature: dict[str, Any], asked: Question) -> bool:
    if any(feature["properties"][name] != value for name, value in asked.equal.items()):
        return False
    if asked.box is None:
        return True
    box, outline = asked.box, shape(feature["geometry"])
    east = box.east if box.west <= box.east else 180.0
    return bool(shapely.intersects(outline, box_shape(box.west, box.south, east, box.north)))
