"""Tables of the journal; rows of the first two are written once and never changed."""

from typing import ClassVar

from django.db import models
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now


class FactRow(models.Model):
    """One fact.

    `transaction` is the writing transaction's id: facts are read in the order (transaction, sequence) and only up to
    the oldest transaction that still runs, or one that commits late would be skipped.
    """

    sequence = models.BigAutoField(primary_key=True)
    transaction = models.BigIntegerField(db_default=RawSQL("pg_current_xact_id()::text::bigint", ()))
    fact_id = models.UUIDField(unique=True)
    kind = models.CharField(max_length=80)
    happened_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())
    actor = models.CharField(max_length=120)
    area = models.CharField(max_length=15)
    body = models.JSONField()

    class Meta:
        """Read by position, and by kind and time."""

        db_table = "journal_fact"
        indexes: ClassVar = [
            models.Index(fields=["transaction", "sequence"], name="journal_fact_position"),
            models.Index(fields=["kind", "happened_at"], name="journal_fact_kind"),
        ]


class CauseRow(models.Model):
    """One cause of one fact; `key` and `kind` are indexed so that the trace can be walked both ways."""

    effect = models.UUIDField()
    position = models.SmallIntegerField()
    kind = models.CharField(max_length=12)
    key = models.CharField(max_length=120)
    parameters = models.JSONField(default=dict)
    as_of = models.CharField(max_length=60, default="")

    class Meta:
        """Walked from effect to cause and from cause to effect."""

        db_table = "journal_cause"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["effect", "position"], name="journal_cause_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["kind", "key"], name="journal_cause_key")]


class Cursor(models.Model):
    """How far one listener has read, and the kinds of fact it asks for."""

    listener = models.CharField(primary_key=True, max_length=120)
    transaction = models.BigIntegerField(default=0)
    sequence = models.BigIntegerField(default=0)
    kinds = models.JSONField(default=list)
    failures = models.IntegerField(default=0)
    last_error = models.TextField(default="")
    moved_at = models.DateTimeField(auto_now=True)

    class Meta:
        """One row a listener."""

        db_table = "journal_cursor"
