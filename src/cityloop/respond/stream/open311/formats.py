"""JSON and XML after GeoReport v2: one value, two spellings (the Spark convention)."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

import msgspec

CONTENT_TYPES = {"json": "application/json; charset=utf-8", "xml": "text/xml; charset=utf-8"}

_ITEMS = {
    "services": "service",
    "service_requests": "request",
    "attributes": "attribute",
    "values": "value",
    "errors": "error",
    "endpoints": "endpoint",
    "formats": "format",
}
"""What an entry of a list is called in XML."""

_NOT_IN_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'


def encoded(value: Any, *, root: str, form: str) -> bytes:
    """Return a value as JSON or XML.

    Args:
        value: of dictionaries, lists and plain values.
        root: name of the outermost element in XML; JSON has none.
        form: `json` or `xml`.
    """
    if form == "json":
        return msgspec.json.encode(value)
    parts = [_DECLARATION]
    _write(parts, root, value)
    return "".join(parts).encode()


def _write(parts: list[str], tag: str, value: Any) -> None:
    if value is None or value == "":
        parts.append(f"<{tag}/>")
        return
    parts.append(f"<{tag}>")
    if isinstance(value, Mapping):
        for name, inner in value.items():
            _write(parts, str(name), inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _write(parts, _ITEMS.get(tag, "item"), inner)
    else:
        parts.append(_plain(value))
    parts.append(f"</{tag}>")


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return escape(_NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", str(value)))
