"""The fields of a report as they came: a form, or a form with one file."""

import re
from collections import defaultdict
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from cityloop.respond.stream.open311.errors import BodyTypeError, FieldError

FIELDS_MAX = 200
"""Most fields of a report."""

FORM_BYTES_MAX = 64 * 1024
"""Largest form without a file, bytes: 4,000 characters of description, percent-encoded, and the rest."""

FILE_BYTES_MAX = 10 * 2**20
"""Largest photo, bytes."""

BODY_BYTES_MAX = FILE_BYTES_MAX + FORM_BYTES_MAX

FORM, FORM_WITH_FILE = "application/x-www-form-urlencoded", "multipart/form-data"
MEDIA_FIELDS = frozenset({"media", "photo", "file"})
"""Names under which a photo may come."""

_BOUNDARY = re.compile(r'boundary="?([0-9A-Za-z\'()+_,\-./:=?]{1,70})"?')
_NAME = re.compile(r';\s*name="((?:[^"\\]|\\.){0,200})"')
_FILE_NAME = re.compile(r';\s*filename="')
_REMOVED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff\ufffe\uffff\u202a-\u202e\u2066-\u2069]")
"""Characters that only harm: controls, marks that turn the direction of writing."""


@dataclass(slots=True)
class Fields:
    """What came along.

    Attributes:
        texts: the values of each field, in order.
        file: the photo as sent, empty where none came.
    """

    texts: dict[str, list[str]] = field(default_factory=dict)
    file: bytes = b""

    def one(self, name: str, *, length_max: int) -> str:
        """Return a field's value, empty where it was not sent.

        Raises:
            FieldError: if it is longer than it may be.
        """
        value = self.texts.get(name, [""])[0].strip()
        if len(value) > length_max:
            raise FieldError(name=name, reason="it is too long")
        return value


def body_bytes_max(content_type: str) -> int:
    """Return how large a body of a type may be, bytes.

    Raises:
        BodyTypeError: if such a body is not read here.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == FORM:
        return FORM_BYTES_MAX
    if kind == FORM_WITH_FILE:
        return BODY_BYTES_MAX
    raise BodyTypeError


def query_fields(raw: bytes) -> Fields:
    """Return the parameters of an address.

    Raises:
        FieldError: if they are no text.
    """
    return Fields(_grouped(raw, "query"))


def form_fields(body: bytes, content_type: str) -> Fields:
    """Return the fields of a body.

    Raises:
        BodyTypeError: if it is no form.
        FieldError: if it cannot be read.
    """
    if content_type.partition(";")[0].strip().lower() == FORM:
        return Fields(_grouped(body, "body"))
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        raise BodyTypeError
    return _parts(body, b"--" + boundary[1].encode())


def _grouped(raw: bytes, name: str) -> dict[str, list[str]]:
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX)
    except ValueError as error:
        raise FieldError(name=name, reason="it cannot be read as UTF-8 text") from error
    found: dict[str, list[str]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(_REMOVED.sub("", value))
    return found


def _parts(body: bytes, mark: bytes) -> Fields:
    found, texts = Fields(), defaultdict(list)
    pieces = body.split(mark)
    if len(pieces) > FIELDS_MAX:
        raise FieldError(name="body", reason="it has too many fields")
    for piece in pieces[1:-1]:
        head, cut, value = piece.partition(b"\r\n\r\n")
        said = head.decode("utf-8", "replace")
        name = _NAME.search(said)
        if not cut or name is None:
            raise FieldError(name="body", reason="a part of the form cannot be read")
        value = value.removesuffix(b"\r\n")
        if _FILE_NAME.search(said):
            found.file = _file(found, name[1], value)
        else:
            texts[name[1]].append(_text(name[1], value))
    found.texts = texts
    return found


def _file(found: Fields, name: str, value: bytes) -> bytes:
    if name not in MEDIA_FIELDS:
        raise FieldError(name=name, reason="a file is sent as media")
    if found.file and value:
        raise FieldError(name=name, reason="one photo a report")
    return value or found.file


def _text(name: str, value: bytes) -> str:
    if len(value) > FORM_BYTES_MAX:
        raise FieldError(name=name, reason="it is too long")
    try:
        return _REMOVED.sub("", value.decode())
    except UnicodeDecodeError as error:
        raise FieldError(name=name, reason="it cannot be read as UTF-8 text") from error
