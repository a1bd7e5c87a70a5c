"""Tables of the room that decides.

Streams of other rooms are named by their number, without a foreign key: a watch outlives a stream that is taken away.
"""

from typing import ClassVar

from django.db import models
from django.db.models import Q


class Watch(models.Model):
    """One version of a watch; the version in force has no `valid_until`.

    `declared` is the fingerprint of the declaration the version goes back to; a declaration that has not changed leaves
    what a person has edited alone. A watch that a person has made has no project. A version judges from `starts_at`
    until `ends_at`; `asleep` says that the present lies outside.
    """

    code = models.CharField(max_length=120)
    version = models.IntegerField()
    project = models.CharField(max_length=60, default="")
    title_zh = models.CharField(max_length=200)
    title_en = models.CharField(max_length=200)
    kind = models.CharField(max_length=12)
    patterns = models.JSONField(default=list)
    limits = models.JSONField(default=dict)
    hysteresis = models.FloatField(default=0.0)
    hold_s = models.FloatField(default=0.0)
    off_delay_s = models.FloatField(default=0.0, db_default=0.0)
    steps = models.JSONField(default=dict, db_default={})
    unit = models.CharField(max_length=40)
    basis_zh = models.TextField()
    basis_en = models.TextField()
    confirmed = models.BooleanField(default=False)
    enabled = models.BooleanField(default=True)
    case_kind = models.CharField(max_length=120, default="", blank=True)
    starts_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True)
    asleep = models.BooleanField(default=False, db_default=False)
    suppresses = models.JSONField(default=list, db_default=[])
    suppress_within = models.CharField(max_length=10, default="thing", db_default="thing")
    terms = models.JSONField(default=dict, db_default={})
    declared = models.CharField(max_length=64)
    changed_by = models.CharField(max_length=120)
    change_note = models.TextField(default="", blank=True)
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField(null=True)

    class Meta:
        """One version is in force."""

        db_table = "decide_watch"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["code", "version"], name="decide_watch_version"),
            models.UniqueConstraint(fields=["code"], condition=Q(valid_until=None), name="decide_watch_in_force"),
        ]


class WatchStream(models.Model):
    """A stream a version of a watch looks at; `period_s` is the stream's reporting period when it was bound."""

    watch = models.ForeignKey(Watch, on_delete=models.CASCADE, related_name="streams")
    datastream_id = models.BigIntegerField()
    period_s = models.FloatField(null=True)
    bound_at = models.DateTimeField()

    class Meta:
        """A watch sees a stream once."""

        db_table = "decide_watchstream"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["watch", "datastream_id"], name="decide_watchstream_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["datastream_id"], name="decide_watchstream_stream")]


class Compilation(models.Model):
    """One row: the version of everything the screen compiles; a change of it makes every screen load again."""

    version = models.BigIntegerField(default=1)

    class Meta:
        """One row, id 1."""

        db_table = "decide_compilation"


class ScreenRow(models.Model):
    """The band a stream was in last, for a watch; absent while it was never anything but the lowest.

    The band is -1 where it is not known: the next reading then makes a candidate in any case.
    """

    pk = models.CompositePrimaryKey("datastream_id", "watch_id")
    watch_id = models.BigIntegerField()
    datastream_id = models.BigIntegerField()
    band = models.SmallIntegerField()
    since = models.DateTimeField(null=True)

    class Meta:
        """Read by stream."""

        db_table = "decide_screen"


class Candidate(models.Model):
    """A change of band, back to normal too; waits for the alarm machine, which deletes it."""

    watch_id = models.BigIntegerField()
    datastream_id = models.BigIntegerField()
    observation_id = models.BigIntegerField()
    phenomenon_time = models.DateTimeField()
    received_at = models.DateTimeField()
    value = models.FloatField()
    band_before = models.SmallIntegerField()
    band = models.SmallIntegerField()

    class Meta:
        """Consumed in the order of ids."""

        db_table = "decide_candidate"


class Pending(models.Model):
    """A level that waits for its on-delay, or while `leaving` for its off-delay; `due_at` is when by the wall clock."""

    watch_code = models.CharField(max_length=120)
    datastream_id = models.BigIntegerField()
    level = models.SmallIntegerField()
    leaving = models.BooleanField(default=False, db_default=False)
    since = models.DateTimeField()
    received_at = models.DateTimeField()
    due_at = models.DateTimeField()
    value = models.FloatField()
    observation_id = models.BigIntegerField()

    class Meta:
        """One a watch, stream, level and direction."""

        db_table = "decide_pending"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["watch_code", "datastream_id", "level", "leaving"], name="decide_pending_one_way"
            ),
        ]


