"""The tables of the duty room; the database itself keeps the duty log append-only."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

_APPEND_ONLY = """
    CREATE FUNCTION command_logentry_stands() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the duty log is append-only: correct an entry by a new one';
    END $$;
    CREATE TRIGGER command_logentry_stands BEFORE UPDATE OR DELETE ON command_logentry
        FOR EACH ROW EXECUTE FUNCTION command_logentry_stands();
"""
_NOT_ANY_MORE = """
    DROP TRIGGER command_logentry_stands ON command_logentry;
    DROP FUNCTION command_logentry_stands();
"""


class Migration(migrations.Migration):
    initial = True
    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Handover",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("handed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("area", models.CharField(max_length=15)),
                ("leaving", models.BigIntegerField()),
                ("taking_over", models.BigIntegerField()),
                ("note", models.TextField()),
                ("open_alarms", models.IntegerField()),
                ("open_cases", models.IntegerField()),
                ("items", models.JSONField(default=list)),
            ],
            options={
                "db_table": "command_handover",
                "indexes": [models.Index(fields=["area", "-handed_at"], name="command_handover_newest")],
            },
        ),
        migrations.CreateModel(
            name="LogEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("written_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("area", models.CharField(max_length=15)),
                ("person", models.BigIntegerField()),
                ("kind", models.CharField(max_length=20)),
                ("words", models.TextField()),
                (
                    "corrects",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="corrections",
                        to="command.logentry",
                    ),
                ),
            ],
            options={
                "db_table": "command_logentry",
                "indexes": [models.Index(fields=["area", "-written_at"], name="command_logentry_newest")],
            },
        ),
        migrations.CreateModel(
            name="WallProject",
            fields=[
                ("code", models.CharField(max_length=60, primary_key=True, serialize=False)),
                ("number", models.SmallIntegerField(null=True)),
                ("title_zh", models.CharField(max_length=120)),
                ("title_en", models.CharField(max_length=200)),
            ],
            options={"db_table": "command_wallproject"},
        ),
        migrations.CreateModel(
            name="WallLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=60)),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="lines", to="command.wallproject"
                    ),
                ),
                ("position", models.SmallIntegerField()),
                ("title_zh", models.CharField(max_length=120)),
                ("title_en", models.CharField(max_length=200)),
                (
                    "streams",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None),
                ),
                ("combine", models.CharField(max_length=8)),
                ("factor", models.FloatField()),
                ("unit", models.CharField(max_length=20)),
                ("decimals", models.SmallIntegerField()),
            ],
            options={
                "db_table": "command_wallline",
                "constraints": [models.UniqueConstraint(fields=("project", "code"), name="command_wallline_once")],
            },
        ),
        migrations.RunSQL(_APPEND_ONLY, _NOT_ANY_MORE),
    ]
