"""Tables of the lifelines: thresholds, reasons, past days; requests to those upstream; cuts on the demand side."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from cityloop.projects.lifelines.rules.users import PROTECTED

_GRANTED = Q(granted__isnull=True) | (Q(granted__gte=0) & Q(granted__lte=F("quantity")))
_BEFORE_ANSWER = ("draft", "approved", "sent", "closed")
_PROTECTED = Q(kind__in=sorted(kind.value for kind in PROTECTED))


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


class AnswerTerm(models.Model):
    """A version of how long an answer may take at a level; 0 is a line that is in order."""

    level = models.SmallIntegerField()
    version = models.IntegerField()
    hours = models.FloatField()
    basis_zh = models.TextField()
    basis_en = models.TextField()
    confirmed = models.BooleanField(default=False)
    changed_by = models.CharField(max_length=120)
    change_note = models.TextField()
    valid_from = models.DateTimeField()

    class Meta:
        """Versions stay, for the requests that were sent under them."""

        db_table = "lifelines_answerterm"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["level", "version"], name="lifelines_answerterm_version"),
            models.CheckConstraint(condition=Q(hours__gt=0), name="lifelines_answerterm_hours"),
        ]


class Numbering(models.Model):
    """The last serial number given on a day; its row lock keeps two matters from sharing one."""

    day = models.DateField(primary_key=True)
    last = models.IntegerField()

    class Meta:
        """One row a day."""

        db_table = "lifelines_numbering"


class UpstreamRequest(models.Model):
    """A request to those upstream (协调上游资源).

    `picture`, `seal`, `as_of`, `position`, `drafted_by`, `drafted_at`, `token` and `number` never change: triggers of
    the migrations refuse it. `version` rises with every step, so that a form made from an older state is refused.
    `last_fact` is the newest fact about it.
    """

    number = models.CharField(max_length=24, unique=True)
    token = models.UUIDField(unique=True)
    line = models.CharField(max_length=20)
    organisation = models.CharField(max_length=60)
    area = models.CharField(max_length=15)
    level = models.SmallIntegerField(null=True)
    quantity = models.FloatField()
    unit = models.CharField(max_length=20)
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.TextField()
    legal_basis = models.TextField()
    party_name = models.CharField(max_length=200)
    party_contact = models.CharField(max_length=200)
    party_organisation = models.CharField(max_length=60, default="")
    alarm_id = models.BigIntegerField(null=True)
    case_id = models.BigIntegerField(null=True)
    picture = models.JSONField()
    seal = models.CharField(max_length=64)
    as_of = models.DateTimeField()
    position = models.BigIntegerField()
    state = models.CharField(max_length=12)
    granted = models.FloatField(null=True)
    drafted_by = models.CharField(max_length=120)
    drafted_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    term_hours = models.FloatField(null=True)
    term_version = models.IntegerField(null=True)
    due_at = models.DateTimeField(null=True)
    overdue_told_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.CharField(max_length=200, default="")
    closed_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=12, default="")
    moved_at = models.DateTimeField()
    version = models.IntegerField(default=1)
    last_fact = models.UUIDField()

    class Meta:
        """Listed by state and by organisation; what is granted is looked up by line and time."""

        db_table = "lifelines_request"
        indexes: ClassVar = [
            models.Index(fields=["state", "due_at"], name="lifelines_request_state"),
            models.Index(fields=["organisation", "state"], name="lifelines_request_body"),
            models.Index(fields=["line", "begins_at"], name="lifelines_request_line"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="lifelines_request_quantity"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("begins_at")), name="lifelines_request_window"),
            models.CheckConstraint(condition=_GRANTED, name="lifelines_request_granted"),
            models.CheckConstraint(
                condition=Q(state__in=_BEFORE_ANSWER) | Q(granted__isnull=False, answered_at__isnull=False),
                name="lifelines_request_answered",
            ),
            models.CheckConstraint(
                condition=Q(state="closed", closed_at__isnull=False) | (~Q(state="closed") & Q(closed_at__isnull=True)),
                name="lifelines_request_closed",
            ),
        ]


class RequestStepRow(models.Model):
    """One step of a request: who, as what, when, from where to where; written once."""

    request = models.ForeignKey(UpstreamRequest, on_delete=models.PROTECT, related_name="steps")
    position = models.IntegerField()
    token = models.UUIDField(unique=True)
    step = models.CharField(max_length=20)
    state_before = models.CharField(max_length=12)
    state = models.CharField(max_length=12)
    actor = models.CharField(max_length=120)
    role = models.CharField(max_length=40)
    at = models.DateTimeField()
    note = models.TextField(default="")
    quantity = models.FloatField(null=True)
    fact_id = models.UUIDField(unique=True)

    class Meta:
        """In order, without gaps or doubles."""

        db_table = "lifelines_requeststep"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["request", "position"], name="lifelines_requeststep_position"),
        ]


class Delivery(models.Model):
    """What came on a day, in the request's unit; of several entries of a day the last one counts."""

    request = models.ForeignKey(UpstreamRequest, on_delete=models.PROTECT, related_name="deliveries")
    day = models.DateField()
    quantity = models.FloatField()
    noted_by = models.CharField(max_length=120)
    noted_at = models.DateTimeField()

    class Meta:
        """Added to, never changed."""

        db_table = "lifelines_delivery"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="lifelines_delivery_quantity"),
        ]


