"""Closed days, packed to one row a stream and day; corrections; how long what is kept."""

import django.db.models.functions.datetime
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

PACKED = """
CREATE TABLE sense_closedday (
  day date PRIMARY KEY, generations integer NOT NULL DEFAULT 0,
  readings bigint NOT NULL DEFAULT 0, streams integer NOT NULL DEFAULT 0,
  first_id bigint NOT NULL, last_id bigint NOT NULL,
  closed_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE sense_packedday (
  datastream_id bigint NOT NULL, day date NOT NULL, n integer NOT NULL,
  first_time timestamptz NOT NULL, last_time timestamptz NOT NULL, end_time timestamptz NOT NULL,
  first_result_time timestamptz, last_result_time timestamptz,
  first_id bigint NOT NULL, last_id bigint NOT NULL, is_run boolean NOT NULL,
  numbers integer NOT NULL, least double precision, greatest double precision, total double precision,
  time_base_us bigint NOT NULL, time_step_us bigint NOT NULL, time_unit_us bigint NOT NULL,
  time_0 smallint[], time_1 smallint[], time_2 smallint[],
  tick_base bigint NOT NULL, tick_follows bigint NOT NULL, tick_0 smallint[], tick_1 smallint[], tick_2 smallint[],
  lane_base bigint NOT NULL, lane_step bigint NOT NULL, lane_0 smallint[], lane_1 smallint[],
  value_base bigint NOT NULL, value_scale double precision, value_0 smallint[], value_1 smallint[],
  result double precision[], quality_all smallint, quality smallint[], feature_all bigint, feature_id bigint[],
  result_lag_us bigint, result_time timestamptz[], end_lag_us bigint, phenomenon_end timestamptz[],
  valid_from timestamptz[], valid_until timestamptz[],
  result_json jsonb[], result_quality jsonb[], parameters jsonb[],
  PRIMARY KEY (datastream_id, day)
);
CREATE INDEX sense_packedday_day ON sense_packedday (day);
CREATE INDEX sense_packedday_run ON sense_packedday (((first_id >> 11) & 2047), first_id) WHERE is_run;
CREATE TABLE sense_packedid (
  day date NOT NULL, generation integer NOT NULL, first_id bigint NOT NULL, last_id bigint NOT NULL, n integer NOT NULL,
  id_step bigint NOT NULL, id_unit bigint NOT NULL, id_base bigint NOT NULL,
  id_0 smallint[], id_1 smallint[], id_2 smallint[], id_3 smallint[],
  stream_base bigint NOT NULL, stream_0 smallint[], stream_1 smallint[], stream_2 smallint[], stream_3 smallint[],
  PRIMARY KEY (day, generation, first_id)
);
"""

