"""What a batch carries, and the two envelopes it comes and goes in: multipart/mixed and JSON."""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesHeaderParser
from http import HTTPStatus
from itertools import pairwise
from typing import Any

import msgspec

from cityloop.sense.stream.sta.desk import Answer
from cityloop.sense.stream.sta.errors import BodyError

REQUESTS_MAX = 1000
"""Most requests of one batch."""

BOUNDARY_LENGTH_MAX = 70
"""Longest boundary, characters (RFC 2046, section 5.1.1)."""

FIELD = "$batch"
_REQUEST_LINE = re.compile(rb"([A-Za-z]{1,10})[ \t]+(.+?)(?:[ \t]+HTTP/\d(?:\.\d)?)?[ \t]*")
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")


@dataclass(slots=True)
class Item:
    """One request of a batch.

    Attributes:
        name: by which later requests refer to it, empty where they cannot.
        method: in capitals.
        url: absolute, or relative to the service root.
        headers: names in small letters.
        body: what comes along.
    """

    name: str
    method: str
    url: str
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""


@dataclass(slots=True)
class Group:
    """Requests that belong together.

    Attributes:
        items: in order.
        is_changeset: whether all or none of them are done.
        name: of the group in the JSON form.
    """

    items: list[Item]
    is_changeset: bool = False
    name: str = ""


@dataclass(slots=True)
class Outcome:
    """What became of a group: an answer to each item, or of a refused changeset the one that says why, and where."""

    group: Group
    answers: list[Answer]
    refused_at: int = -1


def checked(groups: list[Group]) -> list[Group]:
    """Return groups that are few enough and whose names differ.

    Raises:
        BodyError: if they are not.
    """
    names = [item.name for group in groups for item in group.items if item.name]
    if sum(len(group.items) for group in groups) > REQUESTS_MAX:
        raise BodyError(field=FIELD, reason="there are too many requests")
    if len(set(names)) < len(names):
        raise BodyError(field=FIELD, reason="a name is there twice")
    return groups


def groups_of_parts(body: bytes, content_type: str) -> list[Group]:
    """Return what a batch in multipart/mixed asks for.

    Raises:
        BodyError: if a part cannot be read.
    """
    groups = []
    for headers, content in _parts(body, content_type):
        kind = headers.get_content_type()
        if kind == "multipart/mixed":
            items = [_item(inner, text) for inner, text in _parts(content, headers.get("content-type", ""))]
            groups.append(Group(items, is_changeset=True))
        else:
            groups.append(Group([_item(headers, content)]))
    return groups


def _parts(body: bytes, content_type: str) -> list[tuple[Message, bytes]]:
    head = Message()
    head["content-type"] = content_type
    boundary = str(head.get_boundary("")).encode("latin-1", "replace")
    if not 0 < len(boundary) <= BOUNDARY_LENGTH_MAX:
        raise BodyError(field=FIELD, reason="the boundary is missing")
    line = re.compile(rb"(?:\A|\r?\n)--" + re.escape(boundary) + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    marks = list(line.finditer(body))
    if len(marks) > REQUESTS_MAX + 1:
        raise BodyError(field=FIELD, reason="there are too many requests")
    closing = next((number for number, mark in enumerate(marks) if mark[1]), None)
    if closing is None:
        raise BodyError(field=FIELD, reason="the closing boundary is missing")
    inside = pairwise(marks[: closing + 1])
    return [_headers_and_rest(_without_newline(body[start.end() : end.start()])) for start, end in inside]


def _without_newline(part: bytes) -> bytes:
    return part[2:] if part.startswith(b"\r\n") else part[1:]


def _headers_and_rest(text: bytes) -> tuple[Message, bytes]:
    if text.startswith((b"\r\n", b"\n")):
        return Message(), _without_newline(text)
    blank = _BLANK_LINE.search(text)
    head, rest = (text[: blank.start()], text[blank.end() :]) if blank else (text, b"")
    return BytesHeaderParser().parsebytes(head + b"\r\n\r\n"), rest


def _item(headers: Message, content: bytes) -> Item:
    if headers.get_content_type() != "application/http":
        raise BodyError(field=FIELD, reason="each part is application/http")
    line, _, rest = content.lstrip(b"\r\n").partition(b"\n")
    found = _REQUEST_LINE.fullmatch(line.rstrip(b"\r"))
    if found is None:
        raise BodyError(field=FIELD, reason="the request line cannot be read")
    inner, body = _headers_and_rest(rest)
    named = {name.lower().encode("latin-1"): str(value).encode("latin-1", "replace") for name, value in inner.items()}
    name = str(headers.get("content-id") or inner.get("content-id") or "").strip("<> ")
    return Item(name, found[1].decode().upper(), found[2].decode(), named, body)


def in_parts(outcomes: Sequence[Outcome]) -> tuple[str, bytes]:
    """Return the content type and body that answer a batch in multipart/mixed."""
    boundary = f"batch_{secrets.token_hex(16)}"
    parts = []
    for outcome in outcomes:
        if outcome.group.is_changeset and outcome.refused_at < 0:
            inner = f"changeset_{secrets.token_hex(16)}"
            content = _framed(inner, [_part(*pair) for pair in zip(outcome.group.items, outcome.answers, strict=True)])
            parts.append(f"Content-Type: multipart/mixed;boundary={inner}\r\n\r\n".encode() + content)
        else:
            at = max(outcome.refused_at, 0)
            parts.append(_part(outcome.group.items[at] if outcome.group.items else None, outcome.answers[0]))
    return f"multipart/mixed;boundary={boundary}", _framed(boundary, parts)


def _framed(boundary: str, parts: Sequence[bytes]) -> bytes:
    mark = f"--{boundary}".encode()
    return b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + mark + b"--\r\n"


def _part(item: Item | None, answer: Answer) -> bytes:
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    if item is not None and item.name:
        lines.append(f"Content-ID: {item.name}")
    lines += ["", f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers_of(answer).items()]
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "replace") + answer.body


