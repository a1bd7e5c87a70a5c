"""What a limited token sees and what is its own, as conditions in SQL that go wherever a table of entities goes.

The datastream decides: all else is seen because a datastream is seen that uses it. An entity set that has no
condition here is seen by nobody.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cityloop.kernel.areas import CITY, AreaCode, AreaLevel, level_of
from cityloop.sense.stream.archive.asking import NOTHING, marked
from cityloop.sense.stream.sta.names import EntityType

Add = Callable[[Any, str], str]
"""Keeps a value of a statement and returns its place."""

_HOT = marked(NOTHING)
_PACKED = "coalesce(o.feature_all, v.id) = v.id AND (o.feature_all IS NOT NULL OR o.feature_id @> ARRAY[v.id])"
_OBSERVED = (
    f"SELECT 1 FROM {_HOT} o WHERE o.feature_id = v.id AND o.datastream_id",
    f"SELECT 1 FROM sense_packedday o WHERE {_PACKED} AND o.datastream_id",
)
"""How observations name a feature `v`, single ones and those of packed days; a condition on their stream follows."""

OWNED = ("Thing", "Datastream")
"""Entity types whose rows name their owner."""

SHARED = ("ObservedProperty", "FeatureOfInterest")
"""Entity types that may be linked to by whoever sees them."""


@dataclass(frozen=True, slots=True)
class Sight:
    """Whose data are seen.

    Attributes:
        organisation: whose own data are seen, empty for nobody's.
        datasets: data sets that are seen.
        area: the area outside which nothing is seen.
        thing_id: of a device the thing whose streams alone are meant, else None.
    """

    organisation: str
    datasets: frozenset[str] = frozenset()
    area: AreaCode = CITY
    thing_id: int | None = None

    @property
    def may_read(self) -> bool:
        """Return whether anything can be read at all: devices and machines of nobody only bring readings."""
        return bool(self.organisation) and self.thing_id is None

    @property
    def may_shape(self) -> bool:
        """Return whether entities can be created and changed: those of an organisation, by its own machines."""
        return self.may_read

    def rows(self, entity: EntityType, table: str, add: Add) -> str:
        """Return a subquery of the rows of a table that are seen.

        Args:
            entity: what the rows are.
            table: the table, or a subquery with more columns.
            add: keeps values of the statement.
        """
        seen = _SEEN.get(entity.name)
        condition = seen(self, add) if seen is not None else "FALSE"
        return f"(SELECT v.* FROM {table} v WHERE {condition})"

    def owned(self, entity: EntityType, add: Add) -> str:
        """Return the condition that a row `v` is the token's own, with all that depends on it."""
        mine = _MINE.get(entity.name)
        return mine(self, add) if mine is not None else "FALSE"

    def seen_stream(self, alias: str, add: Add) -> str:
        """Return the condition that a datastream is seen."""
        if not self.may_read:
            return self.own_stream(alias, add)
        ways = [f"{alias}.owner = {add(self.organisation, 'text')}"]
        if self.datasets:
            ways.append(f"{alias}.dataset = ANY ({add(sorted(self.datasets), 'text[]')})")
        return f"(({' OR '.join(ways)}){self.inside(alias, add)})"

    def own_stream(self, alias: str, add: Add) -> str:
        """Return the condition that a datastream is the token's own: its thing's, its organisation's, its area's."""
        if self.thing_id is not None:
            way = f"{alias}.thing_id = {add(self.thing_id, 'bigint')}"
        elif self.organisation:
            way = f"{alias}.owner = {add(self.organisation, 'text')}"
        else:
            way = "TRUE"
        return f"({way}{self.inside(alias, add)})"

    def inside(self, alias: str, add: Add) -> str:
        """Return the further condition that a datastream lies in the area."""
        if self.area == CITY:
            return ""
        prefix = self.area[:2] if level_of(self.area) is AreaLevel.CITY else self.area
        return f" AND starts_with({alias}.area, {add(prefix, 'text')})"


def _by_stream(sight: Sight, add: Add, link: str, *, table: str = "sense_datastream d") -> str:
    """Return the condition that a seen datastream leads to a row.

    A correlated EXISTS, for PostgreSQL asks it row by row where few rows are looked at, and of a hash where many are.
    """
    return f"EXISTS (SELECT 1 FROM {table} WHERE {link} AND {sight.seen_stream('d', add)})"