class Alarm(models.Model):
    """An alarm; one is open for a watch and a stream, repeats are counted in it."""

    watch_id = models.BigIntegerField()
    watch_code = models.CharField(max_length=120)
    watch_version = models.IntegerField()
    watch_kind = models.CharField(max_length=12)
    project = models.CharField(max_length=60, default="")
    title_zh = models.CharField(max_length=200)
    title_en = models.CharField(max_length=200)
    case_kind = models.CharField(max_length=120, default="")
    datastream_id = models.BigIntegerField()
    observation_id = models.BigIntegerField()
    area = models.CharField(max_length=15)
    longitude = models.FloatField(null=True)
    latitude = models.FloatField(null=True)
    thing_zh = models.CharField(max_length=300)
    thing_en = models.CharField(max_length=300)
    state = models.CharField(max_length=12)
    level = models.SmallIntegerField()
    level_worst = models.SmallIntegerField()
    value = models.FloatField()
    threshold = models.FloatField()
    unit = models.CharField(max_length=40)
    hysteresis = models.FloatField(default=0.0)
    hold_s = models.FloatField(default=0.0)
    off_delay_s = models.FloatField(default=0.0, db_default=0.0)
    count = models.IntegerField(default=1)
    late = models.BooleanField(default=False)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    raised_at = models.DateTimeField()
    raised_fact = models.UUIDField(null=True)
    last_fact = models.UUIDField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=120, default="")
    note = models.TextField(default="")
    shelved_at = models.DateTimeField(null=True)
    shelved_by = models.CharField(max_length=120, default="")
    shelved_until = models.DateTimeField(null=True)
    shelve_reason = models.TextField(default="")
    shelve_level = models.SmallIntegerField(null=True)
    shelve_consent_by = models.CharField(max_length=120, default="")
    suppressed_at = models.DateTimeField(null=True)
    suppressed_by = models.CharField(max_length=120, default="", db_default="")
    cleared_at = models.DateTimeField(null=True)
    clear_value = models.FloatField(null=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=120, default="")
    case_id = models.BigIntegerField(null=True)
    case_number = models.CharField(max_length=60, default="")
    case_closed_at = models.DateTimeField(null=True)
    points = models.JSONField(default=list, db_default=[])

    class Meta:
        """One open alarm a watch and stream."""

        db_table = "decide_alarm"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["watch_code", "datastream_id"], condition=Q(closed_at=None), name="decide_alarm_one_open"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["level", "-raised_at"], condition=Q(closed_at=None), name="decide_alarm_open"),
            models.Index(fields=["-raised_at"], name="decide_alarm_raised"),
            models.Index(fields=["case_id"], condition=Q(case_id__isnull=False), name="decide_alarm_case"),
            models.Index(fields=["datastream_id", "-raised_at"], name="decide_alarm_stream"),
            models.Index(
                fields=["suppressed_at"], condition=Q(suppressed_at__isnull=False), name="decide_alarm_suppressed"
            ),
        ]


class ShelvingRequest(models.Model):
    """One person asks that a grave alarm be shelved; nothing is shelved until another consents.

    `outcome` is empty while it waits, then `confirmed`, `refused`, `withdrawn` or `expired`.
    """

    alarm = models.ForeignKey(Alarm, on_delete=models.CASCADE, related_name="shelving_requests")
    level = models.SmallIntegerField()
    reason = models.TextField()
    until = models.DateTimeField()
    requested_at = models.DateTimeField()
    requested_by = models.CharField(max_length=120)
    outcome = models.CharField(max_length=12, default="")
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=120, default="")
    note = models.TextField(default="")

    class Meta:
        """One waits an alarm."""

        db_table = "decide_shelvingrequest"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["alarm"], condition=Q(outcome=""), name="decide_shelvingrequest_one_waits"),
        ]


class Activation(models.Model):
    """A condition began to stand: the first time and every repeat; the performance of the alarms is counted in these.

    `at` is phenomenon time, `told_at` when it was. Several of one alarm in one run of the machine are told as one:
    `told` marks it.
    """

    alarm = models.ForeignKey(Alarm, on_delete=models.CASCADE, related_name="activations")
    watch_code = models.CharField(max_length=120)
    datastream_id = models.BigIntegerField()
    area = models.CharField(max_length=15)
    level = models.SmallIntegerField()
    at = models.DateTimeField()
    told_at = models.DateTimeField()
    told = models.BooleanField()

    class Meta:
        """Read by when they were told."""

        db_table = "decide_activation"
        indexes: ClassVar = [models.Index(fields=["told_at"], name="decide_activation_told_at")]


class Flood(models.Model):
    """More alarms came than the people on duty can answer; the last one may still last."""

    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    peak = models.IntegerField()

    class Meta:
        """One lasts at a time."""

        db_table = "decide_flood"
        constraints: ClassVar = [
            models.UniqueConstraint(models.Value(1), condition=Q(ended_at=None), name="decide_flood_one_lasts"),
        ]
        indexes: ClassVar = [models.Index(fields=["-began_at"], name="decide_flood_began")]


