"""JSON Patch (RFC 6902) on the JSON of an entity."""

from copy import deepcopy
from typing import Any

from cityloop.sense.stream.sta.errors import BodyError

OPERATIONS_MAX = 100
_KEYS = {"add": ("path", "value"), "replace": ("path", "value"), "test": ("path", "value"), "remove": ("path",)}
_KEYS |= {"move": ("path", "from"), "copy": ("path", "from")}


def patched(document: dict[str, Any], operations: object) -> dict[str, Any]:
    """Return a document after all operations, in order; the document itself may be changed.

    Raises:
        BodyError: if an operation is none, names what is not there, or a test fails.
    """
    if not isinstance(operations, list) or len(operations) > OPERATIONS_MAX:
        raise BodyError(field="patch", reason="a list is needed here")
    holder: dict[str, Any] = {"": document}
    for number, operation in enumerate(operations):
        kind = str(operation.get("op")) if isinstance(operation, dict) else ""
        if kind not in _KEYS or any(key not in operation for key in _KEYS[kind]):
            raise BodyError(field=f"patch/{number}", reason="this operation cannot be read")
        _apply(holder, kind, operation)
    if not isinstance(holder.get(""), dict):
        raise BodyError(field="patch", reason="an object is needed here")
    return dict(holder[""])


def _apply(holder: dict[str, Any], kind: str, operation: dict[str, Any]) -> None:
    path = operation["path"]
    match kind:
        case "test":
            if _value(holder, path) != operation["value"]:
                raise BodyError(field=path, reason="the test fails")
        case "add":
            _put(holder, path, operation["value"])
        case "replace":
            _take(holder, path)
            _put(holder, path, operation["value"])
        case "remove":
            _take(holder, path)
        case "move":
            _put(holder, path, _take(holder, operation["from"]))
        case _:
            _put(holder, path, deepcopy(_value(holder, operation["from"])))


def _parts(path: object) -> list[str]:
    if not isinstance(path, str) or (path and not path.startswith("/")):
        raise BodyError(field="path", reason="this path cannot be read")
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")]


def _parent(holder: dict[str, Any], path: object) -> tuple[Any, str]:
    parts = _parts(path)
    owner: Any = holder
    for part in parts[:-1]:
        owner = _member(owner, part, path)
    return owner, parts[-1]


def _member(owner: Any, part: str, path: object) -> Any:
    if isinstance(owner, dict) and part in owner:
        return owner[part]
    if isinstance(owner, list) and part.isdigit() and int(part) < len(owner):
        return owner[int(part)]
    raise BodyError(field=str(path), reason="nothing stands at this path")


def _value(holder: dict[str, Any], path: object) -> Any:
    owner, part = _parent(holder, path)
    return _member(owner, part, path)


def _take(holder: dict[str, Any], path: object) -> Any:
    owner, part = _parent(holder, path)
    value = _member(owner, part, path)
    del owner[int(part) if isinstance(owner, list) else part]
    return value


def _put(holder: dict[str, Any], path: object, value: Any) -> None:
    owner, part = _parent(holder, path)
    if isinstance(owner, dict):
        owner[part] = value
    elif isinstance(owner, list) and (part == "-" or (part.isdigit() and int(part) <= len(owner))):
        owner.insert(len(owner) if part == "-" else int(part), value)
    else:
        raise BodyError(field=str(path), reason="nothing stands at this path")
