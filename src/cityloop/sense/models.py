"""Tables of sense: the entities of OGC SensorThings 1.1 and what the pipeline keeps beside them.

The data plane reads and writes these tables with SQL of its own; the migration is their one definition.
"""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now


class Thing(models.Model):
    """A device or site (SensorThings Thing). `code` is `<project>/<thing code>` where a project declared it."""

    name = models.TextField()
    description = models.TextField()
    properties = models.JSONField(null=True)
    code = models.CharField(max_length=160, unique=True, null=True)  # noqa: DJ001  NULL means nobody declared it
    project = models.CharField(max_length=60, db_default="")
    owner = models.CharField(max_length=60, db_default="", db_index=True)

    class Meta:
        """Read by id and code."""

        db_table = "sense_thing"


class Feature(models.Model):
    """What was observed (SensorThings FeatureOfInterest); the bounding box serves the geographic filters."""

    name = models.TextField()
    description = models.TextField()
    encoding_type = models.TextField()
    feature = models.JSONField()
    properties = models.JSONField(null=True)
    west = models.FloatField(null=True)
    south = models.FloatField(null=True)
    east = models.FloatField(null=True)
    north = models.FloatField(null=True)

    class Meta:
        """Read by id."""

        db_table = "sense_feature"


class Location(models.Model):
    """Where a thing is or was; `feature` is the one made from it, NULL until an observation needs it."""

    name = models.TextField()
    description = models.TextField()
    encoding_type = models.TextField()
    location = models.JSONField()
    properties = models.JSONField(null=True)
    west = models.FloatField(null=True)
    south = models.FloatField(null=True)
    east = models.FloatField(null=True)
    north = models.FloatField(null=True)
    feature = models.ForeignKey(Feature, models.SET_NULL, null=True, related_name="+")
    code = models.CharField(max_length=160, unique=True, null=True)  # noqa: DJ001  NULL means nobody declared it

    class Meta:
        """Read by id and code."""

        db_table = "sense_location"


class ThingLocation(models.Model):
    """Which locations a thing has now."""

    pk = models.CompositePrimaryKey("thing_id", "location_id")
    thing = models.ForeignKey(Thing, models.CASCADE, related_name="+", db_index=False)
    location = models.ForeignKey(Location, models.CASCADE, related_name="+")

    class Meta:
        """Walked both ways."""

        db_table = "sense_thinglocation"


class HistoricalLocation(models.Model):
    """That a thing was somewhere from a moment on."""

    time = models.DateTimeField()
    thing = models.ForeignKey(Thing, models.CASCADE, related_name="+")

    class Meta:
        """Read by thing."""

        db_table = "sense_historicallocation"


class HistoricalPlace(models.Model):
    """Which locations a historical location names."""

    pk = models.CompositePrimaryKey("historical_id", "location_id")
    historical = models.ForeignKey(HistoricalLocation, models.CASCADE, related_name="+", db_index=False)
    location = models.ForeignKey(Location, models.CASCADE, related_name="+")

    class Meta:
        """Walked both ways."""

        db_table = "sense_historicalplace"


class Sensor(models.Model):
    """How something is observed; `metadata` is any JSON."""

    name = models.TextField()
    description = models.TextField()
    encoding_type = models.TextField()
    metadata = models.JSONField()
    properties = models.JSONField(null=True)
    code = models.CharField(max_length=160, unique=True, null=True)  # noqa: DJ001  NULL means nobody declared it

    class Meta:
        """Read by id and code."""

        db_table = "sense_sensor"


class ObservedProperty(models.Model):
    """What quantity is observed."""

    name = models.TextField()
    definition = models.TextField()
    description = models.TextField()
    properties = models.JSONField(null=True)
    code = models.CharField(max_length=160, unique=True, null=True)  # noqa: DJ001  NULL means nobody declared it

    class Meta:
        """Read by id and code."""

        db_table = "sense_observedproperty"


