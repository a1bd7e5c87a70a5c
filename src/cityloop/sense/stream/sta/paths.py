"""Reads a resource path: entity sets, entities by id, navigations, properties, `$ref` and `$value`."""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from cityloop.sense.stream.sta.errors import SyntaxFault, UnknownPathError
from cityloop.sense.stream.sta.names import BY_COLLECTION, BY_NAME, EntityType, Navigation, Property

SEGMENTS_MAX = 12
"""Longest path, segments."""

_SEGMENT = re.compile(r"([^()]+)(?:\((?:(\d{1,40})|'(\d{1,40})')\))?", re.ASCII)
_INT64_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path.

    Attributes:
        entity: where it leads.
        key: the id that is named, or None.
        navigation: the relation it took, None for the first step.
    """

    entity: EntityType
    key: int | None
    navigation: Navigation | None

    @property
    def is_collection(self) -> bool:
        """Return whether the step leads to several entities."""
        return self.key is None and (self.navigation is None or self.navigation.many)


@dataclass(frozen=True, slots=True)
class Resource:
    """What a path names.

    Attributes:
        steps: from an entity set to the entity or collection.
        member: the property named after them, or None.
        inside: the path inside the property's JSON.
        raw: whether `$value` follows.
        references: whether `$ref` follows.
    """

    steps: tuple[Step, ...]
    member: Property | None = None
    inside: tuple[str, ...] = ()
    raw: bool = False
    references: bool = False

    @property
    def last(self) -> Step:
        """Return the last step."""
        return self.steps[-1]


def read_path(path: str) -> Resource:
    """Return what a path below the service root names.

    Args:
        path: percent-encoded or decoded, without the leading slash.

    Raises:
        UnknownPathError: if a segment names nothing.
        SyntaxFault: if a segment cannot be read.
    """
    segments = [unquote(part) for part in path.split("/")]
    if len(segments) > SEGMENTS_MAX:
        raise UnknownPathError("/".join(segments)[:200])
    name, key = _segment(segments[0])
    entity = BY_COLLECTION.get(name)
    if entity is None:
        raise UnknownPathError(segments[0][:200])
    steps, at = [Step(entity, key, None)], 1
    while at < len(segments):
        step = _next(steps[-1], segments[at])
        if step is None:
            break
        steps.append(step)
        at += 1
    return _ending(tuple(steps), segments[at:])


def _segment(text: str) -> tuple[str, int | None]:
    found = _SEGMENT.fullmatch(text)
    if found is None:
        if "(" in text:
            raise SyntaxFault(option="path", place=1, reason="an id is a whole number in brackets")
        raise UnknownPathError(text[:200])
    digits = found[2] or found[3]
    if digits is not None and int(digits) > _INT64_MAX:
        raise UnknownPathError(text)
    return found[1], None if digits is None else int(digits)


def _next(before: Step, text: str) -> Step | None:
    if text.startswith("$") or before.is_collection:
        return None
    name, key = _segment(text)
    navigation = before.entity.navigation_named(name)
    if navigation is None:
        return None
    if key is not None and not navigation.many:
        raise UnknownPathError(text)
    return Step(BY_NAME[navigation.target], key, navigation)


def _ending(steps: tuple[Step, ...], rest: list[str]) -> Resource:
    if not rest:
        return Resource(steps)
    if rest == ["$ref"]:
        return Resource(steps, references=True)
    found = None if steps[-1].is_collection else steps[-1].entity.property_named(rest[0])
    if found is None or rest[0] == "id":
        raise UnknownPathError(rest[0][:200])
    raw = rest[-1] == "$value"
    inside = tuple(rest[1:-1] if raw else rest[1:])
    if any(not part or part.startswith("$") for part in inside) or (inside and found.kind.value not in _NESTED):
        raise UnknownPathError("/".join(rest)[:200])
    return Resource(steps, member=found, inside=inside, raw=raw)


_NESTED = {"json", "geo", "result"}