UNPACK = """
CREATE FUNCTION sense_unpacked(p sense_packedday) RETURNS SETOF sense_observation LANGUAGE sql STABLE AS $$
SELECT p.datastream_id, t.phenomenon_time,
  ((p.tick_base + t.offset_us / 1000 * p.tick_follows + (coalesce(u.tick_0, 0)::bigint & 65535)
    + ((coalesce(u.tick_1, 0)::bigint & 65535) << 16) + ((coalesce(u.tick_2, 0)::bigint & 65535) << 32)) << 22)
    + p.lane_base + p.lane_step * (u.place - 1)
    + (coalesce(u.lane_0, 0)::bigint & 65535) + ((coalesce(u.lane_1, 0)::bigint & 65535) << 16),
  coalesce((p.value_base + (coalesce(u.value_0, 0)::bigint & 65535)
    + ((coalesce(u.value_1, 0)::bigint & 65535) << 16))::double precision / p.value_scale, nullif(u.result, 'NaN')),
  coalesce(u.quality, p.quality_all), coalesce(u.feature_id, p.feature_all),
  coalesce(t.phenomenon_time + p.result_lag_us * interval '1 microsecond', nullif(u.result_time, '-infinity')),
  coalesce(t.phenomenon_time + p.end_lag_us * interval '1 microsecond', nullif(u.phenomenon_end, '-infinity')),
  u.result_json, nullif(u.valid_from, '-infinity'), nullif(u.valid_until, '-infinity'), u.result_quality, u.parameters
FROM ROWS FROM (
  generate_series(1, p.n), unnest(p.time_0), unnest(p.time_1), unnest(p.time_2),
  unnest(p.tick_0), unnest(p.tick_1), unnest(p.tick_2), unnest(p.lane_0), unnest(p.lane_1),
  unnest(p.value_0), unnest(p.value_1), unnest(p.result), unnest(p.quality), unnest(p.feature_id),
  unnest(p.result_time), unnest(p.phenomenon_end), unnest(p.valid_from), unnest(p.valid_until),
  unnest(p.result_json), unnest(p.result_quality), unnest(p.parameters)
) AS u (place, time_0, time_1, time_2, tick_0, tick_1, tick_2, lane_0, lane_1, value_0, value_1, result, quality,
  feature_id, result_time, phenomenon_end, valid_from, valid_until, result_json, result_quality, parameters)
CROSS JOIN LATERAL (SELECT p.time_base_us + p.time_step_us * (u.place - 1) + p.time_unit_us * ((coalesce(u.time_0, 0)::bigint & 65535)
  + ((coalesce(u.time_1, 0)::bigint & 65535) << 16) + ((coalesce(u.time_2, 0)::bigint & 65535) << 32))) AS o (offset_us)
CROSS JOIN LATERAL (SELECT o.offset_us, p.first_time + o.offset_us * interval '1 microsecond') AS t (offset_us, phenomenon_time)
$$;
CREATE VIEW sense_reading AS
  SELECT * FROM sense_observation UNION ALL SELECT o.* FROM sense_packedday p CROSS JOIN LATERAL sense_unpacked(p) o;
CREATE FUNCTION sense_packed_place(wanted bigint) RETURNS TABLE (datastream_id bigint, day date) LANGUAGE sql STABLE AS $$
SELECT r.datastream_id, r.day FROM (
  SELECT p.datastream_id, p.day, p.last_id FROM sense_packedday p
  WHERE p.is_run AND ((p.first_id >> 11) & 2047) = ((wanted >> 11) & 2047) AND p.first_id <= wanted
  ORDER BY p.first_id DESC LIMIT 1
) AS r WHERE r.last_id >= wanted
UNION ALL
SELECT b.stream_base + (coalesce(u.stream_0, 0)::bigint & 65535) + ((coalesce(u.stream_1, 0)::bigint & 65535) << 16)
    + ((coalesce(u.stream_2, 0)::bigint & 65535) << 32) + ((coalesce(u.stream_3, 0)::bigint & 65535) << 48), c.day
FROM sense_closedday c CROSS JOIN LATERAL generate_series(1, c.generations) AS g (number)
CROSS JOIN LATERAL (
  SELECT * FROM sense_packedid i WHERE i.day = c.day AND i.generation = g.number AND i.first_id <= wanted
  ORDER BY i.first_id DESC LIMIT 1
) AS b
CROSS JOIN LATERAL ROWS FROM (
  generate_series(1, b.n), unnest(b.id_0), unnest(b.id_1), unnest(b.id_2), unnest(b.id_3),
  unnest(b.stream_0), unnest(b.stream_1), unnest(b.stream_2), unnest(b.stream_3)
) AS u (place, id_0, id_1, id_2, id_3, stream_0, stream_1, stream_2, stream_3)
WHERE c.first_id <= wanted AND c.last_id >= wanted AND b.last_id >= wanted
  AND b.id_base + b.id_step * (u.place - 1) + b.id_unit * ((coalesce(u.id_0, 0)::bigint & 65535)
    + ((coalesce(u.id_1, 0)::bigint & 65535) << 16) + ((coalesce(u.id_2, 0)::bigint & 65535) << 32)
    + ((coalesce(u.id_3, 0)::bigint & 65535) << 48)) = wanted
$$;
"""

UNDO = """
DROP VIEW sense_reading; DROP FUNCTION sense_packed_place(bigint); DROP FUNCTION sense_unpacked(sense_packedday);
DROP TABLE sense_packedid; DROP TABLE sense_packedday; DROP TABLE sense_closedday;
"""