class UserList(models.Model):
    """A version of the list of a line's users; the newest is in force."""

    line = models.CharField(max_length=20)
    version = models.IntegerField()
    unit = models.CharField(max_length=20)
    note = models.TextField()
    made_by = models.CharField(max_length=120)
    made_at = models.DateTimeField()

    class Meta:
        """Versions stay, for the cuts that were made of them."""

        db_table = "lifelines_userlist"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["line", "version"], name="lifelines_userlist_version"),
        ]


class LineUserRow(models.Model):
    """A user of a line.

    `protected` follows from the kind, and the database holds it to that. A cut points at user and protection together
    and may only point at users that are not protected: see the migration.
    """

    list = models.ForeignKey(UserList, on_delete=models.PROTECT, related_name="users")
    position = models.IntegerField()
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=20)
    protected = models.BooleanField()
    use = models.FloatField()
    quantity = models.FloatField()
    heat_bound = models.FloatField()
    notice_hours = models.FloatField()
    basis = models.TextField()

    class Meta:
        """A list names nobody twice."""

        db_table = "lifelines_lineuser"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["list", "name"], name="lifelines_lineuser_name"),
            models.UniqueConstraint(fields=["list", "position"], name="lifelines_lineuser_position"),
            models.UniqueConstraint(fields=["id", "protected"], name="lifelines_lineuser_protected"),
            models.CheckConstraint(
                condition=Q(_PROTECTED, protected=True, quantity=0)
                | (~_PROTECTED & Q(protected=False, quantity__gt=0)),
                name="lifelines_lineuser_kind",
            ),
            models.CheckConstraint(
                condition=Q(quantity__lte=F("use") - F("heat_bound"), heat_bound__gte=0, notice_hours__gte=0),
                name="lifelines_lineuser_figures",
            ),
        ]


class Reduction(models.Model):
    """A cut on the demand side of a line; its picture, number, token and who proposed it when never change."""

    number = models.CharField(max_length=24, unique=True)
    token = models.UUIDField(unique=True)
    line = models.CharField(max_length=20)
    organisation = models.CharField(max_length=60)
    area = models.CharField(max_length=15)
    level = models.SmallIntegerField(null=True)
    list = models.ForeignKey(UserList, on_delete=models.PROTECT, related_name="reductions")
    gap = models.FloatField()
    total = models.FloatField()
    unit = models.CharField(max_length=20)
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.TextField()
    picture = models.JSONField()
    seal = models.CharField(max_length=64)
    as_of = models.DateTimeField()
    position = models.BigIntegerField()
    state = models.CharField(max_length=12)
    proposed_by = models.CharField(max_length=120)
    proposed_at = models.DateTimeField()
    in_force_at = models.DateTimeField(null=True)
    lifted_at = models.DateTimeField(null=True)
    moved_at = models.DateTimeField()
    version = models.IntegerField(default=1)
    last_fact = models.UUIDField()

    class Meta:
        """Looked up by line and time."""

        db_table = "lifelines_reduction"
        indexes: ClassVar = [models.Index(fields=["line", "begins_at"], name="lifelines_reduction_line")]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(gap__gt=0, total__gt=0), name="lifelines_reduction_quantity"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("begins_at")), name="lifelines_reduction_window"),
        ]


class ReductionCut(models.Model):
    """What is taken from a user; `protected` is always false, and the database ties it to the user's own."""

    reduction = models.ForeignKey(Reduction, on_delete=models.PROTECT, related_name="cuts")
    position = models.IntegerField()
    user = models.ForeignKey(LineUserRow, on_delete=models.PROTECT, related_name="cuts")
    protected = models.BooleanField(default=False)
    quantity = models.FloatField()

    class Meta:
        """A user is cut once in a reduction, and a protected one never."""

        db_table = "lifelines_reductioncut"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["reduction", "user"], name="lifelines_reductioncut_once"),
            models.CheckConstraint(condition=Q(protected=False), name="lifelines_reductioncut_never_protected"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="lifelines_reductioncut_quantity"),
        ]


class ReductionStepRow(models.Model):
    """One step of a reduction: who, as what, when, from where to where; written once."""

    reduction = models.ForeignKey(Reduction, on_delete=models.PROTECT, related_name="steps")
    position = models.IntegerField()
    token = models.UUIDField(unique=True)
    step = models.CharField(max_length=20)
    state_before = models.CharField(max_length=12)
    state = models.CharField(max_length=12)
    actor = models.CharField(max_length=120)
    role = models.CharField(max_length=40)
    at = models.DateTimeField()
    note = models.TextField(default="")
    fact_id = models.UUIDField(unique=True)

    class Meta:
        """In order, without gaps or doubles."""

        db_table = "lifelines_reductionstep"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["reduction", "position"], name="lifelines_reductionstep_position"),
        ]


__all__ = [
    "AnswerTerm",
    "Delivery",
    "DeviationReason",
    "LineUserRow",
    "Numbering",
    "PastDay",
    "Reduction",
    "ReductionCut",
    "ReductionStepRow",
    "RequestStepRow",
    "Threshold",
    "UpstreamRequest",
    "UserList",
]
