import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

TERMS = """
INSERT INTO convey_deviceterm (code, version, amount, unit, basis_zh, basis_en, confirmed) VALUES
  ('silent_periods', 1, 3, '1',
   '连续三个上报周期无数据即判离线；默认值，待主管部门确认',
   'No data for three reporting periods is offline; a default, to be confirmed by the authority', false),
  ('silent_s', 1, 900, 's',
   '未登记上报周期的设备，静默 15 分钟判离线；默认值，待主管部门确认',
   'A device without a known period is offline after 15 silent minutes; a default, to be confirmed by the authority',
   false),
  ('clock_skew_s', 1, 300, 's',
   '设备时钟偏差超过 5 分钟视为设备故障；默认值，待主管部门确认',
   'A clock more than 5 minutes wrong is a fault of the device; a default, to be confirmed by the authority', false),
  ('late_s', 1, 3600, 's',
   '数据晚到超过 1 小时（且超过离线判定时限）标记为迟到；默认值，待主管部门确认',
   'A reading more than 1 hour old, and older than the offline limit, is late; a default, to be confirmed by the authority',
   false),
  ('impossible_readings', 1, 100, '1',
   '超出量程的数据累计 100 条，建议隔离设备；默认值，待主管部门确认',
   'After 100 impossible readings quarantine is suggested; a default, to be confirmed by the authority', false),
  ('credential_grace_s', 1, 604800, 's',
   '更换凭证后旧凭证继续有效 7 天，供现场更换；默认值，待主管部门确认',
   'A replaced credential stays valid for 7 days, for the change in the field; a default, to be confirmed by the authority',
   false),
  ('calibration_notice_d', 1, 30, 'd',
   '检定到期前 30 天提示；默认值，待主管部门确认',
   'Calibration is announced 30 days before it is due; a default, to be confirmed by the authority', false);
"""


class Migration(migrations.Migration):
    dependencies = [("convey", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="DeviceImport",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("actor", models.CharField(max_length=120)),
                ("file", models.CharField(max_length=200)),
                ("made", models.IntegerField()),
                ("refused", models.IntegerField()),
                ("rows", models.JSONField()),
            ],
            options={
                "db_table": "convey_deviceimport",
            },
        ),
        migrations.CreateModel(
            name="Device",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=60, unique=True)),
                ("title_zh", models.CharField(max_length=160)),
                ("title_en", models.CharField(max_length=200)),
                ("thing_id", models.BigIntegerField(unique=True)),
                ("project", models.CharField(db_default="", max_length=60)),
                ("vendor", models.CharField(db_default="", max_length=120)),
                ("model", models.CharField(db_default="", max_length=120)),
                ("serial_number", models.CharField(db_default="", max_length=120)),
                ("protocol", models.CharField(db_default="", max_length=30)),
                ("address", models.CharField(db_default="", max_length=120)),
                ("endpoint", models.CharField(db_default="", max_length=120)),
                ("secret_digest", models.CharField(db_default="", max_length=64)),
                ("organisation", models.CharField(db_default="", max_length=60)),
                ("area", models.CharField(max_length=15)),
                ("longitude", models.FloatField(null=True)),
                ("latitude", models.FloatField(null=True)),
                ("origin", models.CharField(db_default="live", max_length=12)),
                ("installed_on", models.DateField(null=True)),
                ("calibrated_on", models.DateField(null=True)),
                ("calibration_due_on", models.DateField(null=True)),
                ("state", models.CharField(db_default="registered", max_length=12)),
                ("state_since", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("state_reason", models.CharField(db_default="", max_length=300)),
                ("last_heard_at", models.DateTimeField(null=True)),
                ("clock_skew_s", models.FloatField(null=True)),
                ("period_s", models.FloatField(null=True)),
                ("silent_after_s", models.FloatField(null=True)),
                ("impossible_count", models.BigIntegerField(db_default=0)),
                ("entered_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "db_table": "convey_device",
                "indexes": [models.Index(fields=["state", "silent_after_s"], name="convey_device_state")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(
                            models.Q(("address", ""), _negated=True), models.Q(("state", "retired"), _negated=True)
                        ),
                        fields=("protocol", "address", "endpoint"),
                        name="convey_device_place",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DeviceTerm",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=40)),
                ("version", models.IntegerField()),
                ("amount", models.FloatField()),
                ("unit", models.CharField(max_length=20)),
                ("basis_zh", models.TextField()),
                ("basis_en", models.TextField()),
                ("confirmed", models.BooleanField(default=False)),
                ("valid_from", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "db_table": "convey_deviceterm",
                "constraints": [models.UniqueConstraint(fields=("code", "version"), name="convey_deviceterm_once")],
            },
        ),
        migrations.CreateModel(
            name="Channel",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=80)),
                ("datastream_id", models.BigIntegerField(unique=True)),
                ("scale", models.FloatField(db_default=1.0)),
                ("offset", models.FloatField(db_default=0.0)),
                ("valid_min", models.FloatField(null=True)),
                ("valid_max", models.FloatField(null=True)),
                (
                    "device",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="channels", to="convey.device"
                    ),
                ),
            ],
            options={
                "db_table": "convey_channel",
                "constraints": [models.UniqueConstraint(fields=("device", "name"), name="convey_channel_once")],
            },
        ),
        migrations.CreateModel(
            name="DeviceChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("actor", models.CharField(max_length=120)),
                ("state_from", models.CharField(max_length=12)),
                ("state_to", models.CharField(max_length=12)),
                ("reason", models.CharField(db_default="", max_length=300)),
                (
                    "device",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="changes", to="convey.device"
                    ),
                ),
            ],
            options={
                "db_table": "convey_devicechange",
                "indexes": [models.Index(fields=["device", "-at"], name="convey_devicechange_of")],
            },
        ),
        migrations.CreateModel(
            name="LedgerVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.BigIntegerField(db_default=0)),
            ],
            options={"db_table": "convey_ledgerversion"},
        ),
        migrations.CreateModel(
            name="Arrival",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("since", models.DateTimeField()),
                ("project", models.CharField(max_length=60)),
                ("area", models.CharField(max_length=15)),
                ("vendor", models.CharField(max_length=120)),
                ("organisation", models.CharField(max_length=60)),
                ("received", models.BigIntegerField()),
                ("expected", models.FloatField()),
            ],
            options={
                "db_table": "convey_arrival",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("since", "project", "area", "vendor", "organisation"), name="convey_arrival_once"
                    )
                ],
            },
        ),
        migrations.RunSQL("INSERT INTO convey_ledgerversion DEFAULT VALUES", migrations.RunSQL.noop),
        migrations.RunSQL("ALTER TABLE convey_device SET (fillfactor = 60)", migrations.RunSQL.noop),
        migrations.RunSQL(TERMS, migrations.RunSQL.noop),
    ]
