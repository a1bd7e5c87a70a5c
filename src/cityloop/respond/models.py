"""Tables of respond: kinds of case, cases, signals, steps, tasks."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now


class Kind(models.Model):
    """A version of an entry of the item library (事项库): what may be wrong, who handles it, how long it may take."""

    code = models.CharField(max_length=80)
    version = models.IntegerField(default=1)
    is_current = models.BooleanField(default=True)
    project = models.CharField(max_length=60, default="")
    title_zh = models.CharField(max_length=120)
    title_en = models.CharField(max_length=200)
    limit_amount = models.FloatField()
    limit_clock = models.CharField(max_length=20)
    organisation = models.CharField(max_length=60, default="")
    basis_zh = models.TextField()
    basis_en = models.TextField()
    confirmed = models.BooleanField(default=False)
    valid_from = models.DateTimeField(db_default=Now())

    class Meta:
        """Versions stay, for the cases that were opened under them; one of a code is current."""

        db_table = "respond_kind"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["code", "version"], name="respond_kind_version"),
            models.UniqueConstraint(
                fields=["code"], condition=models.Q(is_current=True), name="respond_kind_one_current"
            ),
            models.CheckConstraint(condition=models.Q(limit_amount__gt=0), name="respond_kind_limit"),
        ]


class Numbering(models.Model):
    """The last serial number given in a district on a day; its row lock keeps two cases from sharing one."""

    district = models.CharField(max_length=6)
    day = models.DateField()
    last = models.IntegerField()

    class Meta:
        """One row a district and day."""

        db_table = "respond_numbering"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["district", "day"], name="respond_numbering_once"),
        ]


class Case(models.Model):
    """A matter to be dealt with.

    `version` rises with every step, so that a form made from an older state is refused. `last_fact` is the newest fact
    about the case: the next one names it as its cause.
    """

    number = models.CharField(max_length=24, unique=True)
    kind = models.ForeignKey(Kind, on_delete=models.PROTECT, related_name="cases")
    source = models.CharField(max_length=20)
    area = models.CharField(max_length=15)
    longitude = models.FloatField(null=True)
    latitude = models.FloatField(null=True)
    title_zh = models.CharField(max_length=300)
    title_en = models.CharField(max_length=300)
    description = models.TextField(default="")
    level = models.SmallIntegerField(null=True)
    state = models.CharField(max_length=20)
    organisation = models.CharField(max_length=60, default="")
    opened_at = models.DateTimeField()
    clock_from = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    paused_at = models.DateTimeField(null=True)
    review_on = models.DateField(null=True)
    delay_amount = models.FloatField(null=True)
    handled_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    moved_at = models.DateTimeField()
    reworked = models.IntegerField(default=0)
    rating = models.SmallIntegerField(null=True)
    version = models.IntegerField(default=1)
    last_fact = models.UUIDField()

    class Meta:
        """Listed by state, by organisation and by area."""

        db_table = "respond_case"
        indexes: ClassVar = [
            models.Index(fields=["state", "due_at"], name="respond_case_state"),
            models.Index(fields=["organisation", "state"], name="respond_case_organisation"),
            models.Index(fields=["area", "state"], name="respond_case_area"),
            models.Index(fields=["kind", "opened_at"], name="respond_case_kind"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(closed_at__isnull=True) | models.Q(handled_at__isnull=False),
                name="respond_case_handled_first",
            ),
        ]


class Signal(models.Model):
    """Somebody or something says that there is something to be done; several may be one case."""

    fact_id = models.UUIDField(unique=True)
    cause_fact = models.UUIDField(null=True, unique=True)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="signals")
    source = models.CharField(max_length=20)
    reporter = models.CharField(max_length=120)
    area = models.CharField(max_length=15)
    longitude = models.FloatField(null=True)
    latitude = models.FloatField(null=True)
    title_zh = models.CharField(max_length=300)
    title_en = models.CharField(max_length=300)
    description = models.TextField(default="")
    alarm_id = models.BigIntegerField(null=True, db_index=True)
    merged = models.BooleanField(default=False)
    received_at = models.DateTimeField()

    class Meta:
        """The fact a signal came from is unique: a fact delivered twice is one signal."""

        db_table = "respond_signal"


class StepTaken(models.Model):
    """One step of a case: who, as what, when, from where to where, what the clock did then."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="steps")
    position = models.IntegerField()
    step = models.CharField(max_length=24)
    state_before = models.CharField(max_length=20)
    state = models.CharField(max_length=20)
    actor = models.CharField(max_length=120)
    post = models.CharField(max_length=20)
    at = models.DateTimeField()
    note = models.TextField(default="")
    clock = models.CharField(max_length=20)
    due_at = models.DateTimeField(null=True)
    organisation = models.CharField(max_length=60, default="")
    longitude = models.FloatField(null=True)
    latitude = models.FloatField(null=True)
    fact_id = models.UUIDField(unique=True)

    class Meta:
        """In order, without gaps or doubles."""

        db_table = "respond_steptaken"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case", "position"], name="respond_step_position"),
        ]


class Task(models.Model):
    """What an organisation is asked to do in a case: verify on site, handle, check."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="tasks")
    purpose = models.CharField(max_length=12)
    organisation = models.CharField(max_length=60, default="")
    given_by = models.CharField(max_length=120)
    given_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=120, default="")
    ended_at = models.DateTimeField(null=True)
    ended_with = models.CharField(max_length=24, default="")

    class Meta:
        """At most one task of a case stands open."""

        db_table = "respond_task"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["case"], condition=models.Q(ended_at__isnull=True), name="respond_task_one_open"
            ),
        ]