def _own_row(sight: Sight, add: Add, alias: str) -> str:
    """Return the condition that a thing is the organisation's own and does not stand outside the area."""
    outside = sight.inside("e", add).removeprefix(" AND ")
    elsewhere = f"SELECT 1 FROM sense_datastream e WHERE e.thing_id = {alias}.id AND NOT {outside}"
    owned = f"{alias}.owner = {add(sight.organisation, 'text')}"
    return f"({owned} AND NOT EXISTS ({elsewhere}))" if outside else f"({owned})"


def _by_thing(sight: Sight, add: Add, *, table: str, thing: str, link: str) -> str:
    """Return the condition that a seen thing leads to a row: it has a seen datastream, or is one's own.

    Args:
        sight: whose data are seen.
        add: keeps values of the statement.
        table: leads from the row to the thing; empty where the row names it.
        thing: the thing's id.
        link: the condition that leads from the row to the table, empty where there is none.
    """
    join = f"{table} JOIN " if table else ""
    reached = f"{link} AND " if link else ""
    on = " ON " if table else " WHERE "
    ways = [f"sense_datastream d{on}d.thing_id = {thing}", f"sense_thing o{on}o.id = {thing}"]
    conditions = [sight.seen_stream("d", add), _own_row(sight, add, "o")]
    found = [
        f"EXISTS (SELECT 1 FROM {join}{way}{' WHERE ' if table else ' AND '}{reached}{condition})"
        for way, condition in zip(ways, conditions, strict=True)
    ]
    return " OR ".join(found[:2] if sight.may_read else found[:1])


def _thing(sight: Sight, add: Add) -> str:
    used = _by_stream(sight, add, "d.thing_id = v.id")
    return f"({used} OR {_own_row(sight, add, 'v')})" if sight.may_read else used


def _location(sight: Sight, add: Add) -> str:
    now = _by_thing(sight, add, table="sense_thinglocation x", thing="x.thing_id", link="x.location_id = v.id")
    entries = "sense_historicalplace x JOIN sense_historicallocation h ON h.id = x.historical_id"
    then = _by_thing(sight, add, table=entries, thing="h.thing_id", link="x.location_id = v.id")
    return f"({now} OR {then})"


def _historical(sight: Sight, add: Add) -> str:
    return f"({_by_thing(sight, add, table='', thing='v.thing_id', link='')})"


_CAPABILITIES = "sense_taskingcapability c"


def _capability(sight: Sight, add: Add) -> str:
    return f"({_by_thing(sight, add, table='', thing='v.thing_id', link='')})"


def _actuator(sight: Sight, add: Add) -> str:
    return f"({_by_thing(sight, add, table=_CAPABILITIES, thing='c.thing_id', link='c.actuator_id = v.id')})"


def _task(sight: Sight, add: Add) -> str:
    return f"({_by_thing(sight, add, table=_CAPABILITIES, thing='c.thing_id', link='c.id = v.capability_id')})"


def _feature(sight: Sight, add: Add) -> str:
    """Return that a feature was made from the place of a seen stream, or is the one of its newest observation.

    Both are found through the stream. Older ones are reached from their observations only: no index leads from a
    feature to its observations, and a search through all of them would tell by its time what is not seen.
    """
    latest = "sense_datastream d JOIN sense_latest l ON l.datastream_id = d.id"
    newest = "o.datastream_id = l.datastream_id AND o.phenomenon_time = l.phenomenon_time AND o.id = l.id"
    made = _by_stream(sight, add, "l.feature_id = v.id", table=latest)
    observed = _by_stream(sight, add, "o.feature_id = v.id", table=f"{latest} JOIN {_HOT} o ON {newest}")
    return f"({made} OR {observed})"


def _own_capability(sight: Sight, add: Add, alias: str) -> str:
    own = _own_thing(sight, add, "o")
    return f"EXISTS (SELECT 1 FROM sense_thing o WHERE o.id = {alias}.thing_id AND {own})"