UNCONFIRMED = "默认值，待主管部门确认"
CLASSES = (
    # code, title zh, title en, days (None: for ever), basis
    ("", "一般监测数据", "Ordinary monitoring data", 1096, f"{UNCONFIRMED}：三年，便于年度同比"),
    ("short", "高频原始数据", "High-frequency raw data", 90, f"{UNCONFIRMED}：一季度，供故障复核"),
    (
        "long",
        "生命线与环境质量数据",
        "Lifelines and environmental quality",
        3653,
        f"{UNCONFIRMED}：十年，供趋势分析与追溯",
    ),
    (
        "evidence",
        "执法与考核依据",
        "Evidence of enforcement and assessment",
        None,
        f"{UNCONFIRMED}：永久，作为依据留存",
    ),
    (
        "personal",
        "可关联到个人的数据",
        "Data that can be tied to a person",
        30,
        f"{UNCONFIRMED}：最小必要原则（《个人信息保护法》第十九条）",
    ),
)


def enter_classes(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:  # noqa: ARG001  Django calls it so
    rows = apps.get_model("sense", "Retention")
    for code, zh, en, days, basis in CLASSES:
        rows.objects.create(code=code, title_zh=zh, title_en=en, keep_days=days, basis=basis)


class Migration(migrations.Migration):
    dependencies = [("sense", "0002_ownership")]

    operations = [
        migrations.RunSQL(PACKED + UNPACK, UNDO),
        migrations.CreateModel(
            name="ClosedDay",
            fields=[
                ("day", models.DateField(primary_key=True, serialize=False)),
                ("generations", models.IntegerField(db_default=0)),
                ("readings", models.BigIntegerField(db_default=0)),
                ("streams", models.IntegerField(db_default=0)),
                ("first_id", models.BigIntegerField()),
                ("last_id", models.BigIntegerField()),
                ("closed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={"db_table": "sense_closedday", "managed": False},
        ),
        migrations.CreateModel(
            name="PackedDay",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "datastream_id", "day", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("datastream_id", models.BigIntegerField()),
                ("day", models.DateField()),
                ("n", models.IntegerField()),
                ("first_time", models.DateTimeField()),
                ("last_time", models.DateTimeField()),
                ("first_id", models.BigIntegerField()),
                ("last_id", models.BigIntegerField()),
                ("is_run", models.BooleanField()),
                ("numbers", models.IntegerField()),
                ("least", models.FloatField(null=True)),
                ("greatest", models.FloatField(null=True)),
                ("total", models.FloatField(null=True)),
            ],
            options={"db_table": "sense_packedday", "managed": False},
        ),
        migrations.CreateModel(
            name="Retention",
            fields=[
                ("code", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("title_zh", models.CharField(max_length=80)),
                ("title_en", models.CharField(max_length=80)),
                ("keep_days", models.IntegerField(null=True)),
                ("basis", models.TextField()),
                ("confirmed", models.BooleanField(db_default=False)),
            ],
            options={"db_table": "sense_retention"},
        ),
        migrations.CreateModel(
            name="Removal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("removed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("retention", models.CharField(max_length=20)),
                ("keep_days", models.IntegerField()),
                ("before_day", models.DateField()),
                ("readings", models.BigIntegerField()),
            ],
            options={"db_table": "sense_removal"},
        ),
        migrations.CreateModel(
            name="Correction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("observation_id", models.BigIntegerField(db_index=True)),
                ("datastream_id", models.BigIntegerField()),
                ("corrected_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("actor", models.CharField(db_default="", max_length=120)),
                ("reason", models.TextField(db_default="")),
                ("before", models.JSONField()),
                ("after", models.JSONField(null=True)),
            ],
            options={"db_table": "sense_correction"},
        ),
        migrations.CreateModel(
            name="Load",
            fields=[
                ("fingerprint", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("file", models.TextField()),
                ("rows_done", models.BigIntegerField(db_default=0)),
                ("kept", models.BigIntegerField(db_default=0)),
                ("duplicates", models.BigIntegerField(db_default=0)),
                ("refused", models.BigIntegerField(db_default=0)),
                ("started_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={"db_table": "sense_load"},
        ),
        migrations.RunPython(enter_classes, migrations.RunPython.noop),
    ]
