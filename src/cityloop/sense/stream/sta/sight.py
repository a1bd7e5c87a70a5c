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

    def rows(self, entity: EntityType, table: str, add: Add, *, is_named: bool) -> str:
        """Return a subquery of the rows of a table that are seen.

        Args:
            entity: what the rows are.
            table: the table, or a subquery with more columns.
            add: keeps values of the statement.
            is_named: whether the row is named by its id, so that dearer ways to see it are worth their price.
        """
        seen = _SEEN.get(entity.name)
        condition = seen(self, add) if seen is not None else "FALSE"
        if entity.name == "FeatureOfInterest" and is_named:
            condition = f"({condition} OR {_observed(self, add)})"
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


def _streams(sight: Sight, add: Add, column: str) -> str:
    return f"SELECT d.{column} FROM sense_datastream d WHERE {sight.seen_stream('d', add)}"


def _things(sight: Sight, add: Add) -> str:
    used = _streams(sight, add, "thing_id")
    if not sight.may_read:
        return used
    outside = sight.inside("e", add).removeprefix(" AND ")
    nowhere_else = (
        f" AND NOT EXISTS (SELECT 1 FROM sense_datastream e WHERE e.thing_id = o.id AND NOT {outside})"
        if outside
        else ""
    )
    owner = add(sight.organisation, "text")
    return f"{used} UNION SELECT o.id FROM sense_thing o WHERE o.owner = {owner}{nowhere_else}"


def _locations(sight: Sight, add: Add) -> str:
    things = _things(sight, add)
    return (
        f"SELECT x.location_id FROM sense_thinglocation x WHERE x.thing_id IN ({things}) "
        "UNION SELECT x.location_id FROM sense_historicallocation h "
        f"JOIN sense_historicalplace x ON x.historical_id = h.id WHERE h.thing_id IN ({things})"
    )


def _features(sight: Sight, add: Add) -> str:
    """Return the features of the newest observations and those made from places: both found through their streams.

    Closed days are not opened for it: a feature that only they name is seen by its id, or from its observations.
    """
    newest = "o.datastream_id = l.datastream_id AND o.phenomenon_time = l.phenomenon_time AND o.id = l.id"
    latest = f"sense_datastream d JOIN sense_latest l ON l.datastream_id = d.id AND {sight.seen_stream('d', add)}"
    observed = f"SELECT o.feature_id FROM {latest} JOIN {_HOT} o ON {newest}"
    return f"SELECT l.feature_id FROM {latest} UNION {observed}"


def _observed(sight: Sight, add: Add) -> str:
    streams = _streams(sight, add, "id")
    return f"({' OR '.join(f'EXISTS ({use} IN ({streams}))' for use in _OBSERVED)})"


_SEEN: dict[str, Callable[[Sight, Add], str]] = {
    "Thing": lambda sight, add: f"v.id IN ({_things(sight, add)})",
    "Location": lambda sight, add: f"v.id IN ({_locations(sight, add)})",
    "HistoricalLocation": lambda sight, add: f"v.thing_id IN ({_things(sight, add)})",
    "Datastream": lambda sight, add: sight.seen_stream("v", add),
    "Sensor": lambda sight, add: f"v.id IN ({_streams(sight, add, 'sensor_id')})",
    "ObservedProperty": lambda sight, add: f"v.id IN ({_streams(sight, add, 'observed_property_id')})",
    "Observation": lambda sight, add: f"v.datastream_id IN ({_streams(sight, add, 'id')})",
    "FeatureOfInterest": lambda sight, add: f"v.id IN ({_features(sight, add)})",
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
}
"""When a row `v` of an entity type is the token's own, together with all its uses."""
