import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("convey", "0002_devices"),
    ]

    operations = [
        migrations.CreateModel(
            name="Dataset",
            fields=[
                ("code", models.CharField(max_length=80, primary_key=True, serialize=False)),
                ("owner", models.CharField(db_index=True, max_length=60)),
                ("title_zh", models.CharField(max_length=160)),
                ("title_en", models.CharField(max_length=200)),
                ("description_zh", models.TextField()),
                ("description_en", models.TextField()),
                ("theme", models.CharField(max_length=20)),
                ("keywords_zh", models.JSONField(default=list)),
                ("keywords_en", models.JSONField(default=list)),
                ("area", models.CharField(max_length=15)),
                ("since", models.DateField(null=True)),
                ("until", models.DateField(null=True)),
                ("frequency", models.CharField(max_length=20)),
                ("licence_zh", models.TextField()),
                ("licence_en", models.TextField()),
                ("licence_uri", models.TextField(db_default="")),
                ("openness", models.CharField(max_length=12)),
                ("contact_name", models.CharField(max_length=120)),
                ("contact_email", models.CharField(max_length=200)),
                ("selection", models.JSONField(default=dict)),
                ("version", models.IntegerField(default=1)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("changed_at", models.DateTimeField()),
                ("changed_by", models.CharField(max_length=120)),
            ],
            options={
                "db_table": "convey_dataset",
            },
        ),
        migrations.CreateModel(
            name="ExternalSet",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uri", models.CharField(max_length=500, unique=True)),
                ("source", models.CharField(db_index=True, max_length=300)),
                ("title", models.TextField()),
                ("description", models.TextField(db_default="")),
                ("publisher", models.TextField(db_default="")),
                ("licence", models.TextField(db_default="")),
                ("landing_page", models.TextField(db_default="")),
                ("keywords", models.JSONField(default=list)),
                ("distributions", models.JSONField(default=list)),
                ("harvested_at", models.DateTimeField()),
            ],
            options={
                "db_table": "convey_externalset",
            },
        ),
        migrations.CreateModel(
            name="Access",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("token_id", models.BigIntegerField(null=True)),
                ("token_name", models.CharField(db_default="", max_length=120)),
                ("organisation", models.CharField(db_default="", max_length=60)),
                ("kind", models.CharField(max_length=20)),
                ("path", models.CharField(max_length=300)),
                ("rows", models.BigIntegerField()),
                ("whole", models.BooleanField(db_default=False)),
                (
                    "datasets",
                    django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=80), size=None),
                ),
                (
                    "owners",
                    django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=60), size=None),
                ),
                (
                    "contracts",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None),
                ),
            ],
            options={
                "db_table": "convey_access",
                "indexes": [
                    models.Index(fields=["at"], name="convey_access_at"),
                    django.contrib.postgres.indexes.GinIndex(fields=["owners"], name="convey_access_owners"),
                    django.contrib.postgres.indexes.GinIndex(fields=["contracts"], name="convey_access_contracts"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Contract",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("asker", models.CharField(db_index=True, max_length=60)),
                ("owner", models.CharField(db_index=True, max_length=60)),
                ("purpose", models.TextField()),
                ("legal_basis", models.TextField()),
                ("state", models.CharField(max_length=12)),
                ("wanted_from", models.DateTimeField()),
                ("wanted_until", models.DateTimeField()),
                ("valid_from", models.DateTimeField(null=True)),
                ("valid_until", models.DateTimeField(null=True)),
                ("asked_at", models.DateTimeField()),
                ("asked_by", models.CharField(max_length=120)),
                ("decided_at", models.DateTimeField(null=True)),
                ("decided_by", models.CharField(db_default="", max_length=120)),
                ("ended_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "convey_contract",
                "indexes": [models.Index(fields=["state", "valid_until"], name="convey_contract_due")],
            },
        ),
        migrations.CreateModel(
            name="ContractStep",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("actor", models.CharField(max_length=120)),
                ("step", models.CharField(max_length=12)),
                ("state", models.CharField(max_length=12)),
                ("note", models.TextField(db_default="")),
                (
                    "contract",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="steps", to="convey.contract"
                    ),
                ),
            ],
            options={
                "db_table": "convey_contractstep",
            },
        ),
        migrations.CreateModel(
            name="SharingTerm",
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
                "db_table": "convey_sharingterm",
                "constraints": [models.UniqueConstraint(fields=("code", "version"), name="convey_sharingterm_once")],
            },
        ),
        migrations.CreateModel(
            name="Subscription",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("url", models.CharField(max_length=500)),
                ("state", models.CharField(max_length=12)),
                ("key_version", models.IntegerField(db_default=1)),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(max_length=120)),
                ("position", models.TextField()),
                ("failures", models.IntegerField(db_default=0)),
                ("next_try_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("last_error", models.TextField(db_default="")),
                ("delivered", models.BigIntegerField(db_default=0)),
                ("delivered_at", models.DateTimeField(null=True)),
                ("stopped_at", models.DateTimeField(null=True)),
                (
                    "contract",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="subscriptions", to="convey.contract"
                    ),
                ),
            ],
            options={
                "db_table": "convey_subscription",
            },
        ),
        migrations.CreateModel(
            name="DeadLetter",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("kind", models.CharField(max_length=12)),
                (
                    "observation_ids",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None),
                ),
                ("error", models.TextField(db_default="")),
                ("again_at", models.DateTimeField(null=True)),
                ("redelivered_at", models.DateTimeField(null=True)),
                (
                    "subscription",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="dead_letters",
                        to="convey.subscription",
                    ),
                ),
            ],
            options={
                "db_table": "convey_deadletter",
            },
        ),
        migrations.CreateModel(
            name="ContractSet",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "contract",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="sets", to="convey.contract"
                    ),
                ),
                (
                    "dataset",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="contracts", to="convey.dataset"
                    ),
                ),
            ],
            options={
                "db_table": "convey_contractset",
                "constraints": [
                    models.UniqueConstraint(fields=("contract", "dataset"), name="convey_contractset_once")
                ],
            },
        ),
        migrations.AddIndex(
            model_name="subscription",
            index=models.Index(fields=["state", "next_try_at"], name="convey_subscription_due"),
        ),
    ]