def headers_of(answer: Answer) -> dict[str, str]:
    """Return the headers that go with an answer inside a batch."""
    headers = dict(answer.headers)
    if answer.location:
        headers["Location"] = answer.location
    if answer.body:
        headers |= {"Content-Type": answer.content_type, "Content-Length": str(len(answer.body))}
    if answer.retry_after_s:
        headers["Retry-After"] = str(answer.retry_after_s)
    return headers


class _JsonItem(msgspec.Struct):
    method: str
    url: str
    id: str | int = ""
    atomicityGroup: str | int | None = None  # noqa: N815  the form's name
    headers: dict[str, str] = {}
    body: msgspec.Raw = msgspec.Raw(b"")


class _JsonBatch(msgspec.Struct):
    requests: list[_JsonItem]


_decode_json = msgspec.json.Decoder(_JsonBatch).decode


def groups_of_json(body: bytes) -> list[Group]:
    """Return what a batch in JSON asks for; neighbours of one `atomicityGroup` are a changeset.

    Raises:
        BodyError: if it cannot be read, or a group is torn apart.
    """
    try:
        batch = _decode_json(body)
    except msgspec.ValidationError as error:
        raise BodyError(field=FIELD, reason="requests with id, method and url are needed here") from error
    except msgspec.DecodeError as error:
        raise BodyError(field=FIELD, reason="this is no JSON") from error
    groups: list[Group] = []
    seen: set[str] = set()
    for given in batch.requests:
        name = "" if given.atomicityGroup is None else str(given.atomicityGroup)
        if name and groups and groups[-1].name == name:
            groups[-1].items.append(_json_item(given))
            continue
        if name in seen:
            raise BodyError(field=FIELD, reason="the requests of a group stand together")
        groups.append(Group([_json_item(given)], is_changeset=bool(name), name=name))
        seen |= {name} - {""}
    return groups


def _json_item(given: _JsonItem) -> Item:
    headers = {name.lower().encode("utf-8"): value.encode("utf-8") for name, value in given.headers.items()}
    return Item(str(given.id), given.method.upper(), given.url, headers, bytes(given.body))


def in_json(outcomes: Sequence[Outcome]) -> bytes:
    """Return the body that answers a batch in JSON: of a refused changeset the others depend on the one refused."""
    responses: list[dict[str, Any]] = []
    for outcome in outcomes:
        for number, item in enumerate(outcome.group.items):
            if outcome.refused_at < 0:
                answer = outcome.answers[number]
            else:
                answer = outcome.answers[0] if number == outcome.refused_at else Answer(424, b"")
            responses.append(_json_answer(item, outcome.group, answer))
    return msgspec.json.encode({"responses": responses})


def _json_answer(item: Item, group: Group, answer: Answer) -> dict[str, Any]:
    response: dict[str, Any] = {"id": item.name, "status": answer.status}
    if group.name:
        response["atomicityGroup"] = group.name
    if answer.location:
        response["location"] = answer.location
    response["headers"] = headers_of(answer)
    if answer.body:
        is_json = "json" in answer.content_type
        response["body"] = msgspec.Raw(answer.body) if is_json else answer.body.decode("utf-8", "replace")
    return response


Names = Mapping[str, tuple[str, int]]
"""By name of a request, collection and id of the entity it made."""


def referred(value: Any, names: Names) -> Any:
    """Return JSON in which each id that is the name of an earlier request, such as `$pump`, is the entity's own."""
    if isinstance(value, dict):
        found = {name: referred(inner, names) for name, inner in value.items()}
        key = found.get("@iot.id")
        if isinstance(key, str) and key.startswith("$") and key[1:] in names:
            found["@iot.id"] = names[key[1:]][1]
        return found
    return [referred(inner, names) for inner in value] if isinstance(value, list) else value
