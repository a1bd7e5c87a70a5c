"""Tables of the nodes: who they are, what waits for them, which of their datastreams are ours."""

from django.db import models
from django.db.models.expressions import RawSQL


class Node(models.Model):
    """A node below this one, as it was registered and as it last told of itself."""

    number = models.SmallIntegerField(primary_key=True)
    kind = models.CharField(max_length=20)
    title_zh = models.CharField(max_length=80)
    title_en = models.CharField(max_length=160)
    area = models.CharField(max_length=15)
    digest = models.CharField(max_length=64)
    registered_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)
    incarnation = models.CharField(max_length=40, default="")
    version = models.CharField(max_length=40, default="")
    heard_at = models.DateTimeField(null=True)
    clock_ahead_s = models.FloatField(null=True)
    waiting_rows = models.BigIntegerField(default=0)
    waiting_readings = models.BigIntegerField(default=0)
    oldest_at = models.DateTimeField(null=True)
    taken_readings = models.BigIntegerField(default=0)
    late_readings = models.BigIntegerField(default=0)
    gaps = models.BigIntegerField(default=0)

    class Meta:
        """One row a node."""

        db_table = "convey_node"


class NodeStream(models.Model):
    """Which of our datastreams a datastream of a node is."""

    pk = models.CompositePrimaryKey("number", "remote_id")
    number = models.SmallIntegerField()
    remote_id = models.BigIntegerField()
    datastream_id = models.BigIntegerField()

    class Meta:
        """Read by node."""

        db_table = "convey_nodestream"


class Outbox(models.Model):
    """What waits to be carried to another node; deleted when that node has it.

    `number` is given in the order of commits when the row is first read: the ids are not in that order.
    """

    id = models.BigAutoField(primary_key=True)
    transaction = models.BigIntegerField(db_default=RawSQL("pg_current_xact_id()::text::bigint", ()))
    target = models.SmallIntegerField()
    number = models.BigIntegerField(null=True)
    topic = models.CharField(max_length=60)
    payload = models.BinaryField()
    readings = models.IntegerField(default=0)
    made_at = models.DateTimeField(db_default=RawSQL("clock_timestamp()", ()))

    class Meta:
        """Read by target, in order."""

        db_table = "convey_outbox"
        indexes = (
            models.Index(fields=["target", "number"], name="convey_outbox_number"),
            models.Index(
                fields=["target", "transaction", "id"],
                condition=models.Q(number=None),
                name="convey_outbox_new",
            ),
        )


class OutboxLane(models.Model):
    """The last number given to a row for a node."""

    target = models.SmallIntegerField(primary_key=True)
    last_number = models.BigIntegerField(default=0)

    class Meta:
        """One row a target."""

        db_table = "convey_outboxlane"


class Incarnation(models.Model):
    """Which database this is: a node that was made anew counts from the beginning."""

    id = models.SmallIntegerField(primary_key=True)
    code = models.CharField(max_length=40)

    class Meta:
        """One row."""

        db_table = "convey_incarnation"