class Datastream(models.Model):
    """A stream of observations of one property of one thing by one sensor.

    `code` is `<project>/<stream code>`; area, longitude and latitude follow the thing's location. `owner` is the
    organisation whose data these are, `dataset` the catalogue's data set they belong to, `retention` the class that
    says how long they are kept; each empty where nobody said so.
    """

    name = models.TextField()
    description = models.TextField()
    observation_type = models.TextField()
    unit_name = models.TextField(null=True)  # noqa: DJ001  SensorThings allows null for unitless streams
    unit_symbol = models.TextField(null=True)  # noqa: DJ001
    unit_definition = models.TextField(null=True)  # noqa: DJ001
    observed_area = models.JSONField(null=True)
    properties = models.JSONField(null=True)
    thing = models.ForeignKey(Thing, models.CASCADE, related_name="+")
    sensor = models.ForeignKey(Sensor, models.CASCADE, related_name="+")
    observed_property = models.ForeignKey(ObservedProperty, models.CASCADE, related_name="+")
    code = models.CharField(max_length=160, unique=True, null=True)  # noqa: DJ001  NULL means nobody declared it
    project = models.CharField(max_length=60, db_default="", db_index=True)
    period_s = models.FloatField(null=True)
    decimals = models.SmallIntegerField(db_default=1)
    origin = models.CharField(max_length=12, db_default="live")
    area = models.CharField(max_length=15, db_default="110000")
    longitude = models.FloatField(null=True)
    latitude = models.FloatField(null=True)
    owner = models.CharField(max_length=60, db_default="", db_index=True)
    dataset = models.CharField(max_length=80, db_default="", db_index=True)
    retention = models.CharField(max_length=20, db_default="")

    class Meta:
        """Read by id, code, project, owner, data set."""

        db_table = "sense_datastream"


class Observation(models.Model):
    """One reading. Partitioned by day of `phenomenon_time` (UTC); made and written by SQL only.

    `result` holds the number; where the result is no finite number it is NULL and `result_json` holds it.
    """

    pk = models.CompositePrimaryKey("datastream_id", "phenomenon_time", "id")
    datastream_id = models.BigIntegerField()
    phenomenon_time = models.DateTimeField()
    id = models.BigIntegerField()
    result = models.FloatField(null=True)
    quality = models.SmallIntegerField(db_default=0)
    feature_id = models.BigIntegerField()
    result_time = models.DateTimeField(null=True)
    phenomenon_end = models.DateTimeField(null=True)
    result_json = models.JSONField(null=True)
    valid_from = models.DateTimeField(null=True)
    valid_until = models.DateTimeField(null=True)
    result_quality = models.JSONField(null=True)
    parameters = models.JSONField(null=True)

    class Meta:
        """Partitioned, hence made by SQL of the migration."""

        db_table = "sense_observation"
        managed = False


class Latest(models.Model):
    """The newest reading and the extents of a datastream; made and deleted with it.

    An absent row means that there is no such datastream. `feature_id` is the feature made from the thing's location,
    NULL where it must still be made.
    """

    datastream_id = models.BigIntegerField(primary_key=True)
    feature_id = models.BigIntegerField(null=True)
    id = models.BigIntegerField(null=True)
    phenomenon_time = models.DateTimeField(null=True)
    result = models.FloatField(null=True)
    result_json = models.JSONField(null=True)
    quality = models.SmallIntegerField(null=True)
    received_at = models.DateTimeField(null=True)
    first_time = models.DateTimeField(null=True)
    last_time = models.DateTimeField(null=True)
    first_result_time = models.DateTimeField(null=True)
    last_result_time = models.DateTimeField(null=True)

    class Meta:
        """Half-filled pages, for each row is rewritten often; hence made by SQL of the migration."""

        db_table = "sense_latest"
        managed = False


class Idempotency(models.Model):
    """The answer a batch got, by its sender's Idempotency-Key; kept for 24 h."""

    retry_key = models.CharField(primary_key=True, max_length=200)
    content = models.CharField(max_length=64, blank=True, db_default="")
    kept_at = models.DateTimeField(db_default=Now(), db_index=True)
    observation_ids = ArrayField(models.BigIntegerField())
    outcomes = ArrayField(models.SmallIntegerField())

    class Meta:
        """Read by key."""

        db_table = "sense_idempotency"


class Rejected(models.Model):
    """A message that was refused, with the reason; bounded by trimming."""

    received_at = models.DateTimeField(db_default=Now(), db_index=True)
    mouth = models.CharField(max_length=20)
    reason = models.CharField(max_length=60)
    detail = models.TextField(db_default="")
    source = models.CharField(max_length=200, db_default="")
    payload = models.BinaryField()

    class Meta:
        """Read newest first."""

        db_table = "sense_rejected"


class RejectedCount(models.Model):
    """How many messages were refused, by mouth, reason and UTC day; also those not kept one by one."""

    pk = models.CompositePrimaryKey("mouth", "reason", "day")
    mouth = models.CharField(max_length=20)
    reason = models.CharField(max_length=60)
    day = models.DateField()
    count = models.BigIntegerField(db_default=0)

    class Meta:
        """One row a mouth, reason and day."""

        db_table = "sense_rejectedcount"


class ClosedDay(models.Model):
    """A UTC day whose readings are packed, all but those that came late.

    `generations` counts the passes of the directory `sense_packedid`, which finds a packed reading by its id.
    """

    day = models.DateField(primary_key=True)
    generations = models.IntegerField(db_default=0)
    readings = models.BigIntegerField(db_default=0)
    streams = models.IntegerField(db_default=0)
    first_id = models.BigIntegerField()
    last_id = models.BigIntegerField()
    closed_at = models.DateTimeField(db_default=Now())

    class Meta:
        """Made by SQL of the migration, with the functions that read it."""

        db_table = "sense_closedday"
        managed = False


