"""Tables of assess: indicators, what the facts say of each case, values."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now


class Indicator(models.Model):
    """A version of an indicator's definition."""

    code = models.CharField(max_length=20)
    version = models.IntegerField(default=1)
    is_current = models.BooleanField(default=True)
    title_zh = models.CharField(max_length=120)
    title_en = models.CharField(max_length=200)
    unit = models.CharField(max_length=20)
    higher_is_better = models.BooleanField(default=True)
    target = models.FloatField()
    denominator_min = models.IntegerField()
    basis_zh = models.TextField()
    basis_en = models.TextField()
    confirmed = models.BooleanField(default=False)
    valid_from = models.DateTimeField(db_default=Now())

    class Meta:
        """Versions stay; one of a code is current."""

        db_table = "assess_indicator"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["code", "version"], name="assess_indicator_version"),
            models.UniqueConstraint(
                fields=["code"], condition=models.Q(is_current=True), name="assess_indicator_one_current"
            ),
        ]


class CaseScore(models.Model):
    """What the journal has said of one case so far.

    `period` is the month its limit falls in, empty where no limit counts. `is_counted` falls with every change and is
    set when the values of the period have taken it in; `periods_left` are months it has left since.
    """

    case_id = models.BigIntegerField(primary_key=True)
    number = models.CharField(max_length=24)
    kind = models.CharField(max_length=80, default="")
    area = models.CharField(max_length=15)
    district = models.CharField(max_length=6)
    state = models.CharField(max_length=20, default="")
    opened_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    on_time = models.BooleanField(null=True)
    handled = models.BooleanField(default=False)
    reworked = models.IntegerField(default=0)
    period = models.CharField(max_length=7, default="")
    periods_left = models.TextField(default="")
    last_fact = models.UUIDField()
    is_counted = models.BooleanField(default=False)

    class Meta:
        """Counted by period and district."""

        db_table = "assess_casescore"
        indexes: ClassVar = [
            models.Index(fields=["period", "district"], name="assess_casescore_period"),
            models.Index(fields=["case_id"], condition=models.Q(is_counted=False), name="assess_casescore_uncounted"),
        ]


class Value(models.Model):
    """The value of an indicator for an area and a month; earlier ones of the same month are in the journal.

    `fact_id` is the newest IndicatorValued about it, where its trace begins; `is_short` tells that a shortfall has been
    found and not made good since.
    """

    indicator = models.CharField(max_length=20)
    area = models.CharField(max_length=15)
    period = models.CharField(max_length=7)
    numerator = models.FloatField()
    denominator = models.FloatField()
    value = models.FloatField(null=True)
    target = models.FloatField()
    status = models.CharField(max_length=12, default="draft")
    closed = models.IntegerField(default=0)
    handled = models.IntegerField(default=0)
    reworked = models.IntegerField(default=0)
    is_short = models.BooleanField(default=False)
    computed_at = models.DateTimeField()
    as_of = models.CharField(max_length=60)
    fact_id = models.UUIDField()

    class Meta:
        """One row an indicator, area and month."""

        db_table = "assess_value"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["indicator", "area", "period"], name="assess_value_once"),
        ]
