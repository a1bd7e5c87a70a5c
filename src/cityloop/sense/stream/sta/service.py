"""What can be done to the entities, apart from how it is asked for."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import numpy as np
import psycopg

from cityloop.kernel.errors import CityloopError
from cityloop.sense.stream.history.refusals import storable
from cityloop.sense.stream.readings import Ingest, Kept, Outcome
from cityloop.sense.stream.sta.arrays import answer_body, read_arrays
from cityloop.sense.stream.sta.deleting import delete_entity
from cityloop.sense.stream.sta.errors import BodyError, UnknownPathError
from cityloop.sense.stream.sta.names import BY_NAME, OBSERVATION
from cityloop.sense.stream.sta.news import EntityNews
from cityloop.sense.stream.sta.observations import Reading, one, plain_reading, several, shown
from cityloop.sense.stream.sta.places import Places
from cityloop.sense.stream.sta.reading import Reader
from cityloop.sense.stream.sta.rights import Allowed, Gate, sight_of
from cityloop.sense.stream.sta.showing import BASE
from cityloop.sense.stream.sta.sight import Sight
from cityloop.sense.stream.sta.work import Made, Work
from cityloop.sense.stream.sta.writing import Writer, Written
from cityloop.sense.stream.tasking.giving import Giver

WRITE_MS_MAX = 120_000
"""Longest time a statement of a write may take, milliseconds: deleting a long stream takes a while."""

_REFUSALS = {
    Outcome.UNKNOWN_DATASTREAM: ("Datastream", "there is no such entity"),
    Outcome.UNKNOWN_FEATURE: ("FeatureOfInterest", "there is no such entity"),
    Outcome.NO_LOCATION: ("FeatureOfInterest", "the thing has no location to make one of"),
}
_KEPT = (Outcome.KEPT, Outcome.DUPLICATE)
_NOT_STORABLE = ("result", "this value cannot be kept")


class Service:
    """Creates, changes and deletes entities.

    Args:
        reader: reads, and gives connections.
        ingest: the pipeline that keeps observations.
        gate: knows which streams a limited token may write.
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
        if allowed is not None:
            await self._gate.check_streams(allowed, plain[:1])
            await self._gate.check_features(allowed, plain[1:2])
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
            raise BodyError(*_REFUSALS.get(outcome, _NOT_STORABLE))
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
            await self._gate.check_features(allowed, arrays.readings.feature_id.tolist())
        answer: Kept = await self._ingest.keep(arrays.readings, idempotent=False, retry_key=retry_key)
        kept = (answer.outcome <= Outcome.DUPLICATE).tolist()
        return answer_body(arrays, answer.observation_id, kept, base=base)

    async def create(
        self, path: str, body: object, allowed: Allowed | None, *, retry_key: str, base: str
    ) -> tuple[str, bytes]:
        """Create an entity and return its address and JSON.

        Raises:
            CityloopError: if it cannot be created; then nothing was.
        """
        sight = sight_of(allowed)
        async with self.working(sight, allowed) as work:
            made = await work.make(path, body)
        ids = await self.kept(work.writer.written, retry_key=retry_key)
        self.tell([made], work.writer.written)
        return await self.answered(made, ids, sight, base=base)

    async def answered(self, made: Made, ids: list[int], sight: Sight | None, *, base: str) -> tuple[str, bytes]:
        """Return address and JSON of what was created or changed.

        Args:
            made: the entity.
            ids: of the observations of its transaction.
            sight: whose data are seen.
            base: address of the service root.
        """
        key = ids[made.place] if made.entity is OBSERVATION and made.reading is not None else made.key
        address = f"{base}/{made.entity.collection}({key})"
        if made.reading is not None:
            return address, shown(key, made.reading).replace(BASE, base).encode()
        own = f"{made.entity.collection}({key})"
        return address, (await self.reader.read(own, "", base=base, sight=sight)).body

    async def kept(self, written: Written, *, retry_key: str = "") -> list[int]:
        """Give the observations of a transaction to the pipeline, all at once; return their ids.

        The entities are committed by then, for the pipeline has a connection of its own and must see them. What could
        be wrong with the observations themselves was found before; if the pipeline cannot take them now, what was
        created goes again.

        Raises:
            CityloopError: if they cannot be kept.
        """
        if not written.readings:
            return []
        try:
            kept = await self._ingest.keep(several(written.readings), idempotent=False, retry_key=retry_key)
            refused = kept.outcome[kept.outcome > Outcome.DUPLICATE]
            if len(refused):
                raise BodyError(*_REFUSALS.get(Outcome(int(refused[0])), _NOT_STORABLE))
        except CityloopError:
            async with self.working(None) as work:
                for name, created in reversed(written.created):
                    await delete_entity(work.writer.connection, name, created)
            raise
        return [int(key) for key in kept.observation_id]

    def tell(self, made: list[Made], written: Written) -> None:
        """Tell of all entities that a committed transaction has created or changed."""
        for name, key in written.created:
            self._news.changed(BY_NAME[name].collection, key, members=None)
        for item in made:
            if item.members is not None:
                self._news.changed(item.entity.collection, item.key, members=item.members)

    async def change(  # noqa: PLR0913  what is asked for
        self, path: str, body: object, allowed: Allowed | None, *, method: str, is_patch: bool, base: str
    ) -> bytes:
        """Change an entity and return its JSON.

        Args:
            path: of the entity.
            body: decoded JSON.
            allowed: what the sender may do.
            method: `PATCH` or `PUT`.
            is_patch: whether the body is a JSON Patch.
            base: address of the service root.

        Raises:
            CityloopError: if it cannot be changed.
        """
        sight = sight_of(allowed)
        async with self.working(sight, allowed) as work:
            made = await work.change(path, body, method=method, is_patch=is_patch)
        self.tell([made], work.writer.written)
        return (await self.answered(made, [], sight, base=base))[1]

    async def delete(self, path: str, allowed: Allowed | None) -> None:
        """Delete an entity with what cannot be without it.

        Raises:
            CityloopError: if there is none.
        """
        async with self.working(sight_of(allowed), allowed) as work:
            await work.remove(path)

    async def together(
        self, allowed: Allowed | None, steps: Callable[[Work], Awaitable[list[Made | None]]]
    ) -> tuple[list[Made | None], list[int]]:
        """Do several things in one transaction; return what was made and the ids of its observations.

        Args:
            allowed: what the sender may do.
            steps: does them.

        Raises:
            CityloopError: if one cannot be done; then none was.
        """
        async with self.working(sight_of(allowed), allowed) as work:
            made = await steps(work)
        ids = await self.kept(work.writer.written)
        self.tell([item for item in made if item is not None], work.writer.written)
        return made, ids

    @asynccontextmanager
    async def working(self, sight: Sight | None, allowed: Allowed | None = None) -> AsyncIterator[Work]:
        """Give a transaction to work in; what is not storable or not the token's own in the end undoes it.

        Raises:
            UnknownPathError: if an entity it needs was deleted meanwhile.
        """
        try:
            async with self.reader.connection() as connection, connection.transaction():
                await connection.execute(f"SET LOCAL statement_timeout = {WRITE_MS_MAX}")
                giver = giver_of(allowed)
                await connection.execute("SELECT set_config('cityloop.actor', %s, TRUE)", (giver.actor,))
                writer = Writer(connection, self._places, sight, giver=giver)
                work = Work(writer, self.reader.bound_to(connection), sight)
                yield work
                await work.writer.confirm()
                _check_storable(work.writer.written.readings)
        except psycopg.errors.ForeignKeyViolation as error:
            raise UnknownPathError(path="") from error


def giver_of(allowed: Allowed | None) -> Giver:
    """Return who gives tasks and changes entities; an open service, for tests only, lets everybody."""
    return Giver("system:anonymous", may_task=True) if allowed is None else Giver(allowed.actor, allowed.may_task)


def _check_storable(readings: list[tuple[int, int, Reading]]) -> None:
    if readings and not storable(several(readings)).all():
        raise BodyError(*_NOT_STORABLE)