class Measure(models.Model):
    """A version of a threshold of alarm management, with its basis; without a row the default of the product holds."""

    code = models.CharField(max_length=40)
    version = models.IntegerField()
    value = models.FloatField()
    basis_zh = models.TextField()
    basis_en = models.TextField()
    confirmed = models.BooleanField(default=False)
    changed_by = models.CharField(max_length=120)
    change_note = models.TextField(default="")
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField(null=True)

    class Meta:
        """One version is in force."""

        db_table = "decide_measure"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["code", "version"], name="decide_measure_version"),
            models.UniqueConstraint(fields=["code"], condition=Q(valid_until=None), name="decide_measure_in_force"),
        ]


class Machine(models.Model):
    """One row: what the alarm machine has done."""

    consumed = models.BigIntegerField(default=0)
    ignored = models.BigIntegerField(default=0)
    cut_short = models.BigIntegerField(default=0)
    moved_at = models.DateTimeField(null=True)
    scanned_at = models.DateTimeField(null=True)
    listening_since = models.DateTimeField(null=True)
    learnt_at = models.DateTimeField(null=True)

    class Meta:
        """One row, id 1."""

        db_table = "decide_machine"


class Stillness(models.Model):
    """Since when a stream under a stuck watch has shown the same value."""

    datastream_id = models.BigIntegerField(primary_key=True)
    value = models.FloatField()
    since = models.DateTimeField()
    observation_id = models.BigIntegerField()

    class Meta:
        """One row a stream."""

        db_table = "decide_stillness"


class Lookback(models.Model):
    """What a watch that looks back remembers of a stream: the readings the next ones are judged by.

    Columns are numbers of eight bytes, little-endian, rising in time. `position_us` is the time of the newest reading
    that was judged, `clock_us` up to when what time alone changes was; both microseconds since the Unix epoch.
    """

    pk = models.CompositePrimaryKey("watch_id", "datastream_id")
    watch_id = models.BigIntegerField()
    datastream_id = models.BigIntegerField()
    at_us = models.BinaryField()
    value = models.BinaryField()
    observation_id = models.BinaryField()
    position_us = models.BigIntegerField()
    clock_us = models.BigIntegerField()

    class Meta:
        """One row a version and stream."""

        db_table = "decide_lookback"


class Baseline(models.Model):
    """Mean and spread of one hour of the week of a stream."""

    datastream_id = models.BigIntegerField()
    hour_of_week = models.SmallIntegerField()
    n = models.FloatField()
    mean = models.FloatField()
    m2 = models.FloatField()

    class Meta:
        """One row a stream and hour."""

        db_table = "decide_baseline"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["datastream_id", "hour_of_week"], name="decide_baseline_once"),
        ]


class BaselinePosition(models.Model):
    """Up to which full hour a stream's history has been learnt, and from where."""

    datastream_id = models.BigIntegerField(primary_key=True)
    learnt_from = models.DateTimeField()
    learnt_until = models.DateTimeField()

    class Meta:
        """One row a stream."""

        db_table = "decide_baselineposition"


class ForecastStream(models.Model):
    """A stream that is forecast every day, as its project declares it."""

    datastream_id = models.BigIntegerField(primary_key=True)
    project = models.CharField(max_length=60)
    weather_id = models.BigIntegerField(null=True)
    weather_ahead = models.BooleanField(default=False)

    class Meta:
        """One row a stream."""

        db_table = "decide_forecaststream"


class Forecast(models.Model):
    """A forecast of seven days, made once for a stream and day; kept, so that its error can be told.

    Curves are columns of 168 numbers of four bytes, little-endian, hours from `starts_at` on; they are taken away when
    they are old, the figures stay. `parts` holds what each part of the model said, in the order of `part_names`.
    """

    datastream_id = models.BigIntegerField()
    starts_on = models.DateField()
    starts_at = models.DateTimeField()
    issued_at = models.DateTimeField()
    method = models.CharField(max_length=12)
    fell_back = models.BooleanField(default=False)
    share_first = models.FloatField()
    share_later = models.FloatField()
    learnt_days = models.IntegerField()
    learnt_rows = models.IntegerField()
    curve = models.BinaryField(null=True)
    low = models.BinaryField(null=True)
    high = models.BinaryField(null=True)
    part_names = models.CharField(max_length=60, default="")
    parts = models.BinaryField(null=True)
    judged_hours = models.IntegerField(null=True)
    error = models.FloatField(null=True)
    naive_error = models.FloatField(null=True)
    bias = models.FloatField(null=True)
    mean = models.FloatField(null=True)
    inside = models.FloatField(null=True)

    class Meta:
        """One a stream and day."""

        db_table = "decide_forecast"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["datastream_id", "starts_on"], name="decide_forecast_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["starts_on"], name="decide_forecast_day"),
        ]
