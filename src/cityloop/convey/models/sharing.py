"""Tables of shared data: data sets, entries harvested elsewhere, contracts, subscriptions, who read what."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Now


class Dataset(models.Model):
    """An entry of the catalogue: datastreams of one owner, described and offered (数据集)."""

    code = models.CharField(primary_key=True, max_length=80)
    owner = models.CharField(max_length=60, db_index=True)
    title_zh = models.CharField(max_length=160)
    title_en = models.CharField(max_length=200)
    description_zh = models.TextField()
    description_en = models.TextField()
    theme = models.CharField(max_length=20)
    keywords_zh = models.JSONField(default=list)
    keywords_en = models.JSONField(default=list)
    area = models.CharField(max_length=15)
    since = models.DateField(null=True)
    until = models.DateField(null=True)
    frequency = models.CharField(max_length=20)
    licence_zh = models.TextField()
    licence_en = models.TextField()
    licence_uri = models.TextField(db_default="")
    openness = models.CharField(max_length=12)
    contact_name = models.CharField(max_length=120)
    contact_email = models.CharField(max_length=200)
    selection = models.JSONField(default=dict)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=120)

    class Meta:
        """Found by owner and theme."""

        db_table = "convey_dataset"


class ExternalSet(models.Model):
    """A data set that another catalogue offers, as its DCAT tells it."""

    uri = models.CharField(unique=True, max_length=500)
    source = models.CharField(max_length=300, db_index=True)
    title = models.TextField()
    description = models.TextField(db_default="")
    publisher = models.TextField(db_default="")
    licence = models.TextField(db_default="")
    landing_page = models.TextField(db_default="")
    keywords = models.JSONField(default=list)
    distributions = models.JSONField(default=list)
    harvested_at = models.DateTimeField()

    class Meta:
        """One row a data set of another catalogue."""

        db_table = "convey_externalset"


class Contract(models.Model):
    """That an organisation wants to read data sets of another for a purpose and a time (数据使用协议)."""

    asker = models.CharField(max_length=60, db_index=True)
    owner = models.CharField(max_length=60, db_index=True)
    purpose = models.TextField()
    legal_basis = models.TextField()
    state = models.CharField(max_length=12)
    wanted_from = models.DateTimeField()
    wanted_until = models.DateTimeField()
    valid_from = models.DateTimeField(null=True)
    valid_until = models.DateTimeField(null=True)
    asked_at = models.DateTimeField()
    asked_by = models.CharField(max_length=120)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=120, db_default="")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        """Due ones are found by state and end."""

        db_table = "convey_contract"
        indexes: ClassVar = [models.Index(fields=["state", "valid_until"], name="convey_contract_due")]


class ContractSet(models.Model):
    """Which data sets a contract is about."""

    contract = models.ForeignKey(Contract, models.CASCADE, related_name="sets")
    dataset = models.ForeignKey(Dataset, models.PROTECT, related_name="contracts")

    class Meta:
        """Each once."""

        db_table = "convey_contractset"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["contract", "dataset"], name="convey_contractset_once"),
        ]


class ContractStep(models.Model):
    """One step of a contract's life: who did what when, and with which words."""

    contract = models.ForeignKey(Contract, models.CASCADE, related_name="steps")
    at = models.DateTimeField()
    actor = models.CharField(max_length=120)
    step = models.CharField(max_length=12)
    state = models.CharField(max_length=12)
    note = models.TextField(db_default="")

    class Meta:
        """Read by contract, oldest first."""

        db_table = "convey_contractstep"


class Subscription(models.Model):
    """A webhook under a contract; `position` is how far the receiver has acknowledged the history.

    The key that signs is derived from the city's secret, this row's number and `key_version`; it is nowhere kept.
    """

    contract = models.ForeignKey(Contract, models.CASCADE, related_name="subscriptions")
    url = models.CharField(max_length=500)
    state = models.CharField(max_length=12)
    key_version = models.IntegerField(db_default=1)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=120)
    position = models.TextField()
    failures = models.IntegerField(db_default=0)
    next_try_at = models.DateTimeField(db_default=Now())
    last_error = models.TextField(db_default="")
    delivered = models.BigIntegerField(db_default=0)
    delivered_at = models.DateTimeField(null=True)
    stopped_at = models.DateTimeField(null=True)

    class Meta:
        """Those due are found by state and time."""

        db_table = "convey_subscription"
        indexes: ClassVar = [models.Index(fields=["state", "next_try_at"], name="convey_subscription_due")]


class DeadLetter(models.Model):
    """A batch that a receiver would not take after all attempts, or what fell out of the bounds of a subscription."""

    subscription = models.ForeignKey(Subscription, models.CASCADE, related_name="dead_letters")
    at = models.DateTimeField()
    kind = models.CharField(max_length=12)
    observation_ids = ArrayField(models.BigIntegerField())
    error = models.TextField(db_default="")
    again_at = models.DateTimeField(null=True)
    redelivered_at = models.DateTimeField(null=True)

    class Meta:
        """Read by subscription, newest first."""

        db_table = "convey_deadletter"


class Access(models.Model):
    """One read of shared data, written before the answer is given."""

    at = models.DateTimeField(db_default=Now())
    token_id = models.BigIntegerField(null=True)
    token_name = models.CharField(max_length=120, db_default="")
    organisation = models.CharField(max_length=60, db_default="")
    kind = models.CharField(max_length=20)
    path = models.CharField(max_length=300)
    rows = models.BigIntegerField()
    whole = models.BooleanField(db_default=False)
    datasets = ArrayField(models.CharField(max_length=80))
    owners = ArrayField(models.CharField(max_length=60))
    contracts = ArrayField(models.BigIntegerField())

    class Meta:
        """Read newest first by owner, and by day."""

        db_table = "convey_access"
        indexes: ClassVar = [
            models.Index(fields=["at"], name="convey_access_at"),
            GinIndex(fields=["owners"], name="convey_access_owners"),
            GinIndex(fields=["contracts"], name="convey_access_contracts"),
        ]


class SharingTerm(models.Model):
    """A limit of sharing as versioned data: the row with the greatest version of a code is in force."""

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

        db_table = "convey_sharingterm"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["code", "version"], name="convey_sharingterm_once"),
        ]
