"""Tables of the lifelines: thresholds with their versions, reasons for deviations, past days as they were."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q


class Threshold(models.Model):
    """A version of a threshold by which lines are judged; while there is none, the product's default stands."""

    code = models.CharField(max_length=40)
    version = models.IntegerField()
    value = models.FloatField()
    basis_zh = models.TextField()
    basis_en = models.TextField()
    confirmed = models.BooleanField(default=False)
    changed_by = models.CharField(max_length=80)
    change_note = models.TextField()
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField(null=True)

    class Meta:
        """One version is in force."""

        db_table = "lifelines_threshold"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["code", "version"], name="lifelines_threshold_version"),
            models.UniqueConstraint(
                fields=["code"], condition=Q(valid_until=None), name="lifelines_threshold_in_force"
            ),
        ]


class DeviationReason(models.Model):
    """Why a line's day deviates from the same day last year; the newest counts, those before it stay."""

    line = models.CharField(max_length=20)
    day = models.DateField()
    kind = models.CharField(max_length=20)
    text = models.TextField()
    given_by = models.CharField(max_length=80)
    given_at = models.DateTimeField()

    class Meta:
        """Read by line and day."""

        db_table = "lifelines_deviationreason"
        indexes: ClassVar = [models.Index(fields=["line", "day"], name="lifelines_reason_day")]


class PastDay(models.Model):
    """The hours of a line's past day, made of the history again and again while it may change.

    `hours` are in the line's unit an hour, NULL where nothing is known; `total` is their sum in the day's unit, NULL
    unless all are known. The temperature is a line of its own here, its total the mean.
    """

    line = models.CharField(max_length=20)
    day = models.DateField()
    hours = ArrayField(models.FloatField(null=True), size=24)
    total = models.FloatField(null=True)
    made_at = models.DateTimeField()

    class Meta:
        """One row a line and day."""

        db_table = "lifelines_pastday"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["line", "day"], name="lifelines_pastday_once"),
        ]


__all__ = ["DeviationReason", "PastDay", "Threshold"]
