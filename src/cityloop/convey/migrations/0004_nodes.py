from django.db import migrations, models
from django.db.models.expressions import RawSQL


class Migration(migrations.Migration):
    dependencies = [("convey", "0003_sharing")]

    operations = [
        migrations.CreateModel(
            name="Node",
            fields=[
                ("number", models.SmallIntegerField(primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=20)),
                ("title_zh", models.CharField(max_length=80)),
                ("title_en", models.CharField(max_length=160)),
                ("area", models.CharField(max_length=15)),
                ("digest", models.CharField(max_length=64)),
                ("registered_at", models.DateTimeField()),
                ("removed_at", models.DateTimeField(null=True)),
                ("incarnation", models.CharField(default="", max_length=40)),
                ("version", models.CharField(default="", max_length=40)),
                ("heard_at", models.DateTimeField(null=True)),
                ("clock_ahead_s", models.FloatField(null=True)),
                ("waiting_rows", models.BigIntegerField(default=0)),
                ("waiting_readings", models.BigIntegerField(default=0)),
                ("oldest_at", models.DateTimeField(null=True)),
                ("taken_readings", models.BigIntegerField(default=0)),
                ("late_readings", models.BigIntegerField(default=0)),
                ("gaps", models.BigIntegerField(default=0)),
            ],
            options={"db_table": "convey_node"},
        ),
        migrations.CreateModel(
            name="NodeStream",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "number", "remote_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("number", models.SmallIntegerField()),
                ("remote_id", models.BigIntegerField()),
                ("datastream_id", models.BigIntegerField()),
            ],
            options={"db_table": "convey_nodestream"},
        ),
        migrations.CreateModel(
            name="Outbox",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "transaction",
                    models.BigIntegerField(db_default=RawSQL("pg_current_xact_id()::text::bigint", ())),
                ),
                ("target", models.SmallIntegerField()),
                ("number", models.BigIntegerField(null=True)),
                ("topic", models.CharField(max_length=60)),
                ("payload", models.BinaryField()),
                ("readings", models.IntegerField(default=0)),
                ("made_at", models.DateTimeField(db_default=RawSQL("clock_timestamp()", ()))),
            ],
            options={
                "db_table": "convey_outbox",
                "indexes": [
                    models.Index(fields=["target", "number"], name="convey_outbox_number"),
                    models.Index(
                        fields=["target", "transaction", "id"],
                        condition=models.Q(number=None),
                        name="convey_outbox_new",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="OutboxLane",
            fields=[
                ("target", models.SmallIntegerField(primary_key=True, serialize=False)),
                ("last_number", models.BigIntegerField(default=0)),
            ],
            options={"db_table": "convey_outboxlane"},
        ),
        migrations.CreateModel(
            name="Incarnation",
            fields=[
                ("id", models.SmallIntegerField(primary_key=True, serialize=False)),
                ("code", models.CharField(max_length=40)),
            ],
            options={"db_table": "convey_incarnation"},
        ),
        migrations.RunSQL(
            """
            INSERT INTO convey_incarnation (id, code) VALUES (1, gen_random_uuid()::text)
            """,
            "",
        ),
    ]
