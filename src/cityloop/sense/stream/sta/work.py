"""One transaction of changes under way: entities are created, changed and deleted in it, as far as the token may."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from cityloop.sense.stream.sta.bodies import Draft, draft_of, inverse_of
from cityloop.sense.stream.sta.changes import patched
from cityloop.sense.stream.sta.deleting import delete_entity
from cityloop.sense.stream.sta.errors import MethodError, TokenMayNotError
from cityloop.sense.stream.sta.names import OBSERVATION, TASK, EntityType
from cityloop.sense.stream.sta.observations import Reading
from cityloop.sense.stream.sta.paths import Resource, read_path
from cityloop.sense.stream.sta.reading import Reader
from cityloop.sense.stream.sta.sight import Sight
from cityloop.sense.stream.sta.writing import Writer


@dataclass(frozen=True, slots=True)
class Made:
    """An entity that was created or changed.

    Attributes:
        entity: its type.
        key: its id, 0 of an observation that the pipeline still has to keep.
        reading: of such an observation its values.
        place: of such an observation its place among those of the transaction.
        members: names of what changed, None of a new entity.
    """

    entity: EntityType
    key: int
    reading: Reading | None = None
    place: int = 0
    members: tuple[str, ...] | None = None


class Work:
    """Changes in one transaction.

    Args:
        writer: writes in the transaction.
        reader: reads in it.
        sight: whose data are seen, None for everything.
    """

    def __init__(self, writer: Writer, reader: Reader, sight: Sight | None) -> None:
        """Take all three."""
        self.writer, self._reader, self._sight = writer, reader, sight

    async def make(self, path: str, body: object) -> Made:
        """Create an entity with all that is nested in it.

        Raises:
            CityloopError: if it cannot be created.
        """
        resource = read_path(path)
        step = resource.last
        if not step.is_collection or resource.references or resource.member is not None:
            raise MethodError(method="POST")
        if self._only_observes and step.entity is not OBSERVATION:
            raise TokenMayNotError
        given = await self._given(resource, path)
        draft = draft_of(step.entity, body, given=given)
        if self._only_observes and any(isinstance(link, Draft) for links in draft.links.values() for link in links):
            raise TokenMayNotError
        place = len(self.writer.written.readings)
        key = await self.writer.create(draft)
        if draft.entity is OBSERVATION:
            return Made(OBSERVATION, 0, draft.reading, place)
        return Made(step.entity, key)

    @property
    def _only_observes(self) -> bool:
        return self._sight is not None and not self._sight.may_shape

    async def _given(self, resource: Resource, path: str) -> dict[str, int]:
        parent = resource.steps[:-1]
        if not parent:
            return {}
        back = inverse_of(parent[-1].entity, resource.last.entity)
        key = await self.entity_id(Resource(parent), path.rpartition("/")[0], method="POST")
        return {back.name: key} if back is not None else {}

    async def entity_id(self, resource: Resource, path: str, *, method: str) -> int:
        """Return the id of the one entity a path names.

        Raises:
            UnknownPathError: if there is none, or it is not seen.
        """
        if resource.last.is_collection or resource.references or resource.member is not None:
            raise MethodError(method=method)
        shown = await self._reader.read(path, "$select=@iot.id", base="", sight=self._sight)
        return int(msgspec.json.decode(shown.body)["@iot.id"])

    async def change(self, path: str, body: object, *, method: str, is_patch: bool) -> Made:
        """Change an entity.

        Args:
            path: of the entity.
            body: decoded JSON.
            method: `PATCH` or `PUT`.
            is_patch: whether the body is a JSON Patch.

        Raises:
            CityloopError: if it cannot be changed.
        """
        resource = read_path(path)
        entity = resource.last.entity
        if entity is TASK:
            raise MethodError(method=method)
        key = await self.entity_id(resource, path, method=method)
        await self.writer.require_own(entity, key)
        members: Iterable[str] = body if isinstance(body, dict) else ()
        if is_patch:
            before = await self._document(entity, key)
            body = patched(msgspec.json.decode(before), body)
            members = _changed(msgspec.json.decode(before), body)
        draft = draft_of(entity, body, partial=True)
        if is_patch or method == "PUT":
            draft = _replacing(entity, body, draft)
        await self.writer.update(draft, key)
        await self.writer.require_own(entity, key)
        if method == "PUT":
            members = [item.name for item in entity.properties if item.column]
        return Made(entity, key, members=tuple(name for name in members if "@" not in name))

    async def _document(self, entity: EntityType, key: int) -> bytes:
        own = f"{entity.collection}({key})"
        document = msgspec.json.decode((await self._reader.read(own, "", base="", sight=self._sight)).body)
        shown = {item.name: document[item.name] for item in entity.properties if item.column and item.name in document}
        return msgspec.json.encode(shown)

    async def remove(self, path: str) -> None:
        """Delete an entity with what cannot be without it.

        Raises:
            CityloopError: if there is none, or it is another's.
        """
        resource = read_path(path)
        key = await self.entity_id(resource, path, method="DELETE")
        await self.writer.require_own(resource.last.entity, key)
        await delete_entity(self.writer.connection, resource.last.entity.name, key)


def _changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [name for name in {**before, **after} if before.get(name) != after.get(name)]


def _replacing(entity: EntityType, body: object, draft: Draft) -> Draft:
    """Return the draft of a whole entity: what it does not say is absent, save its relations."""
    given = {
        navigation.name: -1
        for navigation in entity.navigations
        if not navigation.many or entity.name == "HistoricalLocation"
    }
    if not isinstance(body, dict):
        return draft
    names = {navigation.name for navigation in entity.navigations}
    whole = draft_of(entity, {name: value for name, value in body.items() if name not in names}, given=given)
    whole.links = draft.links
    if whole.reading is not None:
        kept = frozenset({"result", "resultTime", "validTime", "resultQuality", "parameters"})
        whole.reading.given = kept | (whole.reading.given & {"phenomenonTime"})
    return whole
