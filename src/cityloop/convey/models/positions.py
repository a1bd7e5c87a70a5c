"""Tables of the transport: how far each stream has been taken over."""

from django.db import models


class StreamPosition(models.Model):
    """How far one stream of the transport is in the history; moved in the transaction that keeps its readings."""

    stream = models.CharField(primary_key=True, max_length=80)
    sequence = models.BigIntegerField()
    moved_at = models.DateTimeField()

    class Meta:
        """One row a stream."""

        db_table = "convey_streamposition"
