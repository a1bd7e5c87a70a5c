"""Creates and changes entities, each request in one transaction."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from psycopg import AsyncConnection
from psycopg.raw_cursor import AsyncRawCursor
from psycopg.sql import SQL, Identifier

from cityloop.kernel.instants import from_us
from cityloop.sense.stream.archive.returning import bring_back
from cityloop.sense.stream.features import make_features
from cityloop.sense.stream.readings import NO_TIME
from cityloop.sense.stream.sta.bodies import Draft, inverse_of
from cityloop.sense.stream.sta.deleting import lock_streams, recount
from cityloop.sense.stream.sta.errors import BodyError, LooseEntityError, TokenMayNotError
from cityloop.sense.stream.sta.names import (
    BY_NAME,
    DATASTREAM,
    ENTITY_TYPES,
    OBSERVATION,
    TASK,
    EntityType,
    Navigation,
)
from cityloop.sense.stream.sta.observations import Reading
from cityloop.sense.stream.sta.places import Places
from cityloop.sense.stream.sta.sight import OWNED, SHARED, Sight
from cityloop.sense.stream.sta.values import Parameters
from cityloop.sense.stream.tasking.giving import Giver, give_task

Connection = AsyncConnection[Any]
_JSON = {"properties", "location", "feature", "metadata", "observed_area", "tasking_parameters"}
_ABSENT = "there is no such entity"


@dataclass(slots=True)
class Written:
    """What a transaction has made.

    Attributes:
        readings: observations of a deep insert, still to be given to the pipeline: stream, feature, values.
        created: type and id of every entity made, in order, so that a failed deep insert can be taken back.
    """

    readings: list[tuple[int, int, Reading]] = field(default_factory=list)
    created: list[tuple[str, int]] = field(default_factory=list)


class Writer:
    """Writes drafts on one connection, within a transaction.

    Args:
        connection: within a transaction.
        places: moves things.
        sight: whose data are seen, None for everything.
        giver: who gives tasks; nobody may where it is None.
    """

    def __init__(
        self, connection: Connection, places: Places, sight: Sight | None = None, *, giver: Giver | None = None
    ) -> None:
        """Begin with nothing written."""
        self.giver = giver
        self.connection, self.places, self.sight, self.written = connection, places, sight, Written()

    async def create(self, draft: Draft, given: Mapping[str, int] | None = None) -> int:
        """Create an entity with all that is nested in it and return its id.

        An observation is only queued and has the id 0, for the pipeline still has to keep it.

        Args:
            draft: the entity.
            given: ids of owners by column.

        Raises:
            BodyError: if an entity it is linked to does not exist.
        """
        columns = {**draft.columns, **(given or {})}
        for navigation in draft.entity.navigations:
            if not navigation.many and navigation.name in draft.links:
                columns[navigation.column] = await self.linked(navigation, draft.links[navigation.name][0])
        if draft.entity is OBSERVATION:
            return await self.queue(draft, columns)
        key = await (self.give(columns) if draft.entity is TASK else self.insert(draft.entity, columns))
        self.written.created.append((draft.entity.name, key))
        if draft.entity is DATASTREAM:
            await self.connection.execute("INSERT INTO sense_latest (datastream_id) VALUES (%s)", (key,))
            await self.places.follow(self.connection, columns["thing_id"])
            await self.connection.execute("NOTIFY cityloop_datastreams")
        for navigation in draft.entity.navigations:
            if navigation.many and navigation.name in draft.links:
                await self.relate(draft.entity, key, navigation, draft.links[navigation.name])
        if draft.entity.name == "HistoricalLocation":
            await self.places.history_entered(self.connection, key, columns["thing_id"])
        return key

    async def linked(self, navigation: Navigation, link: int | Draft) -> int:
        """Return the id of a related entity, created where it is a draft."""
        if isinstance(link, Draft):
            return await self.create(link)
        await self.check(navigation, [link])
        return link

    async def check(self, navigation: Navigation, keys: list[int]) -> None:
        """Hold related entities, so that none is deleted before the transaction ends.

        Raises:
            BodyError: if one does not exist.
        """
        table = Identifier(BY_NAME[navigation.target].table)
        statement = SQL("SELECT id FROM {} WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE").format(table)
        found = await (await self.connection.execute(statement, (keys,))).fetchall()
        if len(found) < len(set(keys)):
            raise BodyError(field=navigation.name, reason=_ABSENT)
        target = BY_NAME[navigation.target]
        old = set(keys) - {key for name, key in self.written.created if name == target.name}
        if self.sight is None or not old:
            return
        if await self.seen(target, old) < len(old):
            raise BodyError(field=navigation.name, reason=_ABSENT)
        if target.name not in SHARED and await self.owned(target, old) < len(old):
            raise TokenMayNotError

    async def seen(self, entity: EntityType, keys: Collection[int]) -> int:
        """Return how many of some entities are seen."""
        parameters = Parameters()
        rows = entity.table
        if self.sight is not None:
            rows = self.sight.rows(entity, entity.table, parameters.once)
        return await self.counted(f"{rows} v WHERE TRUE", parameters, keys)

    async def owned(self, entity: EntityType, keys: Collection[int]) -> int:
        """Return how many of some entities are the token's own."""
        parameters = Parameters()
        condition = "TRUE" if self.sight is None else self.sight.owned(entity, parameters.once)
        return await self.counted(f"{entity.table} v WHERE {condition}", parameters, keys)

    async def counted(self, rows: str, parameters: Parameters, keys: Collection[int]) -> int:
        """Return how many rows there are of some ids."""
        sql = f"SELECT count(*) FROM {rows} AND v.id = ANY ({parameters.add(sorted(keys), 'bigint[]')})"
        found = await AsyncRawCursor(self.connection).execute(sql, parameters.values)
        row = await found.fetchone()
        return int(row[0]) if row is not None else 0

    async def require_own(self, entity: EntityType, key: int) -> None:
        """Refuse to change what is not the token's own.

        Raises:
            TokenMayNotError: if it is not, or what depends on it is not.
        """
        if self.sight is not None and not await self.owned(entity, [key]):
            raise TokenMayNotError

    async def confirm(self) -> None:
        """Refuse what a limited token has created where it is not its own in the end.

        Raises:
            LooseEntityError: if nothing of its own uses it.
        """
        if self.sight is None:
            return
        observed = {("FeatureOfInterest", feature) for _, feature, _ in self.written.readings}
        for entity in ENTITY_TYPES:
            new = {key for name, key in self.written.created if name == entity.name and (name, key) not in observed}
            if new and await self.owned(entity, new) < len(new):
                raise LooseEntityError(name=entity.name)

    async def insert(self, entity: EntityType, columns: Mapping[str, Any]) -> int:
        """Insert a row and return its id; a limited token's organisation owns it."""
        if self.sight is not None and entity.name in OWNED:
            columns = {**columns, "owner": self.sight.organisation}
        statement = SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING id").format(
            Identifier(entity.table),
            SQL(", ").join(map(Identifier, columns)),
            SQL(", ").join(map(_placeholder, columns)),
        )
        row = await (await self.connection.execute(statement, tuple(columns.values()))).fetchone()
        return int(row[0]) if row is not None else 0

    async def give(self, columns: Mapping[str, Any]) -> int:
        """Give a device a task.

        Raises:
            TokenMayNotError: if the sender may not.
            CityloopError: if the parameters are not those of the capability.
        """
        if self.giver is None or not self.giver.may_task:
            raise TokenMayNotError
        asked = columns["tasking_parameters"]
        return await give_task(
            self.connection, self.giver, capability_id=columns["capability_id"], parameters_json=asked
        )

    async def queue(self, draft: Draft, columns: Mapping[str, Any]) -> int:
        """Keep an observation for the pipeline; the transaction makes sure that the pipeline can take it."""
        stream, feature = int(columns["datastream_id"]), int(columns.get("feature_id") or 0)
        if not feature:
            await self.with_feature(stream)
        if draft.reading is not None:
            self.written.readings.append((stream, feature, draft.reading))
        return 0

    async def with_feature(self, stream: int) -> None:
        """Make a stream's feature of interest from its thing's location.

        Raises:
            BodyError: if the thing has none.
        """
        await lock_streams(self.connection, [stream])
        found = await self.connection.execute("SELECT feature_id FROM sense_latest WHERE datastream_id = %s", (stream,))
        row = await found.fetchone()
        if row is None:
            raise BodyError(field="Datastream", reason=_ABSENT)
        if row[0] is None and not await make_features(self.connection, [stream]):
            raise BodyError(field="FeatureOfInterest", reason="the thing has no location to make one of")

    async def relate(self, entity: EntityType, key: int, navigation: Navigation, links: list[int | Draft]) -> None:
        """Relate an entity to others of a collection, created where they are drafts."""
        back = inverse_of(entity, BY_NAME[navigation.target])
        known = [link for link in links if isinstance(link, int)]
        await self.check(navigation, known)
        drafts = [link for link in links if isinstance(link, Draft)]
        if back is not None and not back.many:
            for draft in drafts:
                await self.create(draft, {back.column: key})
            if known:
                await self.adopt(BY_NAME[navigation.target], back.column, key, known)
            return
        keys = known + [await self.create(draft) for draft in drafts]
        await self.relate_many(entity, key, navigation, keys)

    async def adopt(self, target: EntityType, column: str, key: int, children: list[int]) -> None:
        """Give entities that are there another owner.

        Raises:
            BodyError: for observations, which stay in their stream.
        """
        if target in (OBSERVATION, TASK):
            raise BodyError(field=target.collection, reason="an observation cannot be moved so")
        statement = SQL("UPDATE {} SET {} = %s WHERE id = ANY(%s)").format(Identifier(target.table), Identifier(column))
        await self.connection.execute(statement, (key, children))
        if column == "thing_id":
            await self.places.follow(self.connection, key)

    async def relate_many(self, entity: EntityType, key: int, navigation: Navigation, keys: list[int]) -> None:
        """Relate things, locations and entries of history to each other."""
        match entity.name, navigation.name:
            case "Thing", "Locations":
                await self.move(key, keys)
            case "Location", "Things":
                for thing in keys:
                    await self.move(thing, [key])
            case "HistoricalLocation", "Locations":
                await self.enter(key, keys)
            case "Location", "HistoricalLocations":
                for entry in keys:
                    await self.enter(entry, [key])

    async def move(self, thing: int, locations: list[int]) -> None:
        """Give a thing its locations."""
        entry = await self.places.move(self.connection, thing, locations)
        if entry:
            self.written.created.append(("HistoricalLocation", entry))

    async def enter(self, entry: int, locations: list[int]) -> None:
        """Name locations in an entry of history."""
        await self.connection.execute(
            "INSERT INTO sense_historicalplace (historical_id, location_id) "
            "SELECT %s, x FROM unnest(%s::bigint[]) x ON CONFLICT DO NOTHING",
            (entry, sorted(set(locations))),
        )

    async def update(self, draft: Draft, key: int) -> None:
        """Change an entity: the given columns and relations.

        Raises:
            BodyError: if it would create entities, or is linked to one that does not exist.
        """
        for name, links in draft.links.items():
            if any(isinstance(link, Draft) for link in links):
                raise BodyError(field=name, reason="an update names related entities by id")
        columns = dict(draft.columns)
        for navigation in draft.entity.navigations:
            if not navigation.many and navigation.name in draft.links:
                columns[navigation.column] = await self.linked(navigation, draft.links[navigation.name][0])
        if draft.entity is OBSERVATION:
            await self.update_observation(draft, key, columns)
            return
        if columns:
            pairs = SQL(", ").join(SQL("{} = {}").format(Identifier(c), _placeholder(c)) for c in columns)
            statement = SQL("UPDATE {} SET {} WHERE id = %s").format(Identifier(draft.entity.table), pairs)
            await self.connection.execute(statement, (*columns.values(), key))
        for navigation in draft.entity.navigations:
            if navigation.many and navigation.name in draft.links:
                await self.relate(draft.entity, key, navigation, draft.links[navigation.name])
        await self.updated(draft, key, columns)

    async def updated(self, draft: Draft, key: int, columns: Mapping[str, Any]) -> None:
        """Let what follows from a change happen."""
        if draft.entity is DATASTREAM:
            if "thing_id" in columns:
                await self.places.follow(self.connection, columns["thing_id"])
            await self.connection.execute("NOTIFY cityloop_datastreams")
        if draft.entity.name == "Location" and "location" in columns:
            await self.places.location_changed(self.connection, key)
        if draft.entity.name == "HistoricalLocation":
            found = await self.connection.execute("SELECT thing_id FROM sense_historicallocation WHERE id = %s", (key,))
            row = await found.fetchone()
            if row is not None:
                await self.places.history_entered(self.connection, key, row[0])

    async def update_observation(self, draft: Draft, key: int, columns: dict[str, Any]) -> None:
        """Change an observation and set its streams' extents anew."""
        reading = draft.reading or Reading()
        columns.update(_observation_columns(reading))
        await bring_back(self.connection, key)
        found = await self.connection.execute("SELECT datastream_id FROM sense_observation WHERE id = %s", (key,))
        row = await found.fetchone()
        if row is None or not columns:
            return
        streams = sorted({row[0], columns.get("datastream_id", row[0])})
        await lock_streams(self.connection, streams)
        pairs = SQL(", ").join(SQL("{} = {}").format(Identifier(c), _placeholder(c)) for c in columns)
        await self.connection.execute(_CORRECT.format(pairs), (row[0], key, *columns.values(), row[0], key))
        await recount(self.connection, streams)


