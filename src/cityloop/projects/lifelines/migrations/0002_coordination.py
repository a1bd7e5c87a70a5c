"""Requests to those upstream and the demand side; the database itself keeps pictures frozen and the protected safe."""

import django.db.models.deletion
import django.db.models.expressions
from django.db import migrations, models

_STANDS = """
    CREATE FUNCTION lifelines_picture_stands() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' OR NEW.picture IS DISTINCT FROM OLD.picture OR NEW.seal IS DISTINCT FROM OLD.seal
            OR NEW.as_of IS DISTINCT FROM OLD.as_of OR NEW.position IS DISTINCT FROM OLD.position
        THEN
            RAISE EXCEPTION 'what was frozen when it was drafted stands as it is';
        END IF;
        RETURN NEW;
    END $$;
    CREATE FUNCTION lifelines_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'this table is append-only';
    END $$;
    CREATE TRIGGER lifelines_request_stands BEFORE UPDATE OR DELETE ON lifelines_request
        FOR EACH ROW EXECUTE FUNCTION lifelines_picture_stands();
    CREATE TRIGGER lifelines_reduction_stands BEFORE UPDATE OR DELETE ON lifelines_reduction
        FOR EACH ROW EXECUTE FUNCTION lifelines_picture_stands();
    CREATE TRIGGER lifelines_requeststep_stands BEFORE UPDATE OR DELETE ON lifelines_requeststep
        FOR EACH ROW EXECUTE FUNCTION lifelines_is_append_only();
    CREATE TRIGGER lifelines_reductionstep_stands BEFORE UPDATE OR DELETE ON lifelines_reductionstep
        FOR EACH ROW EXECUTE FUNCTION lifelines_is_append_only();
    CREATE TRIGGER lifelines_delivery_stands BEFORE UPDATE OR DELETE ON lifelines_delivery
        FOR EACH ROW EXECUTE FUNCTION lifelines_is_append_only();
"""
_STANDS_NOT = """
    DROP TRIGGER lifelines_request_stands ON lifelines_request;
    DROP TRIGGER lifelines_reduction_stands ON lifelines_reduction;
    DROP TRIGGER lifelines_requeststep_stands ON lifelines_requeststep;
    DROP TRIGGER lifelines_reductionstep_stands ON lifelines_reductionstep;
    DROP TRIGGER lifelines_delivery_stands ON lifelines_delivery;
    DROP FUNCTION lifelines_picture_stands();
    DROP FUNCTION lifelines_is_append_only();
"""
_NEVER_PROTECTED = """
    ALTER TABLE lifelines_reductioncut ADD CONSTRAINT lifelines_reductioncut_user_protected
        FOREIGN KEY (user_id, protected) REFERENCES lifelines_lineuser (id, protected)
"""
_NEVER_PROTECTED_NOT = "ALTER TABLE lifelines_reductioncut DROP CONSTRAINT lifelines_reductioncut_user_protected"


