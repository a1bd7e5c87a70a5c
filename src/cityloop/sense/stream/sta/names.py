"""The one mapping between the names of SensorThings 1.1 and the tables; another version is another mapping."""

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a property holds."""

    ID = "id"
    TEXT = "text"
    JSON = "json"
    GEO = "geo"
    TIME = "time"
    SPAN = "span"
    RESULT = "result"


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """A property of an entity type.

    Attributes:
        name: as the interface calls it.
        kind: what it holds.
        sql: its value; `{a}` stands for the table's alias.
        end: of a span its end, NULL where it is an instant.
        column: the column it is written to, empty where the service keeps it.
        required: whether a new entity must bring it.
        always: whether it is shown as null where it is absent.
    """

    name: str
    kind: Kind
    sql: str
    end: str = ""
    column: str = ""
    required: bool = False
    always: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Navigation:
    """A relation to another entity type.

    Attributes:
        name: as the interface calls it.
        target: name of the other entity type.
        many: whether it leads to a collection.
        on: which rows it joins; `{s}` and `{t}` stand for the aliases of source and target.
        column: the column of the source that holds the target's id, empty where it is kept elsewhere.
        required: whether a new entity must bring it.
    """

    name: str
    target: str
    many: bool
    on: str
    column: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityType:
    """An entity type.

    Attributes:
        name: of one entity.
        collection: of the entity set.
        table: the table that is written.
        source: what is read: the table, or a subquery with more columns.
        properties: in the order they are shown.
        navigations: in the order they are shown.
        order: the default order, `{a}` stands for the alias; ends with the id.
    """

    name: str
    collection: str
    table: str
    source: str
    properties: tuple[Property, ...]
    navigations: tuple[Navigation, ...]
    order: str = "{a}.id"

    def property_named(self, name: str) -> Property | None:
        """Return the property of a name, or None; the id answers to `id` and `@iot.id`."""
        if name in ("id", "@iot.id"):
            return ID
        return next((item for item in self.properties if item.name == name), None)

    def navigation_named(self, name: str) -> Navigation | None:
        """Return the navigation of a name, or None."""
        return next((item for item in self.navigations if item.name == name), None)


ID = Property(name="@iot.id", kind=Kind.ID, sql="{a}.id")


def _text(name: str, column: str = "", *, required: bool = True) -> Property:
    column = column or name
    return Property(name=name, kind=Kind.TEXT, sql=f"{{a}}.{column}", column=column, required=required)


def _json(name: str, column: str = "", *, required: bool = False) -> Property:
    column = column or name
    return Property(name=name, kind=Kind.JSON, sql=f"{{a}}.{column}", column=column, required=required)


def _geo(name: str, column: str, *, required: bool) -> Property:
    return Property(name=name, kind=Kind.GEO, sql=f"{{a}}.{column}", column=column, required=required)


def _to(name: str, target: str, column: str) -> Navigation:
    return Navigation(
        name=name, target=target, many=False, on=f"{{t}}.id = {{s}}.{column}", column=column, required=True
    )


def _from(name: str, target: str, column: str) -> Navigation:
    return Navigation(name=name, target=target, many=True, on=f"{{t}}.{column} = {{s}}.id")


def _through(name: str, target: str, table: str, *, mine: str, other: str) -> Navigation:
    on = f"{{t}}.id IN (SELECT x.{other} FROM {table} x WHERE x.{mine} = {{s}}.id)"
    return Navigation(name=name, target=target, many=True, on=on)


_NAME, _DESCRIPTION, _PROPERTIES = _text("name"), _text("description"), _json("properties")
_ENCODING = _text("encodingType", "encoding_type")
_STREAMS = """(
    SELECT d.*, l.first_time, l.last_time, l.first_result_time, l.last_result_time, l.phenomenon_time AS newest_time
    FROM sense_datastream d LEFT JOIN sense_latest l ON l.datastream_id = d.id
)"""
_UNIT = "jsonb_build_object('name', {a}.unit_name, 'symbol', {a}.unit_symbol, 'definition', {a}.unit_definition)"

THING = EntityType(
    name="Thing",
    collection="Things",
    table="sense_thing",
    source="sense_thing",
    properties=(_NAME, _DESCRIPTION, _PROPERTIES),
    navigations=(
        _through("Locations", "Location", "sense_thinglocation", mine="thing_id", other="location_id"),
        _from("HistoricalLocations", "HistoricalLocation", "thing_id"),
        _from("Datastreams", "Datastream", "thing_id"),
        _from("TaskingCapabilities", "TaskingCapability", "thing_id"),
    ),
)

LOCATION = EntityType(
    name="Location",
    collection="Locations",
    table="sense_location",
    source="sense_location",
    properties=(_NAME, _DESCRIPTION, _ENCODING, _geo("location", "location", required=True), _PROPERTIES),
    navigations=(
        _through("Things", "Thing", "sense_thinglocation", mine="location_id", other="thing_id"),
        _through(
            "HistoricalLocations",
            "HistoricalLocation",
            "sense_historicalplace",
            mine="location_id",
            other="historical_id",
        ),
    ),
)

HISTORICAL_LOCATION = EntityType(
    name="HistoricalLocation",
    collection="HistoricalLocations",
    table="sense_historicallocation",
    source="sense_historicallocation",
    properties=(Property(name="time", kind=Kind.TIME, sql="{a}.time", column="time", required=True),),
    navigations=(
        _to("Thing", "Thing", "thing_id"),
        _through("Locations", "Location", "sense_historicalplace", mine="historical_id", other="location_id"),
    ),
)

DATASTREAM = EntityType(
    name="Datastream",
    collection="Datastreams",
    table="sense_datastream",
    source=_STREAMS,
    properties=(
        _NAME,
        _DESCRIPTION,
        _text("observationType", "observation_type"),
        Property(name="unitOfMeasurement", kind=Kind.JSON, sql=_UNIT, column="unit", required=True),
        _geo("observedArea", "observed_area", required=False),
        Property(name="phenomenonTime", kind=Kind.SPAN, sql="{a}.first_time", end="{a}.last_time"),
        Property(name="resultTime", kind=Kind.SPAN, sql="{a}.first_result_time", end="{a}.last_result_time"),
        _PROPERTIES,
    ),
    navigations=(
        _to("Thing", "Thing", "thing_id"),
        _to("Sensor", "Sensor", "sensor_id"),
        _to("ObservedProperty", "ObservedProperty", "observed_property_id"),
        _from("Observations", "Observation", "datastream_id"),
    ),
)

SENSOR = EntityType(
    name="Sensor",
    collection="Sensors",
    table="sense_sensor",
    source="sense_sensor",
    properties=(_NAME, _DESCRIPTION, _ENCODING, _json("metadata", required=True), _PROPERTIES),
    navigations=(_from("Datastreams", "Datastream", "sensor_id"),),
)

OBSERVED_PROPERTY = EntityType(
    name="ObservedProperty",
    collection="ObservedProperties",
    table="sense_observedproperty",
    source="sense_observedproperty",
    properties=(_NAME, _text("definition"), _DESCRIPTION, _PROPERTIES),
    navigations=(_from("Datastreams", "Datastream", "observed_property_id"),),
)

OBSERVATION = EntityType(
    name="Observation",
    collection="Observations",
    table="sense_observation",
    source="sense_observation",
    properties=(
        Property(
            name="phenomenonTime",
            kind=Kind.SPAN,
            sql="{a}.phenomenon_time",
            end="{a}.phenomenon_end",
            column="phenomenon",
        ),
        Property(name="resultTime", kind=Kind.TIME, sql="{a}.result_time", column="result_time", always=True),
        Property(name="result", kind=Kind.RESULT, sql="{a}.result", column="result", required=True, always=True),
        _json("resultQuality", "result_quality"),
        Property(name="validTime", kind=Kind.SPAN, sql="{a}.valid_from", end="{a}.valid_until", column="valid"),
        _json("parameters"),
    ),
    navigations=(
        _to("Datastream", "Datastream", "datastream_id"),
        Navigation(
            name="FeatureOfInterest",
            target="FeatureOfInterest",
            many=False,
            on="{t}.id = {s}.feature_id",
            column="feature_id",
        ),
    ),
    order="{a}.phenomenon_time DESC, {a}.id DESC",
)

FEATURE_OF_INTEREST = EntityType(
    name="FeatureOfInterest",
    collection="FeaturesOfInterest",
    table="sense_feature",
    source="sense_feature",
    properties=(_NAME, _DESCRIPTION, _ENCODING, _geo("feature", "feature", required=True), _PROPERTIES),
    navigations=(_from("Observations", "Observation", "feature_id"),),
)

TASKING_CAPABILITY = EntityType(
    name="TaskingCapability",
    collection="TaskingCapabilities",
    table="sense_taskingcapability",
    source="sense_taskingcapability",
    properties=(
        _NAME,
        _DESCRIPTION,
        _json("taskingParameters", "tasking_parameters", required=True),
        _PROPERTIES,
    ),
    navigations=(
        _to("Thing", "Thing", "thing_id"),
        _to("Actuator", "Actuator", "actuator_id"),
        _from("Tasks", "Task", "capability_id"),
    ),
)

ACTUATOR = EntityType(
    name="Actuator",
    collection="Actuators",
    table="sense_actuator",
    source="sense_actuator",
    properties=(_NAME, _DESCRIPTION, _ENCODING, _json("metadata", required=True), _PROPERTIES),
    navigations=(_from("TaskingCapabilities", "TaskingCapability", "actuator_id"),),
)

_AT = "to_char({{a}}.{column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
_STANDING = ", ".join(
    [
        "'status', {a}.status, 'actor', {a}.actor, 'deliveries', {a}.deliveries, 'reason', nullif({a}.reason, '')",
        *(
            f"'{name}', {_AT.format(column=column)}"
            for name, column in (
                ("deadline", "deadline_at"),
                ("deliveredAt", "delivered_at"),
                ("acceptedAt", "accepted_at"),
                ("endedAt", "ended_at"),
            )
        ),
    ]
)

TASK = EntityType(
    name="Task",
    collection="Tasks",
    table="sense_task",
    source="sense_task",
    properties=(
        Property(name="creationTime", kind=Kind.TIME, sql="{a}.creation_time"),
        _json("taskingParameters", "tasking_parameters", required=True),
        Property(name="properties", kind=Kind.JSON, sql=f"jsonb_strip_nulls(jsonb_build_object({_STANDING}))"),
    ),
    navigations=(_to("TaskingCapability", "TaskingCapability", "capability_id"),),
)

ENTITY_TYPES = (
    THING,
    LOCATION,
    HISTORICAL_LOCATION,
    DATASTREAM,
    SENSOR,
    OBSERVED_PROPERTY,
    OBSERVATION,
    FEATURE_OF_INTEREST,
    TASKING_CAPABILITY,
    ACTUATOR,
    TASK,
)
BY_NAME = {entity.name: entity for entity in ENTITY_TYPES}
BY_COLLECTION = {entity.collection: entity for entity in ENTITY_TYPES}

CONTROLS = ("@iot.id", "@iot.selfLink")
GEOJSON_TYPES = ("application/geo+json", "application/vnd.geo+json")