_CORRECT = SQL("""
    WITH old AS (SELECT to_jsonb(o) AS was FROM sense_observation o WHERE datastream_id = %s AND id = %s),
    new AS (UPDATE sense_observation o SET {} WHERE datastream_id = %s AND id = %s
            RETURNING o.id, o.datastream_id, to_jsonb(o) AS became)
    INSERT INTO sense_correction (observation_id, datastream_id, actor, before, after)
    SELECT id, datastream_id, coalesce(current_setting('cityloop.actor', TRUE), ''), was, became FROM old, new
""")
"""What a reading was stays as a correction, so that a number made of it can still be explained."""


def _observation_columns(reading: Reading) -> dict[str, Any]:
    given, others = reading.given, reading.others
    columns: dict[str, Any] = {}
    if "result" in given:
        text = None if others is None or others.result_json is None else others.result_json.decode()
        columns |= {"result": None if text is not None else reading.result, "result_json": text}
    if "phenomenonTime" in given:
        end = None if others is None else others.phenomenon_end_us
        columns |= {"phenomenon_time": from_us(reading.phenomenon_us), "phenomenon_end": _instant(end)}
    if "resultTime" in given:
        columns["result_time"] = _instant(None if reading.result_us == NO_TIME else reading.result_us)
    if "validTime" in given:
        columns["valid_from"] = _instant(others.valid_from_us if others else None)
        columns["valid_until"] = _instant(others.valid_until_us if others else None)
    if "resultQuality" in given:
        columns["result_quality"] = _decoded(others.result_quality_json if others else None)
    if "parameters" in given:
        columns["parameters"] = _decoded(others.parameters_json if others else None)
    return columns


def _instant(instant_us: int | None) -> Any:
    return None if instant_us is None else from_us(instant_us)


def _decoded(text: bytes | None) -> str | None:
    return None if text is None else text.decode()


_JSON_COLUMNS = _JSON | {"result_json", "result_quality", "parameters"}


def _placeholder(column: str) -> SQL:
    if column in _JSON_COLUMNS:
        return SQL("%s::jsonb")
    return SQL("%s::timestamptz") if column == "time" else SQL("%s")