class Migration(migrations.Migration):
    dependencies = [("lifelines", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Numbering",
            fields=[
                ("day", models.DateField(primary_key=True, serialize=False)),
                ("last", models.IntegerField()),
            ],
            options={
                "db_table": "lifelines_numbering",
            },
        ),
        migrations.CreateModel(
            name="AnswerTerm",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("level", models.SmallIntegerField()),
                ("version", models.IntegerField()),
                ("hours", models.FloatField()),
                ("basis_zh", models.TextField()),
                ("basis_en", models.TextField()),
                ("confirmed", models.BooleanField(default=False)),
                ("changed_by", models.CharField(max_length=120)),
                ("change_note", models.TextField()),
                ("valid_from", models.DateTimeField()),
            ],
            options={
                "db_table": "lifelines_answerterm",
                "constraints": [
                    models.UniqueConstraint(fields=("level", "version"), name="lifelines_answerterm_version"),
                    models.CheckConstraint(condition=models.Q(("hours__gt", 0)), name="lifelines_answerterm_hours"),
                ],
            },
        ),
        migrations.CreateModel(
            name="UpstreamRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.CharField(max_length=24, unique=True)),
                ("token", models.UUIDField(unique=True)),
                ("line", models.CharField(max_length=20)),
                ("organisation", models.CharField(max_length=60)),
                ("area", models.CharField(max_length=15)),
                ("level", models.SmallIntegerField(null=True)),
                ("quantity", models.FloatField()),
                ("unit", models.CharField(max_length=20)),
                ("begins_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("reason", models.TextField()),
                ("legal_basis", models.TextField()),
                ("party_name", models.CharField(max_length=200)),
                ("party_contact", models.CharField(max_length=200)),
                ("party_organisation", models.CharField(default="", max_length=60)),
                ("alarm_id", models.BigIntegerField(null=True)),
                ("case_id", models.BigIntegerField(null=True)),
                ("picture", models.JSONField()),
                ("seal", models.CharField(max_length=64)),
                ("as_of", models.DateTimeField()),
                ("position", models.BigIntegerField()),
                ("state", models.CharField(max_length=12)),
                ("granted", models.FloatField(null=True)),
                ("drafted_by", models.CharField(max_length=120)),
                ("drafted_at", models.DateTimeField()),
                ("sent_at", models.DateTimeField(null=True)),
                ("term_hours", models.FloatField(null=True)),
                ("term_version", models.IntegerField(null=True)),
                ("due_at", models.DateTimeField(null=True)),
                ("overdue_told_at", models.DateTimeField(null=True)),
                ("answered_at", models.DateTimeField(null=True)),
                ("answered_by", models.CharField(default="", max_length=200)),
                ("closed_at", models.DateTimeField(null=True)),
                ("outcome", models.CharField(default="", max_length=12)),
                ("moved_at", models.DateTimeField()),
                ("version", models.IntegerField(default=1)),
                ("last_fact", models.UUIDField()),
            ],
            options={
                "db_table": "lifelines_request",
                "indexes": [
                    models.Index(fields=["state", "due_at"], name="lifelines_request_state"),
                    models.Index(fields=["organisation", "state"], name="lifelines_request_body"),
                    models.Index(fields=["line", "begins_at"], name="lifelines_request_line"),
                ],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("quantity__gt", 0)), name="lifelines_request_quantity"),
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("begins_at"))), name="lifelines_request_window"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("granted__isnull", True),
                            models.Q(("granted__gte", 0), ("granted__lte", models.F("quantity"))),
                            _connector="OR",
                        ),
                        name="lifelines_request_granted",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ("draft", "approved", "sent", "closed")),
                            models.Q(("answered_at__isnull", False), ("granted__isnull", False)),
                            _connector="OR",
                        ),
                        name="lifelines_request_answered",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("closed_at__isnull", False), ("state", "closed")),
                            models.Q(models.Q(("state", "closed"), _negated=True), ("closed_at__isnull", True)),
                            _connector="OR",
                        ),
                        name="lifelines_request_closed",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="UserList",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("line", models.CharField(max_length=20)),
                ("version", models.IntegerField()),
                ("unit", models.CharField(max_length=20)),
                ("note", models.TextField()),
                ("made_by", models.CharField(max_length=120)),
                ("made_at", models.DateTimeField()),
            ],
            options={
                "db_table": "lifelines_userlist",
                "constraints": [models.UniqueConstraint(fields=("line", "version"), name="lifelines_userlist_version")],
            },
        ),
        migrations.CreateModel(
            name="Reduction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.CharField(max_length=24, unique=True)),
                ("token", models.UUIDField(unique=True)),
                ("line", models.CharField(max_length=20)),
                ("organisation", models.CharField(max_length=60)),
                ("area", models.CharField(max_length=15)),
                ("level", models.SmallIntegerField(null=True)),
                ("gap", models.FloatField()),
                ("total", models.FloatField()),
                ("unit", models.CharField(max_length=20)),
                ("begins_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("reason", models.TextField()),
                ("picture", models.JSONField()),
                ("seal", models.CharField(max_length=64)),
                ("as_of", models.DateTimeField()),
                ("position", models.BigIntegerField()),
                ("state", models.CharField(max_length=12)),
                ("proposed_by", models.CharField(max_length=120)),
                ("proposed_at", models.DateTimeField()),
                ("in_force_at", models.DateTimeField(null=True)),
                ("lifted_at", models.DateTimeField(null=True)),
                ("moved_at", models.DateTimeField()),
                ("version", models.IntegerField(default=1)),
                ("last_fact", models.UUIDField()),
                (
                    "list",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="reductions", to="lifelines.userlist"
                    ),
                ),
            ],
            options={
                "db_table": "lifelines_reduction",
            },
        ),
        migrations.CreateModel(
            name="LineUserRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.IntegerField()),
                ("name", models.CharField(max_length=200)),
                ("kind", models.CharField(max_length=20)),
                ("protected", models.BooleanField()),
                ("use", models.FloatField()),
                ("quantity", models.FloatField()),
                ("heat_bound", models.FloatField()),
                ("notice_hours", models.FloatField()),
                ("basis", models.TextField()),
                (
                    "list",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="users", to="lifelines.userlist"
                    ),
                ),
            ],
            options={
                "db_table": "lifelines_lineuser",
            },
        ),
        migrations.CreateModel(
            name="ReductionCut",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.IntegerField()),
                ("protected", models.BooleanField(default=False)),
                ("quantity", models.FloatField()),
                (
                    "reduction",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="cuts", to="lifelines.reduction"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="cuts", to="lifelines.lineuserrow"
                    ),
                ),
            ],
            options={
                "db_table": "lifelines_reductioncut",
                "constraints": [
                    models.UniqueConstraint(fields=("reduction", "user"), name="lifelines_reductioncut_once"),
                    models.CheckConstraint(
                        condition=models.Q(("protected", False)), name="lifelines_reductioncut_never_protected"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("quantity__gt", 0)), name="lifelines_reductioncut_quantity"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ReductionStepRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.IntegerField()),
                ("token", models.UUIDField(unique=True)),
                ("step", models.CharField(max_length=20)),
                ("state_before", models.CharField(max_length=12)),
                ("state", models.CharField(max_length=12)),
                ("actor", models.CharField(max_length=120)),
                ("role", models.CharField(max_length=40)),
                ("at", models.DateTimeField()),
                ("note", models.TextField(default="")),
                ("fact_id", models.UUIDField(unique=True)),
                (
                    "reduction",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="steps", to="lifelines.reduction"
                    ),
                ),
            ],
            options={
                "db_table": "lifelines_reductionstep",
                "constraints": [
                    models.UniqueConstraint(fields=("reduction", "position"), name="lifelines_reductionstep_position")
                ],
            },
        ),
        migrations.CreateModel(
            name="RequestStepRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.IntegerField()),
                ("token", models.UUIDField(unique=True)),
                ("step", models.CharField(max_length=20)),
                ("state_before", models.CharField(max_length=12)),
                ("state", models.CharField(max_length=12)),
                ("actor", models.CharField(max_length=120)),
                ("role", models.CharField(max_length=40)),
                ("at", models.DateTimeField()),
                ("note", models.TextField(default="")),
                ("quantity", models.FloatField(null=True)),
                ("fact_id", models.UUIDField(unique=True)),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="steps",
                        to="lifelines.upstreamrequest",
                    ),
                ),
            ],
            options={
                "db_table": "lifelines_requeststep",
                "constraints": [
                    models.UniqueConstraint(fields=("request", "position"), name="lifelines_requeststep_position")
                ],
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("quantity", models.FloatField()),
                ("noted_by", models.CharField(max_length=120)),
                ("noted_at", models.DateTimeField()),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="lifelines.upstreamrequest",
                    ),
                ),
            ],
            options={
                "db_table": "lifelines_delivery",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("quantity__gt", 0)), name="lifelines_delivery_quantity")
                ],
            },
        ),
        migrations.AddIndex(
            model_name="reduction",
            index=models.Index(fields=["line", "begins_at"], name="lifelines_reduction_line"),
        ),
        migrations.AddConstraint(
            model_name="reduction",
            constraint=models.CheckConstraint(
                condition=models.Q(("gap__gt", 0), ("total__gt", 0)), name="lifelines_reduction_quantity"
            ),
        ),
        migrations.AddConstraint(
            model_name="reduction",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_at__gt", models.F("begins_at"))), name="lifelines_reduction_window"
            ),
        ),
        migrations.AddConstraint(
            model_name="lineuserrow",
            constraint=models.UniqueConstraint(fields=("list", "name"), name="lifelines_lineuser_name"),
        ),
        migrations.AddConstraint(
            model_name="lineuserrow",
            constraint=models.UniqueConstraint(fields=("list", "position"), name="lifelines_lineuser_position"),
        ),
        migrations.AddConstraint(
            model_name="lineuserrow",
            constraint=models.UniqueConstraint(fields=("id", "protected"), name="lifelines_lineuser_protected"),
        ),
        migrations.AddConstraint(
            model_name="lineuserrow",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        models.Q(("kind__in", ["home_heating", "hospital", "school"])),
                        ("protected", True),
                        ("quantity", 0),
                    ),
                    models.Q(
                        models.Q(("kind__in", ["home_heating", "hospital", "school"]), _negated=True),
                        ("protected", False),
                        ("quantity__gt", 0),
                    ),
                    _connector="OR",
                ),
                name="lifelines_lineuser_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="lineuserrow",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("heat_bound__gte", 0),
                    ("notice_hours__gte", 0),
                    (
                        "quantity__lte",
                        django.db.models.expressions.CombinedExpression(models.F("use"), "-", models.F("heat_bound")),
                    ),
                ),
                name="lifelines_lineuser_figures",
            ),
        ),
        migrations.RunSQL(_STANDS, _STANDS_NOT),
        migrations.RunSQL(_NEVER_PROTECTED, _NEVER_PROTECTED_NOT),
    ]
