"""The addresses of this door, and to whom each is open."""

import re
from dataclasses import dataclass, field
from enum import StrEnum

from cityloop.respond.stream.open311.fields import Fields

PREFIX = "/open311"
"""Where the door stands in the web."""

VERSION = "v2"
READ, WRITE = ("GET", "HEAD"), ("POST",)


class OpenTo(StrEnum):
    """Who may use an address."""

    ALL = "all"
    KEY_WHERE_NEEDED = "key_where_needed"


@dataclass(frozen=True, slots=True)
class Route:
    """An address.

    Attributes:
        name: what the desk does there.
        path: below the prefix, as a pattern; `{it}` is a part of it.
        methods: that it takes.
        open_to: who may use it: the list of services and the requests are public by the standard, and hold no person.
        has_format: whether it ends in .json or .xml.
    """

    name: str
    path: str
    methods: tuple[str, ...]
    open_to: OpenTo
    has_format: bool = True


ROUTES = (
    Route("discovery", "discovery", READ, OpenTo.ALL),
    Route("discovery", f"{VERSION}/discovery", READ, OpenTo.ALL),
    Route("services", f"{VERSION}/services", READ, OpenTo.ALL),
    Route("definition", f"{VERSION}/services/{{it}}", READ, OpenTo.ALL),
    Route("requests", f"{VERSION}/requests", READ, OpenTo.ALL),
    Route("report", f"{VERSION}/requests", WRITE, OpenTo.KEY_WHERE_NEEDED),
    Route("request", f"{VERSION}/requests/{{it}}", READ, OpenTo.ALL),
    Route("token", f"{VERSION}/tokens/{{it}}", READ, OpenTo.ALL),
    Route("similar", f"{VERSION}/similar", READ, OpenTo.ALL),
    Route("photo", f"{VERSION}/photos/{{it}}", READ, OpenTo.ALL, has_format=False),
)
"""Every address. What is not here is not answered."""

_PART = "([A-Za-z0-9._~%-]{1,100})"
_FORMAT = r"\.(json|xml)"


@dataclass(slots=True)
class Found:
    """A request that has found its address.

    Attributes:
        route: the address.
        it: its open part.
        form: `json` or `xml`.
        fields: what came along.
        headers: by lower-case name.
        language: of the reader.
        base: scheme, host and prefix.
        sender: the network address it came from.
    """

    route: Route
    it: str = ""
    form: str = "xml"
    fields: Fields = field(default_factory=Fields)
    headers: dict[bytes, bytes] = field(default_factory=dict)
    language: str = "zh"
    base: str = ""
    sender: str = ""


@dataclass(slots=True)
class Answer:
    """An answer, ready to be sent."""

    body: bytes
    content_type: str = "text/plain"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def _pattern(route: Route) -> re.Pattern[str]:
    return re.compile(re.escape(route.path).replace(r"\{it\}", _PART) + (_FORMAT if route.has_format else "(?:)"))


_PATTERNS = tuple((_pattern(route), route) for route in ROUTES)


def route_of(method: str, path: str) -> Found | None:
    """Return the address of a path, None where nothing stands there; one of another method where only that does.

    Args:
        method: in capitals.
        path: below the prefix, as sent.
    """
    matches = [(found, route) for pattern, route in _PATTERNS if (found := pattern.fullmatch(path))]
    if not matches:
        return None
    found, route = next(((f, r) for f, r in matches if method in r.methods), matches[0])
    parts = found.groups()
    form = parts[-1] if route.has_format else "json"
    return Found(route, it=parts[0] if len(parts) > int(route.has_format) else "", form=form)
