"""The documents that do not depend on data: landing page, conformance, OpenAPI; and the shape of a collection."""

from dataclasses import dataclass
from typing import Any

PREFIX = "/ogc/features/v1"
"""Where the service stands."""

GEOJSON, OPENAPI, SCHEMA = "application/geo+json", "application/vnd.oai.openapi+json;version=3.0", "application/json"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
GREGORIAN = "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"
LIMIT, LIMIT_MAX = 100, 1000
"""Features of a page where none is asked for, and at most."""

CONFORMS_TO = tuple(
    f"http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/{name}" for name in ("core", "geojson", "oas30")
)

TITLE = {"zh": "城市数据共享：地点与最新读数", "en": "Shared city data: places and latest values"}
ABOUT = {
    "zh": (
        "每个数据集一个要素集合：其设备或场所及最新读数；另有各区轮廓。"
        "开放的数据集无需令牌，其余凭数据使用协议的令牌读取。"
    ),
    "en": (
        "One collection for each data set: its devices or sites with their latest readings; and the outlines of the "
        "districts. Open data sets need no token, the others the token of a data contract."
    ),
}


@dataclass(frozen=True, slots=True)
class Filter:
    """A property that features can be filtered by: its name in the query, and what it holds."""

    name: str
    about: str


PLACE_FILTERS = (
    Filter("code", "code of the place as its project declared it"),
    Filter("name", "name of the place"),
    Filter("project", "code of the project"),
    Filter("owner", "code of the organisation that owns it"),
    Filter("area", "code of the district it lies in"),
)
DISTRICT_FILTERS = (Filter("code", "code of the district"), Filter("name", "name of the district"))


def link(href: str, rel: str, kind: str = SCHEMA, title: str = "") -> dict[str, str]:
    """Return a link as the standard writes it."""
    return {"href": href, "rel": rel, "type": kind} | ({"title": title} if title else {})


def landing(root: str, *, language: str) -> dict[str, Any]:
    """Return the landing page.

    Args:
        root: address of the service.
        language: `zh` or `en`.
    """
    return {
        "title": TITLE[language],
        "description": ABOUT[language],
        "links": [
            link(f"{root}/", "self"),
            link(f"{root}/api", "service-desc", OPENAPI),
            link(f"{root}/conformance", "conformance"),
            link(f"{root}/collections", "data"),
        ],
    }


def collection(root: str, code: str, *, title: str, about: str, box: list[float] | None) -> dict[str, Any]:
    """Return the description of a collection.

    Args:
        root: address of the service.
        code: of the collection.
        title: its name.
        about: what it holds.
        box: west, south, east, north in WGS 84 degrees, None where nothing is in it.
    """
    home = f"{root}/collections/{code}"
    described: dict[str, Any] = {
        "id": code,
        "title": title,
        "description": about,
        "itemType": "feature",
        "crs": [CRS84],
        "links": [link(home, "self"), link(f"{home}/items", "items", GEOJSON, title)],
    }
    if box is not None:
        described["extent"] = {"spatial": {"bbox": [box], "crs": CRS84}}
    return described


def openapi(root: str, *, language: str) -> dict[str, Any]:
    """Return the OpenAPI 3.0 document.

    Args:
        root: address of the service.
        language: `zh` or `en`.
    """
    item = {"200": _content("a feature", GEOJSON, "Feature"), **_REFUSALS}
    return {
        "openapi": "3.0.3",
        "info": {"title": TITLE[language], "description": ABOUT[language], "version": "1.0.0"},
        "servers": [{"url": root}],
        "security": [{}, {"token": []}],
        "paths": {
            "/": _get("landingPage", {"200": _content("the landing page", SCHEMA, "Document")}),
            "/conformance": _get("conformance", {"200": _content("what is conformed to", SCHEMA, "Document")}),
            "/api": _get("api", {"200": _content("this document", OPENAPI, "Document")}),
            "/collections": _get("collections", {"200": _content("the collections", SCHEMA, "Document"), **_REFUSALS}),
            "/collections/{collectionId}": _get(
                "collection", {"200": _content("a collection", SCHEMA, "Document"), **_REFUSALS}, [_COLLECTION]
            ),
            "/collections/{collectionId}/items": _get(
                "items",
                {"200": _content("features", GEOJSON, "FeatureCollection"), **_REFUSALS},
                [_COLLECTION, *_ITEMS],
            ),
            "/collections/{collectionId}/items/{featureId}": _get(
                "item", item, [_COLLECTION, {**_PATH, "name": "featureId"}]
            ),
        },
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": _SCHEMAS,
        },
    }


_PATH = {"in": "path", "required": True, "schema": {"type": "string"}}
_COLLECTION = {**_PATH, "name": "collectionId"}


def _query(name: str, schema: dict[str, Any], about: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "style": "form", "explode": False,
            "description": about}  # fmt: skip


_ITEMS = [
    _query(
        "bbox",
        {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 6},
        "west, south, east, north in WGS 84 degrees; with heights six numbers",
    ),
    _query("datetime", {"type": "string"}, "an instant, or an interval with .. for an open end; of the latest reading"),
    _query(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT},
        "most features of the answer",
    ),
    _query("after", {"type": "string"}, "key of the page, as the next link gives it"),
    *(_query(one.name, {"type": "string"}, one.about) for one in PLACE_FILTERS),
]
_REFUSALS = {
    status: {"description": about, "content": {SCHEMA: {"schema": {"$ref": "#/components/schemas/Exception"}}}}
    for status, about in (
        ("400", "a parameter cannot be read"),
        ("401", "a token is needed"),
        ("403", "the token may not read"),
        ("404", "not found"),
        ("503", "come again"),
    )
}
_SCHEMAS = {
    "Document": {"type": "object"},
    "Exception": {
        "type": "object",
        "required": ["code"],
        "properties": {"code": {"type": "string"}, "description": {"type": "string"}},
    },
    "Feature": {
        "type": "object",
        "required": ["type", "geometry", "properties"],
        "properties": {
            "type": {"type": "string", "enum": ["Feature"]},
            "id": {"type": "string"},
            "geometry": {"type": "object", "nullable": True},
            "properties": {"type": "object", "nullable": True},
            "links": {"type": "array", "items": {"type": "object"}},
        },
    },
    "FeatureCollection": {
        "type": "object",
        "required": ["type", "features"],
        "properties": {
            "type": {"type": "string", "enum": ["FeatureCollection"]},
            "features": {"type": "array", "items": {"$ref": "#/components/schemas/Feature"}},
            "links": {"type": "array", "items": {"type": "object"}},
            "timeStamp": {"type": "string", "format": "date-time"},
            "numberMatched": {"type": "integer", "minimum": 0},
            "numberReturned": {"type": "integer", "minimum": 0},
        },
    },
}


def _content(about: str, kind: str, schema: str) -> dict[str, Any]:
    return {"description": about, "content": {kind: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}}


def _get(name: str, responses: dict[str, Any], parameters: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"get": {"operationId": name, "parameters": parameters or [], "responses": responses}}