class PackedDay(models.Model):
    """A stream's readings of a closed day in one row; `sense_unpacked` gives them back as rows of `sense_observation`.

    Where `is_run` its ids are one run of a writer's lane, and the directory need not name them. The columns of the code
    itself are known to `stream.archive` and to the migration alone.
    """

    pk = models.CompositePrimaryKey("datastream_id", "day")
    datastream_id = models.BigIntegerField()
    day = models.DateField()
    n = models.IntegerField()
    first_time = models.DateTimeField()
    last_time = models.DateTimeField()
    first_id = models.BigIntegerField()
    last_id = models.BigIntegerField()
    is_run = models.BooleanField()
    numbers = models.IntegerField()
    least = models.FloatField(null=True)
    greatest = models.FloatField(null=True)
    total = models.FloatField(null=True)

    class Meta:
        """Made by SQL of the migration, with the function that unpacks it."""

        db_table = "sense_packedday"
        managed = False


class Retention(models.Model):
    """How long the readings of a class of datastreams are kept; the class "" is that of streams that name none."""

    code = models.CharField(max_length=20, primary_key=True)
    title_zh = models.CharField(max_length=80)
    title_en = models.CharField(max_length=80)
    keep_days = models.IntegerField(null=True)
    basis = models.TextField()
    confirmed = models.BooleanField(db_default=False)

    class Meta:
        """A handful of rows."""

        db_table = "sense_retention"


class Removal(models.Model):
    """That the readings of a class before a day were removed, and how many."""

    removed_at = models.DateTimeField(db_default=Now())
    retention = models.CharField(max_length=20)
    keep_days = models.IntegerField()
    before_day = models.DateField()
    readings = models.BigIntegerField()

    class Meta:
        """Read newest first."""

        db_table = "sense_removal"


class Correction(models.Model):
    """What a reading was before somebody changed or deleted it; only ever added to."""

    observation_id = models.BigIntegerField(db_index=True)
    datastream_id = models.BigIntegerField()
    corrected_at = models.DateTimeField(db_default=Now())
    actor = models.CharField(max_length=120, db_default="")
    reason = models.TextField(db_default="")
    before = models.JSONField()
    after = models.JSONField(null=True)

    class Meta:
        """Read by observation."""

        db_table = "sense_correction"


class Load(models.Model):
    """How far a file has been loaded, so that a load that was killed goes on where it stood."""

    fingerprint = models.CharField(max_length=64, primary_key=True)
    file = models.TextField()
    rows_done = models.BigIntegerField(db_default=0)
    kept = models.BigIntegerField(db_default=0)
    duplicates = models.BigIntegerField(db_default=0)
    refused = models.BigIntegerField(db_default=0)
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        """One row a file."""

        db_table = "sense_load"


class Actuator(models.Model):
    """What acts on a thing's part of the world (SensorThings Tasking Actuator); `metadata` is any JSON."""

    name = models.TextField()
    description = models.TextField()
    encoding_type = models.TextField()
    metadata = models.JSONField()
    properties = models.JSONField(null=True)

    class Meta:
        """Read by id."""

        db_table = "sense_actuator"


class TaskingCapability(models.Model):
    """What a thing can be asked to do: `tasking_parameters` is a DataRecord of SWE Common that tasks keep to."""

    name = models.TextField()
    description = models.TextField()
    properties = models.JSONField(null=True)
    tasking_parameters = models.JSONField()
    thing = models.ForeignKey(Thing, models.CASCADE, related_name="+")
    actuator = models.ForeignKey(Actuator, models.CASCADE, related_name="+")

    class Meta:
        """Read by id and thing."""

        db_table = "sense_taskingcapability"


class Task(models.Model):
    """What a thing was asked to do, by whom, and how that stands; `fact_id` is of the fact that it was given."""

    creation_time = models.DateTimeField(db_default=Now())
    tasking_parameters = models.JSONField()
    capability = models.ForeignKey(TaskingCapability, models.CASCADE, related_name="+")
    status = models.CharField(max_length=12, db_default="created")
    actor = models.CharField(max_length=120)
    deadline_at = models.DateTimeField()
    fact_id = models.UUIDField()
    deliveries = models.IntegerField(db_default=0)
    delivered_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    reason = models.TextField(db_default="")

    class Meta:
        """Those that still wait are found by their deadline."""

        db_table = "sense_task"
        indexes: ClassVar = [
            models.Index(fields=["deadline_at"], condition=models.Q(ended_at__isnull=True), name="sense_task_open")
        ]
