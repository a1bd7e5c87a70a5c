"""Tables of the registry."""

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils import timezone


class Area(models.Model):
    """An administrative area: the city, a district, a street or township, a community, a grid (行政区划)."""

    code = models.CharField(primary_key=True, max_length=15)
    level = models.SmallIntegerField()
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="children", db_index=False)
    name_zh = models.CharField(max_length=80)
    name_en = models.CharField(max_length=160)
    romanised = models.BooleanField(default=False)
    kind = models.CharField(max_length=20, default="")
    longitude = models.FloatField(null=True)
    latitude = models.FloatField(null=True)

    class Meta:
        """Listed by parent."""

        db_table = "registry_area"
        indexes: ClassVar = [models.Index(fields=["parent", "code"], name="registry_area_parent")]


class AreaShape(models.Model):
    """The outline of an area, GeoJSON geometry, WGS 84."""

    area = models.OneToOneField(Area, primary_key=True, on_delete=models.CASCADE, related_name="outline")
    geometry = models.JSONField()
    area_km2 = models.FloatField()

    class Meta:
        """One row a district."""

        db_table = "registry_areashape"


class CalendarDay(models.Model):
    """A day of the working calendar; make-up working days (调休) count as worked."""

    day = models.DateField(primary_key=True)
    is_workday = models.BooleanField()
    holiday = models.CharField(max_length=60, default="")
    in_lieu = models.BooleanField(default=False)

    class Meta:
        """One row a day; a day without a row is not known."""

        db_table = "registry_calendarday"


class Organisation(models.Model):
    """A body that people work for."""

    code = models.CharField(primary_key=True, max_length=60)
    name_zh = models.CharField(max_length=120)
    name_en = models.CharField(max_length=200)
    kind = models.CharField(max_length=30)
    area = models.ForeignKey(Area, on_delete=models.PROTECT, related_name="organisations")
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="children")

    class Meta:
        """Found by kind and area."""

        db_table = "registry_organisation"
        indexes: ClassVar = [models.Index(fields=["kind", "area"], name="registry_organisation_kind")]


class PersonManager(BaseUserManager["Person"]):
    """Finds people by their account name."""

    use_in_migrations = False


class Person(AbstractBaseUser):
    """A person with an account."""

    username = models.CharField(max_length=60, unique=True)
    name_zh = models.CharField(max_length=60)
    name_en = models.CharField(max_length=120)
    language = models.CharField(max_length=10, default="zh-hans")
    is_active = models.BooleanField(default=True)
    must_change_password = models.BooleanField(default=False)
    joined_at = models.DateTimeField(default=timezone.now)

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = PersonManager()

    class Meta:
        """The users of the site."""

        db_table = "registry_person"


class Post(models.Model):
    """A role a person holds for an organisation in an area, from one day until before another."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="posts")
    role = models.CharField(max_length=40)
    organisation = models.ForeignKey(Organisation, null=True, on_delete=models.PROTECT, related_name="posts")
    area = models.ForeignKey(Area, on_delete=models.PROTECT, related_name="posts")
    valid_from = models.DateField()
    valid_until = models.DateField(null=True)

    class Meta:
        """Ended, never deleted; a post cannot end before it begins."""

        db_table = "registry_post"
        indexes: ClassVar = [models.Index(fields=["role", "area"], name="registry_post_role")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(valid_until__isnull=True) | models.Q(valid_until__gte=models.F("valid_from")),
                name="registry_post_in_order",
            )
        ]


class AuditEntry(models.Model):
    """Who reached for what, and whether it was given; rows are written once and never changed."""

    at = models.DateTimeField(default=timezone.now)
    actor = models.CharField(max_length=120)
    right = models.CharField(max_length=40)
    what = models.CharField(max_length=200)
    area = models.CharField(max_length=15, default="")
    outcome = models.CharField(max_length=20)
    address = models.CharField(max_length=45, default="")

    class Meta:
        """Read newest first, and by actor."""

        db_table = "registry_audit"
        indexes: ClassVar = [
            models.Index(fields=["-at"], name="registry_audit_at"),
            models.Index(fields=["actor", "-at"], name="registry_audit_actor"),
        ]


class LoginFailure(models.Model):
    """A failed attempt to log in; counted to lock out whoever guesses."""

    account = models.CharField(max_length=60)
    address = models.CharField(max_length=45)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        """Counted over a window of time, by account and by address."""

        db_table = "registry_loginfailure"
        indexes: ClassVar = [
            models.Index(fields=["account", "at"], name="registry_failure_account"),
            models.Index(fields=["address", "at"], name="registry_failure_address"),
        ]


class ApiToken(models.Model):
    """A machine's key to the data interfaces; only its SHA-256 is kept.

    `organisation` is whose machine it is: it then reads what that organisation owns and what contracts grant it; empty
    stands for the city's own machines. `thing_id` limits a device's key to the datastreams of its own thing.
    """

    name = models.CharField(max_length=120)
    digest = models.CharField(max_length=64, unique=True)
    may_read = models.BooleanField(default=True)
    may_write = models.BooleanField(default=False)
    may_task = models.BooleanField(db_default=False)
    organisation = models.CharField(max_length=60, db_default="")
    thing_id = models.BigIntegerField(null=True, db_index=True)
    area = models.ForeignKey(Area, on_delete=models.PROTECT, related_name="tokens")
    issued_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        """One row a token."""

        db_table = "registry_apitoken"


class Grant(models.Model):
    """That an organisation may read a data set from one moment until another; made by a data contract."""

    contract_id = models.BigIntegerField(db_index=True)
    organisation = models.CharField(max_length=60, db_index=True)
    dataset = models.CharField(max_length=80)
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        """One row a contract and data set."""

        db_table = "registry_grant"