def _own_actuator(sight: Sight, add: Add) -> str:
    uses = "SELECT 1 FROM sense_taskingcapability c WHERE c.actuator_id = v.id AND"
    own = _own_capability(sight, add, "c")
    return f"(EXISTS ({uses} {own}) AND NOT EXISTS ({uses} NOT {own}))"


def _own_task(sight: Sight, add: Add) -> str:
    own = _own_capability(sight, add, "c")
    return f"EXISTS (SELECT 1 FROM sense_taskingcapability c WHERE c.id = v.capability_id AND {own})"


_SEEN: dict[str, Callable[[Sight, Add], str]] = {
    "Thing": _thing,
    "Location": _location,
    "HistoricalLocation": _historical,
    "Datastream": lambda sight, add: sight.seen_stream("v", add),
    "Sensor": lambda sight, add: _by_stream(sight, add, "d.sensor_id = v.id"),
    "ObservedProperty": lambda sight, add: _by_stream(sight, add, "d.observed_property_id = v.id"),
    "Observation": lambda sight, add: _by_stream(sight, add, "d.id = v.datastream_id"),
    "FeatureOfInterest": _feature,
    "TaskingCapability": _capability,
    "Actuator": _actuator,
    "Task": _task,
}
"""When a row `v` of an entity type is seen."""


def _own_streams(sight: Sight, add: Add) -> str:
    return f"SELECT d.id FROM sense_datastream d WHERE {sight.own_stream('d', add)}"


def _own_thing(sight: Sight, add: Add, alias: str) -> str:
    foreign = f"SELECT 1 FROM sense_datastream d WHERE d.thing_id = {alias}.id AND NOT {sight.own_stream('d', add)}"
    return f"({alias}.owner = {add(sight.organisation, 'text')} AND NOT EXISTS ({foreign}))"


def _used_by_own(sight: Sight, add: Add, column: str) -> str:
    uses, own = f"SELECT 1 FROM sense_datastream d WHERE d.{column} = v.id AND", sight.own_stream("d", add)
    return f"(EXISTS ({uses} {own}) AND NOT EXISTS ({uses} NOT {own}))"


def _own_location(sight: Sight, add: Add) -> str:
    own = _own_thing(sight, add, "o")
    now = "sense_thinglocation x JOIN sense_thing o ON o.id = x.thing_id"
    then = (
        "sense_historicalplace x JOIN sense_historicallocation h ON h.id = x.historical_id "
        "JOIN sense_thing o ON o.id = h.thing_id"
    )
    ways = [f"SELECT 1 FROM {way} WHERE x.location_id = v.id AND" for way in (now, then)]
    used = " OR ".join(f"EXISTS ({way} {own})" for way in ways)
    foreign = " OR ".join(f"EXISTS ({way} NOT {own})" for way in ways)
    return f"(({used}) AND NOT ({foreign}))"


def _own_feature(sight: Sight, add: Add) -> str:
    own = _own_streams(sight, add)
    uses = ("SELECT 1 FROM sense_latest l WHERE l.feature_id = v.id AND l.datastream_id", *_OBSERVED)
    used = " OR ".join(f"EXISTS ({use} IN ({own}))" for use in uses)
    foreign = " OR ".join(f"EXISTS ({use} NOT IN ({own}))" for use in uses)
    return f"(({used}) AND NOT ({foreign}))"


_MINE: dict[str, Callable[[Sight, Add], str]] = {
    "Thing": lambda sight, add: _own_thing(sight, add, "v"),
    "Location": _own_location,
    "HistoricalLocation": lambda sight, add: (
        f"EXISTS (SELECT 1 FROM sense_thing o WHERE o.id = v.thing_id AND {_own_thing(sight, add, 'o')})"
    ),
    "Datastream": lambda sight, add: sight.own_stream("v", add),
    "Sensor": lambda sight, add: _used_by_own(sight, add, "sensor_id"),
    "ObservedProperty": lambda sight, add: _used_by_own(sight, add, "observed_property_id"),
    "Observation": lambda sight, add: f"v.datastream_id IN ({_own_streams(sight, add)})",
    "FeatureOfInterest": _own_feature,
    "TaskingCapability": lambda sight, add: _own_capability(sight, add, "v"),
    "Actuator": _own_actuator,
    "Task": _own_task,
}
"""When a row `v` of an entity type is the token's own, together with all its uses."""
