"""Tables of respond: kinds of case, cases, signals and who reported them, steps, tasks, answers that are due."""

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
    merging = models.CharField(max_length=12, db_default="nearby")
    merge_distance_m = models.FloatField(null=True)
    merge_span_h = models.FloatField(null=True)
    merge_basis_zh = models.TextField(db_default="")
    merge_basis_en = models.TextField(db_default="")
    same_as = models.CharField(max_length=80, db_default="")
    is_public = models.BooleanField(db_default=False)
    group_zh = models.CharField(max_length=120, db_default="")
    group_en = models.CharField(max_length=120, db_default="")
    about_zh = models.TextField(db_default="")
    about_en = models.TextField(db_default="")
    keywords = models.TextField(db_default="")
    questions = models.JSONField(db_default=[])

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
    public_note = models.TextField(db_default="")

    class Meta:
        """Listed by state, by organisation and by area."""

        db_table = "respond_case"
        indexes: ClassVar = [
            models.Index(fields=["state", "due_at"], name="respond_case_state"),
            models.Index(fields=["organisation", "state"], name="respond_case_organisation"),
            models.Index(fields=["area", "state"], name="respond_case_area"),
            models.Index(fields=["kind", "opened_at"], name="respond_case_kind"),
            models.Index(fields=["moved_at"], name="respond_case_moved"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(closed_at__isnull=True) | models.Q(handled_at__isnull=False),
                name="respond_case_handled_first",
            ),
        ]


class Signal(models.Model):
    """Somebody or something says that there is something to be done; several may be one case.

    One that came in by a public door stands before its case: `case` is null until the loop has placed it. `number` is
    what its reporter asks with; of the signal that opened a case it is the case's number. `public_text` is what all may
    read of the description: without telephone numbers, mail addresses and identity numbers. `outcome_at` is when the
    system that hands a matter over had finished it, null where it had not. `tries` counts how often it could not be
    placed, `try_at` is when that is tried again.
    """

    fact_id = models.UUIDField(unique=True)
    cause_fact = models.UUIDField(null=True, unique=True)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="signals", null=True)
    kind = models.ForeignKey(Kind, on_delete=models.PROTECT, related_name="signals", null=True)
    number = models.CharField(max_length=24, unique=True, null=True)  # noqa: DJ001  unique where there is one
    source = models.CharField(max_length=20)
    reporter = models.CharField(max_length=120)
    area = models.CharField(max_length=15)
    longitude = models.FloatField(null=True)
    latitude = models.FloatField(null=True)
    title_zh = models.CharField(max_length=300)
    title_en = models.CharField(max_length=300)
    description = models.TextField(default="")
    alarm_id = models.BigIntegerField(null=True, db_index=True)
    merged = models.BooleanField(default=False, db_default=False)
    received_at = models.DateTimeField()
    is_public = models.BooleanField(db_default=False)
    public_text = models.TextField(db_default="")
    address = models.CharField(max_length=300, db_default="")
    address_id = models.CharField(max_length=100, db_default="")
    photo = models.CharField(max_length=60, db_default="")
    media_url = models.CharField(max_length=2000, db_default="")
    answers = models.JSONField(db_default={})
    outcome_at = models.DateTimeField(null=True)
    outcome_note = models.TextField(db_default="")
    tries = models.IntegerField(default=0, db_default=0)
    try_at = models.DateTimeField(null=True)

    class Meta:
        """The fact a signal came from is unique: a fact delivered twice is one signal."""

        db_table = "respond_signal"
        indexes: ClassVar = [
            models.Index(
                fields=["-received_at", "-id"], name="respond_signal_public", condition=models.Q(is_public=True)
            ),
            models.Index(fields=["received_at", "id"], name="respond_signal_waiting", condition=models.Q(case=None)),
        ]


class Reporter(models.Model):
    """Who sent a signal, as far as told; kept apart from the signal, so that no list can hold it by mistake."""

    signal = models.OneToOneField(Signal, on_delete=models.CASCADE, related_name="told_by")
    first_name = models.CharField(max_length=100, db_default="")
    last_name = models.CharField(max_length=100, db_default="")
    email = models.CharField(max_length=254, db_default="")
    phone = models.CharField(max_length=40, db_default="")
    account_id = models.CharField(max_length=100, db_default="")
    device_id = models.CharField(max_length=200, db_default="")
    language = models.CharField(max_length=2, db_default="zh")

    class Meta:
        """One row a signal."""

        db_table = "respond_reporter"


class Retry(models.Model):
    """A report that may be sent again, by the key of its sender or what its device said: answered again, kept once."""

    key = models.CharField(max_length=64, primary_key=True)
    content = models.CharField(max_length=64)
    number = models.CharField(max_length=24)
    received_at = models.DateTimeField(db_index=True)

    class Meta:
        """One row a key."""

        db_table = "respond_retry"


class AnswerDue(models.Model):
    """What a reporter is to be told: one row for each signal of a case and each step that is news to its reporter."""

    signal = models.ForeignKey(Signal, on_delete=models.PROTECT, related_name="answers_due")
    fact_id = models.UUIDField()
    news = models.CharField(max_length=24)
    note = models.TextField(default="")
    due_at = models.DateTimeField()
    given_at = models.DateTimeField(null=True)

    class Meta:
        """A step is told a reporter once."""

        db_table = "respond_answerdue"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["signal", "fact_id"], name="respond_answer_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="respond_answer_open", condition=models.Q(given_at=None)),
        ]


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
