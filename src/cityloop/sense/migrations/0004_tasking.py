"""Actuators, what things can be asked to do, and the tasks they were given (SensorThings Tasking 1.0)."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sense", "0003_archive")]

    operations = [
        migrations.CreateModel(
            "Actuator",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.TextField()),
                ("description", models.TextField()),
                ("encoding_type", models.TextField()),
                ("metadata", models.JSONField()),
                ("properties", models.JSONField(null=True)),
            ],
            {"db_table": "sense_actuator"},
        ),
        migrations.CreateModel(
            "TaskingCapability",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.TextField()),
                ("description", models.TextField()),
                ("properties", models.JSONField(null=True)),
                ("tasking_parameters", models.JSONField()),
                (
                    "thing",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="sense.thing"),
                ),
                (
                    "actuator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="sense.actuator"
                    ),
                ),
            ],
            {"db_table": "sense_taskingcapability"},
        ),
        migrations.CreateModel(
            "Task",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("creation_time", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("tasking_parameters", models.JSONField()),
                (
                    "capability",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="sense.taskingcapability"
                    ),
                ),
                ("status", models.CharField(db_default="created", max_length=12)),
                ("actor", models.CharField(max_length=120)),
                ("deadline_at", models.DateTimeField()),
                ("fact_id", models.UUIDField()),
                ("deliveries", models.IntegerField(db_default=0)),
                ("delivered_at", models.DateTimeField(null=True)),
                ("accepted_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("reason", models.TextField(db_default="")),
            ],
            {
                "db_table": "sense_task",
                "indexes": [
                    models.Index(
                        condition=models.Q(ended_at__isnull=True), fields=["deadline_at"], name="sense_task_open"
                    )
                ],
            },
        ),
    ]
