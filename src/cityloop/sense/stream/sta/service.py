"""What can be done to the entities, apart from how it is asked for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import numpy as np
import psycopg

from cityloop.kernel.errors import CityloopError
from cityloop.sense.stream.readings import Ingest, Kept, Outcome
from cityloop.sense.stream.sta.arrays import answer_body, read_arrays
from cityloop.sense.stream.sta.bodies import Draft, draft_of, inverse_of
from cityloop.sense.stream.sta.changes import patched
from cityloop.sense.stream.sta.deleting import delete_entity
from cityloop.sense.stream.sta.errors import BodyError, MethodError, UnknownPathError
from cityloop.sense.stream.sta.names import OBSERVATION, EntityType
from cityloop.sense.stream.sta.news import EntityNews
from cityloop.sense.stream.sta.observations import Reading, one, plain_reading, several, shown
from cityloop.sense.stream.sta.paths import Resource, read_path
from cityloop.sense.stream.sta.places import Places
from cityloop.sense.stream.sta.reading import Reader
from cityloop.sense.stream.sta.rights import Allowed, Gate
from cityloop.sense.stream.sta.showing import BASE
from cityloop.sense.stream.sta.writing import Writer, Written

WRITE_MS_MAX = 120_000
"""Longest time a statement of a write may take, milliseconds: deleting a long stream takes a while."""

_REFUSALS = {
    Outcome.UNKNOWN_DATASTREAM: ("Datastream", "there is no such entity"),
    Outcome.UNKNOWN_FEATURE: ("FeatureOfInterest", "there is no such entity"),
    Outcome.NO_LOCATION: ("FeatureOfInterest", "the thing has no location to make one of"),
}
_KEPT = (Outcome.KEPT, Outcome.DUPLICATE)


class Service:
    """Creates, changes and deletes entities.

    Args:
        reader: reads, and gives connections.
        ingest: the pipeline that keeps observations.
        gate: knows which streams a token of a district may write.
        news: is told of created and changed entities.
    """

    def __init__(self, reader: Reader, ingest: Ingest, gate: Gate, *, news: EntityNews) -> None:
        """Take all four."""
        self.reader, self._ingest, self._gate, self._news, self._places = reader, ingest, gate, news, Places()

    async def observe(
        self, body: bytes, allowed: Allowed | None, *, stream: int, retry_key: str, base: str
    ) -> tuple[str, bytes] | None:
        """Keep one observation of the usual form and return its address and JSON.

        Returns:
            None where the body must be read the careful way.

        Raises:
            CityloopError: if it cannot be kept.
        """
        plain = plain_reading(body, stream=stream)
        if plain is None:
            return None
        await self._gate.check_streams(allowed, plain[:1])
        key = await self.kept_one(*plain, retry_key=retry_key)
        return f"{base}/Observations({key})", shown(key, plain[2]).replace(BASE, base).encode()

    async def kept_one(self, stream: int, feature: int, reading: Reading, *, retry_key: str) -> int:
        """Keep one observation and return its id.

        Raises:
            BodyError: if the pipeline refuses it.
        """
        kept = await self._ingest.keep(one(stream, feature, reading), idempotent=False, retry_key=retry_key)
        outcome = Outcome(int(kept.outcome[0]))
        if outcome not in _KEPT:
            raise BodyError(*_REFUSALS.get(outcome, ("result", "this value cannot be kept")))
        return int(kept.observation_id[0])

    async def observe_arrays(self, body: bytes, allowed: Allowed | None, *, retry_key: str, base: str) -> bytes:
        """Keep data arrays and return the JSON that says what became of each row.

        Raises:
            CityloopError: if the body cannot be read.
        """
        arrays = read_arrays(body)
        if not len(arrays.readings):
            return answer_body(arrays, np.empty(0, dtype=np.int64), [], base=base)
        if allowed is not None:
            await self._gate.check_streams(allowed, arrays.readings.datastream_id.tolist())
        answer: Kept = await self._ingest.keep(arrays.readings, idempotent=False, retry_key=retry_key)
        kept = (answer.outcome <= Outcome.DUPLICATE).tolist()
        return answer_body(arrays, answer.observation_id, kept, base=base)

    async def create(self, path: str, body: object, *, retry_key: str, base: str) -> tuple[str, bytes]:
        """Create an entity and return its address and JSON.

        Raises:
            CityloopError: if it cannot be created; then nothing was.
        """
        resource = read_path(path)
        step = resource.last
        if not step.is_collection or resource.references or resource.member is not None:
            raise MethodError(method="POST")
        parent = resource.steps[:-1]
        given: dict[str, int] = {}
        if parent:
            back = inverse_of(parent[-1].entity, step.entity)
            key = await self.entity_id(Resource(parent), path.rpartition("/")[0])
            given = {back.name: key} if back is not None else {}
        draft = draft_of(step.entity, body, given=given)
        key, written = await self._insert(draft)
        key = await self._keep_queued(written, step.entity, key, retry_key=retry_key)
        address = f"{base}/{step.entity.collection}({key})"
        if draft.entity is OBSERVATION and draft.reading is not None:
            return address, shown(key, draft.reading).replace(BASE, base).encode()
        return address, (await self.reader.read(f"{step.entity.collection}({key})", "", base=base))[2]

    async def _insert(self, draft: Draft) -> tuple[int, Written]:
        async with self.writing() as writer:
            key = await writer.create(draft)
            return key, writer.written

    async def _keep_queued(self, written: Written, entity: EntityType, key: int, *, retry_key: str) -> int:
        """Give the observations of a deep insert to the pipeline; if it refuses them, what was created goes again."""
        if not written.readings:
            return key
        try:
            if entity is OBSERVATION:
                return await self.kept_one(*written.readings[0], retry_key=retry_key)
            kept = await self._ingest.keep(several(written.readings), idempotent=False, retry_key=retry_key)
            refused = kept.outcome[kept.outcome > Outcome.DUPLICATE]
            if len(refused):
                raise BodyError(*_REFUSALS.get(Outcome(int(refused[0])), ("result", "this value cannot be kept")))
        except CityloopError:
            async with self.writing() as writer:
                for name, created in reversed(written.created):
                    await delete_entity(writer.connection, name, created)
            raise
        return key

    async def entity_id(self, resource: Resource, path: str) -> int:
        """Return the id of the one entity a path names.

        Raises:
            UnknownPathError: if there is none.
        """
        if resource.last.is_collection or resource.references or resource.member is not None:
            raise MethodError(method="POST")
        _, _, body = await self.reader.read(path, "$select=@iot.id", base="")
        return int(msgspec.json.decode(body)["@iot.id"])

    async def change(self, path: str, body: object, *, method: str, is_patch: bool, base: str) -> bytes:
        """Change an entity and return its JSON.

        Args:
            path: of the entity.
            body: decoded JSON.
            method: `PATCH` or `PUT`.
            is_patch: whether the body is a JSON Patch.
            base: address of the service root.

        Raises:
            CityloopError: if it cannot be changed.
        """
        resource = read_path(path)
        if resource.last.is_collection or resource.references or resource.member is not None:
            raise MethodError(method=method)
        entity = resource.last.entity
        key = await self.entity_id(resource, path)
        own = f"{entity.collection}({key})"
        if is_patch:
            body = patched(await self._document(entity, own), body)
        draft = draft_of(entity, body, partial=True)
        if is_patch or method == "PUT":
            draft = _replacing(entity, body, draft)
        async with self.writing() as writer:
            await writer.update(draft, key)
        return (await self.reader.read(own, "", base=base))[2]

    async def _document(self, entity: EntityType, own: str) -> dict[str, Any]:
        _, _, text = await self.reader.read(own, "", base="")
        document = msgspec.json.decode(text)
        return {item.name: document[item.name] for item in entity.properties if item.column and item.name in document}

    async def delete(self, path: str) -> None:
        """Delete an entity with what cannot be without it.

        Raises:
            CityloopError: if there is none.
        """
        resource = read_path(path)
        if resource.last.is_collection or resource.references or resource.member is not None:
            raise MethodError(method="DELETE")
        key = await self.entity_id(resource, path)
        async with self.writing() as writer:
            await delete_entity(writer.connection, resource.last.entity.name, key)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Writer]:
        """Give a writer within a transaction.

        Raises:
            BodyError: if an entity it needs was deleted meanwhile.
        """
        try:
            async with self.reader.connection() as connection, connection.transaction():
                await connection.execute(f"SET LOCAL statement_timeout = {WRITE_MS_MAX}")
                yield Writer(connection, self._places)
        except psycopg.errors.ForeignKeyViolation as error:
            raise UnknownPathError(path="") from error


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
