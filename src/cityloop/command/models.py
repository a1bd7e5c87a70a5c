"""Tables of the duty room: who handed over to whom, the duty log, and what the projects put on the wall."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now


class Handover(models.Model):
    """One handing over of a shift (交接班); the officers are people of the registry by number."""

    handed_at = models.DateTimeField(db_default=Now())
    area = models.CharField(max_length=15)
    leaving = models.BigIntegerField()
    taking_over = models.BigIntegerField()
    note = models.TextField()
    open_alarms = models.IntegerField()
    open_cases = models.IntegerField()
    items = models.JSONField(default=list)

    class Meta:
        """The newest of an area tells who is on duty."""

        db_table = "command_handover"
        indexes: ClassVar = [models.Index(fields=["area", "-handed_at"], name="command_handover_newest")]


class LogEntry(models.Model):
    """One entry of the duty log (值班日志): written once; a mistake is corrected by a new entry that names the old."""

    written_at = models.DateTimeField(db_default=Now())
    area = models.CharField(max_length=15)
    person = models.BigIntegerField()
    kind = models.CharField(max_length=20)
    words = models.TextField()
    corrects = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="corrections")

    class Meta:
        """Read newest first; the database refuses to change or delete a row."""

        db_table = "command_logentry"
        indexes: ClassVar = [models.Index(fields=["area", "-written_at"], name="command_logentry_newest")]


class WallProject(models.Model):
    """An application project as the wall names it."""

    code = models.CharField(primary_key=True, max_length=60)
    number = models.SmallIntegerField(null=True)
    title_zh = models.CharField(max_length=120)
    title_en = models.CharField(max_length=200)

    class Meta:
        """One row a found project."""

        db_table = "command_wallproject"


class WallLine(models.Model):
    """One number a project puts on the wall, made of datastreams of sense."""

    code = models.CharField(max_length=60)
    project = models.ForeignKey(WallProject, on_delete=models.CASCADE, related_name="lines")
    position = models.SmallIntegerField()
    title_zh = models.CharField(max_length=120)
    title_en = models.CharField(max_length=200)
    streams = ArrayField(models.BigIntegerField())
    combine = models.CharField(max_length=8)
    factor = models.FloatField()
    unit = models.CharField(max_length=20)
    decimals = models.SmallIntegerField()

    class Meta:
        """Shown in the order the project names them."""

        db_table = "command_wallline"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "code"], name="command_wallline_once"),
        ]
