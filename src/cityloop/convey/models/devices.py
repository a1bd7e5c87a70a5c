"""Tables of the device ledger (感知终端一套台账): devices, channels, what became of them, limits in force."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now


class Device(models.Model):
    """A sensing device. `code` is its name over MQTT too; `thing_id` the thing of sense that it is.

    `secret_digest` is the SHA-256 of the secret its protocol carries (HJ 212's password, JT/T 808's key), empty where
    none is asked for. `impossible_count` counts readings beyond the valid ranges since the state last changed.
    """

    code = models.CharField(max_length=60, unique=True)
    title_zh = models.CharField(max_length=160)
    title_en = models.CharField(max_length=200)
    thing_id = models.BigIntegerField(unique=True)
    project = models.CharField(max_length=60, db_default="")
    vendor = models.CharField(max_length=120, db_default="")
    model = models.CharField(max_length=120, db_default="")
    serial_number = models.CharField(max_length=120, db_default="")
    protocol = models.CharField(max_length=30, db_default="")
    address = models.CharField(max_length=120, db_default="")
    endpoint = models.CharField(max_length=120, db_default="")
    secret_digest = models.CharField(max_length=64, db_default="")
    organisation = models.CharField(max_length=60, db_default="")
    area = models.CharField(max_length=15)
    longitude = models.FloatField(null=True)
    latitude = models.FloatField(null=True)
    origin = models.CharField(max_length=12, db_default="live")
    installed_on = models.DateField(null=True)
    calibrated_on = models.DateField(null=True)
    calibration_due_on = models.DateField(null=True)
    state = models.CharField(max_length=12, db_default="registered")
    state_since = models.DateTimeField(db_default=Now())
    state_reason = models.CharField(max_length=300, db_default="")
    last_heard_at = models.DateTimeField(null=True)
    clock_skew_s = models.FloatField(null=True)
    period_s = models.FloatField(null=True)
    silent_after_s = models.FloatField(null=True)
    impossible_count = models.BigIntegerField(db_default=0)
    entered_at = models.DateTimeField(db_default=Now())

    class Meta:
        """Found by code, thing, place in a protocol, state; never deleted.

        Few indexes and half-filled pages, for signs of life are noted in its rows all the time.
        """

        db_table = "convey_device"
        indexes: ClassVar = [models.Index(fields=["state", "silent_after_s"], name="convey_device_state")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["protocol", "address", "endpoint"],
                condition=~models.Q(address="") & ~models.Q(state="retired"),
                name="convey_device_place",
            )
        ]


class Channel(models.Model):
    """Which datastream a channel of a device feeds, how its numbers become the stream's, and which are possible."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="channels")
    name = models.CharField(max_length=80)
    datastream_id = models.BigIntegerField(unique=True)
    scale = models.FloatField(db_default=1.0)
    offset = models.FloatField(db_default=0.0)
    valid_min = models.FloatField(null=True)
    valid_max = models.FloatField(null=True)

    class Meta:
        """One row a device and channel; a stream is fed by one channel at the most."""

        db_table = "convey_channel"
        constraints: ClassVar = [models.UniqueConstraint(fields=["device", "name"], name="convey_channel_once")]


class DeviceChange(models.Model):
    """That a device went from one state to another; written once and never changed."""

    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="changes")
    at = models.DateTimeField(db_default=Now())
    actor = models.CharField(max_length=120)
    state_from = models.CharField(max_length=12)
    state_to = models.CharField(max_length=12)
    reason = models.CharField(max_length=300, db_default="")

    class Meta:
        """Read by device, newest first."""

        db_table = "convey_devicechange"
        indexes: ClassVar = [models.Index(fields=["device", "-at"], name="convey_devicechange_of")]


class DeviceTerm(models.Model):
    """A limit of the ledger as versioned data: the row with the greatest version of a code is in force."""

    code = models.CharField(max_length=40)
    version = models.IntegerField()
    amount = models.FloatField()
    unit = models.CharField(max_length=20)
    basis_zh = models.TextField()
    basis_en = models.TextField()
    confirmed = models.BooleanField(default=False)
    valid_from = models.DateTimeField(db_default=Now())

    class Meta:
        """One row a code and version."""

        db_table = "convey_deviceterm"
        constraints: ClassVar = [models.UniqueConstraint(fields=["code", "version"], name="convey_deviceterm_once")]


class DeviceImport(models.Model):
    """A CSV of devices that was taken in, and what became of each row."""

    at = models.DateTimeField(db_default=Now())
    actor = models.CharField(max_length=120)
    file = models.CharField(max_length=200)
    made = models.IntegerField()
    refused = models.IntegerField()
    rows = models.JSONField()

    class Meta:
        """Read newest first; only the last ones are kept."""

        db_table = "convey_deviceimport"


class LedgerVersion(models.Model):
    """One row, moved in every transaction that changes who may speak or how readings are marked."""

    version = models.BigIntegerField(db_default=0)

    class Meta:
        """Compared every two seconds by the processes of the data plane."""

        db_table = "convey_ledgerversion"


class Arrival(models.Model):
    """How many readings came in a span of five minutes, and how many were expected, by whose devices they are."""

    since = models.DateTimeField()
    project = models.CharField(max_length=60)
    area = models.CharField(max_length=15)
    vendor = models.CharField(max_length=120)
    organisation = models.CharField(max_length=60)
    received = models.BigIntegerField()
    expected = models.FloatField()

    class Meta:
        """Read by time; older than two days it is forgotten."""

        db_table = "convey_arrival"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["since", "project", "area", "vendor", "organisation"], name="convey_arrival_once"
            )
        ]
