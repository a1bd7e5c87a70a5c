"""The tables of sense; the partitioned history and the hot `latest` table are made by SQL."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

HISTORY = """
CREATE TABLE sense_observation (
  datastream_id bigint NOT NULL, phenomenon_time timestamptz NOT NULL, id bigint NOT NULL,
  result double precision, quality smallint NOT NULL DEFAULT 0, feature_id bigint NOT NULL, result_time timestamptz,
  phenomenon_end timestamptz, result_json jsonb, valid_from timestamptz, valid_until timestamptz,
  result_quality jsonb, parameters jsonb,
  PRIMARY KEY (datastream_id, phenomenon_time, id)
) PARTITION BY RANGE (phenomenon_time);
CREATE INDEX sense_observation_id ON sense_observation USING brin (id);
CREATE TABLE sense_observation_other PARTITION OF sense_observation DEFAULT;
"""

LATEST = """
CREATE TABLE sense_latest (
  datastream_id bigint PRIMARY KEY, feature_id bigint,
  id bigint, phenomenon_time timestamptz, result double precision, result_json jsonb, quality smallint,
  received_at timestamptz, first_time timestamptz, last_time timestamptz,
  first_result_time timestamptz, last_result_time timestamptz
) WITH (fillfactor = 50);
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Latest",
            fields=[
                ("datastream_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("feature_id", models.BigIntegerField(null=True)),
                ("id", models.BigIntegerField(null=True)),
                ("phenomenon_time", models.DateTimeField(null=True)),
                ("result", models.FloatField(null=True)),
                ("result_json", models.JSONField(null=True)),
                ("quality", models.SmallIntegerField(null=True)),
                ("received_at", models.DateTimeField(null=True)),
                ("first_time", models.DateTimeField(null=True)),
                ("last_time", models.DateTimeField(null=True)),
                ("first_result_time", models.DateTimeField(null=True)),
                ("last_result_time", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "sense_latest",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Observation",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "datastream_id",
                        "phenomenon_time",
                        "id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("datastream_id", models.BigIntegerField()),
                ("phenomenon_time", models.DateTimeField()),
                ("id", models.BigIntegerField()),
                ("result", models.FloatField(null=True)),
                ("quality", models.SmallIntegerField(db_default=0)),
                ("feature_id", models.BigIntegerField()),
                ("result_time", models.DateTimeField(null=True)),
                ("phenomenon_end", models.DateTimeField(null=True)),
                ("result_json", models.JSONField(null=True)),
                ("valid_from", models.DateTimeField(null=True)),
                ("valid_until", models.DateTimeField(null=True)),
                ("result_quality", models.JSONField(null=True)),
                ("parameters", models.JSONField(null=True)),
            ],
            options={
                "db_table": "sense_observation",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Feature",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.TextField()),
                ("description", models.TextField()),
                ("encoding_type", models.TextField()),
                ("feature", models.JSONField()),
                ("properties", models.JSONField(null=True)),
                ("west", models.FloatField(null=True)),
                ("south", models.FloatField(null=True)),
                ("east", models.FloatField(null=True)),
                ("north", models.FloatField(null=True)),
            ],
            options={
                "db_table": "sense_feature",
            },
        ),
        migrations.CreateModel(
            name="HistoricalLocation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("time", models.DateTimeField()),
            ],
            options={
                "db_table": "sense_historicallocation",
            },
        ),
        migrations.CreateModel(
            name="Idempotency",
            fields=[
                ("retry_key", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("kept_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), db_index=True)),
                (
                    "observation_ids",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None),
                ),
                (
                    "outcomes",
                    django.contrib.postgres.fields.ArrayField(base_field=models.SmallIntegerField(), size=None),
                ),
            ],
            options={
                "db_table": "sense_idempotency",
            },
        ),
        migrations.CreateModel(
            name="ObservedProperty",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.TextField()),
                ("definition", models.TextField()),
                ("description", models.TextField()),
                ("properties", models.JSONField(null=True)),
                ("code", models.CharField(max_length=160, null=True, unique=True)),
            ],
            options={
                "db_table": "sense_observedproperty",
            },
        ),
        migrations.CreateModel(
            name="Rejected",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "received_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), db_index=True),
                ),
                ("mouth", models.CharField(max_length=20)),
                ("reason", models.CharField(max_length=60)),
                ("detail", models.TextField(db_default="")),
                ("source", models.CharField(db_default="", max_length=200)),
                ("payload", models.BinaryField()),
            ],
            options={
                "db_table": "sense_rejected",
            },
        ),
        migrations.CreateModel(
            name="RejectedCount",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "mouth", "reason", "day", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("mouth", models.CharField(max_length=20)),
                ("reason", models.CharField(max_length=60)),
                ("day", models.DateField()),
                ("count", models.BigIntegerField(db_default=0)),
            ],
            options={
                "db_table": "sense_rejectedcount",
            },
        ),
        migrations.CreateModel(
            name="Sensor",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.TextField()),
                ("description", models.TextField()),
                ("encoding_type", models.TextField()),
                ("metadata", models.JSONField()),
                ("properties", models.JSONField(null=True)),
                ("code", models.CharField(max_length=160, null=True, unique=True)),
            ],
            options={
                "db_table": "sense_sensor",
            },
        ),
        migrations.CreateModel(
            name="Thing",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.TextField()),
                ("description", models.TextField()),
                ("properties", models.JSONField(null=True)),
                ("code", models.CharField(max_length=160, null=True, unique=True)),
                ("project", models.CharField(db_default="", max_length=60)),
            ],
            options={
                "db_table": "sense_thing",
            },
        ),
        migrations.CreateModel(
            name="Location",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.TextField()),
                ("description", models.TextField()),
                ("encoding_type", models.TextField()),
                ("location", models.JSONField()),
                ("properties", models.JSONField(null=True)),
                ("west", models.FloatField(null=True)),
                ("south", models.FloatField(null=True)),
                ("east", models.FloatField(null=True)),
                ("north", models.FloatField(null=True)),
                ("code", models.CharField(max_length=160, null=True, unique=True)),
                (
                    "feature",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="sense.feature"
                    ),
                ),
            ],
            options={
                "db_table": "sense_location",
            },
        ),
        migrations.CreateModel(
            name="HistoricalPlace",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "historical_id", "location_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "historical",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="sense.historicallocation",
                    ),
                ),
                (
                    "location",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="sense.location"
                    ),
                ),
            ],
            options={
                "db_table": "sense_historicalplace",
            },
        ),
        migrations.AddField(
            model_name="historicallocation",
            name="thing",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="sense.thing"),
        ),
        migrations.CreateModel(
            name="Datastream",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.TextField()),
                ("description", models.TextField()),
                ("observation_type", models.TextField()),
                ("unit_name", models.TextField(null=True)),
                ("unit_symbol", models.TextField(null=True)),
                ("unit_definition", models.TextField(null=True)),
                ("observed_area", models.JSONField(null=True)),
                ("properties", models.JSONField(null=True)),
                ("code", models.CharField(max_length=160, null=True, unique=True)),
                ("project", models.CharField(db_default="", db_index=True, max_length=60)),
                ("period_s", models.FloatField(null=True)),
                ("decimals", models.SmallIntegerField(db_default=1)),
                ("origin", models.CharField(db_default="live", max_length=12)),
                ("area", models.CharField(db_default="110000", max_length=15)),
                ("longitude", models.FloatField(null=True)),
                ("latitude", models.FloatField(null=True)),
                (
                    "observed_property",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="sense.observedproperty"
                    ),
                ),
                (
                    "sensor",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="sense.sensor"),
                ),
                (
                    "thing",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="sense.thing"),
                ),
            ],
            options={
                "db_table": "sense_datastream",
            },
        ),
        migrations.CreateModel(
            name="ThingLocation",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "thing_id", "location_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "location",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="sense.location"
                    ),
                ),
                (
                    "thing",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="sense.thing"
                    ),
                ),
            ],
            options={
                "db_table": "sense_thinglocation",
            },
        ),
        migrations.RunSQL(HISTORY, "DROP TABLE sense_observation"),
        migrations.RunSQL(LATEST, "DROP TABLE sense_latest"),
    ]
